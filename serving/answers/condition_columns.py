"""The conditions of many candidates as columns: what `Conditions` is for one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import Conditions
from features.errors import CandidateError
from serving.answers.input_tables import CONDITION_COLUMNS, TEXT_CONDITIONS, conditions_of_cells, is_blank

Array = NDArray[np.float64]
Texts = NDArray[np.object_]
NUMBER_CONDITIONS = tuple(name for name in CONDITION_COLUMNS if name not in TEXT_CONDITIONS)


@dataclass(frozen=True, slots=True)
class ConditionColumns:
    """Conditions of n candidates.

    Attributes
    ----------
    numbers
        Name of `Conditions`, units in it, to values, NaN where unknown; shape (n,) each.
    texts
        Name to texts, None where unknown; shape (n,) each.
    """

    numbers: dict[str, Array]
    texts: dict[str, Texts]

    @classmethod
    def of(cls, n: int, general: Conditions | None = None) -> ConditionColumns:
        """Give n candidates the same conditions."""
        said = general or Conditions()
        known = {name: getattr(said, name) for name in CONDITION_COLUMNS}
        return cls(
            {name: np.full(n, np.nan if known[name] is None else known[name]) for name in NUMBER_CONDITIONS},
            {name: np.full(n, known[name], dtype=object) for name in TEXT_CONDITIONS},
        )

    def take(self, rows: NDArray[np.int64]) -> ConditionColumns:
        """Return the chosen rows."""
        return ConditionColumns(
            {name: column[rows] for name, column in self.numbers.items()},
            {name: column[rows] for name, column in self.texts.items()},
        )

    def stated(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return which candidates have any of these conditions, shape (n,)."""
        known = [~np.isnan(self.numbers[name]) for name in names if name in self.numbers]
        known += [self.texts[name] != None for name in names if name in self.texts]  # noqa: E711, by element
        found: NDArray[np.bool_] = np.logical_or.reduce(known)
        return found


def read_conditions(
    n: int, columns: Mapping[str, Sequence[Any]], general: Conditions | None = None
) -> tuple[ConditionColumns, dict[int, CandidateError]]:
    """Read conditions from the columns of a table; a row's own win over the general ones.

    Parameters
    ----------
    n
        Number of rows.
    columns
        Name of `Conditions` to n cells; blanks and words for missing values leave the general condition.
    general
        What holds for rows that do not say otherwise.

    Returns
    -------
    conditions, errors
        The columns, and what is wrong with rows that cannot be read, by row; such rows keep the general conditions.
    """
    out = ConditionColumns.of(n, general)
    wrong: set[int] = set()
    for name in CONDITION_COLUMNS:
        if name not in columns:
            continue
        known: dict[Any, float | str | CandidateError | None] = {}
        into = out.numbers.get(name, out.texts.get(name))
        assert into is not None
        for row, cell in enumerate(columns[name]):
            if is_blank(cell):
                continue
            key = (type(cell), cell) if isinstance(cell, Hashable) else row
            if key not in known:
                known[key] = _read(name, cell)
            value = known[key]
            if isinstance(value, CandidateError):
                wrong.add(row)
            elif value is not None:
                into[row] = value
    return out, {row: _fault({name: cells[row] for name, cells in columns.items()}) for row in sorted(wrong)}


def _read(name: str, cell: Any) -> float | str | CandidateError | None:  # noqa: ANN401
    """Return the value of one cell, None where it says nothing, or what is wrong with it."""
    try:
        value: float | str | None = getattr(conditions_of_cells({name: cell}), name)
    except CandidateError as error:
        return error
    return value


def _fault(cells: Mapping[str, Any]) -> CandidateError:
    """Return what every other entrance says of such a row."""
    try:
        conditions_of_cells(cells)
    except CandidateError as error:
        return error
    raise AssertionError("a row is only asked about where one of its cells cannot be read")
