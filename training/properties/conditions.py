"""Conditions of many candidates as columns, and the ones that more than one property declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError, RowErrorCode, shown
from training.properties.declared import Array, Condition, Content, Flags

ROOM_TEMPERATURE_C = 25.0
TEMPERATURE = Condition(
    "temperature_C",
    Content.NUMBER,
    "Temperature in degrees Celsius (25 unless a row says otherwise).",
    above=-273.15,
    at_most=1500.0,
    short="temperature",
    label="Temperature",
    unit="°C",
)

RELATIVE_DENSITY = Condition(
    "relative_density",
    Content.NUMBER,
    "Density of the pellet as a fraction of the ideal one.",
    above=0.0,
    at_most=1.0,
    short="relative_density",
    of_one_sample=True,
)


@dataclass(frozen=True, slots=True)
class ConditionColumns:
    """Conditions of n candidates.

    Attributes
    ----------
    numbers
        Name of a condition, units in it, to values, NaN where unknown; shape (n,) each.
    texts
        Name to texts, None where unknown; shape (n,) each.
    """

    numbers: dict[str, Array]
    texts: dict[str, NDArray[np.object_]]

    def take(self, rows: NDArray[np.int64]) -> ConditionColumns:
        """Return the chosen rows."""
        return ConditionColumns(
            {name: column[rows] for name, column in self.numbers.items()},
            {name: column[rows] for name, column in self.texts.items()},
        )

    def stated(self, names: Iterable[str]) -> Flags:
        """Return which candidates have any of these conditions, shape (n,)."""
        chosen = list(names)
        known = [~np.isnan(self.numbers[name]) for name in chosen if name in self.numbers]
        known += [self.texts[name] != None for name in chosen if name in self.texts]  # noqa: E711, by element
        found: Flags = np.logical_or.reduce(known)
        return found

    def temperature_C(self) -> Array:
        """Return temperatures, room temperature where none is stated; shape (n,)."""
        stated = self.numbers[TEMPERATURE.name]
        return np.where(np.isnan(stated), ROOM_TEMPERATURE_C, stated)


def one_of(text: str, allowed: Sequence[str], name: str) -> str:
    """Return a word as the vocabulary spells it; raises `CandidateError` where it holds no such word."""
    found = {known.casefold(): known for known in allowed}.get(" ".join(text.split()).casefold())
    if found is None:
        message = f"{name}: received '{shown(text)}', expected one of: {', '.join(allowed)}"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message)
    return found


def refused_words(column: NDArray[np.object_], read: Callable[[str], str]) -> dict[int, CandidateError]:
    """Return the rows of a text condition that cannot be read, and why.

    Parameters
    ----------
    column
        Texts, None where not stated; shape (n,).
    read
        Raises `CandidateError` for such a text.
    """
    wrong: dict[int, CandidateError] = {}
    texts = column.tolist()
    for text in set(texts) - {None}:
        try:
            read(text)
        except CandidateError as error:  # numpy would compare without NUL characters at the end
            wrong |= dict.fromkeys((row for row, one in enumerate(texts) if one == text), error)
    return wrong


def refused_choices(conditions: ConditionColumns, condition: Condition) -> dict[int, CandidateError]:
    """Return the rows whose text is none of a condition's words."""
    return refused_words(conditions.texts[condition.name], partial(_choice, condition=condition))


def chose(conditions: ConditionColumns, condition: Condition, word: str) -> NDArray[np.bool_]:
    """Return which rows state one of a condition's words, however it is spelled, shape (n,)."""
    texts = conditions.texts[condition.name]
    return np.array([text is not None and _choice(text, condition) == word for text in texts], dtype=bool)


def _choice(text: str, condition: Condition) -> str:
    return one_of(text, condition.words() if condition.words else (), condition.name)
