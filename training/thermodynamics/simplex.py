"""A small compiled simplex: the cheapest mixture of phases at a composition.

minimise E.w subject to A'w = c, w >= 0, where row j of A holds the element fractions of phase j and E its energy per
atom. Every element is a phase too, so a feasible start is always known: the elements themselves. The problems are
small (up to 20 elements, some thousand phases) and many, so a revised simplex with an explicit inverse of the basis
beats general solvers by two orders of magnitude. scipy's HiGHS is the oracle in the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

REDUCED_COST_TOLERANCE = 1e-9  # eV/atom; published energies carry 1e-4 and less
PIVOT_TOLERANCE = 1e-11
DEGENERATE_STEPS_BEFORE_BLAND = 30
MAX_ITERATIONS = 5000
NOT_CONVERGED = -1


@kernel
def _entering(
    fraction: NDArray[np.float64], energy: NDArray[np.float64], dual: NDArray[np.float64], first_only: bool
) -> int:
    """Return the phase with the most negative reduced cost (or the first one, Bland's rule), -1 at the optimum."""
    best, lowest = -1, -REDUCED_COST_TOLERANCE
    for j in range(fraction.shape[0]):
        cost = energy[j]
        for i in range(dual.shape[0]):
            cost -= fraction[j, i] * dual[i]
        if cost < lowest:
            best, lowest = j, cost
            if first_only:
                break
    return best


@kernel
def _leaving(direction: NDArray[np.float64], amount: NDArray[np.float64], basis: NDArray[np.int64], bland: bool) -> int:
    """Return the place in the basis that empties first, -1 if none does."""
    place, smallest = -1, np.inf
    for i in range(amount.shape[0]):
        if direction[i] <= PIVOT_TOLERANCE:
            continue
        ratio = amount[i] / direction[i]
        if place < 0 or ratio < smallest - 1e-13:
            place, smallest = i, ratio
        elif ratio <= smallest + 1e-13:
            better = basis[i] < basis[place] if bland else direction[i] > direction[place]
            if better:
                place, smallest = i, min(ratio, smallest)
    return place


@kernel
def potentials(
    energy: NDArray[np.float64], basis: NDArray[np.int64], inverse: NDArray[np.float64], dual: NDArray[np.float64]
) -> None:
    """Fill the chemical potentials of the elements that a basis means."""
    for k in range(basis.shape[0]):
        potential = 0.0
        for i in range(basis.shape[0]):
            potential += energy[basis[i]] * inverse[i, k]
        dual[k] = potential


@kernel
def pivot(inverse: NDArray[np.float64], direction: NDArray[np.float64], place: int) -> None:
    """Change the inverse of the basis as a phase takes a place; `direction` is that phase in the old basis."""
    m = inverse.shape[0]
    for i in range(m):
        if i != place:
            factor = direction[i] / direction[place]
            for k in range(m):
                inverse[i, k] -= factor * inverse[place, k]
    for k in range(m):
        inverse[place, k] /= direction[place]


@kernel
def in_basis(inverse: NDArray[np.float64], composition: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fill the amounts of the phases of a basis that make up a composition."""
    m = inverse.shape[0]
    for i in range(m):
        value = 0.0
        for k in range(m):
            value += inverse[i, k] * composition[k]
        out[i] = value


@kernel
def minimise(
    fraction: NDArray[np.float64],
    energy: NDArray[np.float64],
    composition: NDArray[np.float64],
    basis: NDArray[np.int64],
    amount: NDArray[np.float64],
    dual: NDArray[np.float64],
    inverse: NDArray[np.float64],
) -> int:
    """Find the lowest-energy mixture of phases at a composition.

    Parameters
    ----------
    fraction
        Element amounts of the phases, shape (n_phases, m).
    energy
        Energies of the phases in eV per the amounts in `fraction`, shape (n_phases,).
    composition
        Amounts to be made up, all >= 0, shape (m,).
    basis
        On entry the rows of the m pure elements, in the order of the columns, each holding only its element; on
        return the phases of the mixture. Shape (m,).
    amount, dual
        Filled on return: amount of each phase of the basis and chemical potential of each element (eV per atom).
    inverse
        Filled on return: the inverse of the basis, shape (m, m).

    Returns
    -------
    int
        Number of steps taken, or `NOT_CONVERGED` after `MAX_ITERATIONS`; the basis is then feasible but may be
        above the optimum.
    """
    m = composition.shape[0]
    inverse[:] = 0.0
    for i in range(m):
        inverse[i, i] = 1.0 / fraction[basis[i], i]
        amount[i] = composition[i] * inverse[i, i]
    return descend(fraction, energy, basis, amount, dual, inverse)


@kernel
def descend(
    fraction: NDArray[np.float64],
    energy: NDArray[np.float64],
    basis: NDArray[np.int64],
    amount: NDArray[np.float64],
    dual: NDArray[np.float64],
    inverse: NDArray[np.float64],
) -> int:
    """Go from a feasible basis, its amounts and its inverse to the optimum; all are as in `minimise`."""
    m = basis.shape[0]
    direction = np.empty(m)
    degenerate = 0
    for step in range(MAX_ITERATIONS):
        potentials(energy, basis, inverse, dual)
        bland = degenerate > DEGENERATE_STEPS_BEFORE_BLAND
        entering = _entering(fraction, energy, dual, bland)
        if entering < 0:
            return step
        in_basis(inverse, fraction[entering], direction)
        place = _leaving(direction, amount, basis, bland)
        if place < 0:
            return NOT_CONVERGED
        length = amount[place] / direction[place]
        degenerate = degenerate + 1 if length < 1e-12 else 0
        for i in range(m):
            if i != place:
                amount[i] = max(amount[i] - length * direction[i], 0.0)
        pivot(inverse, direction, place)
        amount[place] = length
        basis[place] = entering
    return NOT_CONVERGED
