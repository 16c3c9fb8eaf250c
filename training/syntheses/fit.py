"""The recipe: from the public tables of syntheses to the bundle. `python -m training.syntheses.fit --output FOLDER`.

1. Rows of both tables whose precursors bring all elements, each paper's said once: the library.
2. Boosted trees for temperature and time of heating, calibrated on left-out papers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from training.bundle import Card, data_source, save_bundle, stamped
from training.syntheses.heating_fit import HeatingSettings, fit_heating
from training.syntheses.library import SynthesisLibrary
from training.syntheses.model import NAME, SynthesisExperience, golden_predictions
from training.syntheses.table import SOLID_STATE, SYNTMTE, read_syntheses

METRICS_COMMAND = "python benchmarks/synthesis.py --what heating"
SUMMARY = (
    "Solid-state syntheses mined from papers: who made the like, from which precursors, how hot and how long, with"
    " conformal intervals from left-out papers"
)
INTENDED_USE = "Planning a first synthesis of an inorganic solid; a reported number is a start, not a recipe."
LIMITATIONS = [
    "Mined by machine: a tenth to a fifth of the entries are wrong in unit, target or temperature.",
    "Papers until 2019: halide and argyrodite electrolytes are few; sulfides and halides have wide intervals or none.",
    "Only syntheses that were published, nearly all of which worked: it knows no failure.",
    "Milling, sealed vessels, pressure and cooling are not known.",
]


def fit(folder: Path, settings: HeatingSettings, on_step: Callable[[str], None] = lambda _: None) -> str:
    """Fit on the public tables, write the bundle and return its digest."""
    on_step("reading the tables")
    rows = read_syntheses()
    mined = [row for row in rows if not row.split]
    fitted = SynthesisExperience(SynthesisLibrary.build(mined), fit_heating(rows, settings, on_step))
    model = SynthesisExperience.from_arrays(fitted.arrays())  # as it will be loaded: in the bundle's precision
    counts = {key: sum(row.split == split for row in rows) for split, key in SYNTMTE.items()}
    card = Card(
        property=NAME,
        summary=SUMMARY,
        intended_use=INTENDED_USE,
        limitations=LIMITATIONS,
        data=[data_source(SOLID_STATE, len(mined)), *(data_source(key, n) for key, n in counts.items())],
        recipe=asdict(settings),
        metrics={"syntheses": len(model.library), "papers": len(np.unique(model.library.dois))},
        metrics_command=METRICS_COMMAND,
        model={},
        golden=golden_predictions(model),
        **stamped(("numpy", "lightgbm")),
    )
    return save_bundle(folder, card, fitted.arrays())


@click.command()
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the bundle.")
@click.option("--quick", is_flag=True, help="Few trees: to try the path, not to use the model.")
def main(output: Path, *, quick: bool) -> None:
    """Fit what is learnt from reported syntheses."""
    settings = HeatingSettings(rounds=20, spread_rounds=10) if quick else HeatingSettings()
    click.echo(fit(output, settings, lambda what: click.echo(what, err=True)))


if __name__ == "__main__":
    main()
