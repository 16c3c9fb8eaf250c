"""Fitting, writing and reading the toy."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from elyte_toy.model import ToyModel, table
from features.candidate import MaterialBatch
from training.bundle import Bundle, Card, DataSource, GoldenPrediction, compare_golden, load_bundle, rebuilding
from training.bundle import save_bundle as save_bundle
from training.properties.contract import Trained

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


def train(folder: Path) -> Trained:
    """Fit on the embedded table and write the bundle."""
    formulas, density = table()
    model = ToyModel.fit(formulas, density)
    content = (files("elyte_toy") / "densities.csv").read_bytes()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    card = Card(
        property="toy", version="0.1", trained_on=now, elyte_version="0.1.0", summary="Densities of simple compounds.",
        intended_use="An example of a property.", limitations=["Twenty compounds."],
        data=[
            DataSource(
                name="densities", rows=len(formulas), licence="facts with sources", attribution="CRC Handbook 97",
                sha256=hashlib.sha256(content).hexdigest(),
            )
        ],
        recipe={}, metrics={"mae_log": evaluate()["mae_log"]}, metrics_command="elyte evaluate toy --json", model={},
        libraries={"numpy": np.__version__}, golden=golden(model, list(GOLDEN)), files={},
    )  # fmt: skip
    return Trained(card, save_bundle(folder, card, model.arrays()), {})


def evaluate() -> dict[str, Any]:
    """Return the mean error of left-out rows, in natural logarithms."""
    formulas, density = table()
    return {"mae_log": float(ToyModel.fit(formulas, density).scale.scores.mean()), "n_rows": len(formulas)}
