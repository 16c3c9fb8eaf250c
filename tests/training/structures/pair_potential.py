"""A potential whose minimum is known: pairs attract and repel as (r - d)^2 within a cutoff, smooth at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.structures.cells import OrderedCell
from training.structures.potentials import Computed, Scale

DISTANCE_A, DEPTH_eV, CUTOFF_A = 3.0, 0.5, 5.0


@dataclass(frozen=True)
class PairPotential:
    """Every pair within the cutoff: Morse at `DISTANCE_A`, times a factor that goes to 0 with two derivatives."""

    name: str = "pairs"
    version: str = "1"
    scale: Scale = Scale.UNCORRECTED
    elements: frozenset[str] = frozenset({"Li", "S", "Cl"})
    width_per_A: float = 1.6

    def compute(self, cell: OrderedCell) -> Computed:
        """See `training.structures.potentials.Potential`."""
        vectors, first, second = _pairs(cell)
        apart = np.linalg.norm(vectors, axis=1)
        energy, slope = self._pair(apart)
        pull = (slope / apart)[:, None] * vectors  # on the first atom, towards the second where it attracts
        forces = np.zeros((len(cell), 3))
        np.add.at(forces, first, 0.5 * pull)
        np.add.at(forces, second, -0.5 * pull)
        stress = 0.5 * np.einsum("pi,pj->ij", pull, vectors) / cell.volume_A3
        return Computed(0.5 * float(energy.sum()), forces, stress)

    def _pair(self, apart: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        grown = np.exp(-self.width_per_A * (apart - DISTANCE_A))
        morse = DEPTH_eV * (grown**2 - 2.0 * grown)
        slope = 2.0 * DEPTH_eV * self.width_per_A * (grown - grown**2)
        left = 1.0 - (apart / CUTOFF_A) ** 2
        fade, fade_slope = left**3, -6.0 * apart / CUTOFF_A**2 * left**2
        return morse * fade, slope * fade + morse * fade_slope


def _pairs(cell: OrderedCell) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the vectors of all pairs within the cutoff, each once from either side, and their atoms."""
    heights = cell.volume_A3 / np.linalg.norm(np.cross(cell.lattice_A[[1, 2, 0]], cell.lattice_A[[2, 0, 1]]), axis=1)
    reach = np.ceil(CUTOFF_A / heights).astype(int) + 1
    images = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    fractional = cell.fractional_coordinates
    shift = fractional[None, :, None, :] + images - fractional[:, None, None, :]
    vectors = shift @ cell.lattice_A
    apart = np.linalg.norm(vectors, axis=-1)
    first, second, place = np.nonzero((apart > 1e-9) & (apart < CUTOFF_A))
    return vectors[first, second, place], first, second


def rocksalt(edge_A: float, symbols: tuple[str, str] = ("Li", "Cl")) -> OrderedCell:
    """Return the primitive cell of rock salt."""
    lattice = edge_A / 2.0 * (np.ones((3, 3)) - np.eye(3))
    return OrderedCell(lattice, np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), symbols)


def shaken(cell: OrderedCell, seed: int = 0, by_A: float = 0.08) -> OrderedCell:
    """Return a cell with its atoms and vectors moved at random."""
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    lattice = cell.lattice_A + rng.normal(0.0, by_A, (3, 3))
    moved = cell.fractional_coordinates + rng.normal(0.0, by_A, (len(cell), 3)) @ np.linalg.inv(lattice)
    return replace(cell, lattice_A=lattice, fractional_coordinates=moved)
