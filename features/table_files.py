"""Tables as they were written: CSV, JSON lines, Parquet and records as raw rows that know their place.

Nothing is interpreted here. What is odd in one line or cell stays with that row, as a fault or an `UnreadableCell`;
only a file that is another kind of thing than its name says is refused as a whole, with the remedy.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from features.errors import shown

MAX_CELL_CHARACTERS = 16 * 1024 * 1024
"""A CIF in a cell is longer than the 128 KiB that csv takes; whether it is too long is said by its row."""
AS_UTF_8 = "save it as UTF-8 ('CSV UTF-8' in a spreadsheet)"
_AS_TABLE = "save the table as 'CSV UTF-8 (comma delimited)'"
_KINDS = (
    (b"PK\x03\x04", f"is an Excel workbook (or another zip file); {_AS_TABLE}"),
    (b"\xd0\xcf\x11\xe0", f"is an old Excel workbook; {_AS_TABLE}"),
    (b"\x1f\x8b", "is compressed with gzip; unpack it (gunzip) first"),
    (b"BZh", "is compressed with bzip2; unpack it (bunzip2) first"),
    (b"\xfd7zXZ\x00", "is compressed with xz; unpack it (unxz) first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it (unzstd) first"),
    (b"PAR1", "is a Parquet file; give it a name that ends in .parquet"),
    (b"%PDF-", "is a PDF; copy its table into a spreadsheet and save that as 'CSV UTF-8'"),
    (b"{\\rtf", "is a text with formatting (RTF); save it as plain text in UTF-8"),
)
_MARKS = (  # the longer ones first: that of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_STATED_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_LINE_END = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PARQUET_ROWS_AT_A_TIME = 65_536


class UnreadableTableError(ValueError):
    """A whole file cannot be read as a table; the message says what it seems to be and the remedy."""


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """Stands in place of a cell that holds no value; `reason` says what was received."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class RowFault(NamedTuple):
    """Why a row has no cells: what was received, and what was expected."""

    received: str
    expected: str
    is_too_long: bool = False


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it was written.

    Parameters
    ----------
    number
        Of the row, the first being 1.
    line
        Line of the file where it begins, the first being 1; None where there are no lines.
    cells
        By header; a row may lack some.
    fault
        Why the row cannot be read; then it has no cells.
    """

    number: int
    line: int | None
    cells: Mapping[str, Any]
    fault: RowFault | None = None

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"row {self.number}" if self.line is None else f"line {self.line}"


class RawTable(NamedTuple):
    """The names of the columns in order, and the rows, which can be gone through once."""

    headers: Sequence[str]
    rows: Iterable[RawRow]


def text_of(data: bytes, source: str) -> str:
    """Decode the bytes of a text file: UTF-8, or what its byte order mark says.

    Parameters
    ----------
    data
        The whole file.
    source
        What messages call it.

    Returns
    -------
    str
        Without byte order mark. A byte that is no UTF-8, as a code page of a spreadsheet has them, becomes a lone
        surrogate (PEP 383): no code page can be told from its bytes with certainty, so `unreadable` names the cell.

    Raises
    ------
    UnreadableTableError
        If the file is no text.
    """
    for signature, words in _KINDS:
        if data.startswith(signature):
            raise UnreadableTableError(f"{source} {words}")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")
            except UnicodeDecodeError:
                message = f"{source} begins as {encoding[:6].upper()} text and is cut off or damaged; {AS_UTF_8}"
                raise UnreadableTableError(message) from None
            return text.lstrip("\ufeff")
    start = data[:1000]
    if start.count(0) > len(start) // 3:
        raise UnreadableTableError(
            f"{source} is no plain text (UTF-16 without a byte order mark, or another kind of file); {AS_UTF_8}"
        )
    return data.decode("utf-8", "surrogateescape")


def unreadable(text: str) -> UnreadableCell | None:
    """Say what in a text cannot be read; None for a sound one."""
    found = _SURROGATE.search(text)
    if found is not None:
        byte = ord(found[0]) - 0xDC00
        if 0x80 <= byte <= 0xFF:
            return UnreadableCell(f"the byte {byte:#04x}, which is no UTF-8 (a code page of a spreadsheet?)")
        return UnreadableCell("half of a surrogate pair, which is no character")
    return UnreadableCell("a NUL character, so this is no text") if "\0" in text else None


# ---------------------------------------------------------------- CSV


def read_csv(
    text: str, source: str, *, separator: str = ",", wanted: Collection[str] | None = None, remedy: str = ""
) -> RawTable:
    """Read the text of a CSV table.

    Parameters
    ----------
    text
        A header and rows, quoted as RFC 4180 has it, any line ends. Lines without cells are passed over; so are, at
        the end, lines of nothing but separators, and before the header a line `sep=,` of a spreadsheet.
    source
        What messages call the table.
    separator
        What stands between cells.
    wanted
        Headers whose cells are kept; None keeps all.
    remedy
        What to do about a table with another separator.

    Raises
    ------
    UnreadableTableError
        If cells are separated by something else, or, while rows are read, if a quotation mark is never closed.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
    begin = re.match(r"\s*", text)
    assert begin is not None
    first = _LINE_END.split(text[begin.end() : begin.end() + 4096], maxsplit=1)[0]
    stated = _STATED_SEPARATOR.fullmatch(first)
    found = _separator_of(_QUOTED.sub("", first), separator) if stated is None else stated[1]
    if found != separator:
        words = f"{_SEPARATORS.get(found, 'something else')}; expected {_SEPARATORS[separator]}"
        raise UnreadableTableError(f"{source} is separated by {words}" + (f". {remedy}" if remedy else ""))
    rows = _csv_lines(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), source)
    telling = (row for row in rows if _says_something(row[1]))
    if stated is not None:
        next(telling)
    line, header = next(telling, (1, []))
    if isinstance(header, csv.Error):
        raise UnreadableTableError(f"{source}, line {line}: {header}, in the header")
    columns = [_written(name.strip()) for name in header]
    return RawTable(columns, _csv_rows(rows, columns, wanted, separator))


def _csv_lines(lines: Any, source: str) -> Iterator[tuple[int, list[str] | csv.Error]]:  # noqa: ANN401
    """Yield the cells of each row with the line where it begins, or what is wrong with its quotation marks."""
    begins = 1
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.line_num != begins:  # an opened quotation mark took in other rows: nobody knows which
                message = f"a quotation mark is opened there and not closed as it should be ({error})"
                raise UnreadableTableError(f"{source}, line {begins}: {message}") from None
            cells = error
        yield begins, cells
        begins = lines.line_num + 1


def _says_something(cells: list[str] | csv.Error) -> bool:
    return isinstance(cells, csv.Error) or any(cell.strip() for cell in cells)


def _written(name: str) -> str:
    """Return the name of a column as it can be written: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _separator_of(header: str, expected: str) -> str:
    """Return what seems to stand between the cells of a header."""
    counts = Counter(letter for letter in header if letter in _SEPARATORS)
    likely = max(_SEPARATORS, key=lambda one: (counts[one], one == expected))
    return likely if counts[likely] else expected


def _csv_rows(
    lines: Iterable[tuple[int, list[str] | csv.Error]],
    columns: Sequence[str],
    wanted: Collection[str] | None,
    separator: str,
) -> Iterator[RawRow]:
    # Only what is wanted is kept: a hostile header of a million names must not make a million cells a row.
    kept = [(place, name) for place, name in enumerate(columns) if name and (wanted is None or name in wanted)]
    number, empty = 0, []
    for line, cells in lines:
        if isinstance(cells, list) and not _says_something(cells):
            empty += [line] if cells else []
            continue
        for before in empty:
            number += 1
            yield RawRow(number, before, dict.fromkeys((name for _, name in kept), ""))
        empty.clear()
        number += 1
        if isinstance(cells, csv.Error):
            received, expected = f"a quotation mark inside a cell ({cells})", "quotation marks around a whole cell"
            yield RawRow(number, line, {}, RowFault(received, expected))
        elif len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            yield RawRow(number, line, {}, _too_long(cells, len(columns), separator))
        else:
            yield RawRow(number, line, _sound({name: cells[at] if at < len(cells) else "" for at, name in kept}))


def _too_long(cells: Sequence[str], most: int, separator: str) -> RowFault:
    received = f"{len(cells)} cells: {shown(separator.join(cells))}"
    return RowFault(received, f"at most {most} as in the header (decimal commas, or a text that needs quotes?)", True)


def _sound(cells: dict[str, Any]) -> dict[str, Any]:
    """Replace texts that cannot be read."""
    for name, cell in cells.items():
        if isinstance(cell, str) and (not cell.isascii() or "\0" in cell):
            cells[name] = unreadable(cell) or cell
    return cells


# ---------------------------------------------------------------- JSON lines


class _LineError(ValueError):
    """A line is no JSON object; the arguments are those of `RowFault`."""


def read_jsonl(text: str, source: str) -> RawTable:
    """Read JSON lines: one object a line; lines without text are passed over.

    Raises
    ------
    UnreadableTableError
        If the file is one JSON document over several lines, or one array.
    """
    rows: list[RawRow] = []
    for line, whole in enumerate(_LINE_END.split(text), start=1):
        written = whole.strip("\ufeff \t")  # files that were joined keep their marks
        if not written:
            continue
        number = len(rows) + 1
        try:
            rows.append(RawRow(number, line, _sound(_json_object(written))))
        except _LineError as error:
            if not rows:
                _refuse_one_document(text, source)
            rows.append(RawRow(number, line, {}, RowFault(*error.args)))
    return RawTable([*dict.fromkeys(name for row in rows for name in row.cells)], rows)


def _json_object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"{shown(line)} ({error.msg.removesuffix(' at')} at character {error.pos + 1})"
        raise _LineError(where, "one JSON object a line") from None
    except RecursionError:
        raise _LineError("brackets nested without end", "one JSON object a line") from None
    except _LineError:
        raise
    except ValueError:  # Python refuses to convert integers of more than 4,300 digits
        raise _LineError("an integer of thousands of digits", "a number") from None
    if not isinstance(found, dict):
        raise _LineError(shown(line), "one JSON object a line")
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise _LineError(f"the key '{shown(twice)}' twice in one object", "each key once")
    return found


def _refuse_constant(name: str) -> float:
    raise _LineError(f"{name}, which JSON does not have", "a finite number, or null where it is not known")


def _refuse_one_document(text: str, source: str) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    kind = "array" if isinstance(document, list) else "document"
    remedy = "jq -c '.[]' turns an array into lines" if kind == "array" else "write each row on a line of its own"
    raise UnreadableTableError(f"{source} is one JSON {kind}; expected one JSON object a line ({remedy})")


# ---------------------------------------------------------------- Parquet and records


def read_parquet(path: Path, source: str, wanted: Collection[str] | None = None) -> RawTable:
    """Read a Parquet file; rows are numbered from 1.

    Parameters
    ----------
    path
        The file.
    source
        What messages call it.
    wanted
        Columns that are read; None reads all.

    Raises
    ------
    UnreadableTableError
        If it is no whole Parquet file, now or while rows are read.
    ModuleNotFoundError
        If pyarrow is not installed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        headers = list(pq.read_schema(path).names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableTableError(f"{source} {_no_parquet(path, error)}") from None
    return RawTable(headers, _parquet_rows(path, source, [n for n in headers if wanted is None or n in wanted]))


def _parquet_rows(path: Path, source: str, columns: list[str]) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_PARQUET_ROWS_AT_A_TIME, columns=columns, use_threads=False):
                cells = [column_cells(batch.column(place)) for place in range(batch.num_columns)]
                for row in range(batch.num_rows):
                    number += 1
                    yield RawRow(number, None, {n: column[row] for n, column in zip(columns, cells, strict=True)})
    except (OSError, pa.ArrowException) as error:
        raise UnreadableTableError(f"{source}, after row {number}: {_no_parquet(path, error)}") from None


def _no_parquet(path: Path, error: Exception) -> str:
    with path.open("rb") as handle:
        start = handle.read(8)
    kind = next((words for signature, words in _KINDS if start.startswith(signature) and signature != b"PAR1"), None)
    if kind is None and not start.startswith(b"PAR1"):
        kind = "is no Parquet file; give it a name that says what it is (.csv, .jsonl)"
    return kind or f"is no whole Parquet file: {str(error).strip().splitlines()[0]}; write it again"


def column_cells(column: Any) -> list[Any]:  # noqa: ANN401
    """Return the cells of an Arrow column as Python's values, bytes as UTF-8 text.

    Parameters
    ----------
    column
        An array or chunked array of any type; a cell that has no value in Python becomes an `UnreadableCell`.
    """
    try:
        cells = column.to_pylist()
    except (ValueError, OverflowError):
        cells = [_arrow_cell(scalar) for scalar in column]
    return [_text_cell(cell) if isinstance(cell, bytes) else cell for cell in cells]


def _arrow_cell(scalar: Any) -> Any:  # noqa: ANN401
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        return _text_cell(bytes(error.object))
    except (ValueError, OverflowError) as error:
        return UnreadableCell(f"a {scalar.type} that cannot be read ({shown(str(error))})")


def _text_cell(cell: bytes) -> str | UnreadableCell:
    text = cell.decode("utf-8", "surrogateescape")
    return unreadable(text) or text


def read_records(records: Iterable[Mapping[Any, Any]]) -> RawTable:
    """Take rows that are at hand, such as those of a data frame or a JSON document; they are numbered from 1."""
    rows = [
        RawRow(number, None, _sound({str(n): _text_cell(c) if isinstance(c, bytes) else c for n, c in record.items()}))
        for number, record in enumerate(records, start=1)
    ]
    return RawTable([*dict.fromkeys(name for row in rows for name in row.cells)], rows)
