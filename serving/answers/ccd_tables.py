"""Critical current density for a terminal and for flat rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.errors import shown
from serving.answers.terminal_tables import aligned, name_of, reading_lines, reading_of

CCD_COLUMNS = (
    "log10_ccd_mA_per_cm2", "log10_ccd_lower", "log10_ccd_upper", "electrolyte_class", "interlayer_type",
    "stack_pressure_MPa", "ccd_class_papers", "ccd_interlayer_papers", "nearest_ccd_formula", "nearest_log10_ccd",
    "nearest_ccd_doi", "ccd_reason",
)  # fmt: skip
MOST_EXPLAINED = 12  # cells; longer lists get the table only
_HEADER = (
    "material",
    "CCD (mA/cm2)",
    "interval",
    "class",
    "interlayer",
    "T (C)",
    "P (MPa)",
    "papers: class, like this",
)


def ccd_cells(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns `CCD_COLUMNS` of one answer; what is unknown is None."""
    cells: dict[str, Any] = dict.fromkeys(CCD_COLUMNS)
    block = result.get("ccd")
    if not block:
        return cells | {"ccd_reason": result.get("reasons", {}).get("ccd")}
    value = block["log10_ccd_mA_per_cm2"] or {}
    cells |= {
        "log10_ccd_mA_per_cm2": value.get("value"), "log10_ccd_lower": value.get("lower"),
        "log10_ccd_upper": value.get("upper"), "electrolyte_class": block["electrolyte_class"],
        "interlayer_type": block["conditions"]["interlayer_type"],
        "stack_pressure_MPa": block["conditions"]["stack_pressure_MPa"],
        "ccd_class_papers": block["support"]["class_papers"],
        "ccd_interlayer_papers": block["support"]["interlayer_papers"], "ccd_reason": block.get("reason"),
    }  # fmt: skip
    nearest = result.get("applicability", {}).get("ccd", {}).get("nearest")
    if nearest:
        first = nearest[0]
        cells |= {
            "nearest_ccd_formula": first["formula"], "nearest_log10_ccd": first["value"],
            "nearest_ccd_doi": first["doi"] or first["reference"],
        }  # fmt: skip
    return cells


def ccd_lines(results: Sequence[Mapping[str, Any]], *, readings: bool = False) -> list[str]:
    """Return an aligned table for people, and beneath each cell of a short list the nearest reports.

    With `readings` what was read stands there first, where it is not the text that was typed.
    """
    judged = [result for result in results if result.get("ccd")]
    if not judged:
        return []
    beneath = [reading_lines(result) if readings else [] for result in judged]
    if len(judged) <= MOST_EXPLAINED:
        beneath = [[*read, *_story(result)] for read, result in zip(beneath, judged, strict=True)]
    return aligned([_HEADER, *(_row(result) for result in judged)], beneath)


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    block = result["ccd"]
    value, said, support = block["log10_ccd_mA_per_cm2"], block["conditions"], block["support"]
    number, interval = "-", "-"
    if value is not None:
        number = f"{10 ** value['value']:.2g}"
        if value["lower"] is not None:
            ends = f"{10 ** value['lower']:.2g} .. {10 ** value['upper']:.2g}"
            interval = f"{ends} ({value['coverage']:.0%})"
    pressure = said["stack_pressure_MPa"]
    return (
        name_of(result),
        number,
        interval,
        block["electrolyte_class"] or "?",
        said["interlayer_type"] or "not stated",
        f"{said['temperature_C']:g}",
        "not stated" if pressure is None else f"{pressure:g}",
        f"{support['class_papers']}, {support['conditions_papers']}",
    )


def _story(result: Mapping[str, Any]) -> list[str]:
    lines = [f"    no value: {result['ccd']['reason']}"] if result["ccd"].get("reason") else []
    for report in result["applicability"]["ccd"]["nearest"][:3]:
        sign = ">" if report["is_lower_bound"] else ""
        degrees = "" if report["temperature_C"] is None else f", {report['temperature_C']:g} C"
        source = report["doi"] or report["reference"]
        lines.append(
            f"    reported: {sign}{10 ** report['value']:.2g}  {report['material']}, {report['interlayer_type']}"
            f"{degrees} ({source})"
        )
    return lines


def grid_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the points of a what-if grid as aligned lines, beneath the material where it was typed otherwise."""
    header = ("T (C)", "P (MPa)", "interlayer", "CCD (mA/cm2)", f"interval ({document['coverage']:.0%})")
    rows: list[tuple[str, ...]] = [header]
    for point in document["points"]:
        said = point["conditions"]
        where = tuple(str(said.get(name) or "-") for name in ("temperature_C", "stack_pressure_MPa", "interlayer_type"))
        value = point.get("ccd_mA_per_cm2")
        if value is None:
            rows.append((*where, "-", point.get("reason") or point["error"]["message"]))
        else:
            rows.append((*where, f"{value['value']:g}", f"{value['lower']} .. {value['upper']}"))
    named = [f"{shown(document['formula'])} {said}"] if (said := reading_of(document)) else []
    return [*named, *aligned(rows)]
