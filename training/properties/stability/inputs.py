"""The surroundings of a composition: the phases and relatives that a model knows, and the inputs they give.

Which phases are known decides what is honest: for scoring the test split the surroundings hold the training rows (or
training and validation rows) only; the served model's hold the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.stability.descriptors import (
    NetInputs,
    Standardisation,
    composition_features,
    hull_inputs,
    neighbour_inputs,
)
from training.properties.stability.neighbours import Prototypes, build_prototypes
from training.properties.stability.table import EnergyTable, compositions
from training.thermodynamics.hull import equilibria
from training.thermodynamics.phases import PhaseTable


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Known phases, how deep each lies below the hull of the others, and the relatives they make.

    Attributes
    ----------
    phases
        Every phase of the table.
    usable
        Which of them are known, shape (n_phases,).
    depth_eV_per_atom
        Energy relative to the hull of all other known phases, 0 for elements, shape (n_phases,).
    prototypes
        Known phases by stoichiometry, named by their row in `phases`.
    """

    phases: PhaseTable
    usable: NDArray[np.bool_]
    depth_eV_per_atom: NDArray[np.float64]
    prototypes: Prototypes

    @classmethod
    def of(cls, table: EnergyTable, rows: NDArray[np.int64]) -> Surroundings:
        """Build the surroundings that know some rows of the table."""
        phases = table.phases
        own = phases.row_of_input[rows]
        usable = np.zeros(len(phases), dtype=np.bool_)
        usable[own] = True
        atomic_number, fraction = table.atomic_number[rows], table.fraction[rows]
        others = equilibria(phases, atomic_number, fraction, excluded=own, usable=usable).energy_eV_per_atom
        depth = np.zeros(len(phases))
        depth[own] = phases.energy_eV_per_atom[own] - others
        return cls(phases, usable, depth, build_prototypes(atomic_number, fraction, depth[own], own))


def net_inputs(
    surroundings: Surroundings,
    batch: MaterialBatch,
    scaling: Standardisation,
    excluded: NDArray[np.int64] | None = None,
) -> NetInputs:
    """Describe compositions by what the surroundings know.

    Parameters
    ----------
    batch
        Compositions of elements that the phases cover.
    excluded
        Phase that each row may not see (itself), -1 for none, shape (n,).
    """
    atomic_number, fraction = compositions(batch)
    known = surroundings
    return NetInputs(
        atomic_number,
        fraction.astype(np.float32),
        scaling(composition_features(batch)),
        hull_inputs(
            known.phases, known.depth_eV_per_atom, atomic_number, fraction, excluded=excluded, usable=known.usable
        ),
        neighbour_inputs(
            known.prototypes, known.depth_eV_per_atom, known.phases.energy_eV_per_atom, atomic_number, fraction
        ),
    )
