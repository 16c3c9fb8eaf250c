"""The REST application in this process: limits, deadlines, failures that a healthy service does not show."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import jsonschema
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import call
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import Message, Scope

from features.kinds import FIELDS
from serving.answers.refusals import RequestError, allowed_keys, path_of, shown
from serving.answers.request import MAX_CANDIDATES, PredictRequest
from serving.predictor import Predictor
from serving.rest.admission import Admission, AdmissionLimits
from serving.rest.http_api import create_app
from serving.rest.observability import LOGGER_NAME, JsonLines, configure_logging, frames_of
from serving.rest.openapi import REFUSALS
from serving.rest.request_body import read_request
from serving.rest.request_record import RequestRecord

JSON = {"Content-Type": "application/json"}
BODY = {"candidates": [{"formula": "Li6PS5Cl"}]}


def post(app: FastAPI, **more: Any) -> httpx.Response:
    """Send one request to /predict, a good one unless told otherwise."""
    return call(app, "POST", "/predict", **(more or {"json": BODY}))


class Failing:
    """A predictor with a defect of ours, whose message quotes what it was given."""

    def predict(self, request: PredictRequest) -> dict[str, Any]:
        """Fail as a library does, with the input in the message."""
        try:
            raise KeyError(request.candidates[0].formula)
        except KeyError as error:
            raise ValueError(f"cannot handle {request.candidates[0].formula}") from error


def test_importing_the_application_is_cheap() -> None:
    """The command line and the notebooks import it without wanting a server or a model."""
    heavy = [
        "bentoml",
        "mlflow",
        "torch",
        "sklearn",
        "lightgbm",
        "onnxruntime",
        "ray",
        "matminer",
        "pymatgen",
    ]
    code = f"import sys, serving.rest.http_api; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("POST", "/interface"), ("GET", "/models")])
def test_not_ready_before_the_models_are_loaded(method: str, path: str) -> None:
    """A request that comes too early must be told to come again, not fail."""
    app = create_app(None)
    response = call(app, method, path, json=BODY)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "not_ready"
    assert int(response.headers["retry-after"]) >= 1
    assert call(app, "GET", "/openapi.json").status_code == 200


def test_models_can_be_swapped_while_it_runs(predictor: Predictor) -> None:
    """The application reads its predictor at every request, so that a promoted model needs no restart."""
    app = create_app(None)
    assert post(app).status_code == 503
    app.state.predictor = predictor
    assert post(app).status_code == 200


def test_a_late_answer_is_a_504(predictor: Predictor) -> None:
    """A client behind a proxy needs an answer in the agreed shape before the proxy gives up."""
    response = post(create_app(predictor, AdmissionLimits(answer_seconds=0.0)))
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "timeout"


def test_a_body_that_never_ends_is_a_408(predictor: Predictor) -> None:
    """A client that sends a byte a minute must not hold its place for ever."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
        "root_path": "",
    }
    chunks: Iterator[Message] = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Message:
        chunk = next(chunks, None)
        if chunk is None:
            await asyncio.sleep(60)
        return cast("Message", chunk)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(create_app(predictor, AdmissionLimits(body_seconds=0.05))(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"]["code"] == "request_timeout"


def test_too_many_requests_at_a_time_are_a_429(predictor: Predictor) -> None:
    """BentoML queues without limit, and its 429 has no Retry-After."""
    response = post(create_app(predictor, AdmissionLimits(in_flight=0)))
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "too_many_requests"
    assert int(response.headers["retry-after"]) >= 1


def test_admission_returns_what_it_gave() -> None:
    """A place or byte lost at each failed request would close the service after a while."""
    admission = Admission(AdmissionLimits(in_flight=2, buffered_bytes=100))
    with admission.admit() as reserve, admission.admit():
        reserve(60)
        with pytest.raises(RequestError, match="2 requests"), admission.admit():
            pass
        with pytest.raises(RequestError, match="60 bytes"):
            reserve(41)
    with contextlib.suppress(KeyError), admission.admit() as reserve:
        reserve(100)
        raise KeyError
    assert (admission.requests, admission.bytes) == (0, 0)


def test_the_body_is_counted_while_it_arrives(predictor: Predictor) -> None:
    """Neither a missing nor a wrong Content-Length gets more than the limit into memory."""
    app = create_app(predictor, AdmissionLimits(body_bytes=1000))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 300

    for headers in (JSON, JSON | {"Content-Length": "10"}, JSON | {"Content-Length": "2000"}):
        response = post(app, content=chunks(), headers=headers)
        assert response.status_code == 413
        assert "1000" in response.json()["error"]["message"]
    assert post(app).status_code == 200


def test_a_defect_of_ours_is_a_500_that_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The client gets an id to report; the log gets the frames; neither gets the exception's message."""
    logger = logging.getLogger(LOGGER_NAME)
    before = logger.handlers[:]
    logger.handlers.clear()
    configure_logging()
    try:
        response = post(create_app(cast("Predictor", Failing())))
    finally:
        logger.handlers[:] = before
    assert response.status_code == 500
    error = response.json()["error"]
    assert error["code"] == "internal_error"
    assert response.headers["x-request-id"] in error["message"]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    defect = next(line for line in lines if line["event"] == "internal_error")
    assert defect["request_id"] == response.headers["x-request-id"]
    assert "builtins.KeyError" in defect["traceback"]
    assert defect["traceback"][-1] == "builtins.ValueError"
    assert any("test_http_api.py" in frame for frame in defect["traceback"])
    assert "Li6PS5Cl" not in response.text + json.dumps(lines)


def test_frames_of_a_circular_chain_end() -> None:
    """An exception that was raised again can be its own context."""
    first, second = ValueError("a"), KeyError("b")
    first.__context__, second.__context__ = second, first
    assert frames_of(first) == ["builtins.KeyError", "builtins.ValueError"]


def test_a_log_line_is_one_line_of_json() -> None:
    """Log collectors split at line ends."""
    record = logging.LogRecord("x", logging.INFO, "f", 1, "request\nforged", (), None)
    record.fields = RequestRecord("id", "POST", "/predict").as_log(0.0123)
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["duration_ms"] == 12.3


def test_every_refusal_is_declared() -> None:
    """A client generated from the OpenAPI document must know each status."""
    responses = create_app().openapi()["paths"]["/predict"]["post"]["responses"]
    assert responses.keys() == {"200", "406", *(str(status) for status in REFUSALS)}
    for status in (429, 503):
        assert "Retry-After" in responses[str(status)]["headers"]


def test_all_references_of_the_document_resolve() -> None:
    """A dangling reference breaks every client generator."""
    document = create_app().openapi()
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= document["components"]["schemas"].keys()
    assert "$defs" not in text
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


COMPUTING = [  # routes that store (`security`) or queue something (202) have tests of their own
    path
    for path, methods in create_app().openapi()["paths"].items()
    if "requestBody" in methods.get("post", {})
    and "security" not in methods["post"]
    and "202" not in methods["post"]["responses"]
]


def of_one(path: str) -> str:
    """Return the path of a route with a property in it."""
    return path.replace("{property}", "conductivity")


@pytest.mark.parametrize("path", COMPUTING)
def test_the_example_is_answered_as_declared(app: FastAPI, path: str) -> None:
    """People paste the example first; the answer must fit the schema that they read."""
    document = create_app().openapi()
    operation = document["paths"][path]["post"]
    ((media_type, media),) = operation["requestBody"]["content"].items()
    example = media["example"]
    content = example if isinstance(example, str) else json.dumps(example)
    response = call(app, "POST", of_one(path), content=content, headers={"Content-Type": media_type})
    assert response.status_code == 200
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(response.json(), answer | {"components": document["components"]})
    assert {row["status"] for row in response.json().get("results", [])} <= {"ok"}


def test_the_documented_routes_are_those_that_exist(app: FastAPI) -> None:
    """A route that nobody documents is one that nobody checks."""
    assert {"/predict", "/predict/csv", "/nearest", "/interface", "/ccd/grid"} <= set(COMPUTING)
    posts = {route.path for route in iter_route_contexts(app.routes) if "POST" in (route.methods or ())}
    documented = {path for path, methods in app.openapi()["paths"].items() if "post" in methods}
    assert {*COMPUTING, "/structures"} <= posts == documented
    for path in COMPUTING:
        assert call(app, "POST", of_one(path), content=b"", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("PUT", "/structures", "GET, POST, HEAD"),
        ("PUT", "/structures/1", "DELETE, GET, HEAD"),
    ],
)
def test_a_refused_method_names_all_that_the_path_has(app: FastAPI, method: str, path: str, allowed: str) -> None:
    refused = call(app, method, path)
    assert refused.status_code == 405
    assert refused.headers["allow"] == allowed
    assert refused.json()["error"]["message"] == f"method: received {method}, expected {allowed}"


ACROSS_FIELDS = {"/rate", "/synthesis", "/generate"}
"""Routes with rules that a schema cannot say: rooms that are too small, one of two names, what a pattern is."""


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("POST", "/nearest"),
        ("POST", "/interface"),
        ("POST", "/rate"),
        ("POST", "/coatings"),
        ("POST", "/pathways"),
        ("POST", "/synthesis"),
        ("POST", "/generate"),
        ("POST", "/measurements/effect"),
        ("GET", "/models"),
    ],
)
def test_the_document_and_the_application_agree(app: FastAPI, method: str, path: str) -> None:
    """What the schema allows is answered, what it forbids is refused, and no answer leaves its schema."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]

    @settings(max_examples=20, deadline=None)
    @given(
        case=st.one_of(
            operation.as_strategy(),
            operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
        )
    )
    def agree(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if path in ACROSS_FIELDS else [])

    agree()


def test_numbers_are_json_numbers(app: FastAPI) -> None:
    """NaN is no JSON; a value that cannot be given is null."""

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    odd = [{"formula": formula} for formula in ("H2O", "LiF", "Au", "Li0.001O", "Li6PS5Cl")]
    response = post(app, json={"candidates": odd})
    json.loads(response.text, parse_constant=refuse)


def test_the_request_id_is_ours(app: FastAPI) -> None:
    """A client's id could carry a formula into the log."""
    response = post(app, json=BODY, headers={"X-Request-ID": "Li6PS5Cl"})
    assert len(response.headers["x-request-id"]) == 32


def test_the_most_candidates_are_accepted_and_one_more_refused() -> None:
    """The bound is a promise on both sides."""
    body = json.dumps({"candidates": [{"formula": "Li3N"}] * MAX_CANDIDATES}).encode()
    assert len(read_request(body).candidates) == MAX_CANDIDATES
    more = body.replace(b"[{", b'[{"formula": "Li3N"}, {', 1)
    with pytest.raises(RequestError) as caught:
        read_request(more)
    assert caught.value.status == 413


def test_a_hostile_body_makes_a_short_message() -> None:
    """A million unknown keys or problems must cost neither minutes nor a large answer."""
    keys = json.dumps({f"k{i}": 1 for i in range(100_000)}).encode()
    rows = json.dumps({"candidates": [{"x": 1}] * MAX_CANDIDATES}).encode()
    name = json.dumps({"x" * 100_000: "y" * 100_000}).encode()
    for body in (keys, rows, name):
        with pytest.raises(RequestError) as caught:
            read_request(body)
        assert caught.value.status == 400
        assert len(caught.value.message) < 1000


def test_messages_name_the_place_as_users_write_it() -> None:
    """`candidates[3].formula`, and what stands there, shortened."""
    assert path_of(("candidates", 3, "formula")) == "candidates[3].formula"
    assert path_of(()) == "the body"
    assert shown({"a": 1}) == "an object with 1 keys"
    assert shown([1, 2]) == "an array of 2"
    assert shown("x" * 1000) == '"' + "x" * 60 + '..."'
    assert shown(10**400) == "an integer of many digits"
    assert shown(True) == "true"
    assert allowed_keys(PredictRequest, ("candidates", 0)) == sorted(["conditions", "id", *FIELDS])
    assert "temperature_C" in allowed_keys(PredictRequest, ("candidates", 0, "conditions"))


def test_surrogate_pairs_are_fine_and_lone_surrogates_not() -> None:
    """Escaped characters beyond the basic plane are legal JSON; half of one cannot be sent back."""
    pair = rb'{"candidates": [{"id": "\ud83d\ude00", "formula": "Li3N"}]}'
    assert read_request(pair).candidates[0].id == "\N{GRINNING FACE}"
    assert read_request(b"\xef\xbb\xbf" + pair) == read_request(pair), "a byte order mark means nothing"
    with pytest.raises(RequestError, match="surrogate"):
        read_request(pair.replace(rb"\ude00", b""))
