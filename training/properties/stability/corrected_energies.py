"""Energies of known compounds that are certainly wrong in the table, with what replaces them and why.

Off unless a row asks for `energies=corrected`: published scores and reference windows are those of the table. A
corrected compound stays above the hull of the others, so no hull, no window and no reaction of other materials moves;
what moves is its own formation energy and its distance to the hull. The answer says that a correction is known, whether
asked for or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.stability.checked_rows import CheckedTable
from training.properties.stability.table import compositions
from training.thermodynamics.hull import NO_PHASE
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

_KNOWN_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class CorrectedEnergy:
    """An energy that replaces the table's.

    Attributes
    ----------
    formula
        Of a compound that the table lists.
    formation_energy_eV_per_atom
        On the table's scale.
    half_width_eV_per_atom
        Error of the method within which 90 % of like compounds lay whose energies in the table are right.
    method, command
        How it was computed, and what computes it.
    reason
        Why the table is wrong.
    """

    formula: str
    formation_energy_eV_per_atom: float
    half_width_eV_per_atom: float
    method: str
    command: str
    reason: str

    def half_width(self, coverage: float) -> float:
        """Return the error in eV/atom within which that share lies; taken as normal, of which 90 % are known."""
        from statistics import NormalDist

        wanted, known = (NormalDist().inv_cdf((1.0 + share) / 2.0) for share in (coverage, _KNOWN_SHARE))
        return self.half_width_eV_per_atom * wanted / known


@cache
def corrected_energies() -> tuple[CorrectedEnergy, ...]:
    """Read the corrections; raises `TableError` where a cell breaks a rule."""
    return tuple(
        CorrectedEnergy(
            row.formula(),
            row.number("formation_energy_eV_per_atom", -10.0, 5.0),
            row.number("half_width_eV_per_atom", 0.0, 1.0),
            row.text("method"),
            row.text("command"),
            row.text("reason"),
        )
        for row in CheckedTable("corrected_energies.csv").rows()
    )


def corrections_of(phases: PhaseTable, own_phase: NDArray[np.int64]) -> dict[int, CorrectedEnergy]:
    """Return what is known of the energies of phases of a table, by place in `own_phase` (`NO_PHASE` for none)."""
    known = corrected_energies()
    batch = MaterialBatch.from_formulas([each.formula for each in known])
    of_phase = dict(zip(rows_of_compositions(phases, *compositions(batch)).tolist(), known, strict=True))
    of_phase.pop(NO_PHASE, None)
    return {place: of_phase[phase] for place, phase in enumerate(own_phase.tolist()) if phase in of_phase}
