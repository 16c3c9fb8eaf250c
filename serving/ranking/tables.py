"""A ranking for a terminal, and flat rows for CSV, JSON lines or Parquet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from serving.answers.output_tables import csv_text
from serving.answers.rows import MATERIAL_COLUMNS, Cell, FlatRow, KnownMaterial, Warned, warning_codes
from serving.answers.terminal_tables import INDENT, ROWS_COUNTED, aligned, name_of, reading_lines, with_reading
from serving.ranking.document import RankedEntry, RankingDocument
from serving.ranking.objectives import shown_value
from serving.ranking.quantities import quantities
from training.properties import registry

MOST_EXPLAINED = 12  # candidates; longer lists get the table only
MOST_NAMED = 10  # excluded or failed rows
_STANDING = ("probability_of_success", "standard_error", "on_front", "probability_on_front", "utility")
_FIRST = (
    "rank",
    "id",
    "index",
    "status",
    *MATERIAL_COLUMNS,
    *_STANDING,
    "limiting_objective",
    "limiting_probability",
    "limiting_words",
)
_LAST = ("nearest_formula", "nearest_value", "nearest_doi", "basis", "out_of_domain", "in_batch", "warnings", "reason")


def flat_rows(document: RankingDocument) -> tuple[list[str], list[FlatRow]]:
    """Return columns and rows: the listed candidates in order, then those excluded and failed, with the reason."""
    names = [str(objective["text"]) for objective in document["objectives"]]
    columns = [*_FIRST, *(f"{name} {part}" for name in names for part in _PARTS), *_LAST]
    batch = set() if document["batch"] is None else {pick["index"] for pick in document["batch"]["picks"]}
    rows: list[FlatRow] = [dict.fromkeys(columns) | _ranked_row(entry, batch) for entry in document["ranking"]]
    for entry in document["excluded"]:
        reason = "; ".join(one["message"] for one in entry["reasons"])
        rows.append(dict.fromkeys(columns) | _named(entry, "excluded") | {"reason": reason})
    for row in document["failed"]:
        rows.append(dict.fromkeys(columns) | _named(row, "error") | {"reason": row["error"]["message"]})
    return columns, rows


_PARTS: tuple[Literal["value", "lower", "upper", "probability"], ...] = ("value", "lower", "upper", "probability")


def _named(entry: Warned, status: str) -> FlatRow:
    said = {name: cast("Cell", entry.get(name)) for name in ("id", "index", *MATERIAL_COLUMNS)}
    return said | {"status": status, "warnings": warning_codes(entry)}


def _ranked_row(entry: RankedEntry, batch: set[int]) -> FlatRow:
    row = _named(entry, "ranked") | {name: cast("Cell", entry.get(name)) for name in ("rank", *_STANDING)}
    if entry["limiting"] is not None:
        row |= {f"limiting_{part}": entry["limiting"][part] for part in ("objective", "probability", "words")}
    for value in entry["objectives"]:
        row |= {f"{value['objective']} {part}": value[part] for part in _PARTS}
    nearest = next(iter(entry["nearest"].values()), None)
    if nearest is not None:
        row |= {"nearest_formula": nearest["formula"], "nearest_value": nearest["value"], "nearest_doi": nearest["doi"]}
    row["basis"] = "; ".join(f"{name}: {basis}" for name, basis in entry["basis"].items()) or None
    row["out_of_domain"] = "; ".join(_outside(entry)) or None
    row["in_batch"] = entry["index"] in batch
    return row


def _outside(entry: RankedEntry) -> list[str]:
    return [name for name, inside in entry["in_domain"].items() if not inside]


ENDINGS = (".csv", ".jsonl", ".parquet")


def write_ranking(document: RankingDocument, path: Path) -> int:
    """Write every candidate as one flat row; the file appears whole or not at all. Returns the number of rows.

    Raises
    ------
    ValueError
        For another ending than .csv, .jsonl or .parquet.
    """
    columns, rows = flat_rows(document)
    part = path.with_name(f".{path.name}.part")
    match path.suffix.lower():
        case ".csv":
            part.write_text(csv_text(columns, rows), encoding="utf-8", newline="")
        case ".jsonl":
            import orjson

            part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        case ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), part)
        case _:
            raise ValueError(f"{path}: expected a file that ends in .csv, .jsonl or .parquet")
    os.replace(part, path)
    return len(rows)


def terminal_lines(document: RankingDocument, top: int) -> list[str]:
    """Return the ranking as lines for people: a table, the reasons of a short list, the batch, notes."""
    entries = document["ranking"][:top]
    lines = _table(document, entries) if entries else []
    if len(document["ranking"]) > top:
        lines.append(f"... and {len(document['ranking']) - top} more; --top or --output lists them")
    batch = document["batch"]
    if batch is not None:
        lines += ["", f"next batch ({batch['method']}, explore {batch['explore']:g}; {batch['gain']}):"]
        lines += [f"  {with_reading(pick)}  {pick['gain']:g}" for pick in batch["picks"]]
    lines += _left_out(document)
    if document["notes"]:
        lines += ["", *(f"note: {note}" for note in document["notes"])]
    return lines


def _table(document: RankingDocument, entries: Sequence[RankedEntry]) -> list[str]:
    names = [str(objective["text"]) for objective in document["objectives"]]
    header = ("rank", "material", "P(success)", "P(front)", *names)
    rows = [header, *(_cells(entry, document) for entry in entries)]
    beneath = [[INDENT + line for line in reading_lines(entry)] for entry in entries]
    if len(entries) <= MOST_EXPLAINED:
        beneath = [[*read, *_story(entry)] for read, entry in zip(beneath, entries, strict=True)]
    return aligned(rows, beneath)


def _cells(entry: RankedEntry, document: RankingDocument) -> tuple[str, ...]:
    chance = entry["probability_of_success"]
    values = []
    for objective, value in zip(document["objectives"], entry["objectives"], strict=True):
        quantity = quantities()[str(objective["quantity"])]
        met = "" if value["probability"] is None else f" ({value['probability']:.2f})"
        values.append(f"{shown_value(quantity, value['value'])}{met}")
    star = "*" if entry["on_front"] else ""
    return (
        str(entry["rank"]),
        name_of(entry),
        "-" if chance is None else f"{chance:.3g}",
        f"{entry['probability_on_front']:.2f}{star}",
        *values,
    )


def _story(entry: RankedEntry) -> list[str]:
    lines = [] if entry["limiting"] is None else [f"        limited by: {entry['limiting']['words']}"]
    for name, near in entry["nearest"].items():
        source = near.get("doi") or near.get("reference") or "no source"
        basis = f", the answer stands on: {entry['basis'][name]}" if name in entry["basis"] else ""
        lines.append(f"        nearest known ({name}): {near['formula']} {_known_value(name, near)} ({source}){basis}")
    if outside := _outside(entry):
        lines.append(f"        NOT KNOWN CHEMISTRY to: {', '.join(outside)}")
    return lines


def _known_value(name: str, near: KnownMaterial) -> str:
    if near.get("value") is None:
        return ""
    return registry.get(name).known_value(near)


def _left_out(document: RankingDocument) -> list[str]:
    excluded = [
        f"  {with_reading(entry)}: {'; '.join(reason['message'] for reason in entry['reasons'])}"
        for entry in document["excluded"]
    ]
    failed = [f"  {with_reading(row)}: {row['error']['message']}" for row in document["failed"]]
    lines: list[str] = []
    for what, rows in (("not ranked:", excluded), (f"not readable ({ROWS_COUNTED}):", failed)):
        if rows:
            lines += ["", what, *rows[:MOST_NAMED]]
            lines += [f"  ... and {len(rows) - MOST_NAMED} more; --json or --output lists them"] * (
                len(rows) > MOST_NAMED
            )
    return lines
