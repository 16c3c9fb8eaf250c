"""The critical current density as a quantity, and the conditions on which it depends."""

from __future__ import annotations

from training.properties.conditions import RELATIVE_DENSITY, TEMPERATURE
from training.properties.contract import CellRole, Condition, Content, Quantity

NAME = "ccd"


def _interlayers() -> tuple[str, ...]:
    from training.properties.ccd.schema import INTERLAYER_TYPES

    return INTERLAYER_TYPES


def _anodes() -> tuple[str, ...]:
    from training.properties.ccd.schema import ANODES

    return ANODES


def _anode(text: str) -> str:
    from training.properties.ccd.schema import anode_word

    return anode_word(text)


def _classes() -> tuple[str, ...]:
    from training.properties.ccd.schema import CLASSES

    return CLASSES


_NUMBER, _TEXT = Content.NUMBER, Content.TEXT
CONDITIONS = (
    TEMPERATURE,
    Condition(
        "stack_pressure_MPa",
        _NUMBER,
        "Stack pressure in MPa.",
        above=0.0,
        at_most=2000.0,
        short="pressure",
        label="Stack pressure",
        unit="MPa",
    ),
    Condition(
        "interlayer_type", _TEXT, "Interlayer between electrolyte and lithium.", short="interlayer", words=_interlayers
    ),
    Condition(
        "anode",
        _TEXT,
        "Li (the default of most reports), Li alloy or composite, anode-free.",
        short="anode",
        words=_anodes,
        plain=_anode,
    ),
    Condition(
        "areal_capacity_mAh_cm2",
        _NUMBER,
        "Capacity per cycle in mAh/cm2.",
        above=0.0,
        at_most=100.0,
        short="capacity",
        unit="mAh/cm²",
        of_one_sample=True,
    ),
    RELATIVE_DENSITY,
    Condition(
        "thickness_um",
        _NUMBER,
        "Thickness of the electrolyte in micrometres.",
        above=0.0,
        at_most=20000.0,
        short="thickness",
        unit="µm",
        of_one_sample=True,
    ),
    Condition(
        "interfacial_resistance_ohm_cm2",
        _NUMBER,
        "Of one interface with lithium.",
        at_least=0.0,
        at_most=1e7,
        short="resistance",
        unit="Ω cm²",
        of_one_sample=True,
    ),
    Condition(
        "sigma_S_per_cm",
        _NUMBER,
        "Ionic conductivity measured on the sample near 25 C.",
        above=0.0,
        at_most=100.0,
        short="sigma",
        unit="S/cm",
        of_one_sample=True,
    ),
    Condition(
        "electrolyte_class",
        _TEXT,
        "Class for the critical current density if the formula misleads.",
        short="class",
        words=_classes,
        of_one_sample=True,
    ),
)
WITHOUT_EFFECT = ("areal_capacity_mAh_cm2", "thickness_um")
"""Conditions that are taken and said to change nothing: the reports vary too little in them."""

CURRENT = Quantity(
    "log10_ccd",
    "mA_per_cm2",
    label="critical current density",
    unit="mA/cm2",
    higher_is_better=True,
    lowest=1e-6,
    highest=1e6,
    aliases=("ccd", "critical_current", "log10_ccd"),
    is_log10=True,
    units=(("mA/cm2", 1.0), ("uA/cm2", 1e-3), ("A/cm2", 1e3)),
    conditions=tuple(one.name for one in CONDITIONS if one.name not in WITHOUT_EFFECT),
    role=CellRole.CRITICAL_CURRENT,
    rises_with=TEMPERATURE.name,
    shares_error="critical current densities of one candidate under several conditions share one error",
)
