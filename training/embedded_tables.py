"""Tables that elyte itself compiled and ships: where each lies and what its columns hold, by the table's own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandera.pandas as pa


class CellType(StrEnum):
    """What the cells of a column hold; blank where nothing is known."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE_NUMBER = "whole_number"


@dataclass(frozen=True, slots=True)
class EmbeddedColumn:
    """A column, its type, and what is expected of a cell, in words."""

    name: str
    type: CellType
    expected: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddedTable:
    """A CSV in the repository.

    Parameters
    ----------
    key, title
        Its short name, unique over all properties, and what it is.
    path
        The file.
    columns
        Returns its columns, from the rules by which it is read.
    """

    key: str
    title: str
    path: Path
    columns: Callable[[], tuple[EmbeddedColumn, ...]]


def columns_of_schema(schema: pa.DataFrameSchema, path: Path) -> tuple[EmbeddedColumn, ...]:
    """Return the columns of a file in its order, as a pandera schema has them.

    Raises
    ------
    KeyError
        If the file has a column that its schema does not know.
    """
    return tuple(_column(name, schema.columns[name]) for name in header_of(path))


def stated_columns(path: Path, numbers: tuple[str, ...]) -> tuple[EmbeddedColumn, ...]:
    """Return the columns of a file that is read without a schema: those named are numbers, the others texts."""
    return tuple(
        EmbeddedColumn(name, CellType.NUMBER if name in numbers else CellType.TEXT) for name in header_of(path)
    )


def header_of(path: Path) -> list[str]:
    """Return the names of a CSV's columns."""
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def _column(name: str, column: pa.Column) -> EmbeddedColumn:
    dtype = str(column.dtype)
    kinds = {"float": CellType.NUMBER, "int": CellType.WHOLE_NUMBER}
    found = next((kind for prefix, kind in kinds.items() if dtype.startswith(prefix)), CellType.TEXT)
    return EmbeddedColumn(name, found, "; ".join(str(check.error) for check in column.checks if check.error))
