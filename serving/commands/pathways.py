"""`elyte pathways`: lithium's ways through crystal structures, by bond valence; a description, not a prediction."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from serving.cli import EXIT_ROW_FAILED
from serving.commands.printing import echo_json


@click.command(short_help="Lithium's ways through a crystal structure: dimension, barriers, bottleneck.")
@click.argument("cifs", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--block", metavar="NAME", help="Data block of a CIF, id of an OPTIMADE entry; else the first.")
@click.option("--grid", is_flag=True, help="Add the energies on a grid to the JSON document.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def pathways(cifs: tuple[Path, ...], block: str | None, *, grid: bool, as_json: bool) -> None:
    """Describe the ways that lithium has through crystals, disordered ones too, by bond valence.

    The files are CIFs, POSCARs or OPTIMADE documents, told apart by their content.

    A picture of the structure: dimension, barriers in one to three dimensions and the bottleneck. No model uses it.

    Exit status: 0 all files described, 1 some file could not be, 2 unusable call.
    """
    from features.crystal_formats.objects import fields_of
    from features.errors import CandidateError
    from serving.pathways.answer import answer_pathways, failed_document
    from serving.pathways.request import PathwaysRequest
    from serving.pathways.terminal import terminal_lines

    if grid and not as_json:
        raise click.UsageError("--grid adds to the JSON document; give --json too")
    rows = []
    for path in cifs:
        try:
            row = answer_pathways(PathwaysRequest(**fields_of(path), block=block, grid=grid))
        except CandidateError as error:
            row = failed_document(None, error)
        row["id"] = path.name
        rows.append(row)
        if not as_json:
            for line in terminal_lines(row):
                click.echo(line)
    if as_json:
        echo_json({"results": rows})
    if any(row["status"] == "error" for row in rows):
        sys.exit(EXIT_ROW_FAILED)
