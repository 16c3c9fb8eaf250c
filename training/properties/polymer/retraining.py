"""Retraining of the conductivity of polymer electrolytes: papers left out take the place of an official split.

Each fold leaves out whole papers, as the calibration does. What counts as one material is one electrolyte: polymer,
salt and molality.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import PolymerBatch, polymer_name
from features.polymers.salts import salt_name
from training.properties.polymer.auxiliary import ChainMobility
from training.properties.polymer.bundling import golden_arrays, read_golden
from training.properties.polymer.fit import (
    COVERAGE,
    LeftOutPoints,
    Points,
    PolymerSettings,
    fit_conductivities,
    fit_parts,
    folds_of,
    half_widths,
    leave_out,
)
from training.properties.polymer.measurement_checks import SAME_AMOUNT
from training.properties.polymer.model import PROCESS_SHARE, PolymerModel
from training.properties.polymer.process import Scales, chain_likeness
from training.properties.polymer.quantities import NAME
from training.properties.polymer.recipe import card_of, sources_of
from training.properties.polymer.tables import (
    CONDUCTIVITY,
    GLASS,
    SIMULATED,
    Conductivities,
    Mobilities,
    conductivities_of,
    read_conductivity_rows,
    read_glass_transitions,
    read_simulations,
)
from training.refitting.bundles import save_with_ledger
from training.refitting.champion import Champion
from training.refitting.comparison import DECADES, GoldenMaterial, NewRows, RecipeChange
from training.refitting.held_out import HeldOutPredictions
from training.refitting.learnability import Contradictions, new_rows, predict_new
from training.refitting.property_job import Baseline, Fitted, OnStep
from training.refitting.training_set import TrainingSet, assemble, changed_tables
from training.sources import require

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows

RECIPE_VERSION = 1
SAME_TEMPERATURE_C = 5.0
GOLDEN_C = 60.0
N_GOLDEN = 10
Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


def read_auxiliary() -> tuple[Mobilities, Mobilities]:
    """Read glass transitions and simulated mobilities; raises `MissingSourceError` or `TableError`."""
    return read_glass_transitions(), read_simulations()


class PolymerJob:
    """See the module's docstring.

    Parameters
    ----------
    settings
        Sizes of the recipe; their seed is that of the fit and of folds.
    rows
        Reads what the ledger's rows join, columns `tables.ROWS`.
    auxiliary
        Reads what the mobility of chains is learnt from, which takes longest: when something is fitted.
    """

    name = NAME
    unit = DECADES

    def __init__(
        self,
        settings: PolymerSettings,
        rows: Callable[[], pd.DataFrame] = read_conductivity_rows,
        auxiliary: Callable[[], tuple[Mobilities, Mobilities]] = read_auxiliary,
    ) -> None:
        self._settings, self._read_rows, self._read_auxiliary = settings, rows, auxiliary

    @property
    def seed(self) -> int:
        """Seed of the fit, of folds and of permutations."""
        return self._settings.seed

    @property
    def n_steps(self) -> int:
        """Steps of a full run."""
        return self._settings.n_folds + 2

    def check_tables(self) -> None:
        """Raise `MissingSourceError` where a public table is not on this machine."""
        require((CONDUCTIVITY, SIMULATED, GLASS), "retraining conductivities of polymers")

    def recipe(self) -> dict[str, Any]:
        """Return the sizes of the recipe."""
        return asdict(self._settings)

    def recipe_change(self, champion: Champion) -> RecipeChange | None:
        """Return None: there are no boards for recipes."""
        return None

    @cached_property
    def _rows(self) -> pd.DataFrame:
        return self._read_rows()

    @cached_property
    def _auxiliary(self) -> tuple[Mobilities, Mobilities]:
        return self._read_auxiliary()

    @cached_property
    def _mobility(self) -> ChainMobility:
        return ChainMobility.fit(*self._auxiliary, self._settings.n_mobility_rounds)

    def read(self, from_ledger: TrainingRows, champion: Champion | None) -> TrainingSet:
        """Assemble the public table and the ledger's rows."""
        rows = self._rows
        if champion is None:
            n_glass, n_simulated = (len(table.values) for table in self._auxiliary)
        else:
            counted = {source.name: source.rows for source in champion.bundle.card.data}
            n_glass, n_simulated = counted[GLASS], counted[SIMULATED]
        sources = sources_of(len(rows), n_simulated, n_glass)
        told = [f"{len(from_ledger.left_out)} rows of the ledger are not learnt from"] * bool(from_ledger.left_out)
        changed = changed_tables(champion.bundle.card, sources) if champion is not None else []
        told += [f"the champion was fitted on another {', '.join(changed)}"] * bool(changed)
        recipe = self.recipe() | {"retraining": RECIPE_VERSION}
        return assemble(self.name, (rows, sources, []), from_ledger, champion, recipe, remarks=told)

    def examine(self, training_set: TrainingSet, champion: Champion, on_step: OnStep) -> NewRows | None:
        """Predict every new point from other papers, without and with the other new ones."""
        answers = self.new_rows(training_set, champion)
        if answers is None:
            return None
        table, is_new = training_set.known_and_new()
        points = Points.of(conductivities_of(table), champion.model.mobility)  # a bad batch ends before a long reading
        predict = partial(_predict, points, self._settings)
        alone, left_out = predict_new(predict, points.table.paper, is_new, self.seed, on_step)
        material = np.unique(_electrolytes(points.table.batch)[is_new], return_inverse=True)[1].reshape(-1)
        against = contradictions(points.table, is_new)
        return new_rows(answers, alone, left_out, material, against, seed=self.seed)

    def new_rows(self, training_set: TrainingSet, champion: Champion) -> HeldOutPredictions | None:
        """Return the champion's answers to the new points."""
        if not training_set.n_new:
            return None
        new = training_set.table[training_set.is_new]
        table, model = conductivities_of(new), champion.model
        said = model.interval(model.predict(table.batch, table.temperature_C), COVERAGE)
        return _judged(new, table, *said)

    def baseline(
        self, training_set: TrainingSet, champion: Champion
    ) -> tuple[Callable[..., Baseline], tuple[Any, ...]]:
        """Return `work_out_baseline` with what it needs."""
        return work_out_baseline, (training_set.base, self._mobility, self._settings)

    def fit(self, training_set: TrainingSet, folder: Path, on_step: OnStep) -> Fitted:
        """Fit and calibrate the challenger on all points, and write its bundle."""
        fit = fit_conductivities(self._points(training_set.table), self._mobility, self._settings, on_step)
        recipe = self.recipe() | {"training_set": training_set.hash, "ledger": training_set.ledger_hash}
        golden = golden_arrays(read_golden())
        card = card_of(fit, golden, training_set.sources, recipe)
        digest = save_with_ledger(folder, card, {**fit.model.arrays(), **golden}, training_set.ledger_rows)
        return Fitted(digest, _left_out(fit.points, fit.left_out, training_set.table, self._settings))

    def official(
        self, training_set: TrainingSet, folder: Path, digest: str, on_step: OnStep
    ) -> HeldOutPredictions | None:
        """Return None: there is no official split."""
        return None

    def neighbours(self, training_set: TrainingSet, distance: float) -> list[str]:
        """Return known points whose chain lies within a distance of a new one's."""
        table, is_new = training_set.known_and_new()
        if not is_new.any():
            return []
        points = self._points(table)
        chains = Scales.of(points.inputs, points.table.curve)(points.inputs)
        known, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
        apart = 1.0 - chain_likeness(self._settings.kernel, chains.take(known), chains.take(new)).max(axis=1)
        return [str(name) for name in table["row_id"].to_numpy()[known][apart <= distance]]

    def golden(self, champion: Champion, challenger: Any) -> list[GoldenMaterial]:  # noqa: ANN401
        """Ask both models at 60 C about the electrolytes that most papers of the public table report."""
        names, batch, accepted = self._golden
        degrees = np.full(len(batch), GOLDEN_C)
        said = [model.predict(batch, degrees).log10_sigma.tolist() for model in (champion.model, challenger)]
        return [GoldenMaterial(*row) for row in zip(names, accepted.tolist(), *said, strict=True)]

    def answer_once(self, model: PolymerModel) -> None:
        """Predict one electrolyte."""
        model.predict(self._golden[1].take(np.arange(1)), np.array([GOLDEN_C]))

    @cached_property
    def _golden(self) -> tuple[list[str], PolymerBatch, Array]:
        return golden_electrolytes(conductivities_of(self._rows))

    def _points(self, table: pd.DataFrame) -> Points:
        return Points.of(conductivities_of(table), self._mobility)


def work_out_baseline(base: pd.DataFrame, mobility: ChainMobility, settings: PolymerSettings) -> Baseline:
    """Predict the champion's points, each without its paper."""
    points = Points.of(conductivities_of(base), mobility)
    folds = folds_of(points.table.paper, settings.n_folds, settings.seed)
    left_out = leave_out(points, folds, settings, lambda what: None)
    return Baseline(_left_out(points, left_out, base, settings), None)


def contradictions(table: Conductivities, is_new: Flags) -> Contradictions:
    """Count new points a decade or more off the median of other papers on the same electrolyte and temperature."""
    batch, degrees = table.batch, table.temperature_C
    electrolyte = np.unique(np.char.add(batch.polymer_keys, batch.salt_keys), return_inverse=True)[1].reshape(-1)

    def is_same(row: int, others: Rows) -> Flags:
        molality = batch.molality[others]
        apart = np.abs(molality - batch.molality[row]) <= SAME_AMOUNT * np.maximum(molality, batch.molality[row])
        near = np.abs(degrees[others] - degrees[row]) <= SAME_TEMPERATURE_C
        same: Flags = near & apart & (electrolyte[others] == electrolyte[row])
        return same

    usable = np.ones(len(table), dtype=bool)
    return Contradictions.between(table.log10_sigma, table.paper, usable, is_new, is_same)


def golden_electrolytes(table: Conductivities) -> tuple[list[str], PolymerBatch, Array]:
    """Return the electrolytes that most papers measured near 60 C, `N_GOLDEN` at most, and the median of papers."""
    near = np.flatnonzero(np.abs(table.temperature_C - GOLDEN_C) <= SAME_TEMPERATURE_C)
    names, first, of_point = np.unique(_electrolytes(table.batch)[near], return_index=True, return_inverse=True)
    found = []
    for number in range(len(names)):
        own = near[of_point.reshape(-1) == number]
        papers = np.unique(table.paper[own])
        medians = [np.median(table.log10_sigma[own][table.paper[own] == paper]) for paper in papers]
        found.append((-len(papers), int(near[first[number]]), float(np.median(medians))))
    chosen = sorted(found)[:N_GOLDEN]
    batch = table.batch.take(np.array([row for _, row, _ in chosen], dtype=np.int64))
    named = zip(batch.polymer_keys, batch.salt_keys, batch.molality, strict=True)
    texts = [f"{polymer_name(str(unit))} with {amount:.3g} mol/kg {salt_name(str(key))}" for unit, key, amount in named]
    return texts, batch, np.array([accepted for _, _, accepted in chosen])


def _electrolytes(batch: PolymerBatch) -> NDArray[np.str_]:
    amounts = np.array([f"|{amount:.2g}" for amount in batch.molality], dtype=np.str_)
    found: NDArray[np.str_] = np.char.add(np.char.add(batch.polymer_keys, batch.salt_keys), amounts)
    return found


def _predict(points: Points, settings: PolymerSettings, learnt: Rows, asked: Rows) -> Array:
    parts, those = fit_parts(points.take(learnt), settings), points.take(asked)
    process, trees = parts(those.inputs, those.table.batch.polymer_keys, those.table.temperature_C)
    return PROCESS_SHARE * process + (1.0 - PROCESS_SHARE) * trees


def _left_out(
    points: Points, left_out: LeftOutPoints, rows: pd.DataFrame, settings: PolymerSettings
) -> HeldOutPredictions:
    """Return left-out points with intervals that the other folds set the width of."""
    paper = points.table.paper
    half_width = half_widths(points, folds_of(paper, settings.n_folds, settings.seed), left_out, paper)
    value = left_out.log10_sigma
    return _judged(rows, points.table, value, value - half_width, value + half_width)


def _judged(rows: pd.DataFrame, table: Conductivities, value: Array, lower: Array, upper: Array) -> HeldOutPredictions:
    never, row_id = np.zeros(len(table), dtype=bool), rows["row_id"].to_numpy(dtype=np.str_)
    family = np.array([polymer_name(str(key)) for key in table.batch.polymer_keys], dtype=np.str_)
    return HeldOutPredictions(row_id, table.paper, family, table.log10_sigma, value, lower, upper, never, never)
