"""How many atoms of each site stand in the unit cell, and whether two stand in one place.

Occupancies of everything within 0.5 A of a place add up to 1 in a sound file, split lithium sites included. Where they
add up to more than 1.1, the same atom was written twice (a special position to two or three decimals, atoms on both
faces of a cell, all atoms of a cell beside its group), the group is not the one of the coordinates, or the sites are
wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.cif_sites import Sites
from features.cif_symmetry import Setting
from features.cif_text import unusable
from features.errors import Remark, WarningCode, shown

Array = NDArray[np.float64]

MOST_IN_ONE_PLACE = 1.1
_PLACE_A = 0.5
_SAME_PLACE_A = 0.02  # rounding of coordinates; real files split lithium over positions 0.04 A apart
_SAME_SITE_A = 0.6  # coarse rounding, where the file states the multiplicity that it gives
_DUPLICATE_A = 0.05
_SAME_OCCUPANCY = 0.05
_WIDER_A = (0.05, 0.1, 0.2, 0.3, 0.4, _PLACE_A)
_LET_GO = 1.5  # a refinement that adds up to more over split positions is refused
_MOST_PAIRS = 2_000_000
_HASHED = 2**20


class Placement(NamedTuple):
    """The atoms of a setting.

    Attributes
    ----------
    multiplicities
        Atoms in the unit cell of each site if it were full, shape (m,); 0 for a row that repeats another.
    soundness
        2 where no place is overfull, 1 where rows or images were merged, 0 where two atoms stand in one place.
    fault
        What is wrong in words, None where nothing is.
    remarks
        What was merged.
    """

    multiplicities: Array
    soundness: int
    fault: str | None
    remarks: tuple[Remark, ...]


class _Pairs(NamedTuple):
    """Atoms near sites: image by image, `other` lies within 0.5 A of `site`."""

    site: NDArray[np.int64]
    other: NDArray[np.int64]
    distance_A: Array


def place(sites: Sites, setting: Setting, orthogonal: Array) -> Placement:
    """Count the atoms of each site in the cell, merging what is written twice.

    Parameters
    ----------
    sites, setting
        Of the CIF.
    orthogonal
        Matrix that turns fractional into Cartesian coordinates in angstrom, shape (3, 3).
    """
    images = _images(sites, setting)
    multiplicities = _multiplicities(sites, setting, images, orthogonal)
    pairs = _near(sites.positions, images, orthogonal)
    if pairs is None:
        message = f"more sites in one place than can be told apart ({len(sites.labels)} in all)"
        return Placement(multiplicities, 0, message, ())
    n = len(setting.rotations)
    repeated, alike = _repeated_rows(sites, pairs, _sums(sites, multiplicities / n, pairs))
    multiplicities = np.where(repeated >= 0, 0.0, multiplicities)
    sums = _sums(sites, multiplicities / n, pairs)
    widened = _widen(sites, multiplicities, pairs, n) if (sums > MOST_IN_ONE_PLACE).any() else []
    sums = _sums(sites, multiplicities / n, pairs)
    remarks = [*_merged_remark(sites, repeated, widened)]
    soundness = 1 if remarks else 2
    if alike is not None:
        one, other = (f"'{shown(sites.labels[row])}'" for row in alike)
        message = f"{one} and {other} hold the same element with the same occupancy in one place; both are counted"
        remarks.append(Remark(WarningCode.SITE_OVERFULL, message))
    fault = None
    left = np.where(multiplicities > 0, sums, 0.0)
    if left.max() > MOST_IN_ONE_PLACE:
        worst = int(left.argmax())
        message, hopeless = _overfull(sites, worst, float(left[worst]), multiplicities, pairs)
        fault, soundness = (message, 0) if hopeless else (None, 1)
        remarks += [] if hopeless else [Remark(WarningCode.SITE_OVERFULL, message)]
    return Placement(multiplicities, soundness, fault, tuple(remarks))


def _images(sites: Sites, setting: Setting) -> Array:
    """Return all images of all sites, shape (m, n, 3)."""
    turned = sites.positions @ setting.rotations.reshape(-1, 3).T
    return turned.reshape(len(sites.positions), -1, 3) + setting.translations


def _lengths(difference: Array, orthogonal: Array) -> Array:
    """Return lengths of fractional differences, shape (k, 3), to the nearest lattice point."""
    cartesian = (difference - np.rint(difference)) @ orthogonal.T
    lengths: Array = np.linalg.norm(cartesian, axis=1)
    return lengths


def _multiplicities(sites: Sites, setting: Setting, images: Array, orthogonal: Array) -> Array:
    """Count the different images of each site.

    Images in the very same place are one atom, and so are those that the rounding of the coordinates sets apart: a
    third written 0.33. Wider merging is believed only where the file states the multiplicity that it gives, since
    split lithium sites lie as close.
    """
    m, n, _ = images.shape
    shift = images - sites.positions[:, None, :]
    shift -= np.rint(shift)
    row, operator = np.nonzero(((shift @ orthogonal.T) ** 2).sum(axis=-1) < _SAME_SITE_A**2)
    shift = shift[row, operator]
    distance_A = _lengths(shift, orthogonal)

    def count(chosen: NDArray[np.bool_]) -> Array:
        return np.bincount(row[chosen], minlength=m).astype(np.float64)

    same = distance_A < _SAME_PLACE_A
    most = n / count(same)
    reach = np.abs(setting.rotations - np.eye(3)).sum(axis=2) * 0.99 + 1e-9
    rounded = (np.abs(shift) <= reach[operator] * sites.resolutions[row, None]).all(axis=1) & (distance_A < _PLACE_A)
    rounded |= same
    counts = count(rounded)
    centres = np.stack([np.bincount(row, shift[:, k] * rounded, minlength=m) for k in range(3)], axis=1)
    fixed = (n % counts == 0) & (np.abs(centres / counts[:, None]).max(axis=1) <= sites.resolutions)
    multiplicities = np.where(fixed, n / counts, most)
    least = n / count(distance_A < _SAME_SITE_A)
    stated = (least <= sites.multiplicities) & (sites.multiplicities <= most)
    return np.where(stated, sites.multiplicities, multiplicities)


def _near(positions: Array, images: Array, orthogonal: Array) -> _Pairs | None:
    """Find the images within 0.5 A of each site on a grid of the cell; None where they are too many."""
    m, n, _ = images.shape
    spacings_A = 1.0 / np.linalg.norm(np.linalg.inv(orthogonal), axis=1)
    grid = np.clip(spacings_A // _PLACE_A, 1, 2**20).astype(np.int64)

    def keys_of(cells: NDArray[np.int64]) -> NDArray[np.int64]:
        inside = cells % grid
        keys: NDArray[np.int64] = (inside[..., 0] * grid[1] + inside[..., 1]) * grid[2] + inside[..., 2]
        return keys

    def cells_of(places: Array) -> NDArray[np.int64]:
        cells: NDArray[np.int64] = np.floor((places - np.floor(places)) * grid).astype(np.int64)
        return cells

    around = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    near_keys = keys_of(cells_of(positions)[:, None, :] + around).ravel()
    owners = np.repeat(np.arange(m), len(around))
    order = np.lexsort((owners, near_keys))
    near_keys, owners = near_keys[order], owners[order]
    first = np.ones(len(near_keys), dtype=bool)
    first[1:] = (near_keys[1:] != near_keys[:-1]) | (owners[1:] != owners[:-1])  # cells narrower than three steps
    near_keys, owners = near_keys[first], owners[first]

    occupied = np.zeros(_HASHED, dtype=bool)
    occupied[near_keys % _HASHED] = True
    image_keys = keys_of(cells_of(images)).ravel()
    candidates = np.flatnonzero(occupied[image_keys % _HASHED])
    start = np.searchsorted(near_keys, image_keys[candidates], side="left")
    counts = np.searchsorted(near_keys, image_keys[candidates], side="right") - start
    if counts.sum() > _MOST_PAIRS:
        return None
    image = np.repeat(candidates, counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    site = owners[np.repeat(start, counts) + within]
    distance_A = _lengths(images.reshape(-1, 3)[image] - positions[site], orthogonal)
    close = distance_A < _PLACE_A
    return _Pairs(site[close], image[close] // n, distance_A[close])


def _sums(sites: Sites, shares: Array, pairs: _Pairs) -> Array:
    """Add up the occupancies around each site; of `n` images of a special position each counts its share."""
    weights = (sites.occupancies * shares)[pairs.other]
    sums: Array = np.bincount(pairs.site, weights, minlength=len(sites.labels)).astype(np.float64)
    return sums - 1e-6


def _repeated_rows(sites: Sites, pairs: _Pairs, sums: Array) -> tuple[NDArray[np.int64], tuple[int, int] | None]:
    """Find rows that say the same.

    Returns
    -------
    repeats
        The row that each row repeats, -1 for those that repeat none, shape (m,).
    alike
        Two rows that differ in nothing but their labels and fill one place together: two disordered parts that share
        an atom, or one atom twice.
    """
    repeats = np.full(len(sites.labels), -1)
    later = pairs.site < pairs.other
    kinds = np.unique(sites.kinds, return_inverse=True)[1]
    symbols = np.unique(sites.symbols, return_inverse=True)[1]
    labels = np.unique(sites.labels, return_inverse=True)[1]
    i, j, distance_A = pairs.site[later], pairs.other[later], pairs.distance_A[later]
    occupancies = sites.occupancies
    alike = (symbols[i] == symbols[j]) & (np.abs(occupancies[i] - occupancies[j]) <= _SAME_OCCUPANCY)
    full = (sums[i] > MOST_IN_ONE_PLACE) & (sums[j] > MOST_IN_ONE_PLACE)
    full &= (occupancies[i] + occupancies[j] > MOST_IN_ONE_PLACE) | (distance_A <= _DUPLICATE_A)
    elsewhere = np.abs(sites.positions[i] - sites.positions[j]).max(axis=1, initial=0.0) > 1e-6
    twice = (distance_A < _SAME_PLACE_A) & (kinds[i] == kinds[j]) & (occupancies[i] == occupancies[j])
    undecided = np.flatnonzero(twice & alike & ~full & ~elsewhere & (labels[i] != labels[j]))
    twice &= elsewhere | (labels[i] == labels[j])
    m = len(sites.labels)
    for code in np.unique((j * m + i)[alike & (full | twice)]).tolist():
        row, earlier = divmod(code, m)
        if repeats[row] < 0 and repeats[earlier] < 0:
            repeats[row] = earlier
    return repeats, (int(i[undecided[0]]), int(j[undecided[0]])) if len(undecided) else None


def _widen(sites: Sites, multiplicities: Array, pairs: _Pairs, n: int) -> list[int]:
    """Merge the images of a site that overfill its own place, from the nearest on; return the rows that changed.

    Images that the file itself counts, by the multiplicity that it states, are left alone.
    """
    own = np.flatnonzero(pairs.site == pairs.other)
    own = own[np.argsort(pairs.site[own], kind="stable")]
    site, distance_A = pairs.site[own], pairs.distance_A[own]
    sums = _sums(sites, multiplicities / n, _Pairs(site, site, distance_A))
    widened = []
    confirmed = sites.multiplicities == multiplicities
    for row in np.flatnonzero((sums > MOST_IN_ONE_PLACE) & (multiplicities > 0) & ~confirmed).tolist():
        around_A = distance_A[slice(*np.searchsorted(site, (row, row + 1)))]
        for reach_A in _WIDER_A:
            merged = int((around_A <= reach_A).sum())
            if n % merged == 0 and sites.occupancies[row] * len(around_A) / merged <= MOST_IN_ONE_PLACE:
                multiplicities[row] = n / merged
                widened.append(row)
                break
    return widened


def _merged_remark(sites: Sites, repeated: NDArray[np.int64], widened: list[int]) -> list[Remark]:
    parts = []
    rows = np.flatnonzero(repeated >= 0)
    if len(rows):
        one, other = sites.labels[rows[0]], sites.labels[repeated[rows[0]]]
        parts.append(
            f"{len(rows)} of {len(sites.labels)} sites repeat another and are left out"
            f" ('{shown(one)}' is where '{shown(other)}' is)"
        )
    if widened:
        names = ", ".join(f"'{shown(sites.labels[row])}'" for row in widened[:3])
        parts.append(f"images of {names}{' and others' if len(widened) > 3 else ''} less than 0.5 A apart are one atom")
    return [Remark(WarningCode.SITES_MERGED, "; ".join(parts))] if parts else []


def _overfull(sites: Sites, row: int, total: float, multiplicities: Array, pairs: _Pairs) -> tuple[str, bool]:
    """Name the sites of an overfull place; also whether it cannot be let go."""
    here = (pairs.site == row) & (multiplicities[pairs.other] > 0)
    others = np.unique(pairs.other[here])
    names = ", ".join(f"'{shown(sites.labels[i])}' ({sites.symbols[i]} {sites.occupancies[i]:.3g})" for i in others[:4])
    x, y, z = sites.positions[row]
    message = f"occupancies add up to {total:.2f} at {x:.4g} {y:.4g} {z:.4g}: {names}; expected at most 1 within 0.5 A"
    spread_A = pairs.distance_A[here].max()
    total = max(total, float(sites.occupancies[others].sum()))
    return message, len(others) > 1 and (total > _LET_GO or spread_A < _DUPLICATE_A)


def refuse(fault: str) -> None:
    """Refuse a structure in which two atoms stand in one place.

    Raises
    ------
    CandidateError
        Always.
    """
    raise unusable(f"two atoms stand in one place: {fault}; check the sites, the space group and its origin")
