"""Is an observation of stability a likely one? Compared with calculated energies, published windows and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING

from training.measurements.columns import DOI, FORMULA
from training.measurements.problems import Code
from training.properties.stability.literature import scored_papers, windows_by_composition
from training.sources import MissingSourceError, locate, places
from training.splits import composition_key, paper_keys

if TYPE_CHECKING:
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

ENERGY_TOLERANCE_eV = 0.2
"""Calculated energies miss measured ones by 0.1 eV/atom in the mean (Kirklin et al., doi 10.1038/npjcompumats.2015.10);
twice that is odd."""
HIGHEST_USUAL_ABOVE_HULL_eV = 0.5
LIMIT_TOLERANCE_V = 0.5
HIGHEST_USUAL_OXIDATION_V = 6.0
_FORMATION_ENERGY, _ABOVE_HULL = "formation_energy_eV_per_atom", "energy_above_hull_eV_per_atom"
_LIMITS = ("reduction_V", "oxidation_V")


def suspect_stability(rows: Sequence[Row], held: Sequence[Entry]) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with."""
    lacking = ""
    energies: dict[str, float] = {}
    if any(_FORMATION_ENERGY in row.content for row in rows):
        try:
            energies = reference_energies(places())
        except MissingSourceError:
            lacking = "the public energies are not here (`elyte data fetch`); formation energies were not compared"
    seen = _observations(held)
    for row in rows:
        key = composition_key(str(row.content[FORMULA]))
        if paper_keys(str(row.content.get(DOI, ""))) & scored_papers():
            why = "this paper is known already (the published windows); is the observation new?"
            row.suspect(Code.PAPER_ALREADY_KNOWN, DOI, why)
        _suspect_energies(row, energies.get(key))
        _suspect_window(row, key)
        _suspect_observation(row, key, seen)
    return lacking


def _suspect_energies(row: Row, reference: float | None) -> None:
    found = row.content.get(_FORMATION_ENERGY)
    if found is not None and reference is not None and abs(float(found) - reference) > ENERGY_TOLERANCE_eV:
        why = f"{abs(float(found) - reference):.2f} eV/atom from the calculated {reference:.3f}; is the unit eV/atom?"
        row.suspect(Code.DEVIATES_FROM_KNOWN, _FORMATION_ENERGY, why)
    above = row.content.get(_ABOVE_HULL)
    if above is not None and float(above) > HIGHEST_USUAL_ABOVE_HULL_eV:
        why = f"above {HIGHEST_USUAL_ABOVE_HULL_eV:g} eV/atom nothing can be made; was meV given as eV?"
        row.suspect(Code.UNUSUAL_VALUE, _ABOVE_HULL, why)


def _suspect_window(row: Row, key: str) -> None:
    oxidation = row.content.get("oxidation_V")
    if oxidation is not None and float(oxidation) > HIGHEST_USUAL_OXIDATION_V:
        why = f"above {HIGHEST_USUAL_OXIDATION_V:g} V, which even fluorides hardly reach"
        row.suspect(Code.FAR_ABOVE_KNOWN, "oxidation_V", why)
    for column in _LIMITS:
        limits = [getattr(window, column) for window in windows_by_composition().get(key, ())]
        known = [limit for limit in limits if not isnan(limit)]
        found = row.content.get(column)
        if found is None or not known:
            continue
        nearest = min(known, key=lambda limit: abs(limit - float(found)))
        if abs(nearest - float(found)) > LIMIT_TOLERANCE_V:
            why = f"{abs(nearest - float(found)):.2f} V from the nearest published limit, {nearest:g} V"
            row.suspect(Code.DEVIATES_FROM_KNOWN, column, why)
        elif abs(nearest - float(found)) < 1e-9:
            row.suspect(Code.REPEATS_KNOWN, column, f"exactly the published {nearest:g} V; is it a new measurement?")


def _observations(held: Sequence[Entry]) -> dict[tuple[str, str], tuple[str, int]]:
    seen: dict[tuple[str, str], tuple[str, int]] = {}
    for entry in held:
        content = entry.content or {}
        if "observation" in content:
            key = (composition_key(str(content[FORMULA])), str(content.get("against", "")).lower())
            seen[key] = (str(content["observation"]), entry.entry)
    return seen


def _suspect_observation(row: Row, key: str, seen: dict[tuple[str, str], tuple[str, int]]) -> None:
    found = row.content.get("observation")
    known = seen.get((key, str(row.content.get("against", "")).lower()))
    if found is None or known is None:
        return
    if known[0] != found:
        row.suspect(Code.DEVIATES_FROM_KNOWN, "observation", f"entry {known[1]} of the ledger says '{known[0]}'")


@lru_cache(maxsize=1)
def reference_energies(_places: tuple[str, str]) -> dict[str, float]:
    """Return calculated formation energies by composition; of several compounds the most stable one's."""
    from training.tables import read_csv_as_text

    lowest: dict[str, float] = {}
    for split in ("train", "val", "test"):
        table = read_csv_as_text(locate(f"critexam_ef_{split}"))
        for formula, energy in zip(table["formula"], table["target"].astype(float), strict=True):
            key = composition_key(formula)
            lowest[key] = min(energy, lowest.get(key, float("inf")))
    return lowest
