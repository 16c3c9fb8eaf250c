"""`elyte data add`, `history`, `correct` and `retract`: the measurement ledger at the command line."""

from __future__ import annotations

import getpass
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from serving.commands.printing import echo_json
from training.properties import registry

if TYPE_CHECKING:
    from training.ledger.intake import Wishes
    from training.ledger.report import Report
    from training.measurements.entries import Entry

EXIT_SOME_FAILED, EXIT_UNUSABLE = 1, 2
MAX_TOLD = 200
"""Problems, and formulas read, written out in words; the document of --json has all."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
ledger_option = click.option(
    "--ledger",
    "address",
    metavar="URL",
    help="sqlite:///FILE or postgresql://...; default: ELYTE_LEDGER_URL, else a file in the user's data folder.",
)
who_option = click.option("--who", default=None, help="Who records this; default: the name of the user's account.")
kind_option = click.option("--kind", type=click.Choice(registry.names()), default=None, help="What is measured.")


accept_option = click.option(
    "--accept-warnings",
    multiple=True,
    metavar="ROW:CODE,...",
    help="Warnings that you have looked at, each by row and code: 3:not_charge_balanced,7:out_of_domain. What is held"
    " lists them; a row is stored once all its warnings are accepted.",
)
source_option = click.option(
    "--source", default="", help="Reference of rows that name none, such as lab:2026-11-03:JD."
)
keep_option = click.option("--keep-good", is_flag=True, help="Store the good rows although others are refused or held.")
comma_option = click.option(
    "--decimal-comma", is_flag=True, help="The CSV has semicolons between cells and decimal commas."
)


@click.command("add")
@click.option(
    "--input",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV, JSON lines or Parquet, one measurement a row; docs/operate/ledger.md lists the columns.",
)
@kind_option
@who_option
@source_option
@accept_option
@keep_option
@comma_option
@click.option("--dry-run", is_flag=True, help="Check and compare only, as `elyte data check --input` does.")
@ledger_option
@as_json
def add(
    path: Path,
    kind: str | None,
    who: str | None,
    source: str,
    accept_warnings: Sequence[str],
    keep_good: bool,
    decimal_comma: bool,
    dry_run: bool,
    address: str | None,
    as_json: bool,
) -> None:
    """Check measurements and record them for good: all rows of the file, or none.

    Impossible rows are refused; those that somebody should look at are held until --accept-warnings names each of their
    warnings. Every one is named with its reason, and the command that stores what is held is printed.
    Adding a file twice changes nothing. Exit status: 0 every row is in the ledger, 1 some are refused or held, 2 the
    file cannot be used, or a warning is accepted that is not there.
    """
    from training.ledger.intake import Wishes

    wishes = Wishes(kind, source, accept_warnings, keep_good, dry_run)
    add_file(path, wishes, who or user(), address, decimal_comma=decimal_comma, as_json=as_json)


def add_file(path: Path, wishes: Wishes, who: str, address: str | None, *, decimal_comma: bool, as_json: bool) -> None:
    """Add a file to the ledger as a command does, or only check it, and tell what became of each row."""
    from training.ledger.intake import STEPS, add_table
    from training.ledger.reading import read_measurements_file
    from training.ledger.store import Ledger

    with failing_clearly(), progress(len(STEPS)) as on_step:
        table = read_measurements_file(path, decimal_comma=decimal_comma)
        report = add_table(table, who=who, wishes=wishes, ledger=Ledger.open(address), on_step=on_step)
    tell(report, as_json)


@click.command("history")
@kind_option
@click.option("--entry", type=int, default=None, help="Only the measurement that this entry belongs to.")
@ledger_option
@as_json
def history(kind: str | None, entry: int | None, address: str | None, as_json: bool) -> None:
    """Show every entry in the order of recording: what, by whom, when, from where, and what took its place."""
    from training.ledger.kinds import kinds
    from training.ledger.store import Ledger

    with failing_clearly():
        ledger = Ledger.open(address)
        measurement = None if entry is None else ledger.find(entry).measurement
        found = ledger.history(kind, measurement)
        hashes = {one: ledger.content_hash(one) for one in kinds()}
    gone = {e.supersedes for e in found}
    if as_json:
        rows = [_entry_document(e, holds=e.entry not in gone and e.content is not None) for e in found]
        echo_json({"ledger": ledger.place, "content_hash": hashes, "entries": rows})
        return
    for e in found:
        mark = " " if e.entry not in gone and e.content is not None else "-"
        what = _in_words(e)
        click.echo(f"{mark} {e.entry:>6}  {e.recorded_at[:19]}Z  {e.who}  {e.kind}  {what}")
    click.echo(f"{len(found)} entries in {ledger.place}; those marked '-' no longer hold", err=True)


@click.command("retract")
@click.argument("entry", type=int)
@click.option("--reason", required=True, help="Why it does not hold.")
@who_option
@ledger_option
@as_json
def retract(entry: int, reason: str, who: str | None, address: str | None, as_json: bool) -> None:
    """Take a measurement back by a new entry; ENTRY is its last one and stays in the history."""
    from training.ledger.store import Ledger

    with failing_clearly():
        number = Ledger.open(address).retract(entry, who=who or user(), reason=reason)
    if as_json:
        echo_json({"entry": number, "retracts": entry})
    else:
        click.echo(f"entry {number} retracts entry {entry}")


@click.command("correct")
@click.argument("entry", type=int)
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="COLUMN=VALUE",
    help="A header with its unit and the new cell, such as sigma_mS_per_cm=1.2; a blank value removes the old one.",
)
@click.option("--reason", required=True, help="Why.")
@accept_option
@who_option
@ledger_option
@as_json
def correct(
    entry: int,
    changes: Sequence[str],
    reason: str,
    accept_warnings: Sequence[str],
    who: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Correct cells of a measurement by a new entry; ENTRY is its last one, or its retraction, and stays."""
    from training.ledger.intake import correct_entry
    from training.ledger.store import Ledger

    cells = dict(change.partition("=")[::2] for change in changes if "=" in change)
    if len(cells) != len(changes):
        raise click.UsageError("--set: expected COLUMN=VALUE, each column once")
    with failing_clearly():
        report = correct_entry(
            Ledger.open(address), entry, cells, who=who or user(), reason=reason, accept_warnings=accept_warnings
        )
    tell(report, as_json)


def user() -> str:
    """Return the name of the user's account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("the user's account has no name; expected --who NAME") from None


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn what is wrong with the call, the file or the ledger into a message and exit status 2."""
    from training.measurements.problems import LedgerError, UnusableTableError

    try:
        yield
    except (LedgerError, UnusableTableError, NotADirectoryError, ValueError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Draw a progress bar on standard error if that is a terminal; yields what to call as each step begins."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="step", leave=False, dynamic_ncols=True) as bar:

        def on_step(step: str) -> None:
            bar.set_description(step)
            bar.update(1)

        yield on_step


def tell(report: Report, as_json: bool) -> None:
    """Print what became of a batch: the document or the summary on standard output, problems on standard error."""
    tell_rows(report)
    command = _accepting_command(report) if report.counts["held"] else ""
    if report.ignored_columns:
        click.echo(f"columns without a meaning here, not stored: {', '.join(report.ignored_columns)}", err=True)
    if as_json:
        echo_json(report.as_dict() | {"accept_command": command})
    else:
        click.echo(report.summary())
        if command:
            click.echo(f"to store what is held, once you have looked at it: {command}")
    if not report.all_accepted:
        sys.exit(EXIT_SOME_FAILED)


def tell_rows(report: Report) -> None:
    """Print problems, rows that are held, and formulas that were read as another text, on standard error."""
    lines = [str(problem) for problem in report.problems]
    for row in report.rows:
        if row.outcome == "held":
            lines.append(f"{row.place} is held: {row.reading}: {', '.join(row.held_for)}")
        elif row.is_read_otherwise:
            lines.append(f"{row.place}: {row.reading}")
    for line in [*lines[:MAX_TOLD], *report.remarks]:
        click.echo(line, err=True)
    if len(lines) > MAX_TOLD:
        click.echo(f"... and {len(lines) - MAX_TOLD} more; --json lists all", err=True)


def _accepting_command(report: Report) -> str:
    """Return the command of this call again, with every warning of a row that can be stored accepted by name."""
    context = click.get_current_context()
    words = ["elyte", "data", "correct" if context.info_name == "correct" else "add"]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name in ("accept_warnings", "dry_run", "as_json"):
            continue
        value = context.params[name]
        if isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(parameter.opts[0])
            continue
        for one in value if isinstance(value, tuple) else (value,):
            text = report.ledger if name == "address" and "***" in report.ledger else str(one)
            words += [text] if isinstance(parameter, click.Argument) else [parameter.opts[0], text]
    return shlex.join([*words, "--accept-warnings", report.accept_warnings])


def _entry_document(entry: Entry, *, holds: bool) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(entry) | {"holds": holds, "read_as": entry.read_as}


def _in_words(entry: Entry) -> str:
    from training.measurements.columns import FORMULA

    cells = ", ".join(f"{column}={value}" for column, value in (entry.content or {}).items())
    words = {"add": cells, "correct": f"corrects {entry.supersedes} ({entry.reason}): {cells}"}
    told = words.get(entry.action, f"retracts {entry.supersedes} ({entry.reason})")
    if entry.read_as not in (None, (entry.content or {}).get(FORMULA)):
        told += f" [read as {entry.read_as}]"
    if entry.warnings:
        told += f" [{entry.who} accepted {', '.join(entry.warnings)}]"
    return told + (f" [{entry.excluded_from_training}]" if entry.excluded_from_training else "")
