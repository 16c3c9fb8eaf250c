"""The polymer recipe as the command line runs it: fit on the public tables, write the bundle with its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from training.bundle import Card, data_source, save_bundle, stamped
from training.properties.polymer.bundling import golden_arrays, golden_predictions, read_golden
from training.properties.polymer.fit import PolymerFit, PolymerSettings, Tables, fit_polymer
from training.properties.polymer.quantities import NAME
from training.properties.polymer.uncertainty import equal_groups

SUMMARY = (
    "Ionic conductivity of dry polymer electrolytes from repeat unit, lithium salt, its amount and temperature: a"
    " Gaussian process over Arrhenius lines and monotone boosted trees, averaged, with intervals calibrated on left-out"
    " papers."
)
INTENDED_USE = (
    "Ranking of dry, salt-in-polymer and single-ion-conducting electrolytes between -40 and 200 C, and choice of salt"
    " and amount, before something is made."
)
LIMITATIONS = [
    "no gels, plasticisers, ionic liquids, fillers or blends: what conducts in them is not in the table",
    "a third of the points is poly(ethylene oxide); below 50 C its crystals depend on time and salt",
    "copolymers stand in the table as one long repeat unit with a typical sequence; blocks that demix are not told",
    "molar masses mix number and weight averages and are missing in a tenth of the rows",
    "transference numbers are shown where measured and never predicted",
]
METRICS_COMMAND = "elyte evaluate polymer --json"
LIBRARIES = ("numpy", "scipy", "lightgbm", "rdkit")
SOURCES = ("polymer_conductivity", "polymer_glass_transition", "polymer_molecular_dynamics")


def train(
    folder: Path, settings: PolymerSettings, *, on_step: Callable[[str], None] = lambda what: None
) -> tuple[Card, str]:
    """Fit on the public tables and write the bundle; return its card and digest.

    Raises
    ------
    MissingSourceError, MissingToolkitError
        If a table or rdkit is not at hand.
    """
    tables = Tables.read()
    fit = fit_polymer(tables, settings, on_step)
    golden = golden_arrays(read_golden())
    rows = len(tables.conductivities), len(tables.glass.values), len(tables.simulated.values)
    card = Card(
        property=NAME,
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=[data_source(key, n) for key, n in zip(SOURCES, rows, strict=True)],
        recipe=asdict(settings),
        metrics=metrics(fit),
        metrics_command=METRICS_COMMAND,
        model={},
        golden=golden_predictions(fit.model, golden),
        **stamped(LIBRARIES),
    )
    return card, save_bundle(folder, card, {**fit.model.arrays(), **golden})


def metrics(fit: PolymerFit) -> dict[str, float]:
    """Return mean absolute errors of left-out papers in decades, over points and over papers."""
    table = fit.points.table
    error = np.abs(table.log10_sigma - fit.left_out.log10_sigma)
    found = {
        "left_out_papers_mae": error.mean(),
        "left_out_papers_mae_mean_of_papers": np.average(error, weights=equal_groups(table.paper)),
        "left_out_papers_mae_process": np.abs(table.log10_sigma - fit.left_out.process).mean(),
        "left_out_papers_mae_trees": np.abs(table.log10_sigma - fit.left_out.trees).mean(),
    }
    return {name: round(float(value), 4) for name, value in found.items()}
