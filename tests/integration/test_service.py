"""The running service keeps the REST contract, whatever is sent to it.

Every trap of BentoML that was met while building (see the docstrings) has its test here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import jsonschema
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.answers.request import MAX_BODY_BYTES, MAX_CANDIDATES

if TYPE_CHECKING:
    from tests.integration.conftest import RunningService

FAMILIES = ["Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12", "Li3YCl6", "Li1.3Al0.3Ti1.7P3O12", "Li3N", "LiCoO2"]


def many_formulas(count: int) -> list[str]:
    """Return distinct formulas (argyrodites of varied halide content)."""
    return [f"Li{6 - x:.5f}PS{5 - x:.5f}Cl{1 + x:.5f}" for x in (i / (2 * count) for i in range(count))]


def assert_refused(response: httpx.Response, status: int, code: str) -> str:
    """Check the one shape of a refused request and return its message."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    error: dict[str, str] = response.json()["error"]
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    return error["message"]


def test_an_answer_has_one_row_a_candidate_in_order(service: RunningService) -> None:
    """Clients join answers to their own lists by position."""
    response = service.predict(*FAMILIES)
    assert response.status_code == 200
    document = response.json()
    assert [row["formula"] for row in document["results"]] == FAMILIES
    assert all(row["status"] == "ok" for row in document["results"])
    assert document["models"].keys() == service.client.get("/models").json().keys() - {"polymer"}  # of another kind


def test_a_bad_row_leaves_its_neighbours_alone(service: RunningService) -> None:
    """A list from a lab always holds a typing error; the other rows must not pay for it."""
    formulas = ["Li6PS5Cl", "Xx2O3", "Li3YCl6", "", "Li3N"]
    rows = service.predict(*formulas).json()["results"]
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "error", "ok"]
    for index in (1, 3):
        assert rows[index]["error"].keys() >= {"code", "message", "index"}
        assert rows[index]["error"]["index"] == index
    alone = [service.predict(formula).json()["results"][0] for formula in ("Li6PS5Cl", "Li3YCl6", "Li3N")]
    for together, single in zip((rows[0], rows[2], rows[4]), alone, strict=True):
        sigma, expected = (row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in (together, single))
        assert sigma == pytest.approx(expected, abs=1e-9)


def test_ids_come_back(service: RunningService) -> None:
    """An id is the client's handle on a row, error rows included."""
    body = {"candidates": [{"id": "a", "formula": "Li3N"}, {"id": "Ω", "formula": "?"}, {"formula": "Li2O"}]}
    rows = service.client.post("/predict", json=body).json()["results"]
    assert [row.get("id") for row in rows] == ["a", "Ω", None]


def test_alive_but_not_ready_before_the_models_are_warm(service: RunningService) -> None:
    """BentoML calls a worker ready at once; a balancer would send requests to a cold one."""
    assert service.probes[0] == (200, 503)
    assert service.probes[-1] == (200, 200)


def test_listens_on_loopback_only(service: RunningService) -> None:
    """BentoML binds 0.0.0.0 unless told otherwise; nothing here authenticates callers."""
    processes = [psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True)]
    listening = [c.laddr.ip for p in processes for c in p.net_connections("tcp") if c.status == "LISTEN"]
    assert set(listening) == {"127.0.0.1"}


def test_no_worker_reports_usage(service: RunningService) -> None:
    """BentoML does unless told otherwise; its `serve` asks before it loads a service, so there its user decides."""
    worker = psutil.Process(service.pid).children()[-1]
    assert worker.environ()["BENTOML_DO_NOT_TRACK"] == "true"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("", "empty"),
        ("null", "expected a JSON object, received null"),
        ("[]", "expected a JSON object, received an array of 0"),
        ('{"candidates": [}', "line 1 column 17"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 900 + "1" + "}" * 900, "a: unknown key"),
        ("{}", "candidates: required"),
        ('{"candidates": []}', "candidates: expected at least one item"),
        ('{"candidates": ["Li3N"]}', 'candidates[0]: expected an object, received "Li3N"'),
        ('{"candidates": [{"formula": "Li3N"}, {"formula": 3}]}', "candidates[1].formula: expected a string"),
        ('{"candidates": [{"formulla": "Li3N"}]}', "did you mean formula?); allowed keys: block, cif, conditions"),
        ('{"candidates": [{"formula": "Li3N"}], "condition": {}}', "did you mean conditions?"),
        ('{"candidates": [{"formula": "Li3N", "formula": "Li2O"}]}', 'the key "formula" twice'),
        ('{"candidates": [{"formula": "\\ud800"}]}', "surrogate"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": NaN}}', "received NaN"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": -Infinity}}', "-Infinity"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": 1e999}}', "finite number"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": "25"}}', "expected a number"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": true}}', "expected a number"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature_C": 9999}}', "received 9999"),
        ('{"candidates": [{"formula": "Li3N"}], "conditions": {"temperature": 9}}', "mean temperature_C?"),
        ('{"candidates": [{"formula": "Li3N"}], "coverage": ' + "9" * 5000 + "}", "thousands of digits"),
        ('{"candidates": [{"formula": "Li3N"}], "coverage": 1}', "coverage: expected less than"),
        ('{"candidates": [{"formula": "Li3N"}], "properties": ["cdc"]}', "'mechanics' or 'polymer', received"),
    ],
)
def test_a_bad_request_is_refused_with_its_place(service: RunningService, body: str, part: str) -> None:
    """BentoML answers 200 to unknown keys and 500 to an empty list; a message must say where and what."""
    response = service.post_raw(body.encode())
    message = assert_refused(response, 400, response.json()["error"]["code"])
    assert part in message
    assert len(message.splitlines()) == 1


def test_bytes_that_are_no_utf8_are_refused(service: RunningService) -> None:
    """Python's json guesses UTF-16 and UTF-32; JSON over the network is UTF-8."""
    for body in (b'{"candidates": [{"formula": "\xff"}]}', '{"candidates": []}'.encode("utf-16")):
        assert "not UTF-8" in assert_refused(service.post_raw(body), 400, "malformed_json")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.bentoml+pickle",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_only_json_is_taken(service: RunningService, content_type: str) -> None:
    """Older BentoML versions unpickled what was posted (CVE-2025-27520); here nothing but JSON is read."""
    response = service.post_raw(b'{"candidates": [{"formula": "Li3N"}]}', content_type)
    assert "expected application/json" in assert_refused(response, 415, "unsupported_media_type")


def test_too_many_candidates(service: RunningService) -> None:
    """BentoML accepts any number of rows unless it is capped."""
    message = assert_refused(service.predict(*["Li3N"] * (MAX_CANDIDATES + 1)), 413, "too_many_candidates")
    assert str(MAX_CANDIDATES + 1) in message
    assert str(MAX_CANDIDATES) in message


def test_a_large_body_is_refused_while_it_arrives(service: RunningService) -> None:
    """A chunked body has no Content-Length to look at; the count must stop it."""
    chunks = (b" " * 1024 * 1024 for _ in range(2 * MAX_BODY_BYTES // (1024 * 1024)))
    assert_refused(service.post_raw(chunks), 413, "body_too_large")
    assert_refused(service.post_raw(b" " * (MAX_BODY_BYTES + 1)), 413, "body_too_large")


@pytest.mark.parametrize("announced", [5, 5000])
def test_a_lying_content_length_harms_nobody(service: RunningService, announced: int) -> None:
    """Too small, the rest is no part of the request; too large, the client leaves before the end."""
    body = b'{"candidates": [{"formula": "Li3N"}]}'
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {announced}"
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        if announced < len(body):
            assert connection.recv(1024).startswith(b"HTTP/1.1 400")
    assert service.predict("Li3N").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/predict", 405, "method_not_allowed"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("GET", "/predict/", 404, "not_found"),
        ("GET", "/nothing/here", 404, "not_found"),
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/static_content/index.css", 404, "not_found"),
    ],
)
def test_unknown_routes_and_methods(service: RunningService, method: str, path: str, status: int, code: str) -> None:
    """BentoML answers these in plain text; clients parse one shape."""
    response = service.client.request(method, path)
    assert_refused(response, status, code)
    assert status != 405 or response.headers["allow"]


def test_a_thousand_candidates_in_one_request(service: RunningService) -> None:
    """Lists vectorise; the target is 1 s on an idle machine, the bound allows for a busy one."""
    formulas = many_formulas(1000)
    started = time.perf_counter()
    rows = service.predict(*formulas).json()["results"]
    seconds = time.perf_counter() - started
    assert [row["formula"] for row in rows] == formulas
    assert seconds < 5.0


def test_health_and_single_requests_are_answered_during_a_long_list(service: RunningService) -> None:
    """Predicting on the event loop would fail the liveness probe; one lane would make singles wait."""
    finished = threading.Event()

    def long_list() -> int:
        try:
            return httpx.post(
                f"{service.url}/predict",
                json={"candidates": [{"formula": formula} for formula in many_formulas(8000)]},
                timeout=120,
            ).status_code
        finally:
            finished.set()

    waits: list[float] = []
    singles: list[bool] = []
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(long_list)
        time.sleep(0.2)
        while not finished.is_set() and len(waits) < 20:
            started = time.perf_counter()
            assert service.client.get("/livez").status_code == 200
            waits.append(time.perf_counter() - started)
            assert service.predict("Li6PS5Cl").status_code == 200
            singles.append(not finished.is_set())
        assert answer.result() == 200
    assert max(waits) < 1.0
    assert any(singles), "no single request was answered while the long list ran"


def test_strangers_requests_are_never_merged(service: RunningService) -> None:
    """BentoML's batching merged requests: one raising item failed 11 of 90 innocents."""
    expected = {
        formula: service.predict(formula).json()["results"][0]["conductivity"]["log10_sigma_S_per_cm"]["value"]
        for formula in FAMILIES
    }

    def ask(turn: int) -> bool:
        with httpx.Client(base_url=service.url, timeout=60) as client:
            if turn % 3 == 0:
                body = [{"candidates": []}, {"candidates": [{"formula": "???"}]}][turn % 2]
                reply = client.post("/predict", json=body)
                return reply.status_code == 400 or reply.json()["results"][0]["status"] == "error"
            formula = FAMILIES[turn % len(FAMILIES)]
            reply = client.post("/predict", json={"candidates": [{"formula": formula}]})
            value = reply.json()["results"][0]["conductivity"]["log10_sigma_S_per_cm"]["value"]
            return reply.status_code == 200 and value == pytest.approx(expected[formula], abs=1e-9)

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(60)))


GOOD_BODY = json.dumps(
    {
        "candidates": [{"id": "a", "formula": "Li6PS5Cl", "conditions": {"temperature_C": 60.5}}],
        "conditions": {"stack_pressure_MPa": 5, "interlayer_type": "none"},
        "properties": ["conductivity", "ccd"],
        "coverage": 0.8,
    }
).encode()
WORDS = rb"""null { ] " -1e999 \ud800 NaN {"":[]} 000000000000000000000000000000"""
FRAGMENTS = [*WORDS.split(), b"", b"\x00", b"\xff"]


@st.composite
def mutated_bodies(draw: st.DrawFn) -> bytes:
    """A good body with some stretches replaced."""
    body = GOOD_BODY
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 12)))
        body = body[:start] + draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=6)) + body[end:]
    return body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=mutated_bodies())
def test_no_body_makes_a_server_error(service: RunningService, body: bytes) -> None:
    """Whatever arrives, the answer is 200 or a refusal in the one shape, and JSON either way."""
    response = service.post_raw(body)
    assert response.status_code in {200, 400}, response.text
    assert response.json().keys() == ({"error"} if response.status_code == 400 else {"models", "results"})


def test_the_next_good_request_is_answered(service: RunningService) -> None:
    """After all that, the service is the same process and still answers."""
    assert service.predict("Li6PS5Cl").json()["results"][0]["status"] == "ok"
    assert service.log().count('"event":"ready"') == 1
    assert "internal_error" not in service.log()


def test_the_openapi_document_tells_the_truth(service: RunningService) -> None:
    """Its example runs, the answer fits its schema, and every refusal that can happen is declared."""
    document = service.client.get("/openapi.json").json()
    assert service.client.get("/docs.json").json() == document
    operation = document["paths"]["/predict"]["post"]
    assert operation["responses"].keys() >= {"200", "400", "413", "415", "429", "500", "503", "504"}
    request = operation["requestBody"]["content"]["application/json"]
    components = {"components": document["components"]}
    jsonschema.validate(request["example"], request["schema"] | components)
    request["example"]["candidates"].append({"id": "x", "formula": "nonsense!"})
    response = service.client.post("/predict", json=request["example"])
    assert response.status_code == 200
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(response.json(), answer | components)


def test_the_root_is_our_page_and_asks_nobody_else(service: RunningService) -> None:
    """BentoML's page at / loads Google Tag Manager and shows a specification without our statuses."""
    page = service.client.get("/", follow_redirects=True)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "googletagmanager" not in page.text
    assert "//" not in page.text.replace("</", "")
    for asset in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"):
        assert service.client.get(asset).status_code == 200


def test_models_are_described(service: RunningService) -> None:
    """A user must be able to tell which model answered."""
    cards = service.client.get("/models").json()
    served = service.predict("Li3N", "PEO20-LiTFSI").json()["models"]
    assert "conductivity" in cards
    for name, card in cards.items():
        assert card["version"] == served[name]["version"]


def metric(text: str, name: str) -> float:
    """Return the value of one line of Prometheus text."""
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_metrics_count_rows_and_their_errors(service: RunningService) -> None:
    """Operators watch errors by code, the out-of-domain share and the served version."""
    before = service.client.get("/metrics").text
    service.predict("Li6PS5Cl", "Xx2O3", properties=["conductivity"])
    after = service.client.get("/metrics").text
    for name in ('elyte_rows_total{status="ok"}', 'elyte_rows_total{status="error"}'):
        assert metric(after, name) == metric(before, name) + 1
    assert metric(after, 'elyte_predictions_total{property="conductivity"}') >= 1
    assert metric(after, 'elyte_model_info{property="conductivity"') == 1
    assert metric(after, 'elyte_request_seconds_count{route="/predict"}') > 0
    assert "bentoml_" not in after, "BentoML labels its own with paths as sent"


def test_a_second_start_leaves_the_metrics_alone(service: RunningService) -> None:
    """BentoML keeps the metrics of all services in one folder and empties it at every start."""
    port = service.url.rsplit(":", 1)[1]
    second = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", "serving.rest.service:ElyteService", "--port", port],
        env=os.environ | {"BENTOML_HOME": str(service.log_file.parent / "bentoml")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Address already in use" in second.stderr + second.stdout
    assert metric(service.client.get("/metrics").text, 'elyte_rows_total{status="ok"}') > 0


def test_what_users_send_stays_out_of_logs_and_metrics(service: RunningService) -> None:
    """Candidates are unpublished ideas; BentoML's access log and metric labels hold paths as sent."""
    secret = "Li5.4321PS4.4321Cl1.5679"
    service.predict(secret)
    service.client.post("/predict", json={"candidates": [{"id": secret, "formula": secret, "x": secret}]})
    service.client.post(f"/predict/{secret}", json={})
    service.client.get("/models", params={"formula": secret}, headers={"X-Request-ID": secret})
    service.client.request("GET", f"/static_content/{secret}")
    service.post_raw(secret.encode())
    service.post_raw(b"{}", f"text/{secret}")
    log = service.log()
    assert "5.4321" not in log
    assert "5.4321" not in service.client.get("/metrics").text
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    assert any(line["event"] == "request" and line.get("rows") == 1 for line in lines)
