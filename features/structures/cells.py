"""A periodic cell of whole atoms, and its CIF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import Remark
from features.formula_writing import write_formula

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OrderedCell:
    """Whole atoms in a cell without symmetry (P 1).

    Attributes
    ----------
    lattice_A
        The vectors as rows, shape (3, 3).
    fractional_coordinates
        From 0 to 1, shape (n, 3).
    symbols
        An element symbol for each atom.
    composition_distance
        Half the sum of absolute differences of atomic fractions between these atoms and the composition that was
        asked: the share of atoms that are others.
    mixing_entropy_kB_per_cell
        Ideal entropy of mixing ln W that the disorder of the CIF allows this cell, in units of Boltzmann's constant;
        0 for an ordered CIF. One arrangement stands for W: its energy lies below their mean.
    supercell
        How many primitive cells it holds.
    disordered
        Whether the CIF left open which atom stands where.
    remarks
        What was found while the CIF was read.
    """

    lattice_A: Array
    fractional_coordinates: Array
    symbols: tuple[str, ...]
    composition_distance: float = 0.0
    mixing_entropy_kB_per_cell: float = 0.0
    supercell: int = 1
    disordered: bool = False
    remarks: tuple[Remark, ...] = ()

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.symbols)

    @property
    def amounts(self) -> dict[str, float]:
        """Atoms of each element in the cell."""
        return {symbol: float(self.symbols.count(symbol)) for symbol in dict.fromkeys(self.symbols)}

    @property
    def formula(self) -> str:
        """Reduced formula in the order of chemists."""
        return write_formula(self.amounts)

    @property
    def volume_A3(self) -> float:
        """Volume of the cell."""
        return abs(float(np.linalg.det(self.lattice_A)))


def cell_parameters(lattice_A: Array) -> tuple[float, ...]:
    """Return lengths in angstrom and angles in degrees of the vectors that are the rows of `lattice_A`."""
    lengths = np.linalg.norm(lattice_A, axis=1)
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [float(lattice_A[i] @ lattice_A[j] / (lengths[i] * lengths[j])) for i, j in pairs]
    return (*lengths.tolist(), *np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))).tolist())


def to_cif(cell: OrderedCell, name: str = "elyte") -> str:
    """Write a cell as a CIF in P 1, with eight decimals.

    Parameters
    ----------
    cell
        Whose orientation is lost: the file holds lengths and angles.
    name
        Of the data block; blanks become underscores.
    """
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"data_{'_'.join(name.split()) or 'elyte'}", f"_chemical_formula_sum '{_sum_formula(cell)}'"]
    lines += [f"_cell_{tag} {value:.8f}" for tag, value in zip(tags, cell_parameters(cell.lattice_A), strict=True)]
    lines += ["_space_group_name_H-M_alt 'P 1'", "_space_group_IT_number 1"]
    lines += ["loop_", "_space_group_symop_operation_xyz", "'x, y, z'", "loop_"]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    lines += [f"_atom_site_{column}" for column in columns]
    counts: dict[str, int] = {}
    for symbol, place in zip(cell.symbols, cell.fractional_coordinates.tolist(), strict=True):
        counts[symbol] = counts.get(symbol, 0) + 1
        lines.append(f"{symbol}{counts[symbol]} {symbol} {' '.join(f'{value:.8f}' for value in place)} 1")
    return "\n".join([*lines, ""])


def _sum_formula(cell: OrderedCell) -> str:
    return " ".join(f"{symbol}{amount:g}" for symbol, amount in sorted(cell.amounts.items()))


def distances_A(lattice_A: Array, fractional: Array) -> Array:
    """Return the distance of every two positions through the nearest lattice point, shape (n, n).

    The lattice has to be reduced, as `features.structures.lattices.reduced` gives it.
    """
    shift = fractional[:, None, :] - fractional[None, :, :]
    shift -= np.rint(shift)
    nearest: Array = np.full(shift.shape[:2], np.inf)
    for image in np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3):
        cartesian = (shift + image) @ lattice_A
        np.minimum(nearest, np.einsum("ijk,ijk->ij", cartesian, cartesian), out=nearest)
    np.sqrt(nearest, out=nearest)
    return nearest
