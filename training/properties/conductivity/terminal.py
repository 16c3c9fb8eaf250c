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


def explained(block: Mapping[str, Any]) -> tuple[str, Mapping[str, float]]:
    """Return what is explained, and its terms."""
    sigma = block["log10_sigma_S_per_cm"]["value"]
    return f"log10 sigma = {sigma:.2f} at {block['temperature_C']:g} C", explanation_terms(block["explanation"])
