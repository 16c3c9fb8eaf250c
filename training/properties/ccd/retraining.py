"""Retraining of critical current densities: leaving one source out takes the place of an official split.

Materials are described by the shipped models of conductivity and stability, as in `elyte train ccd`. What counts as one
material elsewhere is one report here: a material is reported under many conditions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.bundle import DataSource
from training.properties.ccd.bundling import golden_predictions
from training.properties.ccd.cells import Cells, MaterialNumbers, Reports
from training.properties.ccd.model import LeftOut, Regression, conformal_scale, cross_fit, fit_model
from training.properties.ccd.recipe import ReportSet, card_of, choices, report_set
from training.properties.ccd.schema import NO_INTERLAYER, PLAIN_ANODE
from training.properties.ccd.table import LITERATURE_PATH, load_literature
from training.properties.ccd.training_set import assemble
from training.refitting.bundles import save_with_ledger
from training.refitting.champion import Champion
from training.refitting.comparison import DECADES, GoldenMaterial, NewRows, RecipeChange
from training.refitting.held_out import HeldOutPredictions
from training.refitting.learnability import Contradictions, new_rows, predict_new
from training.refitting.property_job import Baseline, Fitted, OnStep
from training.refitting.training_set import TrainingSet
from training.splits import composition_key, leave_one_group_out

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows
    from training.properties.conductivity.model import ConductivityModel
    from training.properties.stability.model import StabilityModel

RECIPE_VERSION = 1
METRICS_COMMAND = "elyte retrain ccd"
COVERAGE = 0.9
FEWEST_PAPERS_OF_GOLDEN = 3
ROOM_TEMPERATURE_C, SAME_TEMPERATURE_C = 25.0, 15.0
Flags = NDArray[np.bool_]
OtherModels = Callable[[], "tuple[ConductivityModel | None, StabilityModel | None]"]


class CcdJob:
    """See the module's docstring.

    Parameters
    ----------
    other_models
        Loads the models of conductivity and stability.
    seed
        Of folds and permutations; the fit has no chance in it.
    literature
        The table that the ledger's rows join.
    """

    name = "ccd"
    unit = DECADES

    def __init__(self, other_models: OtherModels, *, seed: int = 0, literature: Path = LITERATURE_PATH) -> None:
        self.seed, self._load_others, self._literature = seed, other_models, literature

    @cached_property
    def _others(self) -> tuple[ConductivityModel | None, StabilityModel | None]:
        return self._load_others()

    @property
    def n_steps(self) -> int:
        """Steps of a full run, about: one a paper."""
        return 8 + int(load_literature(self._literature)["paper"].nunique())

    def check_tables(self) -> None:
        """Nothing to check: its table is part of elyte."""

    def recipe(self) -> dict[str, Any]:
        """Return the constants of the recipe."""
        return choices()

    def recipe_change(self, champion: Champion) -> RecipeChange | None:
        """Return None: there are no boards for recipes."""
        return None

    def read(self, from_ledger: TrainingRows, champion: Champion | None) -> TrainingSet:
        """Assemble the embedded table and the ledger; see `assemble`."""
        table = load_literature(self._literature)
        source = DataSource(
            name="ccd literature",
            rows=len(table),
            licence="facts with sources",
            attribution="compiled for elyte, a DOI or reference per row",
            sha256=hashlib.sha256(self._literature.read_bytes()).hexdigest(),
        )
        recipe = self.recipe() | {"retraining": RECIPE_VERSION, "seed": self.seed}
        return assemble(table, source, from_ledger, champion, recipe)

    def examine(self, training_set: TrainingSet, champion: Champion, on_step: OnStep) -> NewRows | None:
        """Predict every new report from other sources, without and with the new ones."""
        answers = self.new_rows(training_set, champion)
        if answers is None:
            return None
        material, is_new = self._known_and_new(training_set)
        reports = material.reports
        predict = partial(_predict, reports)
        alone, left_out = predict_new(predict, reports.paper, is_new, self.seed, on_step)
        each = np.arange(len(alone), dtype=np.int64)
        return new_rows(answers, alone, left_out, each, contradictions(reports, is_new), seed=self.seed)

    def new_rows(self, training_set: TrainingSet, champion: Champion) -> HeldOutPredictions | None:
        """Return the champion's answers to new reports of the regular regime."""
        material, is_new = self._known_and_new(training_set)
        if not is_new.any():
            return None
        new = material.reports.take(is_new)
        said = champion.model.predict(new.cells, COVERAGE)
        return _judged(material.id[is_new], new, said.value, said.lower, said.upper)

    def baseline(
        self, training_set: TrainingSet, champion: Champion
    ) -> tuple[Callable[..., Baseline], tuple[Any, ...]]:
        """Return `work_out_baseline` with what it needs."""
        material = self._report_set(training_set.base)
        return work_out_baseline, (material.id, material.reports)

    def fit(self, training_set: TrainingSet, folder: Path, on_step: OnStep) -> Fitted:
        """Fit and calibrate the challenger on all reports, and write its bundle."""
        material = self._report_set(training_set.table)
        model, left_out = fit_model(material.reports, material.shelf, on_step=on_step)
        recipe = self.recipe() | {"training_set": training_set.hash, "ledger": training_set.ledger_hash}
        card = card_of(model, left_out, training_set.table, training_set.sources, recipe, command=METRICS_COMMAND)
        digest = save_with_ledger(folder, card, model.arrays(), training_set.ledger_rows)
        return Fitted(digest, judge_left_out(left_out, material.id))

    def official(
        self, training_set: TrainingSet, folder: Path, digest: str, on_step: OnStep
    ) -> HeldOutPredictions | None:
        """Return None: there is no official split."""
        return None

    def neighbours(self, training_set: TrainingSet, distance: float) -> list[str]:
        """Return known reports of the class and treatment of a new one."""
        material, is_new = self._known_and_new(training_set)
        cells = material.reports.cells
        treated = np.where(cells.interlayer_type == NO_INTERLAYER, " bare", " treated")
        kind = np.char.add(cells.electrolyte_class, treated)
        return [str(name) for name in material.id[~is_new & np.isin(kind, kind[is_new])]]

    def golden(self, champion: Champion, challenger: Any) -> list[GoldenMaterial]:  # noqa: ANN401
        """Ask both models about bare cells of materials that several papers of the embedded table report."""
        found = golden_cells(self._report_set(load_literature(self._literature)))
        said = [
            [float(model.predict(cells).value[0]) for _, cells, _ in found] for model in (champion.model, challenger)
        ]
        return [
            GoldenMaterial(formula, accepted, before, after)
            for (formula, _, accepted), before, after in zip(found, *said, strict=True)
        ]

    def answer_once(self, model: Any) -> None:  # noqa: ANN401
        """Predict one cell."""
        golden_predictions(model, [("Li6PS5Cl", ROOM_TEMPERATURE_C)])

    def _report_set(self, table: pd.DataFrame) -> ReportSet:
        return report_set(table, *self._others)

    def _known_and_new(self, training_set: TrainingSet) -> tuple[ReportSet, Flags]:
        table, _ = training_set.known_and_new(id_column="id")
        material = self._report_set(table)
        new = training_set.table["id"][training_set.is_new]
        return material, np.isin(material.id, new.to_numpy(dtype=np.str_))


def work_out_baseline(row_id: NDArray[np.str_], reports: Reports) -> Baseline:
    """Predict the champion's reports, each without its paper."""
    return Baseline(judge_left_out(cross_fit(reports), row_id), None)


def judge_left_out(left_out: LeftOut, row_id: NDArray[np.str_]) -> HeldOutPredictions:
    """Return left-out reports with intervals whose width other papers' scores set."""
    reports, (centre, sd) = left_out.reports, left_out.opinion
    reach = np.empty(len(centre))
    for others, test in leave_one_group_out(reports.paper):
        chosen = np.zeros(len(centre), dtype=bool)
        chosen[others] = True
        reach[test] = conformal_scale(left_out, chosen).factor(COVERAGE)
    return _judged(row_id, reports, centre, centre - reach * sd, centre + reach * sd)


def contradictions(reports: Reports, is_new: Flags) -> Contradictions:
    """Count new reports a decade or more off the median of other papers on the same material and conditions."""
    cells = reports.cells
    degrees = np.nan_to_num(cells.temperature_C, nan=ROOM_TEMPERATURE_C)

    def is_same(row: int, others: NDArray[np.int64]) -> Flags:
        near = np.abs(degrees[others] - degrees[row]) <= SAME_TEMPERATURE_C
        alike = np.abs(cells.composition[others] - cells.composition[row]).sum(axis=1) < 0.02
        same: Flags = (cells.interlayer_type[others] == cells.interlayer_type[row]) & near & alike
        return same

    usable = ~reports.is_lower_bound & cells.composition.any(axis=1)
    return Contradictions.between(reports.log10_ccd, reports.paper, usable, is_new, is_same)


def golden_cells(material: ReportSet) -> list[tuple[str, Cells, float]]:
    """Return formula, bare cell at 25 C and median log10 CCD of materials of three papers or more."""
    reports, shelf = material.reports, material.shelf
    formula = np.array([shelf.formula[shelf.id == name][0] for name in material.id], dtype=np.str_)
    bare = (reports.cells.interlayer_type == NO_INTERLAYER) & ~reports.is_lower_bound & (formula != "")
    degrees = np.nan_to_num(reports.cells.temperature_C, nan=ROOM_TEMPERATURE_C)
    rows = np.flatnonzero(bare & (np.abs(degrees - ROOM_TEMPERATURE_C) <= SAME_TEMPERATURE_C))
    key = np.array([composition_key(text) for text in formula[rows]], dtype=np.str_)
    found = []
    for name in np.unique(key):
        own = rows[key == name]
        if len(np.unique(reports.paper[own])) >= FEWEST_PAPERS_OF_GOLDEN:
            of_paper = [
                np.median(reports.log10_ccd[own][reports.paper[own] == p]) for p in np.unique(reports.paper[own])
            ]
            text = str(formula[own[0]])
            found.append((text, _bare_cell(text, reports, own), float(np.median(of_paper))))
    return found


def _bare_cell(formula: str, reports: Reports, rows: NDArray[np.int64]) -> Cells:
    cells, unknown = reports.cells, np.full(1, np.nan)
    known = (cells.log10_sigma, cells.reduction_V, 10.0**cells.log10_hull_eV)
    numbers = MaterialNumbers(*(np.array([_median(part[rows])]) for part in known))
    return Cells.of(
        [str(cells.electrolyte_class[rows[0]])],
        MaterialBatch.from_formulas([formula]).matrix(),
        numbers,
        interlayer_type=[NO_INTERLAYER],
        anode=[PLAIN_ANODE],
        temperature_C=np.array([ROOM_TEMPERATURE_C]),
        relative_density=unknown,
        interfacial_resistance_ohm_cm2=unknown,
        stack_pressure_MPa=unknown,
    )


def _median(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


def _predict(reports: Reports, learnt: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.float64]:
    return Regression.of(reports.take(learnt))(reports.cells.take(asked)).centre


def _judged(
    row_id: NDArray[np.str_],
    reports: Reports,
    value: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> HeldOutPredictions:
    never = np.zeros(len(reports), dtype=bool)
    return HeldOutPredictions(
        row_id,
        reports.paper,
        reports.cells.electrolyte_class,
        reports.log10_ccd,
        value,
        lower,
        upper,
        never,
        reports.is_lower_bound,
    )
