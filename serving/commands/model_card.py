"""`elyte models card`: a bundle's card as the README of a repository of models."""

from __future__ import annotations

from pathlib import Path

import click

from training.properties import registry


@click.command("card")
@click.argument("property_name", metavar="PROPERTY", type=click.Choice(registry.names()))
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Of the bundle; default: the one that elyte ships.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File; default: print it.")
def card(property_name: str, folder: Path | None, output: Path | None) -> None:
    """Write the model card of PROPERTY in Hugging Face's form: Markdown with YAML front matter."""
    from serving.models.store import SHIPPED
    from training.bundle import BundleError, load_bundle
    from training.model_card import model_card

    try:
        bundle = load_bundle(folder or SHIPPED / property_name, expected_property=property_name)
    except BundleError as error:
        raise click.UsageError(str(error)) from error
    text = model_card(bundle, registry.get(property_name).label)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"{output}: the card of {property_name}, version {bundle.card.version}")
