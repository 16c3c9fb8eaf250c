"""`elyte train`: fit, bundle, track, register."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.bundle import Card
    from training.properties.conductivity.model import ConductivityModel
    from training.properties.stability.model import StabilityModel


TRAINABLE = ("conductivity", "stability", "ccd")
WORK_FOLDER = "training"


@click.command(short_help="Fit a property's model, track and register it.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice([*TRAINABLE, "all"]))
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path),
    help="Also keep the bundle in this folder (the registry keeps it in any case); with `all`, one folder each in it.",
)  # fmt: skip
@click.option(
    "--plots", "plots_folder", type=click.Path(file_okay=False, path_type=Path),
    help="Also write the plots into this folder (the run in MLflow has them in any case).",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Few trees, nets and steps: to try the path, not to use the model.")
@click.option("--no-registry", is_flag=True, help="Write the bundle to --output only, without MLflow.")
@click.option(
    "--work", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for checkpoints of long fits (default: in the user's cache); a stopped run goes on from there.",
)  # fmt: skip
def train(
    property_name: str, output: Path | None, plots_folder: Path | None, quick: bool, no_registry: bool,
    work: Path | None,
) -> None:  # fmt: skip
    """Fit PROPERTY on the tables at hand and register the model as challenger in MLflow.

    Conductivity takes minutes, stability up to an hour on two cores, ccd (on its embedded table, asking the shipped
    models of the other two) seconds. Without the public tables (`elyte data fetch`) conductivity is fitted on the
    embedded literature table, and the card says what such a model lacks; stability needs its tables.
    """
    from training.sources import MissingSourceError

    if no_registry and output is None:
        raise click.UsageError("--no-registry needs --output FOLDER")
    if not no_registry:
        _check_registry()
    for name in TRAINABLE if property_name == "all" else (property_name,):
        with tempfile.TemporaryDirectory(prefix="elyte-train-") as scratch:
            folder = Path(scratch) / name
            if output is not None:
                folder = output / name if property_name == "all" else output
            plots = plots_folder or Path(scratch) / "plots"
            try:
                if name == "conductivity":
                    card, digest, pictures = _train_conductivity(folder, plots, quick=quick)
                elif name == "ccd":
                    card, digest, pictures = _train_ccd(folder, plots)
                else:
                    card, digest, pictures = _train_stability(folder, plots, work or default_work(), quick=quick)
            except MissingSourceError as error:
                raise click.UsageError(str(error)) from error
            click.echo(f"{name}: version {card.version}, digest {digest}")
            for metric, value in card.metrics.items():
                click.echo(f"  {metric} = {value:g}")
            if not no_registry:
                _register(card, folder, digest, pictures)


def _check_registry() -> None:
    """Fail before hours of fitting where the registry does not answer."""
    from training.reachability import RegistryUnreachableError, check_reachable
    from training.tracking import default_tracking_uri

    try:
        check_reachable(default_tracking_uri())
    except RegistryUnreachableError as error:
        raise click.UsageError(f"{error}; or write the bundle only: --no-registry --output FOLDER") from error


def default_work() -> Path:
    """Return the folder in which long fits keep their checkpoints."""
    from platformdirs import user_cache_path

    return user_cache_path("elyte", appauthor=False) / WORK_FOLDER


def _train_conductivity(folder: Path, plots: Path, *, quick: bool) -> tuple[Card, str, dict[str, Path]]:
    from training.properties.conductivity.bundling import load_conductivity
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.model import VARIANTS, n_steps
    from training.properties.conductivity.plots import write_plots
    from training.properties.conductivity.recipe import WITHOUT_PUBLIC_TABLES
    from training.properties.conductivity.recipe import train as train_conductivity

    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    with progress(n_steps(settings) + len(VARIANTS)) as on_step:  # each variant is explained last
        trained = train_conductivity(folder, settings, on_step=on_step)
    if WITHOUT_PUBLIC_TABLES in trained.card.limitations:
        click.echo(f"note: {WITHOUT_PUBLIC_TABLES}", err=True)
    model, _ = load_conductivity(trained.folder, trained.digest)
    return trained.card, trained.digest, write_plots(model, trained.left_out, plots)


def _train_stability(folder: Path, plots: Path, work: Path, *, quick: bool) -> tuple[Card, str, dict[str, Path]]:
    from training.properties.stability.ensemble_fit import EnsembleSettings
    from training.properties.stability.plots import write_plots
    from training.properties.stability.recipe import train as train_stability

    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    with progress(settings.n_epochs) as on_step:
        trained = train_stability(folder, settings, work=work / "stability", on_step=on_step)
    return trained.card, trained.digest, write_plots(trained, plots)


def _train_ccd(folder: Path, plots: Path) -> tuple[Card, str, dict[str, Path]]:
    from training.properties.ccd.plots import write_plots
    from training.properties.ccd.recipe import n_steps
    from training.properties.ccd.recipe import train as train_ccd

    with progress(n_steps()) as on_step:
        trained = train_ccd(folder, *shipped_for_ccd(), on_step=on_step)
    return trained.card, trained.digest, write_plots(trained, plots)


def shipped_for_ccd() -> tuple[ConductivityModel, StabilityModel]:
    """Load the shipped models of conductivity and stability, which the CCD recipe asks about its materials."""
    from serving.models.store import load_models

    models = load_models("shipped", ["conductivity", "stability"])
    return models["conductivity"].model, models["stability"].model


def _register(card: Card, folder: Path, digest: str, plots: dict[str, Path]) -> None:
    from training.tracking import log_training

    registered = log_training(card, folder, digest, plots)
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
