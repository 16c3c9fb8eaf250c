"""What a formula tells of mixing: two readings, and none of them is silent about what it assumes."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from training.properties.stability.solid_solution import MixingEntropy, mixing


def of(formula: str, *, listed: bool = False) -> MixingEntropy:
    (found,) = mixing(MaterialBatch.from_formulas([formula]), np.array([listed]))
    return found


def test_zirconium_and_tantalum_share_a_site() -> None:
    found = of("Li6.5La3Zr1.5Ta0.5O12")
    expected = -(1.5 * log(0.75) + 0.5 * log(0.25)) / 23.5
    assert found.smallest_k == pytest.approx(expected)
    assert found.largest_k == pytest.approx(expected)
    assert found.shared_smallest == (("Zr", "Ta"),)


def test_aluminium_replaces_titanium_and_not_phosphorus() -> None:
    found = of("Li1.3Al0.3Ti1.7(PO4)3")
    assert found.shared_smallest == (("Ti", "Al"),)
    assert found.smallest_k == pytest.approx(-(1.7 * log(0.85) + 0.3 * log(0.15)) / 18.3)


def test_sulfur_and_chlorine_share_a_site_in_the_largest_reading_alone() -> None:
    found = of("Li5.5PS4.5Cl1.5")
    assert found.smallest_k == 0.0
    assert found.shared_largest == (("S", "Cl"),)
    assert found.largest_k == pytest.approx(-(4.5 * log(0.75) + 1.5 * log(0.25)) / 12.5)


def test_halides_of_one_charge_share_in_both() -> None:
    found = of("Li3YCl4.5Br1.5")
    assert found.shared_smallest == found.shared_largest == (("Cl", "Br"),)


@pytest.mark.parametrize("formula", ["Li7La3Zr2O12", "Li3YCl6", "Li3PS4", "LiNbO3", "LiCl"])
def test_where_nothing_mixes_both_are_nothing(formula: str) -> None:
    found = of(formula)
    assert (found.smallest_k, found.largest_k, found.shared_largest) == (0.0, 0.0, ())


def test_a_listed_compound_may_be_ordered() -> None:
    found = of("Li2AlTi(PO4)3", listed=True)
    assert found.smallest_k == 0.0
    assert found.largest_k > 0.0
    assert not found.shared_smallest


@given(st.floats(0.05, 0.95), st.floats(0.1, 30.0))
def test_the_spelling_does_not_matter_and_the_readings_are_in_order(x: float, units: float) -> None:
    amounts = {"Li": 1 + x, "Al": x, "Ti": 2 - x, "P": 3.0, "O": 12.0}
    one, other = (of("".join(f"{s}{a * n:.9f}" for s, a in amounts.items())) for n in (1.0, units))
    assert one.smallest_k == pytest.approx(other.smallest_k, abs=1e-6)
    assert 0.0 < one.smallest_k <= one.largest_k
    assert one.smallest_k <= 2 * log(2) / 18


def test_stated_sites_decide() -> None:
    batch = MaterialBatch.from_formulas(["Li6.5La3Zr1.5Ta0.5O12"])
    known = MaterialBatch(batch.element_index, batch.fraction, batch.lattice, np.array([0.3]))
    (found,) = mixing(known, np.array([False]))
    assert (found.smallest_k, found.largest_k, found.of_sites) == (0.3, 0.3, True)
