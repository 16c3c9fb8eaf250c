"""`GET /livez`, `/readyz` and `/metrics`: what supervisors, balancers and Prometheus ask."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from serving.rest.errors import AnsweringRoute
from serving.rest.observability import metrics_text
from serving.rest.openapi import refusal, text_response
from serving.rest.routes.answering import Loaded

router = APIRouter(route_class=AnsweringRoute, default_response_class=Response)


@router.get("/livez", summary="Whether the process lives", responses={200: text_response("It does.")})
async def livez() -> Response:
    """Answer also while models are being loaded."""
    return PlainTextResponse("\n")


router.add_api_route("/healthz", livez, include_in_schema=False)


@router.get(
    "/readyz",
    summary="Whether the models are loaded and warm",
    responses={200: text_response("They are."), 503: refusal(503)},
)
async def readyz(_: Loaded) -> Response:
    """Answer 503 until then."""
    return PlainTextResponse("\n")


@router.get("/metrics", summary="Prometheus metrics", responses={200: text_response("Prometheus text format.")})
async def metrics() -> Response:
    """Count over all worker processes."""
    text, media_type = await run_in_threadpool(metrics_text)
    return Response(text, media_type=media_type)
