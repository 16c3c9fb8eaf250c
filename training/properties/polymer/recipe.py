"""The recipe: from public tables to a bundle, and from a bundle to the model.

1. Glass transitions and simulated mobilities of other polymers: boosted trees on descriptors of the chain.
2. 10,107 measured points: a Gaussian process over their curves, boosted and randomised trees, averaged.
3. Errors of left-out papers calibrate the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundle import Card, DataSource, data_source, save_bundle, stamped
from training.properties.polymer.bundling import golden_arrays, golden_predictions, read_golden
from training.properties.polymer.fit import PolymerFit, PolymerSettings, PolymerTables, fit_polymer
from training.properties.polymer.quantities import NAME
from training.properties.polymer.tables import CONDUCTIVITY, GLASS, SIMULATED

LIBRARIES = ("numpy", "scipy", "lightgbm", "scikit-learn", "rdkit")
METRICS_COMMAND = "elyte evaluate polymer --json"
SUMMARY = (
    "Ionic conductivity of dry polymer electrolytes between -40 and 200 C: a Gaussian process over measured curves and"
    " monotone trees of two kinds, averaged, with conformal intervals from left-out papers"
)
INTENDED_USE = (
    "Choosing polymer, salt and amount before synthesis. Differences between measurements of one electrolyte in two"
    " papers are about half a decade: the interval belongs to the answer."
)
LIMITATIONS = [
    "Dry polymers of one kind with a lithium salt, or single-ion conductors: no gels, blends, fillers, ionic liquids.",
    "Crystals are not known: below about 50 C poly(ethylene oxide) conducts as its history has it.",
    "A third of the points are of poly(ethylene oxide); other chemistry rests on a few papers each.",
    "Papers of half of the points could not be recovered; groups of rows stand for them.",
    "Near and below the glass transition values scatter over decades.",
]


@dataclass(frozen=True, eq=False)
class PolymerTraining:
    """What a run of training left behind."""

    folder: Path
    card: Card
    digest: str
    fit: PolymerFit


def settings_of(*, quick: bool) -> PolymerSettings:
    """Return the sizes of the recipe, or small ones that try the path."""
    return PolymerSettings.quick() if quick else PolymerSettings()


def train(
    folder: Path, tables: PolymerTables, settings: PolymerSettings, on_step: Callable[[str], None] = lambda what: None
) -> PolymerTraining:
    """Fit on the public tables and write the bundle."""
    fit = fit_polymer(tables, settings, on_step)
    sources = sources_of(len(fit.points.table), len(tables.simulated.values), len(tables.glass.values))
    golden = golden_arrays(read_golden())
    card = card_of(fit, golden, sources, asdict(settings))
    return PolymerTraining(folder, card, save_bundle(folder, card, {**fit.model.arrays(), **golden}), fit)


def sources_of(n_conductivities: int, n_simulated: int, n_glass: int) -> list[DataSource]:
    """Return the card's lines for the public tables."""
    rows = ((CONDUCTIVITY, n_conductivities), (SIMULATED, n_simulated), (GLASS, n_glass))
    return [data_source(name, n_rows) for name, n_rows in rows]


def card_of(
    fit: PolymerFit, golden: Mapping[str, NDArray[Any]], sources: Sequence[DataSource], recipe: dict[str, Any]
) -> Card:
    """Describe a fitted model."""
    error = np.abs(fit.left_out.log10_sigma - fit.points.table.log10_sigma)
    return Card(
        property=NAME,
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=list(sources),
        recipe=recipe,
        metrics={"left_out_paper_mae": round(float(error.mean()), 4)},
        metrics_command=METRICS_COMMAND,
        model={},
        golden=golden_predictions(fit.model, golden),
        **stamped(LIBRARIES),
    )
