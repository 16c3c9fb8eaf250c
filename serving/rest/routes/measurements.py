"""`POST /measurements`: rows for the ledger, as JSON or as a CSV table."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import RequestError
from serving.answers.request import MAX_BODY_BYTES
from serving.rest import measurements
from serving.rest.answer_models import Note
from serving.rest.csv_exchange import CSV
from serving.rest.errors import AnsweringRoute
from serving.rest.measurements import MAX_MEASUREMENTS, MeasurementOptions, MeasurementsRequest, ledger_too_slow
from serving.rest.openapi import REQUIRED_KEY, Refusals, body_of, query_of, refusal, refusals
from serving.rest.protection import key_label
from serving.rest.request_body import JSON
from serving.rest.routes.answering import KEY_REFUSED, WRITES, admitted_body, lanes_of
from training.ledger.report import RowReport, Status
from training.measurements.problems import Problem
from training.properties import registry

# A trial: whoever pastes an example must not leave it in a ledger that forgets nothing.
EXAMPLE = {
    "measurements": [
        {"formula": "Li6.05PS5.05Cl0.95", "sigma_mS_per_cm": 3.4, "temperature_C": 25, "sample": "pellet 1"},
        {"formula": "Li6.05PS5.05Cl0.95", "sigma_mS_per_cm": 11.9, "temperature_C": 60, "sample": "pellet 1"},
    ],
    "kind": registry.names()[0],
    "source": "lab:2026-11-03:JD",
    "who": "J. Doe",
    "dry_run": True,
}
EXAMPLE_TABLE = (
    "formula,sigma_mS_per_cm,temperature_C,reference\n"
    "Li6.05PS5.05Cl0.95,3.4,25,lab:2026-11-03:JD\nLi6.05PS5.05Cl0.95,11.9,60,lab:2026-11-03:JD\n"
)
OWN_REFUSALS: Refusals = KEY_REFUSED | {
    404: ("No ledger is installed.", "no_ledger", "this installation keeps no ledger; install elyte[ledger]"),
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
# They carry a report besides.
WITH_REPORT: Refusals = {
    400: (
        "The request cannot be read as measurements, or rows are impossible (`rows_refused`, with the report) and"
        " nothing was stored.",
        "rows_refused",
        "measurements (conductivity): nothing is stored: correct the refused rows, or ask to keep the good ones",
    ),
    409: (
        "Rows are suspicious and nothing was stored; the report names them. Once somebody has looked at them, send the"
        " report's `accept_warnings`, or the part of it that is right.",
        "rows_held",
        "measurements (conductivity): nothing is stored: suspicious rows wait for somebody to accept"
        " their warnings by name",
    ),
}
BODY = body_of(MeasurementsRequest, EXAMPLE) | {"parameters": query_of(MeasurementOptions), "security": REQUIRED_KEY}
BODY["requestBody"]["content"][CSV] = {"schema": {"type": "string"}, "example": EXAMPLE_TABLE}

router = APIRouter(route_class=AnsweringRoute)


class MeasurementsReport(BaseModel):
    """What became of each row."""

    status: Status
    kind: str
    name: str = ""
    message: str
    counts: dict[str, int]
    entries: list[int] = Field(description="Numbers of the new entries.")
    rows: list[RowReport]
    problems: list[Problem]
    ignored_columns: list[str] = []
    remarks: list[str] = []
    accept_warnings: str = Field(description="What would have to be accepted so that every possible row is stored.")
    who: str = Field(description="Who the ledger says has recorded them.")


class RefusedMeasurements(BaseModel):
    """Measurements that were not stored, and why."""

    error: Note
    report: MeasurementsReport | None = None


@router.post(
    "/measurements",
    summary="Record measurements in the ledger",
    response_model=MeasurementsReport,
    response_description="Every row is in the ledger, or as much as was asked for.",
    responses=refusals(OWN_REFUSALS)
    | {status: refusal(status, said, RefusedMeasurements) for status, said in WITH_REPORT.items()},
    dependencies=WRITES,
    openapi_extra=BODY,
)
async def add_measurements(request: Request) -> Response:
    """Store all rows, or none (but see `keep_good`); one that is known already changes nothing: sending again is safe.

    A CSV table takes its wishes as query parameters.
    """
    is_table = request.headers.get("content-type", "").split(";")[0].strip().lower() == CSV
    media_type, lanes, key = CSV if is_table else JSON, lanes_of(request), key_label(request)
    query = request.query_params.multi_items()
    async with admitted_body(request, media_type) as raw:
        try:
            return await lanes.write(lambda: measurements.record_measurements(raw, media_type, query, key))
        except RequestError as error:
            raise ledger_too_slow(lanes.answer_seconds) if error.code == "timeout" else error from None
