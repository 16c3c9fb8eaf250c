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
    site = sites_of(sites.positions[rows], orthogonal)
    alone = np.bincount(site, minlength=len(rows))[site] == 1
    held_alone = rows[alone]
    total = float((multiplicities[held_alone] * _of_one_ion(sites.occupancies[held_alone])).sum())
    for shared in np.unique(site[~alone]).tolist():
        held = rows[site == shared]
        shares: dict[str, float] = {}
        for row in held.tolist():
            shares[sites.symbols[row]] = shares.get(sites.symbols[row], 0.0) + float(sites.occupancies[row])
        occupied = sum(shares.values())
        vacant = max(1.0 - occupied, 0.0)
        parts = [*shares.values(), vacant] if vacant > FULL else [share / occupied for share in shares.values()]
        total -= float(multiplicities[held].max()) * sum(x * np.log(x) for x in parts if x > 0)
    return float(total)  # JSON writers take no number of numpy's


def _of_one_ion(occupancies: Array) -> Array:
    """Return the entropy of sites that one ion holds in part."""
    held = np.minimum(occupancies, 1.0)
    is_partial = 1.0 - held > FULL
    filled = np.where(is_partial & (held > 0), held, 1.0)
    vacant = np.where(is_partial & (held > 0), 1.0 - held, 1.0)
    mixed: Array = -(filled * np.log(filled) + vacant * np.log(vacant))
    return mixed


def sites_of(positions: Array, orthogonal: Array) -> NDArray[np.int64]:
    """Return for each row the first row of its site, shape (m,); a tree, as a file may list thousands."""
    from scipy.spatial import cKDTree  # takes a tenth of a second to import

    wrapped = positions - np.floor(positions)
    wrapped[wrapped >= 1.0] = 0.0
    reach = min(ONE_SITE_A * float(np.linalg.norm(np.linalg.inv(orthogonal), 2)), 0.49)
    first, second = cKDTree(wrapped, boxsize=1.0).query_pairs(reach, output_type="ndarray").T
    shift = wrapped[first] - wrapped[second]
    near = np.linalg.norm((shift - np.rint(shift)) @ orthogonal.T, axis=1) < ONE_SITE_A
    site = np.arange(len(positions))
    np.minimum.at(site, second[near], first[near])
    return site
