"""Targets from a file: a ranking's JSON, a table with a column `formula`, or a list with one formula a line."""

from __future__ import annotations

import csv
import json

MAX_TARGETS = 50
_COLUMN = "formula"


class TargetsError(ValueError):
    """No target can be read from a text."""


def read_targets(text: str) -> list[str]:
    """Return the formulas of a text, in its order, each once.

    Parameters
    ----------
    text
        The document of `elyte rank --json` (its ranking, the best first), CSV with a column `formula`, or lines.

    Raises
    ------
    TargetsError
        If it is none of these, or holds no formula or more than `MAX_TARGETS`.
    """
    stripped = text.strip()
    found = list(dict.fromkeys(_of_ranking(stripped) if stripped.startswith("{") else _of_lines(stripped)))
    if not 1 <= len(found) <= MAX_TARGETS:
        raise TargetsError(f"received {len(found)} targets, expected 1 to {MAX_TARGETS}")
    return found


def _of_ranking(text: str) -> list[str]:
    expected = 'expected the answer of `elyte rank --json`: {"ranking": [{"formula": ...}, ...]}'
    try:
        document = json.loads(text)
        found = [entry[_COLUMN] for entry in document["ranking"]]
        if not all(isinstance(formula, str) for formula in found):
            raise TypeError("a candidate without a formula")
        return found
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise TargetsError(f"the targets cannot be read ({error}); {expected}") from error


def _of_lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    header = next(csv.reader(lines[:1]), [])
    if _COLUMN in header:
        place = header.index(_COLUMN)
        rows = list(csv.reader(lines[1:]))
        short = next((n for n, row in enumerate(rows, 2) if len(row) <= place or not row[place].strip()), None)
        if short is not None:
            raise TargetsError(f"line {short}: received no formula, expected one in the column '{_COLUMN}'")
        return [row[place].strip() for row in rows]
    if any("," in line or " " in line.strip() for line in lines):
        received = lines[0][:60]
        raise TargetsError(f"expected one formula a line, or a table with a column '{_COLUMN}'; received '{received}'")
    return [line.strip() for line in lines]
