"""What is chosen while rows stream by: conditions on columns, the best K, the Pareto front; exact, whatever the order.

Each chooser keeps places (part, row) with the values that decide. Rows of equal value are ranked by place, so that the
choice is the same for any number of processes and after any number of interruptions.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.answers.columns import FLAG_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS

Array = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_DIRECTIONS = {"max": -1.0, "min": 1.0}


class FilterError(ValueError):
    """A condition or an objective cannot be understood; the message says what was found and expected."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on one column, such as `log10_sigma_S_per_cm>=-3`."""

    column: str
    sign: str
    value: float | str | bool

    @classmethod
    def parse(cls, text: str) -> Where:
        """Read a condition."""
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise FilterError(f"--where '{text}': expected a column, one of {' '.join(_OPERATORS)}, and a value")
        column, sign, value = found.groups()
        if column in NUMBER_COLUMNS:
            return cls(column, sign, _number(value, text))
        if sign not in ("==", "!="):
            raise FilterError(f"--where '{text}': {_known(column)} is no number; compare it by == or !=")
        if column in FLAG_COLUMNS:
            if value.lower() not in ("true", "false"):
                raise FilterError(f"--where '{text}': {column} is true or false")
            return cls(column, sign, value.lower() == "true")
        return cls(_known(column), sign, value.strip("\"'"))

    def __call__(self, columns: Columns) -> NDArray[np.bool_]:
        """Return which rows meet it, shape (n,); what is unknown meets nothing."""
        values = columns[self.column]
        known = ~np.isnan(values) if values.dtype.kind == "f" else values != None  # noqa: E711, by element
        met: NDArray[np.bool_] = known & _OPERATORS[self.sign](values, self.value).astype(np.bool_)
        return met


@dataclass(frozen=True, slots=True)
class SortedColumn:
    """A column to be as large or as small as possible."""

    column: str
    factor: float

    @classmethod
    def parse(cls, text: str) -> SortedColumn:
        """Read `COLUMN`, `COLUMN:max` or `COLUMN:min`."""
        column, _, direction = text.strip().partition(":")
        if column not in NUMBER_COLUMNS:
            raise FilterError(f"'{column}' is no column of numbers; there are: {', '.join(NUMBER_COLUMNS)}")
        if (direction or "max") not in _DIRECTIONS:
            raise FilterError(f"'{text}': expected {column}:max or {column}:min")
        return cls(column, _DIRECTIONS[direction or "max"])


def parse_objectives(text: str) -> tuple[SortedColumn, ...]:
    """Read `COL:max,COL:min`."""
    return tuple(SortedColumn.parse(part) for part in text.split(","))


@dataclass
class Chooser:
    """The rows chosen so far: the best `count` by one objective, or the Pareto front of several.

    Attributes
    ----------
    objectives
        One for the best K; two or more for a front.
    count
        K; None for a front.
    """

    objectives: tuple[SortedColumn, ...]
    count: int | None = None
    cost: Array = field(init=False)
    part: NDArray[np.int64] = field(init=False)
    row: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.cost = np.zeros((0, len(self.objectives)))
        self.part, self.row = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    @property
    def columns(self) -> list[str]:
        """The columns that decide."""
        return [objective.column for objective in self.objectives]

    def take_in(self, part: int, columns: Columns) -> None:
        """Consider the rows of one part; rows without a value in one of the columns are left out.

        Parameters
        ----------
        part
            Number of the part, which decides between equals.
        columns
            At least those of the objectives, shape (n,) each.
        """
        cost = np.column_stack([o.factor * np.asarray(columns[o.column], dtype=float) for o in self.objectives])
        rows = np.flatnonzero(np.isfinite(cost).all(axis=1))
        cost = np.concatenate([self.cost, cost[rows]])
        parts = np.concatenate([self.part, np.full(len(rows), part)])
        places = np.concatenate([self.row, rows])
        kept = self._best(cost, parts, places) if self.count is not None else _front(cost)
        self.cost, self.part, self.row = cost[kept], parts[kept], places[kept]

    def _best(self, cost: Array, part: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.lexsort((row, part, *cost.T[::-1]))[: self.count]

    def ranking(self) -> NDArray[np.int64]:
        """Return the chosen rows' order: best first by the first objective, equals by the next, then by place."""
        return np.lexsort((self.row, self.part, *self.cost.T[::-1]))


def _front(cost: Array) -> NDArray[np.int64]:
    """Return the rows that no other row dominates; equal rows stay together.

    A row is dominated where another is at least as good in every objective and better in one.
    """
    left = np.lexsort(cost.T[::-1])
    kept: list[NDArray[np.int64]] = []
    while len(left):
        first, others = cost[left[0]], cost[left]
        equal = (others == first).all(axis=1)
        kept.append(left[equal])  # none of those behind it in lexical order dominates the first
        left = left[(others < first).any(axis=1)]
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise FilterError(f"--where '{text}': '{value}' is no number") from None


def _known(column: str) -> str:
    if column not in (*TEXT_COLUMNS, *FLAG_COLUMNS, "id"):
        names = ", ".join((*NUMBER_COLUMNS, *FLAG_COLUMNS, *TEXT_COLUMNS))
        raise FilterError(f"'{column}' is no column; there are: {names}")
    return column


def all_met(conditions: Sequence[Where], columns: Columns) -> NDArray[np.bool_]:
    """Return which rows meet every condition, shape (n,)."""
    met = np.ones(len(next(iter(columns.values()))), dtype=np.bool_)
    for condition in conditions:
        met &= condition(columns)
    return met
