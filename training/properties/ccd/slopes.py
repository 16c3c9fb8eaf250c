"""Which numbers of a cell the reports let the critical current depend on: those whose effect they tell from nothing.

A slope counts as carried where the central 90 % of its distribution, given the reports and the prior, lie on one side
of 0. One that is not moves no answer: the number is taken as not stated, and the answer says so. Numbers of the
material (conductivity, reduction potential, energy above the hull) stand in every cell and are not chosen; they stay.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training.properties.ccd.terms import NUMBER_TERMS

if TYPE_CHECKING:
    from training.properties.ccd.cells import Cells
    from training.properties.ccd.model import Regression

NORMAL_90 = 1.6448536269514722
SLOPES = {
    "stack_pressure_MPa": ("log10_pressure_MPa", 1.0, "a decade of pressure"),
    "relative_density": ("relative_density", 0.1, "0.1 of relative density"),
    "interfacial_resistance_ohm_cm2": ("log10_resistance_ohm_cm2", 1.0, "a decade of resistance"),
}
"""Condition to its term, and by which step of it a slope is told."""
KNOWN = {
    "stack_pressure_MPa": (
        "; known is that Li6PS5Cl cycled for over 1000 h at 5 MPa and that higher pressures short cells"
        " (10.1002/aenm.201903253), while the stripping limit rises over the first MPa (10.1038/s41563-019-0438-9)"
    ),
}
"""What papers say of a condition, where the reports carry no slope."""


class Slope(NamedTuple):
    """By how much log10 of the current changes with a step of a condition, with its central 90 %."""

    value: float
    lower: float
    upper: float

    @property
    def is_carried(self) -> bool:
        """Whether the reports tell it from 0."""
        return self.lower > 0.0 or self.upper < 0.0

    @property
    def text(self) -> str:
        """The change in percent, with its interval."""
        percent = (100.0 * (10.0**end - 1.0) for end in self)
        value, low, high = (f"{one:+.0f}" for one in percent)
        return f"{value} % ({low} to {high} %)"


def slope_of(regression: Regression, condition: str) -> Slope:
    """Return the slope of a condition of `SLOPES`."""
    name, step, _ = SLOPES[condition]
    place = [term.name for term in NUMBER_TERMS].index(name)
    column = regression.terms.number_column(name)
    scale = step / float(regression.terms.spread[place]) * (NUMBER_TERMS[place].sign or 1)
    mean = scale * float(regression.fit.mean[column])
    reach = abs(scale) * NORMAL_90 * float(np.sqrt(regression.fit.covariance[column, column]))
    return Slope(mean, mean - reach, mean + reach)


@lru_cache(maxsize=8)
def uncarried(regression: Regression) -> dict[str, Slope]:
    """Return the slopes that the reports do not carry, by condition."""
    found = {condition: slope_of(regression, condition) for condition in SLOPES}
    return {condition: slope for condition, slope in found.items() if not slope.is_carried}


def without_uncarried(regression: Regression, cells: Cells) -> Cells:
    """Return cells in which the numbers without a carried slope are not stated."""
    unknown = np.full(len(cells), np.nan)
    return replace(cells, **{SLOPES[condition][0]: unknown for condition in uncarried(regression)})


def words_of(condition: str, slope: Slope) -> str:
    """Return why a condition moves nothing, and what is known of it."""
    return (
        f"ccd does not depend on {condition}: the reports do not tell its effect from nothing, {slope.text} for"
        f" {SLOPES[condition][2]}{KNOWN.get(condition, '')}"
    )
