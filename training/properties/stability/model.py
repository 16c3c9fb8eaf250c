"""The stability model: reference energies where a table holds the compound, calibrated nets where none does.

Both kinds of answer stand on one phase-equilibrium engine: energies above the hull, competing products and windows
follow from formation energies by linear programming, never by a net of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import SYMBOLS
from training.properties.contract import PhaseEnergies
from training.properties.stability.calibration import Calibration, Pooled
from training.properties.stability.corrected_energies import CorrectedEnergy, corrections_of
from training.properties.stability.descriptors import NetInputs, Standardisation
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.known_errors import KnownErrors
from training.properties.stability.surroundings_store import surroundings_from_arrays, surroundings_to_arrays
from training.properties.stability.table import compositions
from training.properties.stability.unlisted import COVERAGE, NASICON, PRIOR, EnergyOpinion, Unlisted
from training.thermodynamics.hull import NO_PHASE, Equilibria, equilibria
from training.thermodynamics.nearest import has_phase_within, nearest_phases
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.window import Windows, window_draws, windows
from training.uncertainty import ConformalScale, InsufficientCalibrationError, Interval

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
DEFAULT_COVERAGE = 0.9
ERRORS = "errors."
"""Prefix of the arrays of what the nets get wrong of known compounds."""
POOL = "pool."
"""Prefix of the arrays of the nets from which a student learnt."""
ABOVE_HULL_eV_PER_ATOM = 1e-6
"""A composition so far above the hull of other phases takes no part in any equilibrium."""


@dataclass(frozen=True, eq=False)
class StabilityPrediction:
    """What the model says about n candidates of up to k elements; each part is computed when it is first asked for.

    Parameters
    ----------
    model, batch, coverage, by_pool, corrected
        As `StabilityModel.predict` was asked.
    """

    model: StabilityModel
    batch: MaterialBatch
    coverage: float
    by_pool: Flags
    corrected: Flags

    def take(self, rows: NDArray[np.int64]) -> StabilityPrediction:
        """Return the chosen candidates with what is known of their energies."""
        asked = self.by_pool[rows], self.corrected[rows]
        taken = StabilityPrediction(self.model, self.batch.take(rows), self.coverage, *asked)
        known = vars(taken)
        known["opinion"] = self.opinion.take(rows)
        for name in ("decomposition_energy_eV_per_atom", "formation_energy_eV_per_atom"):
            known[name] = Interval(*(end[rows] for end in getattr(self, name)))
        return taken

    @cached_property
    def _composition(self) -> tuple[NDArray[np.int64], Array]:
        return compositions(self.batch)

    @cached_property
    def own_phase(self) -> NDArray[np.int64]:
        """Row of each composition in the phase table, `NO_PHASE` where it is not listed; shape (n,)."""
        return rows_of_compositions(self.model.phases, *self._composition)

    @cached_property
    def is_reference(self) -> Flags:
        """Whether the energies are the table's, shape (n,)."""
        known: Flags = self.own_phase != NO_PHASE
        return known

    @cached_property
    def corrections(self) -> dict[int, CorrectedEnergy]:
        """What is known to be wrong of the table's energies, by row, asked for or not."""
        return corrections_of(self.model.phases, self.own_phase)

    @cached_property
    def competing(self) -> Equilibria:
        """The lowest-energy mixture of other known phases."""
        return equilibria(self.model.phases, *self._composition, excluded=self.own_phase)

    @cached_property
    def opinion(self) -> EnergyOpinion:
        """What the table or the model says before any interval, against the competing mixture."""
        own = np.where(self.is_reference, self.model.phases.energy_eV_per_atom[self.own_phase], 0.0)
        for row, better in self.corrections.items():
            if self.corrected[row]:
                own[row] = better.formation_energy_eV_per_atom
        exact = own - self.competing.energy_eV_per_atom
        said = EnergyOpinion.known(np.where(np.abs(exact) < 1e-9, 0.0, exact))  # an element is its own competitor
        for by_pool in (False, True):
            asked = np.flatnonzero(~self.is_reference & (self.by_pool == by_pool))
            if len(asked):
                said = said.putting(asked, self.model.opinion(self.batch.take(asked), by_pool=by_pool))
        return said

    @cached_property
    def formation_energy_eV_per_atom(self) -> Interval:
        """Of width zero for reference values, of the method's error where one is corrected."""
        return Interval(*(self.competing.energy_eV_per_atom + part for part in self.decomposition_energy_eV_per_atom))

    @cached_property
    def decomposition_energy_eV_per_atom(self) -> Interval:
        """Energies relative to the competing mixture."""
        said = self.opinion
        half = self.model.calibration.residual.factor(self.coverage) * said.scale
        for row, better in self.corrections.items():
            if self.corrected[row]:
                half[row] = better.half_width(self.coverage)
        return Interval(said.residual, said.residual - half, said.residual + half)

    @cached_property
    def energy_above_hull_eV_per_atom(self) -> Interval:
        """Decomposition energies, 0 for what lies on the hull."""
        return Interval(*(np.maximum(part, 0.0) for part in self.decomposition_energy_eV_per_atom))

    @property
    def probability_stable(self) -> Array:
        """Of lying on or below the hull of all other known phases, shape (n,)."""
        return self.opinion.probability_stable

    @property
    def spread_eV_per_atom(self) -> Array:
        """Disagreement of the nets, 0 for reference values; shape (n,)."""
        return self.opinion.spread

    @cached_property
    def windows(self) -> Windows:
        """Windows of the candidates with their central energies, and the mixtures beyond them."""
        own = np.where(self.is_reference, np.nan, self.formation_energy_eV_per_atom.value)
        return windows(self.model.phases, *self._composition, own_energy_eV_per_atom=own)

    @property
    def reduction_V(self) -> Interval:
        """Intervals of the lower limit, NaN without lithium."""
        return self._limits[0]

    @property
    def oxidation_V(self) -> Interval:
        """Intervals of the upper limit, NaN without lithium."""
        return self._limits[1]

    @cached_property
    def _limits(self) -> tuple[Interval, Interval]:
        """Return the intervals that follow from the energies and from how well limits are known."""
        limits = self._limits_at_ends() if "windows" in self.__dict__ else self._limits_drawn()
        errors = (self.model.reduction_error_V, self.model.oxidation_error_V)
        slack = [_half_width_factor(error, self.coverage) for error in errors]
        reduction, oxidation = (
            Interval(limit[0], np.maximum(limit.min(axis=0) - more, 0.0), limit.max(axis=0) + more)
            for limit, more in zip(limits, slack, strict=True)
        )
        return reduction, oxidation

    def _limits_at_ends(self) -> tuple[Array, Array]:
        """Return central limits, which are known, and those at either end of the energies; shape (3, n) each."""
        red, ox = (np.stack([limit] * 3) for limit in (self.windows.lower_V, self.windows.upper_V))
        unknown = np.flatnonzero(~self.is_reference & ~np.isnan(self.windows.lower_V))
        if len(unknown):
            atomic_number, fraction = self._composition
            ends = np.stack(self.formation_energy_eV_per_atom[1:])[:, unknown]
            red[1:, unknown], ox[1:, unknown] = window_draws(
                self.model.phases, atomic_number[unknown], fraction[unknown], own_energy_eV_per_atom=ends
            )
        return red, ox

    def _limits_drawn(self) -> tuple[Array, Array]:
        """Return the same without mixtures, much faster; energies above the hull change nothing and are left out."""
        own = np.stack(self.formation_energy_eV_per_atom)
        below = np.stack(self.decomposition_energy_eV_per_atom) < ABOVE_HULL_eV_PER_ATOM
        own = np.where(below & ~self.is_reference, own, np.nan)
        return window_draws(self.model.phases, *self._composition, own_energy_eV_per_atom=own)

    def nearest_phases(self, count: int) -> tuple[NDArray[np.int64], Array]:
        """Return rows of the phase table nearest in composition and their half-L1 distances, shape (n, count)."""
        if count not in self._found:
            usable = self.model.surroundings.usable
            self._found[count] = nearest_phases(self.model.phases, usable, *self._composition, count)
        return self._found[count]

    @cached_property
    def _found(self) -> dict[int, tuple[NDArray[np.int64], Array]]:
        return {}

    @cached_property
    def distance(self) -> Array:
        """Half-L1 distances to the nearest known compounds, shape (n,)."""
        _, distance = next(iter(self._found.values()), None) or self.nearest_phases(1)
        return distance[:, 0]

    @cached_property
    def in_domain(self) -> Flags:
        """Whether the nets know their way around each composition, shape (n,); quicker than naming what lies near."""
        model = self.model
        if self._found:
            near = self.distance <= model.radius
        else:
            near = has_phase_within(model.phases, model.surroundings.usable, *self._composition, model.radius)
        largest = np.array([model.largest_spread_eV_per_atom, model.of_pool.largest_spread_eV_per_atom])
        agreed = self.spread_eV_per_atom <= largest[self.by_pool.astype(np.int64)]
        inside: Flags = self.is_reference | (near & agreed)
        return inside


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
    unlisted
        What corrects the nets where the table does not list a composition; None in bundles before 2026-11-29.
    pool
        The same model on the nets from which its own one, a student, learnt; None where the nets are no student's.
    known_errors
        What corrects the nets by what they get wrong of known relatives; None in bundles before
        version 2026.11.30.20.
    """

    surroundings: Surroundings
    ensemble: NetEnsemble
    scaling: Standardisation
    calibration: Calibration
    reduction_error_V: ConformalScale
    oxidation_error_V: ConformalScale
    radius: float
    largest_spread_eV_per_atom: float
    unlisted: Unlisted | None = None
    pool: StabilityModel | None = None
    known_errors: KnownErrors | None = None

    @property
    def of_pool(self) -> StabilityModel:
        """The model on the pool of nets."""
        return self if self.pool is None else self.pool

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

    def energies(self, batch: MaterialBatch, coverage: float) -> PhaseEnergies:
        """See `contract.PhaseModel.energies`."""
        said = self.predict(batch, coverage)
        return PhaseEnergies(said.formation_energy_eV_per_atom, said.energy_above_hull_eV_per_atom, said.is_reference)

    def predict(
        self,
        batch: MaterialBatch,
        coverage: float = DEFAULT_COVERAGE,
        by_pool: Flags | None = None,
        corrected: Flags | None = None,
    ) -> StabilityPrediction:
        """Judge n candidates.

        Parameters
        ----------
        batch
            Compositions of elements that the phases cover (see `uncovered_elements`).
        coverage
            Nominal coverage of the intervals.
        by_pool
            Which candidates the pool of nets is asked about, shape (n,); None for none.
        corrected
            Of which candidates an energy that is certainly wrong in the table is replaced, shape (n,); None for none.

        Raises
        ------
        InsufficientCalibrationError
            If the nets were calibrated on too few rows for this coverage.
        """
        self.calibration.residual.factor(coverage)
        asked = (np.zeros(len(batch), dtype=np.bool_) if rows is None else rows for rows in (by_pool, corrected))
        return StabilityPrediction(self, batch, coverage, *asked)

    def opinion(self, batch: MaterialBatch, *, by_pool: bool = False) -> EnergyOpinion:
        """Return what is said of compositions that the table does not list.

        Scales are in units of this model's conformal scores: those of the pool are brought to them at a coverage of
        90 %.
        """
        if by_pool and self.pool is not None:
            said = self.pool.opinion(batch)
            units = self.pool.calibration.residual.factor(COVERAGE) / self.calibration.residual.factor(COVERAGE)
            return replace(said, scale=said.scale * units)
        said, hull = self.nets_opinion(batch)
        if self.unlisted is None:
            return said
        return self.unlisted.correct(self.surroundings, batch, said, hull, self.calibration.residual.factor(COVERAGE))

    def nets_opinion(self, batch: MaterialBatch) -> tuple[EnergyOpinion, Array]:
        """Return what the nets alone say of such compositions, and the hull of the known phases there (eV/atom)."""
        inputs = net_inputs(self.surroundings, batch, self.scaling)
        said = EnergyOpinion.of_nets(self.pooled(inputs, *compositions(batch)), self.calibration)
        return said, inputs.hull.energy_eV_per_atom.astype(float)

    def pooled(self, inputs: NetInputs, atomic_number: NDArray[np.int64], fraction: Array) -> Pooled:
        """Return what the nets say of compositions, with what they get wrong of known relatives added."""
        said = Pooled.of(self.ensemble(inputs))
        return said if self.known_errors is None else self.known_errors.correct(said, atomic_number, fraction)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays for the bundle."""
        arrays = self._arrays_of_nets() | surroundings_to_arrays(self.surroundings)
        arrays |= {} if self.unlisted is None else self.unlisted.to_arrays()
        if self.pool is not None:
            arrays |= {f"{POOL}{name}": array for name, array in self.pool._arrays_of_nets().items()}
        return arrays | {
            "scaling.mean": self.scaling.mean.astype(np.float32),
            "scaling.spread": self.scaling.spread.astype(np.float32),
            "window.reduction_scores": self.reduction_error_V.scores,
            "window.oxidation_scores": self.oxidation_error_V.scores,
        }

    def _arrays_of_nets(self) -> dict[str, NDArray[Any]]:
        """Return what differs between a student and its pool."""
        arrays = {f"net.{name}": array for name, array in self.ensemble.to_arrays().items()}
        arrays |= {f"calibration.{name}": array for name, array in self.calibration.to_arrays().items()}
        if self.known_errors is not None:
            arrays |= {f"{ERRORS}{name}": array for name, array in self.known_errors.to_arrays().items()}
        return arrays | ({} if self.unlisted is None else {PRIOR: self.unlisted.prior.to_array()})

    def settings(self) -> dict[str, Any]:
        """Return what is no array, for the card."""
        own = {
            "heads": self.ensemble.heads,
            "radius": self.radius,
            "largest_spread_eV_per_atom": self.largest_spread_eV_per_atom,
        }
        return own if self.pool is None else own | {"pool": self.pool.settings()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> StabilityModel:
        """Read what `to_arrays` and `settings` returned."""
        whole = cls(
            surroundings=surroundings_from_arrays(arrays),
            **_of_nets(arrays, settings),
            scaling=Standardisation(arrays["scaling.mean"].astype(float), arrays["scaling.spread"].astype(float)),
            reduction_error_V=ConformalScale(arrays["window.reduction_scores"]),
            oxidation_error_V=ConformalScale(arrays["window.oxidation_scores"]),
            radius=float(settings["radius"]),
        )
        if "pool" not in settings:
            return whole
        nasicon = {name: array for name, array in arrays.items() if name.startswith(NASICON)}
        of_pool = _of_nets(_part(arrays, POOL) | nasicon, settings["pool"])
        return replace(whole, pool=replace(whole, **of_pool))


class _OfNets(TypedDict):
    ensemble: NetEnsemble
    calibration: Calibration
    largest_spread_eV_per_atom: float
    unlisted: Unlisted | None
    known_errors: KnownErrors | None


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _of_nets(arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> _OfNets:
    """Read what differs between a student and its pool."""
    return {
        "ensemble": NetEnsemble.from_arrays(_part(arrays, "net."), int(settings["heads"])),
        "calibration": Calibration.from_arrays(_part(arrays, "calibration.")),
        "largest_spread_eV_per_atom": float(settings["largest_spread_eV_per_atom"]),
        "unlisted": Unlisted.from_arrays(arrays[PRIOR], _part(arrays, NASICON)) if PRIOR in arrays else None,
        "known_errors": KnownErrors.from_arrays(errors) if (errors := _part(arrays, ERRORS)) else None,
    }


def _half_width_factor(error: ConformalScale, coverage: float) -> float:
    """Return the deviation of published limits at this coverage, NaN where too few are known."""
    try:
        return error.factor(coverage)
    except InsufficientCalibrationError:
        return np.nan
