"""The OpenAPI document of the service, and the page that shows it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from serving.answers.nearest_request import MAX_NEAREST_CANDIDATES
from serving.answers.request import MAX_BODY_BYTES, MAX_CANDIDATES
from serving.answers.vocabulary import vocabulary_operation
from serving.rest.csv_exchange import CSV, IGNORED_HEADER, MODELS_HEADER
from serving.rest.openapi_measurements import OWN_REFUSALS, measurement_schemas, measurements_operation
from serving.rest.openapi_protection import OPTIONAL_KEY, REFUSALS_BY_PROTECTION, SECURITY_SCHEMES, refresh_operation
from serving.rest.openapi_schemas import answer_schemas, query_parameters, reference, request_schemas
from serving.rest.ranking import rank_operation, rank_schemas
from serving.rest.request_body import JSON

EXAMPLE_REQUEST: dict[str, Any] = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}, {"formula": "Li7La3Zr2O12"}],
    "conditions": {"temperature_C": 25},
    "properties": ["conductivity", "stability", "ccd"],
    "coverage": 0.9,
}

EXAMPLE_INTERFACE: dict[str, Any] = {"formula": "Li6PS5Cl", "against": ["lithium", "LCO", "LiNbO3"], "voltage_V": 4.2}

EXAMPLE_GRID: dict[str, Any] = {
    "formula": "Li6PS5Cl", "temperatures_C": [25, 60, 100], "stack_pressures_MPa": [5],
    "interlayer_types": ["none", "fluoride/halide"],
}  # fmt: skip

EXAMPLE_NEAREST: dict[str, Any] = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}], "properties": ["conductivity", "ccd"], "count": 3,
}  # fmt: skip

EXAMPLE_CSV = "id,formula,temperature_C\nargyrodite,Li6PS5Cl,60\ngarnet,Li7La3Zr2O12,\n"

# Status to (when, code, message); the statuses of POST /predict besides 200 and 406.
REFUSALS: dict[int, tuple[str, str, str]] = {
    400: (
        "Malformed JSON, an unknown or duplicate key, a wrong type, a value out of range, or no candidates.",
        "invalid_request",
        "candidates[0].formulae: unknown key (did you mean formula?); allowed keys: block, cif, formula, id",
    ),
    **REFUSALS_BY_PROTECTION,
    408: (
        "The body did not arrive in time.",
        "request_timeout",
        "received 12 bytes in 30 s, expected the whole body",
    ),
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
    429: ("Too many requests are being answered; try again.", "too_many_requests", "try again in 1 s"),
    500: (
        "The service failed.",
        "internal_error",
        "the service failed; its log has the details under request 5f0c",
    ),
    503: ("The models are still being loaded.", "not_ready", "the models are being loaded; try again in 2 s"),
    504: ("The answer took too long.", "timeout", "no answer within 60 s; send fewer candidates"),
}
NOT_ACCEPTABLE = (
    "The Accept header admits neither JSON nor CSV.",
    "not_acceptable",
    'Accept: received "text/html", expected one that admits application/json or text/csv',
)
TOO_MANY_FOR_NEAREST = (
    f"More than {MAX_NEAREST_CANDIDATES} candidates or {MAX_BODY_BYTES} bytes.",
    "too_many_candidates",
    f"candidates: received 1001 candidates, expected at most {MAX_NEAREST_CANDIDATES} in one request",
)
MALFORMED_TABLE = (
    "A table that cannot be used as a whole, or a query parameter that is unknown or out of range.",
    "malformed_csv",
    "the body: column 'formulae' is not known (did you mean 'formula'?)",
)
BAD_OBJECTIVE = (
    "A body that cannot be used, or objectives that cannot be understood or contradict each other.",
    "invalid_objective",
    "'sigm' is no quantity (did you mean 'sigma'?)",
)
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def _json_content(schema: dict[str, Any], example: dict[str, Any] | None = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {JSON: media}


def _refusals(own: dict[int, tuple[str, str, str]] | None = None) -> dict[str, Any]:
    """Return the refusals of a route that computes; its own come on top or instead."""
    own = own or {}
    return {str(status): _refusal(status, own.get(status)) for status in sorted(REFUSALS | own)}


def _refusal(status: int, said: tuple[str, str, str] | None = None) -> dict[str, Any]:
    when, code, message = said or REFUSALS[status]
    response = {
        "description": when,
        "content": _json_content(reference("Error"), {"error": {"code": code, "message": message}}),
    }
    return response | ({"headers": RETRY_AFTER} if status in {429, 503} else {})


def _not_served(name: str) -> dict[str, Any]:
    message = f"this installation serves no {name} model"
    example = {"error": {"code": "not_served", "message": message}}
    return {"description": f"No {name} model is served.", "content": _json_content(reference("Error"), example)}


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _prediction() -> dict[str, Any]:
    """Return the answer of both routes that predict, as JSON or as CSV."""
    flat = {"schema": {"type": "string", "description": "A header and one flat row a candidate."}}
    told = {
        MODELS_HEADER: "Of a CSV answer: `property=version` of each model that answered.",
        IGNORED_HEADER: "Of a CSV answer to a table: its columns that were not used.",
    }
    return {
        "description": "One row a candidate.",
        "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in told.items()},
        "content": _json_content(reference("Answer")) | {CSV: flat},
    }


def _predicting_paths() -> dict[str, Any]:
    predict = {
        "operationId": "predict",
        "summary": "Predict conductivity, stability and critical current density",
        "description": "A candidate that cannot be judged becomes a row of status `error`; the others stand.",
        "requestBody": {
            "required": True,
            "content": _json_content(reference("PredictRequest"), EXAMPLE_REQUEST),
        },
        "responses": {"200": _prediction(), **_refusals({406: NOT_ACCEPTABLE})},
    }
    table = {
        "operationId": "predict_csv",
        "summary": "Predict the rows of a CSV table",
        "description": "Columns `id`, `formula`, `cif`, `block` and conditions; a row's conditions win over those of"
        " the query. Answers JSON, or CSV where the Accept header wants it.",
        "parameters": query_parameters(),
        "requestBody": {
            "required": True,
            "content": {CSV: {"schema": {"type": "string"}, "example": EXAMPLE_CSV}},
        },
        "responses": {"200": _prediction(), **_refusals({400: MALFORMED_TABLE, 406: NOT_ACCEPTABLE})},
    }
    nearest = {
        "operationId": "nearest",
        "summary": "Name the known materials nearest to candidates",
        "description": "By each model's own distance, and whether the candidate lies in its domain.",
        "requestBody": {"required": True, "content": _json_content(reference("NearestRequest"), EXAMPLE_NEAREST)},
        "responses": {
            "200": {"description": "One row a candidate.", "content": _json_content(reference("NearestAnswer"))},
            **_refusals({413: TOO_MANY_FOR_NEAREST}),
        },
    }
    return {"/predict": {"post": predict}, "/predict/csv": {"post": table}, "/nearest": {"post": nearest}}


def _paths() -> dict[str, Any]:
    interface = {
        "operationId": "interface",
        "summary": "Name the reactions of an electrolyte with lithium, cathodes, coatings and water",
        "description": "A partner that cannot be judged becomes a contact of status `error`; the others stand.",
        "requestBody": {
            "required": True,
            "content": _json_content(reference("InterfaceRequest"), EXAMPLE_INTERFACE),
        },
        "responses": {
            "200": {"description": "One contact a partner.", "content": _json_content(reference("InterfaceAnswer"))},
            "404": _not_served("stability"),
            **_refusals(),
        },
    }
    grid = {
        "operationId": "ccd_grid",
        "summary": "Critical current density of one material over a grid of conditions",
        "description": "Every combination of the lists, temperatures varying slowest; for what-if plots.",
        "requestBody": {"required": True, "content": _json_content(reference("CcdGridRequest"), EXAMPLE_GRID)},
        "responses": {
            "200": {"description": "One point a combination.", "content": _json_content(reference("CcdGridAnswer"))},
            "404": _not_served("ccd"),
            **_refusals(),
        },
    }
    cards = {
        "operationId": "models",
        "summary": "Describe the models that answer now",
        "responses": {
            "200": {"description": "The models' cards.", "content": _json_content({"type": "object"})},
            **{str(status): _refusal(status) for status in (401, 500, 503, 504)},
        },
    }
    refresh = refresh_operation(
        _json_content({"type": "object"}),
        reference("Error"),
        {str(status): _refusal(status) for status in (400, 401, 403, 408, 413, 500, 503, 504)},
    )
    live = {"summary": "Whether the process lives", "responses": {"200": _plain("It does.")}}
    ready = {
        "summary": "Whether the models are loaded and warm",
        "responses": {"200": _plain("They are."), "503": _refusal(503)},
    }
    metrics = {"summary": "Prometheus metrics", "responses": {"200": _plain("Prometheus text format.")}}
    return _predicting_paths() | {
        "/interface": {"post": interface},
        "/ccd/grid": {"post": grid},
        "/rank": {"post": rank_operation(_refusals({400: BAD_OBJECTIVE}), _not_served("stability"))},
        "/models": {"get": cards},
        "/vocabulary": {"get": vocabulary_operation()},
        "/measurements": {"post": measurements_operation(_refusals(OWN_REFUSALS))},
        "/models/refresh": {"post": refresh},
        "/livez": {"get": live},
        "/readyz": {"get": ready},
        "/metrics": {"get": metrics},
    }


@lru_cache(maxsize=1)
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the service; do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "elyte",
            "version": "1",
            "description": "Predicts conductivity, stability and critical current density of solid "
            "electrolytes, each with an interval and whether the material is one that the model knows.",
        },
        "servers": [{"url": "."}],
        "paths": _paths(),
        "security": OPTIONAL_KEY,
        "components": {
            "schemas": request_schemas() | answer_schemas() | measurement_schemas() | rank_schemas(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


DOCS_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>elyte: REST interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="./docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="./docs/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({url: "./openapi.json", dom_id: "#swagger-ui", deepLinking: true});
</script>
</body>
</html>
"""
