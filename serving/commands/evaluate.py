"""`elyte evaluate`: how good a recipe is on data it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from serving.commands.printing import echo_json
from training.properties import registry


@click.command(short_help="Score a property's recipe on its held-out data.")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(registry.names()))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="Few trees, nets and steps: to try the path; the figures mean nothing.")
@click.option("--refit", is_flag=True, help="Fit anew, for a property whose shipped model is scored else.")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for checkpoints of --refit, which goes on from what it finds there.",
)
def evaluate(property_name: str, as_json: bool, quick: bool, refit: bool, work: Path | None) -> None:
    """Score PROPERTY on data that its models never saw: an official test split, or each source paper left out in turn.

    A recipe is fitted anew for that. Only a property whose shipped model is one of the official training split already
    is scored as it is.
    """
    from serving.commands.train import progress, shipped_model
    from training.allocation import keep_freed_memory
    from training.properties.contract import FitOptions, NotOfferedError
    from training.sources import MissingSourceError

    keep_freed_memory()
    options = FitOptions(quick, work, refit)
    try:
        scores = registry.get(property_name).evaluate(options, progress, shipped_model)
    except (MissingSourceError, NotOfferedError) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        echo_json(scores.values)
        return
    for section, values in _sections(scores.values, scores.title).items():
        click.echo(section)
        for name, value in values.items():
            click.echo(f"  {name:32s} {value:.4g}")


def _sections(scores: Mapping[str, object], title: str) -> dict[str, dict[str, float]]:
    """Return the numbers of a nested document by section, titles joined."""
    sections = {title: {name: value for name, value in scores.items() if isinstance(value, float)}}
    for name, value in scores.items():
        if isinstance(value, dict):
            sections |= _sections(value, f"{title}: {name.replace('_', ' ')}")
    return {name: values for name, values in sections.items() if values}
