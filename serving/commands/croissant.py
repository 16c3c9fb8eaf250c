"""`elyte data croissant`: the tables that elyte compiled, with their description in JSON-LD."""

from __future__ import annotations

from pathlib import Path

import click

from serving.commands.printing import echo_json


@click.command("croissant")
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for croissant.json and the tables beside it; default: print the document.",
)
def croissant(folder: Path | None) -> None:
    """Describe the tables that elyte compiled and ships, as Croissant 1.0: files, columns, types, checksums.

    Croissant is the form in which data sets are found and loaded by others' tools. Public tables are not in it:
    `elyte data list` names their origins.
    """
    from datetime import UTC, datetime
    from importlib.metadata import version

    from training.croissant import croissant_document, write_croissant
    from training.properties import registry

    tables = [table for one in registry.properties() for table in one.embedded_tables()]
    document = croissant_document(tables, version("elyte"), f"{datetime.now(UTC):%Y-%m-%d}")
    if folder is None:
        echo_json(document)
        return
    target = write_croissant(folder, document, tables)
    click.echo(f"{target} describes {len(tables)} tables beside it")
