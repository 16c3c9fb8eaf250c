"""Answers as tables: for a terminal, and flat rows for CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from serving.answers.rows import MATERIAL_COLUMNS, Cell, FlatRow, ResultRow, answered, block_of, warning_codes
from serving.answers.terminal_tables import ROWS_COUNTED, aligned, name_of, reading_lines
from training.properties import registry
from training.properties.contract import BY_STATE, Answered, Property, Quantity, Terminal

FLAT_COLUMNS = (
    "id",
    "index",
    "status",
    *MATERIAL_COLUMNS,
    *(
        name
        for one in registry.properties()
        for name in (
            *(column for quantity in one.quantities if quantity.in_answers for column in quantity.columns),
            *(column.name for column in one.columns()),
        )
    ),
    "warnings",
    "error_code",
    "error_message",
)
MOST_EXPLAINED = 12  # materials; longer lists get the table only
_ENDS = ("value", "lower", "upper")

# What makes a spreadsheet take a text for a formula, in the widths of all keyboards; a plain number does no harm.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


def flat_row(result: ResultRow) -> FlatRow:
    """Return one result as a flat row with the columns `FLAT_COLUMNS`; what is unknown is None."""
    row: FlatRow = dict.fromkeys(FLAT_COLUMNS)
    row |= {key: cast("Cell", result.get(key)) for key in ("id", "index", "status", *MATERIAL_COLUMNS)}
    row["warnings"] = warning_codes(result)
    if result["status"] == "error":
        return row | {"error_code": result["error"]["code"], "error_message": result["error"]["message"]}
    for one in registry.properties():
        row |= _cells(one, answered(result, one.name))
    return row


def _cells(one: Property, said: Answered) -> FlatRow:
    """Return the columns of one property, those of its quantities first."""
    cells: FlatRow = {}
    for quantity in one.quantities:
        if quantity.in_answers:
            found = (said.block or {}).get(quantity.name)
            ends = (found or {}).get if quantity.has_interval else {"value": found}.get
            cells |= {name: ends(end) for name, end in zip(quantity.columns, _ENDS, strict=False)}
    return cells | {column.name: column.cell(said) for column in one.columns()}


def flat_rows(results: Sequence[ResultRow]) -> tuple[list[str], list[FlatRow]]:
    """Return the columns `FLAT_COLUMNS`, with `explanation` where one was asked for, and one flat row a result."""
    rows = [flat_row(result) for result in results]
    for row, result in zip(rows, results, strict=True):
        for _, _, terms in _explanations(result):
            row["explanation"] = "; ".join(f"{term}: {value:+.2f}" for term, value in terms.items()) or None
    return columns_of(rows), rows


def _explanations(result: ResultRow) -> Iterator[tuple[Mapping[str, Any], str, dict[str, float]]]:
    """Return, for each explained property, its block, what is explained, and the terms that are worth showing."""
    for one in registry.properties():
        block = block_of(result, one.name) or {}
        if "explanation" in block:
            what, terms = one.explained(block) if block["explanation"] is not None else ("", {})
            yield block, what, {term: value for term, value in terms.items() if round(value, 2)}


def explanation_lines(results: Sequence[ResultRow]) -> list[str]:
    """Return, for a terminal, a few lines for each result that carries an explanation or a reason for none."""
    lines = []
    for result in results:
        for block, what, terms in _explanations(result):
            lines.append("")
            if block["explanation"] is None:
                lines.append(f"{name_of(result)}: {block['explanation_reason']}")
            else:
                lines.append(f"{name_of(result)}: {what} is the sum of")
                lines += [f"  {value:+6.2f}  {term}" for term, value in terms.items()]
    return lines


def columns_of(rows: Sequence[FlatRow]) -> list[str]:
    """Return the columns of flat rows, in order."""
    return [*FLAT_COLUMNS, *(["explanation"] if any("explanation" in row for row in rows) else [])]


def csv_text(columns: Sequence[str], rows: Sequence[FlatRow]) -> str:
    """Return flat rows as CSV.

    A text that a spreadsheet would run as a formula (an id such as `=1+1`; error messages quote what was sent) gets an
    apostrophe in front, which is how spreadsheets themselves mark text.
    """
    lines = _Lines()
    writer = csv.DictWriter(lines, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_without_formulas(row) for row in rows)
    return "\n".join([*lines, ""])


class _Lines(list[str]):
    """Takes lines from a csv writer, which quotes a lone carriage return only where it ends lines with one itself."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n"))


def _without_formulas(row: FlatRow) -> FlatRow:
    return {name: f"'{cell}" if _is_formula(cell) else cell for name, cell in row.items()}


def _is_formula(cell: Cell) -> bool:
    return isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(cell)


def write_results(results: Sequence[ResultRow], path: Path) -> None:
    """Write flat rows; the format follows the file's ending; the file appears whole or not at all.

    Raises
    ------
    ValueError
        For another ending than .csv, .jsonl or .parquet.
    """
    part = path.with_name(f".{path.name}.part")
    match path.suffix.lower():
        case ".csv":
            part.write_text(csv_text(*flat_rows(results)), encoding="utf-8", newline="")
        case ".jsonl":
            import orjson

            part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in flat_rows(results)[1]))
        case ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(flat_rows(results)[1]), part)
        case _:
            raise ValueError(f"{path}: expected a file that ends in .csv, .jsonl or .parquet")
    os.replace(part, path)


def terminal_lines(results: Sequence[ResultRow]) -> list[str]:
    """Return an aligned table a property for people, and beneath them what is to be said of rows.

    Rows that failed stand in the first property's table. What was read stands beneath each row of the first table that
    there is, where it is not the text that was typed.
    """
    first, *others = registry.properties()
    lines = _leading_table(first, results)
    judged = any(first.name in result for result in results)
    readings = not judged
    for one in others:
        table = _table(one, results, readings=readings)
        lines += [*([""] if lines and table else []), *table]
        readings = readings and not table
    notes = [
        f"{name_of(result)}: {warning['message'].partition(BY_STATE)[0]}"
        for result in results
        for warning in result["warnings"]
    ]
    if any(result["status"] == "error" for result in results):
        notes.append(ROWS_COUNTED)
    return [*lines, *([""] if lines and notes else []), *notes]


def _leading_table(one: Property, results: Sequence[ResultRow]) -> list[str]:
    """Return the table that also lists the rows that failed, or that the property says nothing of."""
    judged = any(one.name in result for result in results)
    listed = [result for result in results if (judged and one.name in result) or result["status"] == "error"]
    if not listed:
        return []
    terminal = _terminal_of(one)
    nothing = ("-",) * (len(terminal.header) - 1)

    def cells(result: ResultRow) -> tuple[str, ...]:
        if result["status"] == "error":
            return (*nothing, f"{result['error']['code']}: {result['error']['message']}")
        if not result.get(one.name):
            return (*nothing, "; ".join(result.get("reasons", {}).values()))
        return terminal.row(answered(result, one.name))

    def beneath(result: ResultRow) -> list[str]:
        told = len(listed) <= MOST_EXPLAINED and result.get(one.name)
        return [*reading_lines(result), *(terminal.story(answered(result, one.name)) if told else [])]

    rows = [("material", *terminal.header), *((name_of(result), *cells(result)) for result in listed)]
    return aligned(rows, [beneath(result) for result in listed])


def _table(one: Property, results: Sequence[ResultRow], *, readings: bool) -> list[str]:
    """Return the table of what a property says; beneath each row of a short one its story."""
    judged = [result for result in results if result.get(one.name)]
    if not judged:
        return []
    terminal = _terminal_of(one)
    said = [answered(result, one.name) for result in judged]
    beneath = [reading_lines(result) if readings else [] for result in judged]
    if len(judged) <= MOST_EXPLAINED:
        beneath = [[*read, *terminal.story(row)] for read, row in zip(beneath, said, strict=True)]
    rows = [(name_of(result), *terminal.row(row)) for result, row in zip(judged, said, strict=True)]
    return aligned([("material", *terminal.header), *rows], beneath)


def _terminal_of(one: Property) -> Terminal:
    """Return a property's table, or one of its quantities where it has none of its own."""
    own = one.terminal()
    if own is not None:
        return own
    shown = [quantity for quantity in one.quantities if quantity.in_answers]

    def row(said: Answered) -> tuple[str, ...]:
        cells = [_interval_cell(quantity, (said.block or {}).get(quantity.name)) for quantity in shown]
        known = "yes" if said.domain.get("in_domain") else "NO"
        return (*cells, known, f"{said.nearest.get('formula', '-')} ({said.nearest.get('doi') or 'no source'})")

    labels = [f"{quantity.label} ({quantity.unit})" if quantity.unit else quantity.label for quantity in shown]
    return Terminal((*labels, "known?", "nearest known"), row)


def _interval_cell(quantity: Quantity, found: Any) -> str:  # noqa: ANN401
    if found is None:
        return "-"
    ends = [found.get(end) for end in _ENDS] if quantity.has_interval else [found]
    texts = [f"{10**end if quantity.is_log10 else end:.3g}" for end in ends if end is not None]
    return texts[0] if len(texts) < len(_ENDS) else f"{texts[0]} ({texts[1]} .. {texts[2]})"
