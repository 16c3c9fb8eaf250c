"""Rows of candidates as arrays: amounts of elements, where they come from, and what varied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.generation.errors import GenerationError
from serving.generation.pattern import Pattern
from serving.generation.variables import grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """One text a row, few of them distinct.

    Attributes
    ----------
    texts
        The distinct ones.
    number
        Which of them a row has, shape (n,).
    """

    texts: tuple[str, ...]
    number: NDArray[np.int64]

    @classmethod
    def same(cls, text: str, n: int) -> Labels:
        """Give n rows one text."""
        return cls((text,), np.zeros(n, dtype=np.int64))

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Labels:
        """Return the chosen rows."""
        return Labels(self.texts, self.number[rows])

    def listed(self) -> list[str]:
        """Return the text of every row."""
        taken: list[str] = np.array(self.texts, dtype=object)[self.number].tolist()
        return taken


@dataclass(frozen=True, slots=True)
class Block:
    """Candidates that share their set of elements.

    Attributes
    ----------
    symbols
        Elements, in the order in which formulas are written.
    amounts
        Shape (n, len(symbols)).
    parent
        The pattern or the formula that they come from.
    rule
        How they were made, one text a row.
    variables
        What varied: numbers, shape (n,), or texts.
    """

    symbols: tuple[str, ...]
    amounts: Array
    parent: str
    rule: Labels
    variables: Mapping[str, Array | Labels] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.amounts)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Block:
        """Return the chosen rows."""
        variables = {
            name: values.take(rows) if isinstance(values, Labels) else values[rows]
            for name, values in self.variables.items()
        }
        return Block(self.symbols, self.amounts[rows], self.parent, self.rule.take(rows), variables)


def expand(pattern: Pattern, values: Mapping[str, Array]) -> Block:
    """Return every combination of the values and of the pattern's choices.

    Parameters
    ----------
    pattern
        With its open amounts.
    values
        Of every variable, shape (m,) each.

    Raises
    ------
    GenerationError
        If a variable has no value, or there are too many combinations.
    """
    if missing := [name for name in pattern.variables if name not in values]:
        example = f"{missing[0]}=0:0.5:0.1"
        raise GenerationError(f"{pattern.text}: no values for {', '.join(missing)}; give them, such as {example}")
    choices = {choice.name: np.arange(len(choice.options), dtype=np.float64) for choice in pattern.choices}
    names = [*choices, *pattern.variables]
    points, n = grid(choices | dict(values), names)
    varied: dict[str, Array | Labels] = {name: points[name] for name in pattern.variables}
    for choice in pattern.choices:
        varied[choice.name] = Labels(choice.labels, points[choice.name].astype(np.int64))
    amounts = pattern.amounts(points, n)
    return Block(pattern.symbols, amounts, pattern.text, Labels.same("pattern", n), varied)
