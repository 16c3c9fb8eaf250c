"""The conductivity model: two calibrated variants, a domain, an Arrhenius temperature.

A candidate with a unit cell is judged by the 'lattice' variant, one with only a formula by the 'formula' variant;
each has intervals calibrated on papers that its members had not seen. Where the material asked was measured, what was
measured moves the answer (`measured_first`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from training.applicability import DomainIndex
from training.explanations import TreeExplainer
from training.properties.conductivity.arrhenius import (
    SMALLEST_ACTIVATION_ENERGY_EV,
    inverse_temperature,
    to_temperature,
)
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.ensemble import LEVELS, Ensemble, EnsembleSettings, Pool
from training.properties.conductivity.familiarity import DOMAIN_QUANTILE, known_radius
from training.properties.conductivity.gaussian_process import Hyperparameters
from training.properties.conductivity.measured_first import Centre, Measured, measured_on
from training.properties.conductivity.metrics import Truth, honest_error
from training.properties.conductivity.rows import ConductivityRows, near_room_temperature
from training.properties.conductivity.samples import LEDGER, Pairs, Samples
from training.splits import grouped_folds
from training.uncertainty import ConformalScale, InsufficientCalibrationError, Interval

Array = NDArray[np.float64]
VARIANTS = ("formula", "lattice")
SMALLEST_TRAINING = 2
"""Rows with a conductivity below which no member can be fitted."""
SMALLEST_CALIBRATION = 9
"""Rows with a unit cell below which there is no lattice variant: fewer cannot carry a 90 % interval."""
_EXPLAINER = "explainer/"  # prefix of its arrays within a variant; bundles fitted before it was there have none
_DOMAIN_RADIUS = "domain_radius"  # missing in older bundles
_NO_RADIUS = 1.0
_SIGMA_MEDIAN = "sigma_median"  # missing in older bundles
_SAMPLES, _MEASURED_SCORES = "samples/", "measured_scores"  # missing in older bundles
MEASURED_FOLDS = 6


class ConductivityPrediction(NamedTuple):
    """What the model says about n candidates."""

    log10_sigma_S_per_cm: Interval
    activation_energy_eV: Interval
    probability_above: dict[float, Array]  # log10 threshold in S/cm -> probability
    used_lattice: NDArray[np.bool_]
    novelty: Array  # 0: the like is known, 1: nothing like it is
    log10_sigma_25C: Array
    distance: Array  # to what is known, 0 to 1
    domain_radius: Array  # up to where the variant that answered knows the like; see `familiarity.known_radius`
    of_model: Array  # log10 sigma before measurements of the material asked moved it
    of_model_25C: Array  # the same at 25 C, and before anything stated moved it
    stated: Array  # decades by which what was stated, of a sample or a population, moved it
    measured: Measured
    pairs: Pairs | None = None  # which samples are of which candidate, where that was found on the way

    def centre(self, temperature_C: Array) -> Centre:
        """Return what the model says at these temperatures, those that were asked, before it looks at measurements."""
        energy = self.activation_energy_eV
        return Centre(self.of_model, temperature_C, energy.value, energy.upper - energy.value)

    def take(self, rows: NDArray[np.int64]) -> ConductivityPrediction:
        """Return the chosen candidates."""
        sigma, energy = (Interval(*(end[rows] for end in interval)) for interval in self[:2])
        above = {threshold: column[rows] for threshold, column in self.probability_above.items()}
        rest = {name: getattr(self, name)[rows] for name in self._fields[3:-2]}
        measured = Measured(*(column[rows] for column in self.measured))
        return self._replace(
            log10_sigma_S_per_cm=sigma,
            activation_energy_eV=energy,
            probability_above=above,
            measured=measured,
            pairs=None,
            **rest,
        )


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of rows by models that had not seen their paper; the ground of all calibration.

    `weight` is how much each row counts for the interval of the conductivity; see `calibration_weights`.
    """

    rows: ConductivityRows
    pool: Pool
    composition_distance: Array
    weight: Array

    def sigma_scale(self, keep: NDArray[np.bool_]) -> ConformalScale:
        """Return the conformal scale of the conductivity from some of the rows that have one."""
        own = keep & self.rows.has_sigma
        enough = (self.weight[own] > 0.0).sum() >= SMALLEST_CALIBRATION  # else nothing is near room temperature
        weight = self.weight[own] if enough else np.ones(int(own.sum()))
        rows, pool = self.rows, at_temperature(self.pool, self.rows.temperature_C)
        return ConformalScale.fit(
            rows.log10_sigma[own],
            rows.is_upper_bound[own],
            pool.centre[own],
            pool.below[own],
            pool.above[own],
            weight,
        )


@dataclass(frozen=True)
class Variant:
    """An ensemble with the conformal scales of its two answers, its domain and, where fitted, what explains it."""

    ensemble: Ensemble
    sigma_scale: ConformalScale
    energy_scale: ConformalScale
    domain_radius: float = _NO_RADIUS
    explainer: TreeExplainer | None = None


@dataclass(frozen=True)
class ConductivityModel:
    """Fitted variants, the domain they share, and what was measured.

    Parameters
    ----------
    variants, domain
        As fitted.
    samples
        What laboratories found; nothing, where answers are those of the model alone.
    measured_scale
        Scores of answers that measurements have moved; None where too few materials were measured twice, or in older
        bundles: then nothing moves an answer.
    laboratory
        What a ledger holds now, in place of what the model learnt from one; None where no ledger is asked.
    """

    variants: dict[str, Variant]
    domain: DomainIndex
    samples: Samples
    measured_scale: ConformalScale | None = None
    laboratory: Samples | None = None

    @cached_property
    def known(self) -> Samples:
        """All that was measured, the rows of a ledger as it is now."""
        if self.laboratory is None:
            return self.samples
        return self.samples.take(self.samples.source != LEDGER).joined(self.laboratory)

    def predict(
        self,
        batch: MaterialBatch,
        temperature_C: ArrayLike = 25.0,
        coverage: float = 0.9,
        thresholds: tuple[float, ...] = (-10.0, -4.0, -3.0),
        shift: ArrayLike = 0.0,
        reported: ArrayLike = False,
    ) -> ConductivityPrediction:
        """Predict conductivity and activation energy.

        Parameters
        ----------
        batch
            n materials.
        temperature_C
            Degrees Celsius, scalar or shape (n,).
        coverage
            Nominal coverage of the intervals, 0.5 to 0.99.
        thresholds
            log10 of S/cm, for which the probability of lying above is wanted.
        shift
            Decades by which what is stated of a sample moves the answer, scalar or shape (n,); see `sample`.
        reported
            Whether to answer as for materials like those that get reported, scalar or shape (n,); see `population`.
            Answers that measurements lead are left where they are.

        Raises
        ------
        InsufficientCalibrationError
            If the calibration rows are too few for the coverage of the conductivity. Where only those of the activation
            energy are, the ends of its interval are NaN.
        """
        descriptors = Descriptors.of(batch)
        temperature = np.broadcast_to(np.asarray(temperature_C, dtype=float), len(batch))
        used_lattice = descriptors.has_lattice & ("lattice" in self.variants)
        at_25C, energy, radius = self._pooled(descriptors, used_lattice, coverage)
        pool = at_temperature(at_25C, temperature)
        pairs = self.known.of_materials(descriptors.composition)
        measured = self.measured(pairs, pool, temperature)
        warm = temperature != ROOM_TEMPERATURE_C
        there = self.measured(pairs, at_25C, np.full(len(batch), ROOM_TEMPERATURE_C)) if warm.any() else measured
        moved = self._towards_reported(pool, used_lattice, reported & (measured.papers == 0.0)) + np.asarray(shift)
        centre = measured.updated(pool.centre) + moved
        sigma = Interval(centre, np.empty(len(batch)), np.empty(len(batch)))
        above = {threshold: np.empty(len(batch)) for threshold in thresholds}
        for scale, rows in self.scales_of(used_lattice, measured):
            below_them, above_them = pool.below[rows], pool.above[rows]
            factor = scale.factor(coverage) if rows.any() else np.nan
            sigma.lower[rows] = centre[rows] - factor * below_them
            sigma.upper[rows] = centre[rows] + factor * above_them
            for threshold, column in above.items():
                column[rows] = scale.tail_probability(threshold, centre[rows], below_them, above_them)
        return ConductivityPrediction(
            sigma,
            energy,
            above,
            used_lattice,
            pool.novelty,
            there.updated(at_25C.centre),
            pool.distance,
            radius,
            pool.centre + moved,
            at_25C.centre,
            moved,
            measured,
            pairs,
        )

    def _pooled(
        self, descriptors: Descriptors, used_lattice: NDArray[np.bool_], coverage: float
    ) -> tuple[Pool, Interval, Array]:
        """Return the answers of the variants at 25 C, the activation energy with its interval, and domain radii."""
        n = len(descriptors)
        pool, energy, radius = Pool(*np.empty((len(Pool._fields), n))), Interval(*np.empty((3, n))), np.empty(n)
        for name, variant in self.variants.items():
            rows = np.flatnonzero(used_lattice if name == "lattice" else ~used_lattice)
            if not len(rows):
                continue
            own = variant.ensemble.predict(descriptors.take(rows))
            for column, values in zip(pool, own, strict=True):
                column[rows] = values
            radius[rows] = variant.domain_radius
            value = np.maximum(own.activation_energy_eV, SMALLEST_ACTIVATION_ENERGY_EV)
            half_eV = factor_or_nan(variant.energy_scale, coverage) * own.activation_energy_sd_eV
            energy.value[rows] = value
            energy.lower[rows], energy.upper[rows] = np.maximum(value - half_eV, 0.0), value + half_eV
        return pool, energy, radius

    def _towards_reported(self, pool: Pool, used_lattice: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Array:
        """Return by how many decades the chosen answers move towards what gets reported, shape (n,)."""
        decades = np.zeros(len(chosen))
        for name, variant in self.variants.items():
            rows = chosen & (used_lattice if name == "lattice" else ~used_lattice)
            decades[rows] = (pool.moved(variant.sigma_scale.median).centre - pool.centre)[rows]
        return decades

    def measured(self, pairs: Pairs, pool: Pool, temperature_C: Array) -> Measured:
        """Return what was measured on n materials, at the temperatures of the pool; nothing where it is not counted.

        `pairs` are the materials' samples, as `known.of_materials` finds them.
        """
        n = len(temperature_C)
        if self.measured_scale is None:
            return Measured(np.full(n, np.nan), np.zeros(n))
        said = Centre(pool.centre, temperature_C, pool.activation_energy_eV, pool.activation_energy_sd_eV)
        return measured_on(self.known, pairs, said)

    def scales_of(
        self, used_lattice: NDArray[np.bool_], measured: Measured
    ) -> list[tuple[ConformalScale, NDArray[np.bool_]]]:
        """Return each conformal scale with the rows whose answers it calibrates."""
        moved = measured.papers > 0.0
        found = [
            (variant.sigma_scale, ~moved & (used_lattice if name == "lattice" else ~used_lattice))
            for name, variant in self.variants.items()
        ]
        return found if self.measured_scale is None else [*found, (self.measured_scale, moved)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        stored = {f"domain/{name}": array for name, array in self.domain.arrays().items()}
        for name, variant in self.variants.items():
            stored |= {f"{name}/{key}": array for key, array in variant.ensemble.arrays().items()}
            stored[f"{name}/sigma_scores"] = variant.sigma_scale.scores
            stored[f"{name}/energy_scores"] = variant.energy_scale.scores
            stored[f"{name}/{_SIGMA_MEDIAN}"] = np.array(variant.sigma_scale.median)
            stored[f"{name}/{_DOMAIN_RADIUS}"] = np.array(variant.domain_radius)
            if variant.explainer is not None:
                stored |= {f"{name}/{_EXPLAINER}{key}": array for key, array in variant.explainer.arrays().items()}
        if self.measured_scale is not None:
            stored |= {f"{_SAMPLES}{name}": array for name, array in self.samples.arrays().items()}
            stored[_MEASURED_SCORES] = self.measured_scale.scores
        return stored

    def settings(self) -> dict[str, Any]:
        """Return what is not an array, as JSON values."""
        return {name: variant.ensemble.settings() for name, variant in self.variants.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> ConductivityModel:
        """Rebuild from `arrays()` and `settings()`."""
        variants = {}
        for name, chosen in settings.items():
            own = {key.removeprefix(f"{name}/"): a for key, a in arrays.items() if key.startswith(f"{name}/")}
            explainer = {key.removeprefix(_EXPLAINER): a for key, a in own.items() if key.startswith(_EXPLAINER)}
            variants[name] = Variant(
                Ensemble.from_arrays(own, chosen),
                ConformalScale(own["sigma_scores"], float(own.get(_SIGMA_MEDIAN, 0.0))),
                ConformalScale(own["energy_scores"]),
                float(own.get(_DOMAIN_RADIUS, _NO_RADIUS)),
                TreeExplainer.from_arrays(explainer) if explainer else None,
            )
        inside = {key.removeprefix("domain/"): a for key, a in arrays.items() if key.startswith("domain/")}
        domain = DomainIndex.from_arrays(inside)
        samples = {key.removeprefix(_SAMPLES): a for key, a in arrays.items() if key.startswith(_SAMPLES)}
        scale = ConformalScale(arrays[_MEASURED_SCORES]) if _MEASURED_SCORES in arrays else None
        return cls(variants, domain, Samples.from_arrays(samples, domain), scale)


def fit_model(
    rows: ConductivityRows,
    settings: EnsembleSettings | None = None,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> tuple[ConductivityModel, dict[str, OutOfFold]]:
    """Fit and calibrate every variant that the rows allow.

    Parameters
    ----------
    rows
        All measurements to learn from; with fewer than `SMALLEST_CALIBRATION` unit cells there is no lattice variant.
    settings
        Sizes and seeds; None takes the recipe's.
    on_step
        Called with what is being done, for a progress bar.

    Returns
    -------
    model, left_out
        The model, and per variant the predictions of rows whose papers were left out.
    """
    chosen = settings or EnsembleSettings()
    with_cell = int((rows.descriptors.has_lattice & rows.has_sigma).sum())
    possible = VARIANTS if with_cell >= SMALLEST_CALIBRATION else ("formula",)
    fitted, left_out = {}, {}
    for variant in possible:
        fitted[variant], left_out[variant] = fit_variant(rows, variant, chosen, on_step=on_step)
    radius = float(np.quantile(left_out["formula"].composition_distance[rows.has_sigma], DOMAIN_QUANTILE))
    scale = measured_scale(rows, fitted["formula"].ensemble.process.hyper, chosen, on_step=on_step)
    domain = domain_of(rows.take(rows.has_sigma), radius)
    return ConductivityModel(fitted, domain, rows.samples(), scale), left_out


def n_steps(settings: EnsembleSettings) -> int:
    """Return how often `fit_model` calls `on_step` where both variants are fitted."""
    return len(VARIANTS) * (settings.process_iterations + 3 + settings.n_folds) + MEASURED_FOLDS


def fit_variant(
    rows: ConductivityRows, variant: str, settings: EnsembleSettings, *, on_step: Callable[[str], None]
) -> tuple[Variant, OutOfFold]:
    """Fit one variant on all rows and calibrate it on left-out papers.

    The folds keep the hyperparameters found on all rows (a dozen numbers on a thousand rows); every other part of
    the members is fitted anew without the left-out papers.
    """
    ensemble = Ensemble.fit(rows, variant, settings, on_step=lambda: on_step(f"{variant}: fitting"))
    left_out = cross_fit(
        rows, variant, ensemble.process.hyper, settings, on_step=lambda: on_step(f"{variant}: calibrating")
    )
    return calibrate(ensemble, left_out), left_out


def calibrate(ensemble: Ensemble, left_out: OutOfFold) -> Variant:
    """Give an ensemble the conformal scales and the domain that its left-out predictions call for."""
    rows, pool = left_out.rows, left_out.pool
    own, energy = rows.has_sigma, rows.has_energy
    if ensemble.variant == "lattice":  # intervals of the lattice variant are promised to candidates with a lattice
        own = own & rows.descriptors.has_lattice
    at_t = at_temperature(pool, rows.temperature_C)
    error = honest_error(Truth(rows.log10_sigma[own], rows.is_upper_bound[own]), at_t.centre[own])
    radius = known_radius(pool.distance[own], error, left_out.weight[own])
    spread = pool.activation_energy_sd_eV[energy]
    energy_scale = ConformalScale.fit(
        rows.activation_energy_eV[energy],
        np.zeros(int(energy.sum()), dtype=bool),
        pool.activation_energy_eV[energy],
        spread,
        spread,
    )
    return Variant(ensemble, left_out.sigma_scale(own), energy_scale, radius)


def cross_fit(
    rows: ConductivityRows,
    variant: str,
    hyper: Hyperparameters,
    settings: EnsembleSettings,
    *,
    on_step: Callable[[], None] = lambda: None,
) -> OutOfFold:
    """Predict every row by an ensemble that has seen neither its paper nor a copy of its material."""
    columns = np.full((len(Pool._fields), len(rows)), np.nan)
    distance = np.full(len(rows), np.nan)
    for train, test in rows.folds(settings.n_folds, settings.seed):
        _check_fold(rows, train, test)
        ensemble = Ensemble.fit(rows.take(train), variant, settings, hyper=hyper)
        left_out = rows.descriptors.take(test)
        columns[:, test] = np.array(ensemble.predict(left_out))
        learnt = rows.take(train[rows.has_sigma[train]])
        distance[test] = domain_of(learnt, radius=0.0).distances(left_out.composition)
        on_step()
    return OutOfFold(rows, Pool(*columns), distance, calibration_weights(rows, settings.half_life_years))


def measured_scale(
    rows: ConductivityRows,
    hyper: Hyperparameters,
    settings: EnsembleSettings,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> ConformalScale | None:
    """Score answers that measurements moved, for the intervals of both variants; None where too few rows tell.

    Of the formula variant and at small sizes: `benchmarks/conductivity.py --what sample` asks whether the scale also
    covers what the lattice variant says.
    """
    pool, measured = left_out_beside_copies(rows, "formula", hyper, settings.economical(), on_step=on_step)
    weight = calibration_weights(rows, settings.half_life_years) * (measured.papers > 0.0)
    told = weight > 0.0
    if told.sum() < SMALLEST_CALIBRATION:
        return None
    centre = measured.updated(pool.centre)[told]
    is_bound = rows.is_upper_bound[told]
    return ConformalScale.fit(
        rows.log10_sigma[told], is_bound, centre, pool.below[told], pool.above[told], weight[told]
    )


def left_out_beside_copies(
    rows: ConductivityRows,
    variant: str,
    hyper: Hyperparameters,
    settings: EnsembleSettings,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> tuple[Pool, Measured]:
    """Predict every row without its own paper, and tell what other papers measured on its material.

    Unlike in `cross_fit`, copies of a material stay where they are, in the training of the members and among the
    samples: so is an answer that leads with measurements.

    Returns
    -------
    pool, measured
        At the rows' own temperatures.
    """
    fold = grouped_folds(rows.paper, MEASURED_FOLDS, settings.seed)
    columns = np.full((len(Pool._fields), len(rows)), np.nan)
    middle, papers = np.full(len(rows), np.nan), np.zeros(len(rows))
    for number in range(MEASURED_FOLDS):
        on_step("calibrating what was measured")
        known = rows.take(fold != number)
        if known.has_sigma.sum() < SMALLEST_TRAINING:
            continue
        samples, asked = known.samples(), np.flatnonzero(fold == number)
        own, degrees = rows.descriptors.take(asked), rows.temperature_C[asked]
        pool = at_temperature(Ensemble.fit(known, variant, settings, hyper=hyper).predict(own), degrees)
        said = Centre(pool.centre, degrees, pool.activation_energy_eV, pool.activation_energy_sd_eV)
        columns[:, asked] = np.array(pool)
        middle[asked], papers[asked] = measured_on(samples, samples.of_materials(own.composition), said)
    return Pool(*columns), Measured(middle, papers)


def calibration_weights(rows: ConductivityRows, half_life_years: float) -> Array:
    """Return how much each row counts for the interval of the conductivity, shape (n,).

    A row counts half after `half_life_years`; doubtful ones and those measured away from room temperature, mostly
    digitised series, do not count. Where nothing is ever forgotten, all conductivities count alike.
    """
    if np.isinf(half_life_years):
        return rows.has_sigma.astype(float)
    year = rows.dated()
    recent: Array = 2.0 ** ((year - year.max(initial=0.0)) / half_life_years)
    return recent * (near_room_temperature(rows) & ~rows.is_doubtful)


def _check_fold(rows: ConductivityRows, train: NDArray[np.int64], left_out: NDArray[np.int64]) -> None:
    n_sigma = int(rows.has_sigma[train].sum())
    if n_sigma < SMALLEST_TRAINING:
        raise ValueError(
            f"{n_sigma} rows with a conductivity are left to learn from without the papers of {len(left_out)} rows and"
            f" copies of their materials; expected at least {SMALLEST_TRAINING}: the table holds too few materials"
        )


def factor_or_nan(scale: ConformalScale, coverage: float) -> float:
    """Return how far an interval reaches, NaN where too few rows were left out for its coverage."""
    try:
        return scale.factor(coverage)
    except InsufficientCalibrationError:
        return float("nan")


def at_temperature(pool: Pool, temperature_C: Array) -> Pool:
    """Carry a pool from 25 C to other temperatures; the uncertain activation energy widens it on the way."""
    energy = np.maximum(pool.activation_energy_eV, SMALLEST_ACTIVATION_ENERGY_EV)
    drift = np.abs(inverse_temperature(temperature_C)) * pool.activation_energy_sd_eV * ndtri(LEVELS[-1])
    return Pool(
        to_temperature(pool.centre, energy, temperature_C),
        np.hypot(pool.below, drift),
        np.hypot(pool.above, drift),
        energy,
        pool.activation_energy_sd_eV,
        pool.novelty,
        pool.distance,
    )


def domain_of(rows: ConductivityRows, radius: float) -> DomainIndex:
    """Return the domain that measured conductivities span."""
    return DomainIndex(
        rows.descriptors.composition,
        tuple(rows.formula),
        rows.log10_sigma,
        rows.temperature_C,
        rows.is_upper_bound,
        tuple(rows.doi),
        radius,
    )
