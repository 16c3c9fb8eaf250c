"""How much disorder a crystal structure states: the ideal entropy of mixing on partly and mixed occupied sites."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.cif_sites import Sites

Array = NDArray[np.float64]
ONE_SITE_A = 0.1
FULL = 0.01
"""Occupancies that add up to 1 within this fill a site: three thirds written 0.333."""


def mixing_entropy_k(sites: Sites, multiplicities: Array, orthogonal: Array) -> float:
    """Return the ideal entropy of mixing of a unit cell in units of Boltzmann's constant.

    S / k = - sum over sites of (sum over their ions of x ln x, and of the vacancies), x the occupancies: every site is
    filled by chance, whatever its neighbours hold. That is the most that the stated occupancies allow. Rows within
    0.1 angstrom of each other are one site; positions split farther apart count as sites of their own.

    Parameters
    ----------
    sites
        Of the CIF, m rows.
    multiplicities
        Atoms in the cell of each row if it were full, 0 for a row that repeats another, shape (m,).
    orthogonal
        Matrix that turns fractional into Cartesian coordinates in angstrom, shape (3, 3).
    """
    rows = np.flatnonzero(multiplicities > 0)
    shift = sites.positions[rows, None] - sites.positions[None, rows]
    together = np.linalg.norm((shift - np.rint(shift)) @ orthogonal.T, axis=2) < ONE_SITE_A
    first = together.argmax(axis=1)  # the first row of each site names it
    total = 0.0
    for site in np.unique(first).tolist():
        held = rows[first == site]
        shares: dict[str, float] = {}
        for row in held.tolist():
            shares[sites.symbols[row]] = shares.get(sites.symbols[row], 0.0) + float(sites.occupancies[row])
        occupied = sum(shares.values())
        vacant = max(1.0 - occupied, 0.0)
        parts = [*shares.values(), vacant] if vacant > FULL else [share / occupied for share in shares.values()]
        total -= float(multiplicities[held].max()) * sum(x * np.log(x) for x in parts if x > 0)
    return total
