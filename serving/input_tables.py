"""Candidates from files: CSV, JSON lines or Parquet, one row each, bad rows kept as errors."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.candidate import Conditions, RowError
from features.errors import RowErrorCode
from serving.schema import CandidateInput

MATERIAL_COLUMNS = ("id", "formula", "cif")
CONDITION_COLUMNS = tuple(Conditions.model_fields)
COLUMNS = MATERIAL_COLUMNS + CONDITION_COLUMNS
TEXT_CONDITIONS = ("interlayer_type", "anode", "electrolyte_class")


class InputTableError(ValueError):
    """A whole file cannot be used; the message says what was found and what was expected."""


def read_candidates_file(path: Path) -> tuple[list[CandidateInput | RowError], list[str]]:
    """Read candidates from a file.

    Parameters
    ----------
    path
        `.csv`, `.jsonl` or `.parquet`, with a column `formula` or `cif`, optionally `id` and conditions.

    Returns
    -------
    rows, ignored
        One entry per row of the file, in order; names of columns that mean nothing here.

    Raises
    ------
    InputTableError
        If the file cannot be read, holds no candidates, or a column is named almost like a known one.
    """
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputTableError(f"{path}: expected a file that ends in {', '.join(readers)}")
    try:
        records = list(reader(path))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputTableError(f"{path} cannot be read: {error}") from error
    if not records:
        raise InputTableError(f"{path} holds no rows")
    ignored = _check_columns(path, {name for record in records for name in record})
    return [_read_record(i, record) for i, record in enumerate(records)], ignored


def _check_columns(path: Path, names: set[str]) -> list[str]:
    if not names & {"formula", "cif"}:
        raise InputTableError(f"{path} has the columns {', '.join(sorted(names))}; expected 'formula' or 'cif'")
    unknown = sorted(names - set(COLUMNS))
    for name in unknown:
        near = difflib.get_close_matches(name.lower(), [known.lower() for known in COLUMNS], n=1, cutoff=0.85)
        if near:
            known = next(column for column in COLUMNS if column.lower() == near[0])
            raise InputTableError(f"{path}: column '{name}' is not known; is '{known}' meant?")
    return unknown


def _read_record(index: int, record: dict[str, Any]) -> CandidateInput | RowError:
    given = {name: value for name, value in record.items() if name in COLUMNS and not _is_blank(value)}
    name = str(given["id"]) if "id" in given else None
    try:
        conditions: dict[str, Any] = {key: _condition(key, given[key]) for key in CONDITION_COLUMNS if key in given}
        material = {key: str(given[key]) for key in ("formula", "cif") if key in given}
        if "formula" in record and "formula" not in given and "cif" not in given:
            material = {"formula": ""}
        return CandidateInput(id=name, conditions=Conditions(**conditions), **material)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        message = f"{column}: received {first['input']!r}; {first['msg'].lower()}"
        return RowError(index, name, RowErrorCode.INVALID_CONDITION, message)
    except ValueError as error:
        return RowError(index, name, RowErrorCode.INVALID_CONDITION, str(error))


def _condition(name: str, value: Any) -> float | str:  # noqa: ANN401
    if name in TEXT_CONDITIONS:
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: received {value!r}, expected a number") from None


def _is_blank(value: Any) -> bool:  # noqa: ANN401
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and math.isnan(value))
    )


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        sample = handle.read(4096)
        handle.seek(0)
        header = sample.splitlines()[0] if sample else ""
        if ";" in header and "," not in header:
            raise InputTableError(f"{path} is separated by semicolons; expected commas")
        reader = csv.DictReader(handle)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
        for line, row in enumerate(reader, start=2):
            if None in row:
                raise InputTableError(f"{path}, line {line}: more cells than columns in the header")
            yield dict(row)


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    import orjson

    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        record = orjson.loads(line)
        if not isinstance(record, dict):
            raise InputTableError(f"{path}, line {number}: expected a JSON object")
        yield record


def _read_parquet(path: Path) -> Iterable[dict[str, Any]]:
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise InputTableError("reading Parquet needs pyarrow; install elyte[tables]") from error
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
