"""Is a measured conductivity of a polymer a likely one? Compared with what is known of the same electrolyte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import PolymerCandidate
from training.measurements.columns import Contents
from training.measurements.comparison import Others, ValueComparison, compare_with_known
from training.measurements.known import Known, fractions_of, papers_of
from training.measurements.materials import candidate_of
from training.measurements.problems import Code
from training.properties.polymer.tables import ROWS, conductivities_of, read_conductivity_rows
from training.sources import MissingSourceError, places

if TYPE_CHECKING:
    from training.measurements.columns import LedgerColumn
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

NOISE_DECADES = 0.5
"""One standard deviation between two papers on one electrolyte: 178 pairs differ by 0.56 decades on average, which is
1.13 standard deviations of a normal distribution."""
SAME_VALUE_DECADES = 0.001
SAME_AMOUNT = 0.05
"""Relative difference of molalities up to which two electrolytes are one."""
HIGHEST_USUAL_SIGMA = 0.02
"""S/cm: eight of 10,107 known points lie above, all of them at 125 C and more."""


@dataclass(frozen=True, kw_only=True)
class KnownElectrolytes(Known):
    """Measured electrolytes; the same ones have polymer and salt in common, and the molality within `SAME_AMOUNT`.

    Parameters
    ----------
    electrolyte
        Length n, polymer and salt by their keys.
    molality
        Shape (n,), mol/kg.
    """

    electrolyte: NDArray[np.str_]
    molality: NDArray[np.float64]

    def and_ledger(self, entries: Sequence[Entry], measured: str) -> KnownElectrolytes:
        """See `Known.and_ledger`."""
        both = Known.and_ledger(self, entries, measured)
        assert isinstance(both, KnownElectrolytes)
        mine = [_named(entry.content or {}) for entry in entries]
        electrolyte = np.array([*self.electrolyte, *(name for name, _ in mine)], dtype=np.str_)
        return replace(both, electrolyte=electrolyte, molality=np.r_[self.molality, [amount for _, amount in mine]])

    def neighbours(self, contents: Sequence[Contents]) -> list[list[int]]:
        """Return, per measurement, the known ones of the same electrolyte."""
        found = []
        for name, amount in map(_named, contents):
            near = np.abs(self.molality - amount) <= SAME_AMOUNT * np.maximum(self.molality, amount)
            found.append(np.flatnonzero((self.electrolyte == name) & near).tolist())
        return found


def suspect_conductivities(rows: Sequence[Row], held: Sequence[Entry], sigma: LedgerColumn) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with."""

    def suspect_row(row: Row) -> None:
        if float(row.content.get(sigma, 0.0)) > HIGHEST_USUAL_SIGMA:
            why = f"above {HIGHEST_USUAL_SIGMA:g} S/cm, far above dry polymers; was mS/cm given as S/cm, is it a gel?"
            row.suspect(Code.FAR_ABOVE_KNOWN, sigma, why)

    comparison = ValueComparison(
        sigma,
        NOISE_DECADES,
        SAME_VALUE_DECADES,
        unit_doubt="mS/cm given as S/cm, or the reverse?",
        has_upper_bounds=False,
        otherwise=lambda row, known, near, temperature_C: Others([], "", NOISE_DECADES),
    )
    return compare_with_known(rows, known_electrolytes(places()), held, comparison, suspect_row)


@lru_cache(maxsize=2)
def known_electrolytes(_places: tuple[str, str]) -> KnownElectrolytes:
    """Return the public table; without it nothing, and `lacking` says so."""
    import pandas as pd

    lacking = ""
    try:
        rows = read_conductivity_rows()
    except MissingSourceError:
        lacking = "the public table of polymers is not here (`elyte data fetch`): compared with the ledger alone"
        rows = pd.DataFrame(columns=list(ROWS))
    table, n = conductivities_of(rows), len(rows)
    return KnownElectrolytes(
        fractions_of([""] * n),
        table.log10_sigma,
        table.temperature_C,
        np.zeros(n, dtype=bool),
        tuple(f"public table {name}" for name in rows["row_id"]),
        ("",) * n,
        papers_of(rows, "row_id", "the public table of polymers"),
        lacking,
        electrolyte=np.char.add(np.char.add(table.batch.polymer_keys, "|"), table.batch.salt_keys),
        molality=table.batch.molality,
    )


def _named(content: Contents) -> tuple[str, float]:
    """Return polymer and salt by their keys, and the molality."""
    candidate = candidate_of(content)
    assert candidate is not None
    assert isinstance(candidate.other, PolymerCandidate)
    return f"{candidate.other.polymer_key}|{candidate.other.salt_key}", candidate.other.molality
