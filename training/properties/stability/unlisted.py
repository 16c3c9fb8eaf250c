"""What is said of compositions that no table lists, beyond what the nets say.

The nets learnt from compositions that somebody thought worth computing, nearly all near the hull, and call the rest
"near the hull" too. The stable compounds of a system are few and mostly known: the farther a composition lies from all
that are listed, and the more elements can part from each other in it, the less likely it is a compound. How much higher
such compositions lie is estimated where a family was computed whole, the unstable ones too (`nasicon`), and is
added to what the nets say. NASICONs of the source's own elements are answered by the regression on that source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.compiling import kernel
from training.properties.stability.calibration import Calibration, Pooled
from training.properties.stability.inputs import Surroundings
from training.properties.stability.nasicon import NasiconModel, NasiconTable, is_nasicon
from training.properties.stability.neighbours import N_NUMBERS, nearest
from training.properties.stability.table import compositions
from training.thermodynamics.nearest import nearest_phases

Array = NDArray[np.float64]
N_NEAREST, N_RELATIVES = 16, 6
UNLIKE_eV_PER_ATOM = 0.2
"""Dissimilarity of elements from which exchanging them counts in full: about the median of all pairs."""
LEAST_AMOUNT = 1e-9
LARGEST_ODDS = 20.0
COVERAGE = 0.9
PRIOR = "unlisted.prior"
"""The array of the bundle that only models with this correction have."""
NASICON = "nasicon."
"""Prefix of the arrays of the regression."""


@dataclass(frozen=True, eq=False)
class EnergyOpinion:
    """What is said of n compositions, energies in eV/atom against the hull of other known phases; arrays of shape (n,).

    Attributes
    ----------
    residual, scale
        Centre and typical error; a scale of 0 means known.
    spread
        Disagreement of the nets, a part of the scale.
    probability_stable
        Of a residual of at most 0.
    raised
        How much of the residual is owed to no table listing the composition.
    of_nasicons
        Whether the regression on the NASICONs speaks, not the nets.
    """

    residual: Array
    scale: Array
    spread: Array
    probability_stable: Array
    raised: Array
    of_nasicons: NDArray[np.bool_]

    @classmethod
    def known(cls, residual: Array) -> EnergyOpinion:
        """Return what is said where the energy is known."""
        none = np.zeros(len(residual))
        return cls(residual, none, none, (residual <= 0).astype(float), none, none.astype(bool))

    @classmethod
    def of_nets(cls, pooled: Pooled, calibration: Calibration) -> EnergyOpinion:
        """Return what the nets say."""
        none = np.zeros(len(pooled.residual_eV_per_atom))
        return cls(
            pooled.residual_eV_per_atom,
            pooled.scale_residual_eV_per_atom,
            pooled.spread_eV_per_atom,
            calibration.probability_stable(pooled),
            none,
            none.astype(bool),
        )

    def take(self, rows: NDArray[np.int64]) -> EnergyOpinion:
        """Return some rows."""
        return EnergyOpinion(*(getattr(self, part.name)[rows] for part in fields(self)))

    def putting(self, rows: NDArray[Any], other: EnergyOpinion) -> EnergyOpinion:
        """Return this with some rows taken from another."""
        parts = {part.name: getattr(self, part.name).copy() for part in fields(self)}
        for name, values in parts.items():
            values[rows] = getattr(other, name)
        return EnergyOpinion(**parts)


def distance_to_listed(surroundings: Surroundings, atomic_number: NDArray[np.int64], fraction: Array) -> Array:
    """Return how far compositions lie from the nearest known compound, elements alike counting less; shape (n,).

    Half the L1 distance of the atomic fractions, in which what is exchanged between two elements counts by their
    learned dissimilarity, in full from `UNLIKE_eV_PER_ATOM`: an earth mover's distance with the cheapest pairs moved
    first. It is searched among the `N_NEAREST` nearest by plain distance and `N_RELATIVES` relatives of the same
    stoichiometry.
    """
    phases, usable = surroundings.phases, surroundings.usable
    near, _ = nearest_phases(phases, usable, atomic_number, fraction, N_NEAREST)
    relatives, _, _ = nearest(surroundings.prototypes, atomic_number, fraction, N_RELATIVES)
    cost = np.minimum(surroundings.prototypes.dissimilarity_eV_per_atom / UNLIKE_eV_PER_ATOM, 1.0)
    distance = np.ones(len(fraction))
    rows = np.ascontiguousarray(np.concatenate([near, relatives], axis=1))
    composition = np.ascontiguousarray(fraction)
    _move(phases.start, phases.element, phases.fraction, rows, atomic_number, composition, cost, distance)
    return distance


@kernel
def _transport(surplus: NDArray[np.float64], cost: NDArray[np.float64], most: float, place: NDArray[np.int64]) -> float:
    """Return what it costs to move all surplus into deficits, or more than `most` where it costs that much.

    `place` is room for two lists of elements, shape (2, N_NUMBERS): allocating them took longer than the search.
    """
    more, less = place[0], place[1]
    n_more, n_less = 0, 0
    for number in range(N_NUMBERS):
        if surplus[number] > LEAST_AMOUNT:
            more[n_more] = number
            n_more += 1
        elif surplus[number] < -LEAST_AMOUNT:
            less[n_less] = number
            n_less += 1
    total, amount = 0.0, 1.0
    while amount > 0.0 and total < most:
        cheapest, amount, source, sink = 2.0, 0.0, 0, 0
        for a in range(n_more):
            for b in range(n_less):
                free = min(surplus[more[a]], -surplus[less[b]])
                if free > LEAST_AMOUNT and cost[more[a], less[b]] < cheapest:
                    cheapest, amount, source, sink = cost[more[a], less[b]], free, more[a], less[b]
        total += amount * cheapest
        surplus[source] -= amount
        surplus[sink] += amount
    return total


@kernel
def _move(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    rows: NDArray[np.int64],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    cost: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> None:
    """Write the smallest distance to the phases in `rows`, where it is below what `distance` holds."""
    surplus, place_of = np.zeros(N_NUMBERS), np.empty((2, N_NUMBERS), dtype=np.int64)
    for i in range(rows.shape[0]):
        for phase in rows[i]:
            if phase < 0:
                continue
            surplus[:] = 0.0
            for j in range(composition.shape[1]):
                surplus[atomic_number[i, j]] += composition[i, j]
            for place in range(start[phase], start[phase + 1]):
                surplus[element[place]] -= fraction[place]
            distance[i] = min(distance[i], _transport(surplus, cost, distance[i], place_of))


@dataclass(frozen=True)
class UnlistedPrior:
    """How much higher a composition lies that no table lists.

    Parameters
    ----------
    height_eV_per_atom
        Per squared `distance_to_listed` and per element beyond the first.
    odds_per_scale
        By how much the log-odds of being stable fall for a height of one scale.
    """

    height_eV_per_atom: float
    odds_per_scale: float

    @classmethod
    def fit(cls, reach: Array, said: EnergyOpinion, true_eV_per_atom: Array) -> UnlistedPrior:
        """Fit the height by least squares and the odds by likelihood on a family that was computed whole."""
        from scipy.optimize import minimize_scalar

        height = max(float(reach @ (true_eV_per_atom - said.residual) / (reach @ reach)), 0.0)
        stable = true_eV_per_atom <= 0

        def surprise(odds: float) -> float:
            chance = cls(height, odds).apply(reach, said).probability_stable
            return -float(np.log(np.where(stable, chance, 1.0 - chance)).mean())

        return cls(height, float(minimize_scalar(surprise, bounds=(0.0, LARGEST_ODDS), method="bounded").x))

    def apply(self, reach: Array, said: EnergyOpinion) -> EnergyOpinion:
        """Return an opinion raised by the height, given `reach_of` the compositions."""
        raised = self.height_eV_per_atom * reach
        chance = np.clip(said.probability_stable, 1e-9, 1.0 - 1e-9)
        odds = np.log(chance / (1.0 - chance)) - self.odds_per_scale * raised / np.maximum(said.scale, 1e-9)
        chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -20.0, 20.0)))
        return replace(said, residual=said.residual + raised, probability_stable=chance, raised=raised)

    def to_array(self) -> Array:
        """Return both constants for the bundle."""
        return np.array([self.height_eV_per_atom, self.odds_per_scale])


def reach_of(surroundings: Surroundings, batch: MaterialBatch) -> Array:
    """Return the squared distance to what is listed times the elements beyond the first, shape (n,)."""
    atomic_number, fraction = compositions(batch)
    distance = distance_to_listed(surroundings, atomic_number, fraction)
    reach: Array = distance**2 * ((fraction > 0).sum(axis=1) - 1)
    return reach


@dataclass(frozen=True, eq=False)
class Unlisted:
    """What corrects the nets where no table lists a composition."""

    prior: UnlistedPrior
    nasicon: NasiconModel

    @classmethod
    def fit(
        cls, surroundings: Surroundings, table: NasiconTable, said: EnergyOpinion, hull_eV_per_atom: Array
    ) -> Unlisted:
        """Fit on the NASICONs, given what the nets say of them and the hull of known phases there."""
        prior = UnlistedPrior.fit(reach_of(surroundings, table.batch), said, table.decomposition_energy_eV_per_atom)
        return cls(prior, NasiconModel.fit(table, hull_eV_per_atom))

    def correct(
        self,
        surroundings: Surroundings,
        batch: MaterialBatch,
        said: EnergyOpinion,
        hull_eV_per_atom: Array,
        factor: float,
    ) -> EnergyOpinion:
        """Return the opinion of the nets, corrected.

        Parameters
        ----------
        said, hull_eV_per_atom
            Of the nets, and of the known phases at the compositions.
        factor
            By which scales are multiplied for an interval of 90 %.
        """
        corrected = self.prior.apply(reach_of(surroundings, batch), said)
        rows = np.flatnonzero(is_nasicon(batch))
        if not len(rows):
            return corrected
        energy = self.nasicon(batch.take(rows), hull_eV_per_atom[rows])
        none = np.zeros(len(rows))
        scale = np.full(len(rows), np.quantile(np.abs(self.nasicon.errors_eV_per_atom), COVERAGE) / factor)
        chance = self.nasicon.probability_stable(energy)
        return corrected.putting(rows, EnergyOpinion(energy, scale, said.spread[rows], chance, none, none == 0.0))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parts for the bundle."""
        of_nasicons = {f"{NASICON}{name}": part for name, part in self.nasicon.to_arrays().items()}
        return {PRIOR: self.prior.to_array()} | of_nasicons

    @classmethod
    def from_arrays(cls, prior: NDArray[Any], nasicon: Mapping[str, NDArray[Any]]) -> Unlisted:
        """Read what `to_arrays` returned."""
        return cls(UnlistedPrior(*prior.tolist()), NasiconModel.from_arrays(nasicon))
