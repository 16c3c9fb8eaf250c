"""The Python client against the real application over a real socket, and against services that misbehave."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import uvicorn
from click.testing import CliRunner
from scripted_service import answering, echoing

from serving import Client
from serving.answers.input_tables import InputTableError
from serving.answers.output_tables import FLAT_COLUMNS, flat_row
from serving.cli import EXIT_ROW_FAILED, elyte
from serving.client import client as client_module
from serving.client.client import Predictions, ServiceError, ServiceUnavailableError
from serving.predictor import Predictor
from serving.ranking.request import RankRequest
from serving.rest.http_api import create_app

FORMULAS = ["Li6PS5Cl", "Xx2O3", "Li3YCl6", "Li3N"]


@pytest.fixture(scope="module")
def url(predictor: Predictor) -> Iterator[str]:
    """Serve the application on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(predictor), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of the application."""
    with Client(url) as opened:
        yield opened


# ---------------------------------------------------------------- the service's answers


def test_predictions_are_those_of_python(client: Client, predictor: Predictor) -> None:
    """The same document on both ways."""
    answers = client.predict(FORMULAS, temperature_C=60, coverage=0.8, properties=["conductivity"])
    expected = predictor.predict_formulas(FORMULAS, temperature_C=60, coverage=0.8)
    for row, other in zip(answers.results, expected["results"], strict=True):
        assert row["status"] == other["status"]
        assert row.get("conductivity") == other.get("conductivity")
    assert answers.models.keys() == {"conductivity"}
    assert len(answers) == 4
    (error,) = answers.errors()
    assert (error["index"], error["code"]) == (1, "unknown_element")


def test_one_formula_mappings_and_frames_are_candidates(client: Client) -> None:
    """Notebooks hold all of these."""
    (one,) = client.predict("Li6PS5Cl", temperature_C=60.0).results
    rows = [{"id": "a", "formula": "Li6PS5Cl", "conditions": {"temperature_C": 60}}]
    (mapped,) = client.predict(rows).results
    frame = pd.DataFrame({"id": ["a"], "formula": ["Li6PS5Cl"], "temperature_C": [60.0], "cif": [np.nan]}, index=[7])
    (tabled,) = client.predict(frame).results
    assert tabled == mapped == one | {"id": "a"}
    for several in (np.array(FORMULAS), pd.Series(FORMULAS), tuple(FORMULAS), (formula for formula in FORMULAS)):
        assert [row["status"] for row in client.predict(several, properties=["stability"]).results] == [
            "ok",
            "error",
            "ok",
            "ok",
        ]
    assert client.predict([]).results == client.predict(frame.head(0)).results == []


def test_a_bad_row_of_a_frame_keeps_its_place(client: Client) -> None:
    """It fails before it is sent; the others are answered around it."""
    frame = pd.DataFrame({"formula": ["Li3N", "Li2O", "?"], "temperature_C": ["60", "warm", "25"], "note": 1})
    with pytest.warns(UserWarning, match="columns not used: note"):
        answers = client.predict(frame, properties=["conductivity"])
    assert [row["index"] for row in answers.results] == [0, 1, 2]
    assert [error["code"] for error in answers.errors()] == ["invalid_condition", "unparseable_formula"]
    assert [error["index"] for error in answers.errors()] == [1, 2]
    with pytest.raises(InputTableError, match="did you mean 'formula'"):
        client.predict(pd.DataFrame({"formulae": ["Li3N"]}))


def test_answers_become_a_frame(client: Client) -> None:
    """Flat columns, one row a candidate, errors included."""
    answers = client.predict(FORMULAS)
    frame = answers.to_frame()
    assert tuple(frame.columns) == FLAT_COLUMNS
    assert len(frame) == len(FORMULAS)
    assert frame["status"].tolist() == ["ok", "error", "ok", "ok"]
    assert frame["log10_sigma_S_per_cm"][0] == flat_row(answers.results[0])["log10_sigma_S_per_cm"]
    assert "explanation" in client.predict("Li3N", explain=True).to_frame().columns
    assert tuple(Predictions([], {}).to_frame().columns) == FLAT_COLUMNS


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_tables_are_answered_as_by_the_command_line(client: Client, tmp_path: Path, ending: str) -> None:
    """The same reader and the same writer stand at both ends."""
    table, out = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "formula": ["Li3N", "?", "Li3YCl6"], "temperature_C": [60.0, 25.0, 25]}
    )
    if ending == ".csv":
        frame.to_csv(table, index=False)
    elif ending == ".jsonl":
        frame.to_json(table, orient="records", lines=True)
    else:
        frame.to_parquet(table)
    answers = client.predict_csv(table, out, properties=["conductivity"])
    expected = tmp_path / f"expected{ending}"
    arguments = ["--input", str(table), "--output", str(expected), "--property", "conductivity"]
    assert CliRunner().invoke(elyte, ["predict", *arguments]).exit_code == EXIT_ROW_FAILED
    assert out.read_bytes() == expected.read_bytes()
    of_frame = client.predict(frame, properties=["conductivity"]).results
    assert [answers.results[0], answers.results[2]] == [of_frame[0], of_frame[2]]
    (error,), place = answers.errors(), {".csv": "line 3", ".jsonl": "line 2", ".parquet": "row 2"}[ending]
    assert error["message"] == of_frame[1]["error"]["message"].replace("row 2: ", f"{place}: ")


def test_the_other_routes(client: Client, predictor: Predictor) -> None:
    """Each as its document."""
    assert client.ready()
    near = client.nearest(["Li6PS5Cl", "?"], properties=["conductivity"], count=2)
    assert [row["status"] for row in near["results"]] == ["ok", "error"]
    assert len(near["results"][0]["conductivity"]["nearest"]) == 2
    contacts = client.interface("Li6PS5Cl", against=["LCO"], voltage_V=4.2)["contacts"]
    assert contacts
    grid = client.ccd_grid("Li6PS5Cl", temperatures_C=[25, 60], interlayer_types=["none"], stack_pressure_MPa=5.0)
    assert [point["conditions"]["temperature_C"] for point in grid["points"]] == [25, 60]
    assert all(point["conditions"]["stack_pressure_MPa"] == 5 for point in grid["points"])
    assert client.models()["conductivity"]["version"] == predictor.models()["conductivity"]["version"]
    with pytest.raises(TypeError, match="list of names"):
        client.interface("Li6PS5Cl", against="LCO")


def test_rankings_keep_places_and_name_bad_rows(client: Client, predictor: Predictor) -> None:
    wishes = ["sigma>=1e-3@25", "hull<=0.05", "minimise cost"]
    frame = pd.DataFrame(
        {"formula": ["Li6PS5Cl", "Li3YCl6", "Xx2O3", "Li3InCl6", "UO2"], "temperature_C": [25, "warm", 25, None, 25]}
    )
    batch = {"size": 1, "method": "success"}
    document = client.rank(frame, objectives=wishes, batch=batch, constraints={"avoid": ["U"]})
    assert {entry["index"]: entry["formula"] for entry in document["ranking"]} == {0: "Li6PS5Cl", 3: "Li3InCl6"}
    assert [pick["index"] for pick in document["batch"]["picks"]] == [3]
    assert [row["index"] for row in document["failed"]] == [1, 2]
    assert [row["error"]["index"] for row in document["failed"]] == [1, 2]
    assert [entry["index"] for entry in document["excluded"]] == [4]
    assert (document["counts"]["given"], document["counts"]["failed"]) == (5, 2)
    request = {"candidates": [{"formula": "Li6PS5Cl"}, {"formula": "Li3InCl6"}], "objectives": wishes}
    plain = client.rank(["Li6PS5Cl", "Li3InCl6"], objectives=wishes)["ranking"]
    assert plain == predictor.rank(RankRequest.model_validate(request))["ranking"]
    with pytest.raises(ServiceError, match="invalid_objective"):
        client.rank(["Li3N"], objectives=["sigma>=1e-3", "maximise nonsense"])


def test_a_refusal_says_what_the_service_said(client: Client) -> None:
    """With the id under which its operator finds the request."""
    with pytest.raises(ServiceError, match="did you mean temperature_C") as caught:
        client.predict("Li3N", temperature=60)
    assert not isinstance(caught.value, ServiceUnavailableError)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert caught.value.request_id is not None
    assert caught.value.request_id in str(caught.value)


# ---------------------------------------------------------------- long lists


def leaves(said: Any) -> tuple[list[Any], list[float]]:
    """Return what an answer says, its numbers apart."""
    texts, numbers = [], []
    left = [said]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            texts.append(list(one))
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, float):
            numbers.append(one)
        else:
            texts.append(one)
    return texts, numbers


def test_a_list_above_the_limit_is_sent_in_parts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order and index are those of the whole list, whatever the parts."""
    whole = client.predict(FORMULAS * 3)
    monkeypatch.setattr(client_module, "ROWS_PER_REQUEST", 5)
    parts = client.predict(FORMULAS * 3)
    texts, numbers = leaves(whole.results)
    assert leaves(parts.results)[0] == texts
    # nets in single precision add up in another order where other rows stand beside
    np.testing.assert_allclose(leaves(parts.results)[1], numbers, rtol=1e-5, atol=1e-4)
    assert [row["index"] for row in parts.results] == list(range(12))
    assert [error["index"] for error in parts.errors()] == [1, 5, 9]


@pytest.mark.parametrize("size", [0, 1, 1999, 2000, 2001, 25_000])
def test_no_part_is_longer_than_the_service_takes(size: int) -> None:
    """And none is empty."""
    client, lengths = echoing()
    answers = client.predict([f"Li{i + 1}O" for i in range(size)])
    assert [error["message"] for error in answers.errors()] == [f"Li{i + 1}O" for i in range(size)]
    assert [error["index"] for error in answers.errors()] == list(range(size))
    assert sum(lengths) == size
    assert all(0 < length <= client_module.ROWS_PER_REQUEST for length in lengths)


def test_large_rows_make_short_parts() -> None:
    """CIFs reach the limit of bytes long before that of rows; a row that is too large goes alone."""
    client, lengths = echoing()
    client.predict(["x" * 3_000_000, "y" * 3_000_000, "z" * 5_000_000, "Li", "Li"])
    assert lengths == [1, 1, 1, 2]


def test_nearest_has_a_limit_of_its_own() -> None:
    """A thousand candidates a request."""
    client, lengths = echoing()
    assert len(client.nearest(["Li3N"] * 2500)["results"]) == 2500
    assert lengths == [1000, 1000, 500]


def test_a_change_of_models_on_the_way_is_told() -> None:
    """Half a ranking by one model and half by another must not pass for one."""
    client, _ = answering(*(_document(version) for version in ("1", "2")))
    with pytest.warns(UserWarning, match="changed its models"):
        client.nearest(["Li3N"] * 1001)


def _document(version: str) -> httpx.Response:
    results = [{"id": None, "index": 0, "status": "ok"}] * (1000 if version == "1" else 1)
    return httpx.Response(200, json={"models": {"ccd": {"version": version}}, "results": results})


# ---------------------------------------------------------------- keys, proxies, secrets, imports


def test_the_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the argument, else from the environment, else none."""

    def sent(**more: Any) -> str | None:
        client, requests = answering(httpx.Response(200, json={}), **more)
        client.models()
        return requests[0].headers.get("x-api-key")

    monkeypatch.delenv("ELYTE_API_KEY", raising=False)
    assert sent() is None
    monkeypatch.setenv("ELYTE_API_KEY", "from the environment")
    assert sent() == "from the environment"
    monkeypatch.setenv("ELYTE_API_KEY", "one, other")
    assert sent() == "one"
    assert sent(api_key="given") == "given"


def test_a_service_on_this_machine_is_not_asked_through_a_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates would travel to the proxy of the house."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Client(url, retries=0) as client:
        assert client.predict("Li3N", properties=["conductivity"]).results[0]["status"] == "ok"


def test_connections_are_kept(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """One connection for many calls; and nothing that was sent is logged."""
    caplog.set_level(logging.DEBUG)
    with Client(url) as client:
        for _ in range(3):
            client.predict("Li5.4321PS4.4321Cl1.5679", properties=["conductivity"])
    assert sum("connect_tcp.started" in record.getMessage() for record in caplog.records) == 1
    assert "5.4321" not in caplog.text


def test_importing_is_light_and_names_what_is_missing() -> None:
    """`elyte --help` starts without the client, and a machine without httpx is told what to install."""
    code = (
        "import sys, serving\n"
        "assert 'serving.client.client' not in sys.modules\n"
        "sys.modules['httpx'] = None\n"
        "from serving import Client\n"
        "assert not {'pandas', 'torch', 'bentoml', 'numba', 'scipy'} & sys.modules.keys()\n"
        "try:\n    Client()\n"
        "except ImportError as error:\n    print(error)\n"
        "try:\n    serving.Nothing\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "the client needs httpx; install elyte[client]",
        "module 'serving' has no attribute 'Nothing'",
    ]
