"""Columns of measurements, each with label, unit, headings and rules; here are those that several kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from training.measurements.problems import AnyCode, Code
from training.measurements.units import CELSIUS, DEGREE, KELVIN, PLAIN, LENGTH_angstrom, Notation

Value = str | float | int
"""What a cell of a stored measurement may hold; nothing given is no entry at all."""
Contents = Mapping[str, Value]
"""The cells of one measurement by column."""
ROOM_TEMPERATURE_C = 25.0


class CellContent(StrEnum):
    """What a column's cells hold."""

    FORMULA = "formula"
    NUMBER = "number"
    WHOLE_NUMBER = "whole number"
    TEXT = "text"
    WORD = "word of a list"
    DOI = "DOI"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class UnitHint:
    """Which unit a number outside its range may have been in, if it lies between `low` and `high`.

    `is_weak` where columns that may be swapped explain such a number better.
    """

    low: float
    high: float
    words: str
    is_weak: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class LedgerColumn(str):
    """A column of measurements; it equals its name and carries all that is known of it.

    Parameters
    ----------
    name, label, unit
        The name as stored, with its unit.
    content
        What its cells hold.
    low, high
        Smallest and largest number, in its unit.
    words
        The vocabulary, for words of a list.
    is_required
        Whether a row without it is refused.
    aliases
        Headings besides the name, without a unit.
    notations
        Names and units that headings of numbers may have.
    often_written
        Headings with other units, which a misspelt one may have meant.
    is_positive
        Whether zero and negative values are impossible, and said to be so.
    takes_bound
        Whether `<` or `>` may stand before a value.
    tells_apart
        Whether two rows that differ in it were measured under different conditions.
    hint
        Which unit a number outside the range may have been in.

    Examples
    --------
    >>> column = LedgerColumn("temperature_C", "Temperature", "C")
    >>> column == "temperature_C", column.unit
    (True, 'C')
    """

    name: str
    label: str
    unit: str = ""
    content: CellContent = CellContent.TEXT
    low: float = float("-inf")
    high: float = float("inf")
    words: tuple[str, ...] = ()
    is_required: bool = False
    aliases: tuple[str, ...] = ()
    notations: tuple[Notation, ...] = ()
    often_written: tuple[str, ...] = ()
    is_positive: bool = False
    takes_bound: bool = False
    tells_apart: bool = True
    hint: UnitHint | None = None

    def __new__(cls, name: str, *_: Any, **__: Any) -> LedgerColumn:  # noqa: ANN401
        """Make it equal to its name."""
        return str.__new__(cls, name)

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.content in (CellContent.NUMBER, CellContent.WHOLE_NUMBER)

    @property
    def expected(self) -> str:
        """What a cell should hold, in words."""
        if self.content is CellContent.WORD:
            return "one of: " + ", ".join(self.words)
        if self.is_number:
            return f"{self.low:g} to {self.high:g} {self.unit}".strip()
        return str(self.content)

    @property
    def shared(self) -> tuple[Any, ...]:
        """What kinds that have a column of this name must agree upon."""
        return self.name, self.label, self.unit, self.content, self.aliases, self.notations

    def but(self, **changed: Any) -> LedgerColumn:  # noqa: ANN401
        """Return the column as one kind has it."""
        return replace(self, **changed)


def number(name: str, label: str, unit: str, *notations: Notation, **more: Any) -> LedgerColumn:  # noqa: ANN401
    """Return a column of numbers."""
    return LedgerColumn(name, label, unit, CellContent.NUMBER, notations=notations, **more)


def whole_number(name: str, label: str, low: float, high: float, **more: Any) -> LedgerColumn:  # noqa: ANN401
    """Return a column of whole numbers, under its name alone."""
    plain = (Notation((name,), PLAIN),)
    return LedgerColumn(name, label, "", CellContent.WHOLE_NUMBER, low, high, notations=plain, **more)


def word(name: str, label: str, words: Sequence[str], **more: Any) -> LedgerColumn:  # noqa: ANN401
    """Return a column of words of a list."""
    return LedgerColumn(name, label, content=CellContent.WORD, words=tuple(filter(None, words)), **more)


FORMULA = LedgerColumn("formula", "Formula", content=CellContent.FORMULA, aliases=("composition",))
BOUND = word("bound", "The value is a bound", ("upper", "lower"), tells_apart=False)
TEMPERATURE = number(
    "temperature_C",
    "Temperature",
    "C",
    Notation(
        ("temperature", "t", "temp"),
        {
            **dict.fromkeys(("C", "degC", "Celsius", "celsius"), CELSIUS),
            **dict.fromkeys(("K", "Kelvin", "kelvin"), KELVIN),
        },
        tolerance=0.5,
        is_absolute=True,
    ),
    often_written=("temperature_K",),
)
YEAR = whole_number("year", "Year", 1900, 2100, tells_apart=False)
DOI = LedgerColumn("doi", "DOI of the paper", content=CellContent.DOI)
REFERENCE = LedgerColumn("reference", "Source without a DOI", aliases=("source", "notebook"))
ORIGIN = (
    LedgerColumn("sample", "Name of the pellet or cell"),
    LedgerColumn("operator", "Who measured", tells_apart=False),
    LedgerColumn("measured_on", "Day of the measurement", "YYYY-MM-DD", CellContent.DATE, aliases=("date",)),
    YEAR,
    DOI,
    REFERENCE,
)
LATTICE = (
    *(number(n, f"Cell length {n}", "angstrom", Notation((n,), LENGTH_angstrom), low=1.0, high=100.0) for n in "abc"),
    *(
        number(n, f"Cell angle {n}", "degree", Notation((n,), DEGREE), low=20.0, high=160.0)
        for n in ("alpha", "beta", "gamma")
    ),
    whole_number("space_group_number", "Space group number", 1, 230, aliases=("space_group",)),
    whole_number("atoms_per_cell", "Atoms in the unit cell", 1, 2000),
)


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule between cells of one row; where it does not hold, the row is refused at `column`."""

    column: str
    code: Code
    expected: str
    holds: Callable[[Contents], bool]


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is taken for a condition that a row does not name, once somebody has confirmed it."""

    column: str
    value: Value
    code: AnyCode
    why: str


ROOM_TEMPERATURE = Assumed(
    TEMPERATURE,
    ROOM_TEMPERATURE_C,
    Code.TEMPERATURE_ASSUMED,
    f"no temperature is given; {ROOM_TEMPERATURE_C:g} C would be assumed",
)
