"""`elyte ccd-grid`: the critical current density of one material over temperatures, pressures and interlayers."""

from __future__ import annotations

import sys

import click

from serving.cli import EXIT_ROW_FAILED
from serving.commands.printing import echo_json
from serving.models.lines import say_models


@click.command(short_help="Critical current density over a grid of conditions.")
@click.argument("formula", metavar="FORMULA")
@click.option("--temperature-c", "temperatures", multiple=True, type=float, help="May be repeated.")
@click.option("--stack-pressure-mpa", "pressures", multiple=True, type=float, help="May be repeated.")
@click.option("--interlayer-type", "interlayers", multiple=True, help="May be repeated.")
@click.option("--coverage", type=float, default=0.9, show_default=True, help="Coverage of the intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def condition_grid(
    formula: str,
    temperatures: tuple[float, ...],
    pressures: tuple[float, ...],
    interlayers: tuple[str, ...],
    coverage: float,
    as_json: bool,
) -> None:
    """Answer what FORMULA would reach under every combination of the conditions given."""
    from pydantic import ValidationError

    from serving.answers.condition_grid import ConditionGridRequest, grid_lines
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor
    from training.properties import registry

    axes = {"temperatures_C": temperatures, "stack_pressures_MPa": pressures, "interlayer_types": interlayers}
    given = {name: list(values) for name, values in axes.items() if values}
    try:
        request = ConditionGridRequest.model_validate({"formula": formula, "coverage": coverage} | given)
        document = Predictor.load(properties=[registry.of_grid().name]).condition_grid(request)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg'].lower()}") from error
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
    else:
        for line in grid_lines(document):
            click.echo(line)
    if document["status"] == "error":
        sys.exit(EXIT_ROW_FAILED)
