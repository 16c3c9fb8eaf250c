"""What a property declares of its numbers: quantities with units, and the conditions on which they depend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Content(StrEnum):
    """What a condition or a column holds."""

    NUMBER = "number"
    COUNT = "count"
    TEXT = "text"
    FLAG = "flag"


class CellRole(StrEnum):
    """What a calculation of cells takes a quantity for, at its conditions; each at most once a kind of material."""

    ION_CONDUCTION = "ion_conduction"
    CRITICAL_CURRENT = "critical_current"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with a unit that a property says of a material.

    Parameters
    ----------
    stem, suffix
        Make its name (`log10_sigma` and `S_per_cm`: `log10_sigma_S_per_cm`) and those of its columns.
    label, unit
        For people; of a logarithm the unit of what stands in it.
    higher_is_better
        Which way is better.
    lowest, highest
        Between which targets make sense, in `unit`.
    aliases
        How users call it, the usual name first.
    is_log10
        Whether it is the logarithm of what users write.
    units
        What may be written instead of `unit`, with the factor that brings it there.
    conditions
        Names of the conditions that it depends on.
    has_interval
        Whether answers give it with an interval; a probability has none.
    in_answers
        Whether `predict` gives it; others follow from an answer and are ranked by alone.
    levels
        Of a quantity that takes few values: their names, that of 0 first.
    against
        Name of the quantity that is meant where an electrode is named, as in `window against NMC811`; one that names
        itself is of an electrode always.
    rises_with
        Condition with which it never falls.
    never_above
        Names of quantities that it never lies above, with the reason.
    assumes
        What probabilities of it take for granted.
    shares_error
        What is taken for granted where several objectives are about it.
    caveat
        Why a material that has been made may miss a target of it.
    role
        What cells are computed from it as; None of most.
    """

    stem: str
    suffix: str
    label: str
    unit: str
    higher_is_better: bool
    lowest: float
    highest: float
    aliases: tuple[str, ...]
    is_log10: bool = False
    units: tuple[tuple[str, float], ...] = ()
    conditions: tuple[str, ...] = ()
    has_interval: bool = True
    in_answers: bool = True
    levels: tuple[str, ...] = ()
    against: str = ""
    rises_with: str = ""
    never_above: tuple[tuple[str, str], ...] = ()
    assumes: str = ""
    shares_error: str = ""
    caveat: str = ""
    role: CellRole | None = None

    @property
    def name(self) -> str:
        """The key of answers and the column of tables."""
        return f"{self.stem}_{self.suffix}" if self.suffix else self.stem

    @property
    def measured_name(self) -> str:
        """The column of measured values: of a logarithm, what it is taken of."""
        return self.name.removeprefix("log10_") if self.is_log10 else self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of flat tables: the value and, where there is an interval, its ends."""
        if not self.has_interval:
            return (self.name,)
        end = f"_{self.suffix}" if self.suffix and not self.is_log10 else ""
        return (self.name, f"{self.stem}_lower{end}", f"{self.stem}_upper{end}")

    def level(self, value: float) -> str | None:
        """Return the name of a value, None where it has none."""
        return self.levels[int(value)] if self.levels and value in range(len(self.levels)) else None


@dataclass(frozen=True, slots=True)
class Condition:
    """What a value depends on besides the material: an option, a field, a column and an input of the page.

    Parameters
    ----------
    name
        With its unit; of Python, JSON and tables.
    content
        `NUMBER` or `TEXT`.
    help
        One sentence for people.
    above, at_least, at_most
        Bounds of a number, in the unit of its name.
    short
        How it is called in an objective.
    words
        Returns the words that a text may be; None where any text is read by the property itself.
    plain
        Returns the word that a usual other one stands for.
    label, unit
        For people; without a label they read `short`.
    of_one_sample
        Whether each row states it for itself: the page has no input for all rows.
    """

    name: str
    content: Content
    help: str
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    short: str = ""
    words: Callable[[], tuple[str, ...]] | None = None
    plain: Callable[[str], str] = str
    label: str = ""
    unit: str = ""
    of_one_sample: bool = False
