"""Conductivity for people: a row of a table, and what its explanation sums to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.properties.conductivity.explanation_block import explanation_terms
from training.properties.contract import Answered

HEADER = ("sigma (S/cm)", "interval", "Ea (eV)", "T (C)", "known?", "nearest measured")


def row(said: Answered) -> tuple[str, ...]:
    """Return the cells under `HEADER`."""
    block, nearest = said.block or {}, said.nearest
    sigma = block["log10_sigma_S_per_cm"]
    return (
        f"{10 ** sigma['value']:.1e}",
        f"{10 ** sigma['lower']:.0e} .. {10 ** sigma['upper']:.0e} ({sigma['coverage']:.0%})",
        f"{block['activation_energy_eV']['value']:.2f}",
        f"{block['temperature_C']:g}",
        "yes" if said.domain["in_domain"] else "NO",
        f"{nearest['formula']} {10 ** nearest['value']:.1e} ({nearest['doi']})",
    )


def story(said: Answered) -> list[str]:
    """Return what was measured on this very material, and what the model says alone."""
    measured = (said.block or {}).get("measured")
    if not measured:
        return []
    middle, papers = measured["log10_sigma_S_per_cm"], measured["papers"]
    value = "no value counts" if middle is None else f"{10**middle:.1e} S/cm, the middle of {_counted(papers, 'paper')}"
    few = [f"{10 ** measured[end]:.0e}" for end in ("lowest", "highest")]
    between = "" if measured["measurements"] == 1 else f" ({few[0]} .. {few[1]})"
    latest = measured["samples"][0]
    seen = [latest["state"], latest["contribution"], latest["year"] and str(latest["year"]), latest["doi"]]
    alone = 10 ** (said.block or {})["model_log10_sigma_S_per_cm"]
    return [f"    measured: {value}{between}; latest: {', '.join(filter(None, seen))}; the model alone: {alone:.1e}"]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def explained(block: Mapping[str, Any]) -> tuple[str, Mapping[str, float]]:
    """Return what is explained, and its terms."""
    sigma = block["log10_sigma_S_per_cm"]["value"]
    return f"log10 sigma = {sigma:.2f} at {block['temperature_C']:g} C", explanation_terms(block["explanation"])
