"""`elyte train`: fit, bundle, track, register."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.conductivity.recipe import Trained


@click.command(short_help="Fit a property's model, track and register it.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(["conductivity", "all"]))
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path),
    help="Also keep the bundle in this folder (the registry keeps it in any case).",
)  # fmt: skip
@click.option(
    "--plots", "plots_folder", type=click.Path(file_okay=False, path_type=Path),
    help="Also write the plots into this folder (the run in MLflow has them in any case).",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Few trees and steps: to try the path, not to use the model.")
@click.option("--no-registry", is_flag=True, help="Write the bundle to --output only, without MLflow.")
def train(property_name: str, output: Path | None, plots_folder: Path | None, quick: bool, no_registry: bool) -> None:
    """Fit PROPERTY on the tables at hand and register the model as challenger in MLflow.

    Without the public tables (`elyte data fetch`) the embedded literature table is used, and the card says what such
    a model lacks.
    """
    from training.conductivity.ensemble import EnsembleSettings
    from training.conductivity.model import VARIANTS, n_steps
    from training.conductivity.recipe import WITHOUT_PUBLIC_TABLES
    from training.conductivity.recipe import train as train_conductivity

    if no_registry and output is None:
        raise click.UsageError("--no-registry needs --output FOLDER")
    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    with tempfile.TemporaryDirectory(prefix="elyte-train-") as scratch:
        folder = output or Path(scratch) / "conductivity"
        with progress(n_steps(settings) + len(VARIANTS)) as on_step:  # each variant is explained last
            trained = train_conductivity(folder, settings, on_step=on_step)
        if WITHOUT_PUBLIC_TABLES in trained.card.limitations:
            click.echo(f"note: {WITHOUT_PUBLIC_TABLES}", err=True)
        click.echo(f"version {trained.card.version}, digest {trained.digest}")
        for name, value in trained.card.metrics.items():
            click.echo(f"  {name} = {value:g}")
        plots = _draw(trained, plots_folder or Path(scratch) / "plots")
        if not no_registry:
            _register(trained, plots)


def _draw(trained: Trained, folder: Path) -> dict[str, Path]:
    from training.conductivity.bundling import load_conductivity
    from training.conductivity.plots import write_plots

    model, _ = load_conductivity(trained.folder, trained.digest)
    return write_plots(model, trained.left_out, folder)


def _register(trained: Trained, plots: dict[str, Path]) -> None:
    from training.tracking import log_training

    registered = log_training(trained.card, trained.folder, trained.digest, plots)
    click.echo(f"registered {registered.name} version {registered.version} as challenger in {registered.tracking_uri}")


class progress:  # noqa: N801 - reads as a verb where it is used
    """A progress bar on standard error; yields the function to call at each step."""

    def __init__(self, total: int) -> None:
        self._total = total

    def __enter__(self) -> Callable[[str], None]:
        from tqdm import tqdm

        self._bar = tqdm(total=self._total, unit="step", dynamic_ncols=True)

        def on_step(what: str) -> None:
            self._bar.set_description(what, refresh=False)
            self._bar.update(1)

        return on_step

    def __exit__(self, *_: object) -> None:
        self._bar.close()
