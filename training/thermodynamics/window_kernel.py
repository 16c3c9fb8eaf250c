"""The compiled part of `window`: the dual of lithium on either side of a composition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics.hull import NO_PHASE, element_basis, phases_within
from training.thermodynamics.kernels import kernel
from training.thermodynamics.open_system import LITHIUM, minimise_open, without_column
from training.thermodynamics.simplex import MAX_ITERATIONS, NOT_CONVERGED, in_basis, minimise, pivot, potentials

OWN_PHASE = -2
STEP = 1e-5  # lithium atoms per atom of the composition; smaller imbalances are rounding of the formula
BEYOND_V = 1e-4  # how far beyond a limit the new mixture is looked for
INFEASIBLE = -1e-11  # an amount below this is negative
DUAL_PIVOT = -1e-9


@kernel
def _dual_entering(
    matrix: NDArray[np.float64],
    energy: NDArray[np.float64],
    dual: NDArray[np.float64],
    pivot_row: NDArray[np.float64],
) -> int:
    """Return the phase that keeps all others above the hull when a negative amount is driven out, -1 if none."""
    best, smallest, largest = -1, np.inf, 0.0
    for j in range(matrix.shape[0]):
        alpha = 0.0
        for i in range(dual.shape[0]):
            alpha += pivot_row[i] * matrix[j, i]
        if alpha >= DUAL_PIVOT:
            continue
        cost = energy[j]
        for i in range(dual.shape[0]):
            cost -= dual[i] * matrix[j, i]
        ratio = max(cost, 0.0) / -alpha
        if ratio < smallest - 1e-12 or (ratio <= smallest + 1e-12 and -alpha > largest):
            best, smallest, largest = j, min(ratio, smallest), -alpha
    return best


@kernel
def _lithium_dual(
    matrix: NDArray[np.float64],
    energy: NDArray[np.float64],
    target: NDArray[np.float64],
    lithium: int,
    optimal: NDArray[np.int64],
    optimal_inverse: NDArray[np.float64],
) -> tuple[float, int]:
    """Return the lithium potential at a composition next to one whose optimal basis is known, and steps."""
    m = target.shape[0]
    basis, inverse = optimal.copy(), optimal_inverse.copy()
    amount, direction, dual = np.empty(m), np.empty(m), np.empty(m)
    for step in range(MAX_ITERATIONS):
        in_basis(inverse, target, amount)
        potentials(energy, basis, inverse, dual)
        place = int(np.argmin(amount))
        if amount[place] >= INFEASIBLE:
            return dual[lithium], step
        entering = _dual_entering(matrix, energy, dual, inverse[place])
        if entering < 0:
            break
        in_basis(inverse, matrix[entering], direction)
        pivot(inverse, direction, place)
        basis[place] = entering
    return np.nan, NOT_CONVERGED


@kernel
def _with_own(
    rows: NDArray[np.int64], matrix: NDArray[np.float64], composition: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Add the composition itself as the last phase."""
    n, k = matrix.shape
    more_rows, more = np.empty(n + 1, dtype=np.int64), np.empty((n + 1, k))
    more_rows[:n], more[:n] = rows, matrix
    more_rows[n], more[n] = OWN_PHASE, composition
    return more_rows, more


@kernel
def _limits(
    matrix: NDArray[np.float64],
    energy: NDArray[np.float64],
    composition: NDArray[np.float64],
    lithium: int,
    basis: NDArray[np.int64],
    amount: NDArray[np.float64],
) -> tuple[float, float, float, int]:
    """Return the energy, the lithium potentials at reduction and oxidation, and steps; fill the mixture."""
    basis[:] = element_basis(matrix)
    m = composition.shape[0]
    dual, inverse = np.empty(m), np.empty((m, m))
    steps = minimise(matrix, energy, composition, basis, amount, dual, inverse)
    total = 0.0
    for i in range(m):
        total += amount[i] * energy[basis[i]]
    if lithium < 0 or steps == NOT_CONVERGED:
        return total, np.nan, np.nan, steps
    target = composition.copy()
    target[lithium] += STEP
    reducing, more = _lithium_dual(matrix, energy, target, lithium, basis, inverse)
    target[lithium] = composition[lithium] - min(STEP, 0.5 * composition[lithium])
    oxidising, still_more = _lithium_dual(matrix, energy, target, lithium, basis, inverse)
    if more == NOT_CONVERGED or still_more == NOT_CONVERGED:
        return total, np.nan, np.nan, NOT_CONVERGED
    return total, min(reducing, 0.0), min(oxidising, reducing, 0.0), steps + more + still_more


@kernel
def _beyond(
    rows: NDArray[np.int64],
    matrix: NDArray[np.float64],
    energy: NDArray[np.float64],
    composition: NDArray[np.float64],
    lithium: int,
    potential: float,
    phase: NDArray[np.int64],
    amount: NDArray[np.float64],
) -> tuple[float, int]:
    """Fill the mixture of the system open to lithium at a potential; return the lithium it takes up, and steps."""
    m = composition.shape[0] - 1
    others = without_column(matrix, lithium)
    wanted = np.empty(m)
    for i in range(m):
        wanted[i] = composition[i if i < lithium else i + 1]
    basis, dual = np.empty(m, dtype=np.int64), np.empty(m)
    steps = minimise_open(others, matrix[:, lithium], energy, wanted, potential, basis, amount[:m], dual)
    taken = -composition[lithium]
    for i in range(m):
        phase[i] = rows[basis[i]]
        taken += amount[i] * matrix[basis[i], lithium]
    return taken, steps


@kernel
def _lithium_column(components: NDArray[np.int64]) -> int:
    for i in range(components.shape[0]):
        if components[i] == LITHIUM:
            return i
    return -1


@kernel
def find_windows(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_high: NDArray[np.uint64],
    system_low: NDArray[np.uint64],
    system_start: NDArray[np.int64],
    usable: NDArray[np.bool_],
    energy: NDArray[np.float64],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    own: NDArray[np.float64],
    reduction: NDArray[np.float64],
    oxidation: NDArray[np.float64],
    lowest: NDArray[np.float64],
    steps: NDArray[np.int64],
    phase: NDArray[np.int64],
    amount: NDArray[np.float64],
    reduced_phase: NDArray[np.int64],
    reduced_amount: NDArray[np.float64],
    reduced_lithium: NDArray[np.float64],
    oxidised_phase: NDArray[np.int64],
    oxidised_amount: NDArray[np.float64],
    oxidised_lithium: NDArray[np.float64],
) -> None:
    """Fill the arrays of `window.Windows`."""
    for row in range(composition.shape[0]):
        k = 0
        while k < composition.shape[1] and composition[row, k] > 0:
            k += 1
        components, wanted = atomic_number[row, :k], composition[row, :k]
        rows, matrix = phases_within(
            start, element, fraction, system_high, system_low, system_start, usable, components, NO_PHASE
        )
        local = energy[rows]
        if k > 1 and not np.isnan(own[row]):
            rows, matrix = _with_own(rows, matrix, wanted)
            local = np.append(local, own[row])
        lithium = _lithium_column(components)
        basis = np.empty(k, dtype=np.int64)
        lowest[row], reducing, oxidising, steps[row] = _limits(matrix, local, wanted, lithium, basis, amount[row, :k])
        phase[row, :k] = rows[basis]
        reduction[row], oxidation[row] = 0.0 - reducing, 0.0 - oxidising
        if np.isnan(reducing) or k == 1:
            continue
        if -reducing > BEYOND_V:
            reduced_lithium[row], more = _beyond(
                rows, matrix, local, wanted, lithium, reducing + BEYOND_V, reduced_phase[row], reduced_amount[row]
            )
            steps[row] = steps[row] + more if more != NOT_CONVERGED else NOT_CONVERGED
        oxidised_lithium[row], more = _beyond(
            rows, matrix, local, wanted, lithium, oxidising - BEYOND_V, oxidised_phase[row], oxidised_amount[row]
        )
        steps[row] = steps[row] + more if NOT_CONVERGED not in (more, steps[row]) else NOT_CONVERGED


@kernel
def find_limits(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_high: NDArray[np.uint64],
    system_low: NDArray[np.uint64],
    system_start: NDArray[np.int64],
    usable: NDArray[np.bool_],
    energy: NDArray[np.float64],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    own: NDArray[np.float64],
    reduction: NDArray[np.float64],
    oxidation: NDArray[np.float64],
) -> None:
    """Fill the limits for every set of energies, shape (d, n); one set of phases or of own energies serves all."""
    for row in range(composition.shape[0]):
        k = 0
        while k < composition.shape[1] and composition[row, k] > 0:
            k += 1
        components, wanted = atomic_number[row, :k], composition[row, :k]
        rows, matrix = phases_within(
            start, element, fraction, system_high, system_low, system_start, usable, components, NO_PHASE
        )
        lithium = _lithium_column(components)
        with_own = matrix
        if k > 1:
            _, with_own = _with_own(rows, matrix, wanted)
        basis, amount = np.empty(k, dtype=np.int64), np.empty(k)
        for draw in range(reduction.shape[0]):
            local = energy[min(draw, energy.shape[0] - 1)][rows]
            of_own = own[min(draw, own.shape[0] - 1), row]
            used = matrix
            if k > 1 and not np.isnan(of_own):
                used, local = with_own, np.append(local, of_own)
            _, reducing, oxidising, _ = _limits(used, local, wanted, lithium, basis, amount)
            reduction[draw, row], oxidation[draw, row] = 0.0 - reducing, 0.0 - oxidising
