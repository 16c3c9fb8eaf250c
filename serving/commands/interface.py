"""`elyte interface`: what an electrolyte becomes where it touches lithium, cathodes, coatings and moist air."""

from __future__ import annotations

import sys

import click

from serving.answers.interface_request import LARGEST_VOLTAGE_V, InterfaceRequest
from serving.cli import EXIT_ROW_FAILED
from serving.commands.printing import echo_json
from serving.models.lines import say_models


@click.command(short_help="Reactions with lithium, cathodes, coatings and water.")
@click.argument("formula", metavar="FORMULA")
@click.option(
    "--against",
    multiple=True,
    metavar="NAME",
    help="A formula, or names such as lithium, graphite, Li-In, NMC811, LFP (with and without lithium), cathodes, "
    "coatings, water, all; may be repeated.  [default: all]",
)
@click.option(
    "--voltage",
    type=click.FloatRange(0.0, LARGEST_VOLTAGE_V),
    help="Also react while lithium is exchanged at this potential in V against Li/Li+ (a cathode being charged).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def interface(formula: str, against: tuple[str, ...], voltage: float | None, as_json: bool) -> None:
    """Name the reactions of the electrolyte FORMULA with what it touches, with energies and products."""
    from pydantic import ValidationError

    from serving.answers.interface_terminal import terminal_lines
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    try:
        given = {"formula": formula, "voltage_V": voltage} | ({"against": list(against)} if against else {})
        request = InterfaceRequest.model_validate(given)
        document = Predictor.load().interface(request)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg'].lower()}") from error
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
    else:
        for line in terminal_lines(document):
            click.echo(line)
    failed = document["status"] == "error" or any(c["status"] == "error" for c in document["contacts"])
    if failed:
        sys.exit(EXIT_ROW_FAILED)
