"""The OpenAPI document of the service, and the page that shows it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from serving.ccd_grid import CcdGridRequest
from serving.interface_request import InterfaceRequest
from serving.schema import MAX_BODY_BYTES, MAX_CANDIDATES, PredictRequest, Property

SCHEMA_PREFIX = "#/components/schemas/"

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

# Status to (when, code, message); the statuses of POST /predict besides 200.
REFUSALS: dict[int, tuple[str, str, str]] = {
    400: (
        "Malformed JSON, an unknown or duplicate key, a wrong type, a value out of range, or no candidates.",
        "invalid_request",
        "candidates[0].formulae: unknown key (did you mean formula?); allowed keys: cif, formula, id",
    ),
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
        "The body is not declared as JSON.",
        "unsupported_media_type",
        'Content-Type: received "text/csv", expected application/json (UTF-8)',
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
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": SCHEMA_PREFIX + name}


def _nullable(kind: str, description: str) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": description}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None, description: str = "") -> dict[str, Any]:
    schema = {"type": "object", "properties": required | (optional or {}), "required": [*required]}
    return schema | ({"description": description} if description else {})


NOTE = _object({"code": {"type": "string"}, "message": {"type": "string"}})
ID = _nullable("string", "As sent.")


def _interval() -> dict[str, Any]:
    parts = {
        "value": _nullable("number", "The prediction; null where none can be given."),
        "lower": _nullable("number", "Lower end of the interval."),
        "upper": _nullable("number", "Upper end of the interval."),
        "coverage": _nullable("number", "Share of such intervals that hold the true value."),
    }
    return _object(parts, description="A value with its interval of stated coverage.")


def _applicability() -> dict[str, Any]:
    nearest = _object({"formula": {"type": "string"}, "distance": {"type": "number"}})
    return _object(
        {"in_domain": {"type": "boolean"}, "distance": _nullable("number", "How far from what the model knows.")},
        {
            "domain_radius": {"type": "number", "description": "The distance up to which a material counts as known."},
            "nearest": {"type": "array", "items": nearest},
        },
        description="Whether the model knows this kind of material, and the nearest ones that it knows.",
    )


def _stability() -> dict[str, Any]:
    part = _object({"formula": {"type": "string"}, "amount": {"type": "number"}})
    parts = {"type": "array", "items": part, "description": "Formula units per formula unit of the candidate."}
    limit = {"oneOf": [_reference("Interval"), {"type": "null"}], "description": "V against Li/Li+."}
    energies = ("formation_energy", "decomposition_energy", "energy_above_hull")
    return {f"{name}_eV_per_atom": _reference("Interval") for name in energies} | {
        "probability_stable": {"type": "number", "description": "Of lying on or below the hull of the known phases."},
        "basis": {"enum": ["reference", "model"], "description": "Energies of the table, or predicted ones."},
        "decomposition_products": parts,
        "competing_phases": parts,
        "reduction_V": limit,
        "oxidation_V": limit,
        "reduction_products": parts,
        "oxidation_products": parts,
        "decomposition": _nullable("string", "The reaction, null for a stable compound."),
        "reduction_reaction": _nullable("string", "What lithium makes of it just below the window."),
        "oxidation_reaction": _nullable("string", "What remains just above the window."),
        "window_reason": {"type": "string", "description": "Why there is no window, where there is none."},
    }


def _ccd() -> dict[str, Any]:
    value = {"oneOf": [_reference("Interval"), {"type": "null"}], "description": "log10 of mA/cm2."}
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    return {
        "log10_ccd_mA_per_cm2": value,
        "ccd_mA_per_cm2": _nullable("object", "The same in mA/cm2: value, lower, upper."),
        "conditions": {"type": "object", "description": "The conditions meant; null is unknown."},
        "electrolyte_class": _nullable("string", "From the formula, or as stated."),
        "material": {"type": "object", "description": "What the other models say about the material."},
        "support": counts | {"description": "Rows and papers of this class, and of cells like this one."},
        "reason": {"type": "string", "description": "Why there is no number, where there is none."},
    }


def _answered_row() -> dict[str, Any]:
    blocks = {
        str(name): _nullable("object", "Intervals and what belongs to them; null where `reasons` says why.")
        for name in Property
    }
    blocks[Property.CONDUCTIVITY]["properties"] = {
        "log10_sigma_S_per_cm": _reference("Interval"),
        "activation_energy_eV": _reference("Interval"),
        "temperature_C": {"type": "number"},
        "explanation": _nullable("object", "Where asked for: terms in decades of S/cm that sum to log10 sigma."),
    }
    blocks[Property.STABILITY]["properties"] = _stability()
    blocks[Property.CCD]["properties"] = _ccd()
    beside = {
        "index": {"type": "integer"},
        "applicability": {"type": "object", "additionalProperties": _reference("Applicability")},
        "warnings": {"type": "array", "items": NOTE},
        "reasons": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    named = {"id": ID, "status": {"const": "ok"}, "formula": {"type": "string"}}
    return _object(named, blocks | beside, description="A candidate that was judged.")


def _interface_answer() -> dict[str, Any]:
    contact = _object(
        {"against": {"type": "string"}, "formula": {"type": "string"}, "status": {"enum": ["ok", "error"]}},
        description="Energies in eV, reactions as text and as formulas with coefficients; objects may hold more keys.",
    )
    return _object(
        {"models": {"type": "object"}, "status": {"enum": ["ok", "error"]}},
        {
            "electrolyte": {"type": "object"},
            "voltage_V": _nullable("number", "As sent."),
            "contacts": {"type": "array", "items": contact, "description": "One a partner, in the order sent."},
            "warnings": {"type": "array", "items": NOTE},
            "error": NOTE,
        },
        description="Reactions of one electrolyte; of status `error` where it cannot be judged itself.",
    )


def _grid_answer() -> dict[str, Any]:
    point = _object(
        {"conditions": {"type": "object"}},
        {name: schema for name, schema in _ccd().items() if name not in ("conditions", "material")} | {"error": NOTE},
        description="One combination of conditions.",
    )
    return _object(
        {
            "models": {"type": "object"}, "formula": {"type": "string"}, "coverage": {"type": "number"},
            "status": {"enum": ["ok", "error"]}, "points": {"type": "array", "items": point},
        }
    )  # fmt: skip


def _answer_schemas() -> dict[str, Any]:
    """Return the schemas of an answer; objects may have more keys than are named here."""
    rows = {
        "type": "array",
        "description": "One row a candidate, in the order sent.",
        "items": {"oneOf": [_reference("AnsweredRow"), _reference("FailedRow")]},
    }
    models = {"type": "object", "additionalProperties": _object({"version": {"type": "string"}})}
    return {
        "Error": _object({"error": NOTE}),
        "Interval": _interval(),
        "Applicability": _applicability(),
        "AnsweredRow": _answered_row(),
        "FailedRow": _object(
            {"id": ID, "status": {"const": "error"}, "error": NOTE},
            {"index": {"type": "integer"}},
            description="One candidate that could not be judged; its neighbours are not affected.",
        ),
        "Answer": _object({"models": models, "results": rows}),
        "InterfaceAnswer": _interface_answer(),
        "CcdGridAnswer": _grid_answer(),
    }


def _request_schemas() -> dict[str, Any]:
    schema = PredictRequest.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    schemas: dict[str, Any] = schema.pop("$defs")
    # No maxItems: one too many is refused with 413, where a violation of the schema would mean 400.
    schema["properties"]["candidates"]["description"] = f"From 1 to {MAX_CANDIDATES} materials to judge."
    interface = InterfaceRequest.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    grid = CcdGridRequest.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    grid.pop("$defs")  # Conditions, as above
    return schemas | {"PredictRequest": schema, "InterfaceRequest": interface, "CcdGridRequest": grid}


def _json_content(schema: dict[str, Any], example: dict[str, Any] | None = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {"application/json": media}


def _refusal(status: int) -> dict[str, Any]:
    when, code, message = REFUSALS[status]
    response = {
        "description": when,
        "content": _json_content(_reference("Error"), {"error": {"code": code, "message": message}}),
    }
    return response | ({"headers": RETRY_AFTER} if status in {429, 503} else {})


def _not_served(name: str) -> dict[str, Any]:
    message = f"this installation serves no {name} model"
    example = {"error": {"code": "not_served", "message": message}}
    return {"description": f"No {name} model is served.", "content": _json_content(_reference("Error"), example)}


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _paths() -> dict[str, Any]:
    answer = {"description": "One row a candidate.", "content": _json_content(_reference("Answer"))}
    predict = {
        "operationId": "predict",
        "summary": "Predict conductivity, stability and critical current density",
        "description": "A candidate that cannot be judged becomes a row of status `error`; the others stand.",
        "requestBody": {
            "required": True,
            "content": _json_content(_reference("PredictRequest"), EXAMPLE_REQUEST),
        },
        "responses": {"200": answer, **{str(status): _refusal(status) for status in REFUSALS}},
    }
    interface = {
        "operationId": "interface",
        "summary": "Name the reactions of an electrolyte with lithium, cathodes, coatings and water",
        "description": "A partner that cannot be judged becomes a contact of status `error`; the others stand.",
        "requestBody": {
            "required": True,
            "content": _json_content(_reference("InterfaceRequest"), EXAMPLE_INTERFACE),
        },
        "responses": {
            "200": {"description": "One contact a partner.", "content": _json_content(_reference("InterfaceAnswer"))},
            "404": _not_served("stability"),
            **{str(status): _refusal(status) for status in REFUSALS},
        },
    }
    grid = {
        "operationId": "ccd_grid",
        "summary": "Critical current density of one material over a grid of conditions",
        "description": "Every combination of the lists, temperatures varying slowest; for what-if plots.",
        "requestBody": {"required": True, "content": _json_content(_reference("CcdGridRequest"), EXAMPLE_GRID)},
        "responses": {
            "200": {"description": "One point a combination.", "content": _json_content(_reference("CcdGridAnswer"))},
            "404": _not_served("ccd"),
            **{str(status): _refusal(status) for status in REFUSALS},
        },
    }
    cards = {
        "operationId": "models",
        "summary": "Describe the models that answer now",
        "responses": {
            "200": {"description": "The models' cards.", "content": _json_content({"type": "object"})},
            **{str(status): _refusal(status) for status in (500, 503, 504)},
        },
    }
    live = {"summary": "Whether the process lives", "responses": {"200": _plain("It does.")}}
    ready = {
        "summary": "Whether the models are loaded and warm",
        "responses": {"200": _plain("They are."), "503": _refusal(503)},
    }
    metrics = {"summary": "Prometheus metrics", "responses": {"200": _plain("Prometheus text format.")}}
    return {
        "/predict": {"post": predict},
        "/interface": {"post": interface},
        "/ccd/grid": {"post": grid},
        "/models": {"get": cards},
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
        "components": {"schemas": _request_schemas() | _answer_schemas()},
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
