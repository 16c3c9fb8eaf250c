"""How often a key may ask: buckets that fill up, one for each key, shared by the workers of a service."""

from __future__ import annotations

import asyncio
import multiprocessing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.answers.refusals import RequestError
from serving.environment import ConfigurationError
from serving.rest.http_api import create_app
from serving.rest.protection import Protection
from serving.rest.rate_limits import BURST_VARIABLE, RATE_VARIABLE, RateLimit, RateLimiter

KEYS = ("first key", "second key")


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(limiter: RateLimiter, key: int | None, times: int) -> int:
    """Ask so often; return how often that was allowed."""
    found = 0
    for _ in range(times):
        try:
            limiter.require_token(key)
            found += 1
        except RequestError as error:
            assert (error.status, error.code) == (429, "rate_limited")  # noqa: PT017
    return found


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(per_minute=60, burst=5), 2, clock=clock)
    assert admitted(limiter, 0, 9) == 5
    assert admitted(limiter, 1, 9) == 5  # another key has a bucket of its own
    assert admitted(limiter, None, 9) == 5
    clock.now += 2.0
    assert admitted(limiter, 0, 9) == 2
    clock.now += 3600.0
    assert admitted(limiter, 0, 9) == 5  # it does not overflow
    clock.now = 3.0  # the machine was started anew, the file was kept
    assert admitted(limiter, 0, 9) == 5


def test_the_refusal_says_when_to_come_again_and_then_it_is_true() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(per_minute=20, burst=1), 1, clock=clock)
    limiter.require_token(0)
    clock.now += 0.5
    with pytest.raises(RequestError) as refused:
        limiter.require_token(0)
    assert refused.value.headers == {"Retry-After": "3"}
    assert "this key may ask 20 times a minute" in refused.value.message
    clock.now += 3.0
    limiter.require_token(0)


@given(
    steps=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 50),
)
def test_no_sequence_of_requests_gets_more_than_burst_and_rate_allow(
    steps: list[float], per_minute: int, burst: int
) -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(per_minute, burst), 0, clock=clock)
    taken = 0
    for step in steps:
        clock.now += step
        taken += admitted(limiter, None, 3)
    assert taken <= burst + sum(steps) * per_minute / 60.0 + 1e-6


def _ask(folder: str, found: Any) -> None:
    limiter = RateLimiter(RateLimit(per_minute=1, burst=100), 1, Path(folder))
    found.put(admitted(limiter, 0, 60))
    limiter.close()


def test_worker_processes_share_their_buckets(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    found = context.Queue()
    workers = [context.Process(target=_ask, args=(str(tmp_path), found)) for _ in range(4)]
    for worker in workers:
        worker.start()
    counts = [found.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert 100 <= sum(counts) <= 101  # one more if the test takes a minute


def call(app: Any, requests: list[tuple[str, str, str | None]]) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [
                await client.request(method, path, headers={} if key is None else {"X-API-Key": key})
                for method, path, key in requests
            ]

    return asyncio.run(ask())


def test_requests_are_counted_by_key_before_anything_else_is_looked_at() -> None:
    class Cards:
        def models(self) -> dict[str, dict[str, Any]]:
            return {}

    protection = Protection.of(KEYS, protect_reads=True)
    limiter = RateLimiter(RateLimit(per_minute=1, burst=2), len(KEYS), clock=Clock())
    app = create_app(cast("Any", Cards()), protection=protection, limiter=limiter)
    of_first = call(app, [("GET", "/models", KEYS[0])] * 3)
    assert [response.status_code for response in of_first] == [200, 200, 429]
    assert of_first[2].json()["error"]["code"] == "rate_limited"
    assert of_first[2].headers["Retry-After"] == "60"
    assert of_first[2].headers["X-Content-Type-Options"] == "nosniff"
    assert [r.status_code for r in call(app, [("GET", "/models", KEYS[1])])] == [200]
    wrong = call(app, [("GET", "/models", "wrong"), ("POST", "/predict", None), ("GET", "/models", "guess")])
    assert [response.status_code for response in wrong] == [401, 401, 429]
    free = call(app, [("GET", "/livez", None), ("GET", "/readyz", None), ("GET", "/openapi.json", None)] * 3)
    assert {response.status_code for response in free} == {200}


@pytest.mark.parametrize(
    ("rate", "burst", "expected"),
    [
        ("", "", None),
        ("0", "", None),
        ("120", "", RateLimit(120, 20)),
        ("1", "", RateLimit(1, 1)),
        ("60", "3", RateLimit(60, 3)),
    ],
)
def test_the_environment_says_how_often(
    rate: str, burst: str, expected: RateLimit | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RATE_VARIABLE, rate)
    monkeypatch.setenv(BURST_VARIABLE, burst)
    assert RateLimit.from_environment() == expected


@pytest.mark.parametrize(("rate", "burst"), [("many", ""), ("-1", ""), ("1.5", ""), ("60", "0"), ("", "5")])
def test_a_limit_that_cannot_be_meant_is_refused(rate: str, burst: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RATE_VARIABLE, rate)
    monkeypatch.setenv(BURST_VARIABLE, burst)
    with pytest.raises(ConfigurationError, match="ELYTE_KEY_"):
        RateLimit.from_environment()
