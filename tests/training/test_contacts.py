"""One linear programme a pair gives what the search along the mixing line gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phase_tables import reference, small

from features.formula import parse_formula
from training.thermodynamics.contacts import Contacts, contact_reaction, contacts
from training.thermodynamics.mixing import mix
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reactant, layout, read_material

OXIDES = ["LiNbO3", "Li3PO4", "LiF", "Li2O", "LiCoO2", "Li3PS4", "Li2ZrCl6", "Li4Ti5O12", "LiB3O5", "LiAlO2"]


def many(table: PhaseTable, first: Reactant, others: list[Reactant]) -> Contacts:
    """Return the contacts of one with others."""
    own = np.array([one.energy_eV_per_atom for one in others])
    mixture = np.array([one.mixture_energy_eV_per_atom for one in others])
    return contacts(table, first, *layout([one.amounts for one in others]), own, mixture)


@pytest.mark.parametrize("first", ["Li6PS5Cl", "LiNi0.8Mn0.1Co0.1O2", "Li0.25Ni0.8Mn0.1Co0.1O2", "Li"])
def test_energies_are_those_of_the_search_for_kinks(first: str) -> None:
    """Both energies, total and added, to what the solvers resolve; and the reaction is the same one."""
    table = reference().phases
    one = read_material(table, parse_formula(first))
    others = [read_material(table, parse_formula(formula)) for formula in OXIDES]
    found = many(table, one, others)
    for row, other in enumerate(others):
        expected = mix(table, one, other)
        assert found.energy_eV_per_atom[row] == pytest.approx(expected.energy_eV_per_atom, abs=1e-6)
        assert found.added_eV_per_atom[row] == pytest.approx(expected.mutual_energy_eV_per_atom, abs=1e-6)
        reaction = contact_reaction(table, one, other, found, row)
        assert reaction.imbalance() < 2e-5
        if expected.energy_eV_per_atom < -0.01:
            assert set(reaction.products) == set(expected.reaction.products)


@settings(deadline=None, max_examples=30)
@given(
    energies=st.tuples(*(st.floats(-3.0, 0.5) for _ in range(2))),
    amounts=st.lists(st.tuples(*(st.integers(0, 4) for _ in range(3))), min_size=2, max_size=2),
)
def test_a_contact_never_adds_more_than_all_that_reacts(
    energies: tuple[float, float], amounts: list[tuple[int, int, int]]
) -> None:
    """Whatever the energies: total <= added <= 0, and what two are alone is no more than the total."""
    table = small()
    symbols = ("Li", "P", "S")
    compositions = [{s: float(n) for s, n in zip(symbols, one, strict=True) if n} for one in amounts]
    if not all(compositions):
        return
    first, second = (
        read_material(table, amount, energy_eV_per_atom=energy)
        for amount, energy in zip(compositions, energies, strict=True)
    )
    found = many(table, first, [second])
    total, added = float(found.energy_eV_per_atom[0]), float(found.added_eV_per_atom[0])
    assert total <= added + 1e-9
    assert added <= 0.0
    alone = max(first.energy_above_mixture_eV_per_atom, second.energy_above_mixture_eV_per_atom)
    assert total <= -alone + 1e-9
    expected = mix(table, first, second)
    assert total == pytest.approx(expected.energy_eV_per_atom, abs=1e-5)


def test_a_material_beside_itself_does_nothing() -> None:
    table = reference().phases
    one = read_material(table, parse_formula("Li3PS4"))
    found = many(table, one, [one])
    assert found.energy_eV_per_atom[0] == pytest.approx(0.0, abs=1e-9)
    assert contact_reaction(table, one, one, found, 0).text == "no reaction"


def test_compounds_of_an_element_are_all_of_the_table() -> None:
    """Rows by the index of elements are those that hold it; elements themselves are none."""
    table = reference().phases
    rows = table.compounds_of(3)
    assert len(rows) == sum(
        3 in table.composition(row) and len(table.composition(row)) > 1 for row in range(len(table))
    )
    assert table.compounds_of(2).tolist() == [], "helium has none"
    numbers, fraction = table.compositions(rows[:50])
    for place, row in enumerate(rows[:50].tolist()):
        held = {z: f for z, f in zip(numbers[place].tolist(), fraction[place].tolist(), strict=True) if f}
        assert held == table.composition(row)
