"""The room that lithium has to move in a crystal: bond-valence barriers, dimension and bottleneck.

A description of the structure, not a prediction: over the crystals of OBELiX the barrier in three dimensions follows
the measured conductivity at a rank correlation of -0.5, and adds nothing to a model that knows the composition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.cif import CifAtoms
from features.structures.expansion import OccupiedPositions, occupied_positions
from features.structures.percolation import percolation
from features.structures.site_energy import STEP_A, SiteEnergy, site_energy

Array = NDArray[np.float64]

WITHIN_REACH_eV = 0.2
"""Above the easiest path: a dimension that opens so soon counts as open."""
HIGHEST_BARRIER_eV = 8.0


@dataclass(frozen=True, eq=False)
class Pathways:
    """What bond valence says of lithium's ways through a crystal.

    Attributes
    ----------
    barriers_eV
        In one, two and three dimensions: from the lowest point of the component that percolates to its highest;
        infinite where it is above 8 eV, shape (3,).
    dimension
        Of the paths that open within 0.2 eV of the easiest one; 0 where none does.
    bottleneck_A
        Radius of the largest sphere that could travel in three dimensions between the ions of the framework, at their
        ionic radii; may be negative.
    landscape
        The energies that this comes from.
    positions
        Of the primitive cell.
    """

    barriers_eV: Array
    dimension: int
    bottleneck_A: float
    landscape: SiteEnergy
    positions: OccupiedPositions


def pathways(crystal_or_cif: CifAtoms | str, step_A: float = STEP_A) -> Pathways:
    """Describe how lithium could move through a crystal structure, disordered or not.

    Parameters
    ----------
    crystal_or_cif
        The text of a CIF, or what `features.cif.read_atoms` gives.
    step_A
        Between the points of the grid.

    Raises
    ------
    CandidateError
        `no_bond_valence` where softBV has no parameters for an anion, `cell_too_large`; those of
        `features.cif.read_cif` besides.
    """
    return describe(occupied_positions(crystal_or_cif), step_A)


def describe(positions: OccupiedPositions, step_A: float = STEP_A) -> Pathways:
    """Describe how lithium could move among positions that are known; see `pathways`."""
    landscape = site_energy(positions, step_A)
    lowest_eV = float(landscape.energy_eV.min())
    energies = percolation(landscape.energy_eV, lowest_eV + HIGHEST_BARRIER_eV)
    barriers_eV = np.where(np.isfinite(energies.levels), energies.levels - energies.lowest, np.inf)
    open_ = np.isfinite(barriers_eV) & (energies.levels <= energies.levels[0] + WITHIN_REACH_eV)
    radii = percolation(-landscape.free_radius_A)
    return Pathways(barriers_eV, int(open_.sum()), -float(radii.levels[2]), landscape, positions)
