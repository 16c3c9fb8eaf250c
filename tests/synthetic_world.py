"""A small made-up world with known physics, for tests that need a table, a model or a card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from training.bundle import Card
    from training.properties.conductivity.model import ConductivityModel, OutOfFold
    from training.properties.conductivity.rows import ConductivityRows


def formula_of(family: str, base: int, x: float) -> str:
    """Return a member of a family: twelve bases, each substituted to the extent x."""
    outer, inner = divmod(base, 3)
    if family == "argyrodite":
        return f"Li{7 - x:g}{('P', 'As', 'Sb', 'Bi')[outer]}S{6 - x:g}{('Cl', 'Br', 'I')[inner]}{x:g}"
    if family == "garnet":
        return f"Li{7 - x:g}{('La', 'Nd', 'Pr', 'Sm')[outer]}3Zr{2 - x:g}{('Ta', 'Nb', 'Sb')[inner]}{x:g}O12"
    return f"Li{3 - x:g}{('Y', 'Er', 'Ho', 'In')[outer]}{1 - x:g}Zr{x:g}{('Cl', 'Br', 'I')[inner]}6"


FAMILIES = ("argyrodite", "garnet", "halide")
SIGMA_25C = {"argyrodite": -2.5, "garnet": -3.8, "halide": -3.2}
ACTIVATION_ENERGY_EV = {"argyrodite": 0.30, "garnet": 0.42, "halide": 0.36}
PAPERS_PER_FAMILY = 12
NOISE = 0.15


def synthetic_table(seed: int = 5) -> pd.DataFrame:
    """Return 108 made-up measurements of the conductivity table's columns.

    Three families of twelve papers, each paper one base at three substitutions x. log10 sigma(25 C) falls by 0.8 per
    unit of x, the activation energy is one per family, the noise 0.15 decades. Every second paper gives a cubic cell,
    the garnets are measured at 60 C, every second row gives its activation energy, every ninth row only an upper
    bound half a decade above the truth.
    """
    import pandas as pd

    from features.formula import parse_formula
    from training.properties.conductivity.arrhenius import to_temperature
    from training.properties.conductivity.schema import LATTICE_COLUMNS, TableColumn

    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(len(FAMILIES) * PAPERS_PER_FAMILY):
        base, family = number // len(FAMILIES), FAMILIES[number % len(FAMILIES)]
        for x in (0.1, 0.35, 0.6):
            i, x = len(rows), round(x + float(rng.uniform(-0.04, 0.04)), 3)
            formula, energy = formula_of(family, base, x), ACTIVATION_ENERGY_EV[family]
            temperature = 60.0 if number % 3 == 1 else 25.0
            at_25C = SIGMA_25C[family] - 0.8 * x + rng.normal(0.0, NOISE)
            is_bound = i % 9 == 8
            atoms = 4.0 * sum(parse_formula(formula).values())
            edge = (15.0 * atoms) ** (1 / 3) if number % 2 == 0 else np.nan
            cell = (edge, edge, edge, 90.0, 90.0, 90.0, 216, atoms) if number % 2 == 0 else [np.nan] * 8
            rows.append(
                dict.fromkeys(map(str, TableColumn), "")
                | {
                    TableColumn.ROW_ID: f"syn{i:03d}",
                    TableColumn.SOURCE: "literature",
                    TableColumn.FORMULA: formula,
                    TableColumn.LOG10_SIGMA: float(to_temperature(at_25C, energy, temperature)) + 0.5 * is_bound,
                    TableColumn.IS_UPPER_BOUND: is_bound,
                    TableColumn.TEMPERATURE: temperature,
                    TableColumn.ACTIVATION_ENERGY: energy + rng.normal(0.0, 0.02) if i % 2 == 0 else np.nan,
                    TableColumn.FAMILY: family,
                    TableColumn.DOI: f"10.1234/{family}.{number}",
                    TableColumn.RELATIVE_DENSITY: np.nan,
                    TableColumn.YEAR: 2020.0,
                    TableColumn.PROVENANCE: "primary",
                    TableColumn.IS_DOUBTFUL: False,
                }
                | dict(zip(LATTICE_COLUMNS, cell, strict=True))
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Fitted:
    """A quick model with what it was fitted on."""

    rows: ConductivityRows
    model: ConductivityModel
    left_out: dict[str, OutOfFold]


def make_card(model: ConductivityModel, **changes: Any) -> Card:
    """Return the card of a conductivity model that was made for tests."""
    from training.bundle import Card, DataSource
    from training.properties.conductivity.bundling import golden_predictions

    source = DataSource(name="synthetic", rows=108, licence="none", attribution="made up", sha256="0" * 64)
    values: dict[str, Any] = {
        "property": "conductivity",
        "version": "2026.01.01.000000",
        "trained_on": "2026-01-01T00:00:00Z",
        "elyte_version": "0.1.0",
        "summary": "a test",
        "intended_use": "tests",
        "limitations": ["made-up data"],
        "data": [source],
        "recipe": {},
        "metrics": {},
        "metrics_command": "pytest",
        "model": model.settings(),
        "libraries": {},
        "golden": golden_predictions(model),
        "files": {},
    }
    return Card(**values | changes)
