"""Files and documents of measurements as raw rows with their line numbers; nothing is interpreted yet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.errors import shown
from training.ledger.problems import Code, Level, Problem, UnusableTableError

SUFFIXES = (".csv", ".jsonl", ".parquet")
MAX_ROWS = 1_000_000
_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook (or another zip file); save it as 'CSV UTF-8 (comma delimited)'",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as 'CSV UTF-8 (comma delimited)'",
    b"\xff\xfe": "UTF-16 text; save it as 'CSV UTF-8'",
    b"\xfe\xff": "UTF-16 text; save it as 'CSV UTF-8'",
}
_REMEDY = (
    "Save the table with commas between cells and points in numbers, or, if that is how this file is meant, read it"
    " with --decimal-comma (semicolons between cells, decimal commas in numbers)."
)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it was written: cells by header, blanks left out; `line` is None where there are no lines."""

    number: int
    line: int | None
    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawTable:
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


def read_measurements_file(path: Path, *, decimal_comma: bool = False) -> RawTable:
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
    if suffix == ".parquet":
        records, lines = _read_parquet(path), None
    elif suffix == ".jsonl":
        records, lines = _read_jsonl(_text(data, path.name), path.name)
    else:
        return _read_csv(_text(data, path.name), path.name, digest, decimal_comma)
    return from_records(records, path.name, lines=lines, digest=digest)


def from_records(
    records: Sequence[Mapping[str, Any]], name: str, *, lines: Sequence[int] | None = None, digest: str = ""
) -> RawTable:
    """Take rows that are at hand, such as those of a JSON document; None, NaN and blank texts count as not given.

    Raises
    ------
    UnusableTableError
        If there are no rows, or more than `MAX_ROWS`.
    """
    headers = tuple(dict.fromkeys(str(key) for record in records for key in record))
    rows = tuple(
        RawRow(number, None if lines is None else lines[number - 1], _given(record.items()))
        for number, record in enumerate(records, start=1)
    )
    return _checked(RawTable(name, headers, rows, digest=digest))


def _given(cells: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Return the cells that hold something; NaN is how data frames say nothing."""
    return {
        str(key): value.strip() if isinstance(value, str) else value
        for key, value in cells
        if value is not None and not (isinstance(value, str) and not value.strip()) and value == value
    }


def _checked(table: RawTable) -> RawTable:
    if not table.n_rows:
        raise UnusableTableError(f"{table.name} holds no rows")
    if table.n_rows > MAX_ROWS:
        raise UnusableTableError(f"{table.name} holds {table.n_rows} rows; at most {MAX_ROWS} are taken at once")
    return table


def _text(data: bytes, name: str) -> str:
    for signature, words in _SIGNATURES.items():
        if data.startswith(signature):
            raise UnusableTableError(f"{name} is {words}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnusableTableError(f"{name}, line {line}: no UTF-8 text; save it as 'CSV UTF-8'") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UnusableTableError(f"{name}, line {line}: holds a NUL character, so it is no text")
    return text


def _read_csv(text: str, name: str, digest: str, decimal_comma: bool) -> RawTable:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    _check_separator(first, name, decimal_comma)
    separator = ";" if decimal_comma else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[RawRow] = []
    problems: list[Problem] = []
    headers: list[str] = []
    last_line = 0
    try:
        for cells in reader:
            line, last_line = last_line + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not headers:
                headers = [cell.strip() for cell in cells]
                _check_headers(headers, name)
                continue
            number = len(rows) + len(problems) + 1
            if len(cells) > len(headers) and any(cell.strip() for cell in cells[len(headers) :]):
                expected = f"{len(headers)} cells, as in the header (decimal commas, or a text that needs quotes?)"
                received = f"{len(cells)} cells: {separator.join(cells)}"
                problems.append(Problem(number, line, Level.REFUSED, Code.CELL_COUNT, "row", received, expected))
                continue
            rows.append(RawRow(number, line, _given(zip(headers, cells, strict=False))))
    except csv.Error as error:
        raise UnusableTableError(f"{name}, line {reader.line_num}: {error} (is a quotation mark not closed?)") from None
    return _checked(RawTable(name, tuple(headers), tuple(rows), tuple(problems), digest, decimal_comma))


def _check_separator(header: str, name: str, decimal_comma: bool) -> None:
    if decimal_comma:
        if ";" not in header:
            raise UnusableTableError(f"{name}: --decimal-comma expects semicolons between cells; the header has none")
    elif header.count(";") > header.count(","):
        raise UnusableTableError(f"{name} is separated by semicolons; expected commas. {_REMEDY}")
    elif "\t" in header and "," not in header:
        raise UnusableTableError(f"{name} is separated by tabs; expected commas. {_REMEDY}")


def _check_headers(headers: Sequence[str], name: str) -> None:
    twice = sorted({shown(header) for header in headers if header and headers.count(header) > 1})
    if twice:
        raise UnusableTableError(f"{name}: stands in the header twice: {', '.join(twice)}")


def _read_jsonl(text: str, name: str) -> tuple[list[dict[str, Any]], list[int]]:
    import orjson

    records, lines = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UnusableTableError(f"{name}, line {number}: no JSON: {error}") from None
        if not isinstance(record, dict):
            raise UnusableTableError(f"{name}, line {number}: expected a JSON object, one measurement a line")
        records.append(record)
        lines.append(number)
    return records, lines


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_table(path).to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise UnusableTableError(f"{path.name} cannot be read as Parquet: {error}") from error
