"""Compositions of the table of moduli: found by any spelling, never by another composition."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.properties.mechanics.known_moduli import NOT_HELD, KnownModuli
from training.properties.mechanics.tables import ModuliTable, read_moduli


@cache
def _table() -> ModuliTable:
    return read_moduli()


@cache
def _known() -> KnownModuli:
    return KnownModuli.of(_table())


def test_every_crystal_of_the_table_is_found_at_its_composition() -> None:
    table, known = _table(), _known()
    row = known.find(table.crystals.batch)
    assert (row != NOT_HELD).all()
    held = known.polymorphs
    for moduli, part in ((table.log10_shear_GPa, 0), (table.log10_bulk_GPa, 1)):
        assert (held.lowest[row, part] <= moduli + 1e-12).all()
        assert (moduli <= held.highest[row, part] + 1e-12).all()
    assert held.n_crystals.sum() == len(table.crystals)


@pytest.mark.parametrize(
    ("formula", "shear_GPa"), [("Li3PS4", 11.0), ("Li12P4S16", 11.0), ("Li10GeP2S12", 9.0), ("Li", 6.0)]
)
def test_known_electrolytes_have_the_value_of_the_table(formula: str, shear_GPa: float) -> None:
    row = _known().find(MaterialBatch.from_formulas([formula]))[0]
    assert 10.0 ** _known().polymorphs.median[row, 0] == pytest.approx(shear_GPa, abs=0.5)


@pytest.mark.parametrize("formula", ["Li3YCl6", "Li6PS5Cl", "Li7La3Zr2O12", "Li3.01PS4", "UO3F"])
def test_what_is_not_in_the_table_is_not_found(formula: str) -> None:
    assert _known().find(MaterialBatch.from_formulas([formula])).tolist() == [NOT_HELD]


@settings(deadline=None, max_examples=20)
@given(row=st.integers(0, 9000), shift=st.floats(0.01, 0.3))
def test_the_nearest_is_the_nearest_of_all(row: int, shift: float) -> None:
    """Against the plain search over every composition of the table."""
    known = _known()
    matrix = MaterialBatch(
        np.where(known.fraction > 0, known.atomic_number - 1, 0), known.fraction, np.full((len(known.fraction), 8), 0.0)
    ).matrix()
    asked = matrix[row].copy()
    asked[2] += shift
    asked /= asked.sum()
    batch = MaterialBatch.from_matrix(asked[None])
    found, apart = known.distance(batch, 3)
    plain = np.sort(half_l1(asked[None], matrix)[0])[:3]
    assert apart[0] == pytest.approx(plain, abs=1e-9)
    assert half_l1(asked[None], matrix[found[0]])[0] == pytest.approx(plain, abs=1e-9)


def test_scales_hold_polymorphs_apart_and_the_error_of_computation() -> None:
    known = _known()
    single = np.flatnonzero(known.polymorphs.n_crystals == 1)[:10]
    _, scale = known.centre_and_scale(single)
    assert 10.0 ** (1.645 * scale) == pytest.approx(1.148, abs=0.01)
    several = np.flatnonzero(np.ptp([known.polymorphs.lowest[:, 0], known.polymorphs.highest[:, 0]], axis=0) > 0.2)
    centre, scale = known.centre_and_scale(several)
    half = (known.polymorphs.highest - known.polymorphs.lowest)[several] / 2.0
    assert (1.645 * scale >= half - 1e-12).all()
    assert np.isfinite(centre).all()


def test_a_bundle_gives_back_the_same_table() -> None:
    known = _known()
    again = KnownModuli.from_arrays(known.arrays())
    batch = _table().crystals.batch
    assert (again.find(batch) == known.find(batch)).all()
    assert again.polymorphs.median == pytest.approx(known.polymorphs.median, abs=1e-6)
    assert again.formula(0) == known.formula(0)
