"""The rules across a whole table as one pandera schema per kind, and what its verdicts mean in words."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from training.ledger.problems import Code
from training.ledger.schema import COLUMN_OF, POSITIVE, RULES, Column, Content, Kind, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pandera.pandas as pa

    from training.ledger.checks import Row

_NUMBERS = (Content.NUMBER, Content.WHOLE_NUMBER)
_HINTS: dict[Column, tuple[float, float, str]] = {
    Column.SIGMA: (1.0, 1e6, "was mS/cm given as S/cm?"),
    Column.RELATIVE_DENSITY: (1.0, 100.0, "in per cent? name the column relative_density_pct"),
    Column.ENERGY_ABOVE_HULL: (3.0, 3000.0, "in meV? name the column energy_above_hull_meV_per_atom"),
    Column.FORMATION_ENERGY: (-6000.0, -6.0, "in meV or kJ/mol? name the unit in the header"),
    Column.ACTIVATION_ENERGY: (3.0, 300.0, "in kJ/mol? name the column activation_energy_kJ_per_mol"),
    Column.REDUCTION: (10.0, 10_000.0, "in mV? name the column reduction_mV"),
    Column.OXIDATION: (10.0, 10_000.0, "in mV? name the column oxidation_mV"),
}
"""Outside the range but in here: which unit it may have been."""


def broken_rules(rows: Sequence[Row], kind: Kind, this_year: int) -> None:
    """Refuse every row that breaks a rule of its kind, with all its reasons."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    if not rows:
        return
    frame = pd.DataFrame(
        {
            str(rule.column): pd.Series(
                [row.content.get(rule.column) for row in rows],
                dtype="float64" if rule.content in _NUMBERS else "object",
            )
            for rule in RULES[kind]
        }
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandera's own way of joining its failure cases
            schema_of(kind, this_year).validate(frame, lazy=True)
    except SchemaErrors as error:
        seen: set[tuple[int, str, str]] = set()
        cases = error.failure_cases.to_dict("records")
        for case in sorted(cases, key=lambda case: case["schema_context"] == "DataFrameSchema"):
            _refuse(rows, kind, case, seen)  # what is wrong with one cell comes before what is wrong between cells


@cache
def schema_of(kind: Kind, this_year: int) -> pa.DataFrameSchema:
    """Return the pandera schema of a kind's canonical table; `error` of a check is `code|column|expectation`."""
    import pandera.pandas as pa

    columns: dict[str, pa.Column] = {}
    for rule in RULES[kind]:
        checks = []
        if rule.content in _NUMBERS:
            high = this_year if rule.column is Column.YEAR else rule.high
            expected = f"{rule.low:g} to {high:g} {rule.column.unit}".strip()
            checks.append(pa.Check.in_range(rule.low, high, error=f"{Code.OUT_OF_RANGE}|{rule.column}|{expected}"))
        elif rule.content is Content.WORD:
            checks.append(pa.Check.isin(rule.words, error=f"{Code.UNKNOWN_WORD}|{rule.column}|{rule.expected}"))
        dtype = float if rule.content in _NUMBERS else object
        columns[str(rule.column)] = pa.Column(dtype, checks, nullable=not rule.required)
    return pa.DataFrameSchema(columns, checks=_across_columns(kind), strict=True)


def _across_columns(kind: Kind) -> list[pa.Check]:
    import pandera.pandas as pa

    def bound_with_value(frame: pd.DataFrame) -> pd.Series[bool]:
        return frame[Column.BOUND].isna() | frame[Column.SIGMA].notna()

    def material_or_formula(frame: pd.DataFrame) -> pd.Series[bool]:
        named = frame[Column.MATERIAL].notna() & frame[Column.ELECTROLYTE_CLASS].notna()
        return frame[Column.FORMULA].notna() | named

    def window_is_open(frame: pd.DataFrame) -> pd.Series[bool]:
        return ~(frame[Column.REDUCTION] > frame[Column.OXIDATION])

    def told(check: Any, code: Code, column: Column, expected: str) -> pa.Check:  # noqa: ANN401
        return pa.Check(check, error=f"{code}|{column}|{expected}", ignore_na=False)

    match kind:
        case Kind.CONDUCTIVITY:
            expected = "a bound only beside a conductivity"
            return [told(bound_with_value, Code.MISSING_VALUE, Column.BOUND, expected)]
        case Kind.CCD:
            expected = "a formula, or a material with its electrolyte_class"
            return [told(material_or_formula, Code.MISSING_VALUE, Column.FORMULA, expected)]
        case Kind.STABILITY:
            expected = "a reduction limit below the oxidation limit (are the columns swapped?)"
            return [told(window_is_open, Code.SWAPPED_COLUMNS, Column.REDUCTION, expected)]


def _refuse(rows: Sequence[Row], kind: Kind, case: dict[Any, Any], seen: set[tuple[int, str, str]]) -> None:
    verdict = str(case["check"])
    if verdict == "not_nullable":
        column = COLUMN_OF[str(case["column"])]
        code, expected = Code.MISSING_VALUE, _rule(kind, column).expected
    else:
        name, where, expected = verdict.split("|", 2)
        code, column = Code(name), COLUMN_OF[where]
    row = rows[int(case["index"])]
    header = row.raw[column][0] if column in row.raw else str(column)
    key = (row.number, header, str(code))
    if key in seen or header in row.refused_columns():  # said before, or by another rule of the schema
        return
    seen.add(key)
    if code is Code.OUT_OF_RANGE:
        code, expected = _explain_range(row, kind, column, expected)
    row.refuse(code, column, expected)


def _explain_range(row: Row, kind: Kind, column: Column, expected: str) -> tuple[Code, str]:
    """Say what a number outside its range may be: swapped with another column, in another unit, or impossible."""
    value = float(row.content[column])
    if column is Column.YEAR:
        return (Code.FUTURE_DATE if value > 2000 else Code.OUT_OF_RANGE), expected
    partner = _swapped_with(row, kind, column)
    swapped = "" if partner is None else f"are the columns '{column}' and '{partner}' swapped?"
    low, high, hint = _HINTS.get(column, (1.0, 0.0, ""))
    unit_hint = hint if low <= value <= high else ""
    if column in POSITIVE and value <= 0:
        code, hints = Code.NOT_POSITIVE, [swapped]
        expected = f"a value above 0: {expected}"
    elif partner is not None and (column is Column.SIGMA or not unit_hint):
        code, hints = Code.SWAPPED_COLUMNS, [swapped]
    elif column is Column.TEMPERATURE:
        code, hints = Code.OUT_OF_RANGE, [f"that is {value:g} C, {value + 273.15:g} K; is the unit right?"]
    else:
        code, hints = Code.OUT_OF_RANGE, [unit_hint, swapped]
    told = " ".join(filter(None, hints))
    return code, f"{expected} ({told})" if told else expected


def _swapped_with(row: Row, kind: Kind, column: Column) -> Column | None:
    """Return the column whose number would fit here, in this column's unit, while this one's would fit there."""
    if column not in row.read:
        return None
    mine = _rule(kind, column)
    value, unit = row.read[column]
    for rule in RULES[kind]:
        if rule.column is column or rule.content is not Content.NUMBER or rule.column not in row.read:
            continue
        other, other_unit = row.read[rule.column]
        if rule.low <= other_unit.convert(value) <= rule.high and mine.low <= unit.convert(other) <= mine.high:
            return rule.column
    return None


def _rule(kind: Kind, column: Column) -> Rule:
    return next(rule for rule in RULES[kind] if rule.column is column)
