"""Body and query of a request over HTTP: media type, size, how long it may take to arrive, and what it is read as."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from pydantic import ValidationError
from starlette.requests import Request

from serving.answers.refusals import Asked, RequestError, describe, read_as, shown
from serving.answers.request import MAX_CANDIDATES, PredictRequest

JSON = "application/json"
# What the schema of a request says of its list of candidates.
MANY_CANDIDATES = {"candidates": f"From 1 to {MAX_CANDIDATES} materials to judge."}


def require_media_type(request: Request, expected: str = JSON) -> None:
    """Refuse a body that does not claim to be plain text of the expected media type.

    Raises
    ------
    RequestError
        415, for another media type (a pickle, a form), another charset, or a compressed body.
    """
    content_type = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")}
    if media_type != expected or not charsets <= {"utf-8", "us-ascii"}:
        message = f"Content-Type: received {shown(content_type)}, expected {expected} (UTF-8)"
        raise RequestError(415, "unsupported_media_type", message)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        message = f"Content-Encoding: received {shown(encoding)}, expected none"
        raise RequestError(415, "unsupported_media_type", message)


async def read_body(request: Request, max_bytes: int, seconds: float, reserve: Callable[[int], None]) -> bytes:
    """Read the body, counting as it arrives; the client's Content-Length is a hint, not a promise.

    Parameters
    ----------
    request
        The request.
    max_bytes
        Largest size.
    seconds
        Longest time for it to arrive.
    reserve
        Called with the size of every chunk before it is kept.

    Raises
    ------
    RequestError
        413 when it is too large, 408 when it does not arrive in time.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise _too_large(f"{announced[:20]} bytes", max_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(f"more than {max_bytes} bytes", max_bytes)
                reserve(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        message = f"received {size} bytes in {seconds:g} s, expected the whole body by then"
        raise RequestError(408, "request_timeout", message, {"Connection": "close"}) from None
    return b"".join(chunks)


def _too_large(received: str, max_bytes: int) -> RequestError:
    message = f"the body: received {received}, expected at most {max_bytes}; split the list of candidates"
    return RequestError(413, "body_too_large", message)


def read_request(raw: bytes) -> PredictRequest:
    """Parse and validate the body of `POST /predict`.

    Parameters
    ----------
    raw
        The body as received.

    Raises
    ------
    RequestError
        400 for anything that is not a valid request, 413 for too many candidates.
    """
    return read_as(PredictRequest, raw, MAX_CANDIDATES)


def read_query(model: type[Asked], items: Iterable[tuple[str, str]], several: str = "") -> Asked:
    """Read query parameters as a model of them.

    Parameters
    ----------
    model
        What they are to be.
    items
        Names and texts as in the URL.
    several
        The one that may be repeated, and is a list.

    Raises
    ------
    RequestError
        400, for a parameter that is unknown, repeated or out of range.
    """
    given: dict[str, str | list[str]] = {}
    listed: list[str] = []
    for name, text in items:
        if name == several:
            given[name] = listed = [*listed, text]
        elif name in given:
            raise RequestError(400, "duplicate_key", f"received the query parameter {shown(name)} twice")
        else:
            given[name] = text
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise RequestError(400, "invalid_request", f"query: {describe(error, model)}") from None
