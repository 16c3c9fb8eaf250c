"""From raw rows to measurements: every cell read and converted, every rule applied, every problem named by row."""

from __future__ import annotations

import datetime as dt

from features.blank_words import is_word_for_missing, is_word_for_nothing
from features.errors import CandidateError, RowErrorCode, shown
from features.kinds import FIELDS
from features.table_files import RawRow, UnreadableCell
from training.ledger.headings import Heading, Headings
from training.ledger.kinds import measurements_of
from training.ledger.reading import MeasurementTable
from training.ledger.rules import refuse_broken_rules
from training.measurements import cells
from training.measurements.cells import CellError
from training.measurements.columns import BOUND, DOI, REFERENCE, CellContent, LedgerColumn, Value
from training.measurements.contract import Measurements
from training.measurements.entries import content_text
from training.measurements.materials import candidate_of, in_any_spelling, material_cells
from training.measurements.problems import Code, Level, Problem
from training.measurements.rows import Row
from training.measurements.units import Unit, plain_unit
from training.splits import COMPOSITION_DECIMALS

_LATEST_ZONE = dt.timezone(dt.timedelta(hours=14))
_BOUND_SIGNS = {"<": "upper", "≤": "upper", ">": "lower", "≥": "lower"}


def latest_day() -> dt.date:
    """Return the latest day that it is anywhere on Earth: no measurement is younger."""
    return dt.datetime.now(_LATEST_ZONE).date()


def check(table: MeasurementTable, headings: Headings, *, reference: str = "") -> list[Row]:
    """Read and check every row.

    Parameters
    ----------
    table
        As read.
    headings
        What its headers mean, and the kind of its rows.
    reference
        Source of rows that name none, "" for none.

    Returns
    -------
    list of Row
        One per readable row, in order; those without a refusal obey every rule of the kind.
    """
    today = latest_day()
    measurements = measurements_of(headings.kind)
    rows = [_read_row(raw, headings, today, table.decimal_comma) for raw in table.rows]
    for row in rows:
        _complete(row, measurements, reference)
    refuse_broken_rules(rows, measurements, today.year)
    for row in rows:
        _read_material(row)
    _refuse_duplicates(rows, headings.kind, measurements)
    return rows


def _read_row(raw: RawRow, headings: Headings, today: dt.date, decimal_comma: bool) -> Row:
    row = Row(raw.number, raw.line)
    for heading in headings.known:
        value, column = raw.cells.get(heading.header), heading.column
        says_nothing = _says_nothing(value, column)
        if value is None or (says_nothing and not (column.content is CellContent.FORMULA and column.is_required)):
            continue
        row.raw.setdefault(column, (heading.header, value))
        if says_nothing:
            expected = "a formula with lithium, such as Li6PS5Cl (this stands for an empty cell)"
            row.refuse(RowErrorCode.EMPTY_FORMULA, column, expected)
            continue
        try:
            found = _read_cell(row, raw, heading, today, decimal_comma)
        except CellError as error:
            row.problems.append(
                Problem(row.number, row.line, Level.REFUSED, error.code, heading.header, str(value), error.expected)
            )
            continue
        _settle(row, heading, found)
    return row


def _says_nothing(value: object, column: LedgerColumn) -> bool:
    """Whether a cell holds a word for an empty one; what a spreadsheet could not compute is refused by its own code."""
    if not isinstance(value, str):
        return False
    is_formula = column.content is CellContent.FORMULA
    says_nothing = is_word_for_nothing(value) if is_formula else is_word_for_missing(value)
    return says_nothing and value[:1] != "#" and value.lower() not in {word.lower() for word in column.words}


def _read_cell(row: Row, raw: RawRow, heading: Heading, today: dt.date, decimal_comma: bool) -> Value:
    value, column = raw.cells[heading.header], heading.column
    if isinstance(value, UnreadableCell):
        raise CellError(Code.UNREADABLE_ROW, "text in UTF-8 ('CSV UTF-8' in a spreadsheet)")
    match column.content:
        case CellContent.FORMULA:
            return cells.formula(value)
        case CellContent.TEXT:
            return cells.text(value, column, today)
        case CellContent.WORD:
            return cells.word(_BOUND_SIGNS.get(str(value).strip(), value) if column == BOUND else value, column)
        case CellContent.DOI:
            return cells.doi(value)
        case CellContent.DATE:
            return cells.day(value, today)
        case CellContent.NUMBER | CellContent.WHOLE_NUMBER:
            return _read_number(row, raw, heading, decimal_comma)


def _read_number(row: Row, raw: RawRow, heading: Heading, decimal_comma: bool) -> Value:
    value, column = raw.cells[heading.header], heading.column
    if isinstance(value, str) and value[:1] in _BOUND_SIGNS:
        _set_bound(row, column, _BOUND_SIGNS[value[0]])
        value = value[1:].lstrip("= ")
    found = cells.number(value, column, decimal_comma=decimal_comma)
    unit = heading.unit
    if heading.unit_header is not None:
        unit = _named_unit(heading, raw.cells.get(heading.unit_header))
    if column.content is CellContent.WHOLE_NUMBER:
        if found != int(found):
            raise CellError(Code.NOT_A_NUMBER, f"a whole number ({column.expected})")
        return int(found)
    if unit is None:
        return found
    row.read.setdefault(column, (found, unit))
    return unit.convert(found)


def _named_unit(heading: Heading, name: object) -> Unit:
    """Return the unit that a row's own cell names.

    Raises
    ------
    CellError
        If the cell is blank or the unit unknown.
    """
    assert heading.notation is not None
    units = heading.notation.units
    found = units.get(plain_unit(name)) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(filter(None, units))
        received = "nothing" if name is None else f"'{shown(str(name))}'"
        where = f"column '{heading.unit_header}' (there: {received})"
        raise CellError(Code.UNKNOWN_UNIT, f"a unit in {where}, one of: {known}")
    return found


def _set_bound(row: Row, column: LedgerColumn, sign: str) -> None:
    if not column.takes_bound:
        raise CellError(Code.BOUND_NOT_ALLOWED, "a value, not a bound")
    if row.content.setdefault(BOUND, sign) != sign:
        raise CellError(Code.BOUND_NOT_ALLOWED, "a bound that agrees with the column 'bound'")


def _settle(row: Row, heading: Heading, found: Value) -> None:
    """Store a value, or refuse the row if another column says something else."""
    column, notation = heading.column, heading.notation
    known = row.content.get(column)
    if known is None:
        row.content[column] = found
        return
    if isinstance(known, float) and isinstance(found, float) and notation is not None:
        allowed = notation.tolerance * (1.0 if notation.is_absolute else max(abs(known), abs(found)))
        agree = abs(known - found) <= allowed
    else:
        agree = known == found
    if not agree:
        first = row.raw[column][0]
        expected = f"the same as column '{first}' says, {known} {column.unit}".rstrip()
        row.refuse(Code.COLUMNS_DISAGREE, heading.header, expected, f"{found} {column.unit}".rstrip())


def _complete(row: Row, measurements: Measurements, reference: str) -> None:
    """Fill in what may be assumed, each time saying so, and ask for what may not."""
    if reference and not row.names(DOI, REFERENCE):
        row.content[REFERENCE] = reference
    if not row.names(DOI, REFERENCE):
        row.refuse(Code.MISSING_SOURCE, DOI, "a DOI, or a reference such as lab:2026-11-03:JD (or --source)")
    for assumed in measurements.assumed:
        if not row.names(assumed.column):
            row.content[assumed.column] = assumed.value
            row.suspect(assumed.code, assumed.column, assumed.why, "")
    if not row.names(*measurements.measured):
        names = " or ".join(measurements.measured)
        row.refuse(Code.MISSING_VALUE, measurements.measured[0], f"a value in {names}")


def _read_material(row: Row) -> None:
    """Read the material of a row whose cells could be read; what its kind refuses is said at the first of them."""
    named = [row.raw[column][0] for column in FIELDS if column in row.raw]
    if row.refused_columns() & set(named):
        return
    try:
        row.candidate = candidate_of(row.content)
    except CandidateError as error:
        row.refuse(error.code, material_cells(row.content)[0][0], f"a material that can be read ({error.message})")


def _refuse_duplicates(rows: list[Row], kind: str, measurements: Measurements) -> None:
    """Refuse rows that repeat an earlier one, and flag rows that contradict one under the same conditions."""
    first_of: dict[frozenset[tuple[str, Value]], int] = {}
    alike: dict[frozenset[tuple[str, Value]], list[Row]] = {}
    results = {*measurements.measured, *(column for column in measurements.columns if not column.tells_apart)}
    for row in rows:
        if not row.is_possible:
            continue
        row.text = content_text(kind, row.content)
        earlier = first_of.setdefault(in_any_spelling(row.content), row.number)
        if earlier != row.number:
            row.refuse(
                Code.DUPLICATE_ROW, "row", f"a row of its own; it says the same as row {earlier}", "the same cells"
            )
            continue
        conditions = {column: value for column, value in row.content.items() if column not in results}
        alike.setdefault(in_any_spelling(conditions, COMPOSITION_DECIMALS), []).append(row)
    for group in alike.values():
        for row in group if len(group) > 1 else ():
            others = ", ".join(str(other.number) for other in group if other is not row)
            why = f"row {others} says otherwise under the same conditions; name the pellets in a column 'sample'"
            measured = next(column for column in measurements.measured if column in row.content)
            row.suspect(Code.CONFLICTING_ROWS, measured, why)
