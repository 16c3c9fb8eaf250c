"""From raw rows to measurements: every cell read and converted, every rule applied, every problem named by row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from features.blank_words import is_word_for_missing, is_word_for_nothing
from features.errors import RowErrorCode, shown
from features.table_files import RawRow, UnreadableCell
from training.ledger import cells
from training.ledger.cells import CellError, read_material
from training.ledger.entries import content_text
from training.ledger.headings import Headings
from training.ledger.problems import AnyCode, Code, Level, Problem
from training.ledger.reading import RawTable
from training.ledger.rules import broken_rules
from training.ledger.schema import (
    MEASURED,
    ROOM_TEMPERATURE_C,
    Column,
    Content,
    Kind,
    Rule,
    Value,
    rules_of,
)
from training.ledger.units import Heading, Unit, plain_unit
from training.splits import COMPOSITION_DECIMALS

_LATEST_ZONE = dt.timezone(dt.timedelta(hours=14))
_BOUND_SIGNS = {"<": "upper", "≤": "upper", ">": "lower", "≥": "lower"}
_NEVER_THE_SAME = frozenset({Column.BOUND, Column.YEAR, Column.OPERATOR, Column.FAMILY})


@dataclass(slots=True)
class Row:
    """One measurement while it is checked.

    Parameters
    ----------
    number, line
        Where it stands.
    content
        Canonical cells, blanks left out.
    problems
        What was found so far.
    raw
        The cells as written, by the column they belong to, and the header they stand under.
    read
        Numbers before conversion, and their units.
    text
        What is hashed, once the content is final.
    """

    number: int
    line: int | None
    content: dict[Column, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    raw: dict[Column, tuple[str, Any]] = field(default_factory=dict)
    read: dict[Column, tuple[float, Unit]] = field(default_factory=dict)
    text: str = ""

    def add(self, level: Level, code: AnyCode, column: str, expected: str, received: object = None) -> None:
        """Name a problem; without `received` it is the cell as it was written."""
        header, cell = column, received
        if isinstance(column, Column) and column in self.raw:
            header, written = self.raw[column]
            cell = written if received is None else received
        text = "" if cell is None else str(cell)
        self.problems.append(Problem(self.number, self.line, level, code, str(header), text, expected))

    def refuse(self, code: AnyCode, column: str, expected: str, received: object = None) -> None:
        """Name a reason for which the row can never be stored."""
        self.add(Level.REFUSED, code, column, expected, received)

    def suspect(self, code: AnyCode, column: str, why: str, received: object = None) -> None:
        """Name something that somebody has to confirm."""
        self.add(Level.SUSPICIOUS, code, column, why, received)

    def has(self, level: Level) -> bool:
        """Whether a problem of this level was found."""
        return any(problem.level is level for problem in self.problems)

    def codes(self, level: Level) -> tuple[str, ...]:
        """Return the codes of the problems of one level, each once, in the order in which they were found."""
        return tuple(dict.fromkeys(str(problem.code) for problem in self.problems if problem.level is level))

    @property
    def typed_formula(self) -> str:
        """The formula as it stands in the cell, blanks of more than one taken for one; "" for none."""
        written = self.raw[Column.FORMULA][1] if Column.FORMULA in self.raw else self.content.get(Column.FORMULA, "")
        return " ".join(str(written).split())

    @property
    def is_possible(self) -> bool:
        """Whether nothing speaks against storing it but suspicion."""
        return not self.has(Level.REFUSED)

    def refused_columns(self) -> set[str]:
        """Headers that already have a reason to be refused."""
        return {problem.column for problem in self.problems if problem.level is Level.REFUSED}


def latest_day() -> dt.date:
    """Return the latest day that it is anywhere on Earth: no measurement is younger."""
    return dt.datetime.now(_LATEST_ZONE).date()


def check(table: RawTable, kind: Kind, headings: Headings, *, reference: str = "") -> list[Row]:
    """Read and check every row.

    Parameters
    ----------
    table
        As read.
    headings
        What its headers mean.
    reference
        Source of rows that name none, "" for none.

    Returns
    -------
    list of Row
        One per readable row, in order; those without a refusal obey every rule of the kind.
    """
    today = latest_day()
    rules = rules_of(kind)
    rows = [_read_row(raw, rules, headings, today, table.decimal_comma) for raw in table.rows]
    for row in rows:
        _complete(row, kind, reference)
    broken_rules(rows, kind, today.year)
    _refuse_duplicates(rows, kind)
    return rows


def _read_row(raw: RawRow, rules: dict[Column, Rule], headings: Headings, today: dt.date, decimal_comma: bool) -> Row:
    row = Row(raw.number, raw.line)
    for heading in headings.known:
        value = raw.cells.get(heading.header)
        rule = rules[heading.column]
        says_nothing = _says_nothing(value, rule)
        if value is None or (says_nothing and not (rule.content is Content.FORMULA and rule.required)):
            continue
        row.raw.setdefault(heading.column, (heading.header, value))
        if says_nothing:
            expected = "a formula with lithium, such as Li6PS5Cl (this stands for an empty cell)"
            row.refuse(RowErrorCode.EMPTY_FORMULA, heading.column, expected)
            continue
        try:
            found = _read_cell(row, raw, heading, rule, today, decimal_comma)
        except CellError as error:
            row.problems.append(
                Problem(row.number, row.line, Level.REFUSED, error.code, heading.header, str(value), error.expected)
            )
            continue
        _settle(row, heading, found)
    return row


def _says_nothing(value: object, rule: Rule) -> bool:
    """Whether a cell holds a word for an empty one; what a spreadsheet could not compute is refused by its own code."""
    if not isinstance(value, str):
        return False
    says_nothing = is_word_for_nothing(value) if rule.content is Content.FORMULA else is_word_for_missing(value)
    return says_nothing and value[:1] != "#" and value.lower() not in {word.lower() for word in rule.words}


def _read_cell(
    row: Row, raw: RawRow, heading: Heading, rule: Rule, today: dt.date, decimal_comma: bool
) -> Value:  # fmt: skip
    value = raw.cells[heading.header]
    if isinstance(value, UnreadableCell):
        raise CellError(Code.UNREADABLE_ROW, "text in UTF-8 ('CSV UTF-8' in a spreadsheet)")
    match rule.content:
        case Content.FORMULA:
            return cells.formula(value)
        case Content.TEXT:
            return cells.text(value, rule, today)
        case Content.WORD:
            return _bound_word(value, rule) if rule.column is Column.BOUND else cells.word(value, rule)
        case Content.DOI:
            return cells.doi(value)
        case Content.DATE:
            return cells.day(value, today)
        case _:
            return _read_number(row, raw, heading, rule, decimal_comma)


def _bound_word(value: object, rule: Rule) -> str:
    text = _BOUND_SIGNS.get(str(value).strip(), value)
    return cells.word(text, rule)


def _read_number(row: Row, raw: RawRow, heading: Heading, rule: Rule, decimal_comma: bool) -> Value:
    value = raw.cells[heading.header]
    if isinstance(value, str) and value[:1] in _BOUND_SIGNS:
        _set_bound(row, rule.column, _BOUND_SIGNS[value[0]])
        value = value[1:].lstrip("= ")
    found = cells.number(value, rule, decimal_comma=decimal_comma)
    unit = heading.unit
    if heading.unit_header is not None:
        unit = _named_unit(heading, raw.cells.get(heading.unit_header))
    if rule.content is Content.WHOLE_NUMBER:
        if found != int(found):
            raise CellError(Code.NOT_A_NUMBER, f"a whole number ({rule.expected})")
        return int(found)
    if unit is None:
        return found
    row.read.setdefault(rule.column, (found, unit))
    return unit.convert(found)


def _named_unit(heading: Heading, name: object) -> Unit:
    """Return the unit that a row's own cell names.

    Raises
    ------
    CellError
        If the cell is blank or the unit unknown.
    """
    assert heading.quantity is not None
    units = heading.quantity.units
    found = units.get(plain_unit(name)) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(filter(None, units))
        received = "nothing" if name is None else f"'{shown(str(name))}'"
        where = f"column '{heading.unit_header}' (there: {received})"
        raise CellError(Code.UNKNOWN_UNIT, f"a unit in {where}, one of: {known}")
    return found


def _set_bound(row: Row, column: Column, sign: str) -> None:
    if column in (Column.SIGMA, Column.CCD) and row.content.get(Column.BOUND, sign) == sign:
        row.content[Column.BOUND] = sign
        return
    raise CellError(Code.BOUND_NOT_ALLOWED, "a value, not a bound" if column not in (Column.SIGMA, Column.CCD) else
                    "a bound that agrees with the column 'bound'")  # fmt: skip


def _settle(row: Row, heading: Heading, found: Value) -> None:
    """Store a value, or refuse the row if another column says something else."""
    column = heading.column
    known = row.content.get(column)
    if known is None:
        row.content[column] = found
        return
    if isinstance(known, float) and isinstance(found, float) and heading.quantity is not None:
        tolerance = heading.quantity.tolerance
        allowed = tolerance if column is Column.TEMPERATURE else tolerance * max(abs(known), abs(found))
        agree = abs(known - found) <= allowed
    else:
        agree = known == found
    if not agree:
        first = row.raw[column][0]
        expected = f"the same as column '{first}' says, {known} {column.unit}".rstrip()
        row.refuse(Code.COLUMNS_DISAGREE, heading.header, expected, f"{found} {column.unit}".rstrip())


def _complete(row: Row, kind: Kind, reference: str) -> None:
    """Fill in what may be assumed, each time saying so, and ask for what may not."""
    content = row.content
    if not {Column.DOI, Column.REFERENCE} & (content.keys() | row.raw.keys()) and reference:
        content[Column.REFERENCE] = reference
    if not {Column.DOI, Column.REFERENCE} & (content.keys() | row.raw.keys()):
        row.refuse(Code.MISSING_SOURCE, Column.DOI, "a DOI, or a reference such as lab:2026-11-03:JD (or --source)")
    if kind is not Kind.STABILITY and Column.TEMPERATURE not in content.keys() | row.raw.keys():
        content[Column.TEMPERATURE] = ROOM_TEMPERATURE_C
        row.suspect(Code.TEMPERATURE_ASSUMED, Column.TEMPERATURE, "no temperature is given; 25 C would be assumed", "")
    if kind is Kind.CCD and Column.ANODE not in content.keys() | row.raw.keys():
        content[Column.ANODE] = "Li"
        row.suspect(
            Code.ANODE_ASSUMED, Column.ANODE, "no anode is given; plain lithium metal (Li) would be assumed", ""
        )
    if not any(column in content or column in row.raw for column in MEASURED[kind]):
        names = " or ".join(MEASURED[kind])
        row.refuse(
            Code.MISSING_VALUE,
            MEASURED[kind][0],
            f"a value in {names}",
        )


def _refuse_duplicates(rows: list[Row], kind: Kind) -> None:
    """Refuse rows that repeat an earlier one, and flag rows that contradict one under the same conditions."""
    first_of: dict[frozenset[tuple[Column, Value]], int] = {}
    alike: dict[frozenset[tuple[Column, Value]], list[Row]] = {}
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
        alike.setdefault(_conditions(kind, row.content), []).append(row)
    for group in alike.values():
        for row in group if len(group) > 1 else ():
            others = ", ".join(str(other.number) for other in group if other is not row)
            why = f"row {others} says otherwise under the same conditions; name the pellets in a column 'sample'"
            measured = next(column for column in MEASURED[kind] if column in row.content)
            row.suspect(Code.CONFLICTING_ROWS, measured, why)


def in_any_spelling(content: Mapping[Column, Value]) -> frozenset[tuple[Column, Value]]:
    """Return the cells of a measurement, the same ones however its formula is spelled: `2Li3N` is `Li3N`."""
    cells = dict(content)
    if Column.FORMULA in cells:
        cells[Column.FORMULA] = _fractions(str(cells[Column.FORMULA]), 6)
    return frozenset(cells.items())


def _fractions(formula: str, decimals: int) -> str:
    """Return one text for all spellings of a composition: its atomic fractions, by symbol."""
    amounts = read_material(formula).candidate.amounts
    total = sum(amounts.values())
    return " ".join(f"{symbol}{amounts[symbol] / total:.{decimals}f}" for symbol in sorted(amounts))


def _conditions(kind: Kind, content: dict[Column, Value]) -> frozenset[tuple[Column, Value]]:
    kept = {
        column: value
        for column, value in content.items()
        if column not in _NEVER_THE_SAME and column not in MEASURED[kind]
    }
    if Column.FORMULA in kept:
        kept[Column.FORMULA] = _fractions(str(kept[Column.FORMULA]), COMPOSITION_DECIMALS)
    return frozenset(kept.items())
