"""The part of the OpenAPI document about measurements."""

from __future__ import annotations

from typing import Any

from serving.answers.request import MAX_BODY_BYTES
from serving.rest.csv_exchange import CSV
from serving.rest.measurements import MAX_MEASUREMENTS, MeasurementOptions, MeasurementsRequest
from serving.rest.openapi_protection import REQUIRED_KEY
from serving.rest.openapi_schemas import NOTE, object_of, reference
from serving.rest.request_body import JSON

# A trial: whoever pastes an example must not leave it in a ledger that forgets nothing.
EXAMPLE_MEASUREMENTS: dict[str, Any] = {
    "measurements": [
        {"formula": "Li6.05PS5.05Cl0.95", "sigma_mS_per_cm": 3.4, "temperature_C": 25, "sample": "pellet 1"},
        {"formula": "Li6.05PS5.05Cl0.95", "sigma_mS_per_cm": 11.9, "temperature_C": 60, "sample": "pellet 1"},
    ],
    "kind": "conductivity", "source": "lab:2026-11-03:JD", "who": "J. Doe", "dry_run": True,
}  # fmt: skip
EXAMPLE_TABLE = (
    "formula,sigma_mS_per_cm,temperature_C,reference\n"
    "Li6.05PS5.05Cl0.95,3.4,25,lab:2026-11-03:JD\nLi6.05PS5.05Cl0.95,11.9,60,lab:2026-11-03:JD\n"
)
# Status to (when, code, message), as in `serving.rest.openapi.REFUSALS`; 400 and 409 carry a report besides.
OWN_REFUSALS: dict[int, tuple[str, str, str]] = {
    400: (
        "The request cannot be read as measurements, or rows are impossible (`rows_refused`, with the report) and"
        " nothing was stored.",
        "rows_refused",
        "measurements (conductivity): nothing is stored: correct the refused rows, or ask to keep the good ones",
    ),
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
    404: ("No ledger is installed.", "no_ledger", "this installation keeps no ledger; install elyte[ledger]"),
    409: (
        "Rows are suspicious and nothing was stored; the report names them. Once somebody has looked at them, send the"
        " report's `accept_warnings`, or the part of it that is right.",
        "rows_held",
        "measurements (conductivity): nothing is stored: suspicious rows wait for somebody to accept"
        " their warnings by name",
    ),
    413: (
        f"More than {MAX_MEASUREMENTS} rows or {MAX_BODY_BYTES} bytes.",
        "too_many_measurements",
        f"measurements: received 10001 rows, expected at most {MAX_MEASUREMENTS} in one request; split them",
    ),
    503: (
        "The ledger is busy, full or away; nothing was stored, or it is not known: sending it again is safe.",
        "ledger_unavailable",
        "the ledger is in use by another writer; nothing was stored; try again in 5 s",
    ),
}


def measurement_schemas() -> dict[str, Any]:
    """Return the schemas of what may be sent and of the report."""
    texts = {"type": "array", "items": {"type": "string"}}
    row = object_of(
        {
            "row": {"type": "integer", "description": "The first is 1."},
            "outcome": {"enum": ["stored", "storable", "already known", "held", "refused"]},
            "formula": {"type": ["string", "null"], "description": "As typed."},
            "read_as": {"type": ["string", "null"], "description": "The composition as read; null where none was."},
            "held_for": texts | {"description": "Codes of warnings that nobody has accepted yet."},
            "entry": {"type": ["integer", "null"], "description": "Its number in the ledger."},
            "excluded_from_training": {"type": "string", "description": "Why no model learns from it, if none does."},
        },
        {"line": {"type": ["integer", "null"]}},
    )
    problem = object_of(
        {name: {"type": "string"} for name in ("code", "column", "received", "expected", "message")}
        | {"row": {"type": "integer"}, "level": {"enum": ["refused", "suspicious", "note"]}},
        {"line": {"type": ["integer", "null"]}},
    )
    report = object_of(
        {
            "status": {"enum": ["stored", "partly stored", "nothing new", "held", "refused", "checked"]},
            "kind": {"enum": ["conductivity", "ccd", "stability"]},
            "message": {"type": "string"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "entries": {"type": "array", "items": {"type": "integer"}, "description": "Numbers of the new entries."},
            "rows": {"type": "array", "items": row},
            "problems": {"type": "array", "items": problem},
            "accept_warnings": {
                "type": "string",
                "description": "What would have to be accepted so that every possible row is stored.",
            },
            "who": {"type": "string", "description": "Who the ledger says has recorded them."},
        },
        {"name": {"type": "string"}, "ignored_columns": texts, "remarks": texts},
        description="What became of each row.",
    )
    return {"MeasurementsRequest": MeasurementsRequest.model_json_schema(), "MeasurementsReport": report}


def measurements_operation(refusals: dict[str, Any]) -> dict[str, Any]:
    """Return the operation `POST /measurements`.

    Parameters
    ----------
    refusals
        Status to response, `OWN_REFUSALS` among them.
    """
    query = [
        {"name": name, "in": "query", "required": False, "schema": schema.get("anyOf", [schema])[0]}
        for name, schema in MeasurementOptions.model_json_schema()["properties"].items()
    ]
    with_report = object_of({"error": NOTE}, {"report": reference("MeasurementsReport")})
    for status in ("400", "409"):
        refusals[status]["content"][JSON]["schema"] = with_report
    return {
        "operationId": "add_measurements",
        "summary": "Record measurements in the ledger",
        "description": "All rows, or none (but see `keep_good`); a row that is known already changes nothing, so that"
        " sending again is safe. A CSV table takes its wishes as query parameters.",
        "security": REQUIRED_KEY,
        "parameters": query,
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": reference("MeasurementsRequest"), "example": EXAMPLE_MEASUREMENTS},
                CSV: {"schema": {"type": "string"}, "example": EXAMPLE_TABLE},
            },
        },
        "responses": {
            "200": {
                "description": "Every row is in the ledger, or as much as was asked for.",
                "content": {JSON: {"schema": reference("MeasurementsReport")}},
            },
            **refusals,
        },
    }
