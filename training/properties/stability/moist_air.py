"""Reactions of candidates with moist air, one after the other (about 1 ms each)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, element_table
from training.thermodynamics.hydrolysis import hydrolyse
from training.thermodynamics.moist_air import WATER
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import amounts_of_own

Array = NDArray[np.float64]
MMOL_PER_MOL = 1000.0


class Hydrolysed(NamedTuple):
    """n reactions, NaN for rows that were not asked; each of shape (n,)."""

    energy_eV_per_H2O: Array
    slope: Array
    h2s_mmol_per_g: Array


def hydrolysis_of(
    phases: PhaseTable, amounts: Sequence[Mapping[str, float]], energy_eV_per_atom: Array, rows: NDArray[np.int64]
) -> Hydrolysed:
    """Find the reactions of rows in air of 0.1 % water at 300 K, gases up to 1 ppm.

    Parameters
    ----------
    phases
        Formation energies.
    amounts
        Elements and amounts of n candidates.
    energy_eV_per_atom
        Their formation energies, NaN where the table knows them, shape (n,).
    rows
        Whom to ask.

    Returns
    -------
    Hydrolysed
        Free energy per water; by how much it changes with the formation energy per atom while the products stay; the
        hydrogen sulfide that the reaction gives off, 0 where the material withstands this air.
    """
    found = Hydrolysed(*(np.full(len(amounts), np.nan) for _ in range(3)))
    mass = element_table()["atomic_mass_g_per_mol"]
    for row in rows.tolist():
        energy = energy_eV_per_atom[row]
        said = hydrolyse(phases, amounts[row], energy_eV_per_atom=None if np.isnan(energy) else float(energy))
        own = next((amounts_of_own(name) for name in said.reaction.reactants if name != WATER), {})
        waters = said.reaction.reactants.get(WATER, 0.0)
        found.energy_eV_per_H2O[row] = said.energy_eV_per_H2O
        found.slope[row] = -sum(own.values()) / waters if waters > 0.0 else 0.0
        grams = sum(amount * mass[ATOMIC_NUMBER[symbol] - 1] for symbol, amount in own.items())
        gas = said.h2s_per_formula_unit if said.evolves_h2s else 0.0
        found.h2s_mmol_per_g[row] = MMOL_PER_MOL * gas / grams if grams > 0.0 else 0.0
    return found
