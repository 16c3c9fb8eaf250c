"""The nearest known compositions, and the known phases as the bundle stores them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stability_world import COVERED, known, world

from features.candidate import MaterialBatch
from training.properties.stability.neighbours import nearest
from training.properties.stability.surroundings_store import surroundings_from_arrays, surroundings_to_arrays
from training.properties.stability.table import compositions
from training.thermodynamics.nearest import nearest_phases
from training.thermodynamics.phases import PhaseTable


def plainly(amounts: dict[int, float], n: int, excluded: int = -1) -> list[float]:
    """Return the smallest distances by looking at every known compound."""
    phases = known("train").phases
    out = []
    for row in np.flatnonzero(known("train").usable):
        other = phases.composition(int(row))
        if row != excluded and set(other) & set(amounts):
            out.append(sum(abs(amounts.get(z, 0.0) - other.get(z, 0.0)) for z in set(amounts) | set(other)) / 2)
    return sorted(out)[:n]


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(COVERED), st.floats(0.01, 9.0), min_size=1, max_size=7),
    st.sampled_from((1, 3, 5)),
)
def test_the_nearest_are_those_of_a_plain_search(amounts: dict[str, float], n: int) -> None:
    formula = "".join(f"{symbol}{amount:.4f}0" for symbol, amount in amounts.items())
    z, x = compositions(MaterialBatch.from_formulas([formula]))
    row, distance = nearest_phases(known("train").phases, known("train").usable, z, x, n)
    expected = plainly(dict(zip(z[0].tolist(), x[0].tolist(), strict=True)), n)
    held = row[0] >= 0
    assert distance[0][held].tolist() == pytest.approx(expected[: held.sum()], abs=1e-12)
    assert distance[0][~held].tolist() == [1.0] * int((~held).sum())
    assert held.sum() >= sum(d < 1 - 1e-9 for d in expected)
    assert known("train").usable[row[0][held]].all()


def test_a_known_compound_is_at_distance_zero_and_can_be_told_to_look_elsewhere() -> None:
    table = world()
    rows = table.rows_of("train")[::17]
    own = table.phases.row_of_input[rows]
    z, x = table.atomic_number[rows], table.fraction[rows]
    row, distance = nearest_phases(table.phases, known("train").usable, z, x, 2)
    np.testing.assert_array_equal(row[:, 0], own)
    np.testing.assert_allclose(distance[:, 0], 0.0, atol=1e-12)
    other, apart = nearest_phases(table.phases, known("train").usable, z, x, 1, own)
    np.testing.assert_allclose(apart[:, 0], distance[:, 1], atol=1e-12)
    assert (other[:, 0] != own).all()


def test_what_shares_no_element_is_not_near() -> None:
    table = world()
    only_oxygen = known("train").usable & np.array(
        [set(table.phases.composition(row)) == {8, 26} for row in range(len(table.phases))]
    )
    row, distance = nearest_phases(
        table.phases, only_oxygen, *compositions(MaterialBatch.from_formulas(["NaCl", "Fe3O4"])), 3
    )
    assert row[0].tolist() == [-1, -1, -1]
    assert (distance[0] == 1.0).all()
    assert row[1][0] >= 0


# ---------------------------------------------------------------- stored


def test_known_phases_come_back_from_the_bundle() -> None:
    before = known("train", "val")
    arrays = surroundings_to_arrays(before)
    after = surroundings_from_arrays(arrays)
    rows = np.flatnonzero(before.usable)
    assert after.usable.sum() == len(rows)
    compounds = {tuple(sorted(before.phases.composition(int(row)))): [] for row in rows}
    for row in rows:
        compounds[tuple(sorted(before.phases.composition(int(row))))].append(int(row))
    for row in np.flatnonzero(after.usable):
        composition = after.phases.composition(int(row))
        (same,) = [
            other
            for other in compounds[tuple(sorted(composition))]
            if before.phases.composition(other) == pytest.approx(composition, abs=1e-12)
        ]
        assert after.phases.energy_eV_per_atom[row] == pytest.approx(before.phases.energy_eV_per_atom[same], abs=1e-6)
        assert after.depth_eV_per_atom[row] == pytest.approx(before.depth_eV_per_atom[same], abs=5.1e-5)
    assert (after.phases.energy_eV_per_atom[~after.usable] == 0).all()  # the elements


def test_relatives_are_the_same_after_storing() -> None:
    before = known("train", "val", "test")
    after = surroundings_from_arrays(surroundings_to_arrays(before))
    z, x = compositions(MaterialBatch.from_formulas(["Li3AsCl8", "Li6Bi1S5Cl1", "NaGaO2", "Li3WO4"]))
    row, cost, element = nearest(before.prototypes, z, x, 4)
    again, cost_again, element_again = nearest(after.prototypes, z, x, 4)
    np.testing.assert_allclose(cost, cost_again, atol=1e-5)
    np.testing.assert_array_equal(element, element_again)
    assert (row >= 0).any()
    np.testing.assert_allclose(before.phases.energy_eV_per_atom[row], after.phases.energy_eV_per_atom[again], atol=1e-6)


def test_storing_twice_stores_the_same() -> None:
    arrays = surroundings_to_arrays(known("train"))
    again = surroundings_to_arrays(surroundings_from_arrays(arrays))
    for name in ("phases.count", "phases.element", "phases.amount", "prototypes.dissimilarity"):
        np.testing.assert_array_equal(arrays[name], again[name], err_msg=name)
    assert arrays["phases.amount"].max() <= 30
    assert arrays["phases.amount"].min() >= 1


def test_a_compound_without_whole_amounts_cannot_be_stored() -> None:
    table = PhaseTable.build([np.array([3, 15, 16])], [np.array([np.pi, np.e, np.sqrt(2)])], np.array([-1.0]))
    odd = replace(known("train"), phases=table, usable=table.order >= 0, depth_eV_per_atom=np.zeros(len(table)))
    with pytest.raises(ValueError, match="1 compounds have no formula"):
        surroundings_to_arrays(odd)
