"""The most exothermic reaction of one material with each of many, one linear programme a pair.

`mixing.mix` follows the energy along the line from one material to another, and says at which ratios products change.
Where only the most negative reaction energy is wanted, the ratio is one more unknown of the same linear programme: with
x the share of the second material's atoms, minimise `E.w - (1-x) e1 - x e2` subject to `A'w = (1-x) c1 + x c2`, w >= 0
and 0 <= x <= 1. The first material and its elements are a feasible start, and what the contact adds to what either does
alone is the same programme with the energies of the mixtures in the place of e1 and e2, from the optimum onwards.
Reaction energies as in Richards et al., Chem. Mater. 28, 266 (2016), doi 10.1021/acs.chemmater.5b04082.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel
from training.thermodynamics.hull import NO_PHASE, element_basis, phases_within
from training.thermodynamics.phases import PhaseArrays, PhaseTable
from training.thermodynamics.reactions import (
    LEAST_AMOUNT,
    Reactant,
    Reaction,
    band_gaps,
    formula_units,
    layout,
    net_reaction,
)
from training.thermodynamics.simplex import NOT_CONVERGED, descend


class Ends(NamedTuple):
    """The two materials that touch: elements, atomic fractions, own energies and those of the mixtures there."""

    atomic_number: NDArray[np.int64]
    fraction: NDArray[np.float64]
    """Of the first and the second material, shape (2, k)."""
    own: NDArray[np.float64]
    mixture: NDArray[np.float64]


class Contacts(NamedTuple):
    """The most exothermic reactions of one material with n others.

    Attributes
    ----------
    energy_eV_per_atom
        Per atom of the reacting mixture, 0 or below; NaN where the solver reached its bound; shape (n,).
    added_eV_per_atom
        The same of what the two become each for itself: what the contact adds, 0 or below; shape (n,).
    share
        Share of the others' atoms in the mixture of `energy_eV_per_atom`, shape (n,).
    phase, amount
        Rows of the phases formed there and their atoms per atom of the mixture, shape (n, k).
    """

    energy_eV_per_atom: NDArray[np.float64]
    added_eV_per_atom: NDArray[np.float64]
    share: NDArray[np.float64]
    phase: NDArray[np.int64]
    amount: NDArray[np.float64]


@kernel
def _union(
    first: NDArray[np.int64],
    first_fraction: NDArray[np.float64],
    second: NDArray[np.int64],
    second_fraction: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the elements of both and the fractions of either, shape (k,) and (2, k)."""
    held = np.zeros((2, 128))
    for i in range(first.shape[0]):
        held[0, first[i]] += first_fraction[i]
    for i in range(second.shape[0]):
        held[1, second[i]] += second_fraction[i]
    numbers = np.flatnonzero((held[0] > 0) | (held[1] > 0))
    return numbers, held[:, numbers]


@kernel
def _most_exothermic(
    phases: PhaseArrays, ends: Ends, phase: NDArray[np.int64], amount: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return energy, what the contact adds, and the second's share, NaN at the solver's bound; fill the mixture."""
    k = ends.atomic_number.shape[0]
    rows, within = phases_within(phases, ends.atomic_number, NO_PHASE)
    n = rows.shape[0]
    matrix, energy = np.zeros((n + 2, k + 1)), np.empty(n + 2)
    matrix[:n, :k], energy[:n] = within, phases.energy_eV_per_atom[rows]
    basis, inverse, made, dual = np.empty(k + 1, np.int64), np.zeros((k + 1, k + 1)), np.empty(k + 1), np.empty(k + 1)
    basis[:k], basis[k], inverse[k, k], made[k] = element_basis(within), n, 1.0, 1.0
    for end in range(2):
        energy[n + end], matrix[n + end, k] = -ends.own[end], 1.0
        for i in range(k):
            matrix[n + end, i] = -ends.fraction[end, i]
    for i in range(k):
        inverse[i, i], inverse[i, k], made[i] = 1.0, ends.fraction[0, i], ends.fraction[0, i]
    if descend(matrix, energy, basis, made, dual, inverse) == NOT_CONVERGED:
        return np.nan, np.nan, np.nan
    total, share = _sum(energy, basis, made), 0.0
    for i in range(k + 1):
        if basis[i] == n + 1:
            share = made[i]
        if basis[i] < n:
            phase[i], amount[i] = rows[basis[i]], made[i]
    if ends.own[0] == ends.mixture[0] and ends.own[1] == ends.mixture[1]:
        return total, total, share
    energy[n], energy[n + 1] = -ends.mixture[0], -ends.mixture[1]
    if descend(matrix, energy, basis, made, dual, inverse) == NOT_CONVERGED:
        return np.nan, np.nan, np.nan
    return total, _sum(energy, basis, made), share


@kernel
def _sum(energy: NDArray[np.float64], basis: NDArray[np.int64], made: NDArray[np.float64]) -> float:
    total = 0.0
    for i in range(basis.shape[0]):
        total += energy[basis[i]] * made[i]
    return min(total, 0.0)


@kernel
def _fill(
    phases: PhaseArrays,
    first: tuple[NDArray[np.int64], NDArray[np.float64], float, float],
    others: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    out: Contacts,
) -> None:
    for row in range(others[1].shape[0]):
        numbers, fraction = _union(first[0], first[1], others[0][row], others[1][row])
        own, mixture = np.array([first[2], others[2][row]]), np.array([first[3], others[3][row]])
        ends = Ends(numbers, fraction, own, mixture)
        found = _most_exothermic(phases, ends, out.phase[row], out.amount[row])
        out.energy_eV_per_atom[row], out.added_eV_per_atom[row], out.share[row] = found


def contacts(
    table: PhaseTable,
    first: Reactant,
    atomic_number: NDArray[np.int64],
    fraction: NDArray[np.float64],
    energy_eV_per_atom: NDArray[np.float64],
    mixture_energy_eV_per_atom: NDArray[np.float64],
) -> Contacts:
    """Find the most exothermic reaction of one material with each of n others.

    Parameters
    ----------
    table
        The phases that may form.
    first
        The material that all touch.
    atomic_number, fraction
        The others, shape (n, k), padded with fraction 0 at the end; every element must be covered by the table.
    energy_eV_per_atom, mixture_energy_eV_per_atom
        Their formation energies, and the lowest ones of mixtures of phases at their compositions, shape (n,).

    Returns
    -------
    Contacts
        The same energies as `mixing.mix` (`tests/training/test_contacts.py`), in a hundredth of the time.
    """
    numbers, fractions = layout([first.amounts])
    n, width = len(fraction), fraction.shape[1] + len(first.amounts) + 1
    energy, added, share = (np.full(n, np.nan) for _ in range(3))
    out = Contacts(energy, added, share, np.full((n, width), NO_PHASE), np.zeros((n, width)))
    lowest = min(first.energy_eV_per_atom, first.mixture_energy_eV_per_atom)
    one = numbers[0], fractions[0], first.energy_eV_per_atom, lowest
    own = np.ascontiguousarray(energy_eV_per_atom, float)
    mixture = np.minimum(own, np.asarray(mixture_energy_eV_per_atom, float))
    many = np.ascontiguousarray(atomic_number), np.ascontiguousarray(fraction, float), own, mixture
    _fill(table.arrays(), one, many, out)
    return out


def contact_reaction(table: PhaseTable, first: Reactant, other: Reactant, found: Contacts, row: int) -> Reaction:
    """Write one of the reactions per formula unit of the first material, of the other where that reacts alone.

    Parameters
    ----------
    table, first
        As given to `contacts`.
    other
        The material of that row.
    found, row
        What `contacts` returned, and where.
    """
    energy, share = float(found.energy_eV_per_atom[row]), float(found.share[row])
    if not energy < -LEAST_AMOUNT:
        return Reaction({}, {}, 0.0)
    parts = [(first, (1.0 - share) / first.atoms), (other, share / other.atoms)]
    scale = 1.0 / next(amount for _, amount in parts if amount > LEAST_AMOUNT)
    reactants: dict[str, float] = {}
    for material, amount in parts:
        if amount > LEAST_AMOUNT:
            reactants[material.formula] = reactants.get(material.formula, 0.0) + amount * scale
    units = formula_units(table, found.phase[row], found.amount[row], scale)
    gaps = band_gaps(table, found.phase[row])
    return net_reaction(reactants, units, energy_eV=energy * scale, band_gap_eV=gaps, least=1e-5 * scale)
