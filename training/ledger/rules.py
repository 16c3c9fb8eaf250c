"""The rules that a row obeys, of each cell and between cells; what breaks one is refused with what it may have been."""

from __future__ import annotations

from collections.abc import Sequence

from training.measurements.columns import TEMPERATURE, YEAR, CellContent, LedgerColumn
from training.measurements.contract import Measurements
from training.measurements.problems import Code
from training.measurements.rows import Row


def refuse_broken_rules(rows: Sequence[Row], measurements: Measurements, this_year: int) -> None:
    """Refuse every row that breaks a rule of its kind, with all its reasons, those of single cells first."""
    columns = [column.but(high=this_year) if column == YEAR else column for column in measurements.columns]
    bound_by_rules = [c for c in columns if c.is_required or c.is_number or c.content is CellContent.WORD]
    for row in rows:
        for column in bound_by_rules:
            _check_cell(row, column, measurements)
        for rule in measurements.across:
            if not rule.holds(row.content):
                _refuse(row, rule.code, rule.column, rule.expected)


def _check_cell(row: Row, column: LedgerColumn, measurements: Measurements) -> None:
    value = row.content.get(column)
    if value is None:
        if column.is_required:
            _refuse(row, Code.MISSING_VALUE, column, column.expected)
    elif column.is_number:
        if not column.low <= float(value) <= column.high:
            _refuse(row, *_explain_range(row, column, measurements))
    elif column.content is CellContent.WORD and value not in column.words:
        _refuse(row, Code.UNKNOWN_WORD, column, column.expected)


def _refuse(row: Row, code: Code, column: str, expected: str) -> None:
    """Refuse a row, unless the column was refused before: a cell that cannot be read is no missing one."""
    header = row.raw[column][0] if column in row.raw else column
    if header not in row.refused_columns():
        row.refuse(code, column, expected)


def _explain_range(row: Row, column: LedgerColumn, measurements: Measurements) -> tuple[Code, LedgerColumn, str]:
    """Say what a number outside its range may be: swapped with another column, in another unit, or impossible."""
    value, expected = float(row.content[column]), column.expected
    if column == YEAR:
        return (Code.FUTURE_DATE if value > 2000 else Code.OUT_OF_RANGE), column, expected
    partner = _swapped_with(row, column, measurements)
    swapped = "" if partner is None else f"are the columns '{column}' and '{partner}' swapped?"
    hint = column.hint if column.hint is not None and column.hint.low <= value <= column.hint.high else None
    if column.is_positive and value <= 0:
        code, hints = Code.NOT_POSITIVE, [swapped]
        expected = f"a value above 0: {expected}"
    elif partner is not None and (hint is None or hint.is_weak):
        code, hints = Code.SWAPPED_COLUMNS, [swapped]
    elif column == TEMPERATURE:
        code, hints = Code.OUT_OF_RANGE, [f"that is {value:g} C, {value + 273.15:g} K; is the unit right?"]
    else:
        code, hints = Code.OUT_OF_RANGE, [hint.words if hint else "", swapped]
    told = " ".join(filter(None, hints))
    return code, column, f"{expected} ({told})" if told else expected


def _swapped_with(row: Row, column: LedgerColumn, measurements: Measurements) -> LedgerColumn | None:
    """Return the column whose number would fit here, in this column's unit, while this one's would fit there."""
    if column not in row.read:
        return None
    value, unit = row.read[column]
    for other in measurements.columns:
        if other == column or other.content is not CellContent.NUMBER or other not in row.read:
            continue
        its_value, its_unit = row.read[other]
        fits_there = other.low <= its_unit.convert(value) <= other.high
        if fits_there and column.low <= unit.convert(its_value) <= column.high:
            return other
    return None
