"""The model of gaps learns a law, says what it does not know, and answers alike after it was stored."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from gap_world import ABSENT, METALS, gap_of, made_table

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.properties.mechanics.gap_fit import GapFit, GapSettings, fit_gap, n_steps
from training.properties.mechanics.gap_model import GapCalibration, GapModel, RawGaps
from training.uncertainty import ConformalScale, InsufficientCalibrationError

STEPS: list[str] = []


@cache
def fitted() -> GapFit:
    return fit_gap(made_table(), GapSettings.quick(), STEPS.append)


def batch_of(*formulas: str) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])


def test_the_law_of_salts_and_alloys_is_learned() -> None:
    left_out = fitted().left_out
    compositions = left_out.compositions
    predicted = fitted().model.calibration.distribution(left_out.raw).quantile(0.5)
    assert np.abs(predicted - compositions.gap_eV).mean() < 0.3 * np.abs(compositions.gap_eV - 2.0).mean()
    alloys = np.array([set(amounts) <= set(METALS) for amounts in map(plain_amounts, compositions.formula) if amounts])
    assert (predicted[alloys] == 0.0).mean() > 0.95


def test_each_step_of_a_fit_is_reported() -> None:
    fitted()
    assert len(STEPS) == n_steps(GapSettings.quick()) == 4


def test_chemical_systems_are_left_out_whole() -> None:
    left_out = fitted().left_out
    pairs = {(system, fold) for system, fold in zip(left_out.compositions.system, left_out.fold, strict=True)}
    assert len(pairs) == len(np.unique(left_out.compositions.system))


def test_compositions_that_no_table_holds_are_predicted() -> None:
    salt, alloy = "Li1Sr1Cl3", "Li1Sr1In1"
    prediction = fitted().model.predict(batch_of(salt, alloy))
    assert np.isnan(fitted().model.lookup.find(batch_of(salt, alloy)).middle_eV).all()
    assert abs(prediction.value_eV[0] - gap_of(ABSENT)) < 1.0
    assert prediction.value_eV[1] == 0.0
    assert prediction.p_metal[1] > 0.8 > prediction.p_metal[0]


def test_intervals_hold_their_value_and_wider_ones_the_narrower() -> None:
    prediction = fitted().model.predict(fitted().left_out.compositions.batch)
    narrow, wide = prediction.interval(0.5), prediction.interval(0.9)
    assert (wide.lower >= 0.0).all()
    for inner, outer in ((wide.lower, narrow.lower), (narrow.lower, narrow.value)):
        assert (inner <= outer + 1e-12).all()
    for inner, outer in ((narrow.value, narrow.upper), (narrow.upper, wide.upper)):
        assert (inner <= outer + 1e-12).all()


def test_what_may_be_a_metal_may_have_no_gap() -> None:
    prediction = fitted().model.predict(fitted().left_out.compositions.batch)
    doubtful = prediction.p_metal > 0.5 - prediction.distribution.calibration.factor(0.9)
    assert doubtful.any()
    assert (prediction.interval(0.9).lower[doubtful] == 0.0).all()


def test_metals_and_others_are_both_covered_where_they_were_calibrated() -> None:
    left_out = fitted().left_out
    gap = left_out.compositions.gap_eV
    calibration = fitted().model.calibration
    reach = calibration.factor(0.9)
    distribution = calibration.distribution(left_out.raw)
    lower, upper = distribution.quantile(0.5 - reach), distribution.quantile(0.5 + reach)
    covered = (lower - 1e-9 <= gap) & (gap <= upper + 1e-9)
    assert covered[gap > 0].mean() >= 0.89
    assert covered[gap <= 0].mean() >= 0.89


def test_probabilities_and_quantiles_are_of_one_distribution() -> None:
    prediction = fitted().model.predict(fitted().left_out.compositions.batch)
    distribution = prediction.distribution
    for level in (0.2, 0.6, 0.9):
        gap = distribution.quantile(level)
        positive = gap > 0
        assert np.allclose(distribution.below(gap)[positive], level, atol=2e-3)
    assert (prediction.p_gap_above(0.5) >= prediction.p_gap_above(1.0)).all()


def test_a_calibration_needs_metals_and_others() -> None:
    raw = RawGaps(np.zeros(4), np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="0 metals among 4 rows"):
        GapCalibration.fit(raw, np.ones(4))


def test_too_few_rows_give_no_wide_interval() -> None:
    few = ConformalScale(np.linspace(0.0, 0.5, 10))
    calibration = GapCalibration(0.0, 1.0, np.linspace(-3.0, 3.0, 11), (few, few))
    assert 0.4 < calibration.factor(0.9) <= 0.5
    with pytest.raises(InsufficientCalibrationError, match="10 calibration rows"):
        calibration.factor(0.99)


def test_probability_of_a_metal_follows_the_log_odds() -> None:
    scale = ConformalScale(np.linspace(0.0, 0.5, 10))
    calibration = GapCalibration(0.0, 1.0, np.linspace(-3.0, 3.0, 11), (scale, scale))
    raw = RawGaps(np.array([-40.0, 0.0, 40.0]), np.full(3, 4.0), np.full(3, 0.5))
    distribution = calibration.distribution(raw)
    assert np.allclose(distribution.p_metal, [0.0, 0.5, 1.0], atol=1e-9)
    assert np.allclose(distribution.quantile(0.5), [4.0, 0.0, 0.0], atol=1e-6)
    assert np.allclose(distribution.quantile(0.75), [4.75, 4.0, 0.0], atol=1e-6)


def test_a_stored_model_answers_alike_and_is_small() -> None:
    model, file = fitted().model, io.BytesIO()
    np.savez_compressed(file, **model.arrays())
    file.seek(0)
    with np.load(file) as stored:
        again = GapModel.from_arrays(dict(stored))
    asked = fitted().left_out.compositions.batch
    assert np.array_equal(np.stack(model.predict(asked).interval(0.8)), np.stack(again.predict(asked).interval(0.8)))
    assert np.array_equal(model.lookup.find(asked).middle_eV, again.lookup.find(asked).middle_eV)
    assert not any(array.dtype.hasobject for array in model.arrays().values())


def test_arrays_that_are_no_trees_are_refused() -> None:
    arrays = fitted().model.arrays()
    with pytest.raises(ValueError, match="no binary trees"):
        GapModel.from_arrays(arrays | {"gap_right_ahead": np.zeros_like(arrays["gap_right_ahead"])})


def test_a_row_is_answered_alike_alone_in_company_and_spelled_differently() -> None:
    model = fitted().model
    together = model.predict(batch_of("Li1Sr1Cl3", "Na2S", "Li6.4La3Zr1.4Ta0.6O12"))
    alone = model.predict(batch_of("Li12.8La6Zr2.8Ta1.2O24"))
    other = model.predict(batch_of("S0.5Na"))
    assert np.allclose(together.interval().upper[2], alone.interval().upper[0], atol=1e-9)
    assert np.allclose(together.value_eV[1], other.value_eV[0], atol=1e-9)


def test_the_same_seed_gives_the_same_model() -> None:
    again = fit_gap(made_table(), GapSettings.quick()).model
    asked = batch_of("Li1Sr1Cl3", "Na2S")
    assert np.array_equal(again.predict(asked).value_eV, fitted().model.predict(asked).value_eV)


def test_answering_imports_no_training_library() -> None:
    code = (
        "import sys, training.properties.mechanics.gap_model; "
        "print([name for name in ('sklearn', 'lightgbm', 'torch', 'pandas') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
