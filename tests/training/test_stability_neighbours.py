"""Relatives: the same stoichiometry with other elements, nearest by what replaced each other in known compounds."""

from __future__ import annotations

from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from stability_world import known, world

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from training.properties.stability.neighbours import (
    build_prototypes,
    electronegativity_by_number,
    nearest,
    prototype_key,
    slots,
)
from training.properties.stability.table import compositions

SYMBOLS = ("Li", "Na", "K", "P", "As", "S", "O", "Cl", "La", "Tb")


def of(*formulas: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return compositions(MaterialBatch.from_formulas(formulas))


def in_slots(formula: str) -> list[int]:
    z, x = of(formula)
    return np.take_along_axis(z, slots(z, x), axis=1)[0].tolist()


# ---------------------------------------------------------------- stoichiometry


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 12), min_size=1, max_size=6),
    st.sampled_from((0.5, 2.0, 7.0)),
    st.randoms(use_true_random=False),
)
def test_spelling_changes_neither_stoichiometry_nor_slots(
    amounts: dict[str, int], factor: float, random: Random
) -> None:
    terms = list(amounts.items())
    random.shuffle(terms)
    plain = "".join(f"{s}{n}" for s, n in amounts.items())
    other = "".join(f"{s}{n * factor}" for s, n in terms)
    assert prototype_key(of(plain)[1])[0] == prototype_key(of(other)[1])[0]
    assert in_slots(plain) == in_slots(other)


@pytest.mark.parametrize("amounts", [(3, 8, 21), (2, 15, 15), (7, 9, 16), (3, 9, 20)])
@pytest.mark.parametrize("factor", [0.1, 1 / 3, 0.7, 7.0])
def test_fractions_between_two_steps_of_the_grid_do_not_depend_on_the_spelling(
    amounts: tuple[int, ...], factor: float
) -> None:
    """3 of 32 atoms are 937.5 steps, or 937.4999999999999: another stoichiometry, and 0.01 eV/atom."""
    plain, other = ("".join(f"{s}{n * by:.15g}" for s, n in zip(SYMBOLS, amounts, strict=False)) for by in (1, factor))
    assert prototype_key(of(plain)[1])[0] == prototype_key(of(other)[1])[0]
    assert in_slots(plain) == in_slots(other)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.data())
def test_the_key_knows_amounts_only_and_padding_is_no_amount(amounts: list[int], data: st.DataObject) -> None:
    one, other = (data.draw(st.permutations(SYMBOLS))[: len(amounts)] for _ in range(2))
    first, second = ("".join(f"{s}{n}" for s, n in zip(part, amounts, strict=True)) for part in (one, other))
    keys = prototype_key(of(first, second, "LiNa2K3P4As5S6O7")[1])  # the last row widens the arrays
    assert keys[0] == keys[1] == prototype_key(of(first)[1])[0]


def test_the_key_is_that_of_the_amounts() -> None:
    """Over all amounts up to 7: the same key where and only where the reduced amounts are the same."""
    formulas = [f"Li{a}P{b}S{c}" for a in range(1, 8) for b in range(1, 8) for c in range(1, 8)]
    _, x = of(*formulas)
    reduced = [tuple(sorted(np.round(row, 9).tolist())) for row in x]
    by_key: dict[int, set[tuple[float, ...]]] = {}
    for key, amounts in zip(prototype_key(x).tolist(), reduced, strict=True):
        by_key.setdefault(key, set()).add(amounts)
    assert all(len(group) == 1 for group in by_key.values())
    assert len(by_key) == len(set(reduced))


def test_slots_go_by_amount_and_then_by_electronegativity() -> None:
    assert in_slots("Li3PS4") == [15, 3, 16]
    assert in_slots("LiNaS") == [11, 3, 16]  # Na 0.93, Li 0.98, S 2.58
    z, x = of("LiNaS", "Li3PS4Cl")
    assert z[0][slots(z, x)[0]].tolist() == [11, 3, 16, 0]  # padding last


# ---------------------------------------------------------------- dissimilarity


def compounds(families: dict[str, float], shift: dict[str, float]) -> tuple[list[str], NDArray[np.float64]]:
    """Return compounds with M in place of a letter; the residual is that of the family, shifted by the element."""
    formulas = [family.replace("M", symbol) for family in families for symbol in shift]
    residual = [value + move for value in families.values() for move in shift.values()]
    return formulas, np.array(residual)


FAMILIES = {"Li3MS4": -0.02, "LiMO2": 0.05, "Li2MCl4": 0.01, "NaMS2": -0.04, "K3MO4": 0.0, "MF3": -0.01, "CaMS3": 0.03}


def test_elements_that_replace_each_other_without_harm_are_alike() -> None:
    """Ga and Tl lie on either side of In in the periodic table; here Tl replaces In at no cost and Ga at a high one."""
    shift = {"In": 0.0, "Tl": 0.001, "Ga": 0.5}
    formulas, residual = compounds(FAMILIES, shift)
    z, x = of(*formulas)
    learned = build_prototypes(z, x, residual, np.arange(len(x))).dissimilarity_eV_per_atom
    n = len(FAMILIES)
    indium, thallium, gallium = (ATOMIC_NUMBER[s] for s in ("In", "Tl", "Ga"))
    assert learned[indium, thallium] < learned[indium, gallium] - 0.1
    prior = build_prototypes(z, x, np.zeros(len(x)), np.arange(len(x))).dissimilarity_eV_per_atom
    assert learned[indium, gallium] > prior[indium, gallium] + 0.1
    # the prior counts as five pairs beside the seven that were seen
    assert learned[indium, thallium] * (n + 5) >= n * 0.001
    assert learned[indium, gallium] * (n + 5) >= n * 0.5


def test_more_pairs_that_agree_bring_two_elements_nearer() -> None:
    few = {name: FAMILIES[name] for name in list(FAMILIES)[:2]}
    apart = []
    for families in (few, FAMILIES):
        formulas, residual = compounds(families, {"In": 0.0, "Tl": 0.0})
        z, x = of(*formulas, "Li2S", "Na2S", "K2S")  # other pairs, which differ, make the prior
        energies = np.append(residual, [0.0, 0.4, 0.9])
        learned = build_prototypes(z, x, energies, np.arange(len(x))).dissimilarity_eV_per_atom
        apart.append(learned[ATOMIC_NUMBER["In"], ATOMIC_NUMBER["Tl"]])
    assert apart[1] < apart[0]


def test_dissimilarity_is_symmetric_and_zero_on_the_diagonal() -> None:
    learned = known("train").prototypes.dissimilarity_eV_per_atom
    np.testing.assert_allclose(learned, learned.T)
    assert (np.diag(learned) == 0).all()
    seen = np.unique(world().atomic_number)[1:]
    apart = learned[np.ix_(seen, seen)] + np.eye(len(seen))
    assert (apart > 0).all()


# ---------------------------------------------------------------- nearest


@cache
def train_elements() -> list[dict[int, float]]:
    """Return the compositions of the known phases by their row."""
    phases = known("train").phases
    return [phases.composition(row) for row in range(len(phases))]


def brute_force(query: str, n: int) -> list[float]:
    """Return the costs of the nearest relatives, found by looking at every known phase in plain Python."""
    amounts = {ATOMIC_NUMBER[s]: v for s, v in parse_formula(query).items()}
    total = sum(amounts.values())
    own = {z: v / total for z, v in amounts.items()}
    chi, learned = electronegativity_by_number(), known("train").prototypes.dissimilarity_eV_per_atom

    def ordered(fractions: dict[int, float]) -> list[int]:
        return sorted(fractions, key=lambda z: (round(fractions[z] / 1e-4), chi[z]))

    costs = []
    for row in np.flatnonzero(known("train").usable):
        other = train_elements()[row]
        if sorted(round(v / 1e-4) for v in other.values()) == sorted(round(v / 1e-4) for v in own.values()):
            if set(other) <= set(own):
                continue
            pairs = zip(ordered(own), ordered(other), strict=True)
            costs.append(sum(float(learned[a, b]) for a, b in pairs if a != b))
    return sorted(costs)[:n]


@pytest.mark.parametrize("n_nearest", [1, 8])
def test_the_nearest_are_those_of_a_plain_search(n_nearest: int) -> None:
    table, rng = world(), np.random.default_rng(0)
    queries = [table.formula[i] for i in rng.choice(len(table), 25, replace=False)]
    queries += ["Li3BiO4", "Na6Sb1S5Cl1", "Li7La3Zr2O12", "Li", "LiNa2W1O4F1"]
    row, cost, _ = nearest(known("train").prototypes, *of(*queries), n_nearest)
    for i, query in enumerate(queries):
        expected = brute_force(query, n_nearest)
        held = row[i] >= 0
        assert held.sum() == len(expected)
        assert (cost[i][held]).tolist() == pytest.approx(expected)
        assert (cost[i][~held] == 0).all()


def test_a_relative_holds_an_element_that_the_query_lacks() -> None:
    """So it is neither the compound itself nor a phase on whose hull the compound could lie."""
    table, phases = world(), known("train").phases
    rows = table.rows_of("train")
    found, _, element = nearest(known("train").prototypes, table.atomic_number[rows], table.fraction[rows], 8)
    assert (found >= 0).any(axis=1).mean() > 0.5
    assert known("train").usable[found[found >= 0]].all()
    for i, row in enumerate(rows):
        own = set(table.atomic_number[row].tolist()) - {0}
        for j in np.flatnonzero(found[i] >= 0):
            other = set(phases.composition(int(found[i, j])))
            assert not other <= own
            assert set(element[i, j].tolist()) - {0} == other


def test_a_relative_stands_element_for_element_in_the_place_of_the_query() -> None:
    z, x = of("Li3PS4", "Na3AsS4", "Na3PS4", "Li4PS3")
    prototypes = build_prototypes(z, x, np.array([0.0, 0.5, 0.2, 0.0]), np.array([10, 11, 12, 13]))
    row, _, element = nearest(prototypes, *of("Li3AsS4"), 3)
    assert set(row[0].tolist()) <= {10, 11, 12}
    for name, elements in zip(row[0].tolist(), element[0].tolist(), strict=True):
        # columns of the query: Li, S, As by atomic number
        assert elements == {10: [3, 16, 15], 11: [11, 16, 33], 12: [11, 16, 15]}[name]


def test_no_relatives_is_an_answer() -> None:
    """Nobody else has this stoichiometry, and a compound is no relative of itself."""
    prototypes = build_prototypes(*of("Li3PS4", "LiCl"), np.zeros(2), np.arange(2))
    row, cost, element = nearest(prototypes, *of("Li5AsS11", "Li3PS4"), 4)
    assert (row == -1).all()
    assert (cost == 0).all()
    assert (element == 0).all()
