"""`elyte monitor`: whether the service is asked what it knows, and new measurements fall where it said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.printing import echo_json
from serving.models.lines import say_models

if TYPE_CHECKING:
    from serving.monitoring.answer import Monitoring
    from serving.rest.request_history import RequestHistory
    from training.ledger.store import Ledger

EXIT_UNUSABLE = 2


@click.command(short_help="Say whether to retrain or distrust, from requests and new measurements.")
@click.option(
    "--log",
    "log_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Request log of the service; default: ELYTE_REQUEST_LOG.",
)
@click.option(
    "--since",
    "days",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="Requests of so many last days are judged; the ones before are what they are compared with.",
)
@click.option("--ledger", "address", metavar="URL", help="Measurements; default: ELYTE_LEDGER_URL, else the user's.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a page (HTML) here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
def monitor(log_file: Path | None, days: float, address: str | None, report: Path | None, as_json: bool) -> None:
    """Compare requests with what the models know, and new measurements with the served intervals.

    Exit status: 0 fine or nothing to judge, 3 retrain, 4 distrust (intervals are too narrow, or most questions lie
    outside what is known), 2 unusable call. A run raises a false alarm with a chance of at most 5 %.
    """
    from serving.models.store import ModelUnavailableError, load_models
    from serving.monitoring.answer import monitor as judge
    from serving.rest.request_history import days_ago

    requests, ledger = _requests(log_file), _ledger(address)
    with _failing_clearly():
        try:
            found = judge(load_models(), requests, ledger, days_ago(days))
        except ModelUnavailableError as error:
            raise click.UsageError(str(error)) from error
    if report is not None:
        _write_page(found, report)
    say_models(found.document["models"], as_json=as_json)
    if as_json:
        echo_json(found.document)
    else:
        for line in found.lines:
            click.echo(line)
    sys.exit(int(found.verdict))


def _requests(log_file: Path | None) -> RequestHistory | None:
    """Read the log that is named; None where the service keeps none."""
    import os

    from serving.rest.request_file import REQUEST_LOG_VARIABLE
    from serving.rest.request_history import read_requests

    name = os.environ.get(REQUEST_LOG_VARIABLE, "").strip()
    path = log_file or (Path(name) if name else None)
    if path is None:
        return None
    try:
        return read_requests(path)
    except FileNotFoundError as error:
        if log_file is None:  # a service that was not asked yet
            click.echo(f"{path}: no requests yet", err=True)
            return None
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def _ledger(address: str | None) -> Ledger | None:
    """Open the ledger; None where there is none, as watching must not make one."""
    from training.ledger.place import is_installed

    if not is_installed():
        click.echo("measurements are not looked at; install elyte[ledger]", err=True)
        return None
    from training.ledger.store import Ledger

    with _failing_clearly():
        found = Ledger.open_existing(address)
    if found is None and address is not None:
        raise click.UsageError(f"there is no ledger at {address}")
    return found


@contextmanager
def _failing_clearly() -> Iterator[None]:
    """Turn a ledger that cannot be read into a message and exit status 2."""
    try:
        from training.measurements.problems import LedgerError
    except ModuleNotFoundError:
        yield
        return
    try:
        yield
    except LedgerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)


def _write_page(found: Monitoring, path: Path) -> None:
    from serving.monitoring.page import page_of

    try:
        path.write_text(page_of(found), encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror or error}") from error
    click.echo(f"wrote {path}", err=True)
