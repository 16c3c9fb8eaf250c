"""The table of candidates as CSV, JSON lines, Parquet, and as lines for a terminal."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.candidate import Candidate
from features.errors import CandidateError
from serving.answers.rows import Cell, FlatRow, ShownMaterial, material_of
from serving.answers.terminal_tables import reading_of, with_reading
from serving.generation.errors import GenerationError
from serving.generation.table import Candidates

COLUMNS = (
    "formula",
    "parent",
    "rule",
    "variables",
    "charge_imbalance_per_atom",
    "known",
    "nearest_known",
    "nearest_distance",
)
ENDINGS = (".csv", ".jsonl", ".parquet")


def columns_of(candidates: Candidates) -> dict[str, Sequence[Cell]]:
    """Return the columns `COLUMNS`; the last three are None where nothing was looked up."""
    n = len(candidates)
    marks = candidates.marks
    imbalance = (np.round(candidates.charge_imbalance, 6) + 0.0).tolist()
    distance = None if marks is None else np.round(marks.distance, 6).tolist()
    return {
        "formula": candidates.formula,
        "parent": candidates.parent,
        "rule": candidates.rule,
        "variables": candidates.variables,
        "charge_imbalance_per_atom": imbalance,
        "known": [None] * n if marks is None else [word or "no" for word in marks.known],
        "nearest_known": [None] * n if marks is None else [formula or None for formula in marks.nearest],
        "nearest_distance": [None] * n if distance is None else [None if d != d else d for d in distance],
    }


def rows_of(candidates: Candidates) -> list[FlatRow]:
    """Return one object a candidate, keys `COLUMNS`."""
    columns = columns_of(candidates)
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*(columns[name] for name in COLUMNS), strict=True)]


def parents_of(candidates: Candidates) -> list[ShownMaterial]:
    """Return the parents of families, as typed and as read; a pattern with variables is none."""
    parents = []
    for text in dict.fromkeys(candidates.parent):
        try:
            parents.append(material_of(Candidate.from_formula(text)))
        except CandidateError:
            continue
    return parents


def csv_text(candidates: Candidates) -> str:
    """Return the table as CSV with a header."""
    columns = columns_of(candidates)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(zip(*(columns[name] for name in COLUMNS), strict=True))
    return text.getvalue()


def document(candidates: Candidates) -> dict[str, object]:
    """Return the JSON document of `elyte generate --json`."""
    return {
        "made": candidates.made,
        "left_out": candidates.dropped,
        "unbalanced": int((~candidates.balanced).sum()),
        "parents": parents_of(candidates),
        "candidates": rows_of(candidates),
    }


def write_table(candidates: Candidates, path: Path) -> None:
    """Write the table; the format follows the ending; the file appears whole or not at all.

    Raises
    ------
    GenerationError
        For another ending than those of `ENDINGS`.
    """
    part = path.with_name(f".{path.name}.part")
    match path.suffix.lower():
        case ".csv":
            part.write_text(csv_text(candidates), encoding="utf-8", newline="")
        case ".jsonl":
            import orjson

            part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows_of(candidates)))
        case ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.table(columns_of(candidates)), part)
        case _:
            raise GenerationError(f"{path}: expected a file that ends in {', '.join(ENDINGS)}")
    os.replace(part, path)


def summary_lines(candidates: Candidates) -> list[str]:
    """Return in words how many candidates there are, and what was left out and why."""
    lines = [f"{len(candidates)} candidates of {candidates.made} combinations"]
    lines += [f"  parent {with_reading(parent)}" for parent in parents_of(candidates) if reading_of(parent)]
    lines += [f"  left out {count}: {reason}" for reason, count in candidates.dropped.items()]
    if unbalanced := int((~candidates.balanced).sum()):
        lines.append(f"  {unbalanced} are kept that no common oxidation states balance (--balanced drops them)")
    if candidates.marks is not None:
        known = sum(map(bool, candidates.marks.known))
        lines.append(f"  {known} are known already: measured, or in the table of phases")
    return lines
