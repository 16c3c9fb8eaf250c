"""How well moduli are predicted: the benchmark's five folds, and new chemical systems as a user meets them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.elasticity import youngs_modulus
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.elasticity_fit import calibrated, left_out, of_compositions, system_folds
from training.properties.mechanics.elasticity_model import ElasticityModel
from training.properties.mechanics.elasticity_parts import PartAnswers
from training.properties.mechanics.elasticity_parts_fit import Task, fit_parts, n_steps
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.tables import ModuliTable

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]
BENCHMARK_SEED, N_FOLDS = 18012019, 5
"""Of Matbench's folds: Dunn et al., npj Comput. Mater. 6, 138 (2020), doi 10.1038/s41524-020-00406-3."""
COVERAGE = 0.9
ANIONS = ("O", "F", "S", "Cl", "Se", "Br", "Te", "I")
N_WORST = 20


class KnownStiffness(NamedTuple):
    """Young's modulus of an electrolyte as the literature has it, from and to, GPa."""

    formula: str
    lowest_GPa: float
    highest_GPa: float


KNOWN = (
    KnownStiffness("Li7La3Zr2O12", 150.0, 150.0),
    KnownStiffness("Li1.3Al0.3Ti1.7(PO4)3", 115.0, 115.0),
    KnownStiffness("Li10GeP2S12", 22.0, 37.0),
    KnownStiffness("Li3PS4", 30.0, 30.0),
    KnownStiffness("Li6PS5Cl", 22.0, 22.0),
    KnownStiffness("Li3YCl6", 40.0, 40.0),
    KnownStiffness("Li2.9PO3.3N0.46", 77.0, 77.0),
    KnownStiffness("Li", 5.0, 8.0),
)
"""For judging, never for fitting. Li2.9PO3.3N0.46 (LiPON) is a glass, and the answer is a crystal's."""


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors of log10 moduli in GPa, over n crystals."""

    log10_G_mae: float
    log10_K_mae: float
    n: int

    @classmethod
    def of(cls, deviation: Array, rows: Flags) -> Errors:
        """Average the rows of deviations (n, 2)."""
        shear, bulk = np.abs(deviation[rows]).mean(axis=0)
        return cls(float(shear), float(bulk), int(rows.sum()))


@dataclass(frozen=True)
class Reach:
    """Intervals of 90 %: share of the crystals they hold, and their mean half width in decades."""

    coverage_G: float
    coverage_K: float
    half_width_G: float
    half_width_K: float

    @classmethod
    def of(cls, deviation: Array, half_width: Array, rows: Flags) -> Reach:
        """Compare deviations with half widths, (n, 2) both."""
        held = (np.abs(deviation) <= half_width)[rows].mean(axis=0)
        width = half_width[rows].mean(axis=0)
        return cls(float(held[0]), float(held[1]), float(width[0]), float(width[1]))


@dataclass(frozen=True)
class Miss:
    """A crystal of a left-out chemical system that was predicted badly; decimal logarithms of GPa."""

    formula: str
    log10_G: float
    predicted_log10_G: float
    log10_K: float
    predicted_log10_K: float


@dataclass(frozen=True)
class ElasticityFigures:
    """What an evaluation finds.

    Attributes
    ----------
    five_folds
        Matbench's folds: polymorphs of one formula lie on both sides.
    by_system_crystals
        No chemical system on both sides, every polymorph scored.
    by_system, by_system_lithium
        The same by composition, the median of polymorphs: all, and those of lithium with an anion.
    reach, reach_lithium
        Intervals of these compositions, each fold's calibrated on the other folds.
    worst
        The largest errors of both moduli together.
    """

    five_folds: Errors
    by_system_crystals: Errors
    by_system: Errors
    by_system_lithium: Errors
    reach: Reach
    reach_lithium: Reach
    worst: tuple[Miss, ...]


class StiffnessAnswer(NamedTuple):
    """What a model says of an electrolyte whose stiffness is known; moduli in GPa."""

    known: KnownStiffness
    shear_GPa: float
    bulk_GPa: float
    youngs_GPa: float
    youngs_lowest_GPa: float
    youngs_highest_GPa: float


def evaluate_elasticity(
    table: ModuliTable,
    auxiliary: AuxiliaryTargets | None,
    settings: ElasticitySettings | None = None,
    *,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda what: None,
) -> ElasticityFigures:
    """Fit ten times, each without a fifth of the crystals, and score on these.

    Parameters
    ----------
    table
        Moduli in the order of the benchmark.
    auxiliary
        What the nets learn first. It holds other quantities of the compositions that are left out
        (`AuxiliaryTargets.without_systems` leaves them out here too).
    settings
        What is fitted; every fold has as many nets as the model.
    seed
        Of the fits and the folds by system; the benchmark's folds are the benchmark's.
    on_step
        Called after each of `steps_of_evaluation` steps.
    """
    settings = settings or ElasticitySettings()
    batch = table.crystals.batch
    targets = np.column_stack([table.log10_shear_GPa, table.log10_bulk_GPa])
    folds = (benchmark_folds(len(batch)), system_folds(batch, N_FOLDS, seed))
    tasks = _tasks(folds, settings)
    parts = fit_parts(batch, targets, auxiliary, tasks, settings, seed=seed, on_step=on_step)
    benchmark = left_out(parts[:N_FOLDS], batch, folds[0])
    grouped = left_out(parts[N_FOLDS:], batch, folds[1])
    rows, medians = of_compositions(batch, targets)
    every, lithium = np.ones(len(rows), dtype=bool), with_lithium_and_anion(batch.take(rows))
    deviation = medians - grouped.value[rows]
    half_width = cross_half_widths(grouped.take(rows), medians, folds[1][rows], COVERAGE)
    each = np.ones(len(batch), dtype=bool)
    return ElasticityFigures(
        Errors.of(targets - benchmark.value, each),
        Errors.of(targets - grouped.value, each),
        Errors.of(deviation, every),
        Errors.of(deviation, lithium),
        Reach.of(deviation, half_width, every),
        Reach.of(deviation, half_width, lithium),
        _worst(table, grouped.value),
    )


def steps_of_evaluation(settings: ElasticitySettings, auxiliary: AuxiliaryTargets | None) -> int:
    """Return how often `evaluate_elasticity` calls its `on_step`."""
    return n_steps(_tasks((np.arange(N_FOLDS), np.arange(N_FOLDS)), settings), auxiliary)


def benchmark_folds(n: int) -> Labels:
    """Return the fold of every row of Matbench's table, shape (n,)."""
    from sklearn.model_selection import KFold

    fold = np.empty(n, dtype=np.int64)
    for number, (_, held_out) in enumerate(KFold(N_FOLDS, shuffle=True, random_state=BENCHMARK_SEED).split(fold)):
        fold[held_out] = number
    return fold


def with_lithium_and_anion(batch: MaterialBatch) -> Flags:
    """Return which compositions hold lithium and oxygen, a chalcogen or a halogen, shape (n,)."""
    anions = np.sum([batch.fraction_of(symbol) for symbol in ANIONS], axis=0)
    return np.asarray((batch.fraction_of("Li") > 0) & (anions > 0))


def cross_half_widths(answers: PartAnswers, targets: Array, fold: Labels, coverage: float) -> Array:
    """Return half widths of intervals (n, 2), those of each fold calibrated on the others."""
    out = np.empty_like(targets)
    for k in np.unique(fold):
        scale, left = calibrated(answers.take(fold != k), targets[fold != k])
        out[fold == k] = scale(answers.take(fold == k)) * [left.shear.factor(coverage), left.bulk.factor(coverage)]
    return out


def known_electrolytes(model: ElasticityModel, coverage: float = COVERAGE) -> list[StiffnessAnswer]:
    """Return what a model says of electrolytes whose Young's modulus is known, E = 9KG / (3K + G)."""
    prediction = model.predict(MaterialBatch.from_formulas([known.formula for known in KNOWN]))
    shear, bulk = (10.0**values for values in prediction.draws(model.deviations.pairs))
    ends = np.quantile(youngs_modulus(shear, bulk), [(1 - coverage) / 2, (1 + coverage) / 2], axis=1)
    middle = 10.0**prediction.log10_G, 10.0**prediction.log10_K
    columns = (*middle, youngs_modulus(*middle), *ends)
    return [StiffnessAnswer(known, *(float(column[row]) for column in columns)) for row, known in enumerate(KNOWN)]


def _tasks(folds: tuple[Labels, Labels], settings: ElasticitySettings) -> list[Task]:
    return [Task(np.flatnonzero(fold != k), settings.n_nets) for fold in folds for k in range(N_FOLDS)]


def _worst(table: ModuliTable, predicted: Array) -> tuple[Miss, ...]:
    targets = np.column_stack([table.log10_shear_GPa, table.log10_bulk_GPa])
    order = np.argsort(-np.abs(targets - predicted).sum(axis=1), kind="stable")[:N_WORST]
    return tuple(
        Miss(
            table.crystals.formula[row],
            float(targets[row, 0]),
            float(predicted[row, 0]),
            float(targets[row, 1]),
            float(predicted[row, 1]),
        )
        for row in order
    )
