"""`POST /measurements`: what a laboratory measured, into the ledger, as `elyte data add` does it.

A 200 means that every row is in the ledger, or that the caller asked for less (`keep_good`, `dry_run`); whatever was
not stored is never a 200. Sending the same rows again is always safe: the ledger recognises what it has.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from serving.answers.refusals import MAX_SHOWN_PROBLEMS, RequestError, describe, parse_json_object
from serving.rest.csv_exchange import CSV
from serving.rest.observability import LOGGER_NAME
from serving.rest.request_body import JSON, read_query
from training.ledger.place import is_installed

if TYPE_CHECKING:
    from training.ledger.report import Report
    from training.measurements.problems import LedgerError

MAX_MEASUREMENTS = 10_000
BUSY_RETRY_SECONDS, DOWN_RETRY_SECONDS = 5, 60
TABLE_NAME = "measurements.csv"
SAFE = "sending the same rows again is safe"

Text = Annotated[str, Field(max_length=200)]
Cell = str | float | int | bool | None


class MeasurementOptions(BaseModel):
    """What whoever sends measurements wants; the query parameters of a CSV table."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Text | None = Field(None, description="conductivity, ccd or stability; told from the columns if not given.")
    source: Text = Field("", description="Reference of rows that name none, such as lab:2026-11-03:JD.")
    who: Text = Field("", description="Who sends them; the ledger keeps it beside the number of the key.")
    accept_warnings: str | list[Text] = Field(
        "",
        description="Warnings that you have looked at, by row and code: 3:not_charge_balanced,7:out_of_domain. A row"
        " is stored once all its warnings are accepted; `accept_warnings` of a report lists them.",
    )
    keep_good: bool = Field(False, description="Store the good rows although others are refused or held.")
    dry_run: bool = Field(False, description="Check and compare only.")


class MeasurementsRequest(MeasurementOptions):
    """Measurements of one kind; columns carry their unit in the name, see docs/operate/ledger.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    measurements: Annotated[list[dict[str, Cell]], Field(min_length=1)]


def record_measurements(raw: bytes, media_type: str, query: Iterable[tuple[str, str]], key: str) -> Response:
    """Check the measurements of a request, store them, and answer what became of each row.

    Parameters
    ----------
    raw, media_type
        The body: a JSON document, or a table where the media type is CSV.
    query
        Names and texts as in the URL; only a table has any.
    key
        What the caller's key is called, never the key.

    Raises
    ------
    RequestError
        400 for what cannot be read as measurements, 404 where no ledger is installed, 413 for too many rows, 503
        where the database does not take them.
    """
    if not is_installed():
        raise RequestError(404, "no_ledger", "this installation keeps no ledger; install elyte[ledger]")
    from training.measurements.problems import LedgerError, UnusableTableError

    try:
        if media_type == CSV:
            report, who = _of_table(raw, read_query(MeasurementOptions, query), key)
        else:
            if [*query]:
                raise RequestError(400, "invalid_request", "query: expected none; wishes stand in the JSON document")
            report, who = _of_document(parse_json_object(raw), key)
    except UnusableTableError as error:
        raise RequestError(400, "unusable_measurements", str(error)) from None
    except LedgerError as error:
        raise ledger_unavailable(error) from error
    return answer_of(report, who)


def _of_document(body: Mapping[str, object], key: str) -> tuple[Report, str]:
    from training.ledger.intake import add_measurements
    from training.ledger.store import Ledger

    rows = body.get("measurements")
    if isinstance(rows, list):
        _refuse_too_many(len(rows))
    try:
        asked = MeasurementsRequest.model_validate(body)
    except ValidationError as error:
        raise RequestError(400, "invalid_request", describe(error, MeasurementsRequest)) from None
    who = _who(asked, key)
    ledger = Ledger.open()
    try:
        return add_measurements(asked.model_dump(exclude={"who"}), who, ledger), who
    finally:
        ledger.close()


def _of_table(raw: bytes, asked: MeasurementOptions, key: str) -> tuple[Report, str]:
    from training.ledger.intake import Wishes, add_table
    from training.ledger.kinds import kinds
    from training.ledger.reading import read_measurements_file
    from training.ledger.store import Ledger
    from training.measurements.problems import UnusableTableError

    if asked.kind is not None and asked.kind not in kinds():
        raise UnusableTableError(f"'kind': expected one of {', '.join(kinds())}")
    with tempfile.TemporaryDirectory(prefix="elyte-measurements-") as folder:
        path = Path(folder) / TABLE_NAME
        path.write_bytes(raw)
        table = replace(read_measurements_file(path), name="measurements")
    _refuse_too_many(table.n_rows)
    wishes = Wishes(asked.kind, asked.source, asked.accept_warnings, asked.keep_good, asked.dry_run)
    who = _who(asked, key)
    ledger = Ledger.open()
    try:
        return add_table(table, who=who, wishes=wishes, ledger=ledger), who
    finally:
        ledger.close()


def _refuse_too_many(n: int) -> None:
    if n > MAX_MEASUREMENTS:
        message = f"measurements: received {n} rows, expected at most {MAX_MEASUREMENTS} in one request; split them"
        raise RequestError(413, "too_many_measurements", message)


def _who(asked: MeasurementOptions, key: str) -> str:
    """Return who sends them: the name that is claimed, if any, and which key vouches for it."""
    claimed = " ".join("".join(letter if letter.isprintable() else " " for letter in asked.who).split())
    return f"{claimed}, {key}" if claimed else key


def ledger_unavailable(error: LedgerError) -> RequestError:
    """Return the refusal of a ledger that does not take rows now; neither it nor the log names the database."""
    from training.ledger.database import LedgerBusyError, LedgerFullError

    words: dict[type[LedgerError], tuple[str, str, int]] = {
        LedgerBusyError: ("busy", "the ledger is in use by another writer; nothing was stored", BUSY_RETRY_SECONDS),
        LedgerFullError: ("full", "no space is left for the ledger; nothing was stored", DOWN_RETRY_SECONDS),
    }
    usual = "failed", "the ledger cannot be used (`elyte data history` on its machine says why)", DOWN_RETRY_SECONDS
    reason, told, seconds = words.get(type(error), usual)
    logging.getLogger(LOGGER_NAME).error("ledger_unavailable", extra={"fields": {"reason_code": reason}})
    return _unavailable(f"{told}; try again in {seconds} s: {SAFE}", seconds)


def ledger_too_slow(seconds: float) -> RequestError:
    """Return the refusal of rows that the ledger has neither taken nor refused in time."""
    message = f"the ledger did not answer within {seconds:g} s and may still store the rows; {SAFE}"
    return _unavailable(message, BUSY_RETRY_SECONDS)


def _unavailable(message: str, seconds: int) -> RequestError:
    return RequestError(503, "ledger_unavailable", message, {"Retry-After": str(seconds)})


def answer_of(report: Report, who: str) -> Response:
    """Return the report: 200, or beside an error where nothing was stored although it was asked for.

    400 `rows_refused` where a row is impossible, 409 `rows_held` where somebody must look at suspicious ones first.
    """
    from training.ledger.report import Status

    look = "once somebody has looked at them, send"
    document = {name: value for name, value in report.as_dict().items() if name != "ledger"} | {"who": who}
    match report.status:
        case Status.REFUSED:
            status, error = 400, _error("rows_refused", report, "`report` says which and why")
        case Status.HELD:
            status, error = 409, _error("rows_held", report, f"{look} {_acceptance(report)}")
        case _:
            return Response(orjson.dumps(document), 200, media_type=JSON)
    return Response(orjson.dumps({"error": error, "report": document}), status, media_type=JSON)


def _acceptance(report: Report) -> str:
    """Return the field that accepts what is held, or where it is written if it is long."""
    if report.accept_warnings.count(",") < MAX_SHOWN_PROBLEMS:
        return f'"accept_warnings": "{report.accept_warnings}"'
    return "`accept_warnings` of `report`"


def _error(code: str, report: Report, remedy: str) -> Mapping[str, str]:
    """Return code and message with the first rows that are to blame: all that a client without our schema shows."""
    from training.measurements.problems import Level

    to_blame = [str(problem) for problem in report.problems if problem.level is not Level.NOTE]
    told = "; ".join(to_blame[:MAX_SHOWN_PROBLEMS])
    rest = f"; and {len(to_blame) - MAX_SHOWN_PROBLEMS} more" if len(to_blame) > MAX_SHOWN_PROBLEMS else ""
    return {"code": code, "message": f"{report.summary()}; {remedy}: {told}{rest}"}
