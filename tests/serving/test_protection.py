"""Who may ask what: keys, origins, preflights, headers; and that nothing of it is off by a typing error."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import Any, cast

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_NAME_HEADER, MCP_PROTOCOL_VERSION_HEADER
from prometheus_client import REGISTRY

from serving.answers.refusals import RequestError
from serving.commands.serve import is_loopback, serve
from serving.environment import ConfigurationError
from serving.rest.http_api import create_app
from serving.rest.protection import Protection
from serving.rest.request_body import read_request

KEY = "a key that nobody guesses"
# Routes that take a body and change nothing; whatever else is not a GET needs a key.
READING_POSTS = {
    "/predict",
    "/predict/csv",
    "/nearest",
    "/rank",
    "/rate",
    "/interface",
    "/coatings",
    "/pathways",
    "/ccd/grid",
    "/synthesis",
    "/v2/models/{property}/infer",
    "/generate",
    "/measurements/effect",
    "/structures",
    "/structures/{id}",  # DELETE takes a question back; nothing that was recorded changes
}


class Cards:
    """A predictor that only has cards."""

    def models(self) -> dict[str, dict[str, Any]]:
        return {"conductivity": {"version": "1"}}


class Keeper:
    """A keeper whose registry says what a test wants."""

    uri: str | None = "sqlite:///x"
    poll_seconds = 5.0
    reachable = True
    checked = 0

    def check(self, *, anew: bool = False) -> dict[str, dict[str, str]]:
        assert anew
        self.checked += 1
        return {"conductivity": {"version": "0"}}

    def notes(self) -> dict[str, dict[str, Any]]:
        return {"conductivity": {"registry": {"state": "served"}}}


def app_with(protection: Protection | None = None, keeper: Keeper | None = None) -> FastAPI:
    app = create_app(cast("Any", Cards()), protection=protection)
    app.state.keeper = keeper or Keeper()
    return app


def call(app: FastAPI, method: str, path: str, host: str = "127.0.0.1:3000", **more: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.json().keys() == {"error"}
    assert len(response.json()["error"]["message"]) > 20
    return response.status_code, response.json()["error"]["code"]


# ---------------------------------------------------------------- keys


def test_every_route_that_writes_is_closed_and_says_so() -> None:
    routes = iter_route_contexts(create_app().routes)
    posts = {route.path for route in routes if (route.methods or set()) - {"GET"}}
    assert posts > READING_POSTS
    for path in posts - READING_POSTS:
        assert refused(call(app_with(), "POST", path, json={})) == (403, "writing_disabled")
        assert create_app().openapi()["paths"][path]["post"]["security"] == [{"apiKey": []}, {"bearer": []}]


def test_writing_is_off_without_a_key_and_the_answer_says_how_to_turn_it_on() -> None:
    keeper = Keeper()
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "x"}, {"Authorization": "Bearer "}):
        response = call(app_with(keeper=keeper), "POST", "/models/refresh", headers=headers)
        assert refused(response) == (403, "writing_disabled")
        assert "ELYTE_API_KEY" in response.text
    assert keeper.checked == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": KEY[:-1]},
        {"X-API-Key": KEY + "x"},
        {"X-API-Key": f"{KEY},second"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"},
    ],
)
def test_a_wrong_or_missing_key_is_a_401(headers: dict[str, str]) -> None:
    before = REGISTRY.get_sample_value("elyte_requests_refused_by_protection_total", {"reason": "unauthorized"}) or 0
    response = call(app_with(Protection.of((KEY, "second"))), "POST", "/models/refresh", headers=headers)
    assert refused(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="elyte"'
    after = REGISTRY.get_sample_value("elyte_requests_refused_by_protection_total", {"reason": "unauthorized"})
    assert after == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY},
        {"X-API-Key": "second"},
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": "bearer second"},
    ],
)
def test_any_of_the_keys_opens(headers: dict[str, str]) -> None:
    response = call(app_with(Protection.of((KEY, "second"))), "POST", "/models/refresh", headers=headers)
    assert response.json() == {
        "conductivity": {"version": "1", "registry": {"state": "served"}, "changed_from": {"version": "0"}}
    }


def test_all_keys_are_compared_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an answer must not tell which key came near; digests make all comparisons equally long."""
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    protection = Protection.of(("a", "b" * 100, "c"))
    assert protection.knows(b"a")
    assert not protection.knows(b"nothing")
    assert compared == [(32, 32)] * 6


@given(keys=st.lists(st.text(min_size=1), min_size=1, max_size=4), given=st.binary(max_size=40))
def test_only_the_exact_bytes_of_a_key_are_known(keys: list[str], given: bytes) -> None:
    keys = [key for key in keys if not any("\ud800" <= letter <= "\udfff" for letter in key)] or ["k"]
    protection = Protection.of(tuple(keys))
    assert all(protection.knows(key.encode()) for key in keys)
    assert protection.knows(given) == (given in {key.encode() for key in keys})


def test_reads_can_be_protected_too() -> None:
    app = app_with(Protection.of((KEY,), protect_reads=True))
    for method, path in (("GET", "/models"), ("POST", "/predict"), ("GET", "/nothing"), ("GET", "/models/refresh")):
        assert refused(call(app, method, path)) == (401, "unauthorized")
    assert call(app, "GET", "/models", headers={"X-API-Key": KEY}).status_code == 200
    for path in ("/openapi.json", "/docs"):
        assert call(app, "GET", path).status_code == 200
    assert refused(call(app, "POST", "/docs/../predict")) == (401, "unauthorized")


# ---------------------------------------------------------------- origins


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:3000", "127.0.0.1:3000", True),
        ("http://localhost:3000", "localhost:3000", True),
        ("http://elyte.localhost:3000", "elyte.localhost:3000", True),
        ("http://[::1]:3000", "[::1]:3000", True),
        ("http://192.168.1.7", "192.168.1.7", True),
        ("https://192.168.1.7", "192.168.1.7:443", True),
        ("http://127.0.0.1:3000", "localhost:3000", False),
        ("http://127.0.0.1:3001", "127.0.0.1:3000", False),
        ("http://evil.example:3000", "evil.example:3000", False),  # DNS rebinding: the name leads here
        ("http://localhost.evil.example:3000", "localhost.evil.example:3000", False),
        ("http://evil.example", "127.0.0.1:3000", False),
        ("null", "127.0.0.1:3000", False),
        ("file://", "127.0.0.1:3000", False),
        ("http://127.0.0.1:3000@evil.example", "127.0.0.1:3000", False),
        ("http://127.0.0.1:port", "127.0.0.1:port", False),
        ("http://[", "[", False),
        ("https://lab.example", "elyte.lab.example", True),  # listed
        ("HTTPS://Lab.example", "elyte.lab.example", True),
        ("https://lab.example:444", "elyte.lab.example", False),
        ("http://lab.example", "elyte.lab.example", False),
    ],
)
def test_which_pages_may_use_the_service(origin: str, host: str, allowed: bool) -> None:
    protection = Protection.of((), origins=("https://lab.example/",))
    assert protection.allows_origin(origin, host) == allowed


@settings(max_examples=300)
@given(origin=st.text() | st.from_regex(r"https?://[^/]{0,30}"), host=st.text(max_size=30))
def test_no_origin_or_host_crashes_or_slips_through(origin: str, host: str) -> None:
    """Whatever a header holds: allowed means that both name the same address or local name."""
    if Protection().allows_origin(origin, host):
        name = host.rsplit(":", 1)[0].strip("[]").lower()
        assert name in origin.lower()
        assert name.endswith("localhost") or name.replace(".", "").isdecimal() or ":" in host


def test_a_page_of_another_origin_cannot_post() -> None:
    headers = {"Origin": "http://evil.example", "X-API-Key": KEY}
    for path in ("/predict", "/models/refresh"):
        response = call(app_with(Protection.of((KEY,))), "POST", path, headers=headers)
        assert refused(response) == (403, "origin_not_allowed")
        assert "ELYTE_ALLOWED_ORIGINS" in response.text
        assert "access-control-allow-origin" not in response.headers
    own = {"Origin": "http://127.0.0.1:3000", "X-API-Key": KEY}
    assert call(app_with(Protection.of((KEY,))), "POST", "/models/refresh", headers=own).status_code == 200
    # reading by GET is left to the browser, which shows nothing without the header
    response = call(app_with(), "GET", "/models", headers=headers)
    assert (response.status_code, response.headers.get("access-control-allow-origin")) == (200, None)


def test_a_listed_page_is_answered_with_the_headers_that_browsers_want() -> None:
    app = app_with(Protection.of((KEY,), protect_reads=True, origins=("https://lab.example",)))
    asked = {"Origin": "https://lab.example", "Access-Control-Request-Method": "POST"}
    preflight = call(app, "OPTIONS", "/predict", headers=asked)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "https://lab.example"
    assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
    wanted = {method for route in iter_route_contexts(create_app().routes) for method in route.methods or ()}
    assert wanted <= {*preflight.headers["access-control-allow-methods"].split(", "), "HEAD"}
    agents = {MCP_PROTOCOL_VERSION_HEADER, MCP_METHOD_HEADER, MCP_NAME_HEADER}  # of an agent in a browser
    assert agents <= set(preflight.headers["access-control-allow-headers"].lower().split(", "))
    assert preflight.headers["vary"] == "Origin"
    response = call(app, "GET", "/models", headers={"Origin": "https://lab.example", "X-API-Key": KEY})
    assert response.headers["access-control-allow-origin"] == "https://lab.example"
    refusal = call(app, "GET", "/models", headers={"Origin": "https://lab.example"})
    assert (refusal.status_code, refusal.headers["access-control-allow-origin"]) == (401, "https://lab.example")
    stranger = call(app, "OPTIONS", "/predict", headers=asked | {"Origin": "https://other.example"})
    assert refused(stranger) == (403, "origin_not_allowed")
    assert call(app, "GET", "/docs").headers["vary"] == "Origin"  # caches must not mix origins
    assert call(app, "OPTIONS", "/predict", headers={"X-API-Key": KEY}).status_code == 405


# ---------------------------------------------------------------- what a body may hold


@pytest.mark.parametrize(
    ("place", "length"),
    [("id", 201), ("interlayer_type", 101), ("anode", 101), ("electrolyte_class", 101), ("k" * 5000, 1)],
)
def test_overlong_strings_are_refused_by_name_and_shown_shortened(place: str, length: int) -> None:
    row = {"formula": "Li3N", "id": "a"} | ({place: "x" * length} if place == "id" else {})
    conditions = {} if place == "id" else {place: "x" * length}
    with pytest.raises(RequestError) as caught:
        read_request(json.dumps({"candidates": [row], "conditions": conditions}).encode())
    assert caught.value.status == 400
    assert place[:20] in caught.value.message
    assert len(caught.value.message) < 600


def test_nesting_is_bounded_at_any_place() -> None:
    for depth in (20, 5_000, 200_000):
        for body in ("[" * depth, '{"candidates":' * depth, '{"candidates": ' + "[" * depth + "]" * depth + "}"):
            with pytest.raises(RequestError) as caught:
                read_request(body.encode())
            assert (caught.value.status, len(caught.value.message) < 600) == (400, True)


# ---------------------------------------------------------------- headers, refresh, configuration


def test_every_answer_carries_the_security_headers() -> None:
    app = app_with(Protection.of((KEY,)))
    for method, path in (("GET", "/models"), ("GET", "/nothing"), ("POST", "/models/refresh"), ("GET", "/predict")):
        headers = call(app, method, path).headers
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        assert len(headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (b"{}", 200), (b" ", 200), (b'{"x": 1}', 400), (b"[]", 400), (b"{", 400), (b" " * 2000, 413)],
)
def test_a_refresh_takes_no_arguments(body: bytes, status: int) -> None:
    response = call(
        app_with(Protection.of((KEY,))), "POST", "/models/refresh", headers={"X-API-Key": KEY}, content=body
    )
    assert response.status_code == status


def test_a_refresh_says_when_there_is_no_registry_or_no_answer() -> None:
    keeper = Keeper()
    keeper.uri = None
    protection, headers = Protection.of((KEY,)), {"X-API-Key": KEY}
    response = call(app_with(protection, keeper), "POST", "/models/refresh", headers=headers)
    assert refused(response) == (409, "no_registry")
    away = Keeper()
    away.reachable = False
    response = call(app_with(protection, away), "POST", "/models/refresh", headers=headers)
    assert refused(response) == (503, "registry_unreachable")
    assert int(response.headers["retry-after"]) >= 1


def test_the_document_declares_keys_and_refusals() -> None:
    document = create_app().openapi()
    assert document["paths"]["/models/refresh"]["post"]["security"] == [{"apiKey": []}, {"bearer": []}]
    assert document["components"]["securitySchemes"]["apiKey"]["name"] == "X-API-Key"
    assert document["paths"]["/predict"]["post"]["responses"].keys() >= {"401", "403"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("ELYTE_API_KEY", "ELYTE_PROTECT_READS", "ELYTE_ALLOWED_ORIGINS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_environment_names_keys_and_origins(environment: pytest.MonkeyPatch) -> None:
    assert Protection.from_environment() == Protection()
    environment.setenv("ELYTE_API_KEY", " one, two ,,")
    environment.setenv("ELYTE_PROTECT_READS", "TRUE")
    environment.setenv("ELYTE_ALLOWED_ORIGINS", "https://lab.example, http://localhost:8080/")
    protection = Protection.from_environment()
    assert protection.knows(b"one")
    assert protection.knows(b"two")
    assert not protection.knows(b"")
    assert protection.protect_reads
    assert protection.origins == {"https://lab.example", "http://localhost:8080"}


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("ELYTE_PROTECT_READS", "ture", "expected true or false"),
        ("ELYTE_PROTECT_READS", "true", "names no key"),
        ("ELYTE_ALLOWED_ORIGINS", "*", "expected origins"),
        ("ELYTE_ALLOWED_ORIGINS", "lab.example", "expected origins"),
        ("ELYTE_ALLOWED_ORIGINS", "https://lab.example/page", "expected origins"),
        ("ELYTE_MAX_IN_FLIGHT", "many", "expected a number from 1"),
        ("ELYTE_POLL_SECONDS", "never", "expected a number from 0.1"),
        ("ELYTE_LOG_CANDIDATES", "perhaps", "expected true or false"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_start(
    environment: pytest.MonkeyPatch, name: str, value: str, part: str
) -> None:
    environment.setenv(name, value)
    if name in ("ELYTE_PROTECT_READS", "ELYTE_ALLOWED_ORIGINS"):
        with pytest.raises(ConfigurationError, match=part):
            Protection.from_environment()
    environment.setattr("os.execve", None)  # calling it would fail
    result = CliRunner().invoke(serve, [])
    assert result.exit_code == 2
    assert name in result.stderr
    assert part in result.stderr


@pytest.mark.parametrize(
    ("host", "key", "warns"),
    [("0.0.0.0", "", True), ("::", "", True), ("127.0.0.1", "", False), ("0.0.0.0", "k", False)],
)
def test_an_open_door_is_mentioned(environment: pytest.MonkeyPatch, host: str, key: str, warns: bool) -> None:
    environment.setenv("ELYTE_API_KEY", key)
    environment.setattr("os.execve", lambda *_: None)
    result = CliRunner().invoke(serve, ["--host", host])
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == warns
    assert ("ELYTE_API_KEY" in result.stderr) == warns


def test_loopback_is_known_by_name_and_address() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "lab.example", "10.0.0.1")))


def test_refusals_are_errors_of_requests() -> None:
    with pytest.raises(RequestError) as caught:
        Protection().require_right_to_write({})
    assert caught.value.status == 403
