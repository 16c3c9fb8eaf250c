"""Electrochemical windows: between which potentials against lithium a composition neither takes nor gives lithium.

The composition is taken as the lowest-energy mixture there. Of the lithium chemical potentials that this equilibrium
allows, the highest gives the reduction and the lowest the oxidation potential; they are the duals of lithium with a
little lithium more, and a little less (Zhu, He and Mo, ACS Appl. Mater. Interfaces 7, 23685 (2015), doi
10.1021/acsami.5b07517, draw the same windows from phase diagrams). From the optimum a dual simplex reaches either in a
few steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.thermodynamics import window_kernel
from training.thermodynamics.hull import NO_PHASE
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reaction, formula_units, net_reaction, reduced
from training.thermodynamics.simplex import NOT_CONVERGED
from training.thermodynamics.window_kernel import OWN_PHASE

__all__ = ["NO_LIMIT_BELOW_V", "OWN_PHASE", "Mixtures", "Windows", "limit_reactions", "window_draws", "windows"]

NO_LIMIT_BELOW_V = 1e-4
"""A reduction potential below this is that of lithium metal itself: nothing is reduced before lithium plates."""


@dataclass(frozen=True, eq=False)
class Mixtures:
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


@dataclass(frozen=True, eq=False)
class Windows:
    """Electrochemical windows of n compositions.

    Attributes
    ----------
    reduction_V, oxidation_V
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

    reduction_V: NDArray[np.float64]
    oxidation_V: NDArray[np.float64]
    energy_eV_per_atom: NDArray[np.float64]
    equilibrium: Mixtures
    reduced: Mixtures
    oxidised: Mixtures
    steps: NDArray[np.int64]


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
        np.empty(n), np.empty(n), np.empty(n), Mixtures.empty(n, k), Mixtures.empty(n, k), Mixtures.empty(n, k),
        np.full(n, NOT_CONVERGED),
    )  # fmt: skip
    energy = table.energy_eV_per_atom if energy_eV_per_atom is None else np.asarray(energy_eV_per_atom, float)
    window_kernel.find_windows(
        table.start, table.element, table.fraction, table.system_high, table.system_low, table.system_start,
        _usable(table, usable), energy, np.ascontiguousarray(atomic_number), fraction,
        np.full(n, np.nan) if own_energy_eV_per_atom is None else np.asarray(own_energy_eV_per_atom, float),
        out.reduction_V, out.oxidation_V, out.energy_eV_per_atom, out.steps,
        out.equilibrium.phase, out.equilibrium.amount,
        out.reduced.phase, out.reduced.amount, out.reduced.lithium,
        out.oxidised.phase, out.oxidised.amount, out.oxidised.lithium,
    )  # fmt: skip
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
    reduction_V, oxidation_V
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
    window_kernel.find_limits(
        table.start, table.element, table.fraction, table.system_high, table.system_low, table.system_start,
        _usable(table, usable), np.ascontiguousarray(energy, float), np.ascontiguousarray(atomic_number), fraction,
        np.ascontiguousarray(own, float), reduction, oxidation,
    )  # fmt: skip
    return reduction, oxidation


def _normalised(composition: NDArray[np.float64]) -> NDArray[np.float64]:
    amounts = np.ascontiguousarray(composition, dtype=np.float64)
    fraction: NDArray[np.float64] = amounts / amounts.sum(axis=1, keepdims=True)
    return fraction


def _usable(table: PhaseTable, usable: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.ones(len(table), np.bool_) if usable is None else usable


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
    return [
        (_limit_reaction(table, each, found.reduced, row), _limit_reaction(table, each, found.oxidised, row))
        for row, each in enumerate(amounts)
    ]


def _limit_reaction(table: PhaseTable, amounts: Mapping[str, float], mixtures: Mixtures, row: int) -> Reaction | None:
    if (mixtures.phase[row] == NO_PHASE).all():
        return None
    formula, per_unit = reduced(amounts)
    atoms = sum(per_unit.values())
    units = formula_units(table, mixtures.phase[row], mixtures.amount[row], atoms)
    lithium = float(mixtures.lithium[row]) * atoms
    return net_reaction({formula: 1.0, "Li": lithium}, units)
