"""What the toy declares: one quantity, one condition, and where its parts are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.properties.contract import (
    Condition,
    Content,
    FitOptions,
    Judgement,
    ModelOf,
    Progress,
    Property,
    Quantity,
    Query,
    Scores,
    Trained,
)

if TYPE_CHECKING:
    from training.measurements.contract import Measurements
    from training.refitting.plain_job import PlainJob

DENSITY = Quantity(
    "toy_density",
    "g_per_cm3",
    label="toy density",
    unit="g/cm3",
    higher_is_better=False,
    lowest=0.01,
    highest=30.0,
    aliases=("toy_density",),
    units=(("g/cm3", 1.0), ("kg/m3", 1e-3)),
    conditions=("toy_pressure_GPa",),
)
PRESSURE = Condition(
    "toy_pressure_GPa", Content.NUMBER, "Hydrostatic pressure in GPa.", at_least=0.0, at_most=50.0, short="toy_pressure"
)


class Toy(Property):
    """The density of a compound."""

    name = "toy"
    label = "Toy density"
    quantities = (DENSITY,)
    conditions = (PRESSURE,)

    def load(self, folder: Path, digest: str | None = None) -> tuple[Any, Any]:
        """See `contract.Property.load`."""
        from elyte_toy.recipe import load_toy

        return load_toy(folder, digest)

    def judge(self, model: Any, query: Query) -> Judgement:
        """See `contract.Property.judge`."""
        from elyte_toy.judgement import ToyJudgement

        return ToyJudgement(model, query)

    def measurements(self) -> Measurements:
        """See `contract.Property.measurements`."""
        from elyte_toy.measurements import MEASUREMENTS

        return MEASUREMENTS

    def train(self, folder: Path, options: FitOptions, progress: Progress, model_of: ModelOf) -> Trained:
        """See `contract.Property.train`."""
        from elyte_toy.recipe import train

        return train(folder)

    def evaluate(self, options: FitOptions, progress: Progress, model_of: ModelOf) -> Scores:
        """See `contract.Property.evaluate`."""
        from elyte_toy.recipe import evaluate

        return Scores("compounds of the table, left out", evaluate())

    def retraining(self, *, seed: int | None, quick: bool, model_of: ModelOf) -> PlainJob:
        """See `contract.Property.retraining`."""
        from elyte_toy.recipe import RECIPE
        from training.refitting.plain_job import PlainJob

        return PlainJob(self.name, DENSITY.name, RECIPE, is_log10=True, seed=seed or 0)


TOY = Toy()
