"""Stability for a terminal and for flat rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.answers.terminal_tables import aligned, name_of, reading_lines

STABILITY_COLUMNS = (
    "formation_energy_eV_per_atom", "formation_energy_lower_eV_per_atom", "formation_energy_upper_eV_per_atom",
    "decomposition_energy_eV_per_atom", "decomposition_energy_lower_eV_per_atom",
    "decomposition_energy_upper_eV_per_atom", "energy_above_hull_eV_per_atom",
    "energy_above_hull_lower_eV_per_atom", "energy_above_hull_upper_eV_per_atom", "probability_stable",
    "reduction_V", "reduction_lower_V", "reduction_upper_V", "oxidation_V", "oxidation_lower_V", "oxidation_upper_V",
    "stability_basis", "decomposition_products", "reduction_products", "oxidation_products",
)  # fmt: skip
_INTERVALS = {
    "formation_energy": "eV_per_atom", "decomposition_energy": "eV_per_atom", "energy_above_hull": "eV_per_atom",
    "reduction": "V", "oxidation": "V",
}  # fmt: skip
MOST_EXPLAINED = 12  # materials; longer lists get the table only
_HEADER = ("material", "basis", "Ef (eV/atom)", "above hull (eV/atom)", "P(stable)", "window (V vs Li/Li+)")


def stability_cells(block: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns `STABILITY_COLUMNS` of one answer; what is unknown is None."""
    cells: dict[str, Any] = dict.fromkeys(STABILITY_COLUMNS)
    if not block:
        return cells
    for name, unit in _INTERVALS.items():
        interval = block.get(f"{name}_{unit}") or {}
        cells[f"{name}_{unit}"] = interval.get("value")
        cells[f"{name}_lower_{unit}"], cells[f"{name}_upper_{unit}"] = interval.get("lower"), interval.get("upper")
    cells |= {"probability_stable": block["probability_stable"], "stability_basis": block["basis"]}
    for name in ("decomposition_products", "reduction_products", "oxidation_products"):
        cells[name] = " + ".join(f"{part['amount']:g} {part['formula']}" for part in block.get(name) or [])
    return cells


def stability_lines(results: Sequence[Mapping[str, Any]], *, readings: bool = False) -> list[str]:
    """Return an aligned table for people, and beneath each material of a short list what becomes of it.

    With `readings` what was read stands there first, where it is not the text that was typed.
    """
    judged = [result for result in results if result.get("stability")]
    if not judged:
        return []
    beneath = [reading_lines(result) if readings else [] for result in judged]
    if len(judged) <= MOST_EXPLAINED:
        beneath = [[*read, *_story(result["stability"])] for read, result in zip(beneath, judged, strict=True)]
    return aligned([_HEADER, *(_row(result) for result in judged)], beneath)


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    block = result["stability"]
    exact = block["basis"] == "reference"
    formation, above = block["formation_energy_eV_per_atom"], block["energy_above_hull_eV_per_atom"]
    window = "-"
    if block["reduction_V"] is not None:
        window = f"{block['reduction_V']['value']:.2f} .. {block['oxidation_V']['value']:.2f}"
    return (
        name_of(result),
        "DFT table" if exact else "predicted",
        f"{formation['value']:.3f}" + ("" if exact else _range(formation)),
        f"{above['value']:.3f}" + ("" if exact else _range(above)),
        f"{block['probability_stable']:.2f}",
        window,
    )


def _range(interval: Mapping[str, Any]) -> str:
    if interval["lower"] is None:
        return ""
    return f" ({interval['lower']:.3f} .. {interval['upper']:.3f})"


def _story(block: Mapping[str, Any]) -> list[str]:
    """Return what the material decomposes into, by itself and beyond its window."""
    lines = []
    if block["decomposition"]:
        lines.append(f"    falls apart:     {block['decomposition']}")
    if block.get("window_reason"):
        lines.append(f"    no window:       {block['window_reason']}")
    for name, limit, words in (("reduction", "below", "reduction_V"), ("oxidation", "above", "oxidation_V")):
        if block.get(f"{name}_reaction"):
            label = f"{limit} {block[words]['value']:.2f} V:"
            lines.append(f"    {label:16s} {block[f'{name}_reaction']}")
        elif name == "reduction" and block["reduction_V"] is not None:
            lines.append("    down to 0 V:     stable against lithium metal")
    return lines + [f"    * {footnote}" for footnote in block.get("footnotes", ())]
