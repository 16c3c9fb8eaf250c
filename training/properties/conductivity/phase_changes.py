"""Known melting and phase changes, which the Arrhenius law does not see: a small embedded table, a source per row.

It holds what is well known of single compositions and claims no completeness: no entry means "not known here".
Polymorphs that are quenched or stabilised by doping need not change where the pure compound does.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from features.similarity import half_l1

Array = NDArray[np.float64]

TABLE_PATH = Path(__file__).with_name("phase_changes.csv")
SAME_COMPOSITION = 0.002
"""Half-L1 distance below which a candidate is the compound of the table; Li6.99La3Zr2O12 is, a doped one is not."""


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """One row of the table; `source` is a DOI or a reference."""

    formula: str
    temperature_C: float
    kind: str
    source: str


@cache
def phase_changes() -> tuple[PhaseChange, ...]:
    """Return the table."""
    with TABLE_PATH.open(encoding="utf-8", newline="") as handle:
        return tuple(
            PhaseChange(row["formula"], float(row["temperature_C"]), row["kind"], row["source"])
            for row in csv.DictReader(handle)
        )


@cache
def _compositions() -> Array:
    return MaterialBatch.from_formulas([change.formula for change in phase_changes()]).matrix()


def crossed(composition: Array, temperature_C: Array) -> list[list[PhaseChange]]:
    """Return, per row, the known changes that lie between 25 C and its temperature, both ends included.

    Parameters
    ----------
    composition
        Shape (n, 103), atomic fractions.
    temperature_C
        Shape (n,), degrees Celsius.
    """
    out: list[list[PhaseChange]] = [[] for _ in temperature_C]
    moved = np.flatnonzero(temperature_C != ROOM_TEMPERATURE_C)
    if not len(moved):
        return out
    at = np.array([change.temperature_C for change in phase_changes()])
    asked = temperature_C[moved, None]
    between = (np.minimum(asked, ROOM_TEMPERATURE_C) <= at) & (at <= np.maximum(asked, ROOM_TEMPERATURE_C))
    same = half_l1(composition[moved], _compositions()) < SAME_COMPOSITION
    for row, change in np.argwhere(between & same):
        out[moved[row]].append(phase_changes()[change])
    return out
