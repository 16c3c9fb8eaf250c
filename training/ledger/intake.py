"""The way into the ledger: read, check, compare with what is known, and store what passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from features.errors import shown
from training.ledger.acceptance import Accepted, read_accepted, refuse_wrong, write_accepted
from training.ledger.checks import check, latest_day
from training.ledger.headings import HeaderError, Headings, read_headings, understand
from training.ledger.kinds import kinds, measurements_of
from training.ledger.leakage import reasons_to_exclude
from training.ledger.reading import MeasurementTable, from_records
from training.ledger.report import Outcome, Report, RowReport, Status
from training.ledger.sanity import suspect
from training.ledger.store import Ledger
from training.measurements.cells import CellError, text
from training.measurements.columns import BOUND, DOI, FORMULA, REFERENCE, Contents, Value
from training.measurements.contract import NOT_CHECKED
from training.measurements.entries import Entry, LedgerConflictError, NewRow, Recorded
from training.measurements.materials import in_any_spelling
from training.measurements.problems import Code, Level, UnusableTableError
from training.measurements.rows import Row

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
        Which warnings of which rows somebody has looked at and accepts, `3:not_charge_balanced,7:out_of_domain`, a
        list of such, or pairs. A row is stored once all its warnings are accepted; the others wait.
    keep_good
        Store the rows that are neither refused nor held, although others are.
    dry_run
        Store nothing.
    """

    kind: str | None = None
    source: str = ""
    accept_warnings: str | Sequence[str] | Accepted = ""
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
    flags = {name: document.get(name, False) for name in ("keep_good", "dry_run")}
    wrong = next((name for name, flag in flags.items() if not isinstance(flag, bool)), None)
    if wrong is not None:
        raise UnusableTableError(f"'{wrong}': expected true or false")
    kind, source = document.get("kind"), document.get("source", "")
    if kind is not None and kind not in kinds():
        raise UnusableTableError(f"'kind': expected one of {', '.join(kinds())}")
    if not isinstance(source, str):
        raise UnusableTableError("'source': expected a text")
    accepted = read_accepted(document.get("accept_warnings", ""))
    wishes = Wishes(kind, source, accepted, **flags)
    return add_table(from_records(rows, "measurements"), who=who, wishes=wishes, ledger=ledger)


def add_table(
    table: MeasurementTable,
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
        If the columns cannot be understood, or a warning is accepted that is not there; then none is stored.
    LedgerError
        If the ledger does not take the rows; then none is stored.
    """
    ledger = ledger or Ledger.open()
    accepted = read_accepted(wishes.accept_warnings)
    on_step(STEPS[0])
    headings = read_headings(table.headers, wishes.kind, table.name)
    rows = check(table, headings, reference=_reference(wishes.source))
    on_step(STEPS[1])
    history = ledger.history(headings.kind)
    known = _already_known(rows, headings.kind, ledger, history)
    fresh = [row for row in rows if row.number not in known]
    lacking = suspect(fresh, headings.kind, _comparable(history))
    refuse_wrong(accepted, {row.number: row for row in fresh}, known, table.n_rows)
    reasons = _exclude(fresh, headings.kind)
    on_step(STEPS[2])
    wanted = [row for row in fresh if row.is_possible and not _unaccepted(row, accepted)]
    none_refused = not table.problems and all(row.is_possible for row in fresh)
    everything_good = none_refused and len(wanted) == len(fresh)
    is_asked_for_part = wishes.keep_good or (none_refused and bool(accepted))
    stored: dict[int, Recorded] = {}
    if wanted and not wishes.dry_run and (everything_good or is_asked_for_part):
        new = [_new_row(row, headings.kind, reasons.get(row.number, "")) for row in wanted]
        recorded = ledger.add(new, who=who, source=wishes.source, origin=table.name, origin_sha256=table.digest)
        stored = dict(zip((row.number for row in wanted), recorded, strict=True))
    told = _told(rows, known, stored, reasons, accepted)
    return _report(table, headings, rows, told, replace(wishes, accept_warnings=accepted), lacking, ledger)


def correct_entry(
    ledger: Ledger,
    entry: int,
    changes: Mapping[str, str],
    *,
    who: str,
    reason: str,
    accept_warnings: str | Sequence[str] | Accepted = "",
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
    if found.content is None:
        found = [e for e in ledger.history(measurement=found.measurement) if e.content is not None][-1]
    kind, content = found.kind, found.content or {}
    table = from_records([_changed(kind, content, changes)], f"correction of entry {entry}")
    headings = read_headings(table.headers, kind, table.name)
    rows = check(table, headings)
    others = [e for e in ledger.holding(kind) if e.measurement != found.measurement]
    lacking = suspect(rows, kind, _comparable(others))
    accepted = read_accepted(accept_warnings)
    refuse_wrong(accepted, {1: rows[0]}, (), 1)
    accepted |= {(1, code) for code in _accepted_before(rows[0], content, found.warnings)}
    reasons = _exclude(rows, kind)
    stored: dict[int, Recorded] = {}
    if rows[0].is_possible and not _unaccepted(rows[0], accepted):
        new = _new_row(rows[0], kind, reasons.get(1, ""))
        stored[1] = Recorded(ledger.correct(entry, new, who=who, reason=reason), is_new=True)
    told = _told(rows, {}, stored, reasons, accepted)
    return _report(table, headings, rows, told, Wishes(kind, accept_warnings=accepted), lacking, ledger)


def _accepted_before(row: Row, content: Contents, warnings: Sequence[str]) -> list[str]:
    """Return what was accepted of formula and paper when the entry was recorded, where neither is changed now."""
    same = {column.name for column in (FORMULA, DOI) if row.content.get(column) == content.get(column)}
    return [str(p.code) for p in row.problems if p.column in same and str(p.code) in warnings]


def _changed(kind: str, content: Contents, changes: Mapping[str, str]) -> dict[str, Any]:
    cells: dict[str, Any] = dict(content)
    takes_bound = {column for column in measurements_of(kind).columns if column.takes_bound}
    headers = frozenset(changes)
    for header, value in changes.items():
        try:
            heading = understand(header, headers)
        except HeaderError as error:
            raise UnusableTableError(str(error)) from None
        if heading is None:
            raise UnusableTableError(f"column '{header}' is not known")
        cells.pop(heading.column, None)
        if heading.column in takes_bound:
            cells.pop(BOUND, None)
        if value.strip():
            cells[header] = value
    if not changes:
        raise UnusableTableError("nothing to correct: expected at least one column with its new value")
    return cells


def _reference(source: str) -> str:
    """Return the source of rows that name none; a text that would be no reference is refused for the whole batch."""
    if not source.strip():
        return ""
    try:
        return text(source.strip(), REFERENCE, latest_day())
    except CellError as error:
        raise UnusableTableError(f"source: received '{shown(source)}', expected {error.expected}") from None


def _comparable(history: Sequence[Entry]) -> list[Entry]:
    """Return the entries of a history that hold now and whose material can be read."""
    gone = {entry.supersedes for entry in history}
    holding = [entry for entry in history if entry.content is not None and entry.entry not in gone]
    return [entry for entry in holding if not entry.refusal]


def _already_known(rows: Sequence[Row], kind: str, ledger: Ledger, history: Sequence[Entry]) -> dict[int, Recorded]:
    """Return the rows that the ledger has, and say so in place of any suspicion: they were looked at then."""
    possible = [row for row in rows if row.is_possible]
    found = ledger.lookup([NewRow(kind, row.content, text=row.text) for row in possible])
    respelled = _known_otherwise(
        [row for row, where in zip(possible, found, strict=True) if where is None], kind, history
    )
    known = {}
    for row, exactly in zip(possible, found, strict=True):
        where = exactly or respelled.get(row.number)
        if where is None:
            continue
        known[row.number] = where
        row.problems = [problem for problem in row.problems if problem.level is not Level.SUSPICIOUS]
        words = f"the ledger has this row as entry {where.entry}"
        if exactly is None:
            words += ", with the material in another spelling"
        if where.superseded_by is not None:
            did = "retracted" if where.superseded_how == "retract" else "corrected"
            words += f", {did} since by entry {where.superseded_by}; a correction of that brings it back"
        row.add(Level.NOTE, Code.ALREADY_KNOWN, "row", words, f"entry {where.entry}")
    return known


def _known_otherwise(rows: Sequence[Row], kind: str, history: Sequence[Entry]) -> dict[int, Recorded]:
    """Return the rows that the ledger has with their material in another spelling."""
    measured_columns = measurements_of(kind).measured

    def measured(content: Contents) -> tuple[Value | None, ...]:
        return tuple(content.get(column) for column in measured_columns)

    values = {measured(row.content) for row in rows}
    successor = {entry.supersedes: entry for entry in history}
    has: dict[frozenset[tuple[str, Value]], Recorded] = {}
    for entry in history:
        if entry.content is not None and measured(entry.content) in values and not entry.refusal:
            later = successor.get(entry.entry)
            has[in_any_spelling(entry.content)] = Recorded(
                entry.entry,
                is_new=False,
                superseded_by=None if later is None else later.entry,
                superseded_how="" if later is None else str(later.action),
            )
    cells = {row.number: in_any_spelling(row.content) for row in rows} if has else {}
    return {number: has[mine] for number, mine in cells.items() if mine in has}


def _exclude(rows: Sequence[Row], kind: str) -> dict[int, str]:
    """Return why rows must not be learned from, and say so on the rows."""
    possible = [row for row in rows if row.is_possible]
    reasons = dict(
        zip((row.number for row in possible), reasons_to_exclude(kind, [row.content for row in possible]), strict=True)
    )
    for row in possible:
        reason = reasons[row.number]
        if reason:
            code = Code.LEAKAGE_NOT_CHECKED if reason.startswith(NOT_CHECKED) else Code.LEAKS_INTO_EVALUATION
            column = FORMULA if FORMULA in row.raw else DOI
            row.add(Level.NOTE, code, column, f"stored, but no model will learn from it: {reason}")
    return reasons


def _new_row(row: Row, kind: str, excluded: str) -> NewRow:
    warnings = tuple(sorted({str(p.code) for p in row.problems if p.level is Level.SUSPICIOUS}))
    return NewRow(kind, row.content, row.number, warnings, excluded, row.text)


def _unaccepted(row: Row, accepted: Accepted) -> tuple[str, ...]:
    """Return why a row is held: the codes of its warnings that nobody has accepted."""
    return tuple(code for code in row.codes(Level.SUSPICIOUS) if (row.number, code) not in accepted)


def _told(
    rows: Sequence[Row],
    known: Mapping[int, Recorded],
    stored: Mapping[int, Recorded],
    reasons: Mapping[int, str],
    accepted: Accepted,
) -> list[RowReport]:
    """Return what became of each readable row."""
    told = []
    for row in rows:
        outcome, entry = Outcome.STORABLE, None
        held_for = _unaccepted(row, accepted) if row.is_possible else ()
        where = known.get(row.number) or stored.get(row.number)
        if where is not None:
            entry, outcome = where.entry, Outcome.STORED if where.is_new else Outcome.ALREADY_KNOWN
        elif not row.is_possible:
            outcome = Outcome.REFUSED
        elif held_for:
            outcome = Outcome.HELD
        read_as = None if row.candidate is None else row.candidate.read_as
        excluded = reasons.get(row.number, "")
        told.append(
            RowReport(
                row.number, row.line, outcome, shown(row.typed_formula) or None, read_as, held_for, entry, excluded
            )
        )
    return told


def _report(
    table: MeasurementTable,
    headings: Headings,
    rows: Sequence[Row],
    told: Sequence[RowReport],
    wishes: Wishes,
    lacking: str,
    ledger: Ledger,
) -> Report:
    unread = [RowReport(problem.row, problem.line, Outcome.REFUSED) for problem in table.problems]
    everything = tuple(sorted((*unread, *told), key=lambda report: report.row))
    problems = sorted(
        (*table.problems, *(problem for row in rows for problem in row.problems)),
        key=lambda problem: (problem.row, list(Level).index(problem.level)),
    )
    waiting = {report.row for report in told if report.outcome in (Outcome.HELD, Outcome.STORABLE)}
    return Report(
        _status({report.outcome for report in everything}, wishes),
        headings.kind,
        table.name,
        everything,
        tuple(problems),
        headings.ignored,
        tuple(filter(None, (lacking,))),
        ledger.place,
        write_accepted((p.row, p.code) for p in problems if p.row in waiting and p.level is Level.SUSPICIOUS),
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
