"""Predictive distributions of stability: all but what is known share the error of the formation energy.

The probability that targets of such quantities are met together is an integral over that one error, by the midpoint
rule over `N_NODES` levels within what the energies' own targets allow, of closed forms given it; the width of the
window, alone or beside others, is counted in samples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from training.distributions import (
    HALF,
    Bound,
    Chance,
    Distribution,
    Errors,
    KnownValue,
    Predictive,
    ScoreDistribution,
    counted,
)
from training.lookup import COARSE_GRID, look_up
from training.properties.contract import ElectrodeRange, Quantity
from training.properties.outputs import ModelOutputs
from training.properties.stability import quantities as names
from training.properties.stability.judgement import StabilityJudgement
from training.properties.stability.model import StabilityModel
from training.properties.stability.moist_air import hydrolysis_of
from training.properties.stability.table import compositions
from training.thermodynamics.interphase import TOLERATED_V, lithium_interphases
from training.thermodynamics.window import window_draws

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

ENERGY = "formation energy"
REDUCTION_LIMITS = "computed reduction limits against published ones"
OXIDATION_LIMITS = "computed oxidation limits against published ones"
WATER = "computed hydrolysis energies against published ones"
"""Sources of error."""
N_NODES = 32
N_ENERGIES = 9
"""Energies below the hull at which windows are computed."""
LOWEST_LEVEL = 1e-4
"""Share of the mass of a formation energy that lies below the lowest of them."""
HYDROLYSIS_SD_eV = 0.39
"""Mean deviation of computed from published energies of hydrolysis at 1 ppm of gas, 0.311 eV per H2O
(docs/stability.md), times sqrt(pi / 2): the deviation of a normal distribution with that mean."""
UNBALANCED = (
    "no common oxidation states balance the formula ({left:+.2f} charges per atom are left): its window means nothing"
)


@dataclass(frozen=True, eq=False)
class ResidualEnergy:
    """The formation energy less the energy of the competing mixture, eV/atom: below 0 the compound is stable.

    The calibrated probability of being stable is kept: the distribution of the conformal scores is stretched on
    either side of 0 until the mass below is that probability. Energies of the reference table have no error.

    Parameters
    ----------
    centre, scale
        Shape (n,); a scale of 0 means known.
    probability_stable
        Shape (n,).
    scores
        Their distribution.
    """

    centre: Array
    scale: Array
    probability_stable: Array
    scores: ScoreDistribution
    _taken: dict[bytes, ResidualEnergy] = field(default_factory=dict, repr=False)

    def at_most(self, energy: Array | float) -> Array:
        """Return the probability that the energy lies at or below a value, broadcast with (n,)."""
        p, zero = self._split()
        plain = self.scores.cdf((np.asarray(energy) - self.centre) / np.maximum(self.scale, 1e-12))
        lower = p * plain / np.maximum(zero, 1e-300)
        upper = p + (1.0 - p) * (plain - zero) / np.maximum(1.0 - zero, 1e-300)
        of_model = np.clip(np.where(np.asarray(energy) < 0.0, lower, upper), 0.0, 1.0)
        result: Array = np.where(self.scale > 0.0, of_model, np.asarray(energy) >= self.centre)
        return result

    def at(self, level: Array) -> Array:
        """Return the energy at a level of its distribution, shape as the level, broadcast with (n,)."""
        p, zero = self._split()
        stable = level < p
        above = zero + (level - p) / np.maximum(1.0 - p, 1e-300) * (1.0 - zero)
        plain = np.where(stable, level / np.maximum(p, 1e-300) * zero, above)
        energy = self.centre + self.scale * self.scores.of_normal(ndtri(np.clip(plain, 1e-12, 1.0 - 1e-12)))
        # on the side of 0 where it belongs, whatever was rounded
        energy = np.where(stable, np.minimum(energy, 0.0), np.maximum(energy, 0.0))
        result: Array = np.where(self.scale > 0.0, energy, self.centre)
        return result

    def of_normal(self, normal: Array) -> Array:
        """Return the energy at the level of a standard normal number, shape (s, n)."""
        return look_up(normal, COARSE_GRID, self.table)

    @cached_property
    def table(self) -> Array:
        """The energy on `COARSE_GRID`, shape (n, k)."""
        return np.ascontiguousarray(self.at(ndtr(COARSE_GRID)[:, None]).T)

    def take(self, rows: NDArray[np.int64]) -> ResidualEnergy:
        """Return the chosen candidates; those who take the same share what is tabulated."""
        key = rows.tobytes()
        if key not in self._taken:
            parts = (self.centre[rows], self.scale[rows], self.probability_stable[rows])
            self._taken.clear()
            self._taken[key] = ResidualEnergy(*parts, self.scores)
        return self._taken[key]

    def _split(self) -> tuple[Array, Array]:
        """Return the probability of being stable and the mass of the plain distribution below 0."""
        return self.probability_stable, self.scores.cdf(-self.centre / np.maximum(self.scale, 1e-12))


class OfEnergy:
    """What distributions that share the error of the formation energy have in common.

    Attributes
    ----------
    is_counted
        Whether there is no closed form even where that error is given.
    """

    is_counted: ClassVar[bool] = False

    def levels(self, low: float, high: float) -> tuple[Array | float, Array | float]:
        """Return between which levels of the energy's error alone a bound may hold."""
        return 0.0, 1.0

    def given_energy(self, low: float, high: float) -> tuple[Conditional, float, float] | None:
        """Return what else decides a bound once the energy is given, and its bounds; None where nothing does."""
        return None

    def chance(self, group: Sequence[Bound], composition: Array) -> Chance:
        """Return the probability that all bounds hold; see `training.distributions.Distribution`."""
        members = [(_of_energy(bound.distribution), bound.low, bound.high) for bound in group]
        if any(one.is_counted for one, _, _ in members):
            return counted(group, composition)
        low, high = np.zeros(len(composition)), np.ones(len(composition))
        further: dict[str, tuple[Conditional, float, float]] = {}
        for one, least, most in members:
            between = one.levels(least, most)
            low, high = np.maximum(low, between[0]), np.minimum(high, between[1])
            if (rest := one.given_energy(least, most)) is not None:
                source = rest[0].source
                _, from_, to = further.get(source, rest)
                further[source] = rest[0], max(from_, rest[1]), min(to, rest[2])
        return _integrated(low, high, further.values(), group[0].distribution.central())


def _of_energy(distribution: Distribution) -> OfEnergy:
    assert isinstance(distribution, OfEnergy)
    return distribution


def _integrated(
    low: Array, high: Array, further: Collection[tuple[Conditional, float, float]], centre: Array
) -> Chance:
    """Integrate what is left given the energy over the levels of the energy's error, NaN where it has no centre."""
    error = np.zeros(len(centre))
    mass = np.maximum(high - low, 0.0) + 0.0 * centre
    if not further:
        return Chance(mass, error, "closed form")
    level = low + np.maximum(high - low, 0.0) * (np.arange(N_NODES)[:, None] + 0.5) / N_NODES
    nodes = ndtri(np.clip(level, 1e-9, 1.0 - 1e-9))
    held = np.ones_like(nodes)
    for conditional, from_, to in further:
        held *= conditional.within_given(nodes, from_, to)
    return Chance(mass * held.mean(axis=0), error, "quadrature")


@dataclass(frozen=True, eq=False)
class Energy(OfEnergy):
    """An energy in eV/atom: the residual energy above an offset that is known, not below a floor.

    Parameters
    ----------
    residual
        The energy less the offset.
    offset
        Shape (n,): 0 for the decomposition energy, the competing mixture's for the formation energy.
    floor
        Of the residual energy: 0 for the energy above the hull.
    """

    residual: ResidualEnergy
    offset: Array
    floor: float = -np.inf
    sources: tuple[str, ...] = (ENERGY,)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        return self.offset + np.maximum(self.residual.of_normal(errors[ENERGY]), self.floor)

    def central(self) -> Array:
        """Return the model's answer."""
        return self.offset + np.maximum(self.residual.centre, self.floor)

    def take(self, rows: Rows) -> Energy:
        """Return the chosen candidates."""
        return Energy(self.residual.take(rows), self.offset[rows], self.floor)

    def levels(self, low: float, high: float) -> tuple[Array | float, Array | float]:
        """See `OfEnergy.levels`."""
        lowest, highest = low - self.offset, high - self.offset
        above = self.residual.at_most(np.nextafter(lowest, -np.inf))
        return (
            np.where(lowest > self.floor, above, 0.0),
            np.where(highest >= self.floor, self.residual.at_most(highest), 0.0),
        )


@dataclass(frozen=True, eq=False)
class WindowLimit(OfEnergy):
    """One limit of the window as the residual energy decides it, with the deviation of published limits.

    A window narrows as the compound's energy rises and is that of the mixture from the hull on, so it is computed at
    a few energies below the hull and interpolated between.

    Parameters
    ----------
    source
        `REDUCTION_LIMITS` or `OXIDATION_LIMITS`.
    residual
        The energy.
    energies, limits
        Residual energies, rising to 0, and limits there, shape (k, n); V against Li/Li+.
    value
        The model's answer, shape (n,).
    error
        Distribution of the deviations in V.
    """

    source: str
    residual: ResidualEnergy
    energies: Array
    limits: Array
    value: Array
    error: ScoreDistribution

    @property
    def sources(self) -> tuple[str, ...]:
        """The formation energy, and how far published limits lie from computed ones."""
        return (ENERGY, self.source)

    def computed(self, residual: Array) -> Array:
        """Return the limit at residual energies, shape (s, n)."""
        k = len(self.energies)
        lowest = self.energies[0]
        step = np.maximum(-lowest / max(k - 1, 1), 1e-12)
        place = np.clip((residual - lowest) / step, 0.0, k - 1.0)
        left = np.minimum(place.astype(np.int64), k - 2)
        share = place - left
        columns = np.arange(self.limits.shape[1])
        limit: Array = (1.0 - share) * self.limits[left, columns] + share * self.limits[left + 1, columns]
        return limit

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        computed = look_up(errors[ENERGY], COARSE_GRID, self._table)
        return np.maximum(computed + self.error.of_normal(errors[self.source]), 0.0)

    @cached_property
    def _table(self) -> Array:
        return self.computed(self.residual.table.T).T

    def given_energy(self, low: float, high: float) -> tuple[Conditional, float, float]:
        """See `OfEnergy.given_energy`."""
        return self, low, high

    def within_given(self, normal: Array, low: float, high: float) -> Array:
        """Return the probability of lying in a closed interval, given errors of the energy, shape (s, n)."""
        computed = look_up(normal, COARSE_GRID, self._table)
        if high < max(low, 0.0):
            return np.zeros_like(computed)
        below: Array | float = 0.0
        if low > 0.0:
            below = self.error.cdf(np.nextafter(low, -np.inf) - computed)
        return (1.0 if np.isinf(high) else self.error.cdf(high - computed)) - below + np.zeros_like(computed)

    def central(self) -> Array:
        """Return the model's answer."""
        return self.value

    def take(self, rows: Rows) -> WindowLimit:
        """Return the chosen candidates."""
        tables = self.energies[:, rows], self.limits[:, rows], self.value[rows]
        return WindowLimit(self.source, self.residual.take(rows), *tables, self.error)


@dataclass(frozen=True, eq=False)
class Width(OfEnergy):
    """The width of the window in V."""

    is_counted = True
    reduction: WindowLimit
    oxidation: WindowLimit
    sources: tuple[str, ...] = (ENERGY, REDUCTION_LIMITS, OXIDATION_LIMITS)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        return np.maximum(self.oxidation.values(errors) - self.reduction.values(errors), 0.0)

    def central(self) -> Array:
        """Return the difference of the model's answers."""
        return self.oxidation.value - self.reduction.value

    def take(self, rows: Rows) -> Width:
        """Return the chosen candidates."""
        return Width(self.reduction.take(rows), self.oxidation.take(rows))


@dataclass(frozen=True, eq=False)
class Margin(OfEnergy):
    """By how much a limit lies beyond an electrode's potential in V; 0 or more: the electrode lies in the window."""

    limit: WindowLimit
    potential_V: float

    @property
    def sources(self) -> tuple[str, ...]:
        """Those of the limit."""
        return self.limit.sources

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        return self._signed(self.limit.values(errors))

    def given_energy(self, low: float, high: float) -> tuple[Conditional, float, float]:
        """See `OfEnergy.given_energy`: between which limits the margin lies in a closed interval."""
        if self._upward:
            return self.limit, self.potential_V + low, self.potential_V + high
        return self.limit, self.potential_V - high, self.potential_V - low

    def central(self) -> Array:
        """Return the margin of the model's answer."""
        return self._signed(self.limit.value)

    def take(self, rows: Rows) -> Margin:
        """Return the chosen candidates."""
        return Margin(self.limit.take(rows), self.potential_V)

    @property
    def _upward(self) -> bool:
        return self.limit.source == OXIDATION_LIMITS

    def _signed(self, limit: Array) -> Array:
        return limit - self.potential_V if self._upward else self.potential_V - limit


@dataclass(frozen=True, eq=False)
class HydrolysisEnergy(OfEnergy):
    """Energy of the reaction with moist air, eV per H2O; linear in the residual energy, with a normal deviation.

    Parameters
    ----------
    residual
        The energy.
    value
        At the model's central energy, shape (n,).
    slope
        By how much it changes with the residual energy (atoms per molecule of water, below 0), shape (n,).
    sd_eV
        Deviation of published energies.
    """

    residual: ResidualEnergy
    value: Array
    slope: Array
    sd_eV: float
    source: str = WATER

    @property
    def sources(self) -> tuple[str, ...]:
        """The formation energy, and how far published energies lie from computed ones."""
        return (ENERGY, self.source)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        return self._mean(self.residual.of_normal(errors[ENERGY])) + self.sd_eV * errors[self.source]

    def given_energy(self, low: float, high: float) -> tuple[Conditional, float, float]:
        """See `OfEnergy.given_energy`."""
        return self, low, high

    def within_given(self, normal: Array, low: float, high: float) -> Array:
        """Return the probability of lying in an interval, given errors of the energy, shape (s, n)."""
        mean = self._mean(self.residual.of_normal(normal))
        probability: Array = np.maximum(ndtr((high - mean) / self.sd_eV) - ndtr((low - mean) / self.sd_eV), 0.0)
        return probability

    def central(self) -> Array:
        """Return the model's answer."""
        return self.value

    def take(self, rows: Rows) -> HydrolysisEnergy:
        """Return the chosen candidates."""
        return HydrolysisEnergy(self.residual.take(rows), self.value[rows], self.slope[rows], self.sd_eV)

    def _mean(self, residual: Array) -> Array:
        return self.value + self.slope * (residual - self.residual.centre)


Conditional = WindowLimit | HydrolysisEnergy


class StabilityDistributions:
    """The distributions of all quantities; what several of them need is made once.

    Parameters
    ----------
    outputs
        Candidates and models.
    """

    def __init__(self, outputs: ModelOutputs) -> None:
        self._outputs, self._judged = outputs, outputs.judged(names.NAME)
        self._model: StabilityModel = outputs.models[names.NAME]

    def of(self, quantity: Quantity, electrode: ElectrodeRange | None) -> Predictive:
        """Return the distribution of one quantity; of the margin against an electrode."""
        of_window = quantity in (names.REDUCTION, names.OXIDATION, names.WINDOW_WIDTH, names.MARGIN)
        missing = self._no_window if of_window else self._uncovered
        half = np.full(len(self._outputs), HALF)
        return Predictive(self._distribution(quantity, electrode), missing, {ENERGY: half, WATER: half})

    def _distribution(self, quantity: Quantity, electrode: ElectrodeRange | None) -> Distribution:
        zero = np.zeros(len(self._outputs))
        made: dict[Quantity, Callable[[], Distribution]] = {
            names.FORMATION_ENERGY: lambda: Energy(self.residual, self._mixture),
            names.DECOMPOSITION_ENERGY: lambda: Energy(self.residual, zero),
            names.ABOVE_HULL: lambda: Energy(self.residual, zero, floor=0.0),
            names.FREE_ENERGY: lambda: Energy(self.residual, self._gained),
            names.PROBABILITY_STABLE: lambda: KnownValue(self.residual.probability_stable),
            names.REDUCTION: lambda: self.limits[0],
            names.OXIDATION: lambda: self.limits[1],
            names.INTERPHASE: lambda: self.interphase,
            names.WINDOW_WIDTH: lambda: Width(*self.limits),
            names.MARGIN: lambda: self._margin(electrode),
            names.HYDROLYSIS: lambda: self.water[0],
            names.H2S: lambda: self.water[1],
        }
        return made[quantity]()

    @property
    def _judgement(self) -> StabilityJudgement | None:
        judgement = self._judged.judgement
        assert judgement is None or isinstance(judgement, StabilityJudgement)
        return judgement

    def _column(self, read: Callable[[StabilityJudgement], Array]) -> Array:
        nothing = np.full(len(self._outputs), np.nan)
        return nothing if self._judgement is None else self._judged.spread(read(self._judgement))

    @cached_property
    def residual(self) -> ResidualEnergy:
        """The formation energy less that of the competing mixture."""
        scores = self._model.calibration.residual

        def scale(judgement: StabilityJudgement) -> Array:
            said = judgement.prediction.decomposition_energy_eV_per_atom
            return (said.upper - said.lower) / (2 * scores.factor(judgement.query.coverage))

        return ResidualEnergy(
            self._column(lambda judgement: judgement.prediction.decomposition_energy_eV_per_atom.value),
            self._column(scale),
            self._column(lambda judgement: judgement.prediction.probability_stable),
            ScoreDistribution(scores),
        )

    @cached_property
    def _mixture(self) -> Array:
        return self._column(lambda judgement: judgement.prediction.competing.energy_eV_per_atom)

    @cached_property
    def _gained(self) -> Array:
        """What ideal mixing takes off the energy at the temperature of synthesis, in its smallest reading."""
        return self._column(lambda judgement: -judgement.smallest_gain_eV_per_atom)

    @property
    def _uncovered(self) -> list[str | None]:
        """Why nothing is said of a row; an objective names the property already."""
        prefix = f"{names.NAME}: "
        return [reason and reason.removeprefix(prefix) for reason in self._judged.missing]

    @cached_property
    def _no_window(self) -> list[str | None]:
        missing = list(self._uncovered)
        if self._judgement is not None:
            for place, row in enumerate(self._judged.rows.tolist()):
                missing[row] = self._judgement.window_reason(place, UNBALANCED)
        return missing

    @cached_property
    def interphase(self) -> KnownValue:
        """The layer between material and lithium metal: a place in `training.thermodynamics.interphase.LEVELS`.

        Taken as known: the products follow from the composition and the table, the energy decides only whether there
        is a reaction, and the central one is taken. As for windows, a material above the hull counts as the mixture
        there.
        """
        energy = self._mixture + np.minimum(self.residual.centre, 0.0)
        amounts = self._outputs.query.amounts
        return KnownValue(lithium_interphases(self._model.phases, amounts, energy, tolerated_V=TOLERATED_V))

    @cached_property
    def limits(self) -> tuple[WindowLimit, WindowLimit]:
        """Reduction and oxidation limit."""
        model, n = self._model, len(self._outputs)
        value = np.stack(
            [
                self._column(lambda judgement: judgement.intervals[names.REDUCTION.name].value),
                self._column(lambda judgement: judgement.intervals[names.OXIDATION.name].value),
            ]
        )
        energies, limits = np.zeros((N_ENERGIES, n)), np.repeat(value[:, None], N_ENERGIES, axis=1)
        drawn = np.flatnonzero(~np.isnan(value[0]) & (self.residual.scale > 0.0))
        if len(drawn):
            lowest = np.minimum(self.residual.take(drawn).at(np.full((1, len(drawn)), LOWEST_LEVEL))[0], 0.0)
            energies[:, drawn] = np.linspace(1.0, 0.0, N_ENERGIES)[:, None] * lowest
            atomic_number, fraction = compositions(self._outputs.query.batch.take(drawn))
            own = self._mixture[drawn] + energies[:, drawn]
            limits[:, :, drawn] = window_draws(model.phases, atomic_number, fraction, own_energy_eV_per_atom=own)
        of_each = ((REDUCTION_LIMITS, model.reduction_error_V), (OXIDATION_LIMITS, model.oxidation_error_V))
        reduction, oxidation = (
            WindowLimit(source, self.residual, energies, limits[j], value[j], ScoreDistribution(error))
            for j, (source, error) in enumerate(of_each)
        )
        return reduction, oxidation

    def _margin(self, electrode: ElectrodeRange | None) -> Margin:
        assert electrode is not None
        reduction, oxidation = self.limits
        is_positive = electrode.side == "positive"
        return Margin(oxidation, electrode.high_V) if is_positive else Margin(reduction, electrode.low_V)

    @cached_property
    def water(self) -> tuple[HydrolysisEnergy, KnownValue]:
        """Reaction with moist air: its energy, and the hydrogen sulfide given off per mass."""
        energy = np.where(self.residual.scale > 0.0, self._mixture + self.residual.centre, np.nan)
        found = hydrolysis_of(self._model.phases, self._outputs.query.amounts, energy, self._judged.rows)
        reaction = HydrolysisEnergy(self.residual, found.energy_eV_per_H2O, found.slope, HYDROLYSIS_SD_eV)
        return reaction, KnownValue(found.h2s_mmol_per_g)


def distribution(quantity: Quantity, outputs: ModelOutputs, electrode: ElectrodeRange | None) -> Predictive:
    """See `contract.Property.distribution`."""
    made = outputs.once((StabilityDistributions, names.NAME), lambda: StabilityDistributions(outputs))
    return made.of(quantity, electrode)
