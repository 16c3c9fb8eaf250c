"""`elyte synthesis`: precursors, balanced reactions, what competes on the way, and masses for a batch."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from serving.cli import EXIT_ROW_FAILED
from serving.models.lines import say_models


@click.command(short_help="Precursors, reactions and masses for a material.")
@click.argument("formula", metavar="FORMULA")
@click.option("--grams", type=click.FloatRange(1e-6, 1e6), default=1.0, show_default=True, help="Mass of the batch.")
@click.option("--shelf", type=click.Path(path_type=Path), help="A CSV of the precursors at hand.")
@click.option(
    "--temperature-c", type=click.FloatRange(-273.0, 2000.0), help="At which gases leave.  [default: 900 oxides, 500]"
)
@click.option(
    "--gas-bar", type=click.FloatRange(1e-12, 1000.0), default=0.01, show_default=True, help="Their pressure."
)
@click.option("--lithium-excess", type=click.FloatRange(0.0, 100.0), default=0.0, help="In percent of the lithium.")
@click.option("--max-precursors", type=click.IntRange(1), help="In a set.  [default: number of elements]")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="How many routes.")
@click.option("--coverage", type=click.FloatRange(0.5, 0.99), default=0.9, show_default=True, help="Of the intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def synthesis(
    formula: str,
    grams: float,
    shelf: Path | None,
    temperature_c: float | None,
    gas_bar: float,
    lithium_excess: float,
    max_precursors: int | None,
    top: int,
    coverage: float,
    as_json: bool,
) -> None:
    """Plan the synthesis of FORMULA from precursors on the shelf.

    The shelf that elyte ships is serving/synthesis/shelf.csv: copy and edit it.
    """
    from serving.models.store import ModelUnavailableError, load_models
    from serving.synthesis.answers import answer_synthesis
    from serving.synthesis.errors import ShelfError
    from serving.synthesis.plan import SynthesisRequest
    from serving.synthesis.shelf import read_shelf
    from serving.synthesis.terminal import terminal_lines
    from training.properties import registry

    excess = lithium_excess / 100.0
    try:
        request = SynthesisRequest(formula, grams, temperature_c, excess, max_precursors, coverage, gas_bar)
        bottles = None if shelf is None else read_shelf(shelf)
        phases = registry.of_phases().name
        served = load_models("auto", [phases]).get(phases)
    except (ShelfError, ModelUnavailableError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    document = answer_synthesis(served, request, bottles, top)
    say_models(document["models"], as_json=as_json)
    if as_json:
        import orjson

        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in terminal_lines(document):
            click.echo(line)
    if document["status"] == "error":
        sys.exit(EXIT_ROW_FAILED)
