"""What routes share: the models that answer, the right to write, the admitted body, and where it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from serving.answers.refusals import RequestError
from serving.models.store import ModelUnavailableError
from serving.predictor import Predictor
from serving.rest.answer_writers import json_response
from serving.rest.errors import not_ready
from serving.rest.lanes import SHORT_BODY_BYTES, Lanes
from serving.rest.observability import RECORD_KEY, answered_rows
from serving.rest.openapi import Refusals
from serving.rest.protection import right_to_write
from serving.rest.request_body import JSON, read_body, require_media_type
from serving.rest.request_record import RequestRecord


async def loaded(request: Request) -> Predictor:
    """Return what answers from now on to the end of a request.

    Raises
    ------
    RequestError
        503 while the models are being loaded.
    """
    predictor: Predictor | None = request.app.state.predictor
    if predictor is None:
        raise not_ready()
    return predictor


Loaded = Annotated[Predictor, Depends(loaded)]
# What changes what is served or stored needs a key, whatever the configuration.
WRITES = [Depends(right_to_write)]
KEY_REFUSED: Refusals = {
    401: (
        "No key or a wrong one was sent.",
        "unauthorized",
        "no key was sent; send it as X-API-Key: KEY or Authorization: Bearer KEY",
    ),
    403: (
        "The service was started without keys, or the request comes from a web page of another origin.",
        "writing_disabled",
        "this route changes what is served and needs a key; start the service with ELYTE_API_KEY=KEY",
    ),
}


def record_of(request: Request) -> RequestRecord:
    """Return what is remembered of a request."""
    record: RequestRecord = request.scope[RECORD_KEY]
    return record


def lanes_of(request: Request) -> Lanes:
    """Return the threads in which answers are computed."""
    lanes: Lanes = request.app.state.lanes
    return lanes


@asynccontextmanager
async def admitted_body(request: Request, media_type: str) -> AsyncIterator[bytes]:
    """Admit a request and read its body; its memory counts until the answer is there."""
    limits = request.app.state.limits
    require_media_type(request, media_type)
    with request.app.state.admission.admit() as reserve:
        yield await read_body(request, limits.body_bytes, limits.body_seconds, reserve)


async def answer_json(request: Request, answer: Callable[[bytes], Mapping[str, Any]]) -> Response:
    """Read a JSON body, answer it in a worker thread, and note how many rows it had.

    Raises
    ------
    RequestError
        Whatever refuses the request; 404 where a model is needed that is not served.
    """

    def work(raw: bytes) -> Response:
        try:
            document = answer(raw)
        except ModelUnavailableError as error:
            raise RequestError(404, "not_served", str(error)) from None
        rows = answered_rows(document)
        if rows is not None:
            record = record_of(request)
            record.count_rows(rows)
            record.name_models(document["models"])
        return json_response(document)

    async with admitted_body(request, JSON) as raw:
        return await lanes_of(request).run(lambda: work(raw), short=len(raw) <= SHORT_BODY_BYTES)
