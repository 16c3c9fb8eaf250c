"""Retraining of conductivity: its tables, its fit, its two variants judged as they are served.

A row with a unit cell is judged by the lattice variant, any other by the formula variant, as the service answers. The
champion itself was fitted on the official test split too, as every served model is; so it is its recipe, on its data
without that split, that the challenger's recipe is compared with there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.bundle import DataSource
from training.properties.conductivity.bundling import load_conductivity
from training.properties.conductivity.ensemble import Ensemble, EnsembleSettings, Pool
from training.properties.conductivity.explanation import with_explainers
from training.properties.conductivity.golden import load_golden
from training.properties.conductivity.learnability import examine
from training.properties.conductivity.model import (
    VARIANTS,
    ConductivityModel,
    OutOfFold,
    Variant,
    at_temperature,
    cross_fit,
    fit_model,
    n_steps,
)
from training.properties.conductivity.recipe import (
    PUBLIC_SOURCES,
    card_of,
    cross_validated_metrics,
    fixed_choices,
    load_tables,
)
from training.properties.conductivity.recipe_change import VERDICTS_PATH, change_between
from training.properties.conductivity.rows import ConductivityRows
from training.properties.conductivity.schema import LATTICE_COLUMNS
from training.properties.conductivity.table import leaks_into_test, load_obelix
from training.properties.conductivity.training_set import assemble
from training.refitting.bundles import save_with_ledger
from training.refitting.champion import Champion
from training.refitting.comparison import DECADES, GoldenMaterial, NewRows, RecipeChange
from training.refitting.held_out import HeldOutPredictions
from training.refitting.learnability import known_nearby
from training.refitting.property_job import Baseline, Fitted, OnStep
from training.refitting.training_set import TrainingSet
from training.sources import MissingSourceError, require
from training.splits import grouped_folds
from training.uncertainty import ConformalScale

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows

RECIPE_VERSION = 1
"""Raised when this file changes what comes out of a fit."""
METRICS_COMMAND = "elyte retrain conductivity"
COVERAGE = 0.9
N_OFFICIAL_STEPS = 2
OBELIX_TEST = partial(load_obelix, "test")
OfficialSplit = Callable[[], "pd.DataFrame"]
Tables = Callable[[], "tuple[pd.DataFrame, list[DataSource], list[str]]"]


class ConductivityJob:
    """See the module's docstring.

    Parameters
    ----------
    settings
        Sizes and seeds; None takes the recipe's.
    tables
        Where the rows beside the ledger's come from.
    official_split
        Where the frozen rows come from on which recipes are compared; a function of a module, for another process.
    verdicts
        What the boards said of changes of the recipe.
    """

    name = "conductivity"
    unit = DECADES

    def __init__(
        self,
        settings: EnsembleSettings | None = None,
        tables: Tables = load_tables,
        official_split: OfficialSplit = OBELIX_TEST,
        verdicts: Path = VERDICTS_PATH,
    ) -> None:
        self.settings, self.verdicts = settings or EnsembleSettings(), verdicts
        self._tables, self._official_split = tables, official_split

    @property
    def seed(self) -> int:
        """Seed of the fit, of folds and of permutations."""
        return self.settings.seed

    @property
    def n_steps(self) -> int:
        """Steps of a full run, those of the examination at most."""
        return 6 + n_steps(self.settings) + len(VARIANTS) + N_OFFICIAL_STEPS

    def check_tables(self) -> None:
        """Raise `MissingSourceError` where a public table is not on this machine.

        A model can be fitted on the embedded literature alone, but not be judged: the official split is missing, and
        whoever is compared with a champion of all tables should have learnt from them too.
        """
        if self._tables is load_tables:
            require(PUBLIC_SOURCES, "retraining of conductivity")

    def recipe(self) -> dict[str, Any]:
        """Return settings and constants of the recipe."""
        return asdict(self.settings) | fixed_choices()

    def recipe_change(self, champion: Champion) -> RecipeChange | None:
        """Compare with the recipe in the champion's card."""
        return change_between(champion.bundle.card.recipe, self.recipe(), self.verdicts)

    def read(self, from_ledger: TrainingRows, champion: Champion | None) -> TrainingSet:
        """Assemble tables and ledger; see `assemble`."""
        recipe = self.recipe() | {"retraining": RECIPE_VERSION}
        return assemble(self._tables(), from_ledger, champion, recipe)

    def examine(self, training_set: TrainingSet, champion: Champion, on_step: OnStep) -> NewRows | None:
        """Examine the new rows; the champion's process lends its hyperparameters."""
        answers = self.new_rows(training_set, champion)
        if answers is None:
            return None
        table, is_new = training_set.known_and_new(value="log10_sigma_S_per_cm")
        hyper = champion.model.variants["formula"].ensemble.process.hyper
        rows = ConductivityRows.from_table(table)
        return examine(
            rows, is_new, replace(answers, source=rows.paper[is_new]), hyper, seed=self.seed, on_step=on_step
        )

    def new_rows(self, training_set: TrainingSet, champion: Champion) -> HeldOutPredictions | None:
        """Return the champion's answers to new rows that carry a conductivity."""
        table, is_new = training_set.known_and_new(value="log10_sigma_S_per_cm")
        new = table[is_new].reset_index(drop=True)
        if not len(new):
            return None
        rows = ConductivityRows.from_table(new)
        said = champion.model.predict(_batch(new), rows.temperature_C, COVERAGE).log10_sigma_S_per_cm
        return _judged(_ids(new), rows, said.value, said.lower, said.upper)

    def baseline(
        self, training_set: TrainingSet, champion: Champion
    ) -> tuple[Callable[..., Baseline], tuple[Any, ...]]:
        """Return `work_out_baseline` with what it needs."""
        return work_out_baseline, (
            training_set.base,
            _ensembles(champion.model),
            self.settings,
            self._official_split,
        )

    def fit(self, training_set: TrainingSet, folder: Path, on_step: OnStep) -> Fitted:
        """Fit, calibrate and explain the challenger on all rows, and write its bundle."""
        rows = ConductivityRows.from_table(training_set.table)
        model, left_out = fit_model(rows, self.settings, on_step=on_step)
        model, fidelity = with_explainers(model, rows, self.settings, on_step=on_step)
        metrics = cross_validated_metrics(model, left_out) | fidelity
        recipe = self.recipe() | {"training_set": training_set.hash, "ledger": training_set.ledger_hash}
        card = card_of(model, metrics, training_set.sources, training_set.lacking, recipe, command=METRICS_COMMAND)
        digest = save_with_ledger(folder, card, model.arrays(), training_set.ledger_rows)
        return Fitted(digest, judge_left_out(left_out, _ids(training_set.table)))

    def official(
        self, training_set: TrainingSet, folder: Path, digest: str, on_step: OnStep
    ) -> HeldOutPredictions | None:
        """Fit on all but the official test split, with the challenger's hyperparameters, and predict the split."""
        model, _ = load_conductivity(folder, digest)
        scales = {name: variant.sigma_scale for name, variant in model.variants.items()}
        return judge_official(
            training_set.table, _ensembles(model), scales, self.settings, self._official_split, on_step=on_step
        )

    def neighbours(self, training_set: TrainingSet, distance: float) -> list[str]:
        """Return known rows within a half-L1 distance of a new one."""
        table, is_new = training_set.known_and_new(value="log10_sigma_S_per_cm")
        return known_nearby(table, is_new, distance)

    def golden(self, champion: Champion, challenger: Any) -> list[GoldenMaterial]:  # noqa: ANN401
        """Ask both about `golden_materials.csv`, at 25 C and by formula, before measurements move the answers."""
        known = load_golden()
        batch = MaterialBatch.from_formulas([golden.formula for golden in known])
        said = [m.predict(batch, thresholds=()).of_model for m in (champion.model, challenger)]
        return [
            GoldenMaterial(golden.formula, golden.log10_sigma, float(before), float(after))
            for golden, before, after in zip(known, *said, strict=True)
        ]

    def answer_once(self, model: Any) -> None:  # noqa: ANN401
        """Predict one formula."""
        model.predict(MaterialBatch.from_formulas(["Li6PS5Cl"]), 25.0)


def work_out_baseline(
    base: pd.DataFrame, champions: Mapping[str, Ensemble], settings: EnsembleSettings, official_split: OfficialSplit
) -> Baseline:
    """Predict the champion's rows without their papers, and the official split without it, with its hyperparameters."""
    rows = ConductivityRows.from_table(base)
    left_out = {name: cross_fit(rows, name, kept.process.hyper, settings) for name, kept in champions.items()}
    scales = {name: _scale(out, name, np.ones(len(rows), dtype=bool)) for name, out in left_out.items()}
    return Baseline(
        judge_left_out(left_out, _ids(base)), judge_official(base, champions, scales, settings, official_split)
    )


def judge_left_out(left_out: Mapping[str, OutOfFold], row_id: NDArray[np.str_]) -> HeldOutPredictions:
    """Return left-out conductivities as served; each half of the papers calibrates the intervals of the other."""
    rows = left_out["formula"].rows
    half = grouped_folds(rows.paper, 2, seed=0)
    value, lower, upper = (np.empty(len(rows)) for _ in range(3))
    for name, out in left_out.items():
        own = rows.descriptors.has_lattice if name == "lattice" else np.ones(len(rows), dtype=bool)
        pool = at_temperature(out.pool, rows.temperature_C)
        for number in (0, 1):
            reach = _scale(out, name, half != number).factor(COVERAGE)
            held = own & (half == number)
            value[held] = pool.centre[held]
            lower[held] = (pool.centre - reach * pool.below)[held]
            upper[held] = (pool.centre + reach * pool.above)[held]
    judged = _judged(row_id, rows, value, lower, upper)
    return judged.take(rows.has_sigma)


def judge_official(
    table: pd.DataFrame,
    ensembles: Mapping[str, Ensemble],
    scales: Mapping[str, ConformalScale],
    settings: EnsembleSettings,
    official_split: OfficialSplit,
    *,
    on_step: OnStep = lambda what: None,
) -> HeldOutPredictions | None:
    """Predict the official test split from a table without it and without what leaks into it.

    Parameters
    ----------
    table
        Rows to learn from, the test split among them or not.
    ensembles
        Per variant, for its hyperparameters.
    scales
        Per variant, for its intervals.

    Returns
    -------
    HeldOutPredictions or None
        None where the split is not on this machine.
    """
    try:
        test = official_split()
    except MissingSourceError:
        return None
    is_safe = np.where(table["source"] == "obelix", table["obelix_split"] == "train", ~leaks_into_test(table, test))
    rows, asked = (ConductivityRows.from_table(t.reset_index(drop=True)) for t in (table[is_safe], test))
    value, lower, upper = (np.empty(len(asked)) for _ in range(3))
    for name, champion in ensembles.items():
        own = asked.descriptors.has_lattice if name == "lattice" else np.ones(len(asked), dtype=bool)
        if not own.any():
            continue
        fitted = Ensemble.fit(rows, name, settings, hyper=champion.process.hyper)
        pool: Pool = at_temperature(fitted.predict(asked.descriptors), asked.temperature_C)
        reach = scales[name].factor(COVERAGE)
        value[own] = pool.centre[own]
        lower[own], upper[own] = (pool.centre - reach * pool.below)[own], (pool.centre + reach * pool.above)[own]
        on_step(f"official split: {name}")
    return _judged(_ids(test), asked, value, lower, upper)


def _scale(out: OutOfFold, variant: str, chosen: NDArray[np.bool_]) -> ConformalScale:
    return out.sigma_scale(chosen & (out.rows.descriptors.has_lattice if variant == "lattice" else True))


def _judged(
    row_id: NDArray[np.str_],
    rows: ConductivityRows,
    value: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> HeldOutPredictions:
    never = np.zeros(len(rows), dtype=bool)
    return HeldOutPredictions(
        row_id, rows.paper, rows.family, rows.log10_sigma, value, lower, upper, rows.is_upper_bound, never
    )


def _ensembles(model: ConductivityModel) -> dict[str, Ensemble]:
    variants: dict[str, Variant] = model.variants
    return {name: variant.ensemble for name, variant in variants.items()}


def _batch(table: pd.DataFrame) -> MaterialBatch:
    return MaterialBatch.from_formulas(list(table["formula"]), table[list(LATTICE_COLUMNS)].to_numpy(dtype=float))


def _ids(table: pd.DataFrame) -> NDArray[np.str_]:
    return table["row_id"].to_numpy(dtype=np.str_)
