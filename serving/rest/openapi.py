"""What the OpenAPI document says beyond the models of the routes: refusals, bodies, keys; and its page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from serving.answers.request import MAX_BODY_BYTES, MAX_CANDIDATES
from serving.rest.answer_models import Error
from serving.rest.request_body import JSON

if TYPE_CHECKING:
    from fastapi import FastAPI

SCHEMAS = "#/components/schemas/"
# Models of bodies, beside the operation that refers to them: FastAPI knows those only that it reads itself.
BODY_MODELS = "x-body-models"

# Status to (when, code, message).
Refusals = dict[int, tuple[str, str, str]]
Responses = dict[int | str, dict[str, Any]]
REFUSALS: Refusals = {
    400: (
        "Malformed JSON, an unknown or duplicate key, a wrong type, a value out of range, or no candidates.",
        "invalid_request",
        "candidates[0].formulae: unknown key (did you mean formula?); allowed keys: block, cif, formula, id",
    ),
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
    408: ("The body did not arrive in time.", "request_timeout", "received 12 bytes in 30 s, expected the whole body"),
    413: (
        f"More than {MAX_CANDIDATES} candidates or {MAX_BODY_BYTES} bytes.",
        "too_many_candidates",
        f"candidates: received 10001 candidates, expected at most {MAX_CANDIDATES} in one request",
    ),
    415: (
        "The body is not declared as JSON (for a table: as CSV).",
        "unsupported_media_type",
        'Content-Type: received "text/plain", expected application/json (UTF-8)',
    ),
    429: (
        "Too many requests are being answered, or this key asks too often (`rate_limited`); try again.",
        "too_many_requests",
        "try again in 1 s",
    ),
    500: ("The service failed.", "internal_error", "the service failed; its log has details under request 5f0c"),
    503: ("The models are still being loaded.", "not_ready", "the models are being loaded; try again in 2 s"),
    504: ("The answer took too long.", "timeout", "no answer within 60 s; send fewer candidates"),
}
SECURITY_SCHEMES: dict[str, Any] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
# Either key, or none where the service does not ask for one.
OPTIONAL_KEY: list[dict[str, list[str]]] = [{}, {"apiKey": []}, {"bearer": []}]
REQUIRED_KEY: list[dict[str, list[str]]] = [{"apiKey": []}, {"bearer": []}]
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def refusal(status: int, said: tuple[str, str, str] | None = None, model: type[BaseModel] = Error) -> dict[str, Any]:
    """Return one refusal, as a route's `responses` have it.

    Parameters
    ----------
    status
        Its HTTP status.
    said
        When it happens, its code and an example of its message; None as in `REFUSALS`.
    model
        The shape of its document.
    """
    when, code, message = said or REFUSALS[status]
    example = {"error": {"code": code, "message": message}}
    response = {"model": model, "description": when, "content": {JSON: {"example": example}}}
    return response | ({"headers": RETRY_AFTER} if status in {429, 503} else {})


def refusals(own: Refusals | None = None, *, only: tuple[int, ...] = tuple(REFUSALS)) -> Responses:
    """Return the refusals of a route, all that a route which computes may give unless told otherwise.

    Parameters
    ----------
    own
        Those of its own, on top or instead.
    only
        Which of `REFUSALS` there are.
    """
    own = own or {}
    return {status: refusal(status, own.get(status)) for status in sorted({*only, *own})}


def not_served(name: str) -> tuple[str, str, str]:
    """Return the refusal of a question that needs a model which is not served."""
    return f"No {name} model is served.", "not_served", f"this installation serves no {name} model"


def body_of(
    model: type[BaseModel], example: Mapping[str, object], descriptions: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return what an operation says of a JSON body that the route reads itself, strictly: its `openapi_extra`.

    Parameters
    ----------
    model
        What the body is to be.
    example
        One that is answered.
    descriptions
        Field to what the model cannot say of it: a `maxItems` would promise 400 where it is 413.
    """
    schema = model.model_json_schema(ref_template=SCHEMAS + "{model}")
    for field, text in descriptions.items():
        schema["properties"][field]["description"] = text
    models = schema.pop("$defs", {}) | {model.__name__: schema}
    media = {"schema": {"$ref": SCHEMAS + model.__name__}, "example": example}
    return {"requestBody": {"required": True, "content": {JSON: media}}, BODY_MODELS: models}


def query_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return query parameters that a route reads itself, strictly, from the model that validates them."""
    return [
        # What may be left out is null in a model, but not in a URL.
        {"name": name, "in": "query", "required": False, "schema": schema.get("anyOf", [schema])[0]}
        for name, schema in model.model_json_schema(ref_template=SCHEMAS + "{model}")["properties"].items()
    ]


def text_response(description: str) -> dict[str, Any]:
    """Return a plain text answer, as a route's `responses` have it."""
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the service, made once for an application; do not change it."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            servers=app.servers,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        components = document["components"]
        for methods in document["paths"].values():
            for operation in methods.values():
                components["schemas"] |= operation.pop(BODY_MODELS, {})
                operation["responses"].pop("422", None)  # named by FastAPI, answered by nobody
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        app.openapi_schema = document | {
            "security": OPTIONAL_KEY,
            "components": components | {"securitySchemes": SECURITY_SCHEMES},
        }
    return app.openapi_schema


def docs_page() -> str:
    """Return the page that shows the document."""
    page = get_swagger_ui_html(
        openapi_url="./openapi.json",
        title="elyte: REST interface",
        swagger_js_url="./docs/swagger-ui-bundle.js",
        swagger_css_url="./docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    return bytes(page.body).decode()
