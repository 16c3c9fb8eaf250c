"""Parts: the files that units become. One appears whole or not at all, and says what it was made from.

A folder of parts is a data set to pandas, pyarrow, polars and DuckDB. The first two pass over names that begin with `_`
or `.`; polars reads every file that is not empty, and DuckDB every one that ends in .parquet. So whatever stays in the
folder beside parts is empty or a Parquet table of the same columns without rows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.answers.columns import FLAG_COLUMNS, NUMBER_COLUMNS, empty_columns
from serving.screening.plan import WorkUnit
from training.properties import registry
from training.properties.contract import Content
from training.whole_files import flush_folder

UNFINISHED = ".tmp"
FINISHED = ".parquet"
_STAMP = b"elyte.unit"
_COUNTS = tuple(one.name for of in registry.properties() for one in of.columns() if one.content is Content.COUNT)
_FIRST_NUMBER = registry.properties()[0].quantities[0].name


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a part says of itself in its metadata.

    Attributes
    ----------
    unit
        Key of the unit.
    plan
        Digest of the settings, models and the unit's place in the input.
    rows_read, rows_failed, rows_written
        Counts; rows that a `--where` left out are read but not written.
    """

    unit: str
    plan: str
    rows_read: int
    rows_failed: int
    rows_written: int


def part_path(folder: Path, key: str) -> Path:
    """Return where the part of a unit lies."""
    return folder / f"{key}{FINISHED}"


def to_table(columns: Mapping[str, NDArray[Any]], unit: WorkUnit, kept: NDArray[np.int64]) -> Any:  # noqa: ANN401
    """Return chosen rows as an Arrow table; what is unknown is null."""
    import pyarrow as pa

    source = pa.array(np.full(len(kept), unit.source, dtype=object), pa.string())
    arrays = {
        "id": pa.array(columns["id"][kept], pa.string()),
        "source": source,
        "index": pa.array(unit.first_row + kept, pa.int64()),
    }
    judged = ~np.isnan(columns[_FIRST_NUMBER][kept])
    for name, values in columns.items():
        if name == "id":
            continue
        chosen = values[kept]
        if name in FLAG_COLUMNS:
            beside = f"{name.removesuffix('in_domain')}distance"  # known wherever its property judges
            unknown = np.isnan(columns[beside][kept]) if beside in columns else ~judged
            arrays[name] = pa.array(chosen, pa.bool_(), mask=unknown)
        elif name in NUMBER_COLUMNS:
            kind = pa.int32() if name in _COUNTS else pa.float64()
            unknown = np.isnan(chosen)
            arrays[name] = pa.array(np.where(unknown, 0.0, chosen).astype(kind.to_pandas_dtype()), kind, mask=unknown)
        else:
            arrays[name] = pa.array(chosen, pa.string())
    return pa.table(arrays)


def write_note(path: Path, name: bytes, text: str) -> None:
    """Write a text into the metadata of a table without rows, which adds nothing to a folder of parts.

    Raises
    ------
    OSError
        As `write_part`.
    """
    nothing = np.empty(0, dtype=np.int64)
    columns = {"id": np.empty(0, dtype=object), **empty_columns(0)}
    table = to_table(columns, WorkUnit("", "", 0, 0, 0, 0), nothing)
    write_table(path, table.replace_schema_metadata({name: text.encode()}))


def read_note(path: Path, name: bytes) -> str:
    """Return what `write_note` wrote.

    Raises
    ------
    ValueError
        If the file says no such thing.
    OSError
        If it cannot be read.
    """
    import pyarrow.parquet as pq

    noted = pq.read_schema(path).metadata or {}
    if name not in noted:
        raise ValueError(f"it says nothing of {name.decode()}")
    return bytes(noted[name]).decode()


def write_part(folder: Path, table: Any, stamp: Stamp) -> None:  # noqa: ANN401
    """Write a part so that a crash at any moment leaves it whole or absent.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; nothing half-written is left then.
    """
    told = json.dumps(asdict(stamp), sort_keys=True).encode()
    write_table(part_path(folder, stamp.unit), table.replace_schema_metadata({_STAMP: told}))


def write_table(path: Path, table: Any) -> None:  # noqa: ANN401
    """Write a Parquet file beside its place, bring it to the disk, and move it there; raises as `write_part`."""
    import pyarrow.parquet as pq

    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
        with unfinished.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(unfinished, path)
        flush_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def read_stamp(folder: Path, key: str, plan: str) -> Stamp | None:
    """Return what a finished part says; None where it is missing, damaged, or another unit's or plan's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = part_path(folder, key)
    try:
        meta = pq.read_metadata(path)
        stamp = Stamp(**json.loads((meta.metadata or {})[_STAMP]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    whole = stamp.unit == key and stamp.plan == plan and stamp.rows_written == meta.num_rows
    return stamp if whole else None


def read_columns(folder: Path, key: str, names: list[str]) -> dict[str, NDArray[np.float64]]:
    """Return columns of numbers of a finished part, NaN where unknown.

    Raises
    ------
    OSError
        If a page of the part does not match its checksum.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(part_path(folder, key), page_checksum_verification=True) as file:
        table = file.read(columns=names, use_threads=False)
    return {name: table[name].cast("float64").to_numpy().astype(float) for name in names}


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for path in folder.glob(f"*{UNFINISHED}"):
        with suppress(FileNotFoundError):
            path.unlink()
