"""The recipe: from public tables to a bundle, and from a bundle to the model.

1. Glass transitions and simulated mobilities of other polymers: boosted trees on descriptors of the chain.
2. 10,107 measured points: a Gaussian process over their curves and monotone trees, averaged.
3. Errors of left-out papers calibrate the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from training.bundle import (
    Bundle,
    Card,
    GoldenPrediction,
    compare_golden,
    data_source,
    golden_rows,
    load_bundle,
    rebuilding,
    save_bundle,
    stamped,
)
from training.properties.polymer.fit import PolymerFit, PolymerSettings, PolymerTables, fit_polymer
from training.properties.polymer.model import PolymerModel
from training.properties.polymer.tables import CONDUCTIVITY, GLASS, SIMULATED

NAME = "polymer"
LIBRARIES = ("numpy", "scipy", "lightgbm", "rdkit")
METRICS_COMMAND = "python benchmarks/polymer.py --what splits"
COVERAGE = 0.9
GOLDEN_TOLERANCE = 5e-3
"""Decades and eV: single precision of the bundle."""
GOLDEN = (
    ("PEO20-LiTFSI", 60.0),
    ("PEO20-LiTFSI", 25.0),
    ("PEO10-LiClO4", 80.0),
    ("PPO16-LiOTf", 60.0),
    ("PTMC8-LiTFSI", 80.0),
    ("PCL6-LiTFSI", 60.0),
    ("PEC-LiFSI 60 wt%", 60.0),
    ("PAN6-LiClO4", 60.0),
    ("MEEP4-LiOTf", 40.0),
    ("PLiSTFSI", 90.0),
)
SUMMARY = (
    "Ionic conductivity of dry polymer electrolytes between -40 and 200 C: a Gaussian process over measured curves and"
    " monotone trees, averaged, with conformal intervals from left-out papers"
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
    table, said = fit.points.table, fit.left_out.log10_sigma
    card = Card(
        property=NAME,
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=[
            data_source(CONDUCTIVITY, len(table)),
            data_source(SIMULATED, len(tables.simulated.values)),
            data_source(GLASS, len(tables.glass.values)),
        ],
        recipe=asdict(settings),
        metrics={"left_out_paper_mae": round(float(np.abs(said - table.log10_sigma).mean()), 4)},
        metrics_command=METRICS_COMMAND,
        model={},
        golden=golden_predictions(fit.model),
        **stamped(LIBRARIES),
    )
    return PolymerTraining(folder, card, save_bundle(folder, card, fit.model.arrays()), fit)


def golden_predictions(model: PolymerModel, questions: Sequence[tuple[str, float]] = GOLDEN) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce; a question is a text form and a temperature."""
    batch = PolymerBatch.from_candidates([read_polymer(PolymerFields(text)) for text, _ in questions])
    said = model.predict(batch, np.array([temperature_C for _, temperature_C in questions]))
    interval = model.interval(said, COVERAGE)
    columns = {
        "log10_sigma_S_per_cm": interval.value,
        "log10_sigma_lower": interval.lower,
        "log10_sigma_upper": interval.upper,
        "activation_energy_eV": said.activation_energy_eV,
    }
    return golden_rows(questions, columns)


def load_polymer(folder: Path, expected_digest: str | None = None) -> tuple[PolymerModel, Bundle]:
    """Load, verify and return a model with its bundle.

    Golden predictions need rdkit; without it they are not reproduced, and no polymer can be read either.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    from features.polymers.toolkit import is_installed

    bundle = load_bundle(folder, expected_property=NAME, expected_digest=expected_digest)
    with rebuilding(folder, NAME):
        model = PolymerModel.from_arrays(bundle.arrays)
        if is_installed():
            questions = [(stored.formula, stored.temperature_C) for stored in bundle.card.golden]
            compare_golden(bundle.card.golden, golden_predictions(model, questions), GOLDEN_TOLERANCE)
    return model, bundle
