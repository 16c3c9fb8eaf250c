"""Answers as tables: for a terminal, and flat rows for CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.answers.ccd_tables import CCD_COLUMNS, ccd_cells, ccd_lines
from serving.answers.explanation_blocks import explanation_cell
from serving.answers.rows import BY_STATE, MATERIAL_COLUMNS, warning_codes
from serving.answers.stability_tables import STABILITY_COLUMNS, stability_cells, stability_lines
from serving.answers.terminal_tables import ROWS_COUNTED, aligned, name_of, reading_lines

FLAT_COLUMNS = (
    "id", "index", "status", *MATERIAL_COLUMNS, "log10_sigma_S_per_cm", "log10_sigma_lower", "log10_sigma_upper",
    "activation_energy_eV", "activation_energy_lower_eV", "activation_energy_upper_eV", "coverage", "temperature_C",
    "in_domain", "distance", "nearest_formula", "nearest_log10_sigma", "nearest_doi", *STABILITY_COLUMNS, *CCD_COLUMNS,
    "warnings", "error_code", "error_message",
)  # fmt: skip

# What makes a spreadsheet take a text for a formula, in the widths of all keyboards; a plain number does no harm.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_PLAIN_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


def flat_row(result: dict[str, Any]) -> dict[str, Any]:
    """Return one result as a flat row with the columns `FLAT_COLUMNS`; what is unknown is None."""
    row: dict[str, Any] = dict.fromkeys(FLAT_COLUMNS)
    row |= {key: result.get(key) for key in ("id", "index", "status", *MATERIAL_COLUMNS)}
    row["warnings"] = warning_codes(result)
    if result["status"] == "error":
        return row | {"error_code": result["error"]["code"], "error_message": result["error"]["message"]}
    block = result.get("conductivity")
    if block:
        sigma, energy = block["log10_sigma_S_per_cm"], block["activation_energy_eV"]
        row |= {
            "log10_sigma_S_per_cm": sigma["value"], "log10_sigma_lower": sigma["lower"],
            "log10_sigma_upper": sigma["upper"], "activation_energy_eV": energy["value"],
            "activation_energy_lower_eV": energy["lower"], "activation_energy_upper_eV": energy["upper"],
            "coverage": sigma["coverage"], "temperature_C": block["temperature_C"],
        }  # fmt: skip
    row |= stability_cells(result.get("stability")) | ccd_cells(result)
    domain = result["applicability"].get("conductivity")
    if domain:
        row |= {"in_domain": domain["in_domain"], "distance": domain["distance"]}
        if domain["nearest"]:
            nearest = domain["nearest"][0]
            row |= {
                "nearest_formula": nearest["formula"], "nearest_log10_sigma": nearest["value"],
                "nearest_doi": nearest["doi"],
            }  # fmt: skip
    return row


def flat_rows(results: Sequence[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns `FLAT_COLUMNS`, with `explanation` where one was asked for, and one flat row a result."""
    rows = [flat_row(result) for result in results]
    for row, result in zip(rows, results, strict=True):
        if "explanation" in (result.get("conductivity") or {}):
            row["explanation"] = explanation_cell(result)
    return columns_of(rows), rows


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns of flat rows, in order."""
    return [*FLAT_COLUMNS, *(["explanation"] if any("explanation" in row for row in rows) else [])]


def csv_text(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
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


def _without_formulas(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"'{cell}" if _is_formula(cell) else cell for name, cell in row.items()}


def _is_formula(cell: Any) -> bool:  # noqa: ANN401
    return isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(cell)


def write_results(results: Sequence[dict[str, Any]], path: Path) -> None:
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


def terminal_lines(results: Sequence[dict[str, Any]]) -> list[str]:
    """Return aligned tables for people: conductivity with its interval and nearest known material, then stability.

    What was read stands beneath each row of the first table, where it is not the text that was typed.
    """
    header = ("material", "sigma (S/cm)", "interval", "Ea (eV)", "T (C)", "known?", "nearest measured")
    judged = any("conductivity" in result for result in results)
    listed = [result for result in results if judged or result["status"] == "error"]
    rows = [header, *(_terminal_row(result) for result in listed)]
    lines = aligned(rows, [reading_lines(result) for result in listed]) if listed else []
    notes = [
        f"{name_of(result)}: {warning['message'].partition(BY_STATE)[0]}"
        for result in results
        for warning in result["warnings"]
    ]
    if any(result["status"] == "error" for result in results):
        notes.append(ROWS_COUNTED)
    stability = stability_lines(results, readings=not judged)
    current = ccd_lines(results, readings=not judged and not stability)
    for section in (stability, current, notes):
        lines += [*([""] if lines and section else []), *section]
    return lines


def _terminal_row(result: dict[str, Any]) -> tuple[str, ...]:
    name = name_of(result)
    if result["status"] == "error":
        return (name, "-", "-", "-", "-", "-", f"{result['error']['code']}: {result['error']['message']}")
    row = flat_row(result)
    if row["log10_sigma_S_per_cm"] is None:
        return (name, "-", "-", "-", "-", "-", "; ".join(result.get("reasons", {}).values()))
    nearest = f"{row['nearest_formula']} {10 ** row['nearest_log10_sigma']:.1e} ({row['nearest_doi']})"
    return (
        name,
        f"{10 ** row['log10_sigma_S_per_cm']:.1e}",
        f"{10 ** row['log10_sigma_lower']:.0e} .. {10 ** row['log10_sigma_upper']:.0e} ({row['coverage']:.0%})",
        f"{row['activation_energy_eV']:.2f}",
        f"{row['temperature_C']:g}",
        "yes" if row["in_domain"] else "NO",
        nearest,
    )
