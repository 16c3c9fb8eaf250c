"""`elyte retrain`: new measurements become a challenger, and the challenger champion, or not, and it is told why."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.printing import echo_json
from training.properties import registry

if TYPE_CHECKING:
    from training.ledger.report import Report
    from training.ledger.store import Ledger
    from training.refitting.property_job import PropertyJob
    from training.retraining.job import JobResult, JobStatus, RetrainOptions

EXIT_OK, EXIT_ROWS_REFUSED, EXIT_UNUSABLE, EXIT_KEPT, EXIT_NEEDS_PERSON, EXIT_LOCKED = 0, 1, 2, 3, 4, 5


@click.command(short_help="Judge new measurements, refit, and promote what passes the gates.")
@click.argument("property_name", metavar="[PROPERTY]", type=click.Choice([*registry.names(), "all"]), default="all")
@click.option(
    "--input",
    "paths",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measurements to add to the ledger first, as `elyte data add` does; may be given several times.",
)
@click.option("--who", default=None, help="Who asks for this; default: the name of the user's account.")
@click.option(
    "--accept-warnings",
    multiple=True,
    metavar="ROW:CODE,...",
    help="Warnings of rows of --input that you have looked at, as `elyte data add` takes them; one --input then.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=None, help="Seed of the fit, instead of the recipe's."
)
@click.option("--dry-run", is_flag=True, help="Judge and report; add, register and promote nothing.")
@click.option("--force-evaluate", is_flag=True, help="Judge anew although this data was judged before.")
@click.option("--promote-anyway", metavar="REASON", default=None, help="Promote against the gates; needs --who.")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for results of stages (default: in the user's cache); a stopped job goes on from there.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the HTML report here; with two properties, the name gets the property's.",
)
@click.option(
    "--ledger",
    "address",
    metavar="URL",
    help="sqlite:///FILE or postgresql://...; default: ELYTE_LEDGER_URL, else a file in the user's data folder.",
)
@click.option("--quick", is_flag=True, help="Few trees, nets and steps: to try the path, not to use the model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def retrain(
    property_name: str,
    paths: Sequence[Path],
    who: str | None,
    accept_warnings: Sequence[str],
    seed: int | None,
    dry_run: bool,
    force_evaluate: bool,
    promote_anyway: str | None,
    work: Path | None,
    report: Path | None,
    address: str | None,
    quick: bool,
    as_json: bool,
) -> None:
    """Judge what the ledger holds, and make a better model champion.

    PROPERTY is one that learns from measurements, or all of these (the default). The same data twice changes nothing; a
    job that was stopped goes on where it was. docs/operate/retraining.md says which gates a challenger has to pass.

    Exit status: 0 promoted, or nothing to do; 3 the champion stays; 4 a person has to decide; 5 another job is at work;
    1 rows of --input were refused or held; 2 unusable call or data. With several properties the largest of 0, 3, 4.
    """
    if promote_anyway is not None and (who is None or not promote_anyway.strip()):
        raise click.UsageError("--promote-anyway needs a reason and --who NAME: the promotion log keeps both")
    if accept_warnings and len(paths) != 1:
        raise click.UsageError("--accept-warnings names rows of one file; expected one --input beside it")
    jobs = _jobs(property_name, seed=seed, quick=quick)
    with failing_clearly():
        from serving.commands.ledger import user
        from serving.models.store import SHIPPED
        from training.ledger.store import Ledger
        from training.reachability import check_reachable
        from training.retraining.job import RetrainOptions
        from training.signing import check_keys
        from training.tracking import default_tracking_uri

        check_keys()
        check_reachable(default_tracking_uri())
        for job in jobs.values():
            job.check_tables()
        asking, ledger = who or user(), Ledger.open(address)
        _add(paths, ledger, asking, accept_warnings=accept_warnings, dry_run=dry_run)
        results = []
        for name, job in jobs.items():
            told = _report_path(report, name, tuple(jobs))
            options = RetrainOptions(asking, promote_anyway, force_evaluate, dry_run, told, SHIPPED / name)
            results.append(_run(job, ledger, work or default_work(), options))
    _tell(results, as_json)


def default_work() -> Path:
    """Return the folder in which jobs keep the results of their stages."""
    from platformdirs import user_cache_path

    return user_cache_path("elyte", appauthor=False) / "retraining"


def _report_path(report: Path | None, name: str, names: Sequence[str]) -> Path | None:
    return report if report is None or len(names) == 1 else report.with_stem(f"{report.stem}-{name}")


def _add(paths: Sequence[Path], ledger: Ledger, who: str, *, accept_warnings: Sequence[str], dry_run: bool) -> None:
    """Add files to the ledger; leave with status 1, before anything is fitted, where a row is refused or held."""
    from serving.commands.ledger import tell_rows
    from training.ledger.intake import Wishes, add_table
    from training.ledger.reading import read_measurements_file

    reports: list[Report] = []
    for path in paths:
        wishes = Wishes(None, "", accept_warnings, dry_run=dry_run)
        reports.append(add_table(read_measurements_file(path), who=who, wishes=wishes, ledger=ledger))
        tell_rows(reports[-1])
        click.echo(reports[-1].summary(), err=True)
        if reports[-1].counts["held"]:
            words = ["elyte", "data", "add", "--input", str(path), "--accept-warnings", reports[-1].accept_warnings]
            click.echo(f"once you have looked at what is held: {shlex.join(words)}", err=True)
    if not all(report.all_accepted for report in reports):
        sys.exit(EXIT_ROWS_REFUSED)


def _run(job: PropertyJob, ledger: Ledger, work: Path, options: RetrainOptions) -> JobResult:
    from training.allocation import keep_freed_memory
    from training.retraining.job import retrain as run_job
    from training.retraining.registry import ModelRegistry
    from training.retraining.rules import load_rules
    from training.tracking import default_tracking_uri

    name = job.name
    keep_freed_memory()
    with progress(job.n_steps, name) as on_step:
        return run_job(
            job, ledger, ModelRegistry(name, default_tracking_uri()), load_rules(name), work, options, on_step=on_step
        )


def _jobs(property_name: str, *, seed: int | None, quick: bool) -> dict[str, PropertyJob]:
    """Return the job of a property, or with `all` those of every property that learns from measurements."""
    from training.properties.contract import NotRetrainedError

    if property_name != "all":
        try:
            return {property_name: _job(property_name, seed=seed, quick=quick)}
        except NotRetrainedError as error:
            raise click.UsageError(str(error)) from error
    jobs = {}
    for name in registry.names():
        with suppress(NotRetrainedError):
            jobs[name] = _job(name, seed=seed, quick=quick)
    return jobs


def _job(name: str, *, seed: int | None, quick: bool) -> PropertyJob:
    from serving.commands.train import shipped_model

    return registry.get(name).retraining(seed=seed, quick=quick, model_of=shipped_model)


def exit_status(status: JobStatus) -> int:
    """Return the exit status of how a job ended."""
    from training.retraining.job import JobStatus

    return {JobStatus.KEPT: EXIT_KEPT, JobStatus.NEEDS_PERSON: EXIT_NEEDS_PERSON}.get(status, EXIT_OK)


def _tell(results: Sequence[JobResult], as_json: bool) -> None:
    if as_json:
        echo_json({"results": [result.as_dict() for result in results]})
    for result in results:
        if not as_json:
            click.echo(f"{result.property}: {result.status}: {result.message}")
            if result.report is not None:
                click.echo(f"  report: {result.report}")
    sys.exit(max(exit_status(result.status) for result in results))


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn what is wrong with the call, the ledger or the registry into a message and an exit status."""
    from serving.commands.ledger import failing_clearly as ledger_failing_clearly
    from training.bundle import BundleError
    from training.reachability import RegistryUnreachableError
    from training.retraining.job import NoChampionError
    from training.retraining.locks import JobRunningError
    from training.retraining.promotion import PromotionError
    from training.sources import MissingSourceError

    try:
        with ledger_failing_clearly():
            yield
    except JobRunningError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except BundleError as error:
        click.echo(
            f"error: {error}\nthe champion may be broken: `elyte models rollback` goes back to the last", err=True
        )
        sys.exit(EXIT_UNUSABLE)
    except (PromotionError, NoChampionError, MissingSourceError, RegistryUnreachableError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)


@contextmanager
def progress(total: int, name: str) -> Iterator[Callable[[str], None]]:
    """Draw a progress bar on standard error if that is a terminal; yields the function to call at each step."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="step", dynamic_ncols=True, desc=name) as bar:

        def on_step(what: str) -> None:
            bar.set_description(f"{name}: {what}", refresh=False)
            bar.update(1)

        yield on_step
