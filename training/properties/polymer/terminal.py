"""Polymer electrolytes for people: a row of a table, and its curve."""

from __future__ import annotations

from training.properties.contract import Answered
from training.properties.polymer.quantities import ACTIVATION_ENERGY, SIGMA

HEADER = ("polymer sigma (S/cm)", "interval", "Ea (eV)", "T (C)", "Tg (C)", "known?", "nearest measured")


def row(said: Answered) -> tuple[str, ...]:
    """Return the cells under `HEADER`."""
    block, nearest = said.block or {}, said.nearest
    sigma = block[SIGMA.name]
    return (
        f"{10 ** sigma['value']:.1e}",
        f"{10 ** sigma['lower']:.0e} .. {10 ** sigma['upper']:.0e} ({sigma['coverage']:.0%})",
        f"{block[ACTIVATION_ENERGY.name]:.2f}",
        f"{block['temperature_C']:g}",
        f"{block['glass_transition_C']:.0f}",
        "yes" if said.domain["in_domain"] else "NO",
        f"{nearest['formula']} {10 ** nearest['value']:.1e} at {nearest['temperature_C']:g} C"
        f" ({nearest['doi'] or 'no DOI'})",
    )


def story(said: Answered) -> list[str]:
    """Return the curve over temperature, and what was measured of transference."""
    block = said.block or {}
    points = [f"{point['temperature_C']:g} C {10 ** point[SIGMA.name]:.0e}" for point in block["curve"]]
    lines = [f"    curve: {', '.join(points)}"]
    numbers = block["transference"]
    if numbers:
        values, dois = [one["t_plus"] for one in numbers], list(dict.fromkeys(one["doi"] for one in numbers))
        lines.append(
            f"    transference numbers measured in this polymer: {min(values):.2g} to {max(values):.2g}"
            f" ({len(numbers)} values, {', '.join(dois[:2])}{' ...' if len(dois) > 2 else ''})"
        )
    return lines
