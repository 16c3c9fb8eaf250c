"""Tables for a terminal: aligned columns, and how a row is called in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.errors import shown

INDENT = "    "
ROWS_COUNTED = "rows are counted as given, the first is 1; a table's header is not counted"
"""Stands once beneath whatever calls rows by their number."""


def aligned(rows: Sequence[Sequence[str]], beneath: Sequence[Sequence[str]] = ()) -> list[str]:
    """Return rows as lines with aligned cells.

    Parameters
    ----------
    rows
        The first is the header.
    beneath
        Lines that follow each of the others.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number and beneath:
            lines += beneath[number - 1]
    return lines


def name_of(row: Mapping[str, Any]) -> str:
    """Return how a row of an answer is called: by its id or formula, and where it failed by its number first."""
    typed = row["formula"] and shown(row["formula"])
    if row.get("status") != "error":
        return str(row.get("id") or typed)
    parts = (f"row {row['index'] + 1}", row["id"], typed and f"'{typed}'")
    return ", ".join(filter(None, parts))


def reading_of(row: Mapping[str, Any]) -> str:
    """Return `read as ...` where what was read is not the text that was typed, and for every CIF; else nothing."""
    if "cell_content" in row:
        parts = (row["read_as"], row["space_group"], f"{row['cell_content']} in the cell", f"block {row['block']}")
        return "read as " + ", ".join(shown(part) for part in parts if part)
    if row["read_as"] in (None, row["formula"]):
        return ""
    is_named = row.get("id") and row.get("status") != "error"  # the text that was typed is not seen then
    return f"{shown(row['formula'])} read as {row['read_as']}" if is_named else f"read as {row['read_as']}"


def reading_lines(row: Mapping[str, Any]) -> list[str]:
    """Return the line beneath a row that says what was read, where there is something to say."""
    said = reading_of(row)
    return [INDENT + said] if said else []


def with_reading(row: Mapping[str, Any]) -> str:
    """Return the name of a row, and behind it in brackets what was read, where there is something to say."""
    said = reading_of(row)
    return f"{name_of(row)} ({said})" if said else name_of(row)
