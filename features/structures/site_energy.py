"""Bond-valence site energy of a lithium ion on a grid of the cell, and the room that it has there.

Anions bind by a Morse potential, cations repel by a screened Coulomb potential, each weighted with its occupancy; the
crystal's own lithium is taken out. Adams and Rao, Phys. Status Solidi A 208, 1746 (2011), doi 10.1002/pssa.201001116;
Chen, Wong and Adams, Acta Cryst. B75, 18 (2019), doi 10.1107/S2052520618015718.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, RowErrorCode
from features.structures.charges import formal_charges
from features.structures.electrostatics import COULOMB_eV_A
from features.structures.expansion import OccupiedPositions
from features.structures.softbv import Ion, ion, lithium

Array = NDArray[np.float64]

STEP_A = 0.25
_MOST_VOXELS = 250_000
_COARSEST_STEP_A = 0.5
_MOST_POSITIONS = 2_000
_CUTOFF_A = 7.0
_TABLE_STEP_A = 0.01
_SCREENING = 0.74  # of the sum of covalent radii: softBV's f
_HIGHEST_eV = 1e3
_BLOCKS = 0.1  # framework occupancy from which a position is in lithium's way
_SHARE_SEEN = 1e-6


@dataclass(frozen=True, eq=False)
class SiteEnergy:
    """What a lithium ion meets in one primitive cell.

    Attributes
    ----------
    lattice_A
        Vectors as rows, shape (3, 3).
    energy_eV
        At fractions i / n of the vectors, shape (n1, n2, n3).
    free_radius_A
        Of the largest sphere there that touches no ion of the framework, of the same shape; negative inside an ion.
    """

    lattice_A: Array
    energy_eV: Array
    free_radius_A: Array


def site_energy(positions: OccupiedPositions, step_A: float = STEP_A) -> SiteEnergy:
    """Return the site energy of lithium in a crystal, disordered or not.

    Parameters
    ----------
    positions
        Of its primitive cell.
    step_A
        Between grid points; wider where the cell would hold more than 250,000 of them.

    Raises
    ------
    CandidateError
        `no_bond_valence` where no anion of the crystal, or not every one, has parameters with lithium;
        `cell_too_large` beyond 2,000 positions or where the grid would be wider than 0.5 A.
    """
    from features.structures.flooding import spread, weighted_table  # compiles

    framework = _framework(positions)
    lattice_A = positions.lattice_A
    step_A = max(step_A, (abs(float(np.linalg.det(lattice_A))) / _MOST_VOXELS) ** (1 / 3))
    n = len(framework.fractional)
    if step_A > _COARSEST_STEP_A or n > _MOST_POSITIONS:
        message = f"{n} positions in a primitive cell of {abs(np.linalg.det(lattice_A)):.0f} cubic angstrom"
        raise CandidateError(RowErrorCode.CELL_TOO_LARGE, f"{message}; at most {_MOST_POSITIONS} are mapped")
    shape = np.maximum(np.rint(np.linalg.norm(lattice_A, axis=1) / step_A), 4).astype(np.int64)
    energy_eV, free_radius_A = np.zeros(shape), np.full(shape, _CUTOFF_A)
    reach = np.ceil(_CUTOFF_A * np.linalg.norm(np.linalg.inv(lattice_A), axis=0) * shape).astype(np.int64)
    limits, steps = np.array([_CUTOFF_A, _TABLE_STEP_A]), lattice_A / shape[:, None]
    table = np.empty(framework.tables_eV.shape[1])
    for centre, held, radius_A in zip(
        framework.fractional * shape, framework.occupancies, framework.radii_A, strict=True
    ):
        weighted_table(held, framework.tables_eV, table)
        spread(centre, radius_A, table, steps, reach, limits, energy_eV, free_radius_A)
    return SiteEnergy(lattice_A, np.minimum(energy_eV, _HIGHEST_eV), free_radius_A)


@dataclass(frozen=True, eq=False)
class _Framework:
    """The ions besides lithium: e elements on n positions, with a table of each element's energy over distance."""

    fractional: Array
    occupancies: Array
    radii_A: Array
    tables_eV: Array


def _framework(positions: OccupiedPositions) -> _Framework:
    others = [i for i, symbol in enumerate(positions.symbols) if symbol != "Li"]
    held = positions.occupancies[:, others]
    there = np.flatnonzero(held.sum(axis=1) > _SHARE_SEEN)
    held = np.ascontiguousarray(held[there])
    symbols = tuple(positions.symbols[i] for i in others)
    charges = formal_charges({one: amount for one, amount in positions.amounts.items() if amount > 0}).chosen
    distance_A = np.arange(0.0, _CUTOFF_A + 2 * _TABLE_STEP_A, _TABLE_STEP_A)
    tables_eV = np.array([_energy_eV(distance_A, _ion(one, charges[one])) for one in symbols])
    if not any(charges[one] < 0 for one in symbols):
        raise _without_parameters("the crystal holds no anion that binds lithium")
    radii = element_table()
    own_A = np.array(
        [radii["anion_radius_A" if charges[one] < 0 else "cation_radius_A"][ATOMIC_NUMBER[one] - 1] for one in symbols]
    )
    total = held.sum(axis=1)
    radii_A = np.where(total >= _BLOCKS, held @ own_A / total, -np.inf)
    return _Framework(np.ascontiguousarray(positions.fractional[there]), held, radii_A, tables_eV)


def _ion(symbol: str, charge: float) -> Ion | None:
    """Return an ion; None for one without charge."""
    found = ion(symbol, charge) if charge else None
    if charge and (found is None or (charge < 0 and not found.binds_lithium)):
        raise _without_parameters(f"softBV has no parameters of lithium with {symbol} of charge {charge:+.3g}")
    return found


def _without_parameters(reason: str) -> CandidateError:
    return CandidateError(RowErrorCode.NO_BOND_VALENCE, f"{reason}; expected N, O, F, S, Cl, Se, Br, Te or I as anions")


def _energy_eV(distance_A: Array, other: Ion | None) -> Array:
    """Return the energy of a lithium ion beside another ion; half of the Morse energy counts, as in bvlain."""
    from scipy.special import erfc

    if other is None:
        return np.zeros_like(distance_A)
    if other.binds_lithium:
        stretched = np.exp(other.alpha_per_A * (other.r_min_A - distance_A)) - 1.0
        morse: Array = 0.5 * other.d0_eV * (stretched**2 - 1.0)
        return morse
    own = lithium()
    screening_A = _SCREENING * (own.covalent_radius_A + other.covalent_radius_A)
    quantum = np.sqrt(own.principal_quantum_number * other.principal_quantum_number)
    at_A = np.maximum(distance_A, _TABLE_STEP_A)
    coulomb: Array = COULOMB_eV_A * own.charge * other.charge / quantum / at_A * erfc(at_A / screening_A)
    return coulomb
