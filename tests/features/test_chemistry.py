from __future__ import annotations

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, ChemistryFeaturizer, assign_ions
from features.elements import SYMBOLS, element_table


def feature(formula: str, label: str) -> float:
    featurizer = ChemistryFeaturizer()
    return float(featurizer(MaterialBatch.from_formulas([formula]))[0, featurizer.labels.index(label)])


def anions_of(formula: str) -> set[str]:
    batch = MaterialBatch.from_formulas([formula])
    return {SYMBOLS[batch.element_index[0, j]] for j in np.flatnonzero(assign_ions(batch).anions[0] > 0)}


def imbalance(formula: str) -> float:
    return float(assign_ions(MaterialBatch.from_formulas([formula])).charge_imbalance[0])


@pytest.mark.parametrize(
    ("formula", "anions"),
    [
        ("Li6PS5Cl", {"S", "Cl"}),
        ("Li10GeP2S12", {"S"}),
        ("Li2SO4", {"O"}),
        ("Li3PO4", {"O"}),
        ("LiNO3", {"O"}),
        ("LiClO4", {"O"}),
        ("LiBH4", {"H"}),
        ("Li4(BH4)3I", {"H", "I"}),
        ("LiAlH4", {"H"}),
        ("LiNH2", {"N"}),
        ("LiOH", {"O"}),
        ("Li2(OH)Br", {"O", "Br"}),
        ("Li3OCl", {"O", "Cl"}),
        ("LiTaOCl4", {"O", "Cl"}),
        ("Li2PO2N", {"O", "N"}),
        ("Li3N", {"N"}),
        ("Li6PO5Cl", {"O", "Cl"}),
        ("Li3P", {"P"}),
        ("Li3Bi", {"Bi"}),
        ("Li2CO3", {"O"}),
        ("Li3YCl6", {"Cl"}),
        ("Li13Si4", {"Si"}),
        ("Li", set()),
    ],
)
def test_the_company_of_an_element_decides_whether_it_is_an_anion(formula: str, anions: set[str]) -> None:
    assert anions_of(formula) == anions


@pytest.mark.parametrize(
    "formula",
    [
        "Li6PS5Cl",
        "Li5.5PS4.5Cl1.5",
        "Li10GeP2S12",
        "Li9.54Si1.74P1.44S11.7Cl0.3",
        "Li7P3S11",
        "Li3PS4",
        "Li4P2S6",
        "Li7La3Zr2O12",
        "Li6.4Al0.2La3Zr2O12",
        "Li1.3Al0.3Ti1.7(PO4)3",
        "Li0.33La0.557TiO3",
        "Li3YCl6",
        "Li2ZrCl6",
        "LiTaOCl4",
        "Li3OCl",
        "LiBH4",
        "LiNO3",
        "Li2SO4",
        "Li2CO3",
        "LiNH2",
        "Li2(OH)Br",
        "Li3N",
        "Li3P",
        "LiFePO4",
        "LiCoO2",
        "Li0.5CoO2",
        "NiO2",
        "Li2PO2N",
        "Li2S",
        "LiF",
        "H2O",
        "Li2B12H12",
        "LiCB11H12",
        "LiCB9H10",
        "Li2B2NH11",
        "(LiBH4)2(NH3BH3)",
        "LiB3H8",
    ],
)
def test_known_compounds_are_neutral(formula: str) -> None:
    assert abs(imbalance(formula)) < NEUTRALITY_TOLERANCE


@pytest.mark.parametrize(
    ("formula", "charge_per_formula", "atoms"),
    [
        ("Li6PS5Cl2", -1, 14),
        ("Li8PS5Cl", 1, 15),
        ("Li5.4PS4.6Cl1.6", -0.4, 12.6),
        ("Li3YCl5", 1, 9),
        ("Li2La3Zr2O12", -5, 19),
        ("Li2O2", -2, 4),
        ("Li5BO3", 2, 9),
        ("Li2BH4", 1, 7),
        ("Li", 1, 1),
    ],
)
def test_formulas_without_neutrality_are_flagged_with_their_charge(
    formula: str, charge_per_formula: float, atoms: float
) -> None:
    assert imbalance(formula) == pytest.approx(charge_per_formula / atoms)
    assert abs(imbalance(formula)) > NEUTRALITY_TOLERANCE
    assert feature(formula, "charge_imbalance_per_atom") == pytest.approx(charge_per_formula / atoms)


@pytest.mark.parametrize(
    ("formula", "label", "value"),
    [
        ("Li7La3Zr2O12", "lithium_fraction", 7 / 24),
        ("Li7La3Zr2O12", "lithium_share_of_cations", 7 / 12),
        ("Li7La3Zr2O12", "lithium_per_anion", 7 / 12),
        ("Li7La3Zr2O12", "lithium_per_framework_cation", 7 / 5),
        ("Li7La3Zr2O12", "cations_per_anion", 1.0),
        ("Li7La3Zr2O12", "framework_charge", (3 * 3 + 2 * 4) / 5),
        ("Li7La3Zr2O12", "rare_earth_share", 3 / 5),
        ("Li7La3Zr2O12", "oxide_share", 1.0),
        ("Li7La3Zr2O12", "framework_charge_spread", np.sqrt(0.6 * 0.4)),
        ("Li6PS5Cl", "chloride_share", 1 / 6),
        ("Li6PS5Cl", "sulfide_share", 5 / 6),
        ("Li6PS5Cl", "halide_share", 1 / 6),
        ("Li6PS5Cl", "anion_charge", -11 / 6),
        ("Li6PS5Cl", "anion_radius_A", (5 * 1.70 + 1.67) / 6),
        ("Li6PS5Cl", "phosphorus_per_anion", 1 / 6),
        ("Li6PS5Cl", "n_elements", 4),
        ("Li6PS5Cl", "anion_mixing_entropy", -(5 / 6 * np.log(5 / 6) + 1 / 6 * np.log(1 / 6))),
        ("LiCl", "mixing_entropy", np.log(2)),
        ("LiCl", "mean_atomic_mass_g_per_mol", (6.94 + 35.45) / 2),
        ("LiCl", "lithium_to_anion_radius", 0.90 / 1.67),
        ("Li2SO4", "sulfide_share", 0.0),
        ("Li2SO4", "framework_charge", 6.0),
        ("LiBH4", "hydride_share", 1.0),
        ("LiBH4", "proton_fraction", 0.0),
        ("LiOH", "hydride_share", 0.0),
        ("LiOH", "proton_fraction", 1 / 3),
        ("Li1.3Al0.3Ti1.7(PO4)3", "transition_metal_share", 1.7 / 5),
        ("Li1.3Al0.3Ti1.7(PO4)3", "reducible_share", 1.7 / 5),
        ("Li2NaPO4", "other_alkali_fraction", 1 / 8),
        ("LiAl0.001Cl", "smallest_fraction", 0.001 / 2.001),
    ],
)
def test_features_have_the_values_that_one_computes_by_hand(formula: str, label: str, value: float) -> None:
    assert feature(formula, label) == pytest.approx(value, rel=2e-3, abs=1e-12)


def test_a_vanishing_framework_gives_the_same_lithium_ratio_as_none() -> None:
    label = "lithium_per_framework_cation"
    assert feature("Li2S", label) == feature("Li2Al0.001S", label) == 20.0
    assert feature("Na2S", label) == 0.0


def test_rounding_does_not_decide_over_a_role() -> None:
    names = ChemistryFeaturizer().labels
    spellings = ["Li2S2O5", "Li0.2S0.2O0.5", "Li0.6S0.6O1.5", "Li2.2S2.2O5.5", "S14O35Li14"]
    rows = ChemistryFeaturizer()(MaterialBatch.from_formulas(spellings))
    for j, name in enumerate(names):
        np.testing.assert_allclose(rows[:, j], rows[0, j], atol=1e-9, err_msg=name)


def test_shares_are_shares_and_everything_is_finite_on_diverse_formulas(diverse_formulas: list[str]) -> None:
    featurizer = ChemistryFeaturizer()
    rows = featurizer(MaterialBatch.from_formulas(diverse_formulas))
    assert np.isfinite(rows).all()
    shares = rows[:, [label.endswith("_share") for label in featurizer.labels]]
    assert shares.min() >= 0.0
    assert shares.max() <= 1.0 + 1e-12


def test_every_element_alone_and_as_chloride_gets_finite_features() -> None:
    formulas = [*SYMBOLS, *(f"Li1Cl1{symbol}1" for symbol in SYMBOLS)]
    assert np.isfinite(ChemistryFeaturizer()(MaterialBatch.from_formulas(formulas))).all()


def test_nearly_all_obelix_formulas_are_neutral(obelix_formulas: list[str]) -> None:
    charges = assign_ions(MaterialBatch.from_formulas(obelix_formulas)).charge_imbalance
    assert np.mean(np.abs(charges) < NEUTRALITY_TOLERANCE) > 0.9


def test_roles_use_the_charges_of_the_element_table() -> None:
    batch = MaterialBatch.from_formulas(["Li6PS5Cl"])
    ions = assign_ions(batch)
    charge = (ions.anions * element_table()["anion_charge"][batch.element_index]).sum()
    assert charge == pytest.approx(-11 / 13)
    np.testing.assert_allclose(ions.anions + ions.cations, batch.fraction)
