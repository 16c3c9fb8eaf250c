"""The terms of the regression: one column each, with a prior mean and spread, and a sign where physics gives one.

Everything a term needs (means by class, spreads, shares) is learned from the reports at hand, so that a model fitted
without a paper knows nothing of it. What is unknown of a cell adds nothing: a number counts as the mean of its class, a
name as the mixture of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.properties.ccd.cells import Cells
from training.properties.ccd.schema import (
    ANODES,
    CLASSES,
    INTERLAYER_TYPES,
    MOLTEN_ANODE,
    NO_INTERLAYER,
    PLAIN_ANODE,
    SCAFFOLD,
)

Array = NDArray[np.float64]

ROOM_TEMPERATURE_C, KELVIN = 25.0, 273.15
TREATED_TYPES = tuple(name for name in INTERLAYER_TYPES if name not in (NO_INTERLAYER, SCAFFOLD))
OTHER_ANODES = tuple(name for name in ANODES if name not in (PLAIN_ANODE, MOLTEN_ANODE))
FEWEST_FOR_A_MEAN = 5
LARGEST_DEVIATION = 2.5
SMALLEST_SPREAD = 1e-6  # below it a number is the same for all, up to rounding
MATERIAL_REACH = 0.05
"""Half-L1 distance of atomic fractions over which two materials are alike (Li6PS5Cl to Li5.5PS4.5Cl1.5: 0.06)."""


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """A number of a cell as its deviation from the mean of its class, in standard deviations."""

    name: str
    prior_sd: float
    sign: int = 0  # +1 or -1: the only direction in which physics lets the current depend on it


NUMBER_TERMS = (
    NumberTerm("log10_sigma", 0.15),
    NumberTerm("reduction_V", 0.1),
    NumberTerm("log10_hull_eV", 0.1),
    NumberTerm("relative_density", 0.05, +1),
    NumberTerm("log10_resistance_ohm_cm2", 0.05, -1),
    NumberTerm("log10_pressure_MPa", 0.05),
)


@dataclass(frozen=True, slots=True)
class TermGroup:
    """Columns whose effects share one spread, which the reports teach; prior guess with the weight of some columns."""

    start: int
    stop: int
    variance: float
    weight: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of the coefficients before a report is seen, columns in the order of the design.

    Attributes
    ----------
    mean, variance
        Shape (p,).
    not_negative
        Columns whose coefficient is at least 0.
    groups
        Columns that learn their variance together.
    """

    mean: Array
    variance: Array
    not_negative: tuple[int, ...]
    groups: tuple[TermGroup, ...]


@dataclass(frozen=True, eq=False)
class Terms:
    """Everything that turns cells into columns.

    Attributes
    ----------
    centre
        Mean of each number by class, shape (classes, numbers), NaN where fewer than `FEWEST_FOR_A_MEAN` are known.
    spread
        Standard deviation within classes, shape (numbers,).
    share_interlayer, share_anode
        How often each name occurs, for cells that do not say.
    anchors
        Compositions of the fitted materials, shape (m, 103).
    root
        Inverse Cholesky root of their similarity, shape (m, m).
    """

    centre: Array
    spread: Array
    share_interlayer: Array
    share_anode: Array
    anchors: Array
    root: Array = field(repr=False)

    @classmethod
    def fit(cls, cells: Cells) -> Terms:
        """Learn means, spreads and shares from cells."""
        numbers = _numbers(cells)
        centre = np.full((len(CLASSES), len(NUMBER_TERMS)), np.nan)
        for row, name in enumerate(CLASSES):
            own = numbers[cells.electrolyte_class == name]
            enough = np.isfinite(own).sum(axis=0) >= FEWEST_FOR_A_MEAN
            if enough.any():
                centre[row, enough] = np.nanmean(own[:, enough], axis=0)
        apart = numbers - _centre_of(cells, centre)
        known = np.isfinite(apart)
        count = np.maximum(known.sum(axis=0) - 1, 1)
        spread = np.sqrt((np.where(known, apart, 0.0) ** 2).sum(axis=0) / count)
        anchors = np.unique(cells.composition[cells.composition.sum(axis=1) > 0], axis=0)
        similarity = _similarity(anchors, anchors) + 1e-6 * np.eye(len(anchors))
        root = np.linalg.inv(np.linalg.cholesky(similarity)) if len(anchors) else np.zeros((0, 0))
        return cls(
            centre,
            np.where(spread > SMALLEST_SPREAD, spread, 1.0),
            _one_hot(cells.interlayer_type, INTERLAYER_TYPES).mean(axis=0),
            _one_hot(cells.anode, ANODES).mean(axis=0),
            anchors,
            root,
        )

    def knows(self, electrolyte_class: str, name: str) -> bool:
        """Return whether a number of `NUMBER_TERMS` moves predictions of a class: enough of its reports state it."""
        column = [term.name for term in NUMBER_TERMS].index(name)
        return bool(np.isfinite(self.centre[CLASSES.index(electrolyte_class), column]))

    def number_column(self, name: str) -> int:
        """Return the column of a number of `NUMBER_TERMS`."""
        term = next(one for one in NUMBER_TERMS if one.name == name)
        return self.labels().index(_label(term))

    def labels(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return (
            "intercept",
            "temperature",
            "any interlayer",
            *(f"class {name}" for name in CLASSES),
            *(f"interlayer {name}" for name in TREATED_TYPES),
            *(f"anode {name}" for name in OTHER_ANODES),
            *map(_label, NUMBER_TERMS),
            *(f"material {i}" for i in range(len(self.anchors))),
        )

    def design(self, cells: Cells) -> Array:
        """Return the columns, shape (n, p)."""
        interlayer = _one_hot(cells.interlayer_type, INTERLAYER_TYPES)
        interlayer[cells.interlayer_type == ""] = self.share_interlayer
        anode = _one_hot(cells.anode, ANODES)
        anode[cells.anode == ""] = self.share_anode
        treated = interlayer[:, [INTERLAYER_TYPES.index(name) for name in TREATED_TYPES]]
        apart = (_numbers(cells) - _centre_of(cells, self.centre)) / self.spread
        signs = np.array([term.sign or 1 for term in NUMBER_TERMS])
        deviation = signs * np.clip(np.nan_to_num(apart, nan=0.0), -LARGEST_DEVIATION, LARGEST_DEVIATION)
        known = (cells.composition.sum(axis=1) > 0)[:, None]
        return np.hstack(
            [
                np.ones((len(cells), 1)),
                inverse_temperature(cells.temperature_C)[:, None],
                treated.sum(axis=1, keepdims=True),
                _one_hot(cells.electrolyte_class, CLASSES),
                treated,
                anode[:, [ANODES.index(name) for name in OTHER_ANODES]],
                deviation,
                (known * _similarity(cells.composition, self.anchors)) @ self.root.T,
            ]
        )

    def prior(self) -> Prior:
        """Return the beliefs that regularise the fit; spreads in log10 of mA/cm2.

        The effect of temperature is believed to be 0.4 +- 0.5 per 1000/T (0.08 eV), that of an interlayer 0.2 +- 0.2
        shared by all types, with 0.17 for what is peculiar to a type; classes differ by 0.2.
        """
        sizes = [len(CLASSES), len(TREATED_TYPES), len(OTHER_ANODES), len(NUMBER_TERMS), len(self.anchors)]
        starts = 3 + np.concatenate([[0], np.cumsum(sizes)])
        mean, variance = np.zeros(starts[-1]), np.zeros(starts[-1])
        mean[:3], variance[:3] = (0.0, 0.4, 0.2), (1.0, 0.25, 0.04)
        groups = (
            TermGroup(starts[0], starts[1], 0.05, 4.0),
            TermGroup(starts[1], starts[2], 0.03, 4.0),
            TermGroup(starts[4], starts[5], 0.02, 20.0),
        )
        for group in groups:
            variance[group.start : group.stop] = group.variance
        variance[starts[2] : starts[3]] = 0.04
        variance[starts[3] : starts[4]] = [term.prior_sd**2 for term in NUMBER_TERMS]
        signed = [int(starts[3]) + i for i, term in enumerate(NUMBER_TERMS) if term.sign]
        return Prior(mean, variance, (1, *signed), groups)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Terms:
        """Rebuild from `arrays()`."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


def _label(term: NumberTerm) -> str:
    return term.name if term.sign >= 0 else f"less {term.name}"


def inverse_temperature(temperature_C: Array) -> Array:
    """Return 1000/298.15 K minus 1000/T, in 1/K: rises with temperature, 0 at 25 C and where it is unknown."""
    warm = np.where(np.isnan(temperature_C), ROOM_TEMPERATURE_C, temperature_C) + KELVIN
    out: Array = 1000.0 / (ROOM_TEMPERATURE_C + KELVIN) - 1000.0 / warm
    return out


def _numbers(cells: Cells) -> Array:
    return np.column_stack([getattr(cells, term.name) for term in NUMBER_TERMS])


def _centre_of(cells: Cells, centre: Array) -> Array:
    place = {name: i for i, name in enumerate(CLASSES)}
    rows = np.array([place.get(name, -1) for name in cells.electrolyte_class.tolist()], dtype=np.int64)
    return np.vstack([centre, np.full((1, centre.shape[1]), np.nan)])[rows]


def _one_hot(texts: NDArray[np.str_], names: tuple[str, ...]) -> Array:
    hot: Array = (texts[:, None] == np.array(names)[None, :]).astype(np.float64)
    return hot


def _similarity(first: Array, second: Array) -> Array:
    """Return exp(-half-L1 distance / reach), shape (n, m); positive definite (a product of Laplace kernels)."""
    distance = half_l1(first, second)
    similarity: Array = np.exp(distance / -MATERIAL_REACH, out=distance)
    return similarity
