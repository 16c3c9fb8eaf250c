"""`elyte coatings`: coatings between an electrolyte and a cathode, or lithium, out of all lithium compounds known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.cli import EXIT_ROW_FAILED
from serving.coatings.request import DEFAULT_TOP, LARGEST_CUTOFF_V, MAX_LISTED, CoatingsRequest
from serving.commands.printing import echo_json
from serving.models.lines import say_models

if TYPE_CHECKING:
    from serving.coatings.document import CoatingsDocument


@click.command(short_help="Coatings between an electrolyte and a cathode, or lithium.")
@click.option("--electrolyte", required=True, metavar="FORMULA", help="Formula, or a name such as LPSCl.")
@click.option("--cathode", metavar="NAME", help="NMC811, LCO, LFP ... (with and without lithium), or a formula.")
@click.option(
    "--cutoff",
    type=click.FloatRange(0.0, LARGEST_CUTOFF_V, min_open=True),
    help="Highest potential of the cathode in V against Li/Li+.  [default: the usual one of a cathode of the list]",
)
@click.option("--side", type=click.Choice(["cathode", "lithium"]), default="cathode", show_default=True)
@click.option(
    "--input",
    "input_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Candidates of your own, screened too: a table with a column formula.",
)
@click.option("--hull", type=float, help="Most energy above the hull in eV/atom.  [default: 0.025]")
@click.option("--gap", type=float, help="Least band gap (PBE) in eV.  [default: 1]")
@click.option("--added", type=float, help="Most reaction energy that a contact may add, in eV/atom.  [default: 0.1]")
@click.option("--allow", multiple=True, metavar="ELEMENT", help="Take a toxic or precious element; may be repeated.")
@click.option("--top", type=click.IntRange(1, MAX_LISTED), default=DEFAULT_TOP, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def coatings(
    electrolyte: str,
    cathode: str | None,
    cutoff: float | None,
    side: str,
    input_file: Path | None,
    as_json: bool,
    top: int,
    **limits: float | tuple[str, ...] | None,
) -> None:
    """Name the coatings that last between an electrolyte and a cathode, or lithium, and how many left at each step.

    Exit status: 0 the screen was done, 1 a side or a candidate of yours cannot be judged, 2 unusable call.
    """
    from pydantic import ValidationError

    from serving.answers.refusals import describe
    from serving.coatings.predicted import properties_asked
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    names = {"hull": "most_above_hull_eV_per_atom", "gap": "least_band_gap_eV", "added": "most_added_eV_per_atom"}
    given = {
        names.get(key, key): list(value) if isinstance(value, tuple) else value
        for key, value in limits.items()
        if value not in (None, ())
    }
    candidates, failed = _own(input_file)
    asked = {"electrolyte": electrolyte, "cathode": cathode, "cutoff_V": cutoff, "side": side, "top": top}
    try:
        request = CoatingsRequest.model_validate({**asked, "candidates": candidates, "limits": given})
    except ValidationError as error:
        raise click.UsageError(describe(error, CoatingsRequest)) from error
    try:
        document = Predictor.load(properties=properties_asked()).coatings(request)
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    if failed and document["status"] == "ok":
        document["failed"] += failed
    _show(document, as_json=as_json)
    if document["status"] == "error" or document["failed"]:
        sys.exit(EXIT_ROW_FAILED)


def _show(document: CoatingsDocument, *, as_json: bool) -> None:
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
        return
    from serving.coatings.terminal import terminal_lines

    for line in terminal_lines(document):
        click.echo(line)


def _own(input_file: Path | None) -> tuple[list[str], list[dict[str, str]]]:
    """Return the formulas of a table, and its rows that cannot be read."""
    if input_file is None:
        return [], []
    from features.candidate import RowError
    from features.errors import RowErrorCode
    from serving.answers.input_tables import InputTableError, read_candidates_file

    try:
        rows = read_candidates_file(input_file).rows
    except InputTableError as error:
        raise click.UsageError(str(error)) from error
    found: list[str] = []
    failed: list[dict[str, str]] = []
    for place, row in enumerate(rows, start=1):
        if isinstance(row, RowError):
            failed.append(
                {"formula": row.formula or "", "code": str(row.code), "message": f"row {place}: {row.message}"}
            )
        elif row.formula is None:
            message = f"row {place}: coatings are screened by composition; expected a formula, not a CIF or a polymer"
            failed.append({"formula": "", "code": str(RowErrorCode.MISSING_MATERIAL), "message": message})
        else:
            found.append(row.formula)
    return found, failed
