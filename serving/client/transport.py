"""What the client sends and receives: connections, retries, and the errors that the service or the network gives."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

TRY_AGAIN = frozenset({429, 503})
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
SHOWN_CHARACTERS = 200
PROBE_TIMEOUT_S = 5.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ServiceError(Exception):
    """The service refused a request, or what answered is not the service.

    Parameters
    ----------
    status
        HTTP status; None where there was no answer.
    code
        Machine-readable reason, such as `invalid_request`.
    message
        What was received, where, and what was expected.
    request_id
        Under which the service's log has the request.
    """

    def __init__(self, status: int | None, code: str, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id

    def __str__(self) -> str:
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.status or 'no answer'} {self.code}: {self.message}{request}"


class ServiceUnavailableError(ServiceError):
    """The service is not there, not ready or busy, still so after all retries."""


class Transport:
    """Requests to one service over kept connections.

    Every call of the service only computes, so each may be sent again; one that ran out of time is not, as it would
    again.

    Parameters
    ----------
    url
        Where the service listens.
    headers
        Sent with every request.
    timeout_s
        Longest wait for one answer.
    retries
        How often a request is sent again after 429, 503 or a broken connection.
    transport
        Replaces the network, for tests.

    Raises
    ------
    ImportError
        If httpx is not installed.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        retries: int,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise ImportError("the client needs httpx; install elyte[client]") from error
        self._url = url
        self._retries = retries
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=timeout_s,
            transport=transport,
            trust_env=urlsplit(url).hostname not in LOOPBACK,  # proxies of the environment
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return the document at a path; raises as `post`."""
        return self._document("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a document and return the answer.

        Raises
        ------
        ServiceError
            If the service refuses, or what answers is not the service.
        ServiceUnavailableError
            If there is no answer, or none but 429 or 503, after all retries.
        """
        import orjson

        content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        return self._document("POST", path, content=content, headers={"Content-Type": "application/json"})

    def status(self, path: str) -> int | None:
        """Return the status of one GET without retries, None without an answer."""
        import httpx

        try:
            return self._http.get(path, timeout=PROBE_TIMEOUT_S).status_code
        except httpx.TransportError:
            return None

    def _document(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        response = self._send(method, path, **more)
        document = _parsed(response)
        if response.status_code == 200 and document is not None:
            return document
        failure = ServiceUnavailableError if response.status_code in TRY_AGAIN else ServiceError
        request_id = response.headers.get("x-request-id")
        error = (document or {}).get("error")
        if isinstance(error, dict) and {"code", "message"} <= error.keys():
            raise failure(response.status_code, str(error["code"]), str(error["message"]), request_id)
        message = f"{self._url} answered what elyte does not: {response.text[:SHOWN_CHARACTERS]!r}"
        raise failure(response.status_code, "unexpected_answer", message, request_id)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401
        import httpx

        attempt = 0
        while True:
            wanted: float | None = None
            try:
                response = self._http.request(method, path, **more)
                if response.status_code not in TRY_AGAIN or attempt == self._retries:
                    return response
                wanted = _seconds(response.headers.get("retry-after"))
            except httpx.TransportError as error:
                in_vain = isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
                if in_vain or attempt == self._retries:
                    code = "timeout" if in_vain else "no_connection"
                    message = f"{self._url}: {type(error).__name__}: {error}"
                    raise ServiceUnavailableError(None, code, message) from error
            time.sleep(pause_s(attempt, wanted))
            attempt += 1


def pause_s(attempt: int, wanted_s: float | None = None) -> float:
    """Return how long to wait before trying again, in seconds.

    Parameters
    ----------
    attempt
        How many times it was tried again already; the pause doubles with each.
    wanted_s
        What the service asked for; kept to `LONGEST_PAUSE_S`, with a tenth of chance so that clients do not come back
        all at once.
    """
    if wanted_s is not None:
        return min(wanted_s, LONGEST_PAUSE_S) * random.uniform(1.0, 1.1)
    backoff_s: float = min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S)
    return random.uniform(0.5, 1.0) * backoff_s


def _seconds(text: str | None) -> float | None:
    """Return the seconds of a Retry-After header; None for a date, which the service never sends, and nonsense."""
    return float(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def _parsed(response: httpx.Response) -> dict[str, Any] | None:
    import orjson

    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
