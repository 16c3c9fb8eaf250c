"""What `GET /models` and `POST /models/refresh` answer: the models' cards, and how they stand to the registry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving.rest.request_body import RequestError, parse_json_object, read_body, shown

if TYPE_CHECKING:
    from starlette.datastructures import State
    from starlette.requests import Request

MAX_REFRESH_BYTES = 1024
NO_REGISTRY = (
    "there is no registry to follow; `elyte retrain` on this account makes one, or start the service with"
    " MLFLOW_TRACKING_URI=URI"
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
