"""Equilibrium mixtures, energy above hull and decomposition energy, for many compositions at once.

Decomposition energy after Bartel et al., npj Comput. Mater. 6, 97 (2020), doi 10.1038/s41524-020-00362-y: formation
energy minus the lowest energy, at the same composition, of a mixture of all OTHER phases and the elements.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel
from training.thermodynamics.phases import PhaseArrays, PhaseTable, systems_within
from training.thermodynamics.simplex import minimise

NO_PHASE = -1
LITHIUM = 3


class Equilibria(NamedTuple):
    """The lowest-energy mixtures at n compositions of up to k elements.

    Attributes
    ----------
    energy_eV_per_atom
        Shape (n,); of a system open to lithium the grand potential per atom of the composition, relative to the
        elements and lithium at the given potential.
    phase, amount
        Rows of the phase table in each mixture and their amounts (atoms of the phase, lithium counted, per atom of the
        composition), shape (n, k); `NO_PHASE` and 0 beyond the number of elements.
    lithium
        Lithium atoms in the mixture of a system open to lithium, shape (n,); 0 in closed systems.
    potential_eV
        Chemical potentials of the elements, columns as in the compositions, shape (n, k).
    steps
        Simplex steps, -1 where the solver reached its bound; shape (n,).
    """

    energy_eV_per_atom: NDArray[np.float64]
    phase: NDArray[np.int64]
    amount: NDArray[np.float64]
    lithium: NDArray[np.float64]
    potential_eV: NDArray[np.float64]
    steps: NDArray[np.int64]


@kernel
def phases_within(
    phases: PhaseArrays, components: NDArray[np.int64], excluded: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows and element fractions (n, k) of the usable phases made of `components` only."""
    start, system_start = phases.start, phases.system_start
    systems = systems_within(phases.system_high, phases.system_low, components)
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
            if not single and (row == excluded or not phases.usable[row]):
                continue
            rows[n] = row
            for place in range(start[row], start[row + 1]):
                matrix[n, column[phases.element[place]]] = phases.fraction[place]
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
def without_column(matrix: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """Return a matrix without one of its columns."""
    n, k = matrix.shape
    out = np.empty((n, k - 1))
    for i in range(n):
        for j in range(k - 1):
            out[i, j] = matrix[i, j if j < column else j + 1]
    return out


@kernel
def lowest_mixture(
    matrix: NDArray[np.float64],
    energy: NDArray[np.float64],
    composition: NDArray[np.float64],
    amount: NDArray[np.float64],
    dual: NDArray[np.float64],
) -> tuple[NDArray[np.int64], int]:
    """Return the phases of the lowest-energy mixture and the steps to it; fill amounts and chemical potentials."""
    basis = element_basis(matrix)
    m = composition.shape[0]
    return basis, minimise(matrix, energy, composition, basis, amount, dual, np.empty((m, m)))


@kernel
def _fill(
    phases: PhaseArrays,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    excluded: NDArray[np.int64],
    lithium_potential_eV: NDArray[np.float64],
    out: Equilibria,
) -> None:
    """Fill the equilibria, of closed systems where the potential is NaN.

    The potential must be below that of lithium metal (0), or phases of lithium alone would form without limit; at 0
    they change nothing and do not enter.
    """
    for row in range(composition.shape[0]):
        k = 0
        while k < composition.shape[1] and composition[row, k] > 0:
            k += 1
        components = atomic_number[row, :k].copy()
        is_open = not np.isnan(lithium_potential_eV[row])
        if is_open:
            components = np.append(np.array([LITHIUM]), components)
        rows, matrix = phases_within(phases, components, excluded[row])
        energy, lithium = phases.energy_eV_per_atom[rows], np.zeros(rows.shape[0])
        if is_open:
            lithium = matrix[:, 0].copy()
            matrix = without_column(matrix, 0)
            energy = energy - lithium_potential_eV[row] * lithium
        amount, potential = out.amount[row, :k], out.potential_eV[row, :k]
        basis, steps = lowest_mixture(matrix, energy, composition[row, :k], amount, potential)
        total = 0.0
        for i in range(k):
            out.phase[row, i] = rows[basis[i]]
            total += amount[i] * energy[basis[i]]
            out.lithium[row] += amount[i] * lithium[basis[i]]
        out.energy_eV_per_atom[row], out.steps[row] = total, steps


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
    n = len(composition)
    without = np.full(n, NO_PHASE) if excluded is None else excluded
    return _found(table.arrays(usable), atomic_number, composition, without, np.full(n, np.nan))


def open_equilibria(
    table: PhaseTable,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    voltage_V: NDArray[np.float64],
    *,
    usable: NDArray[np.bool_] | None = None,
) -> Equilibria:
    """Find the mixtures of lowest grand potential at compositions open to lithium.

    The grand potential `E - mu_Li x_Li` takes the place of the energy and lithium drops out of the balance, as in Ong
    et al., Chem. Mater. 20, 1798 (2008), doi 10.1021/cm702327g.

    Parameters
    ----------
    table
        The phases.
    atomic_number, composition
        Elements other than lithium and their fractions among themselves, shape (n, k), padded with fraction 0 at the
        end.
    voltage_V
        Potential of the reservoir against Li/Li+, >= 0; shape (n,).
    usable
        Which phases may take part, shape (n_phases,).

    Returns
    -------
    Equilibria

    Raises
    ------
    ValueError
        For a potential below lithium metal, or if lithium is among the elements.
    """
    if not (np.asarray(voltage_V) >= 0.0).all():
        raise ValueError("voltage_V: expected at least 0 V against Li/Li+, where lithium metal plates")
    if (atomic_number[composition > 0] == LITHIUM).any():
        raise ValueError("the composition holds lithium, which the reservoir provides; leave it out")
    potential_eV = -np.ascontiguousarray(voltage_V, dtype=np.float64)
    return _found(table.arrays(usable), atomic_number, composition, np.full(len(composition), NO_PHASE), potential_eV)


def _found(
    phases: PhaseArrays,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    excluded: NDArray[np.int64],
    lithium_potential_eV: NDArray[np.float64],
) -> Equilibria:
    n, k = composition.shape
    out = Equilibria(
        np.empty(n),
        np.full((n, k), NO_PHASE),
        np.zeros((n, k)),
        np.zeros(n),
        np.zeros((n, k)),
        np.zeros(n, np.int64),
    )
    given = np.ascontiguousarray(atomic_number), np.ascontiguousarray(composition)
    _fill(phases, *given, excluded, lithium_potential_eV, out)
    return out
