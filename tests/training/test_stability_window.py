"""Electrochemical windows against three other ways to them, and where they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from phase_tables import SMALL, Problem, build, by_highs, problems, reference, small

from features.elements import SYMBOLS
from features.formula import parse_formula
from training.properties.stability.literature import literature_windows, reference_windows
from training.thermodynamics import window
from training.thermodynamics.hull import NO_PHASE, open_equilibria
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import layout
from training.thermodynamics.simplex import NOT_CONVERGED
from training.thermodynamics.window import OWN_PHASE, STEP, Windows, limit_reactions, window_draws, windows


def ask(table: PhaseTable, *formulas: str) -> Windows:
    return windows(table, *layout([parse_formula(formula) for formula in formulas]))


# ---------------------------------------------------------------- against known windows


def test_reference_windows_are_met_within_two_millivolts() -> None:
    rows = reference_windows()
    found = ask(reference().phases, *(row.formula for row in rows))
    assert np.abs(found.lower_V - [row.reduction_V for row in rows]).max() < 2e-3
    assert np.abs(found.upper_V - [row.oxidation_V for row in rows]).max() < 2e-3
    assert np.abs(found.energy_eV_per_atom - [row.mixture_energy_eV_per_atom for row in rows]).max() < 1e-5


def test_published_windows_are_met_as_well_as_tables_of_another_year_allow() -> None:
    # Li0.33La0.56TiO3 as printed is not neutral and has no width
    rows = [row for row in literature_windows() if row.comparable != "no" and "La0.56" not in row.formula]
    found = ask(reference().phases, *(row.formula for row in rows))
    both = np.array([row.comparable == "yes" for row in rows])
    reduction = np.abs(found.lower_V - [row.reduction_V for row in rows])
    oxidation = np.abs(found.upper_V - [row.oxidation_V for row in rows])[both]
    assert np.nanmean(reduction) <= 0.03
    assert np.nanmean(oxidation) <= 0.08


@settings(max_examples=100, deadline=None)
@given(problems())
def test_limits_are_the_duals_of_highs_on_either_side(problem: Problem) -> None:
    atoms = sum(problem.amounts.values())
    assume(min(problem.amounts.values()) > 10 * STEP * atoms)  # less is taken for rounding of the formula
    found = windows(problem.table, *layout([problem.amounts]))
    lithium = problem.amounts["Li"] / atoms
    for limit, step in ((found.lower_V[0], STEP), (found.upper_V[0], -min(STEP, lithium / 2))):
        moved = {symbol: value / atoms for symbol, value in problem.amounts.items()}
        moved["Li"] += step
        # on the tie of two facets either dual is right: compare slopes from both sides
        near = [by_highs(problem.table, moved | {"Li": moved["Li"] * (1 + d)}).potential["Li"] for d in (-1e-4, 1e-4)]
        at = by_highs(problem.table, moved).potential["Li"]
        assert min(*near, at) - 1e-6 <= -limit <= max(*near, at) + 1e-6


# ---------------------------------------------------------------- what lies beyond the limits


@settings(max_examples=60, deadline=None)
@given(problems())
def test_beyond_the_limits_an_open_system_takes_or_gives_lithium_and_inside_neither(problem: Problem) -> None:
    atomic_number, fraction = layout([problem.amounts])
    found = windows(problem.table, atomic_number, fraction)
    reduction, oxidation = float(found.lower_V[0]), float(found.upper_V[0])
    assert oxidation >= reduction >= 0.0
    others = {symbol: value for symbol, value in problem.amounts.items() if symbol != "Li"}
    share = sum(others.values()) / sum(problem.amounts.values())
    taken = found.reduced.lithium[0]
    given_up = -found.oxidised.lithium[0]
    assert given_up > -1e-9
    if reduction > 1e-3:
        assert taken > -1e-9
    if oxidation - reduction > 1e-3:
        inside = open_equilibria(problem.table, *layout([others]), np.array([(reduction + oxidation) / 2]))
        # an imbalance smaller than the step that the limits ignore may still react
        held = problem.amounts["Li"] / sum(problem.amounts.values())
        assert inside.lithium[0] * share == pytest.approx(held, abs=2e-4)


def test_reactions_at_the_limits_of_a_thiophosphate() -> None:
    found = ask(small(), "Li3PS4", "Li6PS5Cl", "LiCl")
    pairs = limit_reactions(small(), [parse_formula(f) for f in ("Li3PS4", "Li6PS5Cl", "LiCl")], found)
    (reduction, oxidation), (of_argyrodite, _), (none, of_salt) = pairs
    assert reduction is not None
    assert oxidation is not None
    assert of_argyrodite is not None
    assert of_salt is not None
    assert reduction.text.startswith("Li3PS4 + ")
    assert reduction.reactants["Li"] > 0
    assert oxidation.products["Li"] > 0
    assert none is None  # stable against lithium metal: nothing forms before lithium plates
    assert found.lower_V[2] == 0.0
    assert of_salt.text == "LiCl -> 0.5 Cl2 + Li"
    for reaction in (reduction, oxidation, of_argyrodite, of_salt):
        assert reaction.imbalance() < 1e-6


def test_every_reaction_at_a_limit_is_balanced() -> None:
    formulas = [row.formula for row in reference_windows()]
    found = ask(reference().phases, *formulas)
    for pair in limit_reactions(reference().phases, [parse_formula(f) for f in formulas], found):
        for reaction in pair:
            assert reaction is None or reaction.imbalance() < 1e-6


# ---------------------------------------------------------------- energies that are not the table's


def test_an_own_energy_acts_as_one_more_phase() -> None:
    energies = {formula: energy for formula, energy in SMALL.items() if formula != "Li3PS4"}
    without, own = build(energies), np.array([SMALL["Li3PS4"]])
    atomic_number, fraction = layout([parse_formula("Li3PS4")])
    found = windows(without, atomic_number, fraction, own_energy_eV_per_atom=own)
    full = windows(small(), atomic_number, fraction)
    assert found.lower_V == pytest.approx(full.lower_V)
    assert found.upper_V == pytest.approx(full.upper_V)
    assert OWN_PHASE in found.equilibrium.phase
    assert found.energy_eV_per_atom == pytest.approx(own)


def test_the_window_only_narrows_as_the_own_energy_rises() -> None:
    """So the window at a quantile of the energy is the quantile of the window: no draws are needed."""
    atomic_number, fraction = layout([parse_formula(f) for f in ("Li7P3S11", "Li6PS5Cl", "Li5PS4Cl2")])
    mixture = windows(small(), atomic_number, fraction).energy_eV_per_atom
    own = mixture + np.linspace(-0.3, 0.1, 41)[:, None]
    reduction, oxidation = window_draws(small(), atomic_number, fraction, own_energy_eV_per_atom=own)
    assert (np.diff(reduction, axis=0) >= -1e-9).all()
    assert (np.diff(oxidation, axis=0) <= 1e-9).all()
    plain = windows(small(), atomic_number, fraction)
    assert reduction[-1] == pytest.approx(plain.lower_V)
    assert oxidation[-1] == pytest.approx(plain.upper_V)


def test_draws_are_the_windows_of_each_set_of_energies() -> None:
    table = small()
    rng = np.random.default_rng(2)
    sets = table.energy_eV_per_atom + rng.normal(0, 0.03, (5, len(table)))
    atomic_number, fraction = layout([parse_formula(f) for f in ("Li3PS4", "Li6PS5Cl", "P2S5")])
    reduction, oxidation = window_draws(table, atomic_number, fraction, energy_eV_per_atom=sets)
    for draw, energy in enumerate(sets):
        one = windows(table, atomic_number, fraction, energy_eV_per_atom=energy)
        np.testing.assert_allclose(reduction[draw], one.lower_V)
        np.testing.assert_allclose(oxidation[draw], one.upper_V)


def test_draws_without_energies_or_with_unequal_numbers_are_refused() -> None:
    atomic_number, fraction = layout([parse_formula("Li3PS4")])
    with pytest.raises(ValueError, match="give energies"):
        window_draws(small(), atomic_number, fraction)
    sets = np.tile(small().energy_eV_per_atom, (2, 1))
    with pytest.raises(ValueError, match="give energies"):
        window_draws(
            small(), atomic_number, fraction, energy_eV_per_atom=sets, own_energy_eV_per_atom=np.full((3, 1), -1.0)
        )


# ---------------------------------------------------------------- invariances and degenerate input


def test_order_scale_and_spelling_of_a_formula_do_not_matter() -> None:
    found = ask(small(), "Li6PS5Cl", "ClPS5Li6", "Li12P2S10Cl2", "Li0.6P0.1S0.5Cl0.1")
    assert np.ptp(found.lower_V) < 1e-9
    assert np.ptp(found.upper_V) < 1e-9
    scaled = windows(small(), *[a * b for a, b in zip(layout([parse_formula("Li6PS5Cl")]), (1, 700.0), strict=True)])
    assert scaled.lower_V[0] == pytest.approx(found.lower_V[0])


def test_without_lithium_there_is_no_window_but_a_mixture() -> None:
    found = ask(small(), "P2S5", "PSCl")
    assert np.isnan(found.lower_V).all()
    assert np.isnan(found.upper_V).all()
    assert (found.energy_eV_per_atom < 0).all()
    assert (found.reduced.phase == NO_PHASE).all()
    assert limit_reactions(small(), [parse_formula("P2S5")], found)[0] == (None, None)


def test_lithium_alone_has_a_window_of_no_width_at_zero() -> None:
    found = ask(small(), "Li")
    assert (found.lower_V[0], found.upper_V[0]) == (0.0, 0.0)


def test_as_many_phases_as_elements_leave_a_window_of_no_width() -> None:
    found = ask(small(), "Li2P3S4Cl")
    assert found.upper_V[0] == pytest.approx(found.lower_V[0], abs=1e-9)


def test_a_trace_of_lithium_and_a_rounded_formula_are_answered() -> None:
    found = windows(small(), *layout([{"Li": 1e-6, "P": 2.0, "S": 5.0}, {"Li": 3.0000001, "P": 1.0, "S": 4.0}]))
    assert (found.steps > 0).all()
    assert np.isfinite(found.lower_V).all()
    exact = ask(small(), "Li3PS4")
    assert found.upper_V[1] == pytest.approx(exact.upper_V[0], abs=1e-6)
    assert found.lower_V[1] == pytest.approx(exact.lower_V[0], abs=1e-6)


def test_twenty_elements() -> None:
    table = reference().phases
    covered = [SYMBOLS[z - 1] for z in range(1, 100) if table.of_element[z] >= 0 and z != 3]
    rng = np.random.default_rng(17)
    amounts = [
        {"Li": 5.0} | {str(s): float(10 ** rng.uniform(-6, 1)) for s in rng.choice(covered, 19, replace=False)}
        for _ in range(3)
    ]
    found = windows(table, *layout(amounts))
    assert (found.steps > 0).all()
    assert (found.upper_V >= found.lower_V - 1e-9).all()


def test_the_dual_simplex_at_its_bound_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MAX_ITERATIONS", 0)
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    inverse = np.linalg.inv(matrix[[2, 1]].T)
    system = window.System(np.arange(3), matrix, np.array([0.6, 0.4]), 0)
    value, steps = window._lithium_dual.py_func(
        system, np.array([0.0, 0.0, -1.0]), system.composition, np.array([2, 1]), inverse
    )
    assert np.isnan(value)
    assert steps == NOT_CONVERGED
