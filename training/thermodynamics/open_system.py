"""Equilibria of a system that exchanges lithium with a reservoir at a given potential.

The grand potential `E - mu_Li x_Li` takes the place of the energy and lithium drops out of the balance, as in Ong et
al., Chem. Mater. 20, 1798 (2008), doi 10.1021/cm702327g.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics.hull import NO_PHASE, element_basis, phases_within
from training.thermodynamics.kernels import kernel
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.simplex import NOT_CONVERGED, minimise

LITHIUM = 3


@dataclass(frozen=True, eq=False)
class OpenEquilibria:
    """The mixtures of lowest grand potential at n compositions, per atom of the composition without lithium.

    Attributes
    ----------
    grand_potential_eV
        Shape (n,), relative to the elements and lithium at the given potential.
    phase, amount
        Rows of the phase table and their amounts in atoms of the phase, lithium counted; shape (n, k).
    lithium
        Lithium atoms in the mixture, shape (n,).
    potential_eV
        Chemical potentials of the other elements, shape (n, k).
    steps
        Simplex steps, -1 where the solver reached its bound; shape (n,).
    """

    grand_potential_eV: NDArray[np.float64]
    phase: NDArray[np.int64]
    amount: NDArray[np.float64]
    lithium: NDArray[np.float64]
    potential_eV: NDArray[np.float64]
    steps: NDArray[np.int64]


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
def minimise_open(
    others: NDArray[np.float64],
    lithium_fraction: NDArray[np.float64],
    energy: NDArray[np.float64],
    composition: NDArray[np.float64],
    lithium_potential_eV: float,
    basis: NDArray[np.int64],
    amount: NDArray[np.float64],
    dual: NDArray[np.float64],
) -> int:
    """Find the mixture of lowest grand potential; arguments as `simplex.minimise`, lithium apart from the rest.

    The potential must be below that of lithium metal (0), or phases of lithium alone would form without limit; at 0
    they change nothing and do not enter.
    """
    grand = energy - lithium_potential_eV * lithium_fraction
    found = element_basis(others)
    for i in range(basis.shape[0]):
        basis[i] = found[i]
    m = composition.shape[0]
    return minimise(others, grand, composition, basis, amount, dual, np.empty((m, m)))


@kernel
def _open_equilibria(
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
    lithium_potential_eV: NDArray[np.float64],
    lowest: NDArray[np.float64],
    phase: NDArray[np.int64],
    amount: NDArray[np.float64],
    lithium: NDArray[np.float64],
    potential: NDArray[np.float64],
    steps: NDArray[np.int64],
) -> None:
    for row in range(composition.shape[0]):
        k = 0
        while k < composition.shape[1] and composition[row, k] > 0:
            k += 1
        components = np.empty(k + 1, dtype=np.int64)
        components[0] = LITHIUM
        components[1:] = atomic_number[row, :k]
        rows, matrix = phases_within(
            start, element, fraction, system_high, system_low, system_start, usable, components, NO_PHASE
        )
        others = without_column(matrix, 0)
        local = energy[rows]
        basis = np.empty(k, dtype=np.int64)
        steps[row] = minimise_open(
            others, matrix[:, 0], local, composition[row, :k], lithium_potential_eV[row], basis, amount[row, :k],
            potential[row, :k],
        )  # fmt: skip
        lowest[row], lithium[row] = 0.0, 0.0
        for i in range(k):
            j = basis[i]
            phase[row, i] = rows[j]
            lowest[row] += amount[row, i] * (local[j] - lithium_potential_eV[row] * matrix[j, 0])
            lithium[row] += amount[row, i] * matrix[j, 0]


def open_equilibria(
    table: PhaseTable,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    voltage_V: NDArray[np.float64],
    *,
    usable: NDArray[np.bool_] | None = None,
) -> OpenEquilibria:
    """Find the mixtures of lowest grand potential at compositions open to lithium.

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
    OpenEquilibria

    Raises
    ------
    ValueError
        For a potential below lithium metal, or if lithium is among the elements.
    """
    if not (np.asarray(voltage_V) >= 0.0).all():
        raise ValueError("voltage_V: expected at least 0 V against Li/Li+, where lithium metal plates")
    if (atomic_number[composition > 0] == LITHIUM).any():
        raise ValueError("the composition holds lithium, which the reservoir provides; leave it out")
    n, k = composition.shape
    out = OpenEquilibria(
        np.empty(n), np.full((n, k), NO_PHASE), np.zeros((n, k)), np.empty(n), np.zeros((n, k)),
        np.full(n, NOT_CONVERGED),
    )  # fmt: skip
    _open_equilibria(
        table.start, table.element, table.fraction, table.energy_eV_per_atom, table.system_high, table.system_low,
        table.system_start, np.ones(len(table), np.bool_) if usable is None else usable,
        np.ascontiguousarray(atomic_number), np.ascontiguousarray(composition),
        -np.ascontiguousarray(voltage_V, dtype=np.float64),
        out.grand_potential_eV, out.phase, out.amount, out.lithium, out.potential_eV, out.steps,
    )  # fmt: skip
    return out
