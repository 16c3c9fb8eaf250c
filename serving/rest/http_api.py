"""The REST interface as a FastAPI application; `serving.rest.service` lets BentoML host it.

Routes lie in `serving.rest.routes`. FastAPI makes OpenAPI of them; bodies are read strictly, by
`serving.answers.refusals`, and predicting runs in worker threads (`serving.rest.lanes`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from serving.rest.admission import Admission, AdmissionLimits
from serving.rest.errors import answer_http_exception
from serving.rest.lanes import Lanes
from serving.rest.observability import RequestLog
from serving.rest.openapi import openapi_document
from serving.rest.protection import Guard, Protection
from serving.rest.rate_limits import RateLimiter
from serving.rest.routes import (
    coatings,
    condition_grid,
    effect,
    generate,
    health,
    inference,
    interface,
    measurements,
    models,
    nearest,
    pages,
    pathways,
    predictions,
    rank,
    rate,
    structures,
    synthesis,
    vocabulary,
)

if TYPE_CHECKING:
    from serving.predictor import Predictor

RESOURCES = (
    predictions,
    nearest,
    interface,
    synthesis,
    coatings,
    structures,
    condition_grid,
    generate,
    rank,
    rate,
    pathways,
    models,
    measurements,
    effect,
    vocabulary,
    inference,
    health,
    pages,
)
DESCRIPTION = (
    "Predicts conductivity, stability and critical current density of solid electrolytes, each with an interval and"
    " whether the material is one that the model knows."
)


def create_app(
    predictor: Predictor | None = None,
    limits: AdmissionLimits | None = None,
    protection: Protection | None = None,
    limiter: RateLimiter | None = None,
    *,
    agents: bool = False,
) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    predictor
        What answers; None until `app.state.predictor` is set, and so long everything is answered 503.
    limits
        What is admitted.
    protection
        What is asked of callers.
    limiter
        How often each of their keys may ask; None for no limit.
    agents
        Whether tools for agents are served at `/mcp`.

    Returns
    -------
    FastAPI
        Application with `POST /predict`, `GET /models`, the OpenAPI document and its page.
    """
    protection, limits = protection or Protection(), limits or AdmissionLimits()
    app = FastAPI(
        title="elyte",
        version="1",
        description=DESCRIPTION,
        servers=[{"url": "."}],
        openapi_url=None,  # the document and its page are routes of ours, without files from elsewhere
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # A redirect from /predict/ would carry the Host header's name; such a path is simply unknown.
        redirect_slashes=False,
        middleware=[Middleware(RequestLog), Middleware(Guard, protection, limiter)],
        exception_handlers={HTTPException: answer_http_exception},
    )
    for resource in RESOURCES:
        app.include_router(resource.router)
    if agents:
        from serving.rest.routes.agents import router  # loads what nobody else needs

        app.include_router(router)
    app.openapi = partial(openapi_document, app)  # type: ignore[method-assign]
    app.state.predictor = predictor
    app.state.keeper = None
    app.state.protection = protection
    app.state.limits = limits
    app.state.admission = Admission(limits)
    app.state.lanes = Lanes(limits.answer_seconds)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
