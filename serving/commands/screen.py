"""`elyte screen`: partitioned Parquet in and out; stopped at any time, continued by the same command."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE
from serving.cli import EXIT_ROW_FAILED
from serving.commands.condition_options import condition_options, conditions_of_options
from serving.commands.printing import echo_json
from serving.models.lines import say_models
from training.properties import registry

if TYPE_CHECKING:
    from serving.screening.run import Screening, ScreeningOutcome

_A_COLUMN = registry.properties()[0].quantities[0].name


@click.command(short_help="Screen millions of candidates from Parquet to Parquet.")
@click.option(
    "--input",
    "input_path",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="A Parquet file or a folder of them: a column formula (or cif), or one column of amounts an element.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that takes the parts; run the same command again to continue.",
)
@click.option("--address", help="A Ray cluster (`local` starts one); without it, processes of this machine work.")
@click.option("--processes", type=click.IntRange(min=1), help="Worker processes [default: one for each processor].")
@click.option("--property", "properties", multiple=True, type=click.Choice(registry.names()))
@condition_options
@click.option(
    "--coverage",
    type=click.FloatRange(MIN_COVERAGE, MAX_COVERAGE),
    default=DEFAULT_COVERAGE,
    show_default=True,
    help="Coverage of the intervals.",
)
@click.option("--where", multiple=True, help=f'Keep only such rows, "{_A_COLUMN}>=-3"; errors are always kept.')
@click.option("--top-k", type=click.IntRange(min=1), help="Write the best K rows to OUTPUT_top.parquet.")
@click.option("--by", help="What is best: COLUMN, COLUMN:max or COLUMN:min.")
@click.option("--pareto", help="Write the rows that none beats in COL:max,COL:min,... to OUTPUT_pareto.parquet.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as one JSON document.")
def screen(
    input_path: Path,
    output: Path,
    address: str | None,
    processes: int | None,
    properties: tuple[str, ...],
    coverage: float,
    where: tuple[str, ...],
    top_k: int | None,
    by: str | None,
    pareto: str | None,
    as_json: bool,
    **conditions: float | str | None,
) -> None:
    """Predict conductivity, stability and critical current density of every row of a Parquet table of any length.

    A run that was stopped, even killed, continues where it was when the same command is given again: no row is lost
    and none comes twice.
    """
    from serving.screening.filters import FilterError, SortedColumn, parse_objectives
    from serving.screening.run import Screening

    if (top_k is None) != (by is None):
        raise click.UsageError(f"--top-k and --by go together: --top-k 1000 --by {_A_COLUMN}")
    try:
        asked = Screening(
            input=input_path,
            output=output,
            conditions=conditions_of_options(conditions),
            coverage=coverage,
            where=where,
            address=address,
            properties=tuple(dict.fromkeys(properties)) or None,
            top=None if by is None or top_k is None else (SortedColumn.parse(by), top_k),
            pareto=() if pareto is None else parse_objectives(pareto),
            n_processes=processes or len(os.sched_getaffinity(0)),
        )
    except FilterError as error:
        raise click.UsageError(str(error)) from error
    outcome = _run(asked)
    _say(outcome, output, as_json=as_json)
    if not outcome.is_clean:
        sys.exit(EXIT_ROW_FAILED)


def _run(asked: Screening) -> ScreeningOutcome:
    from serving.answers.input_tables import InputTableError
    from serving.models.store import ModelUnavailableError
    from serving.screening.filters import FilterError
    from serving.screening.manifest import ManifestError
    from serving.screening.run import ScreeningError
    from serving.screening.run import screen as run_screening
    from serving.screening.work import WorkerError

    try:
        return run_screening(asked)
    except KeyboardInterrupt:
        click.echo("\nstopped; run the same command again to continue", err=True)
        raise click.Abort from None
    except WorkerError as error:
        click.echo(f"{error}; finished parts are safe, run the same command again to continue", err=True)
        sys.exit(EXIT_ROW_FAILED)
    except ModuleNotFoundError as error:
        raise click.UsageError(f"screening needs {error.name}; install elyte[tables]") from error
    except (FilterError, InputTableError, ManifestError, ModelUnavailableError, ScreeningError) as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{asked.output} cannot be written: {error.strerror or error}") from error


def _say(outcome: ScreeningOutcome, output: Path, *, as_json: bool) -> None:
    say_models(outcome.models, as_json=as_json, quiet=True)
    if outcome.ignored:
        click.echo(f"columns not used: {', '.join(outcome.ignored)}", err=True)
    for fault in outcome.faults:
        if fault not in outcome.stopped:
            click.echo(fault, err=True)
    if outcome.stopped:
        click.echo(f"stopped: {outcome.stopped}", err=True)
    if as_json:
        summary = {**asdict(outcome), "rows_per_s": round(outcome.rows_per_s, 1), "output": str(output)}
        echo_json(summary)
    else:
        click.echo(
            f"{outcome.rows:,} rows read, {outcome.written:,} written in {outcome.parts:,} parts to {output}"
            f" ({outcome.parts_before:,} from earlier runs), {outcome.errors:,} rows failed",
            err=True,
        )
