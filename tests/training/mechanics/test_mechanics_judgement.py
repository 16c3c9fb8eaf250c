"""What the shipped model says of electrolytes, read as a battery chemist would."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from features.candidate import Candidate
from features.errors import WarningCode
from features.lattice import Lattice
from serving.answers.conditions import Conditions
from serving.answers.judging import query_of
from serving.models.store import load_models
from training.properties.mechanics.judgement import MechanicsJudgement
from training.properties.mechanics.model import MechanicsModel


@cache
def _model() -> MechanicsModel:
    model: MechanicsModel = load_models("shipped")["mechanics"].model
    return model


def _judged(*formulas: str, coverage: float = 0.9) -> MechanicsJudgement:
    return _judgement([Candidate.from_formula(formula) for formula in formulas], coverage)


def _judgement(candidates: list[Candidate], coverage: float = 0.9) -> MechanicsJudgement:
    return MechanicsJudgement(_model(), query_of(candidates, [Conditions()] * len(candidates), coverage))


def test_what_the_tables_hold_is_said_to_stand_there() -> None:
    judged = _judged("Li3PS4", "Li6PS5Cl", "Li3YCl6")
    assert judged.basis == ["table", "model", "model"]
    assert judged.band_gap_basis == ["table", "table", "model"]
    first, second, third = judged.details()
    assert first["polymorphs"] == 1
    assert second["band_gap_polymorphs"]["count"] >= 1
    assert third["band_gap_polymorphs"] is None


@pytest.mark.parametrize(
    ("formula", "lowest_GPa", "highest_GPa"),
    [("Li7La3Zr2O12", 120, 180), ("Li1.3Al0.3Ti1.7(PO4)3", 90, 145), ("Li3PS4", 22, 35), ("Li10GeP2S12", 20, 37)],
)
def test_stiffness_is_that_of_the_literature(formula: str, lowest_GPa: float, highest_GPa: float) -> None:
    young = _judged(formula).intervals["youngs_modulus_GPa"]
    assert lowest_GPa <= young.value[0] <= highest_GPa


def test_an_interval_holds_the_published_stiffness_of_the_argyrodite() -> None:
    """22 GPa computed elsewhere (doi 10.1149/2.0061602jes); the model's middle is stiffer."""
    young = _judged("Li6PS5Cl").intervals["youngs_modulus_GPa"]
    assert young.lower[0] <= 22.0 * 1.15
    assert young.value[0] > 22.0


def test_garnets_need_sintering_and_sulfides_may_not() -> None:
    young = _judged("Li7La3Zr2O12", "Li3PS4", "Li10GeP2S12").intervals["youngs_modulus_GPa"]
    assert young.lower[0] > 30.0
    assert (young.lower[1:] < 30.0).all()


def test_moduli_of_an_isotropic_solid_agree() -> None:
    said = _judged("Li6PS5Cl", "Li3YCl6", "Li3PS4", "LiF").intervals
    young, shear, poisson = (said[name].value for name in ("youngs_modulus_GPa", "shear_modulus_GPa", "poisson_ratio"))
    assert young == pytest.approx(2.0 * shear * (1.0 + poisson), rel=1e-6)
    assert said["pugh_ratio"].value == pytest.approx(said["bulk_modulus_GPa"].value / shear, rel=1e-6)


def test_metals_have_no_gap_and_salts_have_one() -> None:
    said = _judged("Li15Ge4", "LiF", "Li3PO4", "Na3YBr6").intervals
    assert said["pbe_band_gap_eV"].value[0] == 0.0
    assert said["probability_metal"].value[0] == 1.0
    assert (said["pbe_band_gap_eV"].value[1:] > 2.0).all()
    assert (said["probability_metal"].value[1:] < 0.1).all()


def test_a_glass_is_said_to_be_answered_as_a_crystal() -> None:
    judged = _judged("Li2.9PO3.3N0.46", "Li3PO4")
    warning = next(one for one in judged.warnings if one.code is WarningCode.CRYSTAL_MEANT)
    assert warning.rows.tolist() == [True, False]
    assert "LiPON" in warning.words(0)


def test_elements_of_no_table_are_refused_with_their_names() -> None:
    judged = _judged("Li3YCl6", "HeLiO2")
    assert judged.reasons[0] is None
    assert judged.reasons[1] is not None
    assert judged.reasons[1].endswith("He")
    assert all(np.isnan(end[1]) for interval in judged.intervals.values() for end in interval)
    assert not judged.in_domain[1]


def test_a_known_cell_counts_for_toughness_alone() -> None:
    cell = Lattice(12.97, 12.97, 12.97, 90.0, 90.0, 90.0, 230.0, 192.0)
    plain, known = (Candidate.from_formula("Li7La3Zr2O12", lattice=one) for one in (Lattice(), cell))
    judged = _judgement([plain, known])
    young = judged.intervals["youngs_modulus_GPa"].value
    assert young[0] == young[1]
    expected = (12.97**3 / 192.0 / 15.0) ** (1.0 / 6.0)
    assert judged.toughness.value[1] / judged.toughness.value[0] == pytest.approx(expected)


def test_nearest_crystals_carry_their_moduli_and_source() -> None:
    for near in _judged("Li3YCl6", "Li6PS5Cl").nearest(3):
        assert [one["distance"] for one in near] == sorted(one["distance"] for one in near)
        assert all(one["value"] > 0 and one["doi"].startswith("10.") for one in near)
