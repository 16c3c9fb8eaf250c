"""The way into the ledger: read, check, compare with what is known, and store what passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from features.errors import shown
from features.formula import parse_formula
from features.formula_writing import write_formula
from training.ledger.checks import Row, check
from training.ledger.entries import LedgerConflictError, NewRow, Recorded
from training.ledger.headings import Headings, read_headings
from training.ledger.leakage import NOT_CHECKED, reasons_to_exclude
from training.ledger.problems import Code, Level, UnusableTableError
from training.ledger.reading import RawTable, from_records
from training.ledger.report import Outcome, Report, RowReport, Status
from training.ledger.sanity import suspect
from training.ledger.schema import Column, Kind, Value
from training.ledger.store import Ledger
from training.ledger.units import HeaderError, understand

STEPS = ("checking", "comparing", "storing")
DOCUMENT_KEYS = ("measurements", "kind", "source", "accept_warnings", "keep_good", "dry_run")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever adds measurements wants.

    Parameters
    ----------
    kind
        What is measured; None infers it from the columns.
    source
        Reference of rows that name none, such as `lab:2026-11-03:JD`.
    accept_warnings
        Store suspicious rows too: somebody has looked at them.
    keep_good
        Store the rows that are neither refused nor (without `accept_warnings`) suspicious, although others are.
    dry_run
        Store nothing.
    """

    kind: Kind | None = None
    source: str = ""
    accept_warnings: bool = False
    keep_good: bool = False
    dry_run: bool = False


def add_measurements(document: Mapping[str, Any], who: str, ledger: Ledger | None = None) -> Report:
    """Add the measurements of a JSON document, as `POST /measurements` receives it.

    Parameters
    ----------
    document
        `measurements`: a list of rows, each an object of columns as in a file; and, where wanted, the fields of
        `Wishes`.
    who
        Who adds them.
    ledger
        Where to; None opens the default one.

    Raises
    ------
    UnusableTableError
        If the document or its columns cannot be understood as a whole.
    LedgerError
        If the ledger does not take the rows; then none is stored.
    """
    rows = document.get("measurements")
    unknown = sorted(set(document) - set(DOCUMENT_KEYS))
    if unknown:
        known = ", ".join(DOCUMENT_KEYS)
        raise UnusableTableError(f"unknown key '{shown(str(unknown[0]))}'; expected {known}")
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, Mapping) for row in rows):
        raise UnusableTableError("'measurements': expected a list of objects, one a measurement")
    flags = {name: document.get(name, False) for name in ("accept_warnings", "keep_good", "dry_run")}
    wrong = next((name for name, flag in flags.items() if not isinstance(flag, bool)), None)
    if wrong is not None:
        raise UnusableTableError(f"'{wrong}': expected true or false")
    kind, source = document.get("kind"), document.get("source", "")
    if kind is not None and kind not in list(Kind):
        raise UnusableTableError(f"'kind': expected one of {', '.join(Kind)}")
    if not isinstance(source, str):
        raise UnusableTableError("'source': expected a text")
    wishes = Wishes(None if kind is None else Kind(kind), source, **flags)
    return add_table(from_records(rows, "measurements"), who=who, wishes=wishes, ledger=ledger)


def add_table(
    table: RawTable,
    *,
    who: str,
    wishes: Wishes = Wishes(),
    ledger: Ledger | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Report:
    """Add the measurements of a table: all of them, or none (but see `Wishes`).

    Parameters
    ----------
    table
        As `reading` gives it.
    who
        Who adds them.
    ledger
        Where to; None opens the default one.
    on_step
        Called with each of `STEPS` as it begins.

    Raises
    ------
    UnusableTableError
        If the columns cannot be understood.
    LedgerError
        If the ledger does not take the rows; then none is stored.
    """
    ledger = ledger or Ledger.open()
    on_step(STEPS[0])
    headings = read_headings(table.headers, wishes.kind, table.name)
    rows = check(table, headings.kind, headings, reference=_reference(wishes.source))
    on_step(STEPS[1])
    known = _already_known(rows, headings.kind, ledger)
    fresh = [row for row in rows if row.number not in known]
    lacking = suspect(fresh, headings.kind, ledger.holding(headings.kind))
    reasons = _exclude(fresh, headings.kind)
    on_step(STEPS[2])
    wanted = [row for row in fresh if row.is_possible and (wishes.accept_warnings or not row.has(Level.SUSPICIOUS))]
    everything_good = len(wanted) == len(fresh) and not table.problems
    stored: dict[int, Recorded] = {}
    if wanted and not wishes.dry_run and (everything_good or wishes.keep_good):
        new = [_new_row(row, headings.kind, reasons.get(row.number, "")) for row in wanted]
        recorded = ledger.add(
            new, who=who, source=wishes.source, origin=table.name, origin_sha256=table.digest
        )  # fmt: skip
        stored = dict(zip((row.number for row in wanted), recorded, strict=True))
    return _report(table, headings, rows, known, stored, reasons, wishes, lacking, ledger)


def correct_entry(
    ledger: Ledger, entry: int, changes: Mapping[str, str], *, who: str, reason: str, accept_warnings: bool = False
) -> Report:
    """Correct some cells of a measurement by a new entry; the old one stays in the history.

    Parameters
    ----------
    entry
        The last word on its measurement; a retraction is taken back this way.
    changes
        Header (as in a file, with its unit) to the new cell; a blank one removes what was there.
    reason
        Why.

    Raises
    ------
    UnusableTableError
        If a header is not understood.
    LedgerConflictError
        If the entry cannot be corrected; see `Ledger.correct`.
    """
    found = ledger.find(entry)
    kind, content = found.kind, found.content
    if content is None:
        before = [e for e in ledger.history(measurement=found.measurement) if e.content is not None]
        content = before[-1].content or {}
    table = from_records([_changed(kind, content, changes)], f"correction of entry {entry}")
    headings = read_headings(table.headers, kind, table.name)
    rows = check(table, kind, headings)
    others = [e for e in ledger.holding(kind) if e.measurement != found.measurement]
    lacking = suspect(rows, kind, others)
    if Code.PAPER_ALREADY_KNOWN in found.warnings:
        rows[0].problems = [p for p in rows[0].problems if p.code is not Code.PAPER_ALREADY_KNOWN]
    reasons = _exclude(rows, kind)
    stored: dict[int, Recorded] = {}
    if rows[0].is_possible and (accept_warnings or not rows[0].has(Level.SUSPICIOUS)):
        new = _new_row(rows[0], kind, reasons.get(1, ""))
        stored[1] = Recorded(ledger.correct(entry, new, who=who, reason=reason), is_new=True)
    wishes = Wishes(kind, accept_warnings=accept_warnings)
    return _report(table, headings, rows, {}, stored, reasons, wishes, lacking, ledger)


def _changed(kind: Kind, content: Mapping[Column, Value], changes: Mapping[str, str]) -> dict[str, Any]:
    cells: dict[str, Any] = {str(column): value for column, value in content.items()}
    headers = frozenset(changes)
    for header, value in changes.items():
        try:
            heading = understand(header, headers)
        except HeaderError as error:
            raise UnusableTableError(str(error)) from None
        if heading is None:
            raise UnusableTableError(f"column '{header}' is not known")
        cells.pop(str(heading.column), None)
        if heading.column in (Column.SIGMA, Column.CCD) and heading.column in _measured(kind):
            cells.pop(str(Column.BOUND), None)
        if value.strip():
            cells[header] = value
    if not changes:
        raise UnusableTableError("nothing to correct: expected at least one column with its new value")
    return cells


def _measured(kind: Kind) -> tuple[Column, ...]:
    return (Column.SIGMA,) if kind is Kind.CONDUCTIVITY else (Column.CCD,)


def _reference(source: str) -> str:
    """Return the source of rows that name none; a text that would be no reference is refused for the whole batch."""
    from training.ledger.cells import CellError, text
    from training.ledger.checks import latest_day
    from training.ledger.schema import RULES

    if not source.strip():
        return ""
    rule = next(rule for rule in RULES[Kind.CONDUCTIVITY] if rule.column is Column.REFERENCE)
    try:
        return text(source.strip(), rule, latest_day())
    except CellError as error:
        raise UnusableTableError(f"source: received '{shown(source)}', expected {error.expected}") from None


def _already_known(rows: Sequence[Row], kind: Kind, ledger: Ledger) -> dict[int, Recorded]:
    """Return the rows that the ledger has, and say so in place of any suspicion: they were looked at then."""
    possible = [row for row in rows if row.is_possible]
    found = ledger.lookup([NewRow(kind, row.content, text=row.text) for row in possible])
    known = {}
    for row, where in zip(possible, found, strict=True):
        if where is None:
            continue
        known[row.number] = where
        row.problems = [problem for problem in row.problems if problem.level is not Level.SUSPICIOUS]
        words = f"the ledger has this row as entry {where.entry}"
        if where.superseded_by is not None:
            did = "retracted" if where.superseded_how == "retract" else "corrected"
            words += f", {did} since by entry {where.superseded_by}; a correction of that brings it back"
        row.add(Level.NOTE, Code.ALREADY_KNOWN, "row", words, f"entry {where.entry}")
    return known


def _exclude(rows: Sequence[Row], kind: Kind) -> dict[int, str]:
    """Return why rows must not be learned from, and say so on the rows."""
    possible = [row for row in rows if row.is_possible]
    reasons = dict(
        zip((row.number for row in possible), reasons_to_exclude(kind, [row.content for row in possible]), strict=True)
    )
    for row in possible:
        reason = reasons[row.number]
        if reason:
            code = Code.LEAKAGE_NOT_CHECKED if reason.startswith(NOT_CHECKED) else Code.LEAKS_INTO_EVALUATION
            column = Column.FORMULA if Column.FORMULA in row.raw else Column.DOI
            row.add(Level.NOTE, code, column, f"stored, but no model will learn from it: {reason}")
    return reasons


def _new_row(row: Row, kind: Kind, excluded: str) -> NewRow:
    warnings = tuple(sorted({str(p.code) for p in row.problems if p.level is Level.SUSPICIOUS}))
    return NewRow(kind, row.content, row.number, warnings, excluded, row.text)


def _report(
    table: RawTable, headings: Headings, rows: Sequence[Row], known: Mapping[int, Recorded],
    stored: Mapping[int, Recorded], reasons: Mapping[int, str], wishes: Wishes, lacking: str, ledger: Ledger,
) -> Report:  # fmt: skip
    told = [RowReport(problem.row, Outcome.REFUSED) for problem in table.problems]
    for row in rows:
        base = RowReport(row.number, Outcome.STORABLE, None, reasons.get(row.number, ""), *_reading(row))
        if row.number in known:
            told.append(replace(base, outcome=Outcome.ALREADY_KNOWN, entry=known[row.number].entry))
        elif row.number in stored:
            outcome = Outcome.STORED if stored[row.number].is_new else Outcome.ALREADY_KNOWN
            told.append(replace(base, outcome=outcome, entry=stored[row.number].entry))
        elif not row.is_possible:
            told.append(replace(base, outcome=Outcome.REFUSED))
        elif row.has(Level.SUSPICIOUS) and not wishes.accept_warnings:
            told.append(replace(base, outcome=Outcome.HELD))
        else:
            told.append(base)
    told.sort(key=lambda report: report.row)
    problems = sorted(
        (*table.problems, *(problem for row in rows for problem in row.problems)),
        key=lambda problem: (problem.row, list(Level).index(problem.level)),
    )
    remarks = tuple(filter(None, (lacking,)))
    return Report(
        _status({report.outcome for report in told}, wishes), headings.kind, table.name, tuple(told), tuple(problems),
        headings.ignored, remarks, ledger.place,
    )  # fmt: skip


def _reading(row: Row) -> tuple[str | None, str | None]:
    """Return the formula of a row as typed and as read."""
    _, typed = row.raw.get(Column.FORMULA, ("", None))
    read = row.content.get(Column.FORMULA)
    return (
        None if typed is None else shown(str(typed).strip()),
        None if read is None else write_formula(parse_formula(str(read))),
    )


def _status(outcomes: set[Outcome], wishes: Wishes) -> Status:
    if wishes.dry_run:
        return Status.CHECKED
    failed = outcomes & {Outcome.REFUSED, Outcome.HELD}
    if Outcome.STORED in outcomes:
        return Status.PARTLY_STORED if failed else Status.STORED
    if not failed:
        return Status.NOTHING_NEW
    return Status.REFUSED if Outcome.REFUSED in failed else Status.HELD


__all__ = ["LedgerConflictError", "Report", "Wishes", "add_measurements", "add_table", "correct_entry"]
