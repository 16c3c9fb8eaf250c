"""`elyte evaluate`: how good a recipe is on data it has not seen."""

from __future__ import annotations

import click


@click.command(short_help="Score a property's recipe on its held-out data.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(["conductivity"]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="Few trees and steps: to try the path; the figures mean nothing.")
def evaluate(property_name: str, as_json: bool, quick: bool) -> None:
    """Fit PROPERTY's recipe on the official training split and score it on the official test split."""
    from serving.commands.train import progress
    from training.conductivity.ensemble import EnsembleSettings
    from training.conductivity.evaluation import evaluate as evaluate_conductivity
    from training.conductivity.model import n_steps
    from training.sources import MissingSourceError

    settings = EnsembleSettings.quick() if quick else EnsembleSettings()
    try:
        with progress(2 * n_steps(settings) + 1) as on_step:
            scores = evaluate_conductivity(settings, on_step=on_step)
    except MissingSourceError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        import orjson

        click.echo(orjson.dumps(scores, option=orjson.OPT_INDENT_2).decode())
        return
    for section, values in _sections(scores).items():
        click.echo(section)
        for name, value in values.items():
            click.echo(f"  {name:32s} {value:.3f}")


def _sections(scores: dict[str, object], prefix: str = "all tables, with lattice") -> dict[str, dict[str, float]]:
    own = {name: value for name, value in scores.items() if isinstance(value, float)}
    sections = {prefix: own}
    for name, value in scores.items():
        if isinstance(value, dict):
            sections |= _sections(value, f"{prefix.split(',')[0] if name == 'formula_only' else name}, {name}")
    return sections
