"""`elyte predict`: formulas, CIFs or a table in, predictions out."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from features.candidate import INORGANIC, RowError
from features.compiling import interpreting
from serving.answers.input_tables import InputTableError, read_candidates_file, with_places
from serving.answers.request import (
    DEFAULT_COVERAGE,
    MAX_COVERAGE,
    MAX_ID_LENGTH,
    MIN_COVERAGE,
    CandidateInput,
)
from serving.cli import EXIT_ROW_FAILED
from serving.commands.condition_options import condition_options, conditions_of_options
from serving.commands.material_options import material_of_options, material_options
from serving.commands.printing import echo_json
from serving.models.lines import say_models
from training.properties import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serving.answers.conditions import Conditions
    from serving.answers.rows import ResultRow, Results

_INTERPRETED_ROWS = 3  # a tenth of a second each; the compiler's import takes half a second
_FEW_ROWS = 100  # reading them twice takes no time that counts


@click.command(short_help="Predict properties of formulas, CIFs or a table.")
@click.argument("formulas", nargs=-1, metavar="FORMULA...")
@click.option(
    "--cif",
    "--structure",
    "cif_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of a CIF, a POSCAR or an OPTIMADE structure, told apart by its content.",
)
@click.option("--block", type=str, help="Data block of the CIF, or id of the OPTIMADE entry; else the first structure.")
@click.option("--all-blocks", is_flag=True, help="Every structure of a file as a row of its own, named FILE#BLOCK.")
@click.option(
    "--input",
    "input_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of candidates: .csv, .jsonl or .parquet with a column formula or cif.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a flat table here.")
@click.option("--property", "properties", multiple=True, type=click.Choice(registry.names()))
@material_options
@condition_options
@click.option(
    "--coverage",
    type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE),
    default=DEFAULT_COVERAGE,
    show_default=True,
    help="Coverage of the intervals.",
)
@click.option("--explain", is_flag=True, help="Also say which physical features make the conductivity what it is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def predict(
    formulas: tuple[str, ...],
    cif_files: tuple[Path, ...],
    block: str | None,
    all_blocks: bool,
    input_file: Path | None,
    output: Path | None,
    properties: tuple[str, ...],
    coverage: float,
    explain: bool,
    as_json: bool,
    **stated: float | str | None,
) -> None:
    """Predict properties of each FORMULA, CIF or row of a table, or of one --polymer."""
    general = conditions_of_options(stated)
    rows = [*_formulas_and_cifs(formulas, cif_files, block, all_blocks=all_blocks)]
    if named := material_of_options(stated):
        rows.append(CandidateInput(**named))
    places = [""] * len(rows)
    if input_file is not None:
        read, places_read = _table(input_file)
        rows += read  # the predictor numbers them anew
        places += places_read
    if not rows:
        raise click.UsageError("nothing to predict; give a FORMULA, --cif FILE or --input FILE")
    document = _answer(rows, general, list(properties) or None, coverage, explain=explain)
    document["results"] = with_places(document["results"], places)
    if output is not None:
        _write(document["results"], output)
    _show(document, as_json=as_json, quiet=output is not None)
    failed = sum(result["status"] == "error" for result in document["results"])
    if failed:
        click.echo(f"{failed} of {len(rows)} rows failed", err=True)
        sys.exit(EXIT_ROW_FAILED)


def _formulas_and_cifs(
    formulas: tuple[str, ...], cif_files: tuple[Path, ...], block: str | None, *, all_blocks: bool
) -> Iterator[CandidateInput | RowError]:
    if block is not None and (all_blocks or not cif_files):
        raise click.UsageError("--block names one data block of a --cif FILE; give both, without --all-blocks")
    yield from (CandidateInput(formula=formula) for formula in formulas)
    for path in cif_files:
        text = path.read_text(encoding="utf-8", errors="replace")
        field, names = _structures_of(text, "cif" if path.suffix.lower() == ".cif" else "structure")
        for name in names if all_blocks else [block]:
            row_id = f"{path.name}#{name}" if all_blocks and name is not None else path.name
            yield CandidateInput(id=row_id[:MAX_ID_LENGTH], block=name, **{field: text})


def _structures_of(text: str, field: str) -> tuple[str, list[str] | list[None]]:
    """Return the field of a file's format and the names of its structures; without any, one row says what is wrong.

    `field` is that of a file whose content shows no format.
    """
    from features.crystal_formats.objects import fields_of_text
    from features.crystal_formats.reading import structures_of
    from features.errors import CandidateError

    try:
        field = next(iter(fields_of_text(text)))
        return field, structures_of(text) or [None]
    except CandidateError:
        return field, [None]


def _table(input_file: Path) -> tuple[list[CandidateInput | RowError], list[str]]:
    """Return the rows of a table, and where each stands in the file."""
    try:
        table = read_candidates_file(input_file)
    except InputTableError as error:
        raise click.UsageError(str(error)) from error
    if table.ignored:
        click.echo(f"columns not used: {', '.join(table.ignored)}", err=True)
    return table.rows, table.places


def _answer(
    rows: Sequence[CandidateInput | RowError],
    conditions: Conditions,
    properties: list[str] | None,
    coverage: float,
    *,
    explain: bool,
) -> Results:
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    with interpreting() if len(rows) <= _INTERPRETED_ROWS else nullcontext():
        try:
            predictor = Predictor.load(properties=properties or _speaking_of(rows))
        except ModelUnavailableError as error:
            raise click.UsageError(str(error)) from error
        return predictor.answer(rows, conditions, properties=properties, coverage=coverage, explain=explain)


def _speaking_of(rows: Sequence[CandidateInput | RowError]) -> list[str] | None:
    """Return the properties that speak of a few rows, so that no other model is loaded; None, which is all, of many."""
    from serving.answers.documents import read_rows
    from serving.answers.judging import by_kind, speaking_of

    if len(rows) > _FEW_ROWS:
        return None
    kinds = by_kind(read_rows(rows)) or (INORGANIC,)
    return [name for kind in kinds for name in speaking_of(kind, registry.names())]


def _write(results: Sequence[ResultRow], output: Path) -> None:
    from serving.answers.output_tables import write_results

    try:
        write_results(results, output)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {output}: {error}") from error
    click.echo(f"wrote {len(results)} rows to {output}", err=True)


def _show(document: Results, *, as_json: bool, quiet: bool) -> None:
    say_models(document["models"], as_json=as_json, quiet=quiet)
    if as_json:
        echo_json(document)
    elif not quiet:
        from serving.answers.output_tables import explanation_lines, terminal_lines

        for line in [*terminal_lines(document["results"]), *explanation_lines(document["results"])]:
            click.echo(line)
