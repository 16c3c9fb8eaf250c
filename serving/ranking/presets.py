"""Objectives and constraints that are often wanted together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from serving.ranking.constraints import TOXIC, Constraints


class Preset(StrEnum):
    """Names of presets."""

    FIRST_SCREEN = "first-screen"
    NMC_CELL = "nmc-cell"
    LI_METAL = "li-metal"


@dataclass(frozen=True, slots=True)
class PresetSpec:
    """What a preset asks for."""

    why: str
    objectives: tuple[str, ...]
    constraints: Constraints


_TAME = Constraints(avoid=list(TOXIC), charge_balanced=True)
PRESETS: Mapping[Preset, PresetSpec] = {
    Preset.FIRST_SCREEN: PresetSpec(
        "a first screen of a fast-charging cell's electrolyte at 25 C",
        ("sigma>=1e-3@25", "hull<=0.025", "ccd>=1@25"),
        _TAME,
    ),
    Preset.NMC_CELL: PresetSpec(
        "a catholyte beside NMC811",
        ("sigma>=1e-3@25", "hull<=0.05", "window against NMC811", "minimise cost"),
        _TAME,
    ),
    Preset.LI_METAL: PresetSpec(
        "an anolyte that lithium metal leaves alone or covers with a layer that stops electrons",
        ("sigma>=1e-3@25", "hull<=0.05", "interphase>=protective", "ccd>=1@25"),
        _TAME,
    ),
}


class PairPreset(StrEnum):
    """Names of presets for pairs of electrolytes."""

    FAST_CHARGE = "fast-charge"


@dataclass(frozen=True, slots=True)
class PairPresetSpec:
    """What a preset asks of the two sides of a cell; `{cutoff_V}` is the cathode's."""

    why: str
    anolyte: tuple[str, ...]
    catholyte: tuple[str, ...]


PAIR_PRESETS: Mapping[PairPreset, PairPresetSpec] = {
    PairPreset.FAST_CHARGE: PairPresetSpec(
        "a fast-charging cell: the anolyte at lithium, the catholyte at the cathode's cutoff, and the rate of the cell",
        ("sigma>=1e-3@25", "hull<=0.05", "interphase>=protective"),
        ("sigma>=1e-3@25", "hull<=0.05", "oxidation>={cutoff_V:g}"),
    ),
}
