"""Every position of a CIF's primitive cell, with what may stand there: the group's operators carried out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.cif import CifAtoms, read_atoms
from features.cif_mixing import FULL, sites_of
from features.cif_text import unusable
from features.errors import Remark, shown
from features.structures.lattices import primitive

Array = NDArray[np.float64]
_NO_ATOM_LOST = 1e-6
_WHOLE = 0.01


@dataclass(frozen=True, eq=False)
class OccupiedPositions:
    """The positions of one primitive cell.

    Attributes
    ----------
    lattice_A
        Reduced vectors as rows, shape (3, 3).
    conventional_A
        The vectors of the CIF's own cell, likewise.
    fractional
        From 0 to 1, shape (n, 3).
    symbols
        The elements of the crystal, e of them.
    occupancies
        Of each position by each element, shape (n, e).
    site
        Which positions are images of one site, shape (n,).
    mixing_entropy_kB
        Ideal, of this cell.
    remarks
        What was found while the CIF was read.
    """

    lattice_A: Array
    conventional_A: Array
    fractional: Array
    symbols: tuple[str, ...]
    occupancies: Array
    site: NDArray[np.int64]
    mixing_entropy_kB: float
    remarks: tuple[Remark, ...]

    @property
    def amounts(self) -> dict[str, float]:
        """Atoms of each element in the cell, weighted with occupancies."""
        return dict(zip(self.symbols, self.occupancies.sum(axis=0).tolist(), strict=True))

    @property
    def is_ordered(self) -> bool:
        """Whether one whole atom stands in every position."""
        return bool((self.occupancies.max(axis=1) >= 1.0 - FULL).all())


def occupied_positions(crystal: CifAtoms | str) -> OccupiedPositions:
    """Expand a CIF by symmetry.

    Parameters
    ----------
    crystal
        The text of a CIF, or what `features.cif.read_atoms` gives.

    Raises
    ------
    CandidateError
        As `features.cif.read_cif`; also where attached hydrogens have no places, or a site's multiplicity is none of
        its group.
    """
    atoms = read_atoms(crystal) if isinstance(crystal, str) else crystal
    sites, setting, multiplicities = atoms.sites, atoms.setting, atoms.placement.multiplicities
    if (sites.hydrogens * multiplicities).sum() > 0 and "H" in atoms.structure.amounts:
        raise unusable("attached hydrogens have no places of their own (_atom_site_attached_hydrogens)")
    rotations, translations, centring = _cosets(setting.rotations, setting.translations)
    conventional_A = atoms.orthogonal.T
    try:
        lattice_A = primitive(conventional_A, centring)
    except ValueError as error:
        raise unusable(str(error)) from error
    to_primitive = conventional_A @ np.linalg.inv(lattice_A)
    images = (sites.positions @ rotations.reshape(-1, 3).T).reshape(len(sites.labels), -1, 3) + translations
    symbols = tuple(sorted(set(sites.symbols)))
    places, occupancies, counts = [], [], []
    for rows in _rows_by_place(sites.positions, multiplicities, atoms.orthogonal):
        merged = len(rotations) * len(centring) / multiplicities[rows[0]]
        if abs(merged - round(merged)) > _WHOLE:
            label, stated = shown(sites.labels[rows[0]]), multiplicities[rows[0]]
            raise unusable(f"site '{label}' has {stated:g} images, which the group of the CIF cannot give")
        places.append(_distinct(images[rows[0]] @ to_primitive, round(merged), lattice_A))
        counts.append(len(places[-1]))
        held = np.zeros(len(symbols))
        np.add.at(held, [symbols.index(sites.symbols[row]) for row in rows], sites.occupancies[rows])
        occupancies.append(held / max(held.sum(), 1.0))
    entropy_kB = atoms.structure.site_entropy_k_per_atom * sum(atoms.structure.amounts.values()) / len(centring)
    return OccupiedPositions(
        lattice_A,
        conventional_A,
        np.concatenate(places),
        symbols,
        np.repeat(occupancies, counts, axis=0),
        np.repeat(np.arange(len(counts)), counts),
        entropy_kB,
        atoms.structure.remarks,
    )


def _cosets(rotations: Array, translations: Array) -> tuple[Array, Array, Array]:
    """Return one operator for each rotation, and the translations of the centred lattice."""
    keys = np.rint(rotations).astype(np.int64).reshape(-1, 9)
    first = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    centring = translations[(keys == np.eye(3, dtype=np.int64).ravel()).all(axis=1)]
    return rotations[first], translations[first], centring - np.floor(centring + _NO_ATOM_LOST)


def _rows_by_place(positions: Array, multiplicities: Array, orthogonal: Array) -> list[NDArray[np.int64]]:
    """Put rows together that describe what stands in one place."""
    rows = np.flatnonzero(multiplicities > 0)
    place = sites_of(positions[rows], orthogonal)
    keys = np.stack([place.astype(np.float64), multiplicities[rows]], axis=1)
    label = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return [rows[label == one] for one in range(int(label.max()) + 1)]


def _distinct(images: Array, merged: int, lattice_A: Array) -> Array:
    """Return the mean of each `merged` images that are one atom: the nearest to each other."""
    left = images - np.floor(images)
    places = []
    while len(left):
        shift = left - left[0]
        shift -= np.rint(shift)
        order = np.argsort(np.linalg.norm(shift @ lattice_A, axis=1).round(6), kind="stable")
        place = left[0] + shift[order[:merged]].mean(axis=0)
        places.append((place - np.floor(place + 1e-9)).clip(0.0))
        left = left[np.sort(order[merged:])]
    return np.array(places)
