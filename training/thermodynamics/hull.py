"""Equilibrium mixtures, energy above hull and decomposition energy, for many compositions at once.

Decomposition energy after Bartel et al., npj Comput. Mater. 6, 97 (2020), doi 10.1038/s41524-020-00362-y: formation
energy minus the lowest energy, at the same composition, of a mixture of all OTHER phases and the elements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics.kernels import kernel
from training.thermodynamics.phases import PhaseTable, systems_within
from training.thermodynamics.simplex import minimise

NO_PHASE = -1


@dataclass(frozen=True, eq=False)
class Equilibria:
    """The lowest-energy mixtures at n compositions of up to k elements.

    Attributes
    ----------
    energy_eV_per_atom
        Shape (n,).
    phase, amount
        Rows of the phase table in each mixture and their amounts (atoms of the phase per atom of the mixture),
        shape (n, k); `NO_PHASE` and 0 beyond the number of elements.
    potential_eV
        Chemical potentials of the elements, columns as in the compositions, shape (n, k).
    steps
        Simplex steps, -1 where the solver reached its bound; shape (n,).
    """

    energy_eV_per_atom: NDArray[np.float64]
    phase: NDArray[np.int64]
    amount: NDArray[np.float64]
    potential_eV: NDArray[np.float64]
    steps: NDArray[np.int64]


@kernel
def phases_within(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_high: NDArray[np.uint64],
    system_low: NDArray[np.uint64],
    system_start: NDArray[np.int64],
    usable: NDArray[np.bool_],
    components: NDArray[np.int64],
    excluded: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows and element fractions (n, k) of the usable phases made of `components` only."""
    systems = systems_within(system_high, system_low, components)
    n = 0
    for s in systems:
        n += system_start[s + 1] - system_start[s]
    column = np.full(128, -1, dtype=np.int64)
    for i in range(components.shape[0]):
        column[components[i]] = i
    rows = np.empty(n, dtype=np.int64)
    matrix = np.zeros((n, components.shape[0]))
    n = 0
    for s in systems:
        for row in range(system_start[s], system_start[s + 1]):
            single = start[row + 1] - start[row] == 1
            if not single and (row == excluded or not usable[row]):
                continue
            rows[n] = row
            for place in range(start[row], start[row + 1]):
                matrix[n, column[element[place]]] = fraction[place]
            n += 1
    return rows[:n], matrix[:n]


@kernel
def element_basis(matrix: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the row of each pure element in a matrix from `phases_within`."""
    basis = np.full(matrix.shape[1], -1, dtype=np.int64)
    for j in range(matrix.shape[0]):
        for i in range(matrix.shape[1]):
            if matrix[j, i] == 1.0:
                basis[i] = j
    return basis


@kernel
def _equilibria(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    energy: NDArray[np.float64],
    system_high: NDArray[np.uint64],
    system_low: NDArray[np.uint64],
    system_start: NDArray[np.int64],
    usable: NDArray[np.bool_],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    excluded: NDArray[np.int64],
    lowest: NDArray[np.float64],
    phase: NDArray[np.int64],
    amount: NDArray[np.float64],
    potential: NDArray[np.float64],
    steps: NDArray[np.int64],
) -> None:
    for row in range(composition.shape[0]):
        k = 0
        while k < composition.shape[1] and composition[row, k] > 0:
            k += 1
        rows, matrix = phases_within(
            start, element, fraction, system_high, system_low, system_start, usable, atomic_number[row, :k],
            excluded[row],
        )  # fmt: skip
        local_energy = energy[rows]
        basis = element_basis(matrix)
        steps[row] = minimise(
            matrix, local_energy, composition[row, :k], basis, amount[row, :k], potential[row, :k], np.empty((k, k))
        )
        total = 0.0
        for i in range(k):
            phase[row, i] = rows[basis[i]]
            total += amount[row, i] * local_energy[basis[i]]
        lowest[row] = total


def equilibria(
    table: PhaseTable,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    *,
    excluded: NDArray[np.int64] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Equilibria:
    """Find the lowest-energy mixture of phases at each composition.

    Parameters
    ----------
    table
        The phases.
    atomic_number, composition
        Elements and atomic fractions of each composition, shape (n, k), padded with fraction 0 at the end. Every
        element must be covered by the table.
    excluded
        Row of the table that may not take part, -1 for none; shape (n,). Leave-one-out hulls are made with it.
    usable
        Which phases may take part, shape (n_phases,); elements always may.

    Returns
    -------
    Equilibria
    """
    n, k = composition.shape
    out = Equilibria(np.empty(n), np.full((n, k), NO_PHASE), np.zeros((n, k)), np.zeros((n, k)), np.zeros(n, np.int64))
    _equilibria(
        table.start, table.element, table.fraction, table.energy_eV_per_atom, table.system_high, table.system_low,
        table.system_start, np.ones(len(table), np.bool_) if usable is None else usable,
        np.ascontiguousarray(atomic_number), np.ascontiguousarray(composition),
        np.full(n, NO_PHASE) if excluded is None else excluded,
        out.energy_eV_per_atom, out.phase, out.amount, out.potential_eV, out.steps,
    )  # fmt: skip
    return out
