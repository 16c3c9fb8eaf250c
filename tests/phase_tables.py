"""Tables of phases for the tests of stability: the public one where it is at hand, made-up ones, and an oracle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from features.formula_terms import plain_amounts
from training.properties.stability.table import SOURCE_KEYS, EnergyTable, read_energies
from training.sources import missing
from training.thermodynamics.phases import PhaseTable

Array = NDArray[np.float64]

# formation energies in eV/atom, rounded from the public table: enough chemistry for thiophosphates against lithium
SMALL = {
    "Li2S": -1.5608,
    "Li3P": -0.7000,
    "LiP": -0.4500,
    "Li3PS4": -1.2657,
    "P2S5": -0.5500,
    "LiCl": -2.1275,
    "Li6PS5Cl": -1.3833,
    "PCl3": -0.8000,
    "P4S3": -0.4600,
    "LiS4": -0.7000,
}


@cache
def reference() -> EnergyTable:
    """Return the public table, or skip the test, saying so."""
    if absent := missing(SOURCE_KEYS):
        pytest.skip(f"public tables are absent: {', '.join(absent)}; run `elyte data fetch` or set a mirror")
    return read_energies()


@cache
def small() -> PhaseTable:
    """Return ten phases of Li, P, S and Cl."""
    return build(SMALL)


def atoms_of(formula: str) -> dict[str, float]:
    """Read a phase made up at random, which may look like a name: `LiPS`."""
    return plain_amounts(formula) or parse_formula(formula)


def build(energies: dict[str, float]) -> PhaseTable:
    """Make a table from formulas and energies."""
    amounts = [atoms_of(formula) for formula in energies]
    return PhaseTable.build(
        [np.array([ATOMIC_NUMBER[symbol] for symbol in each]) for each in amounts],
        [np.array(list(each.values())) for each in amounts],
        np.array(list(energies.values())),
    )


@dataclass(frozen=True)
class Problem:
    """A made-up table and a composition in it."""

    table: PhaseTable
    amounts: dict[str, float]


ELEMENTS = ("Li", "P", "S", "Cl", "O", "La")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw a table of random binaries to quaternaries of up to six elements, lithium always, and a composition."""
    elements = ("Li", *draw(st.lists(st.sampled_from(ELEMENTS[1:]), min_size=1, max_size=5, unique=True)))
    seed = draw(st.integers(0, 2**32 - 1))
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(seed)
    energies: dict[str, float] = {}
    for _ in range(n):
        chosen = rng.choice(elements, size=min(len(elements), int(rng.integers(2, 5))), replace=False)
        formula = "".join(f"{symbol}{rng.integers(1, 6)}" for symbol in sorted(chosen))
        energies[formula] = round(float(rng.uniform(-3.0, 0.5)), 3)
    # every element is in the table
    energies |= {f"Li{i + 1}{symbol}": round(float(rng.uniform(-1, 0)), 3) for i, symbol in enumerate(elements[1:])}
    kind = draw(st.sampled_from(("plain", "tiny", "phase")))
    if kind == "phase":  # right on a phase: as degenerate as can be
        phases = [formula for formula in sorted(energies) if "Li" in formula]
        return Problem(build(energies), atoms_of(str(rng.choice(phases))))
    low = 1e-6 if kind == "tiny" else 0.1
    return Problem(build(energies), {symbol: float(rng.choice([low, rng.uniform(0.1, 9)])) for symbol in elements})


@dataclass(frozen=True)
class Oracle:
    """What HiGHS finds."""

    energy: float
    potential: dict[str, float]


def by_highs(
    table: PhaseTable, amounts: dict[str, float], *, excluded: int = -1, voltage_V: float | None = None
) -> Oracle:
    """Solve one equilibrium with scipy's HiGHS, per atom (per atom without lithium at a voltage)."""
    components = sorted(ATOMIC_NUMBER[symbol] for symbol in amounts)
    if voltage_V is not None:
        components = sorted({3, *components})
    column = {number: i for i, number in enumerate(components)}
    rows, matrix = [], []
    for row in range(len(table)):
        held = table.element[table.start[row] : table.start[row + 1]]
        if row == excluded or not all(number in column for number in held.tolist()):
            continue
        fractions = np.zeros(len(components))
        places = [column[number] for number in held.tolist()]
        fractions[places] = table.fraction[table.start[row] : table.start[row + 1]]
        rows.append(row)
        matrix.append(fractions)
    a, cost = np.array(matrix), table.energy_eV_per_atom[rows]
    if voltage_V is not None:
        cost = cost + voltage_V * a[:, column[3]]
        a = np.delete(a, column.pop(3), axis=1)
        components.remove(3)
    target = np.array([amounts[symbol] for z in components for symbol in amounts if ATOMIC_NUMBER[symbol] == z])
    target = target / target.sum()
    found = linprog(cost, A_eq=a.T, b_eq=target, method="highs", options={"primal_feasibility_tolerance": 1e-10})
    assert found.status == 0, found.message
    symbols = {ATOMIC_NUMBER[s]: s for s in amounts}
    dual = {symbols[z]: float(found.eqlin.marginals[i]) for i, z in enumerate(components)}
    return Oracle(float(found.fun), dual)
