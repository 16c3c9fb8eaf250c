"""The unit cell of a candidate and what it says about the room that lithium has."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Lattice:
    """Unit cell, space group and number of atoms in it (occupancy-weighted); NaN where unknown."""

    a_A: float = nan
    b_A: float = nan
    c_A: float = nan
    alpha_deg: float = nan
    beta_deg: float = nan
    gamma_deg: float = nan
    space_group_number: float = nan
    atoms_per_cell: float = nan

    @property
    def is_known(self) -> bool:
        """Whether every number of the cell is known."""
        return all(isfinite(value) for value in self.as_tuple())

    def as_tuple(self) -> tuple[float, ...]:
        """Return the eight numbers in the order of declaration."""
        return (
            self.a_A,
            self.b_A,
            self.c_A,
            self.alpha_deg,
            self.beta_deg,
            self.gamma_deg,
            self.space_group_number,
            self.atoms_per_cell,
        )


NO_LATTICE = Lattice()


class CrystalRecord(NamedTuple):
    """What of a CIF was read, for the answer that it is given beside.

    Attributes
    ----------
    block
        Name of the data block, without `data_`.
    space_group
        Hermann-Mauguin symbol, such as `F -4 3 m`.
    cell_content
        Atoms in the unit cell as a formula that is not reduced, such as `Li24P4S20Cl4`.
    """

    block: str
    space_group: str
    cell_content: str


def cell_volume_A3(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the volume of unit cells, shape (n,), from lattice rows of shape (n, 8)."""
    a, b, c = lattice[:, 0], lattice[:, 1], lattice[:, 2]
    cosines = np.cos(np.radians(lattice[:, 3:6]))
    squared = 1.0 - (cosines**2).sum(axis=1) + 2.0 * cosines.prod(axis=1)
    volume: NDArray[np.float64] = a * b * c * np.sqrt(np.clip(squared, 0.0, None))
    return volume
