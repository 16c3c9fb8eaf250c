"""The plan of a screening: which files hold which rows, and the units of work that follow.

A unit is a run of at most `ROWS_PER_UNIT` rows of one row group of one file. Its key and its rows depend on the input
alone, never on how many processes work, so that any number of them writes the same parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.elements import ATOMIC_NUMBER
from features.kinds import NAMING_FIELDS
from serving.answers.input_tables import COLUMNS, MATERIAL_COLUMNS, InputTableError, check_columns

ROWS_PER_UNIT = 8192
_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # length of the footer, then the magic number


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Rows of one input file; `key` names the part that they become."""

    key: str
    source: str
    row_group: int
    offset: int
    rows: int
    first_row: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """One Parquet file of the input as it was when the plan was made.

    Attributes
    ----------
    name
        Path below the input folder, or the file's name.
    size
        Bytes.
    footer
        sha256 of the file's footer, which holds sizes, places and extremes of every column chunk; "" if unreadable.
    row_groups
        Rows of each row group.
    columns
        Names that are read.
    fault
        Why it cannot be read, "" if it can.
    """

    name: str
    size: int
    footer: str
    row_groups: tuple[int, ...]
    columns: tuple[str, ...]
    fault: str = ""

    @property
    def rows(self) -> int:
        """Rows of all row groups."""
        return sum(self.row_groups)

    def units(self, number: int) -> Iterator[WorkUnit]:
        """Yield the units of the file, which is the input's file of this number."""
        place, first = 0, 0
        for group, rows in enumerate(self.row_groups):
            for offset in range(0, rows, ROWS_PER_UNIT):
                size = min(ROWS_PER_UNIT, rows - offset)
                yield WorkUnit(f"part-{number:05d}-{place:06d}", self.name, group, offset, size, first + offset)
                place += 1
            first += rows

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> InputFile:
        """Read an entry of the manifest, as `dataclasses.asdict` makes it."""
        return cls(**{**entry, "row_groups": tuple(entry["row_groups"]), "columns": tuple(entry["columns"])})


def input_root(path: Path) -> Path:
    """Return the folder below which the files of an input are named."""
    return path if path.is_dir() else path.parent


def inspect_input(path: Path) -> tuple[list[InputFile], list[str]]:
    """Look at every Parquet file of an input, footers only.

    Returns
    -------
    files, ignored
        In the order of their names, and the columns that mean nothing here.

    Raises
    ------
    InputTableError
        If there is no Parquet file, or a readable one has no material or a column named almost like a known one.
    """
    if not path.is_dir() and path.suffix != ".parquet" and not _begins_as_parquet(path):
        raise InputTableError(
            f"{path} is no Parquet file, and screening reads Parquet only; `elyte predict --input` reads CSV and"
            " JSON lines, and `elyte generate --output` writes Parquet"
        )
    root = input_root(path)
    found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    found = [one for one in found if not any(part.startswith((".", "_")) for part in one.relative_to(root).parts)]
    if not found:
        raise InputTableError(f"{path} holds no file that ends in .parquet")
    ignored: dict[str, None] = {}
    files = [_inspect(one, one.relative_to(root).as_posix(), ignored) for one in found]
    if not any(file.rows or file.fault for file in files):
        raise InputTableError(f"{path} holds no rows")
    return files, list(ignored)


def _begins_as_parquet(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(len(_MAGIC)) == _MAGIC


def _inspect(path: Path, name: str, ignored: dict[str, None]) -> InputFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    try:
        footer = _footer_digest(path, size)
        meta = pq.read_metadata(path)
        schema = meta.schema.to_arrow_schema()
    except (OSError, ValueError, pa.ArrowException) as error:
        fault = f"{path} is no whole Parquet file (half-written or damaged): {_first_line(error)}"
        return InputFile(name, size, "", (), (), fault)
    columns = _read_columns(schema, str(path), ignored)
    groups = tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups))
    return InputFile(name, size, footer, groups, columns)


def _read_columns(schema: Any, source: str, ignored: dict[str, None]) -> tuple[str, ...]:  # noqa: ANN401
    """Return the columns that are read: a formula or CIF, or else one amount for each element, and conditions."""
    import pyarrow as pa

    names = list(schema.names)
    structured = [name for name in names if name in ATOMIC_NUMBER and pa.types.is_primitive(schema.field(name).type)]
    if structured and not {*NAMING_FIELDS} & set(names):
        check_columns([name for name in names if name not in ATOMIC_NUMBER] + ["formula"], source)
        wanted = {*structured, *(set(COLUMNS) - set(MATERIAL_COLUMNS)), "id"}
    else:
        check_columns(names, source)
        wanted = set(COLUMNS)
    ignored.update(dict.fromkeys(name for name in names if name not in wanted))
    return tuple(name for name in names if name in wanted)


def _footer_digest(path: Path, size: int) -> str:
    with path.open("rb") as handle:
        handle.seek(max(size - _TAIL_BYTES, 0))
        tail = handle.read(_TAIL_BYTES)
        if size < 3 * len(_MAGIC) or tail[4:] != _MAGIC:
            raise ValueError(f"{size} bytes, without a footer at the end")
        length = int.from_bytes(tail[:4], "little")
        if length > size - _TAIL_BYTES:
            raise ValueError("its footer is longer than the file")
        handle.seek(size - _TAIL_BYTES - length)
        return hashlib.sha256(handle.read(length)).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
