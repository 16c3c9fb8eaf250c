"""The client when the service is busy, broken, not there, or something else."""

from __future__ import annotations

import httpx
import pytest
from scripted_service import answering, refused

from serving.client import transport as client_transport
from serving.client.client import ServiceError, ServiceUnavailableError
from serving.client.transport import LONGEST_PAUSE_S, pause_s


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses, noted instead of slept."""
    pauses: list[float] = []
    monkeypatch.setattr(client_transport.time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(status: int, slept: list[float]) -> None:
    """Retry-After is kept to, with some chance on top and a cap."""
    fine = httpx.Response(200, json={"cards": 1})
    client, requests = answering(
        refused(status, **{"Retry-After": "3"}), refused(status, **{"Retry-After": "9999"}), fine
    )
    assert client.models() == {"cards": 1}
    assert len(requests) == 3
    assert 3.0 <= slept[0] <= 3.3
    assert LONGEST_PAUSE_S <= slept[1] <= 1.1 * LONGEST_PAUSE_S


@pytest.mark.parametrize("retries", [0, 2])
def test_a_service_that_stays_busy_is_unavailable(retries: int, slept: list[float]) -> None:
    """With what it said last."""
    client, requests = answering(refused(503), retries=retries)
    with pytest.raises(ServiceUnavailableError, match="503 some_code: some words") as caught:
        client.predict("Li3N")
    assert (caught.value.status, caught.value.request_id) == (503, "5f0c")
    assert len(requests) == retries + 1
    assert len(slept) == retries


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")])
def test_a_broken_connection_is_tried_again(error: Exception, slept: list[float]) -> None:
    """A call only computes: to send it twice harms nobody."""
    client, requests = answering(error, error, httpx.Response(200, json={}))
    assert client.models() == {}
    assert len(requests) == 3
    assert slept[0] < slept[1] * 2
    client, _ = answering(error)
    with pytest.raises(ServiceUnavailableError, match="no answer no_connection") as caught:
        client.models()
    assert caught.value.status is None


def test_what_took_too_long_is_not_asked_again(slept: list[float]) -> None:
    """It would take as long again, on a service that has enough to do."""
    client, requests = answering(httpx.ReadTimeout("x"))
    with pytest.raises(ServiceUnavailableError, match="timeout"):
        client.models()
    assert (len(requests), slept) == (1, [])
    client, requests = answering(refused(504))
    with pytest.raises(ServiceError) as caught:
        client.models()
    assert (len(requests), caught.value.status) == (1, 504)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>a proxy</html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(502, text="<html>a proxy</html>"),
        httpx.Response(301, headers={"Location": "https://elsewhere"}),
        httpx.Response(400, json={"error": "another shape"}),
        httpx.Response(400, json={"error": {"code": 1}}),
        httpx.Response(200, content=b"\xff\xfe"),
    ],
)
def test_what_is_not_the_service_is_told_apart(answer: httpx.Response) -> None:
    """A proxy's page must not become a KeyError."""
    client, _ = answering(answer)
    with pytest.raises(ServiceError) as caught:
        client.models()
    assert (caught.value.status, caught.value.code) == (answer.status_code, "unexpected_answer")


def test_readiness() -> None:
    """True, not ready, not there."""
    for answer, expected in ((httpx.Response(200), True), (refused(503), False), (httpx.ConnectError("x"), False)):
        client, requests = answering(answer)
        assert client.ready() is expected
        assert requests[0].url.path == "/readyz"
    client, _ = answering(refused(503), httpx.ConnectError("x"), httpx.Response(200))
    client.wait_until_ready(5)
    client, _ = answering(refused(503))
    with pytest.raises(ServiceUnavailableError, match=r"not ready within 0\.3 s"):
        client.wait_until_ready(0.3)


def test_pauses_grow_vary_and_end() -> None:
    """Clients that were refused together must not come back together."""
    for attempt in range(12):
        pauses = [pause_s(attempt) for _ in range(50)]
        assert len(set(pauses)) > 1
        assert 0 < min(pauses) <= max(pauses) <= min(0.25 * 2**attempt, LONGEST_PAUSE_S)


@pytest.mark.parametrize("text", ["", "soon", "-3", "1e9", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_strange_retry_after_is_as_good_as_none(text: str, slept: list[float]) -> None:
    """Only seconds are understood."""
    client, _ = answering(refused(429, **{"Retry-After": text}), httpx.Response(200, json={}))
    client.models()
    assert slept[0] < 1.0
