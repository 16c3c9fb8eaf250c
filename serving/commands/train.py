"""`elyte train`: fit, bundle, track, register."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.properties import registry

if TYPE_CHECKING:
    from training.bundle import Bundle
    from training.properties.contract import OnStep, Trained

WORK_FOLDER = "training"


@click.command(short_help="Fit a property's model, track and register it.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice([*registry.names(), "all"]))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also keep the bundle in this folder (the registry keeps it in any case); with `all`, one folder each in it.",
)
@click.option(
    "--plots",
    "plots_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write the plots into this folder (the run in MLflow has them in any case).",
)
@click.option("--quick", is_flag=True, help="Few trees, nets and steps: to try the path, not to use the model.")
@click.option("--no-registry", is_flag=True, help="Write the bundle to --output only, without MLflow.")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for checkpoints of long fits (default: in the user's cache); a stopped run goes on from there.",
)
@click.option(
    "--keep-nets",
    is_flag=True,
    help="Take the nets of the shipped model, whose fit takes long, and fit what stands on them (stability).",
)
def train(
    property_name: str,
    output: Path | None,
    plots_folder: Path | None,
    quick: bool,
    no_registry: bool,
    work: Path | None,
    keep_nets: bool,
) -> None:
    """Fit PROPERTY on the tables at hand and register the model as challenger in MLflow.

    A recipe takes seconds, minutes or up to an hour on two cores. It says which public tables it needs
    (`elyte data fetch`), or what its model lacks without them; one that builds on other properties asks the models that
    elyte ships.
    """
    from training.allocation import keep_freed_memory
    from training.properties.contract import FitOptions, NotOfferedError
    from training.sources import MissingSourceError

    keep_freed_memory()
    if no_registry and output is None:
        raise click.UsageError("--no-registry needs --output FOLDER")
    if keep_nets and (property_name == "all" or not registry.get(property_name).keeps_nets):
        raise click.UsageError(f"--keep-nets: the recipe of {property_name} keeps no nets")
    if not no_registry:
        _check_registry()
    for name in registry.names() if property_name == "all" else (property_name,):
        with tempfile.TemporaryDirectory(prefix="elyte-train-") as scratch:
            folder = Path(scratch) / name
            if output is not None:
                folder = output / name if property_name == "all" else output
            plots = plots_folder or Path(scratch) / "plots"
            options = FitOptions(quick, work or default_work(), plots=plots, keep_nets=keep_nets)
            try:
                trained = registry.get(name).train(folder, options, progress, shipped_model)
            except (MissingSourceError, NotOfferedError) as error:
                raise click.UsageError(str(error)) from error
            _tell(name, trained)
            if not no_registry:
                _register(trained, folder)


def _tell(name: str, trained: Trained) -> None:
    for note in trained.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{name}: version {trained.card.version}, digest {trained.digest}")
    for metric, value in trained.card.metrics.items():
        click.echo(f"  {metric} = {value:g}")


def _check_registry() -> None:
    """Fail before hours of fitting where a key cannot be used or the registry does not answer."""
    from training.reachability import RegistryUnreachableError, check_reachable
    from training.signing import KeyFileError, check_keys
    from training.tracking import default_tracking_uri

    try:
        check_keys()
    except KeyFileError as error:
        raise click.UsageError(str(error)) from error
    try:
        check_reachable(default_tracking_uri())
    except RegistryUnreachableError as error:
        raise click.UsageError(f"{error}; or write the bundle only: --no-registry --output FOLDER") from error


def default_work() -> Path:
    """Return the folder in which long fits keep their checkpoints."""
    from platformdirs import user_cache_path

    return user_cache_path("elyte", appauthor=False) / WORK_FOLDER


def shipped_model(name: str) -> tuple[Any, Bundle]:
    """Load the model of a property that elyte ships, for recipes that ask it."""
    from serving.models.store import load_shipped

    served = load_shipped(name)
    if served is None:
        raise click.UsageError(f"elyte ships no model of {name}; expected its bundle in serving/bundles/{name}")
    return served.model, served.bundle


def _register(trained: Trained, folder: Path) -> None:
    from training.tracking import log_training

    registered = log_training(trained.card, folder, trained.digest, trained.plots)
    click.echo(f"registered {registered.name} version {registered.version} as challenger in {registered.tracking_uri}")


@contextmanager
def progress(total: int) -> Iterator[OnStep]:
    """Draw a progress bar on standard error; yields the function to call at each step."""
    from tqdm import tqdm

    with tqdm(total=total, unit="step", dynamic_ncols=True) as bar:

        def on_step(what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update(1)

        yield on_step
