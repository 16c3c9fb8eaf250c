"""The conductivity of a dry polymer electrolyte and its apparent activation energy as quantities."""

from __future__ import annotations

from training.properties.conditions import TEMPERATURE
from training.properties.contract import CellRole, Quantity

NAME = "polymer"
LOWEST_C, HIGHEST_C = -40.0, 200.0
"""Temperatures that are answered; the table reaches from -30 to 190 C."""
SIGMA = Quantity(
    "log10_polymer_sigma",
    "S_per_cm",
    label="polymer conductivity",
    unit="S/cm",
    higher_is_better=True,
    lowest=1e-30,
    highest=1e3,
    aliases=("polymer_sigma", "polymer_conductivity", "log10_polymer_sigma"),
    is_log10=True,
    units=(("S/cm", 1.0), ("mS/cm", 1e-3), ("uS/cm", 1e-6)),
    conditions=(TEMPERATURE.name,),
    role=CellRole.ION_CONDUCTION,
    rises_with=TEMPERATURE.name,
    shares_error="conductivities of one polymer electrolyte at several temperatures share one error",
    caveat="Thermal history, crystals and the end groups of short chains decide a factor of three",
)
ACTIVATION_ENERGY = Quantity(
    "polymer_activation_energy",
    "eV",
    label="apparent activation energy",
    unit="eV",
    higher_is_better=False,
    lowest=0.0,
    highest=10.0,
    aliases=("polymer_activation_energy", "polymer_ea"),
    units=(("eV", 1.0), ("meV", 1e-3)),
    conditions=(TEMPERATURE.name,),
    has_interval=False,
)
QUANTITIES = (SIGMA, ACTIVATION_ENERGY)
