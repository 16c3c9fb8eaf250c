"""The part of the OpenAPI document about keys, origins and the route that follows the registry."""

from __future__ import annotations

from typing import Any

from serving.models.cards import NO_REGISTRY

# Status to (when, code, message), as in `serving.rest.openapi.REFUSALS`.
REFUSALS_BY_PROTECTION: dict[int, tuple[str, str, str]] = {
    401: (
        "The service asks for a key (ELYTE_PROTECT_READS), and none or a wrong one was sent.",
        "unauthorized",
        "no key was sent; send it as X-API-Key: KEY or Authorization: Bearer KEY",
    ),
    403: (
        "The request comes from a web page of another origin.",
        "origin_not_allowed",
        'a web page of "https://other.example" may not use this service; list its origin in ELYTE_ALLOWED_ORIGINS',
    ),
}
SECURITY_SCHEMES: dict[str, Any] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
# Either key, or none where the service does not ask for one.
OPTIONAL_KEY: list[dict[str, list[str]]] = [{}, {"apiKey": []}, {"bearer": []}]
REQUIRED_KEY: list[dict[str, list[str]]] = [{"apiKey": []}, {"bearer": []}]


def refresh_operation(cards: dict[str, Any], error: dict[str, Any], refusals: dict[str, Any]) -> dict[str, Any]:
    """Return the operation `POST /models/refresh`.

    Parameters
    ----------
    cards
        Media types of the answer.
    error
        Schema of a refusal.
    refusals
        Status to response, those that it shares with the other routes.
    """
    no_registry = {
        "description": "The service follows no registry.",
        "content": {
            "application/json": {"schema": error, "example": {"error": {"code": "no_registry", "message": NO_REGISTRY}}}
        },
    }
    return {
        "operationId": "refresh_models",
        "summary": "Follow the model registry now instead of at the next poll",
        "description": "Refused champions get another chance. `changed_from` of a card is the header of the model that"
        " was replaced, or null; `refused` names a champion that is not served. Other worker processes follow at their"
        " next poll.",
        "security": REQUIRED_KEY,
        "responses": {
            "200": {"description": "The models' cards, as GET /models.", "content": cards},
            **refusals,
            "409": no_registry,
        },
    }
