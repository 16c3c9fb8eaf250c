"""Scores in the conventions of the benchmark, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.properties.conductivity.metrics import ScoredPredictions, Truth, interval_score, is_covered, score

Array = NDArray[np.float64]

TRUTH = Truth(np.array([-3.0, -5.0, -10.0, -8.0]), np.array([False, False, True, True]))
VALUE = np.array([-3.5, -3.5, -9.0, -14.0])
ANSWER = ScoredPredictions(VALUE, VALUE - 1.0, VALUE + 2.0)


def test_every_score_by_hand() -> None:
    scores = score(TRUTH, ANSWER)
    # errors against -3, -5, -15, -15: 0.5, 1.5, 6, 1
    assert scores["mae"] == pytest.approx(9.0 / 4)
    assert scores["rmse"] == pytest.approx(np.sqrt((0.25 + 2.25 + 36.0 + 1.0) / 4))
    assert scores["mae_uncensored"] == pytest.approx(1.0)
    assert scores["accuracy_1e-4"] == pytest.approx(3 / 4)  # -5 was taken for a good conductor
    assert scores["mean_half_width_90"] == pytest.approx(1.5)
    assert scores["n_test"] == 4.0
    # -3 in -4.5..-1.5, -5 not in -4.5..-1.5, <-10 reached by -10.0, <-8 by -15
    assert scores["coverage_90"] == pytest.approx(3 / 4)
    # widths 3 each, and one miss by 0.5 that costs 20 per decade
    assert scores["interval_score_90"] == pytest.approx(3.0 + 0.5 * 20.0 / 4)
    # ranks by value 3.5 3.5 2 1, by measurement 4 3 1.5 1.5
    assert scores["spearman"] == pytest.approx(np.corrcoef([3.5, 3.5, 2, 1], [4, 3, 1.5, 1.5])[0, 1])


def test_predictions_below_what_instruments_read_are_floored_among_measured_rows() -> None:
    truth = Truth(np.array([-9.0, -4.0]), np.array([False, False]))
    value = np.array([-13.0, -4.0])
    scores = score(truth, ScoredPredictions(value, value - 1, value + 1))
    assert scores["mae_uncensored"] == pytest.approx(0.5)
    assert scores["mae"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("lower", "upper", "is_bound", "covered"),
    [
        (-6.0, -4.0, False, True),
        (-5.0, -4.0, False, True),  # the ends belong to it
        (-6.0, -5.5, False, False),
        (-4.5, -4.0, False, False),
        (-6.0, -5.5, True, True),  # all of it lies below the bound
        (-6.0, -4.0, True, True),  # some of it
        (-4.5, -4.0, True, False),  # none of it
    ],
)
def test_covered(lower: float, upper: float, is_bound: bool, covered: bool) -> None:
    truth = Truth(np.array([-5.0]), np.array([is_bound]))
    middle = (lower + upper) / 2
    answer = ScoredPredictions(np.array([middle]), np.array([lower]), np.array([upper]))
    assert is_covered(truth, answer)[0] == covered
    missed = interval_score(truth, answer)[0] > upper - lower + 1e-12
    assert missed != covered


def test_the_interval_score_rewards_the_true_quantiles() -> None:
    """Proper: among intervals of a standard normal, the one from 5 to 95 % scores best."""
    rng = np.random.default_rng(0)
    truth = Truth(rng.normal(size=100_000), np.zeros(100_000, dtype=bool))

    def mean_score(reach: float) -> float:
        ends = np.full(100_000, reach)
        return float(interval_score(truth, ScoredPredictions(np.zeros(100_000), -ends, ends)).mean())

    scores = {reach: mean_score(reach) for reach in (1.0, 1.4, 1.645, 1.9, 2.5)}
    assert min(scores, key=lambda reach: scores[reach]) == 1.645


def test_a_perfect_answer() -> None:
    truth = Truth(np.array([-3.0, -5.0, -7.0]), np.zeros(3, dtype=bool))
    scores = score(truth, ScoredPredictions(truth.log10_sigma, truth.log10_sigma, truth.log10_sigma))
    assert (scores["mae"], scores["rmse"], scores["spearman"]) == (0.0, 0.0, pytest.approx(1.0))
    assert (scores["coverage_90"], scores["accuracy_1e-4"]) == (1.0, 1.0)
