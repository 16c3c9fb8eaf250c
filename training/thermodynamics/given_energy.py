"""What follows for one composition from a formation energy that neither the table nor a model of formulas gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics.hull import equilibria
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.reactions import Reaction, decompositions, layout, require_covered, shown_reaction
from training.thermodynamics.window import window_draws
from training.uncertainty import Interval

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GivenEnergy:
    """Stability of one composition with an energy of its own; intervals of shape (1,).

    Attributes
    ----------
    formation, decomposition, above_hull
        In eV/atom. Decomposition is against all other compositions, as in the table; above the hull it is cut at 0.
    lower_limit_V, upper_limit_V
        Against Li/Li+ at the value and either end of the energy, NaN without lithium.
    reaction
        Into what competes.
    listed_eV_per_atom
        The formation energy by which the table lists the composition, None where it does not.
    """

    formation: Interval
    decomposition: Interval
    above_hull: Interval
    lower_limit_V: Interval
    upper_limit_V: Interval
    reaction: Reaction
    listed_eV_per_atom: float | None


def judge_energy(table: PhaseTable, amounts: Mapping[str, float], formation: Interval) -> GivenEnergy:
    """Place an energy on the hull.

    Parameters
    ----------
    table
        The phases; the one of this composition, if there is one, does not compete.
    amounts
        Element symbol to amount.
    formation
        Formation energy on the scale of the table in eV/atom, each part of shape (1,).

    Raises
    ------
    CandidateError
        `element_without_energies` where the table does not cover an element.
    """
    require_covered(table, amounts)
    atomic_number, fraction = layout([amounts])
    own = rows_of_compositions(table, atomic_number, fraction)
    competing = equilibria(table, atomic_number, fraction, excluded=own)
    decomposition = Interval(*(part - competing.energy_eV_per_atom for part in formation))
    reduction, oxidation = window_draws(table, atomic_number, fraction, own_energy_eV_per_atom=np.stack(formation))
    reaction, _ = shown_reaction(decompositions(table, [amounts], competing, formation.value)[0])
    return GivenEnergy(
        formation=formation,
        decomposition=decomposition,
        above_hull=Interval(*(np.maximum(part, 0.0) for part in decomposition)),
        lower_limit_V=_spanned(reduction),
        upper_limit_V=_spanned(oxidation),
        reaction=reaction,
        listed_eV_per_atom=float(table.energy_eV_per_atom[own[0]]) if own[0] >= 0 else None,
    )


def _spanned(limits: Array) -> Interval:
    """Return limits at value, lower and upper energy, shape (3, 1), as an interval around the first."""
    return Interval(limits[0], limits.min(axis=0), limits.max(axis=0))
