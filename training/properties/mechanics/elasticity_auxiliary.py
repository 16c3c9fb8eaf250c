"""What the nets learn before the moduli: formation and decomposition energies and band gaps of 90,000 formulas.

Tables that another property and the band gap are fitted on: CritExam (Bartel et al., npj Comput. Mater. 6, 97 (2020),
doi 10.1038/s41524-020-00362-y) and Matbench. They say how strongly elements bind and whether a compound is a metal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.crystals import GAP, read_gaps
from training.formula_tables import Expected, FormulaTarget, read_formula_targets
from training.sources import locate, require

Array = NDArray[np.float64]
ENERGY_KEYS = tuple(f"critexam_{target}_{split}" for target in ("ef", "ed") for split in ("train", "val", "test"))
SOURCE_KEYS = (GAP, *ENERGY_KEYS)
GAP_SPREAD_eV = 1.5
FORMATION_CENTRE_eV_PER_ATOM, FORMATION_SPREAD_eV_PER_ATOM = -1.5, 1.0
DECOMPOSITION_LIMIT_eV_PER_ATOM, DECOMPOSITION_SPREAD_eV_PER_ATOM = 1.0, 0.15
METAL_BELOW_eV = 1e-6
_EXPECTED = Expected("an energy in eV/atom", -20.0, 20.0)
_SAME_FRACTION_DECIMALS = 4


@dataclass(frozen=True, eq=False)
class AuxiliaryTargets:
    """Compositions, each once, with what is known of them.

    Attributes
    ----------
    batch
        n compositions.
    targets
        Shape (n, 4), means over polymorphs, NaN where unknown: gap, formation and decomposition energy brought to a
        spread of about 1, and the share of polymorphs that are metals.
    n_rows
        Of each table of energies that was read, as `ENERGY_KEYS` lists them.
    """

    batch: MaterialBatch
    targets: Array
    n_rows: tuple[int, ...] = ()

    @classmethod
    def of(cls, compositions: list[MaterialBatch], columns: list[Array]) -> AuxiliaryTargets:
        """Merge tables: column j (n_j, 4) is of compositions j, NaN where it says nothing."""
        matrix, values = np.concatenate([batch.matrix() for batch in compositions]), np.concatenate(columns)
        _, first, row = np.unique(matrix.round(_SAME_FRACTION_DECIMALS), axis=0, return_index=True, return_inverse=True)
        total, count = np.zeros((len(first), values.shape[1])), np.zeros((len(first), values.shape[1]))
        np.add.at(total, row.reshape(-1), np.nan_to_num(values))
        np.add.at(count, row.reshape(-1), ~np.isnan(values))
        with np.errstate(invalid="ignore"):
            return cls(MaterialBatch.from_matrix(matrix[first]), total / count)

    def without_systems(self, held_out: MaterialBatch) -> AuxiliaryTargets:
        """Return the compositions of other sets of elements than those of a batch."""
        systems = {row.tobytes() for row in held_out.matrix() > 0}
        kept = np.array([row.tobytes() not in systems for row in self.batch.matrix() > 0])
        return AuxiliaryTargets(self.batch.take(kept), self.targets[kept], self.n_rows)


def read_auxiliary() -> AuxiliaryTargets:
    """Read and merge the tables.

    Raises
    ------
    MissingSourceError
        If a file is not in the data folder.
    TableError
        If a cell is no formula or not what it should be.
    """
    require(SOURCE_KEYS, "fitting elastic moduli")
    gaps = read_gaps()
    gap = _columns(gaps.band_gap_eV / GAP_SPREAD_eV, 0)
    gap[:, 3] = gaps.band_gap_eV <= METAL_BELOW_eV
    compositions, columns = [gaps.crystals.batch], [gap]
    for key in ENERGY_KEYS:
        rows = read_formula_targets(locate(key), _EXPECTED, plain_amounts)
        compositions.append(_batch(rows))
        columns.append(_energies(key, np.array([row.target for row in rows])))
    merged = AuxiliaryTargets.of(compositions, columns)
    return replace(merged, n_rows=tuple(len(batch) for batch in compositions[1:]))


def _batch(rows: list[FormulaTarget]) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(row.formula, row.amounts) for row in rows])


def _energies(key: str, energy_eV_per_atom: Array) -> Array:
    if "_ef_" in key:
        return _columns((energy_eV_per_atom - FORMATION_CENTRE_eV_PER_ATOM) / FORMATION_SPREAD_eV_PER_ATOM, 1)
    limit = DECOMPOSITION_LIMIT_eV_PER_ATOM
    return _columns(np.clip(energy_eV_per_atom, -limit, limit) / DECOMPOSITION_SPREAD_eV_PER_ATOM, 2)


def _columns(values: Array, place: int) -> Array:
    out = np.full((len(values), 4), np.nan)
    out[:, place] = values
    return out
