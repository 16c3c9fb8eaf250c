from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.composition import MagpieFeaturizer
from features.elements import MAGPIE_PROPERTIES, SYMBOLS, element_table


@pytest.fixture(scope="module")
def matminer_preset() -> object:
    from matminer.featurizers.composition import ElementProperty

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ElementProperty.from_preset("magpie", impute_nan=True)


def by_matminer(preset: object, formulas: Sequence[str]) -> NDArray[np.float64]:
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compositions = [Composition("".join(formula.split()).replace("*", "")) for formula in formulas]
        return np.array([preset.featurize(composition) for composition in compositions])  # type: ignore[attr-defined]


def by_elyte(formulas: Sequence[str]) -> NDArray[np.float64]:
    return MagpieFeaturizer()(MaterialBatch.from_formulas(formulas))


def column(formula: str, label: str) -> float:
    featurizer = MagpieFeaturizer()
    return float(by_elyte([formula])[0, featurizer.labels.index(label)])


def test_the_labels_are_those_of_matminer(matminer_preset: object) -> None:
    assert list(MagpieFeaturizer().labels) == matminer_preset.feature_labels()  # type: ignore[attr-defined]
    assert len(MagpieFeaturizer().labels) == 132


def test_diverse_formulas_give_the_values_of_matminer(matminer_preset: object, diverse_formulas: list[str]) -> None:
    difference = np.abs(by_elyte(diverse_formulas) - by_matminer(matminer_preset, diverse_formulas))
    assert difference.max() < 1e-9


def test_every_element_gives_the_values_of_matminer(matminer_preset: object) -> None:
    formulas = [f"{symbol}2Li3" for symbol in SYMBOLS]
    assert np.abs(by_elyte(formulas) - by_matminer(matminer_preset, formulas)).max() < 1e-9


def test_obelix_compositions_give_the_values_of_matminer(matminer_preset: object, obelix_formulas: list[str]) -> None:
    difference = np.abs(by_elyte(obelix_formulas) - by_matminer(matminer_preset, obelix_formulas))
    assert difference.shape == (599, 132)
    assert difference.max() < 1e-9


def test_the_statistics_of_lithium_chloride_by_hand() -> None:
    assert column("LiCl", "MagpieData minimum Number") == 3
    assert column("LiCl", "MagpieData maximum Number") == 17
    assert column("LiCl", "MagpieData range Number") == 14
    assert column("LiCl", "MagpieData mean Number") == 10
    assert column("LiCl", "MagpieData avg_dev Number") == 7


def test_the_mode_is_the_value_of_the_most_abundant_element_and_the_lowest_of_several() -> None:
    assert column("Li2O", "MagpieData mode Number") == 3
    assert column("LiCl3", "MagpieData mode Number") == 17
    assert column("LiCl", "MagpieData mode Number") == 3
    assert column("ClLi", "MagpieData mode Number") == 3


def test_rows_of_different_size_do_not_touch_one_another() -> None:
    formulas = ["Li", "Li6PS5Cl", "LiCl", "Li6.6Si0.6Sb0.4S5I"] * 300
    np.testing.assert_array_equal(by_elyte(formulas), np.tile(by_elyte(formulas[:4]), (300, 1)))


def test_the_element_table_is_complete_and_finite() -> None:
    table = element_table()
    assert set(MAGPIE_PROPERTIES) < set(table)
    for name, values in table.items():
        assert values.shape == (103,), name
        assert np.isfinite(values).all(), name
    assert (table["Number"] == np.arange(1, 104)).all()
    assert (table["cation_charge_min"] <= table["cation_charge_max"]).all()
    assert (table["anion_charge"] <= 0).all()
    assert (table["cation_radius_A"] > 0).all()
    assert (table["anion_radius_A"] > 0).all()


@pytest.mark.parametrize(
    ("column_name", "symbol", "value"),
    [
        ("pauling_electronegativity", "Li", 0.98),
        ("pauling_electronegativity", "F", 3.98),
        ("atomic_mass_g_per_mol", "O", 15.999),
        ("cation_radius_A", "Li", 0.90),
        ("cation_radius_A", "Zr", 0.86),
        ("anion_radius_A", "S", 1.70),
        ("anion_radius_A", "O", 1.26),
        ("anion_radius_A", "Cl", 1.67),
        ("anion_radius_A", "H", 1.14),
    ],
)
def test_element_data_are_those_of_pauling_shannon_and_the_scales(column_name: str, symbol: str, value: float) -> None:
    assert element_table()[column_name][SYMBOLS.index(symbol)] == pytest.approx(value, abs=0.01)
