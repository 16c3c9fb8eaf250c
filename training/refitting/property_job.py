"""What retraining asks of a property: one small protocol, which `contract.Property.retraining` returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from training.measurements.training_rows import TrainingRows
from training.refitting.champion import Champion
from training.refitting.comparison import GoldenMaterial, NewRows, RecipeChange
from training.refitting.held_out import HeldOutPredictions
from training.refitting.training_set import TrainingSet

OnStep = Callable[[str], None]


class Fitted(NamedTuple):
    """A challenger on disk: the digest of its bundle, and its rows as predicted without their source."""

    digest: str
    left_out: HeldOutPredictions


class Baseline(NamedTuple):
    """The champion's recipe on the champion's data, each row predicted without its source; `official` as below."""

    left_out: HeldOutPredictions
    official: HeldOutPredictions | None


class PropertyJob(Protocol):
    """One property as retraining sees it; no method changes anything but the folder that it is given."""

    name: str

    @property
    def unit(self) -> str:
        """Unit of errors and differences of values: `comparison.DECADES` where the values are decimal logarithms."""

    @property
    def seed(self) -> int:
        """Seed of the fit, of folds and of permutations."""

    @property
    def n_steps(self) -> int:
        """How often `on_step` is called in a full run."""

    def check_tables(self) -> None:
        """Raise `MissingSourceError` where a public table that it needs is not on this machine."""

    def recipe(self) -> dict[str, Any]:
        """Return settings and constants: what decides, beside the data, what comes out of a fit."""

    def recipe_change(self, champion: Champion) -> RecipeChange | None:
        """Return how the recipe differs from the champion's, with the verdict of the property's boards on that.

        None where it does not, or where the property has no boards for recipes.
        """

    def read(self, from_ledger: TrainingRows, champion: Champion | None) -> TrainingSet:
        """Assemble the training set: the recipe's tables, and what the ledger holds of this property."""

    def examine(self, training_set: TrainingSet, champion: Champion, on_step: OnStep) -> NewRows | None:
        """Examine the new rows in seconds; None where none carries a value."""

    def new_rows(self, training_set: TrainingSet, champion: Champion) -> HeldOutPredictions | None:
        """Return what the champion answers to the new rows."""

    def baseline(
        self, training_set: TrainingSet, champion: Champion
    ) -> tuple[Callable[..., Baseline], tuple[Any, ...]]:
        """Return a function and its arguments, both picklable, that work the baseline out in another process."""

    def fit(self, training_set: TrainingSet, folder: Path, on_step: OnStep) -> Fitted:
        """Fit the challenger, and write its bundle."""

    def official(
        self, training_set: TrainingSet, folder: Path, digest: str, on_step: OnStep
    ) -> HeldOutPredictions | None:
        """Return the official split as predicted by the challenger's recipe without it; None where there is none."""

    def neighbours(self, training_set: TrainingSet, distance: float) -> list[str]:
        """Return the names of known rows near the new ones; `distance` is a limit of the property's `limits.toml`."""

    def golden(self, champion: Champion, challenger: Any) -> list[GoldenMaterial]:  # noqa: ANN401
        """Ask both models about well-known materials."""

    def answer_once(self, model: Any) -> None:  # noqa: ANN401
        """Let a model answer one question, to be timed."""
