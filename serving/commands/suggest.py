"""`elyte suggest`: which of the candidates to measure next."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.answers.request import read_inputs
from serving.commands.condition_options import condition_options, conditions_of_options
from serving.commands.printing import echo_json
from serving.models.lines import say_models
from training.properties import registry

if TYPE_CHECKING:
    from features.candidate import Candidate, RowError

EXIT_ROW_FAILED = 1
STEPS = 4


@click.command(short_help="Name the measurements that would teach the model most.")
@click.option(
    "--input",
    "input_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Candidates that you could measure: .csv, .jsonl or .parquet with a column formula or cif.",
)
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many suggestions.")
@click.option(
    "--property",
    "name",
    type=click.Choice(registry.names()),
    default=registry.names()[0],
    show_default=True,
    help="Which model is to learn.",
)
@condition_options
@click.option(
    "--dial",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="How far from the known a suggestion may lie: 0 inside the model's domain, 1 anywhere.",
)
@click.option("--known-only", is_flag=True, help="The same as --dial 0.")
@click.option(
    "--about",
    type=click.Choice(["candidates", "domain"]),
    default="candidates",
    show_default=True,
    help="Whose uncertainty is to fall: that of the candidates, or of the materials that the model was fitted on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
def suggest(
    input_file: Path,
    count: int,
    name: str,
    dial: float,
    known_only: bool,
    about: str,
    as_json: bool,
    **conditions: float | str | None,
) -> None:
    """Choose the candidates whose measurement lowers the model's uncertainty most, near-duplicates once.

    Conditions are those of the planned measurements.

    Exit status: 0 all rows ok, 1 some row failed, 2 unusable call.
    """
    from features.errors import CandidateError
    from serving.models.store import ModelUnavailableError, load_models
    from serving.suggestions.answer import SuggestOptions, suggestion_lines
    from serving.suggestions.answer import suggest as choose
    from training.properties.registry import with_needed

    at = conditions_of_options(conditions)
    options = SuggestOptions(name, count, at, 0.0 if known_only else dial, about)
    rows = _rows(input_file)
    with _progress() as on_step:
        on_step("loading models")
        try:
            models = load_models(properties=with_needed([options.property]))
            if options.property not in models:
                raise click.UsageError(f"this installation serves no {name} model; run `elyte train {name}`")
            document = choose(models, rows, options, on_step)
        except (ModelUnavailableError, CandidateError) as error:
            raise click.UsageError(str(error)) from error
    _show(document, suggestion_lines(document), as_json=as_json)
    if document["errors"]:
        sys.exit(EXIT_ROW_FAILED)


def _rows(path: Path) -> list[Candidate | RowError]:
    """Read the table; a row that cannot be read stays in its place as an error."""
    from features.candidate import RowError
    from serving.answers.input_tables import InputTableError, read_candidates_file

    try:
        given, _, places = read_candidates_file(path)
    except InputTableError as error:
        raise click.UsageError(str(error)) from error
    good = [row for row in given if not isinstance(row, RowError)]
    read = iter(read_inputs(good))
    rows: list[Candidate | RowError] = []
    for index, row in enumerate(given):
        found = row if isinstance(row, RowError) else next(read)
        if isinstance(found, RowError):
            found = replace(found, index=index, message=f"{places[index]}: {found.message}")
        rows.append(found)
    return rows


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:  # part of elyte[train]
        yield lambda step: None
        return
    with tqdm(total=STEPS, unit="step", leave=False, dynamic_ncols=True) as bar:

        def on_step(step: str) -> None:
            bar.set_description(step)
            bar.update(1)

        yield on_step


def _show(document: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    from serving.answers.terminal_tables import ROWS_COUNTED, with_reading

    for row in document["errors"]:
        click.echo(f"{with_reading(row)}: {row['error']['message']}", err=True)
    if document["errors"]:
        click.echo(ROWS_COUNTED, err=True)
    say_models(document["models"], as_json=as_json)
    if as_json:
        echo_json(document)
        return
    for line in lines:
        click.echo(line)
