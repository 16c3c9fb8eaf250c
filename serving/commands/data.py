"""`elyte data`: which public tables exist and how they get here; the laboratory's own measurements."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from serving.commands.croissant import croissant
from serving.commands.ledger import (
    accept_option,
    add,
    add_file,
    comma_option,
    correct,
    history,
    keep_option,
    kind_option,
    ledger_option,
    retract,
    source_option,
)
from serving.commands.printing import echo_json
from serving.commands.verify import verify

EXIT_SOME_FAILED = 1


@click.group()
def data() -> None:
    """List, fetch and check the public tables that models are fitted on; record your own measurements.

    The repository holds no public table. They go to ELYTE_DATA_DIR, or to a folder in the user's cache.
    Predicting needs no table: the fitted models are shipped.
    """


for command in (add, history, correct, retract, verify, croissant):
    data.add_command(command)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@data.command("list")
@as_json
def list_sources(as_json: bool) -> None:
    """Show the catalogue: every source, its licence, and whether models fitted on it may be shipped."""
    from training.sources import catalogue, data_dir

    sources = list(catalogue().values())
    if as_json:
        echo_json({"data_dir": str(data_dir()), "sources": [asdict(source) for source in sources]})
        return
    _print_table(
        ("key", "size", "shipped", "licence", "title"),
        [
            (
                source.key,
                "-" if source.size_bytes is None else f"{source.size_bytes / 1e3:,.0f} kB",
                "yes" if source.ships_in_bundle else "no",
                source.licence,
                source.title,
            )
            for source in sources
        ],
    )


@data.command("fetch")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--mirror",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder to look in first, under any file name, for the same content; default: ELYTE_DATA_MIRROR.",
)
@as_json
def fetch_sources(keys: Sequence[str], mirror: Path | None, as_json: bool) -> None:
    """Bring the named sources, or all that have an origin, into the data folder.

    Interrupted downloads go on where they stopped. Nothing but the catalogued SHA-256 is accepted. Exit
    code 1 if a source could not be had, with the reason on standard error.
    """
    from training.sources import UnknownSourceError, data_dir, fetch

    try:
        results = fetch(keys, mirror=mirror, progress=sys.stderr.isatty())
    except (UnknownSourceError, NotADirectoryError) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        echo_json({"data_dir": str(data_dir()), "results": [asdict(result) for result in results]})
    else:
        _print_table(("key", "outcome", "path"), [(r.key, str(r.outcome), r.path or "-") for r in results])
    _report_failures({result.key: result.message for result in results if not result.ok})


@data.command("check")
@click.option(
    "--input",
    "path",
    default=None,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measurements to check as `elyte data add` does, without storing any.",
)
@kind_option
@source_option
@accept_option
@keep_option
@comma_option
@ledger_option
@as_json
def check_sources(
    path: Path | None,
    kind: str | None,
    source: str,
    accept_warnings: Sequence[str],
    keep_good: bool,
    decimal_comma: bool,
    address: str | None,
    as_json: bool,
) -> None:
    """Compare the data folder with the catalogue; or, with --input, check measurements without storing any.

    Exit status: 1 if a table is missing or damaged, or a row would be refused or held.
    """
    if path is None:
        context = click.get_current_context()
        given = [n for n in context.params if context.get_parameter_source(n) is ParameterSource.COMMANDLINE]
        if set(given) - {"as_json"}:
            raise click.UsageError("these options are about measurements; expected --input FILE beside them")
        _check_tables(as_json)
        return
    from training.ledger.intake import Wishes

    wishes = Wishes(kind, source, accept_warnings, keep_good, dry_run=True)
    add_file(path, wishes, "nobody", address, decimal_comma=decimal_comma, as_json=as_json)


def _check_tables(as_json: bool) -> None:
    from training.sources import check, data_dir

    try:
        rows = check()
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        everything_is_here = all(row.ok for row in rows)
        echo_json({"data_dir": str(data_dir()), "ok": everything_is_here, "sources": [asdict(row) for row in rows]})
    else:
        _print_table(("key", "status", "path"), [(row.key, str(row.status), row.path or "-") for row in rows])
    _report_failures({row.key: row.message for row in rows if not row.ok})


def _report_failures(messages: dict[str, str]) -> None:
    """Write why on standard error and leave with exit code 1, if there is anything to write."""
    for key, message in messages.items():
        click.echo(f"{key}: {message}", err=True)
    if messages:
        sys.exit(EXIT_SOME_FAILED)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = zip(line, widths, strict=True)
        click.echo("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
