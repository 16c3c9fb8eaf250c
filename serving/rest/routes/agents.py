"""`POST /mcp`: the tools for agents over streamable HTTP; loaded only where the service is started with them.

Every request stands alone, without a session, and is answered with JSON. It passes what every other route passes (keys,
origins, admission, deadlines, log and metrics); besides, the name in its Host header must be one of this service, since
a page of another name that resolves to this machine could else ask (DNS rebinding).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from serving.agents.server import Host, make_server
from serving.answers.refusals import RequestError, shown
from serving.rest.errors import AnsweringRoute, not_ready
from serving.rest.observability import answered_rows
from serving.rest.protection import ORIGINS_VARIABLE, Protection
from serving.rest.request_body import JSON
from serving.rest.routes.answering import admitted_body, lanes_of, record_of

if TYPE_CHECKING:
    from starlette.types import Message

    from serving.predictor import Predictor

PATH = "/mcp"

router = APIRouter(route_class=AnsweringRoute)
logging.getLogger("mcp").setLevel(logging.CRITICAL)  # the SDK's warnings quote what was sent


@router.post(PATH, include_in_schema=False)
async def answer(request: Request) -> Response:
    """Answer one message of the Model Context Protocol."""
    protection: Protection = request.app.state.protection
    host = request.headers.get("host", "")
    if not protection.allows_host(host):
        message = (
            f"Host: received {shown(host)}, expected an address of this service, or a name whose origin is listed in"
            f" {ORIGINS_VARIABLE}"
        )
        raise RequestError(403, "host_not_allowed", message)
    async with admitted_body(request, JSON) as raw:
        return await _protocol_answer(request, raw)


def _host_of(request: Request) -> Host:
    """Return what the tools need of the service; the models stay those of the start of the request."""
    predictor: Predictor | None = request.app.state.predictor

    def loaded() -> Predictor:
        if predictor is None:
            raise not_ready()
        return predictor

    async def run(work: Callable[[], Any]) -> Any:  # noqa: ANN401
        return await lanes_of(request).run(work, short=True)

    def seen(document: Mapping[str, Any]) -> None:
        record = record_of(request)
        rows = answered_rows(document)
        if rows is not None:
            record.count_rows(rows)
        record.name_models(document["models"])

    return Host(loaded, run, seen)


async def _protocol_answer(request: Request, raw: bytes) -> Response:
    """Let the SDK answer a body that was read, and return what it sends."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    limits = request.app.state.limits
    manager = StreamableHTTPSessionManager(
        make_server(_host_of(request)),
        json_response=True,
        stateless=True,
        max_request_body_size=limits.body_bytes,
    )
    waiting = [{"type": "http.request", "body": raw, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop() if waiting else await request.receive()

    async def send(message: Message) -> None:
        sent.append(message)

    async with manager.run():
        await manager.handle_request(request.scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    response = Response(body, start["status"])
    kept = [(name, value) for name, value in start.get("headers", ()) if name.lower() != b"content-length"]
    with contextlib.suppress(KeyError):
        del response.headers["content-type"]
    response.raw_headers.extend(kept)
    return response
