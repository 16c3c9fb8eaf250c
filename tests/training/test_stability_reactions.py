"""Reactions: balanced, written the chemist's way, and the most exothermic one over all mixing ratios found exactly."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phase_tables import Problem, build, by_highs, problems, reference, small

from features.errors import CandidateError, RowErrorCode
from features.formula import parse_formula
from features.formula_terms import plain_amounts
from training.thermodynamics import mixing
from training.thermodynamics.conduction import conduction
from training.thermodynamics.hull import equilibria
from training.thermodynamics.mixing import MixingError, lithiation, mix
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import (
    SULFUR_NOTE,
    EnergyBasis,
    Reactant,
    Reaction,
    chemists_formula,
    decompositions,
    layout,
    net_reaction,
    read_material,
    shown_reaction,
    written_amount,
)


def material(table: PhaseTable, formula: str) -> Reactant:
    return read_material(table, parse_formula(formula))


def atoms_of_text(side: str) -> dict[str, float]:
    """Add up the atoms of one side of a written reaction."""
    total: dict[str, float] = {}
    for term in side.split(" + "):
        number, formula = re.fullmatch(r"(?:([\d.]+) )?(\S+?)(?:\(g\))?", term).groups()  # type: ignore[union-attr]
        for symbol, amount in parse_formula(formula).items():
            total[symbol] = total.get(symbol, 0.0) + float(number or 1) * amount
    return total


def assert_balanced(reaction: Reaction) -> None:
    """Check a reaction as it is held, and as it is printed (to four digits)."""
    assert reaction.imbalance() < 2e-5
    if reaction.products:
        left, right = (atoms_of_text(side) for side in reaction.text.split(" -> "))
        assert left.keys() | right.keys()
        total = sum(left.values())
        assert all(abs(left.get(s, 0) - right.get(s, 0)) < 2e-3 * total for s in left | right)


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1.0, "1"), (0.99999, "1"), (2.5, "2.5"), (1 / 3, "0.3333"), (12.0, "12"), (1e-5, "0.00001"), (20.0001, "20")],
)
def test_coefficients_are_short(amount: float, text: str) -> None:
    assert written_amount(amount) == text


def test_what_stands_on_both_sides_is_netted() -> None:
    reaction = net_reaction({"Li3PS4": 1.0, "Li": -3.0, "LiCl": 2.0}, [("LiCl", 3.0), ("P", 1.0), ("S", 4.0)])
    assert reaction.text == "Li3PS4 -> LiCl + P + 4 S + 3 Li"
    assert net_reaction({"LiCl": 1.0}, [("LiCl", 1.0)]).text == "no reaction"


def test_hydroxides_and_gases_are_written_as_usual() -> None:
    assert [chemists_formula(f) for f in ("LiHO", "AlH3O3", "AlHO2", "H2O", "Li3PS4")] == [
        "LiOH",
        "Al(OH)3",
        "AlHO2",
        "H2O",
        "Li3PS4",
    ]
    reaction = net_reaction({"Li2S": 1.0, "H2O": 2.0}, [("LiHO", 2.0), ("H2S", 1.0)], gases=frozenset({"H2S", "H2O"}))
    assert reaction.text == "Li2S + 2 H2O(g) -> 2 LiOH + H2S(g)"
    assert_balanced(reaction)


def test_decompositions_of_known_electrolytes() -> None:
    formulas = ["Li6PS5Cl", "Li3PS4", "Li5.5PS4.5Cl1.5", "Li1.3Al0.3Ti1.7(PO4)3", "Li6.5La3Zr1.5Ta0.5O12"]
    amounts = [parse_formula(formula) for formula in formulas]
    table = reference().phases
    texts = [r.text for r in decompositions(table, amounts, equilibria(table, *layout(amounts)))]
    assert texts[:4] == [
        "Li6PS5Cl -> Li3PS4 + Li2S + LiCl",
        "no reaction",
        "Li5.5PS4.5Cl1.5 -> Li3PS4 + 1.5 LiCl + 0.5 Li2S",
        "Li1.3Ti1.7Al0.3P3O12 -> 0.85 LiTi2P3O12 + 0.3 AlPO4 + 0.15 Li3PO4",
    ]


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_decomposition_is_balanced_and_releases_its_energy(problem: Problem) -> None:
    found = equilibria(problem.table, *layout([problem.amounts]))
    (reaction,) = decompositions(problem.table, [problem.amounts], found, np.array([0.5]))
    assert reaction.imbalance() < 2e-5
    if reaction.reactants:
        atoms = sum((plain_amounts(next(iter(reaction.reactants))) or {}).values())  # drawn amounts may look like slips
        assert reaction.energy_eV == pytest.approx(atoms * (found.energy_eV_per_atom[0] - 0.5), rel=1e-5)


# ---------------------------------------------------------------- energies of materials


def test_the_basis_of_an_energy_is_stated() -> None:
    table = small()
    known, unknown = material(table, "Li6PS5Cl"), material(table, "Li7P3S11")
    assert (known.basis, unknown.basis) == (EnergyBasis.REFERENCE, EnergyBasis.MIXTURE)
    assert known.energy_above_mixture_eV_per_atom > 0 == unknown.energy_above_mixture_eV_per_atom
    given_one = read_material(table, parse_formula("Li7P3S11"), energy_eV_per_atom=-1.2)
    assert (given_one.basis, given_one.energy_eV_per_atom) == (EnergyBasis.GIVEN, -1.2)


def test_an_element_without_compounds_is_named() -> None:
    with pytest.raises(CandidateError, match="Xe") as caught:
        material(small(), "Li2XeO4")
    assert caught.value.code is RowErrorCode.ELEMENT_WITHOUT_ENERGIES


# ---------------------------------------------------------------- closed mixing


def by_scan(table: PhaseTable, first: str, second: str, ratios: np.ndarray) -> np.ndarray:
    """Return reaction energies per atom at mixing ratios, each solved by HiGHS."""
    a, b = material(table, first), material(table, second)
    out = []
    for ratio in ratios:
        amounts: dict[str, float] = {}
        for m, share in ((a, 1 - ratio), (b, ratio)):
            for symbol, amount in m.amounts.items():
                amounts[symbol] = amounts.get(symbol, 0.0) + share * amount / m.atoms
        own = (1 - ratio) * a.energy_eV_per_atom + ratio * b.energy_eV_per_atom
        out.append(by_highs(table, amounts).energy - own)
    return np.array(out)


@pytest.mark.parametrize(
    ("first", "second"), [("Li6PS5Cl", "LiCoO2"), ("Li3PS4", "FePO4"), ("Li7La3Zr2O12", "LiCoO2"), ("Li3PS4", "Li")]
)
def test_the_kinks_are_all_of_the_curve(first: str, second: str) -> None:
    """Between kinks the curve is straight, and the lowest of a fine scan by HiGHS is not below ours."""
    table = reference().phases
    found = mix(table, material(table, first), material(table, second))
    ratio = np.array([kink.ratio for kink in found.kinks])
    energy = np.array([kink.energy_eV_per_atom for kink in found.kinks])
    grid = np.linspace(0.02, 0.98, 25)
    assert np.interp(grid, ratio, energy) == pytest.approx(by_scan(table, first, second, grid), abs=1e-5)
    assert found.energy_eV_per_atom == pytest.approx(energy.min(), abs=1e-8)
    assert_balanced(found.reaction)


def test_lithium_turns_a_thiophosphate_into_sulfide_and_phosphide() -> None:
    found = mix(small(), material(small(), "Li3PS4"), material(small(), "Li"))
    assert found.reaction.text == "Li3PS4 + 8 Li -> 4 Li2S + Li3P"
    by_hand = (4 * 3 * -1.5608 + 4 * -0.7 - 8 * -1.2657) / 16
    assert found.energy_eV_per_atom == pytest.approx(by_hand, abs=1e-6)
    assert found.ratio == pytest.approx(0.5)
    assert found.reaction.energy_eV == pytest.approx(16 * by_hand, abs=1e-5)


def test_materials_that_coexist_do_not_react() -> None:
    found = mix(small(), material(small(), "Li2S"), material(small(), "LiCl"))
    assert found.energy_eV_per_atom == 0.0
    assert found.reaction.text == found.mutual_reaction.text == "no reaction"


def test_a_metastable_material_beside_an_inert_one_decomposes_by_itself() -> None:
    found = mix(small(), material(small(), "Li6PS5Cl"), material(small(), "LiCl"))
    assert found.reaction.text == "Li6PS5Cl -> Li3PS4 + Li2S + LiCl"
    assert found.energy_eV_per_atom < -0.05
    assert found.mutual_energy_eV_per_atom == 0.0


def test_a_material_against_itself_does_not_react() -> None:
    found = mix(small(), material(small(), "Li3PS4"), material(small(), "Li6P2S8"))
    assert found.energy_eV_per_atom == 0.0
    metastable = mix(small(), material(small(), "Li6PS5Cl"), material(small(), "Li6PS5Cl"))
    assert metastable.reaction.text == "Li6PS5Cl -> Li3PS4 + Li2S + LiCl"


@settings(max_examples=40, deadline=None)
@given(problems(), st.integers(0, 2**16))
def test_mixing_is_exothermic_symmetric_and_balanced(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = {symbol: float(rng.uniform(0.2, 5)) for symbol in problem.amounts if rng.random() < 0.7} or {"Li": 1.0}
    a, b = read_material(problem.table, problem.amounts), read_material(problem.table, other)
    forward, backward = mix(problem.table, a, b), mix(problem.table, b, a)
    assert forward.energy_eV_per_atom <= 0.0
    assert forward.energy_eV_per_atom == pytest.approx(backward.energy_eV_per_atom, abs=1e-5)
    assert forward.mutual_energy_eV_per_atom >= forward.energy_eV_per_atom - 1e-6
    assert forward.reaction.imbalance() < 2e-4  # amounts of a millionth are left out


def test_a_search_at_its_bound_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "LONGEST_SEARCH", 1)
    with pytest.raises(MixingError, match="no end"):
        mix(small(), material(small(), "Li3PS4"), material(small(), "Li"))


# ---------------------------------------------------------------- open to lithium


def test_open_mixing_has_the_grand_potential_of_highs() -> None:
    table = reference().phases
    a, b, voltage = material(table, "Li6PS5Cl"), material(table, "LiCoO2"), 3.9
    found = mix(table, a, b, voltage_V=voltage)

    def per_counted(m: Reactant) -> float:
        lithium = m.amounts["Li"]
        return (m.energy_eV_per_atom * m.atoms + voltage * lithium) / (m.atoms - lithium)

    for kink in found.kinks[1:-1]:
        amounts: dict[str, float] = {}
        for m, share in ((a, 1 - kink.ratio), (b, kink.ratio)):
            counted = m.atoms - m.amounts["Li"]
            for symbol, amount in m.amounts.items():
                if symbol != "Li":
                    amounts[symbol] = amounts.get(symbol, 0.0) + share * amount / counted
        lowest = by_highs(table, amounts, voltage_V=voltage).energy
        own = (1 - kink.ratio) * per_counted(a) + kink.ratio * per_counted(b)
        assert kink.energy_eV_per_atom == pytest.approx(lowest - own, abs=1e-6)
    assert_balanced(found.reaction)
    assert_balanced(found.mutual_reaction)
    assert found.reaction.products["Li"] > 0  # at 3.9 V a sulfide gives lithium up


def test_an_open_system_with_lithium_metal_is_refused() -> None:
    with pytest.raises(ValueError, match="lithiation"):
        mix(small(), material(small(), "Li3PS4"), material(small(), "Li"), voltage_V=1.0)


def test_lithiation_at_zero_volts_is_the_end_of_mixing_with_lithium() -> None:
    table = reference().phases
    for formula in ("Li3PS4", "Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "Li10GeP2S12"):
        end = lithiation(table, material(table, formula))
        assert_balanced(end.reaction)
        closed = mix(table, material(table, formula), material(table, "Li"))
        per_unit = closed.reaction.energy_eV
        assert per_unit is not None
        assert end.reaction.energy_eV is not None
        assert end.reaction.energy_eV <= per_unit + 1e-4
    assert lithiation(table, material(table, "LiCl")).reaction.text == "no reaction"


def test_inside_its_window_a_material_does_not_mind_the_voltage() -> None:
    found = lithiation(small(), material(small(), "Li3PS4"), 2.0)
    assert (found.lithium, found.reaction.text, found.energy_eV_per_atom) == (0.0, "no reaction", 0.0)
    assert lithiation(small(), material(small(), "Li"), 0.0).reaction.text == "no reaction"


def test_a_given_energy_shifts_the_reaction_by_itself() -> None:
    table = build({"Li2S": -1.56, "P2S5": -0.55, "Li3P": -0.7})
    base = read_material(table, parse_formula("Li3PS4"))
    raised = replace(base, energy_eV_per_atom=base.energy_eV_per_atom + 0.1)
    lithium = material(table, "Li")
    low, high = (lithiation(table, m).reaction.energy_eV for m in (base, raised))
    assert low is not None
    assert high is not None
    assert low - high == pytest.approx(0.8, abs=1e-6)
    assert mix(table, raised, lithium).energy_eV_per_atom < mix(table, base, lithium).energy_eV_per_atom


# ---------------------------------------------------------------- LiS4 of the table of energies


@pytest.mark.parametrize(
    ("reactants", "products", "text"),
    [
        (
            {"Li6PS5Cl": 1.0},
            {"Li3PS4": 1.0, "LiCl": 1.0, "LiS4": 0.25, "Li": 1.75},
            "Li6PS5Cl -> Li3PS4 + LiCl + S + 2 Li",
        ),
        ({"Li3PS5": 1.0}, {"Li3PS4": 0.9, "LiS4": 0.2, "P": 0.1}, "Li3PS5 -> 0.9 Li3PS4 + 0.7 S + 0.1 Li2S + 0.1 P"),
        ({"Li2S": 1.0, "S": 7.0}, {"LiS4": 2.0}, "Li2S + 7 S -> 2 LiS4"),  # nothing else would be left
    ],
)
def test_sulfur_written_as_LiS4_is_shown_as_sulfur_with_a_footnote(
    reactants: dict[str, float], products: dict[str, float], text: str
) -> None:
    computed = Reaction(reactants, products, -1.5)
    shown, footnote = shown_reaction(computed)
    assert shown.text == text
    assert shown.energy_eV == -1.5
    assert footnote is not None
    assert "LiS4" in footnote
    assert shown.imbalance() == pytest.approx(computed.imbalance(), abs=1e-9)


def test_other_reactions_are_shown_as_computed_and_so_is_LiS4_where_it_is_asked_about() -> None:
    plain = Reaction({"Li3PS4": 1.0, "Li": 8.0}, {"Li3P": 1.0, "Li2S": 4.0}, -9.0)
    asked = Reaction({"LiS4": 1.0, "Li": 7.0}, {"Li2S": 4.0}, -9.0)
    assert shown_reaction(plain) == (plain, None)
    assert shown_reaction(asked) == (asked, None)


def test_the_footnote_states_how_far_LiS4_is_off_in_the_table() -> None:
    table = reference().phases
    with_lithium, sulfide = material(table, "LiS4"), material(table, "Li2S")
    excess = with_lithium.energy_eV_per_atom * 5 - 0.5 * sulfide.energy_eV_per_atom * 3
    assert excess == pytest.approx(-1.4, abs=0.05)
    assert "1.4 eV per Li" in SULFUR_NOTE


@pytest.mark.parametrize("formula", ["PS", "NS", "SN", "CI4", "H3CI"])
def test_phases_of_the_table_that_look_like_names_or_slips_can_be_written(formula: str) -> None:
    reaction = Reaction({formula: 1.0}, {formula: 1.0})
    assert reaction.text == f"{formula} -> {formula}"
    assert reaction.imbalance() == 0.0
    assert not conduction(formula).conducts
