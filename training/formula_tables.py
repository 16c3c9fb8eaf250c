"""Public tables of two columns, `formula` and `target`: read whole or refused with every line that breaks the rules."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from features.errors import CandidateError
from training.tables import TableError, Violation

HEADER = ("formula", "target")
Amounts = dict[str, float]


class FormulaTarget(NamedTuple):
    """One line: the formula as the table spells it, what is in it, and its value."""

    formula: str
    amounts: Amounts
    target: float


class Expected(NamedTuple):
    """What a target is called, and between which values it may lie."""

    what: str
    lowest: float
    highest: float


def read_formula_targets(
    path: Path, expected: Expected, amounts_of: Callable[[str], Amounts | None]
) -> list[FormulaTarget]:
    """Read a table of formulas and targets.

    Parameters
    ----------
    path
        CSV with the header `formula,target`.
    expected
        What the targets are.
    amounts_of
        Reads a formula: None or `CandidateError` where it is none.

    Raises
    ------
    TableError
        If the header is another, or a cell is no formula or no such target.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        lines = csv.reader(handle)
        header = next(lines, [])
        if tuple(header) != HEADER:
            raise TableError(path.name, (Violation(1, "", "header", ",".join(header), ",".join(HEADER)),))
        rows: list[FormulaTarget] = []
        violations: list[Violation] = []
        for number, cells in enumerate(lines, start=2):
            try:
                rows.append(_read(cells, expected, amounts_of))
            except (IndexError, ValueError, CandidateError) as error:
                problem = f"a formula and {expected.what} ({error})"
                violations.append(Violation(number, cells[0] if cells else "", "row", ",".join(cells), problem))
    if violations:
        raise TableError(path.name, tuple(violations))
    return rows


def _read(cells: list[str], expected: Expected, amounts_of: Callable[[str], Amounts | None]) -> FormulaTarget:
    formula, target = cells[0], float(cells[1])
    amounts = amounts_of(formula)
    if amounts is None:
        raise ValueError("no formula of elements and amounts")
    if not expected.lowest <= target <= expected.highest:
        raise ValueError(f"not between {expected.lowest:g} and {expected.highest:g}")
    return FormulaTarget(formula, amounts, target)
