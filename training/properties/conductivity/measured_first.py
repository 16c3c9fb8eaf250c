"""Measured comes first: what laboratories found for the material asked, and how far it moves the model's answer.

A model of compositions answers a smooth surface, and lies up to a factor of four off what was measured on the very
material that is asked for. Two estimates of one number, each with its variance, are joined as Bayes has it: the middle
of p papers has about the variance s2 / p between laboratories, the model's centre its own t2, and the answer is their
average weighted by precision. s2 = t2 where papers were left out one by one (`python benchmarks/conductivity.py --what
sample`), so p papers count p / (p + 1). It is no look-up: one paper moves the answer half of the way. The middle is the
median of papers, for some of them measured another phase, or a crack.

Measurements at other temperatures are carried along their own activation energy, else the model's, and count the less
the further they come. A doubtful value counts for nothing, an upper bound only where the model lies above it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.properties.conductivity.arrhenius import inverse_temperature, to_room_temperature, to_temperature
from training.properties.conductivity.samples import Pairs, Samples

Array = NDArray[np.float64]

LABORATORIES_OVER_MODEL = 1.0
"""Variance between laboratories over that of the model's centre, on materials that it has learnt from."""
BETWEEN_LABORATORIES = 0.79
"""Decades between papers on one composition, against which drift with temperature is weighed. The board prints 0.73
(`between_laboratories`); this is its first estimate, by rows, and only weighs."""
ENERGY_ERROR_EV = 0.05
"""Of an activation energy that was measured on the sample."""


class Centre(NamedTuple):
    """What a model says of n candidates before it looks at measurements, each of shape (n,)."""

    log10_sigma: Array  # at the temperature asked
    temperature_C: Array
    activation_energy_eV: Array
    activation_energy_sd_eV: Array


class Measured(NamedTuple):
    """What was measured on n candidates, each of shape (n,).

    Attributes
    ----------
    log10_sigma
        Median of papers at the temperature asked, NaN where nothing was measured.
    papers
        How many papers it is worth, those at the temperature asked counting one each.
    """

    log10_sigma: Array
    papers: Array

    @property
    def weight(self) -> Array:
        """Share of the way from the model's centre to the median, 0 to 1, shape (n,)."""
        share: Array = self.papers / (self.papers + LABORATORIES_OVER_MODEL)
        return share

    def updated(self, centre: Array) -> Array:
        """Return the centre after the measurements, shape (n,)."""
        moved: Array = centre + self.weight * (np.nan_to_num(self.log10_sigma) - centre) * (self.papers > 0.0)
        return moved


def carried(samples: Samples, pairs: Pairs, said: Centre) -> Array:
    """Return the samples' log10 conductivities at the temperature that is asked of their candidates, shape (k,)."""
    own = samples.activation_energy_eV[pairs.sample]
    energy = np.where(np.isfinite(own), own, said.activation_energy_eV[pairs.candidate])
    measured_C, asked_C = samples.temperature_C[pairs.sample], said.temperature_C[pairs.candidate]
    value = samples.log10_sigma[pairs.sample]
    at_25C = to_room_temperature(value, energy, measured_C)
    return np.where(measured_C == asked_C, value, to_temperature(at_25C, energy, asked_C))


def measured_on(samples: Samples, pairs: Pairs, said: Centre) -> Measured:
    """Take the middle of what was measured, a paper once.

    Parameters
    ----------
    samples, pairs
        Measurements, and which are of which candidate.
    said
        The model's own answer.
    """
    n = len(said.log10_sigma)
    value = carried(samples, pairs, said)
    is_bound = samples.is_upper_bound[pairs.sample]
    tells = ~samples.is_doubtful[pairs.sample] & (~is_bound | (value < said.log10_sigma[pairs.candidate]))
    pairs, value = Pairs(pairs.candidate[tells], pairs.sample[tells]), value[tells]
    if not len(value):
        return Measured(np.full(n, np.nan), np.zeros(n))
    precision = _precision(samples, pairs, said)
    _, paper = np.unique(samples.paper[pairs.sample], return_inverse=True)
    of_candidate, group = np.unique(np.column_stack([pairs.candidate, paper.reshape(-1)]), axis=0, return_inverse=True)
    group, candidate = group.reshape(-1), of_candidate[:, 0]
    within = np.bincount(group, precision * value) / np.bincount(group, precision)
    worth = np.zeros(len(candidate))
    np.maximum.at(worth, group, precision)
    papers = np.bincount(candidate, worth, minlength=n).astype(float)
    return Measured(_medians(candidate, within, worth, n), papers)


def _medians(group: NDArray[np.int64], value: Array, weight: Array, n: int) -> Array:
    """Return the weighted median of each of n groups, halfway between two of one weight; NaN of an empty one."""
    out = np.full(n, np.nan)
    order = np.lexsort((value, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        middle = np.cumsum(weight[rows]) - 0.5 * weight[rows]
        out[group[rows[0]]] = np.interp(0.5 * weight[rows].sum(), middle, value[rows])
    return out


def _precision(samples: Samples, pairs: Pairs, said: Centre) -> Array:
    """Return what each measurement is worth, 1 at the temperature asked, shape (k,)."""
    away = inverse_temperature(samples.temperature_C[pairs.sample])
    away = away - inverse_temperature(said.temperature_C[pairs.candidate])
    own = np.isfinite(samples.activation_energy_eV[pairs.sample])
    error = np.where(own, ENERGY_ERROR_EV, said.activation_energy_sd_eV[pairs.candidate])
    worth: Array = 1.0 / (1.0 + (away * error / BETWEEN_LABORATORIES) ** 2)
    return worth
