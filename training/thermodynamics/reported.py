"""What papers report of windows and layers, beside what is computed: facts with DOI, which never change an answer.

A practical window is no rival of the thermodynamic one. Cyclic voltammetry at a blocking electrode sees little current
and reads wide windows; an indirect window is that of the first step by which lithium leaves or enters the lattice
(Schwietert et al., Nat. Mater. 19, 428 (2020), doi 10.1038/s41563-019-0576-0). So each has its method with it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from features.formula import parse_formula
from features.names import all_names
from training.thermodynamics.partners import Partner, Role
from training.thermodynamics.reactions import reduced

LITHIUM = "lithium"


class PracticalWindow(NamedTuple):
    """A reported window: limits in V against Li/Li+, None where none was reported, by which method, and where."""

    low_V: float | None
    high_V: float | None
    method: str
    doi: str


class ReportedLayer(NamedTuple):
    """What layer was found, at which voltage of a charged cathode in V against Li/Li+, and where."""

    interphase: str
    voltage_V: float | None
    doi: str


def _rows(name: str) -> list[dict[str, str]]:
    with (files("training") / "thermodynamics" / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@cache
def _windows() -> Mapping[str, tuple[PracticalWindow, ...]]:
    found: dict[str, tuple[PracticalWindow, ...]] = {}
    for row in _rows("practical_windows.csv"):
        low, high = (float(row[key]) if row[key] else None for key in ("low_V", "high_V"))
        key, _ = reduced(parse_formula(row["formula"]))
        found[key] = (*found.get(key, ()), PracticalWindow(low, high, row["method"], row["doi"]))
    return found


@cache
def _layers() -> Mapping[tuple[str, str], ReportedLayer]:
    measured = (row for row in _rows("interphases.csv") if row["evidence"] != "computed")
    found: dict[tuple[str, str], ReportedLayer] = {}
    for row in measured:
        voltage = float(row["voltage_V"]) if row["voltage_V"] else None
        key, _ = reduced(parse_formula(row["formula"]))
        found[key, row["against"]] = ReportedLayer(row["interphase"], voltage, row["doi"])
    return found


def practical_windows(formula: str) -> tuple[PracticalWindow, ...]:
    """Return the windows that papers report of a composition, given as `reactions.reduced` writes it."""
    return _windows().get(formula, ())


def reported_layer(formula: str, partner: Partner) -> ReportedLayer | None:
    """Return what layer a paper found of a composition at lithium or a charged cathode; None where none is known.

    Parameters
    ----------
    formula
        As `reactions.reduced` writes it.
    partner
        From `partners.find_partners`. Layers at cathodes were found in cells that were charged, so they stand beside
        the charged composition, however it is called, and not beside the discharged one.
    """
    return next((found for name in _called(partner) if (found := _layers().get((formula, name)))), None)


def _called(partner: Partner) -> list[str]:
    """Return the names under which layers at a partner are listed."""
    if partner.role is Role.LITHIUM_METAL:
        return [LITHIUM]
    if partner.role is not Role.CHARGED_CATHODE:
        return []
    key, _ = reduced(parse_formula(partner.formula))
    cathodes = ((one.name, one.charged_formula) for one in all_names() if one.kind == "cathode")
    return [name for name, charged in cathodes if charged and reduced(parse_formula(charged))[0] == key]
