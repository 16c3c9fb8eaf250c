"""Mechanics for people: a row of a table, and what the numbers mean for a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.elasticity import DUCTILE_FROM, COLD_PRESSED_BELOW_GPa
from training.properties.contract import Answered

HEADER = ("basis", "E (GPa)", "G (GPa)", "K (GPa)", "K/G", "PBE gap (eV)")
SURE = 0.8


def row(said: Answered) -> tuple[str, ...]:
    """Return the cells under `HEADER`."""
    block = said.block or {}
    if said.reason:
        return ("-",) * len(HEADER)
    moduli = (_range(block[f"{name}_modulus_GPa"], "{:.3g}") for name in ("youngs", "shear", "bulk"))
    gap = _range(block["pbe_band_gap_eV"], "{:.2f}")
    return (
        "DFT table" if block["basis"] == "table" else "predicted",
        *moduli,
        f"{block['pugh_ratio']['value']:.2f}",
        gap,
    )


def story(said: Answered) -> list[str]:
    """Return what the numbers mean: pressing, cracks, dendrites, electrons."""
    if said.reason:
        return [f"    no number: {said.reason}"]
    block = said.block or {}
    flaw = block["griffith_overpotential_mV"]
    newman = block["monroe_newman"]
    return [
        f"    pressing:   {_pressing(block)}",
        f"    cracks:     a flaw of {block['flaw_size_um']:g} um grows from {flaw['value']:.0f} mV of overpotential"
        f" (toughness {block['fracture_toughness_MPa_m05']:.2f} MPa m^0.5)",
        f"    dendrites:  G above {newman['shear_modulus_above_GPa']:g} GPa (Monroe-Newman) with probability"
        f" {newman['probability']:.2f}; garnets and sulfides above it fail all the same",
        f"    electrons:  {block['band_gap_said']}",
    ]


def _pressing(block: Mapping[str, Any]) -> str:
    young, ductile = block["youngs_modulus_GPa"], block["probability_ductile"]
    if young["upper"] is not None and young["upper"] <= COLD_PRESSED_BELOW_GPa:
        soft = f"soft enough to be pressed cold (sulfides below {COLD_PRESSED_BELOW_GPa:g} GPa are)"
    elif young["lower"] is not None and young["lower"] > COLD_PRESSED_BELOW_GPa:
        soft = "stiffer than what densifies cold: expect to sinter, or to press hot"
    else:
        soft = "may densify cold, or may not"
    way = "ductile" if ductile >= SURE else "brittle" if ductile <= 1.0 - SURE else "between ductile and brittle"
    return f"{soft}; {way} (probability of K/G > {DUCTILE_FROM:g}: {ductile:.2f})"


def _range(interval: Mapping[str, Any], form: str) -> str:
    value = form.format(interval["value"])
    if interval["lower"] is None:
        return value
    return f"{value} ({form.format(interval['lower'])} .. {form.format(interval['upper'])})"
