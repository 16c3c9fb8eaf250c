"""Descriptors of the unit cell that survive disorder: composition, cell and space group, no positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import assign_ions
from features.elements import element_table
from features.lattice import cell_volume_A3

_AVOGADRO_PER_MOL = 6.02214076e23  # exact, SI 2019
_FIRST_GROUP_OF_SYSTEM = (3, 16, 75, 143, 168, 195)  # monoclinic ... cubic, International Tables A

LABELS = (
    "volume_per_atom_A3",
    "volume_per_anion_A3",
    "lithium_density_per_A3",
    "mass_density_g_per_cm3",
    "ionic_packing_fraction",
    "free_volume_per_lithium_A3",
    "log10_cell_volume_A3",
    "atoms_per_cell",
    "space_group_number",
    "crystal_system_rank",
    "axis_ratio",
    "largest_angle_deviation_deg",
)


class CrystalFeaturizer:
    """Twelve numbers of a unit cell; every one NaN where the cell is unknown or has no volume."""

    version = "1"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names with units."""
        return LABELS

    def __call__(self, batch: MaterialBatch) -> NDArray[np.float64]:
        """Return the descriptors, shape (n, 12)."""
        cell, table, index = batch.lattice, element_table(), batch.element_index
        if np.isnan(cell).all():
            return np.full((len(batch), len(LABELS)), np.nan)
        atoms = cell[:, 7]
        with np.errstate(divide="ignore", invalid="ignore"):
            per_atom = cell_volume_A3(cell) / atoms
            lithium = batch.fraction_of("Li")
            ions = assign_ions(batch)
            anions = ions.anions.sum(axis=1)
            mass = (batch.fraction * table["atomic_mass_g_per_mol"][index]).sum(axis=1)
            cubes = ions.cations * table["cation_radius_A"][index] ** 3
            cubes += ions.anions * table["anion_radius_A"][index] ** 3
            spheres = 4.0 / 3.0 * np.pi * cubes.sum(axis=1)
            columns = [
                per_atom,
                _bounded(per_atom / anions),
                lithium / per_atom,
                mass / per_atom / _AVOGADRO_PER_MOL * 1e24,
                spheres / per_atom,
                _bounded(np.clip(per_atom - spheres, 0.0, None) / lithium),
                np.log10(per_atom * atoms),
                atoms,
                cell[:, 6],
                np.searchsorted(_FIRST_GROUP_OF_SYSTEM, cell[:, 6], side="right").astype(float),
                cell[:, :3].max(axis=1) / cell[:, :3].min(axis=1),
                np.abs(cell[:, 3:6] - 90.0).max(axis=1),
            ]
        features = np.column_stack(columns)
        features[~(np.isfinite(cell).all(axis=1) & (per_atom > 0))] = np.nan
        return features


def _bounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cap quotients by a vanishing amount at a volume that no real solid reaches (1000 cubic angstrom)."""
    return np.minimum(np.nan_to_num(values, nan=1000.0, posinf=1000.0), 1000.0)
