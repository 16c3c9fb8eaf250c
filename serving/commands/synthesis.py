"""`elyte synthesis`: precursors, balanced reactions, what competes, what others did, masses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.cli import EXIT_ROW_FAILED
from serving.commands.printing import echo_json
from serving.models.lines import say_models

if TYPE_CHECKING:
    from serving.synthesis.answers import SynthesisDocument
    from serving.synthesis.shopping import BatchesDocument


@click.command(short_help="Precursors, reactions, heating and masses for materials.")
@click.argument("formulas", metavar="[FORMULA]...", nargs=-1)
@click.option(
    "--input",
    "input_file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Targets from a table, a list, or the answer of `elyte rank --json`; - reads standard input.",
)
@click.option("--grams", type=click.FloatRange(1e-6, 1e6), default=1.0, show_default=True, help="Mass of each batch.")
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
    formulas: tuple[str, ...],
    input_file: Path | None,
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
    """Plan the synthesis of each FORMULA from precursors on the shelf, and list what to fetch for several.

    The shelf that elyte ships is serving/synthesis/shelf.csv: copy and edit it.
    """
    from serving.models.store import ModelUnavailableError, load_models
    from serving.predictor import Predictor
    from serving.synthesis.errors import ShelfError
    from serving.synthesis.plan import SynthesisRequest
    from serving.synthesis.shelf import read_shelf
    from serving.synthesis.shopping import batches_document
    from serving.synthesis.targets import TargetsError, read_targets
    from training.bundle import BundleError
    from training.properties import registry

    excess = lithium_excess / 100.0
    try:
        targets = [*formulas, *([] if input_file is None else read_targets(_text_of(input_file)))]
        if not targets:
            raise click.UsageError("no target: name a FORMULA or an --input")
        requests = [
            SynthesisRequest(formula, grams, temperature_c, excess, max_precursors, coverage, gas_bar)
            for formula in targets
        ]
        bottles = None if shelf is None else read_shelf(shelf)
        predictor = Predictor(load_models("auto", [registry.of_phases().name]))
        plans = [predictor.synthesis(request, bottles, top) for request in requests]
    except (ShelfError, TargetsError, BundleError, ModelUnavailableError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    say_models(plans[0]["models"], as_json=as_json)
    several = len(plans) > 1 or input_file is not None
    _print(plans, batches_document(plans) if several else None, as_json=as_json)
    if any(plan["status"] == "error" for plan in plans):
        sys.exit(EXIT_ROW_FAILED)


def _text_of(place: Path) -> str:
    try:
        return sys.stdin.read() if str(place) == "-" else place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--input {place} cannot be read: {error}") from error


def _print(plans: list[SynthesisDocument], batches: BatchesDocument | None, *, as_json: bool) -> None:
    from serving.synthesis.terminal import shopping_lines, terminal_lines

    if as_json:
        echo_json(plans[0] if batches is None else batches)
        return
    lines = [line for plan in plans for line in [*terminal_lines(plan), ""]][:-1]
    for line in [*lines, *([] if batches is None else ["", *shopping_lines(batches)])]:
        click.echo(line)
