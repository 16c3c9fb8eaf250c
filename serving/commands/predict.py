"""`elyte predict`: formulas, CIFs or a table in, predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from features.candidate import Conditions, RowError
from serving.answers.input_tables import InputTableError, read_candidates_file, with_places
from serving.answers.request import (
    DEFAULT_COVERAGE,
    MAX_COVERAGE,
    MAX_ID_LENGTH,
    MIN_COVERAGE,
    CandidateInput,
    Property,
)
from serving.cli import EXIT_ROW_FAILED
from serving.models.lines import say_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@click.command(short_help="Predict properties of formulas, CIFs or a table.")
@click.argument("formulas", nargs=-1, metavar="FORMULA...")
@click.option("--cif", "cif_files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--block", type=str, help="Data block of the CIF; without it the first that holds a structure.")
@click.option("--all-blocks", is_flag=True, help="Every structure of a CIF as a row of its own, named FILE#BLOCK.")
@click.option(
    "--input", "input_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of candidates: .csv, .jsonl or .parquet with a column formula or cif.",
)  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a flat table here.")
@click.option("--property", "properties", multiple=True, type=click.Choice([str(p) for p in Property]))
@click.option("--temperature-c", type=float, help="Temperature in degrees Celsius (25 unless a row says otherwise).")
@click.option("--stack-pressure-mpa", type=float, help="Stack pressure in MPa.")
@click.option("--interlayer-type", type=str, help="Interlayer between electrolyte and lithium.")
@click.option("--areal-capacity-mah-cm2", type=float, help="Capacity per cycle in mAh/cm2.")
@click.option("--anode", type=str, help="Li (the default of most reports), Li alloy or composite, anode-free.")
@click.option("--relative-density", type=float, help="Density of the pellet as a fraction of the ideal one.")
@click.option("--thickness-um", type=float, help="Thickness of the electrolyte in micrometres.")
@click.option("--interfacial-resistance-ohm-cm2", type=float, help="Of one interface with lithium.")
@click.option("--sigma-s-per-cm", type=float, help="Ionic conductivity measured on the sample near 25 C.")
@click.option("--electrolyte-class", type=str, help="Class for the critical current density if the formula misleads.")
@click.option(
    "--coverage", type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE), default=DEFAULT_COVERAGE, show_default=True,
    help="Coverage of the intervals.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Also say which physical features make the conductivity what it is.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, the same as REST.")
def predict(
    formulas: tuple[str, ...], cif_files: tuple[Path, ...], block: str | None, all_blocks: bool,
    input_file: Path | None, output: Path | None,
    properties: tuple[str, ...], temperature_c: float | None, stack_pressure_mpa: float | None,
    interlayer_type: str | None, areal_capacity_mah_cm2: float | None, anode: str | None,
    relative_density: float | None, thickness_um: float | None, interfacial_resistance_ohm_cm2: float | None,
    sigma_s_per_cm: float | None, electrolyte_class: str | None, coverage: float, explain: bool, as_json: bool,
) -> None:  # fmt: skip
    """Predict conductivity, stability and critical current density of each FORMULA, CIF or row of a table."""
    conditions = conditions_of(
        temperature_C=temperature_c, stack_pressure_MPa=stack_pressure_mpa, interlayer_type=interlayer_type,
        areal_capacity_mAh_cm2=areal_capacity_mah_cm2, anode=anode, relative_density=relative_density,
        thickness_um=thickness_um, interfacial_resistance_ohm_cm2=interfacial_resistance_ohm_cm2,
        sigma_S_per_cm=sigma_s_per_cm, electrolyte_class=electrolyte_class,
    )  # fmt: skip
    rows = [*_formulas_and_cifs(formulas, cif_files, block, all_blocks=all_blocks)]
    places = [""] * len(rows)
    if input_file is not None:
        read, places_read = _table(input_file)
        rows += read  # the predictor numbers them anew
        places += places_read
    if not rows:
        raise click.UsageError("nothing to predict; give a FORMULA, --cif FILE or --input FILE")
    document = _answer(rows, conditions, [Property(name) for name in properties] or None, coverage, explain=explain)
    document["results"] = with_places(document["results"], places)
    if output is not None:
        _write(document["results"], output)
    _show(document, as_json=as_json, quiet=output is not None)
    failed = sum(result["status"] == "error" for result in document["results"])
    if failed:
        click.echo(f"{failed} of {len(rows)} rows failed", err=True)
        sys.exit(EXIT_ROW_FAILED)


def conditions_of(**given: float | str | None) -> Conditions:
    """Return the conditions of a command line, or say which one is wrong."""
    try:
        return Conditions(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise click.UsageError(f"{name}: received {first['input']!r}; {first['msg'].lower()}") from error


def _formulas_and_cifs(
    formulas: tuple[str, ...], cif_files: tuple[Path, ...], block: str | None, *, all_blocks: bool
) -> Iterator[CandidateInput | RowError]:
    if block is not None and (all_blocks or not cif_files):
        raise click.UsageError("--block names one data block of a --cif FILE; give both, without --all-blocks")
    yield from (CandidateInput(formula=formula) for formula in formulas)
    for path in cif_files:
        text = path.read_text(encoding="utf-8", errors="replace")
        names = _structures_of(text) if all_blocks else [block]
        for name in names:
            row_id = f"{path.name}#{name}" if all_blocks and name is not None else path.name
            yield CandidateInput(id=row_id[:MAX_ID_LENGTH], cif=text, block=name)


def _structures_of(text: str) -> list[str] | list[None]:
    """Return the names of a CIF's structures; of a file without any, one row says what is wrong."""
    from features.cif import structure_blocks
    from features.errors import CandidateError

    try:
        return structure_blocks(text) or [None]
    except CandidateError:
        return [None]


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
    properties: list[Property] | None,
    coverage: float,
    *,
    explain: bool,
) -> dict[str, Any]:
    from serving.models.store import ModelUnavailableError
    from serving.predictor import Predictor

    try:
        predictor = Predictor.load(properties=properties)
    except ModelUnavailableError as error:
        raise click.UsageError(str(error)) from error
    return predictor.answer(rows, conditions, properties=properties, coverage=coverage, explain=explain)


def _write(results: Sequence[dict[str, Any]], output: Path) -> None:
    from serving.answers.output_tables import write_results

    try:
        write_results(results, output)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {output}: {error}") from error
    click.echo(f"wrote {len(results)} rows to {output}", err=True)


def _show(document: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    say_models(document["models"], as_json=as_json, quiet=quiet)
    if as_json:
        import orjson

        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    elif not quiet:
        from serving.answers.explanation_blocks import explanation_lines
        from serving.answers.output_tables import terminal_lines

        for line in [*terminal_lines(document["results"]), *explanation_lines(document["results"])]:
            click.echo(line)
