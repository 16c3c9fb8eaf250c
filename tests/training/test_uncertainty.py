"""Conformal intervals keep their promise; statistical claims state how often a correct code would fail them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import betabinom

from training.uncertainty import ConformalScale, InsufficientCalibrationError

Array = NDArray[np.float64]

FALSE_ALARM = 1e-6
COVERAGES = (0.5, 0.8, 0.9, 0.95)


def world(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array, Array]:
    """Return values whose noise grows with the centre and is skewed, and what a model that is wrong about it says."""
    centre = rng.uniform(-8.0, -2.0, n)
    noise = (0.2 + 0.1 * np.abs(centre)) * (rng.gamma(2.0, 1.0, n) - 1.5)
    return centre + noise, centre, 0.3 + 0.05 * np.abs(centre), np.full(n, 0.7)


def inside(scale: ConformalScale, coverage: float, value: Array, centre: Array, below: Array, above: Array) -> Array:
    reach = scale.factor(coverage)
    return (centre - reach * below <= value) & (value <= centre + reach * above)


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("n_calibration", [19, 60, 500])
def test_coverage_of_exchangeable_rows(coverage: float, n_calibration: int) -> None:
    """The number of covered new rows is beta-binomial (Vovk, doi 10.1007/s10994-013-5355-6), whatever the model."""
    rng = np.random.default_rng(round(1000 * coverage) + n_calibration)
    n_new, rank = 4000, int(np.ceil((n_calibration + 1) * coverage - 1e-9))
    law = betabinom(n_new, rank, n_calibration + 1 - rank)
    low, high = law.ppf(FALSE_ALARM / 2), law.isf(FALSE_ALARM / 2)
    value, *model = world(rng, n_calibration)
    scale = ConformalScale.fit(value, np.zeros(n_calibration, dtype=bool), *model)
    covered = inside(scale, coverage, *world(rng, n_new)).sum()
    assert low <= covered <= high, f"{covered} of {n_new} covered, expected {low:g} to {high:g}"


def test_the_mean_coverage_is_the_nominal_one() -> None:
    """Over many calibrations the mean coverage is rank / (n + 1); six standard errors are a false alarm of 2e-9."""
    rng = np.random.default_rng(0)
    n, n_new, repeats, coverage = 29, 200, 400, 0.9
    shares = []
    for _ in range(repeats):
        value, *model = world(rng, n)
        scale = ConformalScale.fit(value, np.zeros(n, dtype=bool), *model)
        shares.append(inside(scale, coverage, *world(rng, n_new)).mean())
    assert abs(np.mean(shares) - 27 / 30) < 6 * np.std(shares) / np.sqrt(repeats)


@given(st.lists(st.floats(0.0, 50.0), min_size=99, max_size=150), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_intervals_are_nested(scores: list[float], one: float, other: float) -> None:
    scale = ConformalScale(np.sort(scores))
    low, high = sorted((one, other))
    assert scale.factor(low) <= scale.factor(high)


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_too_few_rows_are_refused_and_the_message_says_how_many_it_takes(coverage: float, needed: int) -> None:
    assert ConformalScale(np.arange(float(needed))).factor(coverage) == needed - 1
    with pytest.raises(InsufficientCalibrationError, match=rf"{needed - 1} calibration rows.* needs {needed}$"):
        ConformalScale(np.arange(float(needed - 1))).factor(coverage)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 1.7, float("nan")])
def test_a_coverage_that_is_none_is_refused(coverage: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ConformalScale(np.arange(100.0)).factor(coverage)


def test_a_bound_is_covered_when_the_lower_end_reaches_down_to_it() -> None:
    value, one = np.array([-10.0, -5.0]), np.ones(2)
    scale = ConformalScale.fit(value, np.array([True, True]), np.array([-6.0, -6.0]), 2.0 * one, one)
    # the first bound lies 4 below the centre, 2 lower scales; the second above it, where nothing is contradicted
    np.testing.assert_allclose(scale.scores, [0.0, 2.0])
    measured = ConformalScale.fit(value, np.array([False, False]), np.array([-6.0, -6.0]), 2.0 * one, one)
    np.testing.assert_allclose(measured.scores, [1.0, 2.0])


def test_each_side_is_scored_by_its_own_scale() -> None:
    scale = ConformalScale.fit(
        np.array([1.0, -1.0]), np.zeros(2, dtype=bool), np.zeros(2), np.full(2, 0.5), np.full(2, 0.25)
    )
    np.testing.assert_allclose(scale.scores, [2.0, 4.0])


@pytest.mark.parametrize("place", range(4))
def test_rows_that_are_not_finite_are_refused(place: int) -> None:
    columns = [np.zeros(3), np.ones(3), np.ones(3), np.ones(3)]
    columns[place][1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        ConformalScale.fit(columns[0], np.zeros(3, dtype=bool), *columns[1:])


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_tail_probability_agrees_with_the_intervals(coverage: float) -> None:
    scale = ConformalScale(np.sort(np.random.default_rng(3).exponential(size=999)))
    centre, below, above = np.array([-4.0]), np.array([0.5]), np.array([0.8])
    reach = scale.factor(coverage)
    over_upper = scale.tail_probability(centre + reach * above, centre, below, above)
    over_lower = scale.tail_probability(centre - reach * below, centre, below, above)
    np.testing.assert_allclose(over_upper, (1 - coverage) / 2, atol=2e-3)
    np.testing.assert_allclose(over_lower, (1 + coverage) / 2, atol=2e-3)


def test_tail_probability_falls_with_the_threshold_and_is_a_half_at_the_centre() -> None:
    scale = ConformalScale(np.sort(np.random.default_rng(4).exponential(size=200)))
    thresholds = np.linspace(-30.0, 20.0, 401)
    centre = np.full(401, -4.0)
    probability = scale.tail_probability(thresholds, centre, np.ones(401), np.ones(401))
    assert (np.diff(probability) <= 0).all()
    assert 0.0 < probability[-1] < 0.01
    assert 0.99 < probability[0] < 1.0
    at_centre = scale.tail_probability(-4.0, centre[:1], np.ones(1), np.ones(1))
    np.testing.assert_allclose(at_centre, 0.5, atol=0.01)


def test_a_weight_counts_like_so_many_rows() -> None:
    rng = np.random.default_rng(7)
    value, centre, ones = rng.normal(size=400), np.zeros(400), np.ones(400)
    weights = rng.integers(0, 4, 400).astype(float)
    exact = np.zeros(400, dtype=bool)
    weighted = ConformalScale.fit(value, exact, centre, ones, ones, weights)
    repeated = np.repeat(np.arange(400), weights.astype(int))
    plain = ConformalScale.fit(value[repeated], exact[repeated], centre[repeated], ones[repeated], ones[repeated])
    assert len(weighted.scores) == int((weights > 0).sum())
    for coverage in (0.5, 0.8, 0.9):
        assert weighted.factor(coverage) == pytest.approx(plain.factor(coverage), abs=0.05)
    assert weighted.median == pytest.approx(plain.median, abs=0.02)


def test_equal_weights_change_nothing_but_rounding() -> None:
    value, zeros, ones = np.random.default_rng(8).normal(size=99), np.zeros(99), np.ones(99)
    exact = np.zeros(99, dtype=bool)
    plain = ConformalScale.fit(value, exact, zeros, ones, ones)
    weighted = ConformalScale.fit(value, exact, zeros, ones, ones, np.full(99, 0.3))
    np.testing.assert_allclose(weighted.scores, plain.scores, atol=1e-12)


def test_the_median_of_the_signed_scores_tells_a_centre_that_is_off() -> None:
    value, ones = np.random.default_rng(9).normal(size=999), np.ones(999)
    is_bound = np.arange(999) % 9 == 0
    low = ConformalScale.fit(value, is_bound, np.full(999, -0.5), ones, ones)
    assert low.median == pytest.approx(0.5, abs=0.15)
    assert ConformalScale.fit(value, ~is_bound, np.full(999, 9.0), ones, ones).median < -8.0
    all_above = ConformalScale.fit(np.zeros(3), np.ones(3, dtype=bool), np.full(3, -1.0), ones[:3], ones[:3])
    assert all_above.median == 0.0
