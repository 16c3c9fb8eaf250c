"""The energy table as it is read, and the phases that are made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phase_tables import build, reference
from stability_world import world

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from training.properties.stability import table as table_module
from training.properties.stability.table import SPLITS, EnergyTable, compositions, read_energies
from training.tables import TableError
from training.thermodynamics.hull import NO_PHASE
from training.thermodynamics.phases import LARGEST_ENUMERATED_SYSTEM, PhaseTable, rows_of_compositions, systems_within

GOOD = {
    "ef_train": ["Li2S,-1.5", "Li3P1S4,-1.2"],
    "ef_val": ["Na1Cl1,-2.1"],
    "ef_test": ["Li1P1,-0.4"],
    "ed_train": ["Li2S,-0.3", "Li3P1S4,0.01"],
    "ed_val": ["Na1Cl1,-2.1"],
    "ed_test": ["Li1P1,-0.1"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that takes the place of the six public files."""
    for name, lines in GOOD.items():
        write(tmp_path, name, lines)
    monkeypatch.setattr(table_module, "locate", lambda key: tmp_path / f"{key.removeprefix('critexam_')}.csv")
    return tmp_path


def write(folder: Path, name: str, lines: list[str], header: str = "formula,target") -> None:
    (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")


# ---------------------------------------------------------------- reading


def test_the_splits_stand_one_after_the_other_with_both_targets(folder: Path) -> None:
    read = read_energies()
    assert read.formula == ("Li2S", "Li3P1S4", "Na1Cl1", "Li1P1")
    assert [SPLITS[i] for i in read.split] == ["train", "train", "val", "test"]
    np.testing.assert_array_equal(read.formation_energy_eV_per_atom, [-1.5, -1.2, -2.1, -0.4])
    np.testing.assert_array_equal(read.decomposition_energy_eV_per_atom, [-0.3, 0.01, -2.1, -0.1])
    np.testing.assert_array_equal(read.rows_of("val", "train"), [0, 1, 2])


def test_compositions_are_padded_behind_ascending_elements(folder: Path) -> None:
    read = read_energies()
    np.testing.assert_array_equal(read.atomic_number[:3], [[3, 16, 0], [3, 15, 16], [11, 17, 0]])
    np.testing.assert_allclose(read.fraction[:3], [[2 / 3, 1 / 3, 0], [3 / 8, 1 / 8, 4 / 8], [0.5, 0.5, 0]])


def test_a_part_of_the_table_is_a_table(folder: Path) -> None:
    part = read_energies().take(np.array([3, 1]))
    assert part.formula == ("Li1P1", "Li3P1S4")
    assert part.rows_of("test").tolist() == [0]
    own = part.phases.row_of_input
    assert part.phases.energy_eV_per_atom[own].tolist() == [-0.4, -1.2]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("Li3Xx,-1.0", "unknown_element|Xx"),
        ("Li2S,minus one", "could not convert"),
        ("Li2S", "index"),
        ("", "row"),
        ("Li2S,nan", "between -10 and 10"),
        ("Li2S,-10.5", "between -10 and 10"),
        ("Li2S,inf", "between -10 and 10"),
        ("Li0S1,-1.0", "Li0S1"),
    ],
)
def test_every_line_that_breaks_the_rules_is_named(folder: Path, line: str, what: str) -> None:
    write(folder, "ef_train", ["Li2S,-1.5", line, "Li3P1S4,-1.2", line])
    with pytest.raises(TableError, match=what) as caught:
        read_energies()
    assert [violation.line for violation in caught.value.violations] == [3, 5]


def test_another_header_is_refused(folder: Path) -> None:
    write(folder, "ed_val", ["Na1Cl1,-2.1"], header="formula,energy")
    with pytest.raises(TableError, match="formula,target"):
        read_energies()


@pytest.mark.parametrize("lines", [["Li3P1S4,0.01", "Li2S,-0.3"], ["Li2S,-0.3"]], ids=["another order", "fewer"])
def test_targets_of_different_compounds_are_not_put_together(folder: Path, lines: list[str]) -> None:
    write(folder, "ed_train", lines)
    with pytest.raises(TableError, match="the same compounds in the same order"):
        read_energies()


def test_the_public_table_is_the_official_split() -> None:
    table = reference()
    assert [len(table.rows_of(name)) for name in SPLITS] == [59_509, 12_752, 12_753]
    assert len(np.unique(table.atomic_number[table.fraction > 0])) == 84
    np.testing.assert_allclose(table.fraction.sum(axis=1), 1.0)
    own = rows_of_compositions(table.phases, table.atomic_number, table.fraction)
    np.testing.assert_array_equal(own, table.phases.row_of_input)  # no compound stands there twice


# ---------------------------------------------------------------- phases


def plain_systems(energies: dict[str, float]) -> dict[frozenset[str], list[tuple[dict[str, float], float]]]:
    """Sort compounds and elements by their set of elements, as slowly and plainly as can be."""
    out: dict[frozenset[str], list[tuple[dict[str, float], float]]] = {}
    compounds = [(parse_formula(formula), energy) for formula, energy in energies.items()]
    elements = {symbol for amounts, _ in compounds for symbol in amounts}
    for amounts, energy in [*compounds, *(({symbol: 1.0}, 0.0) for symbol in elements)]:
        total = sum(amounts.values())
        fractions = {symbol: amount / total for symbol, amount in amounts.items()}
        out.setdefault(frozenset(amounts), []).append((fractions, energy))
    return out


# Gd and Tb have the atomic numbers 64 and 65, beyond the first mask
SYMBOLS = ("Li", "O", "S", "Cu", "Gd", "Tb", "Pu", "H")
formulas = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 9), min_size=2, max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(formulas, min_size=1, max_size=25))
def test_the_table_holds_every_phase_in_its_system(compounds: list[dict[str, int]]) -> None:
    energies = {
        "".join(f"{s}{n}" for s, n in amounts.items()): round(0.01 * i - 1, 3) for i, amounts in enumerate(compounds)
    }
    table, plain = build(energies), plain_systems(energies)
    assert len(table) == sum(map(len, plain.values()))
    assert len(table.system_high) == len(plain)
    masks = list(zip(table.system_high.tolist(), table.system_low.tolist(), strict=True))
    assert masks == sorted(masks)
    for system in range(len(table.system_high)):
        rows = range(table.system_start[system], table.system_start[system + 1])
        held = [(table.composition(row), table.energy_eV_per_atom[row]) for row in rows]
        bits = int(table.system_high[system]) << 64 | int(table.system_low[system])
        symbols = {symbol for symbol, number in ATOMIC_NUMBER.items() if bits >> number & 1}
        expected = [
            ({ATOMIC_NUMBER[s]: x for s, x in fractions.items()}, energy)
            for fractions, energy in plain[frozenset(symbols)]
        ]
        assert sorted((energy, sorted(c.items())) for c, energy in held) == [
            (energy, [(z, pytest.approx(x)) for z, x in sorted(c.items())])
            for c, energy in sorted(expected, key=lambda pair: (pair[1], sorted(pair[0].items())))
        ]
    for i, amounts in enumerate(parse_formula(formula) for formula in energies):
        row = table.row_of_input[i]
        assert table.order[row] == i
        assert set(table.composition(row)) == {ATOMIC_NUMBER[symbol] for symbol in amounts}


def test_pure_elements_are_phases_at_zero() -> None:
    table = build({"Li2S": -1.5, "Tb2S3": -1.7})
    for symbol in ("Li", "S", "Tb"):
        row = table.of_element[ATOMIC_NUMBER[symbol]]
        assert table.composition(row) == {ATOMIC_NUMBER[symbol]: 1.0}
        assert table.energy_eV_per_atom[row] == 0.0
    assert table.of_element[ATOMIC_NUMBER["O"]] == NO_PHASE


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_compound_is_found_again_however_it_is_written(data: st.DataObject) -> None:
    table = world()
    row = data.draw(st.integers(0, len(table) - 1))
    factor = data.draw(st.sampled_from((1.0, 0.5, 3.0, 7.25)))
    terms = data.draw(st.permutations(sorted(parse_formula(table.formula[row]).items())))
    spelled = "".join(f"{symbol}{amount * factor:.6f}" for symbol, amount in terms)
    found = rows_of_compositions(table.phases, *compositions(MaterialBatch.from_formulas([spelled])))
    assert found.tolist() == [table.phases.row_of_input[row]]


@pytest.mark.parametrize(
    ("formula", "is_known"),
    [
        ("Li6Al2O6", True),
        ("Li3AlO3", True),
        ("Li3AlO3.001", False),
        ("Li3AlO3Na0.00001", False),
        ("Li3AlO4", False),
        ("Li3AlO3.000001", True),
        ("Li", True),
        ("LiAl", False),
        ("O2", True),
    ],
)
def test_near_misses_are_not_the_compound(formula: str, is_known: bool) -> None:
    assert "Li6Al2O6" in world().formula
    (row,) = rows_of_compositions(world().phases, *compositions(MaterialBatch.from_formulas([formula])))
    assert (row != NO_PHASE) == is_known


@pytest.mark.parametrize("n_elements", [LARGEST_ENUMERATED_SYSTEM - 1, LARGEST_ENUMERATED_SYSTEM + 1, 20])
def test_the_systems_within_are_the_subsets(n_elements: int) -> None:
    """Above ten elements all systems are looked through in place of all subsets: the same must come out."""
    table = world().phases
    chosen = np.sort(np.random.default_rng(n_elements).choice(table.element, 400))
    numbers = np.unique(np.append(chosen, [3, 8, 16]))[:n_elements].astype(np.int64)
    assert len(numbers) == n_elements
    allowed = sum(1 << int(number) for number in numbers)
    masks = zip(table.system_high.tolist(), table.system_low.tolist(), strict=True)
    expected = [system for system, (high, low) in enumerate(masks) if (high << 64 | low) & ~allowed == 0]
    assert len(expected) > n_elements
    assert sorted(systems_within(table.system_high, table.system_low, numbers).tolist()) == expected


def test_a_batch_of_rows_is_what_the_featurizers_take() -> None:
    table = world()
    rows = np.array([5, 700, 17])
    plain = MaterialBatch.from_formulas([table.formula[row] for row in rows])
    np.testing.assert_allclose(table.batch(rows).matrix(), plain.matrix(), atol=1e-12)


def test_tables_without_compounds_of_a_split_are_fine() -> None:
    table = world()
    only = table.take(table.rows_of("train"))
    assert isinstance(only, EnergyTable)
    assert len(only.rows_of("test")) == 0
    assert isinstance(only.phases, PhaseTable)
