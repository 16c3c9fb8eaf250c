"""A screening from beginning to end: plan or continue, run the units that are missing, choose, sum up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from serving.answers.conditions import Conditions
from serving.answers.request import DEFAULT_COVERAGE
from serving.screening.filters import Chooser, SortedColumn, Where
from serving.screening.manifest import Manifest, ManifestError, continued, load_manifest
from serving.screening.parts import (
    FINISHED,
    Stamp,
    part_path,
    read_columns,
    read_stamp,
    remove_unfinished,
    write_table,
)
from serving.screening.plan import InputFile, WorkUnit, input_root, inspect_input
from serving.screening.progress import Progress
from serving.screening.work import Job, UnitReport

LOCK = ".lock"
TOP, PARETO = "top", "pareto"


class ScreeningError(ValueError):
    """A screening cannot begin or go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What is asked for.

    Attributes
    ----------
    input, output
        A Parquet file or a folder of them, and the folder that takes the parts.
    properties
        None means every property that has a model.
    conditions, coverage, where
        As on the command line; they fix the parts.
    top, pareto
        What is chosen of all rows written: (objective, how many), and the objectives of a front.
    source
        Where models come from, as `Predictor.load`.
    address
        A Ray cluster, `local` for one started here; None for processes of this machine.
    n_processes
        Without `address`.
    """

    input: Path
    output: Path
    properties: tuple[str, ...] | None = None
    conditions: Conditions = field(default_factory=Conditions)
    coverage: float = DEFAULT_COVERAGE
    where: tuple[str, ...] = ()
    top: tuple[SortedColumn, int] | None = None
    pareto: tuple[SortedColumn, ...] = ()
    source: str = "auto"
    address: str | None = None
    n_processes: int = 1


@dataclass
class ScreeningOutcome:
    """What became of a screening, and the headers of its models; counts include earlier runs that it continues."""

    rows: int = 0
    errors: int = 0
    written: int = 0
    parts: int = 0
    parts_before: int = 0
    parts_planned: int = 0
    rows_per_s: float = 0.0
    faults: list[str] = field(default_factory=list)
    stopped: str = ""
    ignored: list[str] = field(default_factory=list)
    models: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether every row was answered."""
        return not (self.errors or self.faults or self.stopped)

    def count(self, stamp: Stamp) -> None:
        """Add a finished part."""
        self.parts += 1
        self.rows, self.errors = self.rows + stamp.rows_read, self.errors + stamp.rows_failed
        self.written += stamp.rows_written


def screen(asked: Screening, stream: TextIO | None = None) -> ScreeningOutcome:
    """Screen, or continue where an earlier run was stopped.

    Parameters
    ----------
    asked
        What to do.
    stream
        Where the progress line goes; None for standard error.

    Raises
    ------
    ScreeningError, ManifestError, InputTableError, FilterError, ModelUnavailableError, OSError
        If it cannot begin; the messages are for people.
    """
    for text in asked.where:
        Where.parse(text)
    files, ignored = inspect_input(asked.input)
    output = asked.output.resolve()
    if output == input_root(asked.input).resolve() or output in input_root(asked.input).resolve().parents:
        raise ScreeningError(f"{asked.output} holds the input; choose another output folder")
    output.mkdir(parents=True, exist_ok=True)
    if (asked.top or asked.pareto) and not os.access(output.parent, os.W_OK):
        raise ScreeningError(f"{output.parent} cannot be written; what is chosen is kept there, beside {output.name}")
    with _alone(output):
        remove_unfinished(output)
        manifest, headers = _settled(asked, files, output)
        faults = [file.fault for file in manifest.files if file.fault]
        outcome = ScreeningOutcome(ignored=ignored, faults=faults, models=headers)
        _screen_units(asked, manifest, output, outcome, stream)
        return outcome


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other screenings out of a folder; the system lets go when the process ends, however it ends."""
    with (folder / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ScreeningError(f"another screening is writing into {folder}") from error
        yield


def _settled(asked: Screening, files: list[InputFile], output: Path) -> tuple[Manifest, dict[str, dict[str, str]]]:
    """Return the manifest of the folder, new or continued, which is written down, and the headers of the models."""
    from serving.models.store import ModelUnavailableError, load_models
    from training.properties.registry import with_needed

    wanted = asked.properties and list(asked.properties)
    models = load_models(asked.source, wanted and with_needed(wanted))
    missing = [str(name) for name in with_needed(wanted or ()) if name not in models]
    if missing:
        raise ModelUnavailableError(f"no model of {', '.join(missing)} found; run `elyte train {missing[0]}`")
    settings = {
        "properties": [str(name) for name in wanted or models],
        "conditions": asked.conditions.model_dump(exclude_none=True),
        "coverage": asked.coverage,
        "where": list(asked.where),
    }
    manifest = Manifest(settings, {str(name): served.bundle.digest for name, served in models.items()}, tuple(files))
    before = load_manifest(output)
    finished = [path.name.removesuffix(FINISHED) for path in output.glob(f"part-*{FINISHED}")]
    if before is None and finished:
        raise ManifestError(f"{output} holds parts but no manifest; choose another output folder")
    if before is not None:
        manifest = continued(before, manifest, output, finished)
    manifest.save(output)
    return manifest, {str(name): served.header() for name, served in models.items()}


def chosen_path(output: Path, name: str) -> Path:
    """Return where chosen rows are kept: beside the folder of parts, or its readers would find each of them twice.

    Parameters
    ----------
    output
        The folder.
    name
        `TOP` or `PARETO`.
    """
    return output.with_name(f"{output.name}_{name}.parquet")


def _screen_units(
    asked: Screening, manifest: Manifest, output: Path, outcome: ScreeningOutcome, stream: TextIO | None
) -> None:
    units = {unit.key: unit for number, file in enumerate(manifest.files) for unit in file.units(number)}
    choosers = _choosers(asked)
    order = {key: place for place, key in enumerate(units)}
    missing = []
    for key, unit in units.items():
        stamp = read_stamp(output, key, manifest.digest)
        if stamp is None or not _chosen_from(choosers, output, stamp, order[key]):
            missing.append(unit)
        else:
            outcome.count(stamp)
    outcome.parts_before, outcome.parts_planned = outcome.parts, len(units)
    progress = Progress(sum(unit.rows for unit in units.values()), outcome.rows, stream)
    job = _job(asked, manifest, output)
    for report in _reports(asked, job, missing):
        if report.stamp is None:
            outcome.faults.append(report.fault)
            if report.stops:
                outcome.stopped = _how_to_go_on(report, outcome)
                break
        else:
            outcome.count(report.stamp)
            _chosen_from(choosers, output, report.stamp, order[report.key])
        progress.advance(units[report.key].rows)
    progress.close()
    outcome.rows_per_s = progress.rows_per_second
    if not outcome.stopped:
        keys = list(units)
        for name, chooser in choosers.items():
            write_chosen(chosen_path(output, name), output, chooser, keys)


def _how_to_go_on(report: UnitReport, outcome: ScreeningOutcome) -> str:
    return (
        f"{report.fault}; {outcome.parts} of {outcome.parts_planned} parts are finished and safe: make room and run"
        " the same command again"
    )


def _choosers(asked: Screening) -> dict[str, Chooser]:
    choosers = {}
    if asked.top is not None:
        choosers[TOP] = Chooser((asked.top[0],), asked.top[1])
    if asked.pareto:
        choosers[PARETO] = Chooser(asked.pareto)
    return choosers


def _chosen_from(choosers: dict[str, Chooser], output: Path, stamp: Stamp, number: int) -> bool:
    """Show a finished part to the choosers; return whether it could be read."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for chooser in choosers.values() for name in chooser.columns))
    if not names or not stamp.rows_written:
        return True
    try:
        columns = read_columns(output, stamp.unit, names)
    except (OSError, ValueError, pa.ArrowException):
        return False
    for chooser in choosers.values():
        chooser.take_in(number, columns)
    return True


def write_chosen(path: Path, folder: Path, chooser: Chooser, keys: Sequence[str]) -> None:
    """Write the chosen rows, best first, with all their columns.

    Parameters
    ----------
    path
        The file to write.
    folder, keys
        Where the parts lie, and their keys by number.
    chooser
        What was chosen.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = chooser.ranking()
    part, row = chooser.part[order], chooser.row[order]
    tables, places = [], np.empty(len(order), dtype=np.int64)
    start = 0
    for number in np.unique(part).tolist():
        own = np.flatnonzero(part == number)
        tables.append(pq.read_table(part_path(folder, keys[number])).take(pa.array(row[own])).replace_schema_metadata())
        places[own] = start + np.arange(len(own))
        start += len(own)
    if not tables:
        tables = [pq.read_table(part_path(folder, keys[0])).slice(0, 0).replace_schema_metadata()] if keys else []
    if tables:
        write_table(path, pa.concat_tables(tables).take(pa.array(places)))


def _job(asked: Screening, manifest: Manifest, output: Path) -> Job:
    return Job(
        root=input_root(asked.input).resolve(),
        output=output,
        columns={file.name: file.columns for file in manifest.files},
        plan=manifest.digest,
        source=asked.source,
        digests=manifest.models,
        properties=tuple(name for name in manifest.settings["properties"]),
        conditions=asked.conditions,
        coverage=asked.coverage,
        where=asked.where,
    )


def _reports(asked: Screening, job: Job, units: list[WorkUnit]) -> Iterator[UnitReport]:
    if not units:
        return iter(())
    if asked.address is not None:
        from serving.screening.cluster import run_on_cluster

        return run_on_cluster(job, units, asked.address)
    from serving.screening.processes import run_on_processes

    return run_on_processes(job, units, min(asked.n_processes, len(units)))
