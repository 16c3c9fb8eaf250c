"""`elyte evaluate`: how good a recipe is on data it has not seen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click


@click.command(short_help="Score a property's recipe on its held-out data.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(["conductivity", "stability", "ccd"]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="Few trees, nets and steps: to try the path; the figures mean nothing.")
@click.option("--refit", is_flag=True, help="Stability: fit the nets anew instead of scoring the shipped ones.")
@click.option(
    "--work", type=click.Path(file_okay=False, path_type=Path),
    help="Stability: folder for checkpoints of --refit, which goes on from what it finds there.",
)  # fmt: skip
def evaluate(property_name: str, as_json: bool, quick: bool, refit: bool, work: Path | None) -> None:
    """Score PROPERTY on its official test split, by models that never saw it.

    Conductivity is fitted anew on the official training split. Stability's shipped nets are those of the official
    training split already and are scored as they are, on hulls without any test compound. The critical current density
    is fitted anew without each source paper in turn.
    """
    from training.sources import MissingSourceError

    try:
        if property_name == "conductivity":
            if refit or work is not None:
                raise click.UsageError("--refit and --work are for stability; conductivity is always fitted anew")
            scores = _evaluate_conductivity(quick=quick)
        elif property_name == "ccd":
            if refit or work is not None or quick:
                raise click.UsageError("--refit, --work and --quick are not for ccd, which is always fitted anew")
            scores = _evaluate_ccd()
        else:
            scores = _evaluate_stability(quick=quick, refit=refit or quick, work=work)
    except MissingSourceError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        import orjson

        click.echo(orjson.dumps(scores, option=orjson.OPT_INDENT_2).decode())
        return
    heading = "all tables, with lattice" if property_name == "conductivity" else "shipped nets, hull of training phases"
    for section, values in _sections(scores, heading).items():
        click.echo(section)
        for name, value in values.items():
            click.echo(f"  {name:32s} {value:.4g}")


def _evaluate_conductivity(*, quick: bool) -> dict[str, Any]:
    from serving.commands.train import progress
    from training.properties.conductivity.ensemble import EnsembleSettings
    from training.properties.conductivity.evaluation import evaluate as evaluate_conductivity
    from training.properties.conductivity.model import n_steps

    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    with progress(2 * n_steps(settings) + 1) as on_step:
        return evaluate_conductivity(settings, on_step=on_step)


def _evaluate_ccd() -> dict[str, Any]:
    from serving.commands.train import progress, shipped_for_ccd
    from training.properties.ccd.evaluation import evaluate as evaluate_ccd
    from training.properties.ccd.recipe import n_steps, read_material

    material = read_material(*shipped_for_ccd())
    with progress(n_steps() - 1) as on_step:
        return evaluate_ccd(material.reports, on_step=on_step)


def _evaluate_stability(*, quick: bool, refit: bool, work: Path | None) -> dict[str, Any]:
    from serving.models.store import SHIPPED
    from training.properties.stability.bundling import load_stability
    from training.properties.stability.ensemble_fit import EnsembleSettings
    from training.properties.stability.evaluation import evaluate as evaluate_stability
    from training.properties.stability.table import read_energies

    if not refit:
        model, bundle = load_stability(SHIPPED / "stability")
        return evaluate_stability(model, read_energies()) | {"model_version": bundle.card.version}
    from serving.commands.train import progress
    from training.properties.stability.recipe import refit_for_evaluation

    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    with tempfile.TemporaryDirectory(prefix="elyte-evaluate-") as scratch, progress(settings.n_epochs) as on_step:
        return evaluate_stability(*refit_for_evaluation(settings, work or Path(scratch), on_step))


def _sections(scores: dict[str, Any], title: str) -> dict[str, dict[str, float]]:
    """Return the numbers of a nested document by section, titles joined."""
    sections = {title: {name: value for name, value in scores.items() if isinstance(value, float)}}
    for name, value in scores.items():
        if isinstance(value, dict):
            sections |= _sections(value, f"{title}: {name.replace('_', ' ')}")
    return {name: values for name, values in sections.items() if values}
