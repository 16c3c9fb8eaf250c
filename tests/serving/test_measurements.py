"""`POST /measurements`: what is stored, what is refused, who may, and what a ledger in trouble answers."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.client.client import Client, ServiceError
from serving.commands.data import data
from serving.rest import measurements
from serving.rest.http_api import create_app
from serving.rest.protection import Protection
from training.ledger import database, place
from training.ledger.store import Ledger

KEYS = ("the first key of two", "the second key of two")
HEADERS = {"X-API-Key": KEYS[1]}
ROW = {"formula": "Li5.93PS4.93Cl1.07", "sigma_mS_per_cm": 3.1, "temperature_C": 25, "reference": "lab:2025-01-02:JD"}


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv(place.URL_VARIABLE, url)
    return url


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(protection=Protection.of(KEYS))


def send(app: FastAPI, document: object = None, headers: dict[str, str] = HEADERS, **more: Any) -> httpx.Response:
    """Post a document, or `content=` with headers of its own."""
    if "content" not in more:
        more["json"] = document

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
            return await client.post("/measurements", headers=headers, **more)

    return asyncio.run(post())


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def held(address: str) -> list[float]:
    ledger = Ledger.open(address)
    return [float(entry.content["sigma_S_per_cm"]) for entry in ledger.holding("conductivity") if entry.content]


def test_rows_are_stored_once_with_the_name_of_who_sent_them(app: FastAPI, address: str) -> None:
    first = send(app, {"measurements": [ROW], "who": " J.\tDoe "})
    assert first.status_code == 200, first.text
    assert first.json()["status"] == "stored"
    assert first.json()["entries"] == [1]
    assert first.json()["who"] == "J. Doe, API key 2"
    again = send(app, {"measurements": [ROW]})
    assert (again.status_code, again.json()["status"]) == (200, "nothing new")
    entry = Ledger.open(address).find(1)
    assert entry.who == "J. Doe, API key 2"
    text = first.text + again.text + Path(address.removeprefix("sqlite:///")).read_bytes().decode("latin-1")
    assert not any(key in text for key in KEYS)
    assert address not in first.text


def test_without_a_name_the_key_is_named_by_its_place(app: FastAPI, address: str) -> None:
    assert send(app, {"measurements": [ROW]}).json()["who"] == "API key 2"
    bearer = {"Authorization": f"Bearer {KEYS[0]}"}
    assert send(app, {"measurements": [ROW], "dry_run": True}, bearer).json()["who"] == "API key 1"


def test_an_impossible_row_stops_all_and_is_named(app: FastAPI, address: str) -> None:
    response = send(app, {"measurements": [ROW, ROW | {"sigma_mS_per_cm": -2}]})
    assert code_of(response) == (400, "rows_refused")
    report = response.json()["report"]
    assert [row["outcome"] for row in report["rows"]] == ["storable", "refused"]
    problem = next(problem for problem in report["problems"] if problem["level"] == "refused")
    assert (problem["row"], problem["code"], problem["column"]) == (2, "not_positive", "sigma_mS_per_cm")
    assert problem["expected"]
    assert "row 2" in response.json()["error"]["message"]
    assert held(address) == []
    kept = send(app, {"measurements": [ROW, ROW | {"sigma_mS_per_cm": -2}], "keep_good": True})
    assert (kept.status_code, kept.json()["status"]) == (200, "partly stored")
    assert held(address) == [pytest.approx(3.1e-3)]


def test_a_suspicious_row_waits_until_somebody_has_looked(app: FastAPI, address: str) -> None:
    document = {"measurements": [ROW | {"temperature_C": 298}]}
    response = send(app, document)
    assert code_of(response) == (409, "rows_held")
    assert "temperature_in_kelvin" in response.text
    assert held(address) == []
    assert response.json()["report"]["accept_warnings"] == "1:temperature_in_kelvin"
    assert '"accept_warnings": "1:temperature_in_kelvin"' in response.json()["error"]["message"]
    assert code_of(send(app, document | {"accept_warnings": True})) == (400, "invalid_request")
    assert send(app, document | {"accept_warnings": "1:temperature_in_kelvin"}).status_code == 200
    assert len(held(address)) == 1


def test_held_rows_and_their_acceptance_are_the_same_over_rest_and_at_the_command_line(
    app: FastAPI, address: str, tmp_path: Path
) -> None:
    path = tmp_path / "measurements.csv"
    rows = ["Li6PS5Cl2,3.1,25", "LiCoO2,1e-5,25", "Li₆PS₅Cl(s),2,298", "Li5.93PS4.93Cl1.07,3.1,25"]
    path.write_text("\n".join(["formula,sigma_mS_per_cm,temperature_C", *rows]) + "\n", encoding="utf-8")
    source = "lab:2025-01-02:JD"
    command = CliRunner().invoke(data, ["check", "--input", str(path), "--source", source, "--json"])
    csv = {"headers": HEADERS | {"Content-Type": "text/csv"}, "content": path.read_bytes()}
    response = send(app, **csv, params={"source": source})
    assert code_of(response) == (409, "rows_held")
    told, said = response.json()["report"], json.loads(command.stdout)
    for part in ("rows", "problems", "accept_warnings", "counts"):
        assert told[part] == said[part]
    assert [row["read_as"] for row in told["rows"]] == ["Li6PS5Cl2", "LiCoO2", "Li6PS5Cl", "Li5.93PS4.93Cl1.07"]
    assert [row["line"] for row in told["rows"]] == [2, 3, 4, 5]
    wrong = send(app, **csv, params={"source": source, "accept_warnings": "2:isotope"})
    assert code_of(wrong) == (400, "unusable_measurements")
    assert held(address) == []
    partly = send(app, **csv, params={"source": source, "accept_warnings": "1:not_charge_balanced"})
    assert (partly.status_code, partly.json()["entries"]) == (200, [1, 2])
    assert [row["outcome"] for row in partly.json()["rows"]] == ["stored", "held", "held", "stored"]
    rest = [{"formula": "LiCoO2", "sigma_mS_per_cm": 1e-5, "temperature_C": 25}]
    listed = send(app, {"measurements": rest, "source": source, "accept_warnings": ["1:out_of_domain"]})
    assert (listed.status_code, listed.json()["entries"]) == (200, [3])


def test_a_table_is_taken_as_a_file_would_be(app: FastAPI, address: str) -> None:
    csv = "formula,sigma_mS_per_cm,temperature_C\nLi5.93PS4.93Cl1.07,3.1,25\n".encode("utf-8-sig")
    headers = HEADERS | {"Content-Type": "text/csv; charset=utf-8"}
    response = send(app, headers=headers, content=csv, params={"source": "lab:2025-01-02:JD", "who": "JD"})
    assert response.status_code == 200, response.text
    assert response.json()["who"] == "JD, API key 2"
    assert send(app, {"measurements": [ROW]}).json()["status"] == "nothing new"
    for params, code in (
        ({"kindd": "ccd"}, "invalid_request"),
        ({"kind": "x"}, "unusable_measurements"),
        ({}, "rows_refused"),
    ):
        assert code_of(send(app, headers=headers, content=csv, params=params)) == (400, code)
    twice = send(app, headers=headers, content=csv, params=[("who", "a"), ("who", "b")])
    assert code_of(twice) == (400, "duplicate_key")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"measurements": []}, "invalid_request"),
        ({"measurements": {}}, "invalid_request"),
        ({"measurements": [[1]]}, "invalid_request"),
        ({"measurements": [{"formula": ["Li"]}]}, "invalid_request"),
        ({"measurements": [ROW], "dryrun": True}, "invalid_request"),
        ({"measurements": [ROW], "dry_run": "yes"}, "invalid_request"),
        ({"measurements": [ROW], "who": "x" * 201}, "invalid_request"),
        ({"measurements": [ROW], "kind": "colour"}, "unusable_measurements"),
        ({"measurements": [{"formula": "Li6PS5Cl", "sigma": 3}]}, "unusable_measurements"),
        ({"measurements": [{}]}, "unusable_measurements"),
        ([ROW], "invalid_request"),
        ({}, "invalid_request"),
    ],
)
def test_what_cannot_be_read_is_refused(app: FastAPI, address: str, document: object, code: str) -> None:
    response = send(app, document)
    assert code_of(response) == (400, code), response.text
    assert len(response.json()["error"]["message"]) > 20


def test_too_many_rows_another_media_type_and_a_query_are_refused(app: FastAPI, address: str) -> None:
    many = {"measurements": [{}] * (measurements.MAX_MEASUREMENTS + 1)}
    assert code_of(send(app, many)) == (413, "too_many_measurements")
    form = HEADERS | {"Content-Type": "application/x-www-form-urlencoded"}
    assert code_of(send(app, headers=form, content=b"a=b")) == (415, "unsupported_media_type")
    assert code_of(send(app, {"measurements": [ROW]}, params={"dry_run": "true"})) == (400, "invalid_request")


def test_nobody_writes_without_a_key(address: str, app: FastAPI) -> None:
    closed = create_app()
    assert code_of(send(closed, {"measurements": [ROW]}, {})) == (403, "writing_disabled")
    for headers in ({}, {"X-API-Key": "wrong"}):
        assert code_of(send(app, {"measurements": [ROW]}, headers)) == (401, "unauthorized")
    assert not Path(address.removeprefix("sqlite:///")).exists()


def test_a_busy_a_full_and_an_absent_ledger_say_so(
    app: FastAPI, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.open(address).close()
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        response = send(app, {"measurements": [ROW]})
        other.execute("ROLLBACK")
    assert code_of(response) == (503, "ledger_unavailable")
    assert int(response.headers["retry-after"]) == measurements.BUSY_RETRY_SECONDS
    assert "another writer" in response.text
    assert str(tmp_path) not in response.text

    def full(*_: object, **__: object) -> None:
        raise database.LedgerFullError(f"no space left for {tmp_path}")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", full)
        response = send(app, {"measurements": [ROW]})
    assert code_of(response) == (503, "ledger_unavailable")
    assert "no space" in response.text
    monkeypatch.setenv(place.URL_VARIABLE, f"sqlite:///{tmp_path}")  # a folder
    assert code_of(send(app, {"measurements": [ROW]})) == (503, "ledger_unavailable")
    monkeypatch.setattr(place, "NEEDED_MODULES", ("no_such_module",))
    assert code_of(send(app, {"measurements": [ROW]})) == (404, "no_ledger")


def test_a_ledger_that_takes_too_long_does_not_promise_that_nothing_was_stored(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.rest.admission import AdmissionLimits

    def slow(*_: object, **__: object) -> None:
        import time

        time.sleep(0.6)

    monkeypatch.setattr(measurements, "record_measurements", slow)
    hurried = create_app(limits=AdmissionLimits(answer_seconds=0.2), protection=Protection.of(KEYS))
    response = send(hurried, {"measurements": [ROW]})
    assert code_of(response) == (503, "ledger_unavailable")
    assert "safe" in response.text


def test_the_examples_run_and_every_answer_fits_the_document(app: FastAPI, address: str) -> None:
    document = create_app().openapi()
    operation = document["paths"]["/measurements"]["post"]
    components = {"components": document["components"]}
    bodies = {name: media["example"] for name, media in operation["requestBody"]["content"].items()}
    answers = [
        send(app, bodies["application/json"]),
        send(app, headers=HEADERS | {"Content-Type": "text/csv"}, content=bodies["text/csv"], params={"dry_run": True}),
        send(app, {"measurements": [ROW | {"formula": "Na3PS4"}]}),
        send(app, {"measurements": [ROW | {"temperature_C": 298}]}),
        send(app, {"measurements": 1}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 409, 400]
    for answer in answers:
        declared = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), declared | components)
    request = operation["requestBody"]["content"]["application/json"]
    jsonschema.validate(request["example"], request["schema"] | components)
    assert operation["responses"].keys() >= {"401", "403", "404", "408", "413", "415", "429", "503", "504"}
    assert "Retry-After" in operation["responses"]["503"]["headers"]
    assert held(address) == []  # the examples are trials


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["Li6PS5Cl", "<1e-5", "1e999", "25", "Li", "=1+1", "lab:2025-01-02:x", "10.1/x"]),
)
headers_of_rows = st.sampled_from(
    [
        "formula",
        "sigma_mS_per_cm",
        "sigma (S/cm)",
        "T / K",
        "temperature_C",
        "doi",
        "reference",
        "bound",
        "sample",
        "ccd_mA_per_cm2",
        "interlayer_type",
        "anode",
        "year",
        "a",
        "measured_on",
        "reduction_V",
        "observation",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.one_of(headers_of_rows, st.text(max_size=8)), cells, max_size=7), max_size=4))
def test_no_rows_make_a_server_error(app: FastAPI, address: str, rows: list[dict[str, object]]) -> None:
    response = send(app, {"measurements": rows, "dry_run": True})
    assert response.status_code in (200, 400), response.text
    json.loads(response.text)


def test_the_client_adds_measurements_and_tells_what_is_wrong(address: str) -> None:
    app = create_app(protection=Protection.of(KEYS))

    class Through(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = send(app, headers=dict(request.headers), content=request.read())
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client(api_key=KEYS[0], transport=Through()) as client:
        assert client.add_measurements([ROW], who="JD")["status"] == "stored"
        hot = ROW | {"temperature_C": 298}
        with pytest.raises(ServiceError, match=r"1:temperature_in_kelvin"):
            client.add_measurements([hot])
        assert client.add_measurements([hot], accept_warnings=["1:temperature_in_kelvin"])["status"] == "stored"
        with pytest.raises(ServiceError, match=r"row 1.*no_lithium") as error:
            client.add_measurements([ROW | {"formula": "Na3PS4"}])
        assert (error.value.status, error.value.code) == (400, "rows_refused")
