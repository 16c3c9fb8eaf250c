"""Electrochemical windows: between which potentials against lithium a composition neither takes nor gives lithium.

The composition is taken as the lowest-energy mixture there. Of the lithium chemical potentials that this equilibrium
allows, the highest gives the reduction and the lowest the oxidation potential; they are the duals of lithium with a
little lithium more, and a little less (Zhu, He and Mo, ACS Appl. Mater. Interfaces 7, 23685 (2015), doi
10.1021/acsami.5b07517, draw the same windows from phase diagrams). From the optimum a dual simplex reaches either in a
few steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel
from training.thermodynamics.hull import LITHIUM, NO_PHASE, element_basis, lowest_mixture, phases_within, without_column
from training.thermodynamics.phases import PhaseArrays, PhaseTable
from training.thermodynamics.reactions import Reaction, listed_units, net_reaction, reduced
from training.thermodynamics.simplex import MAX_ITERATIONS, NOT_CONVERGED, in_basis, minimise, pivot, potentials

OWN_PHASE = -2
STEP = 1e-5  # lithium atoms per atom of the composition; smaller imbalances are rounding of the formula
BEYOND_V = 1e-4  # how far beyond a limit the new mixture is looked for
INFEASIBLE = -1e-11  # an amount below this is negative
DUAL_PIVOT = -1e-9


class Mixtures(NamedTuple):
    """Mixtures of phases at n compositions of up to k elements.

    Attributes
    ----------
    phase
        Rows of the phase table, `OWN_PHASE` for the composition itself with its own energy, `NO_PHASE` where there is
        none; shape (n, k).
    amount
        Atoms of each phase per atom of the composition, lithium counted; shape (n, k).
    lithium
        Lithium atoms taken up per atom of the composition, negative where given up; shape (n,).
    """

    phase: NDArray[np.int64]
    amount: NDArray[np.float64]
    lithium: NDArray[np.float64]

    @classmethod
    def empty(cls, n: int, k: int) -> Mixtures:
        """Return n empty mixtures."""
        return cls(np.full((n, k), NO_PHASE), np.zeros((n, k)), np.zeros(n))


class Windows(NamedTuple):
    """Electrochemical windows of n compositions.

    Attributes
    ----------
    lower_V, upper_V
        Limits against Li/Li+, NaN for a composition without lithium or where the solver reached its bound; shape (n,).
    energy_eV_per_atom
        Formation energy of the equilibrium mixture, shape (n,).
    equilibrium
        The mixture inside the window.
    reduced, oxidised
        The mixtures just beyond the limits for a system open to lithium; empty where there is no limit (a composition
        stable against lithium metal) or no window.
    steps
        Simplex steps of all, -1 where one reached its bound; shape (n,).
    """

    lower_V: NDArray[np.float64]
    upper_V: NDArray[np.float64]
    energy_eV_per_atom: NDArray[np.float64]
    equilibrium: Mixtures
    reduced: Mixtures
    oxidised: Mixtures
    steps: NDArray[np.int64]


class System(NamedTuple):
    """The phases of which mixtures at a composition can be made, as far as it is known itself the last of them."""

    rows: NDArray[np.int64]
    matrix: NDArray[np.float64]
    composition: NDArray[np.float64]
    lithium: int
    """Column of lithium, -1 where there is none."""


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
    system: System,
    energy: NDArray[np.float64],
    target: NDArray[np.float64],
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
            return dual[system.lithium], step
        entering = _dual_entering(system.matrix, energy, dual, inverse[place])
        if entering < 0:
            break
        in_basis(inverse, system.matrix[entering], direction)
        pivot(inverse, direction, place)
        basis[place] = entering
    return np.nan, NOT_CONVERGED


@kernel
def _system_at(phases: PhaseArrays, atomic_number: NDArray[np.int64], composition: NDArray[np.float64]) -> System:
    """Gather the phases within the elements of a composition, padded with 0, and the composition as the last phase."""
    k, lithium = 0, -1
    while k < composition.shape[0] and composition[k] > 0:
        if atomic_number[k] == LITHIUM:
            lithium = k
        k += 1
    rows, matrix = phases_within(phases, atomic_number[:k], NO_PHASE)
    n = rows.shape[0]
    with_own = np.empty((n + 1, k))
    with_own[:n], with_own[n] = matrix, composition[:k]
    return System(np.append(rows, OWN_PHASE), with_own, composition[:k], lithium)


@kernel
def _with_energies(system: System, energy: NDArray[np.float64], own: float) -> tuple[System, NDArray[np.float64]]:
    """Return the phases of a system with their energies; the composition stays one if its own is given."""
    n = system.rows.shape[0] - 1
    local = np.append(energy[system.rows[:n]], own)
    if system.composition.shape[0] > 1 and not np.isnan(own):
        return system, local
    return System(system.rows[:n], system.matrix[:n], system.composition, system.lithium), local[:n]


@kernel
def _limits(
    system: System, energy: NDArray[np.float64], basis: NDArray[np.int64], amount: NDArray[np.float64]
) -> tuple[float, float, float, int]:
    """Return the energy, the lithium potentials at reduction and oxidation, and steps; fill the mixture."""
    basis[:] = element_basis(system.matrix)
    composition, lithium = system.composition, system.lithium
    m = composition.shape[0]
    dual, inverse = np.empty(m), np.empty((m, m))
    steps = minimise(system.matrix, energy, composition, basis, amount, dual, inverse)
    total = 0.0
    for i in range(m):
        total += amount[i] * energy[basis[i]]
    if lithium < 0 or steps == NOT_CONVERGED:
        return total, np.nan, np.nan, steps
    target = composition.copy()
    target[lithium] += STEP
    reducing, more = _lithium_dual(system, energy, target, basis, inverse)
    target[lithium] = composition[lithium] - min(STEP, 0.5 * composition[lithium])
    oxidising, still_more = _lithium_dual(system, energy, target, basis, inverse)
    if more == NOT_CONVERGED or still_more == NOT_CONVERGED:
        return total, np.nan, np.nan, NOT_CONVERGED
    return total, min(reducing, 0.0), min(oxidising, reducing, 0.0), steps + more + still_more


@kernel
def _fill_beyond(system: System, energy: NDArray[np.float64], potential: float, row: int, out: Mixtures) -> int:
    """Fill a row with the mixture of the system open to lithium at a potential; return the steps to it."""
    column, m = system.lithium, system.composition.shape[0] - 1
    lithium = system.matrix[:, column]
    others = np.append(system.composition[:column], system.composition[column + 1 :])
    basis, steps = lowest_mixture(
        without_column(system.matrix, column), energy - potential * lithium, others, out.amount[row, :m], np.empty(m)
    )
    out.lithium[row] = -system.composition[column]
    for i in range(m):
        out.phase[row, i] = system.rows[basis[i]]
        out.lithium[row] += out.amount[row, i] * lithium[basis[i]]
    return steps


@kernel
def _find_windows(
    phases: PhaseArrays,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    own: NDArray[np.float64],
    out: Windows,
) -> None:
    for row in range(composition.shape[0]):
        system = _system_at(phases, atomic_number[row], composition[row])
        system, energy = _with_energies(system, phases.energy_eV_per_atom, own[row])
        k = system.composition.shape[0]
        basis = np.empty(k, dtype=np.int64)
        lowest, reducing, oxidising, steps = _limits(system, energy, basis, out.equilibrium.amount[row, :k])
        out.energy_eV_per_atom[row] = lowest
        out.equilibrium.phase[row, :k] = system.rows[basis]
        out.lower_V[row], out.upper_V[row] = 0.0 - reducing, 0.0 - oxidising
        if not np.isnan(reducing) and k > 1:
            more = 0
            if -reducing > BEYOND_V:
                more = _fill_beyond(system, energy, reducing + BEYOND_V, row, out.reduced)
            still_more = _fill_beyond(system, energy, oxidising - BEYOND_V, row, out.oxidised)
            failed = more == NOT_CONVERGED or still_more == NOT_CONVERGED
            steps = NOT_CONVERGED if failed else steps + more + still_more
        out.steps[row] = steps


@kernel
def _find_limits(
    phases: PhaseArrays,
    energy: NDArray[np.float64],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    own: NDArray[np.float64],
    reduction: NDArray[np.float64],
    oxidation: NDArray[np.float64],
) -> None:
    """Fill the limits for every set of energies, shape (d, n); one set of phases or of own energies serves all."""
    for row in range(composition.shape[0]):
        system = _system_at(phases, atomic_number[row], composition[row])
        k = system.composition.shape[0]
        basis, amount = np.empty(k, dtype=np.int64), np.empty(k)
        for draw in range(reduction.shape[0]):
            of_draw = energy[min(draw, energy.shape[0] - 1)]
            used, local = _with_energies(system, of_draw, own[min(draw, own.shape[0] - 1), row])
            _, reducing, oxidising, _ = _limits(used, local, basis, amount)
            reduction[draw, row], oxidation[draw, row] = 0.0 - reducing, 0.0 - oxidising


def windows(
    table: PhaseTable,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    *,
    usable: NDArray[np.bool_] | None = None,
    energy_eV_per_atom: NDArray[np.float64] | None = None,
    own_energy_eV_per_atom: NDArray[np.float64] | None = None,
) -> Windows:
    """Find the electrochemical windows of compositions.

    Parameters
    ----------
    table
        The phases.
    atomic_number, composition
        Elements and amounts of each composition, shape (n, k), padded with amount 0 at the end. Every element must be
        covered by the table.
    usable
        Which phases may take part, shape (n_phases,); elements always may.
    energy_eV_per_atom
        Formation energies to be used in place of the table's, shape (n_phases,).
    own_energy_eV_per_atom
        Formation energies of the compositions themselves, each a phase of its own mixture; NaN for none; shape (n,).
        The window only narrows as this energy rises, and above the mixture's energy it has no influence: the window
        at a quantile of the energy is the quantile of the window.

    Returns
    -------
    Windows
    """
    fraction = _normalised(composition)
    n, k = fraction.shape
    out = Windows(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        Mixtures.empty(n, k),
        Mixtures.empty(n, k),
        Mixtures.empty(n, k),
        np.full(n, NOT_CONVERGED),
    )
    own = np.full(n, np.nan) if own_energy_eV_per_atom is None else np.asarray(own_energy_eV_per_atom, float)
    _find_windows(table.arrays(usable, energy_eV_per_atom), np.ascontiguousarray(atomic_number), fraction, own, out)
    return out


def window_draws(
    table: PhaseTable,
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    *,
    energy_eV_per_atom: NDArray[np.float64] | None = None,
    own_energy_eV_per_atom: NDArray[np.float64] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the limits of the windows for several sets of energies; phases are gathered once a composition.

    Parameters
    ----------
    table, atomic_number, composition, usable
        As in `windows`.
    energy_eV_per_atom
        Sets of energies of all phases, shape (d, n_phases); the table's own where not given.
    own_energy_eV_per_atom
        Sets of energies of the compositions themselves, NaN for none; shape (d, n).

    Returns
    -------
    lower_V, upper_V
        Shape (d, n), NaN as in `windows`.

    Raises
    ------
    ValueError
        If neither set of energies is given, or their numbers of draws differ.
    """
    fraction = _normalised(composition)
    sets = [np.atleast_2d(e) for e in (energy_eV_per_atom, own_energy_eV_per_atom) if e is not None]
    if not sets or len({len(e) for e in sets}) != 1:
        raise ValueError("give energies of the phases, of the compositions, or as many sets of both")
    d, n = len(sets[0]), len(fraction)
    energy = table.energy_eV_per_atom[None] if energy_eV_per_atom is None else np.atleast_2d(energy_eV_per_atom)
    own = np.full((1, n), np.nan) if own_energy_eV_per_atom is None else np.atleast_2d(own_energy_eV_per_atom)
    reduction, oxidation = np.empty((d, n)), np.empty((d, n))
    numbers = np.ascontiguousarray(atomic_number)
    energy, own = np.ascontiguousarray(energy, float), np.ascontiguousarray(own, float)
    _find_limits(table.arrays(usable), energy, numbers, fraction, own, reduction, oxidation)
    return reduction, oxidation


def _normalised(composition: NDArray[np.float64]) -> NDArray[np.float64]:
    amounts = np.ascontiguousarray(composition, dtype=np.float64)
    fraction: NDArray[np.float64] = amounts / amounts.sum(axis=1, keepdims=True)
    return fraction


def limit_reactions(
    table: PhaseTable, amounts: Sequence[Mapping[str, float]], found: Windows
) -> list[tuple[Reaction | None, Reaction | None]]:
    """Return the reactions with lithium just beyond either limit, per formula unit.

    Parameters
    ----------
    table
        The phases.
    amounts
        Element symbol to amount of each composition, in the order in which `found` was asked.
    found
        The windows.

    Returns
    -------
    list
        Reduction such as `Li3PS4 + 5 Li -> ...` and oxidation such as `2 Li3PS4 -> ... + 6 Li` of each; None where
        there is no such limit.
    """
    units = [reduced(each) for each in amounts]
    reduction, oxidation = (_limit_reactions(table, units, beyond) for beyond in (found.reduced, found.oxidised))
    return list(zip(reduction, oxidation, strict=True))


def _limit_reactions(
    table: PhaseTable, units: Sequence[tuple[str, Mapping[str, float]]], mixtures: Mixtures
) -> list[Reaction | None]:
    """Return the reactions into the first mixtures, given their compositions as reduced formulas with atoms."""
    columns = zip(units, mixtures.phase.tolist(), mixtures.amount.tolist(), mixtures.lithium.tolist(), strict=False)
    reactions: list[Reaction | None] = []
    for (formula, per_unit), phase, amount, lithium in columns:
        if phase.count(NO_PHASE) == len(phase):
            reactions.append(None)
            continue
        atoms = sum(per_unit.values())
        products = listed_units(table, phase, amount, atoms)
        reactions.append(net_reaction({formula: 1.0, "Li": lithium * atoms}, products))
    return reactions
