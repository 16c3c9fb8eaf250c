"""Stability for people: a row of a table, and what becomes of a material."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.properties.contract import Answered
from training.properties.stability.quantities import SOLID_SOLUTION

HEADER = ("basis", "Ef (eV/atom)", "above hull (eV/atom)", "P(stable)", "window (V vs Li/Li+)")


def row(said: Answered) -> tuple[str, ...]:
    """Return the cells under `HEADER`."""
    block = said.block or {}
    exact = block["basis"] == "reference"
    formation, above = block["formation_energy_eV_per_atom"], block["energy_above_hull_eV_per_atom"]
    window = "-"
    if block["reduction_V"] is not None:
        window = f"{block['reduction_V']['value']:.2f} .. {block['oxidation_V']['value']:.2f}"
    return (
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


def _mixed(gain: Mapping[str, Any]) -> str:
    """Return what ideal mixing makes of the energy above the hull."""
    least, most = gain["with_smallest_entropy_eV_per_atom"], gain["with_largest_entropy_eV_per_atom"]
    sites = ", ".join("/".join(elements) for elements in gain["share_sites_largest"])
    if gain["largest_entropy_k_per_atom"] == 0:
        return f"{least:.3f} eV/atom above the hull (nothing mixes)"
    span = f"{least:.3f}" if least == most else f"{least:.3f} to {most:.3f}"
    return f"{span} eV/atom above the hull with ideal mixing ({sites or 'on the sites of the structure'})"


def story(said: Answered) -> list[str]:
    """Return what the material decomposes into, by itself and beyond its window."""
    block, lines = said.block or {}, []
    if block.get("energy_note"):
        lines.append(f"    energy:          {block['energy_note']}")
    if gain := block.get(SOLID_SOLUTION):
        lines.append(f"    {gain['synthesis_temperature_C']:.0f} °C:         {_mixed(gain)}")
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
