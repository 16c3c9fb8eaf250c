"""Ionic conductivity: what it says, on what it depends, and where its parts are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.properties.conditions import TEMPERATURE
from training.properties.contract import DECIMALS, Column, Content, Property, Quantity, Query, Terminal, texts

if TYPE_CHECKING:
    from training.bundle import Bundle
    from training.properties.conductivity.judgement import ConductivityJudgement
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


_NUMBER, _TEXT = Content.NUMBER, Content.TEXT
COLUMNS = (
    Column(
        "coverage", _NUMBER, lambda said: said.block and said.block[SIGMA.name]["coverage"],
        lambda judged: np.full(len(judged), judged.query.coverage),
    ),
    Column(
        TEMPERATURE.name, _NUMBER, lambda said: said.block and said.block[TEMPERATURE.name],
        lambda judged: judged.temperature_C,
    ),
    Column(
        "in_domain", Content.FLAG, lambda said: said.domain.get("in_domain"), lambda judged: judged.in_domain
    ),
    Column(
        "distance", _NUMBER, lambda said: said.domain.get("distance"),
        lambda judged: judged.distance.round(DECIMALS),
    ),
    Column(
        "nearest_formula", _TEXT, lambda said: said.nearest.get("formula"),
        lambda judged: texts([known["formula"] for known in judged.first_nearest]),
    ),
    Column(
        "nearest_log10_sigma", _NUMBER, lambda said: said.nearest.get("value"),
        lambda judged: np.array([known["value"] for known in judged.first_nearest], dtype=float),
    ),
    Column(
        "nearest_doi", _TEXT, lambda said: said.nearest.get("doi"),
        lambda judged: texts([known["doi"] for known in judged.first_nearest]),
    ),
)  # fmt: skip


class Conductivity(Property):
    """Ionic conductivity at a temperature, with its activation energy."""

    name = "conductivity"
    label = "Ionic conductivity"
    quantities = (SIGMA, ACTIVATION_ENERGY)
    conditions = (TEMPERATURE,)

    def load(self, folder: Path, digest: str | None = None) -> tuple[ConductivityModel, Bundle]:
        """See `contract.Property.load`."""
        from training.properties.conductivity.bundling import load_conductivity

        return load_conductivity(folder, digest)

    def judge(self, model: ConductivityModel, query: Query) -> ConductivityJudgement:
        """See `contract.Property.judge`."""
        from training.properties import registry
        from training.properties.conductivity.judgement import ConductivityJudgement

        own = {condition.name for condition in self.conditions}
        return ConductivityJudgement(model, query, [name for name in registry.conditions() if name not in own])

    def columns(self) -> tuple[Column, ...]:
        """See `contract.Property.columns`."""
        return COLUMNS

    def terminal(self) -> Terminal:
        """See `contract.Property.terminal`."""
        from training.properties.conductivity.terminal import HEADER, row

        return Terminal(HEADER, row)

    def explained(self, block: Mapping[str, Any]) -> tuple[str, Mapping[str, float]]:
        """See `contract.Property.explained`."""
        from training.properties.conductivity.terminal import explained

        return explained(block)


CONDUCTIVITY = Conductivity()
