"""A small synthetic world with known physics, and one quick model of it that many tests share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import pandas as pd

    from features.candidate import Candidate
    from training.bundle import Card
    from training.conductivity.model import ConductivityModel, OutOfFold
    from training.conductivity.recipe import Trained
    from training.conductivity.rows import Measurements

FAMILIES = {
    "argyrodite": lambda x: f"Li{7 - x:g}PS{6 - x:g}Cl{x:g}",
    "garnet": lambda x: f"Li{7 - x:g}La3Zr{2 - x:g}Ta{x:g}O12",
    "halide": lambda x: f"Li{3 - x:g}Y{1 - x:g}Zr{x:g}Cl6",
}
SIGMA_25C = {"argyrodite": -2.5, "garnet": -3.8, "halide": -3.2}
ACTIVATION_ENERGY_EV = {"argyrodite": 0.30, "garnet": 0.42, "halide": 0.36}
ROWS_PER_PAPER, PAPERS_PER_FAMILY = 3, 12
NOISE = 0.15


def synthetic_table(seed: int = 5) -> pd.DataFrame:
    """Return 108 made-up measurements of the conductivity table's columns.

    Three families, log10 sigma(25 C) falling by 0.8 per unit of substitution x, one activation energy per family,
    noise of 0.15 decades. Every second paper gives a cubic cell, every third measures at 60 C, every fourth row
    gives the activation energy, every ninth only an upper bound half a decade above the truth.
    """
    import pandas as pd

    from features.formula import parse_formula
    from training.conductivity.arrhenius import to_temperature
    from training.conductivity.schema import LATTICE_COLUMNS, Column

    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(len(FAMILIES) * PAPERS_PER_FAMILY):
        family = list(FAMILIES)[number % len(FAMILIES)]
        for _ in range(ROWS_PER_PAPER):
            i, x = len(rows), round(float(rng.uniform(0.05, 0.6)), 3)
            formula, energy = FAMILIES[family](x), ACTIVATION_ENERGY_EV[family]
            temperature = 60.0 if number % 3 == 1 else 25.0
            at_25C = SIGMA_25C[family] - 0.8 * x + rng.normal(0.0, NOISE)
            is_bound = i % 9 == 8
            atoms = 4.0 * sum(parse_formula(formula).values())
            edge = (15.0 * atoms) ** (1 / 3) if number % 2 == 0 else np.nan
            cell = (edge, edge, edge, 90.0, 90.0, 90.0, 216, atoms) if number % 2 == 0 else [np.nan] * 8
            rows.append(
                dict.fromkeys(map(str, Column), "")
                | {
                    Column.ROW_ID: f"syn{i:03d}",
                    Column.SOURCE: "literature",
                    Column.FORMULA: formula,
                    Column.LOG10_SIGMA: float(to_temperature(at_25C, energy, temperature)) + 0.5 * is_bound,
                    Column.IS_UPPER_BOUND: is_bound,
                    Column.TEMPERATURE: temperature,
                    Column.ACTIVATION_ENERGY: energy + rng.normal(0.0, 0.02) if i % 4 == 0 else np.nan,
                    Column.FAMILY: family,
                    Column.DOI: f"10.1234/{family}.{number}",
                    Column.YEAR: 2020.0,
                    Column.PROVENANCE: "primary",
                    Column.IS_DOUBTFUL: False,
                }
                | dict(zip(LATTICE_COLUMNS, cell, strict=True))
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Fitted:
    """A quick model with what it was fitted on."""

    rows: Measurements
    model: ConductivityModel
    left_out: dict[str, OutOfFold]


@pytest.fixture(scope="session")
def synthetic_rows() -> Measurements:
    from training.conductivity.rows import Measurements

    return Measurements.from_table(synthetic_table())


@pytest.fixture(scope="session")
def fitted(synthetic_rows: Measurements) -> Fitted:
    """Return a model with both variants, fitted once in quick settings."""
    from training.conductivity.ensemble import EnsembleSettings
    from training.conductivity.model import fit_model

    return Fitted(synthetic_rows, *fit_model(synthetic_rows, EnsembleSettings.quick()))


@pytest.fixture(scope="session")
def candidates() -> list[Candidate]:
    """Return familiar and unfamiliar materials, some with a unit cell."""
    from features.candidate import Candidate
    from features.lattice import Lattice

    cubic = Lattice(9.9, 9.9, 9.9, 90.0, 90.0, 90.0, 216, 52)
    garnet = Lattice(12.9, 12.9, 12.9, 90.0, 90.0, 90.0, 230, 192)
    return [
        Candidate.from_formula("Li6.5PS5.5Cl0.5"),
        Candidate.from_formula("Li6.6PS5.6Cl0.4", lattice=cubic),
        Candidate.from_formula("Li6.7La3Zr1.7Ta0.3O12"),
        Candidate.from_formula("Li6.4La3Zr1.4Ta0.6O12", lattice=garnet),
        Candidate.from_formula("Li2.8Y0.8Zr0.2Cl6"),
        Candidate.from_formula("LiFePO4"),
        Candidate.from_formula("Li3N"),
        Candidate.from_formula("BaTiO3", lattice=cubic),
    ]


def make_card(model: ConductivityModel, **changes: Any) -> Card:
    """Return the card of a conductivity model that was made for tests."""
    from training.bundle import Card, DataSource
    from training.conductivity.bundling import golden_predictions

    source = DataSource(name="synthetic", rows=108, licence="none", attribution="made up", sha256="0" * 64)
    values: dict[str, Any] = {
        "property": "conductivity", "version": "2026.01.01.000000", "trained_on": "2026-01-01T00:00:00Z",
        "elyte_version": "0.1.0", "summary": "a test", "intended_use": "tests", "limitations": ["made-up data"],
        "data": [source], "recipe": {}, "metrics": {}, "metrics_command": "pytest", "model": model.settings(),
        "libraries": {}, "golden": golden_predictions(model), "files": {},
    }  # fmt: skip
    return Card(**values | changes)


@pytest.fixture(scope="session")
def bundles(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one bundle per property, as `Predictor.load` takes it; read only, copy to change."""
    from training.bundle import save_bundle

    folder = tmp_path_factory.mktemp("bundles")
    save_bundle(folder / "conductivity", make_card(fitted.model), fitted.model.arrays())
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Run the recipe once, quickly, on a machine without public tables."""
    from training.conductivity.ensemble import EnsembleSettings
    from training.conductivity.recipe import train
    from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_DIR_VARIABLE, str(folder / "no-data"))
        patch.delenv(MIRROR_VARIABLE, raising=False)
        return train(folder / "conductivity", EnsembleSettings.quick())
