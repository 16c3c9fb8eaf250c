"""Ionic conductivity: what it says, on what it depends, and where its parts are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.properties.conditions import TEMPERATURE
from training.properties.contract import Column, Content, Property, Quantity

if TYPE_CHECKING:
    from training.bundle import Bundle
    from training.properties.conductivity.model import ConductivityModel

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


class Conductivity(Property):
    """Ionic conductivity at a temperature, with its activation energy."""

    name = "conductivity"
    label = "Ionic conductivity"
    quantities = (SIGMA, ACTIVATION_ENERGY)
    conditions = (TEMPERATURE,)
    columns = (
        Column("coverage", Content.NUMBER),
        Column(TEMPERATURE.name, Content.NUMBER),
        Column("in_domain", Content.FLAG),
        Column("distance", Content.NUMBER),
        Column("nearest_formula", Content.TEXT),
        Column("nearest_log10_sigma", Content.NUMBER),
        Column("nearest_doi", Content.TEXT),
    )

    def load(self, folder: Path, digest: str | None = None) -> tuple[ConductivityModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.conductivity.bundling import load_conductivity

        return load_conductivity(folder, digest)


CONDUCTIVITY = Conductivity()
