"""`elyte rank`: which candidates to make next, with the probability that they meet what is wanted, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE
from serving.cli import EXIT_ROW_FAILED
from serving.commands.condition_options import condition_options, conditions_of_options
from serving.commands.printing import echo_json
from serving.commands.rank_pairs import pair_options, refuse_alone, run
from serving.models.lines import say_models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serving.answers.conditions import Conditions
    from serving.ranking.document import RankingDocument
    from serving.ranking.request import BatchRequest, RankingSpec

TOP = 20


@click.command(short_help="Rank candidates by objectives, with probabilities and reasons.")
@click.option(
    "--input",
    "input_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of candidates: .csv, .jsonl or .parquet with a column formula or cif.",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="TEXT",
    help="Such as 'sigma>=1e-3@60', 'hull<=25 meV', 'window against NMC811', 'ccd>=1@25,interlayer=oxide', "
    "'minimise cost'; may be repeated.  [default: a first screen]",
)
@click.option(
    "--preset", type=str, help="first-screen, nmc-cell or li-metal, of pairs fast-charge: where to start from."
)
@click.option("--avoid", multiple=True, metavar="ELEMENT", help="Rank no candidate that holds it; may be repeated.")
@click.option("--require", multiple=True, metavar="ELEMENT", help="Rank only candidates that hold it.")
@click.option("--max-elements", type=int, help="Rank no candidate of more elements.")
@click.option("--charge-balanced", is_flag=True, help="Rank only what common oxidation states balance.")
@click.option("--in-domain", is_flag=True, help="Rank only what every model needed knows the like of.")
@click.option("--order", type=click.Choice(["success", "front", "utility"]), help="By what to put in order.")
@click.option("--batch", "batch_size", type=int, help="Also propose a batch of so many to make next.")
@click.option("--acquisition", type=str, default="ehvi", show_default=True, help="ehvi, success, ucb or thompson.")
@click.option("--explore", type=float, default=0.5, show_default=True, help="0 exploits, 1 explores.")
@click.option("--known", multiple=True, metavar="FORMULA", help="Materials at hand, to be gone beyond.")
@condition_options
@pair_options
@click.option(
    "--coverage",
    type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE),
    default=DEFAULT_COVERAGE,
    show_default=True,
    help="Coverage of the intervals.",
)
@click.option("--top", type=click.IntRange(1), help=f"How many to list.  [default: {TOP}; with --output all]")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write one flat row a candidate here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def rank(
    input_file: Path,
    objectives: tuple[str, ...],
    preset: str | None,
    avoid: tuple[str, ...],
    require: tuple[str, ...],
    max_elements: int | None,
    charge_balanced: bool,
    in_domain: bool,
    order: str | None,
    batch_size: int | None,
    acquisition: str,
    explore: float,
    known: tuple[str, ...],
    coverage: float,
    top: int | None,
    output: Path | None,
    as_json: bool,
    **conditions: float | str | None,
) -> None:
    """Rank the candidates of a table, under conditions that hold where neither an objective nor a row states them.

    Exit status: 0 all rows ranked or excluded with a reason, 1 some row failed or nobody is left to rank, 2 unusable
    call (objectives that contradict each other included).
    """
    if conditions["pairs"]:
        stated = {**conditions, "objectives": objectives, "preset": preset, "top": top, "coverage": coverage}
        of_one = {"avoid": avoid, "require": require, "max_elements": max_elements, "charge_balanced": charge_balanced}
        more = {"in_domain": in_domain, "order": order, "batch_size": batch_size, "output": output}
        return run(input_file, stated | of_one | more, as_json=as_json)
    refuse_alone(conditions)
    given = {"avoid": list(avoid), "require": list(require), "max_elements": max_elements}
    flags = {"charge_balanced": charge_balanced, "in_domain": in_domain}
    limits = {name: value for name, value in {**given, **flags}.items() if value}
    if output is not None:
        _check_ending(output)
    spec = _spec(objectives, preset, limits)
    batch = _batch({"size": batch_size, "method": acquisition, "explore": explore, "known": list(known)})
    listed = top or (None if output is not None else TOP)
    document = _ranked(input_file, spec, conditions_of_options(conditions), order, batch, listed, coverage)
    if output is not None:
        _write(document, output)
    _show(document, top or TOP, as_json=as_json, quiet=output is not None)
    if document["failed"] or document["status"] == "empty":
        sys.exit(EXIT_ROW_FAILED)
    return None


def _spec(objectives: tuple[str, ...], preset: str | None, limits: Mapping[str, object]) -> RankingSpec:
    from pydantic import ValidationError

    from features.text import suggestion
    from serving.ranking.constraints import Constraints
    from serving.ranking.objectives import ObjectiveError, parse_objective
    from serving.ranking.presets import Preset
    from serving.ranking.request import read_spec

    names = [str(one) for one in Preset]
    if preset is not None and preset not in names:
        raise click.UsageError(f"'{preset}' is no preset{suggestion(preset, names)}; there are: {', '.join(names)}")
    try:
        constraints = Constraints.model_validate(limits) if limits else None
        return read_spec([parse_objective(o) for o in objectives], Preset(preset) if preset else None, constraints)
    except ObjectiveError as error:
        raise click.UsageError(str(error)) from error
    except ValidationError as error:
        raise click.UsageError(_first(error)) from error


def _first(error: Any) -> str:  # noqa: ANN401
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in first['loc'])}: received {first['input']!r}; {message}"


def _batch(given: Mapping[str, object]) -> BatchRequest | None:
    from pydantic import ValidationError

    from serving.ranking.request import BatchRequest

    if given["size"] is None:
        if given["known"]:
            raise click.UsageError("--known says what a batch is to go beyond; give --batch K, too")
        return None
    try:
        return BatchRequest.model_validate(given)
    except ValidationError as error:
        raise click.UsageError(f"batch {_first(error)}") from error


def _ranked(
    input_file: Path,
    spec: RankingSpec,
    conditions: Conditions,
    order: str | None,
    batch: BatchRequest | None,
    top: int | None,
    coverage: float,
) -> RankingDocument:
    from serving.answers.input_tables import InputTableError, read_candidates_file, with_places
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor
    from serving.ranking.answer import properties_to_load
    from serving.ranking.core import Order
    from serving.ranking.objectives import ObjectiveError

    try:
        table = read_candidates_file(input_file)
        if table.ignored:
            click.echo(f"columns not used: {', '.join(table.ignored)}", err=True)
        predictor = Predictor.load(properties=properties_to_load(spec.objectives))
        document = predictor.rank_rows(
            table.rows,
            spec,
            conditions=conditions,
            order=Order(order) if order else None,
            top=top,
            batch=batch,
            coverage=coverage,
        )
        return document | {"failed": with_places(document["failed"], table.places)}
    except (InputTableError, ModelUnavailableError, ObjectiveError) as error:
        raise click.UsageError(str(error)) from error


def _check_ending(output: Path) -> None:
    """Refuse a file that could not be written before anything is computed."""
    from serving.ranking.tables import ENDINGS

    if output.suffix.lower() not in ENDINGS or not output.parent.is_dir():
        raise click.UsageError(f"{output}: expected a file that ends in {', '.join(ENDINGS)} in a folder that exists")


def _write(document: RankingDocument, output: Path) -> None:
    from serving.ranking.tables import write_ranking

    try:
        count = write_ranking(document, output)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {output}: {error}") from error
    click.echo(f"wrote {count} rows to {output}", err=True)


def _show(document: RankingDocument, top: int, *, as_json: bool, quiet: bool) -> None:
    say_models(document["models"], as_json=as_json, quiet=quiet)
    if as_json:
        echo_json(document)
        return
    from serving.ranking.tables import terminal_lines

    lines = [f"note: {note}" for note in document["notes"]] if quiet else terminal_lines(document, top)
    for line in lines:
        click.echo(line)
