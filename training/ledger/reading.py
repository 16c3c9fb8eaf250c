"""Files and documents of measurements as raw rows with their line numbers; nothing is interpreted yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from features import table_files
from features.errors import shown
from features.table_files import RawRow, RowFault, UnreadableTableError
from training.measurements.problems import Code, Level, Problem, UnusableTableError

SUFFIXES = (".csv", ".jsonl", ".parquet")
MAX_ROWS = 1_000_000
_REMEDY = (
    "Save the table with commas between cells and points in numbers, or, if that is how this file is meant, read it"
    " with --decimal-comma (semicolons between cells, decimal commas in numbers)."
)


@dataclass(frozen=True, slots=True)
class MeasurementTable:
    """A table as it was written.

    Parameters
    ----------
    name
        What messages and the ledger call it.
    headers
        Names of its columns, in order.
    rows
        Rows that could be read.
    problems
        Rows that could not, such as those with too many cells.
    digest
        SHA-256 of the file, "" where there is none.
    decimal_comma
        Whether numbers are written with a comma.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[RawRow, ...]
    problems: tuple[Problem, ...] = ()
    digest: str = ""
    decimal_comma: bool = False

    @property
    def n_rows(self) -> int:
        """How many rows the table has, readable or not."""
        return len(self.rows) + len(self.problems)


def read_measurements_file(path: Path, *, decimal_comma: bool = False) -> MeasurementTable:
    """Read a `.csv`, `.jsonl` or `.parquet` file.

    Parameters
    ----------
    path
        CSV: a header, commas, UTF-8, a byte order mark is skipped.
    decimal_comma
        CSV with semicolons between cells and commas in numbers, as spreadsheets of many languages write it.

    Raises
    ------
    UnusableTableError
        If the file cannot be read as a whole, with what it seems to be and the remedy.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnusableTableError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableTableError(f"{path} cannot be read: {error.strerror or error}") from error
    digest = sha256(data).hexdigest()
    try:
        if suffix == ".parquet":
            return _taken(table_files.read_parquet(path, path.name), path.name, digest)
        text = table_files.text_of(data, path.name)
        if suffix == ".jsonl":
            return _taken(table_files.read_jsonl(text, path.name), path.name, digest)
        if decimal_comma and ";" not in text.lstrip().split("\n", 1)[0]:
            raise UnreadableTableError(f"{path.name}: --decimal-comma expects semicolons between cells; there are none")
        separator = ";" if decimal_comma else ","
        read = table_files.read_csv(text, path.name, separator=separator, remedy=_REMEDY)
        return replace(_taken(read, path.name, digest, skip_blank=True), decimal_comma=decimal_comma)
    except UnreadableTableError as error:
        raise UnusableTableError(str(error)) from error


def from_records(records: Sequence[Mapping[str, Any]], name: str) -> MeasurementTable:
    """Take rows that are at hand, such as those of a JSON document; None, NaN and blank texts count as not given.

    Raises
    ------
    UnusableTableError
        If there are no rows, or more than `MAX_ROWS`.
    """
    return _taken(table_files.read_records(records), name)


def _taken(read: table_files.RawTable, name: str, digest: str = "", *, skip_blank: bool = False) -> MeasurementTable:
    """Keep what is given; `skip_blank`: blank rows of a spreadsheet are no measurements."""
    headers = tuple(read.headers)
    _check_headers(headers, name)
    rows: list[RawRow] = []
    problems: list[Problem] = []
    for row in read.rows:
        number = len(rows) + len(problems) + 1
        if row.fault is not None:
            problems.append(_problem(number, row.line, row.fault))
            continue
        given = _given(row.cells.items())
        if given or not skip_blank:
            rows.append(RawRow(number, row.line, given))
    table = MeasurementTable(name, headers, tuple(rows), tuple(problems), digest)
    if not table.n_rows:
        raise UnusableTableError(f"{name} holds no rows")
    if table.n_rows > MAX_ROWS:
        raise UnusableTableError(f"{name} holds {table.n_rows} rows; at most {MAX_ROWS} are taken at once")
    return table


def _problem(number: int, line: int | None, fault: RowFault) -> Problem:
    code = Code.CELL_COUNT if fault.is_too_long else Code.UNREADABLE_ROW
    return Problem(number, line, Level.REFUSED, code, "row", fault.received, fault.expected)


def _given(cells: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Return the cells that hold something; NaN is how data frames say nothing."""
    return {
        str(key): value.strip() if isinstance(value, str) else value
        for key, value in cells
        if value is not None and not (isinstance(value, str) and not value.strip()) and value == value
    }


def _check_headers(headers: Sequence[str], name: str) -> None:
    twice = sorted({shown(header) for header in headers if header and headers.count(header) > 1})
    if twice:
        raise UnusableTableError(f"{name}: stands in the header twice: {', '.join(twice)}")
