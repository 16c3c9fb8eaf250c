"""Retraining of any property whose recipe is a fit on a table and a prediction for it.

The table has the columns `row_id`, `formula`, `value`, `paper`, and where some values are only bounds `bound` ("upper",
"lower" or ""); more columns are the recipe's own. Limits of gates are in decades where `value` is a decimal logarithm
(`PlainJob.is_log10`), else in its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.bundle import Card, DataSource
from training.refitting.bundles import save_with_ledger
from training.refitting.champion import Champion
from training.refitting.comparison import DECADES, GoldenMaterial, NewRows, RecipeChange
from training.refitting.held_out import HeldOutPredictions
from training.refitting.learnability import Contradictions, known_nearby, new_rows, predict_new
from training.refitting.property_job import Baseline, Fitted, OnStep
from training.refitting.training_set import Tables, TrainingSet, assemble, changed_tables
from training.splits import composition_key, leave_one_group_out
from training.uncertainty import SMALLEST_SCALE, ConformalScale, Interval

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows

RECIPE_VERSION = 1
"""Raised when this file changes what comes out of a fit."""
COVERAGE = 0.9
SAME_MATERIAL_DISTANCE = 0.01
N_GOLDEN = 10
ROW_ID, FORMULA, VALUE, PAPER, BOUND = "row_id", "formula", "value", "paper", "bound"
Array = NDArray[np.float64]
Fit = Callable[["pd.DataFrame"], "PlainModel"]
Predict = Callable[[Any, "pd.DataFrame", float], Interval]


class PlainModel(Protocol):
    """What comes out of a fit."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""


class MakeCard(Protocol):
    """Describes a fitted model for its bundle."""

    def __call__(self, model: Any, sources: Sequence[DataSource], recipe: dict[str, Any]) -> Card:  # noqa: ANN401
        """Return the card; `recipe` goes into it as it is given."""


@dataclass(frozen=True, slots=True)
class PlainRecipe:
    """What a property brings.

    Parameters
    ----------
    tables
        Returns the rows beside the ledger's, where they come from, and what the model will lack.
    fit, predict
        A model from a table; its answers to a table at a coverage. Functions of a module or `functools.partial` of
        these: another process calls them too. `value` may be missing where it is predicted.
    card
        Describes a fitted model.
    settings
        Constants that decide, beside the data, what comes out of a fit.
    """

    tables: Callable[[], Tables]
    fit: Fit
    predict: Predict
    card: MakeCard
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlainJob:
    """A `PropertyJob`; see the module's docstring.

    Parameters
    ----------
    name
        Of the property.
    measured
        The ledger's column of the value; rows without it are not learnt from.
    plain
        What the property brings.
    is_log10
        Whether `value` is the decimal logarithm of that column.
    seed
        Of folds and permutations.
    unit
        Of errors, in reasons and reports: where `value` is no logarithm that of the column.
    """

    name: str
    measured: str
    plain: PlainRecipe
    is_log10: bool = False
    seed: int = 0
    unit: str = DECADES

    @property
    def n_steps(self) -> int:
        """Steps of a full run, about: one a source."""
        return 4 + int(self.plain.tables()[0][PAPER].nunique())

    def check_tables(self) -> None:
        """Let the recipe read its tables: it raises `MissingSourceError` where one is not on this machine."""
        self.plain.tables()

    def recipe(self) -> dict[str, Any]:
        """Return the recipe's settings."""
        return dict(self.plain.settings)

    def recipe_change(self, champion: Champion) -> RecipeChange | None:
        """Return None: there are no boards for recipes."""
        return None

    def read(self, from_ledger: TrainingRows, champion: Champion | None) -> TrainingSet:
        """Assemble the recipe's table and the ledger's rows."""
        tables = self.plain.tables()
        ledger = replace(
            from_ledger, table=rows_of_ledger(from_ledger.table, self.measured, tables[0], is_log10=self.is_log10)
        )
        told = [f"{len(from_ledger.left_out)} rows of the ledger are not learnt from"] * bool(from_ledger.left_out)
        changed = changed_tables(champion.bundle.card, tables[1]) if champion is not None else []
        if changed:
            told.append(
                f"the champion was fitted on another {', '.join(changed)}: what stands for it is its recipe on today's"
            )
        recipe = self.recipe() | {"retraining": RECIPE_VERSION, "seed": self.seed}
        return assemble(self.name, tables, ledger, champion, recipe, remarks=told)

    def examine(self, training_set: TrainingSet, champion: Champion, on_step: OnStep) -> NewRows | None:
        """Predict every new row from other sources, without and with the new ones."""
        answers = self.new_rows(training_set, champion)
        if answers is None:
            return None
        table, is_new = training_set.known_and_new()

        def predict(learnt: NDArray[np.int64], asked: NDArray[np.int64]) -> Array:
            model = self.plain.fit(table.iloc[learnt].reset_index(drop=True))
            return self.plain.predict(model, table.iloc[asked].reset_index(drop=True), COVERAGE).value

        sources = table[PAPER].to_numpy(dtype=np.str_)
        alone, left_out = predict_new(predict, sources, is_new, self.seed, on_step)
        keys = [composition_key(formula) for formula in table[FORMULA][is_new]]
        material = np.unique(keys, return_inverse=True)[1].reshape(-1)
        return new_rows(answers, alone, left_out, material, contradictions(table, is_new), seed=self.seed)

    def new_rows(self, training_set: TrainingSet, champion: Champion) -> HeldOutPredictions | None:
        """Return the champion's answers to the new rows."""
        if not training_set.n_new:
            return None
        new = training_set.table[training_set.is_new].reset_index(drop=True)
        return judged(new, self.plain.predict(champion.model, new, COVERAGE))

    def baseline(
        self, training_set: TrainingSet, champion: Champion
    ) -> tuple[Callable[..., Baseline], tuple[Any, ...]]:
        """Return `work_out_baseline` with the recipe's two functions, and the champion's rows."""
        return partial(work_out_baseline, self.plain.fit, self.plain.predict), (training_set.base,)

    def fit(self, training_set: TrainingSet, folder: Path, on_step: OnStep) -> Fitted:
        """Fit the challenger on all rows, write its bundle, and predict each row without its source."""
        model = self.plain.fit(training_set.table)
        on_step("fit")
        recipe = self.recipe() | {"training_set": training_set.hash, "ledger": training_set.ledger_hash}
        card = self.plain.card(model, training_set.sources, recipe)
        digest = save_with_ledger(folder, card, model.arrays(), training_set.ledger_rows)
        return Fitted(digest, leave_sources_out(self.plain.fit, self.plain.predict, training_set.table, on_step))

    def official(
        self, training_set: TrainingSet, folder: Path, digest: str, on_step: OnStep
    ) -> HeldOutPredictions | None:
        """Return None: there is no official split."""
        return None

    def neighbours(self, training_set: TrainingSet, distance: float) -> list[str]:
        """Return known rows within a half-L1 distance of a new one."""
        return known_nearby(*training_set.known_and_new(), distance)

    def golden(self, champion: Champion, challenger: Any) -> list[GoldenMaterial]:  # noqa: ANN401
        """Ask both models about the most repeated rows of the recipe's table; see `golden_rows`."""
        rows = golden_rows(self.plain.tables()[0])
        before, after = (self.plain.predict(model, rows, COVERAGE).value for model in (champion.model, challenger))
        numbers = np.stack([rows[VALUE].to_numpy(dtype=float), before, after], axis=1).tolist()
        return [GoldenMaterial(formula, *row) for formula, row in zip(rows[FORMULA], numbers, strict=True)]

    def answer_once(self, model: Any) -> None:  # noqa: ANN401
        """Predict the first row of the table."""
        self.plain.predict(model, self.plain.tables()[0].iloc[:1], COVERAGE)


def golden_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the materials that most sources report, `N_GOLDEN` at most, with the median of their values.

    Rows are of one material where the composition and the recipe's own columns are the same; bounds do not count. Of
    materials that as many sources report, those with more rows come first, then those that stand first in the table.
    """
    usable = table[(_bound(table) == "") & table[VALUE].notna()]
    own = [name for name in usable.columns if name not in (ROW_ID, FORMULA, VALUE, PAPER, BOUND)]
    described = zip(map(composition_key, usable[FORMULA]), *(usable[name].astype(str) for name in own), strict=True)
    _, first, material = np.unique(["|".join(parts) for parts in described], return_index=True, return_inverse=True)
    by_material = usable.groupby(material)
    order = np.lexsort((first, -by_material.size(), -by_material[PAPER].nunique()))[:N_GOLDEN]
    accepted = by_material[VALUE].median().to_numpy()
    chosen: pd.DataFrame = usable.iloc[first[order]].reset_index(drop=True)
    return chosen.assign(**{VALUE: accepted[order]})


def rows_of_ledger(ledger: pd.DataFrame, measured: str, like: pd.DataFrame, *, is_log10: bool) -> pd.DataFrame:
    """Return the ledger's rows that carry the measured column, with the columns and types of the recipe's table.

    Columns of both are taken as they stand; a text that the ledger lacks is "", a number NaN.
    """
    rows = ledger[ledger[measured].notna()].reset_index(drop=True)
    value = rows[measured].astype(float)
    rows[ROW_ID] = [f"ledger{entry}" for entry in rows["entry"]]
    rows[VALUE] = np.log10(value) if is_log10 else value
    origin = zip(rows["doi"], rows["reference"], strict=True)
    rows[PAPER] = [doi.split("|")[0] or f"ref:{text.lower()}" for doi, text in origin]
    for name, dtype in like.dtypes.items():
        if name not in rows:
            rows[name] = "" if dtype.kind == "O" else np.nan
    return rows[list(like.columns)].astype(like.dtypes)


def work_out_baseline(fit: Fit, predict: Predict, base: pd.DataFrame) -> Baseline:
    """Predict the champion's rows, each without its source."""
    return Baseline(leave_sources_out(fit, predict, base, lambda what: None), None)


def leave_sources_out(fit: Fit, predict: Predict, table: pd.DataFrame, on_step: OnStep) -> HeldOutPredictions:
    """Predict every row without its source; what other sources missed by sets the width of its interval.

    Raises
    ------
    InsufficientCalibrationError
        If fewer than nine rows of other sources carry a value and no bound.
    """
    said = np.empty((3, len(table)))
    for others, held in leave_one_group_out(table[PAPER].to_numpy(dtype=np.str_)):
        model = fit(table.iloc[others].reset_index(drop=True))
        said[:, held] = predict(model, table.iloc[held].reset_index(drop=True), COVERAGE)
        on_step("sources left out")
    centre = said[0]
    below, above = (np.maximum(part, SMALLEST_SCALE) for part in (centre - said[1], said[2] - centre))
    value, is_value = table[VALUE].to_numpy(dtype=float), _bound(table) == ""
    reach = np.empty(len(table))
    for others, held in leave_one_group_out(table[PAPER].to_numpy(dtype=np.str_)):
        rows = others[is_value[others]]
        scale = ConformalScale.fit(value[rows], ~is_value[rows], centre[rows], below[rows], above[rows])
        reach[held] = scale.factor(COVERAGE)
    return judged(table, Interval(centre, centre - reach * below, centre + reach * above))


def judged(table: pd.DataFrame, said: Interval) -> HeldOutPredictions:
    """Return rows beside what was said of them."""
    bound, unknown = _bound(table), np.full(len(table), "", dtype=np.str_)
    row_id, paper = (table[name].to_numpy(dtype=np.str_) for name in (ROW_ID, PAPER))
    value = table[VALUE].to_numpy(dtype=float)
    return HeldOutPredictions(row_id, paper, unknown, value, *said, bound == "upper", bound == "lower")


def contradictions(table: pd.DataFrame, is_new: NDArray[np.bool_]) -> Contradictions:
    """Count new rows that are one unit of the scale or more off the median of other sources on the same composition."""
    composition = MaterialBatch.from_formulas(list(table[FORMULA])).matrix()

    def is_same(row: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        same: NDArray[np.bool_] = half_l1(composition[others], composition[[row]])[:, 0] < SAME_MATERIAL_DISTANCE
        return same

    value, source = table[VALUE].to_numpy(dtype=float), table[PAPER].to_numpy(dtype=np.str_)
    return Contradictions.between(value, source, _bound(table) == "", is_new, is_same)


def _bound(table: pd.DataFrame) -> NDArray[np.str_]:
    return np.asarray(table[BOUND] if BOUND in table else [""] * len(table), dtype=np.str_)
