"""The stability model: reference energies where a table holds the compound, calibrated nets where none does.

Both kinds of answer stand on one phase-equilibrium engine: energies above the hull, competing products and windows
follow from formation energies by linear programming, never by a net of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import SYMBOLS
from training.properties.stability.calibration import Calibration, Pooled
from training.properties.stability.descriptors import Scaling
from training.properties.stability.domain import has_phase_within, nearest_phases
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.surroundings_store import surroundings_from_arrays, surroundings_to_arrays
from training.properties.stability.table import compositions
from training.thermodynamics.hull import NO_PHASE, Equilibria, equilibria
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.window import Windows, window_draws, windows
from training.uncertainty import ConformalScale, InsufficientCalibrationError, Interval

Array = NDArray[np.float64]
DEFAULT_COVERAGE = 0.9
N_NEAREST = 3
ABOVE_HULL_eV_PER_ATOM = 1e-6
"""A composition so far above the hull of other phases takes no part in any equilibrium."""


class StabilityPrediction(NamedTuple):
    """What the model says about n candidates of up to k elements.

    Attributes
    ----------
    is_reference
        Whether the energies are the table's, shape (n,).
    formation_energy_eV_per_atom, decomposition_energy_eV_per_atom, energy_above_hull_eV_per_atom
        Intervals; of width zero for reference values.
    probability_stable
        Of lying on or below the hull of all other known phases, shape (n,).
    competing
        The lowest-energy mixture of other known phases.
    windows
        Of the candidate with its central energy.
    reduction_V, oxidation_V
        Intervals of the limits; NaN without lithium.
    nearest, distance
        Rows of the phase table nearest in composition and their half-L1 distances, shape (n, 3).
    spread_eV_per_atom
        Disagreement of the nets, 0 for reference values; shape (n,).
    in_domain
        Shape (n,).
    """

    is_reference: NDArray[np.bool_]
    formation_energy_eV_per_atom: Interval
    decomposition_energy_eV_per_atom: Interval
    energy_above_hull_eV_per_atom: Interval
    probability_stable: Array
    competing: Equilibria
    windows: Windows
    reduction_V: Interval
    oxidation_V: Interval
    nearest: NDArray[np.int64]
    distance: Array
    spread_eV_per_atom: Array
    in_domain: NDArray[np.bool_]


class StabilityNumbers(NamedTuple):
    """What screening keeps of `StabilityPrediction`: its numbers, without mixtures and without naming neighbours."""

    is_reference: NDArray[np.bool_]
    formation_energy_eV_per_atom: Interval
    decomposition_energy_eV_per_atom: Interval
    energy_above_hull_eV_per_atom: Interval
    probability_stable: Array
    reduction_V: Interval
    oxidation_V: Interval
    spread_eV_per_atom: Array
    in_domain: NDArray[np.bool_]


class Neighbourhood(NamedTuple):
    """The known compounds around n candidates; attributes as in `StabilityPrediction`, `nearest` of any width."""

    nearest: NDArray[np.int64]
    distance: Array
    spread_eV_per_atom: Array
    in_domain: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StabilityModel:
    """See the module's docstring.

    Attributes
    ----------
    surroundings
        What is known: all phases of the table.
    ensemble, scaling, calibration
        The nets, the scaling of their composition features, and what makes their outputs honest.
    reduction_error_V, oxidation_error_V
        Conformal scores: deviations of computed limits from published ones.
    radius, largest_spread_eV_per_atom
        Distance to the nearest known compound, and disagreement of the nets, within which 95 of 100 validation
        compounds lay.
    """

    surroundings: Surroundings
    ensemble: NetEnsemble
    scaling: Scaling
    calibration: Calibration
    reduction_error_V: ConformalScale
    oxidation_error_V: ConformalScale
    radius: float
    largest_spread_eV_per_atom: float

    @property
    def phases(self) -> PhaseTable:
        """The phases on which equilibria are computed."""
        return self.surroundings.phases

    def uncovered_elements(self, batch: MaterialBatch) -> list[tuple[str, ...]]:
        """Return for each row the elements that the phases do not cover."""
        unknown = (batch.fraction > 0) & (self.phases.of_element[batch.element_index + 1] < 0)
        return [
            tuple(SYMBOLS[z] for z in batch.element_index[row][unknown[row]]) if unknown[row].any() else ()
            for row in range(len(batch))
        ]

    def predict(self, batch: MaterialBatch, coverage: float = DEFAULT_COVERAGE) -> StabilityPrediction:
        """Judge n candidates.

        Parameters
        ----------
        batch
            Compositions of elements that the phases cover (see `uncovered_elements`).
        coverage
            Nominal coverage of the intervals.

        Raises
        ------
        InsufficientCalibrationError
            If the nets were calibrated on too few rows for this coverage.
        """
        atomic_number, fraction = compositions(batch)
        own = rows_of_compositions(self.phases, atomic_number, fraction)
        known = own != NO_PHASE
        competing = equilibria(self.phases, atomic_number, fraction, excluded=own)
        residual, probability, spread = self._residual(batch, own, competing, coverage)
        below = Interval(*(competing.energy_eV_per_atom + part for part in residual))
        found, reduction, oxidation = self._windows(atomic_number, fraction, below, known, coverage)
        around = self._around(atomic_number, fraction, known, spread, N_NEAREST)
        return StabilityPrediction(
            is_reference=known,
            formation_energy_eV_per_atom=below,
            decomposition_energy_eV_per_atom=residual,
            energy_above_hull_eV_per_atom=Interval(*(np.maximum(part, 0.0) for part in residual)),
            probability_stable=probability,
            competing=competing,
            windows=found,
            reduction_V=reduction,
            oxidation_V=oxidation,
            **around._asdict(),
        )

    def numbers(self, batch: MaterialBatch, coverage: float = DEFAULT_COVERAGE) -> StabilityNumbers:
        """Judge n candidates as `predict` does, without what only an answer in words needs; much faster.

        Parameters, errors: as `predict`.
        """
        atomic_number, fraction = compositions(batch)
        own = rows_of_compositions(self.phases, atomic_number, fraction)
        known = own != NO_PHASE
        competing = equilibria(self.phases, atomic_number, fraction, excluded=own)
        residual, probability, spread = self._residual(batch, own, competing, coverage)
        below = Interval(*(competing.energy_eV_per_atom + part for part in residual))
        reduction, oxidation = self._limits(atomic_number, fraction, below, residual, known, coverage)
        near = has_phase_within(self.phases, self.surroundings.usable, atomic_number, fraction, self.radius)
        return StabilityNumbers(
            is_reference=known,
            formation_energy_eV_per_atom=below,
            decomposition_energy_eV_per_atom=residual,
            energy_above_hull_eV_per_atom=Interval(*(np.maximum(part, 0.0) for part in residual)),
            probability_stable=probability,
            reduction_V=reduction,
            oxidation_V=oxidation,
            spread_eV_per_atom=spread,
            in_domain=known | (near & (spread <= self.largest_spread_eV_per_atom)),
        )

    def _limits(
        self, atomic_number: NDArray[np.int64], fraction: Array, energy: Interval, residual: Interval,
        known: NDArray[np.bool_], coverage: float,
    ) -> tuple[Interval, Interval]:  # fmt: skip
        """Return the limits that `_windows` finds; energies above the hull change nothing and are left out."""
        own = np.stack([energy.value, energy.lower, energy.upper])
        matters = (np.stack(residual) < ABOVE_HULL_eV_PER_ATOM) & ~known
        red, ox = window_draws(
            self.phases, atomic_number, fraction, own_energy_eV_per_atom=np.where(matters, own, np.nan)
        )
        return self._with_slack(red, self.reduction_error_V, coverage), self._with_slack(
            ox, self.oxidation_error_V, coverage
        )

    @staticmethod
    def _with_slack(limit: Array, error: ConformalScale, coverage: float) -> Interval:
        slack = _reach(error, coverage)
        return Interval(limit[0], np.maximum(limit.min(axis=0) - slack, 0.0), limit.max(axis=0) + slack)

    def neighbourhood(self, batch: MaterialBatch, n_nearest: int) -> Neighbourhood:
        """Find the known compounds around n candidates, as `predict` does, without the windows, which take longest.

        Parameters
        ----------
        batch
            Compositions of elements that the phases cover.
        n_nearest
            How many compounds to name.
        """
        atomic_number, fraction = compositions(batch)
        own = rows_of_compositions(self.phases, atomic_number, fraction)
        known, spread = own != NO_PHASE, np.zeros(len(batch))
        unknown = np.flatnonzero(~known)
        if len(unknown):
            spread[unknown] = self.pooled(self.surroundings, batch.take(unknown), own[unknown]).spread_eV_per_atom
        return self._around(atomic_number, fraction, known, spread, n_nearest)

    def _around(
        self, atomic_number: NDArray[np.int64], fraction: Array, known: NDArray[np.bool_], spread: Array, n_nearest: int
    ) -> Neighbourhood:
        nearest, distance = nearest_phases(self.phases, self.surroundings.usable, atomic_number, fraction, n_nearest)
        familiar = (distance[:, 0] <= self.radius) & (spread <= self.largest_spread_eV_per_atom)
        return Neighbourhood(nearest, distance, spread, known | familiar)

    def reduction_and_hull(self, batch: MaterialBatch) -> tuple[Array, Array]:
        """Return reduction potentials (V, NaN without lithium) and energies above the hull (eV/atom), values alone.

        The same as `predict` says, without what takes longest: intervals of windows and nearest compounds.
        """
        atomic_number, fraction = compositions(batch)
        own = rows_of_compositions(self.phases, atomic_number, fraction)
        competing = equilibria(self.phases, atomic_number, fraction, excluded=own)
        residual, _, _ = self._residual(batch, own, competing, DEFAULT_COVERAGE)
        energy = np.where(own != NO_PHASE, np.nan, competing.energy_eV_per_atom + residual.value)
        found = windows(self.phases, atomic_number, fraction, own_energy_eV_per_atom=energy)
        return found.reduction_V, np.maximum(residual.value, 0.0)

    def pooled(self, surroundings: Surroundings, batch: MaterialBatch, excluded: NDArray[np.int64]) -> Pooled:
        """Return the nets' joint opinion, given what some surroundings know."""
        return Pooled.of(self.ensemble(net_inputs(surroundings, batch, self.scaling, excluded)))

    def _residual(
        self, batch: MaterialBatch, own: NDArray[np.int64], competing: Equilibria, coverage: float
    ) -> tuple[Interval, Array, Array]:
        """Return energies relative to the competing mixture, probabilities of being stable, and spreads."""
        known = own != NO_PHASE
        exact = np.where(known, self.phases.energy_eV_per_atom[own], 0.0) - competing.energy_eV_per_atom
        exact = np.where(np.abs(exact) < 1e-9, 0.0, exact)  # an element is its own competitor
        value, lower, upper = exact.copy(), exact.copy(), exact.copy()
        probability, spread = (exact <= 0).astype(float), np.zeros(len(batch))
        unknown = np.flatnonzero(~known)
        reach = self.calibration.residual.factor(coverage)
        if len(unknown):
            said = self.pooled(self.surroundings, batch.take(unknown), own[unknown])
            value[unknown] = said.residual_eV_per_atom
            lower[unknown] = said.residual_eV_per_atom - reach * said.scale_residual_eV_per_atom
            upper[unknown] = said.residual_eV_per_atom + reach * said.scale_residual_eV_per_atom
            probability[unknown] = self.calibration.probability_stable(said)
            spread[unknown] = said.spread_eV_per_atom
        return Interval(value, lower, upper), probability, spread

    def _windows(
        self, atomic_number: NDArray[np.int64], fraction: Array, energy: Interval,
        known: NDArray[np.bool_], coverage: float,
    ) -> tuple[Windows, Interval, Interval]:  # fmt: skip
        """Return the windows and the intervals that follow from the energies and from how well limits are known."""
        own = np.where(known, np.nan, np.stack([energy.value, energy.lower, energy.upper]))
        found = windows(self.phases, atomic_number, fraction, own_energy_eV_per_atom=own[0])
        red, ox = (np.stack([limit, limit]) for limit in (found.reduction_V, found.oxidation_V))
        unknown = np.flatnonzero(~known & ~np.isnan(found.reduction_V))
        if len(unknown):
            red[:, unknown], ox[:, unknown] = window_draws(
                self.phases, atomic_number[unknown], fraction[unknown], own_energy_eV_per_atom=own[1:, unknown]
            )
        slack = [_reach(error, coverage) for error in (self.reduction_error_V, self.oxidation_error_V)]
        reduction = Interval(found.reduction_V, np.maximum(red.min(axis=0) - slack[0], 0.0), red.max(axis=0) + slack[0])
        oxidation = Interval(found.oxidation_V, np.maximum(ox.min(axis=0) - slack[1], 0.0), ox.max(axis=0) + slack[1])
        return found, reduction, oxidation

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays for the bundle."""
        arrays = {f"net.{name}": array for name, array in self.ensemble.to_arrays().items()}
        arrays |= {f"calibration.{name}": array for name, array in self.calibration.to_arrays().items()}
        arrays |= surroundings_to_arrays(self.surroundings)
        return arrays | {
            "scaling.mean": self.scaling.mean.astype(np.float32),
            "scaling.spread": self.scaling.spread.astype(np.float32),
            "window.reduction_scores": self.reduction_error_V.scores,
            "window.oxidation_scores": self.oxidation_error_V.scores,
        }

    def settings(self) -> dict[str, Any]:
        """Return what is no array, for the card."""
        return {
            "heads": self.ensemble.heads,
            "radius": self.radius,
            "largest_spread_eV_per_atom": self.largest_spread_eV_per_atom,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> StabilityModel:
        """Read what `to_arrays` and `settings` returned."""

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

        return cls(
            surroundings=surroundings_from_arrays(arrays),
            ensemble=NetEnsemble.from_arrays(part("net."), int(settings["heads"])),
            scaling=Scaling(arrays["scaling.mean"].astype(float), arrays["scaling.spread"].astype(float)),
            calibration=Calibration.from_arrays(part("calibration.")),
            reduction_error_V=ConformalScale(arrays["window.reduction_scores"]),
            oxidation_error_V=ConformalScale(arrays["window.oxidation_scores"]),
            radius=float(settings["radius"]),
            largest_spread_eV_per_atom=float(settings["largest_spread_eV_per_atom"]),
        )


def _reach(error: ConformalScale, coverage: float) -> float:
    """Return the deviation of published limits at this coverage, NaN where too few are known."""
    try:
        return error.factor(coverage)
    except InsufficientCalibrationError:
        return np.nan
