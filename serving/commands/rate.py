"""`elyte rate`: which rate a cell of two electrolytes reaches, and what limits it."""

from __future__ import annotations

import sys

import click

from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE
from serving.cli import EXIT_ROW_FAILED
from serving.commands.cell_options import cell_of_options, cell_options
from serving.commands.printing import echo_json
from serving.models.lines import say_models


@click.command(short_help="Rate that a cell of two electrolytes reaches, and what limits it.")
@click.option("--anolyte", required=True, metavar="TEXT", help="Separator beside lithium: formula, name, PEO20-LiTFSI.")
@click.option("--catholyte", required=True, metavar="TEXT", help="Electrolyte of the composite cathode, the same way.")
@cell_options
@click.option(
    "--coverage",
    type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE),
    default=DEFAULT_COVERAGE,
    show_default=True,
    help="Coverage of the intervals.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def rate(anolyte: str, catholyte: str, coverage: float, as_json: bool, **stated: float | str | None) -> None:
    """Say at which rate lithium | ANOLYTE | cathode with CATHOLYTE charges, with the losses and what limits.

    Exit status: 0 answered, 1 an electrolyte cannot be judged, 2 unusable call.
    """
    from pydantic import ValidationError

    from serving.cells.request import RateRequest
    from serving.cells.terminal import terminal_lines
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    cell = cell_of_options(stated)
    try:
        given = {"anolyte": anolyte, "catholyte": catholyte, "conditions": cell, "coverage": coverage}
        request = RateRequest.model_validate(given)
        document = Predictor.load().rate(request)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from error
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
    else:
        for line in terminal_lines(document):
            click.echo(line)
    if document["status"] == "error":
        sys.exit(EXIT_ROW_FAILED)
