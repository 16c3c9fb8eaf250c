"""The formation and decomposition energies of the official CritExam split, checked and put together.

Bartel et al., npj Comput. Mater. 6, 97 (2020), doi 10.1038/s41524-020-00362-y, as split by CrabNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.formula_tables import Expected, read_formula_targets
from training.sources import locate, require
from training.tables import TableError, Violation
from training.thermodynamics.phases import PhaseTable

SPLITS = ("train", "val", "test")
SOURCE_KEYS = tuple(f"critexam_{target}_{split}" for target in ("ef", "ed") for split in SPLITS)
EXPECTED = Expected("an energy in eV/atom", -10.0, 10.0)


@dataclass(frozen=True, eq=False)
class EnergyTable:
    """Compounds with their energies, in the order train, validation, test.

    Attributes
    ----------
    formula
        As the table spells it.
    atomic_number, fraction
        Elements by atomic number ascending and their atomic fractions, shape (n, k), padded with 0.
    formation_energy_eV_per_atom, decomposition_energy_eV_per_atom
        Published energies, shape (n,).
    split
        Place in `SPLITS`, shape (n,).
    """

    formula: tuple[str, ...]
    atomic_number: NDArray[np.int64]
    fraction: NDArray[np.float64]
    formation_energy_eV_per_atom: NDArray[np.float64]
    decomposition_energy_eV_per_atom: NDArray[np.float64]
    split: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of compounds."""
        return len(self.formula)

    def rows_of(self, *splits: str) -> NDArray[np.int64]:
        """Return the rows of some of the splits."""
        return np.flatnonzero(np.isin(self.split, [SPLITS.index(name) for name in splits]))

    def take(self, rows: NDArray[np.int64]) -> EnergyTable:
        """Return some of the compounds."""
        return EnergyTable(
            tuple(self.formula[row] for row in rows),
            self.atomic_number[rows],
            self.fraction[rows],
            self.formation_energy_eV_per_atom[rows],
            self.decomposition_energy_eV_per_atom[rows],
            self.split[rows],
        )

    def batch(self, rows: NDArray[np.int64]) -> MaterialBatch:
        """Return the compositions of some rows as the featurizers take them."""
        index = np.where(self.fraction[rows] > 0, self.atomic_number[rows] - 1, 0)
        return MaterialBatch(index, self.fraction[rows], np.full((len(rows), 8), np.nan))

    @cached_property
    def phases(self) -> PhaseTable:
        """All compounds and the pure elements as phases."""
        return PhaseTable.from_padded(self.atomic_number, self.fraction, self.formation_energy_eV_per_atom)


def read_energies() -> EnergyTable:
    """Read the six files of the split.

    Raises
    ------
    MissingSourceError
        If a file is not in the data folder.
    TableError
        If a cell is no formula or no energy, or if the two targets do not list the same compounds.
    """
    require(SOURCE_KEYS, "fitting or scoring stability")
    formulas: list[str] = []
    energies: dict[str, list[float]] = {"ef": [], "ed": []}
    split: list[int] = []
    for number, name in enumerate(SPLITS):
        columns = {
            target: read_formula_targets(locate(f"critexam_{target}_{name}"), EXPECTED, parse_formula)
            for target in energies
        }
        if [row.formula for row in columns["ef"]] != [row.formula for row in columns["ed"]]:
            place = Violation(None, "", "formula", name, "the same compounds in the same order for Ef and Ed")
            raise TableError(f"CritExam {name}", (place,))
        formulas += [row.formula for row in columns["ef"]]
        split += [number] * len(columns["ef"])
        for target, rows in columns.items():
            energies[target] += [row.target for row in rows]
    atomic_number, fraction = compositions(MaterialBatch.from_formulas(formulas))
    return EnergyTable(
        tuple(formulas), atomic_number, fraction, np.array(energies["ef"]), np.array(energies["ed"]), np.array(split)
    )


def compositions(batch: MaterialBatch) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return atomic numbers (ascending, 0 as padding) and atomic fractions of a batch, shape (n, k)."""
    return np.where(batch.fraction > 0, batch.element_index + 1, 0), batch.fraction
