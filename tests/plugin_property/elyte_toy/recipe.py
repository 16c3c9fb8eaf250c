"""Fitting, writing and reading the toy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elyte_toy.model import ToyModel, table
from features.candidate import MaterialBatch
from training.bundle import Bundle, Card, DataSource, GoldenPrediction, compare_golden, load_bundle, rebuilding, stamped
from training.bundle import save_bundle as save_bundle
from training.properties.contract import Trained
from training.refitting.plain_job import PlainRecipe
from training.refitting.training_set import Tables
from training.uncertainty import Interval

if TYPE_CHECKING:
    import pandas as pd

GOLDEN = ("LiCl", "Li2O", "MgO")


def load_toy(folder: Path, digest: str | None = None) -> tuple[ToyModel, Bundle]:
    """Load a bundle and check that it reproduces its golden predictions."""
    bundle = load_bundle(folder, expected_property="toy", expected_digest=digest)
    with rebuilding(folder, "toy"):
        model = ToyModel.from_arrays(bundle.arrays)
        compare_golden(bundle.card.golden, golden(model, [one.formula for one in bundle.card.golden]), 1e-9)
    return model, bundle


def golden(model: ToyModel, formulas: list[str]) -> list[GoldenPrediction]:
    """Compute what every copy must reproduce."""
    density = model.predict(MaterialBatch.from_formulas(formulas), np.zeros(len(formulas)), 0.9).value
    return [
        GoldenPrediction(formula=formula, temperature_C=25.0, values={"toy_density_g_per_cm3": float(value)})
        for formula, value in zip(formulas, density, strict=True)
    ]


def tables() -> Tables:
    """Return the embedded table; a handbook compiles, so that every compound of it is a source of its own."""
    import pandas as pd

    formulas, density = table()
    names = [f"handbook {formula}" for formula in formulas]
    frame = pd.DataFrame({"row_id": names, "formula": formulas, "value": np.log10(density), "paper": names})
    source = DataSource(
        name="densities",
        rows=len(formulas),
        licence="facts with sources",
        attribution="CRC Handbook 97",
        sha256=hashlib.sha256((files("elyte_toy") / "densities.csv").read_bytes()).hexdigest(),
    )
    return frame, [source], []


def fit(rows: pd.DataFrame) -> ToyModel:
    """Fit on a table; its values are logarithms."""
    return ToyModel.fit(tuple(rows["formula"]), 10.0 ** rows["value"].to_numpy(dtype=float))


def predict(model: ToyModel, rows: pd.DataFrame, coverage: float) -> Interval:
    """Answer for a table, at no pressure, in logarithms."""
    said = model.predict(MaterialBatch.from_formulas(list(rows["formula"])), np.zeros(len(rows)), coverage)
    return Interval(*(np.log10(part) for part in said))


def card(model: ToyModel, sources: Sequence[DataSource], recipe: dict[str, Any]) -> Card:
    """Describe a fitted model."""
    return Card(
        property="toy",
        summary="Densities of simple compounds.",
        intended_use="An example of a property.",
        limitations=["A few dozen compounds."],
        data=list(sources),
        recipe=recipe,
        metrics={"mae_log": float(model.scale.scores.mean())},
        metrics_command="elyte evaluate toy --json",
        model={},
        golden=golden(model, list(GOLDEN)),
        **stamped(["numpy"]),
    )


RECIPE = PlainRecipe(tables, fit, predict, card)


def train(folder: Path) -> Trained:
    """Fit on the embedded table and write the bundle."""
    rows, sources, _ = tables()
    model = fit(rows)
    about = card(model, sources, {})
    return Trained(about, save_bundle(folder, about, model.arrays()), {})


def evaluate() -> dict[str, Any]:
    """Return the mean error of left-out rows, in natural logarithms."""
    formulas, density = table()
    return {"mae_log": float(ToyModel.fit(formulas, density).scale.scores.mean()), "n_rows": len(formulas)}
