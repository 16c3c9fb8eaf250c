"""Candidates from tables: CSV, JSON lines, Parquet or records at hand, one row each, bad rows kept as errors."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from features.candidate import Conditions, RowError
from features.errors import RowErrorCode, shown
from serving.schema import MAX_BODY_BYTES, MAX_ID_LENGTH, CandidateInput

MATERIAL_COLUMNS = ("id", "formula", "cif", "block")
CONDITION_COLUMNS = tuple(Conditions.model_fields)
COLUMNS = MATERIAL_COLUMNS + CONDITION_COLUMNS
TEXT_CONDITIONS = ("interlayer_type", "anode", "electrolyte_class")
MAX_NAMED_COLUMNS = 20  # in a message
_WRONG_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class InputTableError(ValueError):
    """A whole table cannot be used; the message says what was found and what was expected."""


class CandidateTable(NamedTuple):
    """The rows of a table, one entry each, in order, and the names of columns that mean nothing here."""

    rows: list[CandidateInput | RowError]
    ignored: list[str]


class _Table(NamedTuple):
    """Names of the columns, and what stands in them; a record may lack some and hold others."""

    columns: list[str]
    records: Iterable[Mapping[str, Any]]


def read_candidates_file(path: Path) -> CandidateTable:
    """Read candidates from a file.

    Parameters
    ----------
    path
        `.csv`, `.jsonl` or `.parquet`, with a column `formula` or `cif`, optionally `id` and conditions.

    Raises
    ------
    InputTableError
        If the file cannot be read, holds no candidates, or a column is named almost like a known one.
    """
    readers = {".csv": _read_csv_file, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputTableError(f"{path}: expected a file that ends in {', '.join(readers)}")
    try:
        return _read_table(reader(path), str(path))
    except InputTableError:
        raise
    except (OSError, ValueError) as error:
        raise InputTableError(f"{path} cannot be read: {error}") from error


def read_candidates_csv(text: str, source: str, max_rows: int | None = None) -> CandidateTable:
    """Read candidates from the text of a CSV table.

    Parameters
    ----------
    text
        A header and rows, separated by commas, quoted as RFC 4180 has it; a byte order mark is skipped.
    source
        What messages call the table.
    max_rows
        Reading ends behind so many rows; None reads all.

    Raises
    ------
    InputTableError
        As `read_candidates_file`.
    """
    return _read_table(_csv_table(text, source), source, max_rows)


def read_candidate_records(records: Sequence[Mapping[str, Any]], source: str) -> CandidateTable:
    """Read candidates from records, such as the rows of a pandas frame; None, NaN and blanks mean unknown.

    Raises
    ------
    InputTableError
        As `read_candidates_file`.
    """
    return _read_table(_Table([*dict.fromkeys(name for record in records for name in record)], records), source)


def _read_table(table: _Table, source: str, max_rows: int | None = None) -> CandidateTable:
    ignored = check_columns(table.columns, source) if any(table.columns) else []
    rows = [_read_record(i, record) for i, record in enumerate(islice(table.records, max_rows))]
    if not rows:
        raise InputTableError(f"{source} holds no rows")
    return CandidateTable(rows, ignored)


def check_columns(columns: Sequence[str], source: str) -> list[str]:
    """Return the columns that mean nothing here.

    Raises
    ------
    InputTableError
        If a column is named almost like a known one, a known one stands twice, or none holds a material.
    """
    names = set(columns)
    unknown = sorted(names - set(COLUMNS))
    plain = {known.lower(): known for known in COLUMNS}
    for name in unknown:
        near = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=0.85)
        if near:
            known = plain[near[0]]
            raise InputTableError(f"{source}: column '{shown(name)}' is not known (did you mean '{known}'?)")
    if not names & {"formula", "cif"}:
        found = ", ".join(shown(name) for name in columns[:MAX_NAMED_COLUMNS]) or "no columns"
        raise InputTableError(f"{source}: expected a column 'formula' or 'cif', found {found}")
    twice = next((name for name in COLUMNS if columns.count(name) > 1), None)
    if twice is not None:
        raise InputTableError(f"{source}: the column '{twice}' stands in the header twice")
    return [name for name in unknown if name]


def _read_record(index: int, record: Mapping[str, Any]) -> CandidateInput | RowError:
    given = {name: record[name] for name in COLUMNS if name in record and not is_blank(record[name])}
    name = str(given["id"]) if "id" in given else None
    try:
        conditions: dict[str, Any] = {key: _condition(key, given[key]) for key in CONDITION_COLUMNS if key in given}
        keys = ("formula", "cif", "block") if "cif" in given else ("formula",)
        material = {key: str(given[key]) for key in keys if key in given}
        if "formula" in record and "formula" not in given and "cif" not in given:
            material = {"formula": ""}
        return CandidateInput(id=name, conditions=Conditions(**conditions), **material)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        message = f"{column}: received '{shown(str(first['input']))}'; {first['msg'].lower()}"
    except ValueError as error:
        message = str(error)
    return RowError(index, None if name is None else name[:MAX_ID_LENGTH], RowErrorCode.INVALID_CONDITION, message)


def _condition(name: str, value: Any) -> float | str:  # noqa: ANN401
    if name in TEXT_CONDITIONS:
        return str(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        text = str(value)
        hint = "; write decimals with a point" if "," in text else ""
        raise ValueError(f"{name}: received '{shown(text)}', expected a number{hint}") from None


def is_blank(value: Any) -> bool:  # noqa: ANN401
    """Whether a cell of a table says nothing: None, NaN or blanks."""
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and math.isnan(value))
    )


def _read_csv_file(path: Path) -> _Table:
    return _csv_table(path.read_bytes().decode("utf-8"), str(path))


def _csv_table(text: str, source: str) -> _Table:
    # A CIF in a cell is longer than the 128 KiB that csv takes; whether it is too long is said by its row.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BODY_BYTES))
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    for separator, words in _WRONG_SEPARATORS.items():
        if separator in header and "," not in header:
            raise InputTableError(f"{source} is separated by {words}; expected commas")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip() for name in next(filter(None, reader), [])]
    except csv.Error as error:
        raise InputTableError(f"{source}, line {reader.line_num}: {error}") from None
    return _Table(columns, _csv_records(reader, columns, source))


def _csv_records(reader: Any, columns: list[str], source: str) -> Iterator[dict[str, str]]:  # noqa: ANN401
    # Only what is known is kept: a hostile header of a million names must not make a million cells a row.
    known = [(place, name) for place, name in enumerate(columns) if name in COLUMNS]
    try:
        for cells in reader:
            if len(cells) > len(columns):
                message = f"{len(cells)} cells, expected at most {len(columns)} as in the header (decimal commas?)"
                raise InputTableError(f"{source}, line {reader.line_num}: {message}")
            if cells:
                yield {name: cells[place] if place < len(cells) else "" for place, name in known}
    except csv.Error as error:
        message = f"{error} (is a quotation mark not closed?)"
        raise InputTableError(f"{source}, line {reader.line_num}: {message}") from None


def _read_jsonl(path: Path) -> _Table:
    import orjson

    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        record = orjson.loads(line)
        if not isinstance(record, dict):
            raise InputTableError(f"{path}, line {number}: expected a JSON object")
        records.append(record)
    return _Table([*dict.fromkeys(name for record in records for name in record)], records)


def _read_parquet(path: Path) -> _Table:
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise InputTableError("reading Parquet needs pyarrow; install elyte[tables]") from error
    table = pq.read_table(path)
    return _Table(table.column_names, table.to_pylist())
