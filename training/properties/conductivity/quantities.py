"""The ionic conductivity and its activation energy as quantities."""

from __future__ import annotations

from training.properties.conditions import TEMPERATURE
from training.properties.contract import CellRole, Quantity

NAME = "conductivity"
SIGMA = Quantity(
    "log10_sigma",
    "S_per_cm",
    label="conductivity",
    unit="S/cm",
    higher_is_better=True,
    lowest=1e-30,
    highest=1e3,
    aliases=("sigma", "conductivity", "log10_sigma"),
    is_log10=True,
    units=(("S/cm", 1.0), ("mS/cm", 1e-3), ("uS/cm", 1e-6)),
    conditions=(TEMPERATURE.name,),
    role=CellRole.ION_CONDUCTION,
    rises_with=TEMPERATURE.name,
    shares_error="conductivities of one candidate at several temperatures share one error",
)
ACTIVATION_ENERGY = Quantity(
    "activation_energy",
    "eV",
    label="activation energy",
    unit="eV",
    higher_is_better=False,
    lowest=0.0,
    highest=10.0,
    aliases=("activation_energy", "ea"),
    units=(("eV", 1.0), ("meV", 1e-3)),
)
