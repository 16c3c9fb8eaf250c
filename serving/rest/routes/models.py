"""`GET /models` and `POST /models/refresh`: the models' cards, and how they stand to the registry's."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.datastructures import State

from serving.answers.refusals import RequestError, parse_json_object, shown
from serving.rest.answer_models import ModelHeader
from serving.rest.answer_writers import json_response
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import REQUIRED_KEY, Refusals, refusals
from serving.rest.request_body import read_body
from serving.rest.routes.answering import KEY_REFUSED, WRITES, Loaded, lanes_of

MAX_REFRESH_BYTES = 1024
NO_REGISTRY = (
    "there is no registry to follow; `elyte retrain` on this account makes one, or start the service with"
    " MLFLOW_TRACKING_URI=URI"
)
OWN_REFUSALS: Refusals = KEY_REFUSED | {409: ("The service follows no registry.", "no_registry", NO_REGISTRY)}

router = APIRouter(route_class=AnsweringRoute)


class ServedCard(ModelHeader):
    """What a model is: its data, licences, metrics and versions; and how it stands to the registry's champion."""

    registry: dict[str, Any] | None = Field(None, description="Where the service follows a registry.")
    refused: dict[str, Any] | None = Field(None, description="A champion that is not served, and why.")
    changed_from: ModelHeader | None = Field(
        None, description="Of a refresh: the header of the model that was replaced."
    )


def described(state: State) -> dict[str, dict[str, Any]]:
    """Return the card of every model that answers now, with what the keeper notes about it.

    Parameters
    ----------
    state
        State of the application: its predictor and its keeper (None where nothing follows a registry).
    """
    cards: dict[str, dict[str, Any]] = state.predictor.models()
    notes = {} if state.keeper is None else state.keeper.notes()
    return {name: card | notes.get(name, {}) for name, card in cards.items()}


def refreshed(state: State) -> dict[str, dict[str, Any]]:
    """Follow the registry now and return the cards; `changed_from` is the header of a model that was replaced, or null.

    Raises
    ------
    RequestError
        409 where there is no registry, 503 where it does not answer.
    """
    keeper = state.keeper
    replaced = {} if keeper is None else keeper.check(anew=True)
    if keeper is None or keeper.uri is None:
        raise RequestError(409, "no_registry", NO_REGISTRY)
    if not keeper.reachable:
        seconds = max(1, round(keeper.poll_seconds))
        message = f"the registry does not answer; the models stay as they are, try again in {seconds} s"
        raise RequestError(503, "registry_unreachable", message, {"Retry-After": str(seconds)})
    return {name: card | {"changed_from": replaced.get(name)} for name, card in described(state).items()}


async def refuse_content(request: Request) -> None:
    """Refuse a body that asks for something: there is nothing to choose.

    Raises
    ------
    RequestError
        400 for anything but no body or an empty JSON object, 413 for a large one, 408 for one that does not come.
    """
    raw = await read_body(request, MAX_REFRESH_BYTES, request.app.state.limits.body_seconds, lambda _: None)
    unknown = parse_json_object(raw) if raw.strip() else {}
    if unknown:
        message = f"{shown(next(iter(unknown)))}: unknown key; this route takes none"
        raise RequestError(400, "invalid_request", message)


@router.get(
    "/models",
    summary="Describe the models that answer now",
    response_model=dict[str, ServedCard],
    response_description="The models' cards, by property.",
    responses=refusals(only=(401, 500, 503, 504)),
)
async def models(request: Request, _: Loaded) -> Response:
    """Describe each, and how it stands to the registry's champion where a registry is followed."""
    return await lanes_of(request).run(lambda: json_response(described(request.app.state)), short=True)


@router.post(
    "/models/refresh",
    summary="Follow the model registry now instead of at the next poll",
    response_model=dict[str, ServedCard],
    response_description="The models' cards, as GET /models.",
    responses=refusals(OWN_REFUSALS, only=(400, 408, 413, 500, 503, 504)),
    dependencies=WRITES,
    openapi_extra={"security": REQUIRED_KEY},
)
async def refresh_models(request: Request, _: Loaded) -> Response:
    """Give refused champions another chance; other worker processes follow at their next poll.

    `changed_from` of a card is the header of the model that was replaced, or null; `refused` names a champion that is
    not served.
    """
    await refuse_content(request)
    return await lanes_of(request).run(lambda: json_response(refreshed(request.app.state)), short=False)
