from __future__ import annotations

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.stoichiometry import LARGEST_DISTANCE, LARGEST_FORMULA, StoichiometryFeaturizer


def features(*formulas: str) -> np.ndarray:
    return StoichiometryFeaturizer()(MaterialBatch.from_formulas(formulas))


@pytest.mark.parametrize(
    ("formula", "atoms"),
    [("LiCl", 2), ("Li2S", 3), ("Li3PO4", 8), ("Li6PS5Cl", 13), ("Li7La3Zr2O12", 24), ("Li0.5Ti1P1.5O6", 18)],
)
def test_an_ordered_compound_has_the_size_of_its_formula(formula: str, atoms: int) -> None:
    assert features(formula)[0, 0] == pytest.approx(np.log2(atoms))


def test_a_compound_is_at_no_distance_from_itself_and_a_doped_one_is() -> None:
    ordered, doped = features("Li3PO4", "Li3.4P0.6Ge0.4O4")
    np.testing.assert_allclose(ordered[1:], 0.0, atol=1e-12)
    assert (doped[1:] > 0.01).all()
    assert doped[0] > ordered[0]


def test_a_composition_without_a_small_formula_gets_the_upper_bounds() -> None:
    (row,) = features("Li6.43La2.97Zr1.61Ta0.41Al0.023O11.9")
    assert row[0] == np.log2(LARGEST_FORMULA + 10)
    assert row[1] <= LARGEST_DISTANCE


def test_larger_compounds_are_never_further_away_than_smaller_ones() -> None:
    rows = features("Li6.43La2.97Zr1.61Ta0.41O11.9", "Li5.5PS4.5Cl1.5", "Li1.3Al0.3Ti1.7P3O12", "Li")
    assert (np.diff(rows[:, 1:], axis=1) <= 1e-12).all()


def test_compositions_on_a_limit_are_judged_alike_in_every_spelling() -> None:
    for amounts in ({"Ti": 9, "Cl": 9.75}, {"Li": 1.75, "S": 4.5}, {"O": 4.75, "La": 1.5}, {"S": 12, "P": 1, "Cl": 5}):
        spellings = [
            "".join(f"{symbol}{amount * factor:.12f}" for symbol, amount in amounts.items())
            for factor in (1, 3.7, 0.3, 7, 1.1, 0.6)
        ]
        rows = features(*spellings)
        np.testing.assert_allclose(rows, np.tile(rows[0], (len(rows), 1)), atol=1e-9)
