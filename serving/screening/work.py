"""What one worker does with one unit: read, judge, choose, write. The same on one machine and on a cluster."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.candidate import Candidate, RowError
from features.elements import ATOMIC_NUMBER
from features.errors import CandidateError, RowErrorCode
from features.kinds import FIELDS, NAMING_FIELDS, read_candidates, read_materials
from features.table_files import column_cells
from serving.answers.columns import predict_columns
from serving.answers.conditions import CONDITION_COLUMNS, Conditions
from serving.answers.input_tables import material_of, read_conditions, text_of_cell
from serving.answers.request import MAX_ID_LENGTH
from serving.screening.filters import Where, all_met
from serving.screening.parts import Stamp, to_table, write_part
from serving.screening.plan import WorkUnit


@dataclass(frozen=True, slots=True)
class Job:
    """All that every unit of a screening shares; travels to the workers.

    Attributes
    ----------
    root, output
        Folder below which the input files lie, and folder of the parts.
    columns
        Columns to read of each input file.
    plan
        Digest of settings and models, for the stamps.
    source, digests
        Where models are loaded from, and the digest that each must have.
    properties, conditions, coverage
        What is asked of every row.
    where
        Rows that are kept; errors are always.
    """

    root: Path
    output: Path
    columns: dict[str, tuple[str, ...]]
    plan: str
    source: str
    digests: dict[str, str]
    properties: tuple[str, ...]
    conditions: Conditions
    coverage: float
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What became of a unit: its stamp, or why there is none; `stops` where going on would be of no use."""

    key: str
    stamp: Stamp | None
    fault: str = ""
    stops: bool = False


class WorkerError(RuntimeError):
    """A worker cannot take part; the message says why."""


class Worker:
    """Loaded models that turn units into parts."""

    def __init__(self, job: Job) -> None:
        from serving.models.store import load_models
        from training.properties.registry import with_needed

        self._job = job
        names = with_needed(job.properties)
        self._models = load_models(job.source, names)
        for name, digest in job.digests.items():
            served = self._models.get(name)
            if served is None or served.bundle.digest != digest:
                raise WorkerError(f"the {name} model on this machine is not the one of the plan ({digest[:12]}...)")
        self._where = tuple(Where.parse(text) for text in job.where)
        self._open: tuple[tuple[str, int], Any] | None = None
        gc.collect()
        gc.freeze()  # models live as long as the process: no collection need walk through them

    def do(self, unit: WorkUnit) -> UnitReport:
        """Turn one unit into its part; never raises for what is wrong with the input or the disk."""
        import pyarrow as pa

        try:
            rows = self._read(unit)
        except (OSError, ValueError, pa.ArrowException) as error:
            where = f"{self._job.root / unit.source}, row group {unit.row_group}"
            return UnitReport(unit.key, None, f"{where} cannot be read: {str(error).strip().splitlines()[0]}")
        table, stamp = self._judge(unit, rows)
        try:
            write_part(self._job.output, table, stamp)
        except OSError as error:
            words = f"{self._job.output} cannot be written: {os.strerror(error.errno) if error.errno else error}"
            return UnitReport(unit.key, None, words, stops=True)
        return UnitReport(unit.key, stamp)

    def _read(self, unit: WorkUnit) -> Any:  # noqa: ANN401
        """Return the unit's rows; the row group that it stands in is kept for the next unit."""
        import pyarrow.parquet as pq

        place = (unit.source, unit.row_group)
        if self._open is None or self._open[0] != place:
            self._open = None
            with pq.ParquetFile(self._job.root / unit.source, page_checksum_verification=True) as file:
                names = list(self._job.columns[unit.source])
                self._open = (place, file.read_row_group(unit.row_group, columns=names, use_threads=False))
        rows = self._open[1].slice(unit.offset, unit.rows)
        if rows.num_rows != unit.rows:
            raise ValueError(f"{rows.num_rows} rows from row {unit.offset}, expected {unit.rows}")
        return rows

    def _judge(self, unit: WorkUnit, rows: Any) -> tuple[Any, Stamp]:  # noqa: ANN401
        job, n = self._job, unit.rows
        cells = {name: column_cells(rows[name]) for name in rows.column_names}
        ids, unreadable = _ids(cells.get("id", [None] * n))
        candidates = _candidates(cells, ids)
        stated = {name: cells[name] for name in CONDITION_COLUMNS if name in cells}
        conditions, faults = read_conditions(n, stated, job.conditions)
        for row, fault in (unreadable | _long_ids(ids) | faults).items():
            candidates[row] = RowError.of(candidates[row], row, fault)
        columns = predict_columns(
            self._models, candidates, conditions, coverage=job.coverage, properties=job.properties
        )
        names = np.empty(n, dtype=object)
        names[:] = [None if name is None else name[:MAX_ID_LENGTH] for name in ids]
        columns = {"id": names, **columns}
        failed = columns["status"] == "error"
        kept = np.flatnonzero(failed | all_met(self._where, columns))
        stamp = Stamp(unit.key, job.plan, n, int(failed.sum()), len(kept))
        return to_table(columns, unit, kept), stamp


def _candidates(cells: dict[str, list[Any]], ids: Sequence[str | None]) -> list[Candidate | RowError]:
    n = len(ids)
    if not cells.keys() & {*NAMING_FIELDS}:
        return _from_amounts({name: column for name, column in cells.items() if name in ATOMIC_NUMBER}, ids)
    given = [name for name in FIELDS if name in cells]
    materials: list[dict[str, Any]] = [{} for _ in range(n)]
    wrong: dict[int, RowError] = {}
    for row, values in enumerate(zip(*(cells[name] for name in given), strict=True)):
        own = dict(zip(given, values, strict=True))
        try:
            materials[row] = material_of(own)
        except CandidateError as error:
            typed = own.get("formula")
            wrong[row] = RowError(row, ids[row], error.code, error.message, typed if isinstance(typed, str) else None)
    return [wrong.get(row, one) for row, one in enumerate(read_materials(materials, ids))]


def _ids(cells: Sequence[Any]) -> tuple[list[str | None], dict[int, CandidateError]]:
    """Return the ids, and what is wrong with those that cannot be read."""
    ids: list[str | None] = [None] * len(cells)
    wrong: dict[int, CandidateError] = {}
    for row, cell in enumerate(cells):
        try:
            ids[row] = text_of_cell("id", cell)
        except CandidateError as error:
            wrong[row] = error
    return ids, wrong


def _from_amounts(amounts: dict[str, list[Any]], ids: Sequence[str | None]) -> list[Candidate | RowError]:
    """Read rows of element amounts; blanks and zeros mean that an element is not there."""
    formulas: list[str] = []
    wrong: dict[int, RowError] = {}
    symbols = list(amounts)
    for row, values in enumerate(zip(*amounts.values(), strict=True)):
        present = [(s, v) for s, v in zip(symbols, values, strict=True) if v is not None and v == v and v != 0]
        bad = next(((s, v) for s, v in present if not 0 < v < float("inf")), None)
        if bad is not None:
            message = f"amount {bad[1]:g} of {bad[0]}; amounts must be above 0"
            wrong[row] = RowError(row, ids[row], RowErrorCode.NON_POSITIVE_AMOUNT, message)
        formulas.append("Li" if bad is not None else "".join(f"{s}{_written(float(v))}" for s, v in present))
    read = read_candidates(formulas, [None] * len(ids), ids)
    return [wrong.get(row, one) for row, one in enumerate(read)]


def _written(amount: float) -> str:
    """Write an amount so that a formula reads it back exactly; one is left out."""
    if amount == 1.0:
        return ""
    return np.format_float_positional(amount, trim="-")


def _long_ids(ids: Sequence[str | None]) -> dict[int, CandidateError]:
    return {
        row: CandidateError(
            RowErrorCode.INVALID_CONDITION, f"id of {len(name)} characters; expected at most {MAX_ID_LENGTH}"
        )
        for row, name in enumerate(ids)
        if name is not None and len(name) > MAX_ID_LENGTH
    }
