"""Joint intervals of both moduli and of all that follows from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, multivariate_normal

from training.elasticity import youngs_modulus
from training.properties.mechanics.joint_moduli import JointModuli, JointScores
from training.uncertainty import ConformalScale

SEED = 5


def _errors(n: int, correlation: float, seed: int = SEED) -> np.ndarray:
    covariance = [[1.0, correlation], [correlation, 1.0]]
    drawn: np.ndarray = multivariate_normal([0.0, 0.0], covariance, seed=seed).rvs(n)
    return drawn


def _scores(signed: np.ndarray) -> JointScores:
    shear, bulk = (ConformalScale(np.sort(np.abs(column))) for column in signed.T)
    return JointScores.of(signed, shear, bulk)


def _moduli(scores: JointScores, log10: list[list[float]], scale: float = 0.1) -> JointModuli:
    centre = np.array(log10)
    return JointModuli(centre, np.full_like(centre, scale), (scores,), np.zeros(len(centre), dtype=np.int64))


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.7])
def test_scores_keep_the_correlation_of_errors(correlation: float) -> None:
    scores = _scores(_errors(4000, correlation))
    assert scores.correlation == pytest.approx(correlation, abs=0.05)
    drawn = np.corrcoef(scores.draws.T)[0, 1]
    assert drawn == pytest.approx(correlation, abs=0.08)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_intervals_cover_new_materials_of_the_same_kind(coverage: float) -> None:
    """3,000 materials whose errors have the correlation of the calibration: a binomial test at 1 in 10,000 a side.

    Youngs's modulus and the Pugh ratio are calibrated by no rows of their own: the draws must carry them.
    """
    n = 3000
    scores = _scores(_errors(3000, 0.6))
    rng = np.random.default_rng(SEED + 1)
    centre = np.stack([rng.uniform(0.8, 2.2, n), rng.uniform(1.2, 2.4, n)], axis=1)
    scale = rng.uniform(0.03, 0.2, (n, 2))
    true = centre + scale * _errors(n, 0.6, SEED + 2)
    moduli = JointModuli(centre, scale, (scores,), np.zeros(n, dtype=np.int64))
    young = np.log10(youngs_modulus(10.0 ** true[:, 0], 10.0 ** true[:, 1]))
    # the calibration itself wanders by its 3,000 rows, the draws are 256
    low, high = binom.ppf([1e-4, 1.0 - 1e-4], n, coverage) / n + np.array([-0.025, 0.025])
    for interval, truth in (
        (moduli.log10_modulus(0, coverage), true[:, 0]),
        (moduli.log10_modulus(1, coverage), true[:, 1]),
        (moduli.log10_youngs_modulus(coverage), young),
        (moduli.combination((-1.0, 1.0), coverage), true[:, 1] - true[:, 0]),
    ):
        covered = ((truth >= interval.lower) & (truth <= interval.upper)).mean()
        assert low <= covered <= high


@settings(deadline=None)
@given(
    log10=st.lists(st.tuples(st.floats(0.0, 2.7), st.floats(0.0, 2.7)), min_size=1, max_size=5),
    scale=st.floats(0.01, 0.4),
)
def test_wider_coverage_holds_the_narrower_and_both_hold_the_value(
    log10: list[tuple[float, float]], scale: float
) -> None:
    moduli = _moduli(JointScores.normal(0.5), [list(pair) for pair in log10], scale)
    for ask in (moduli.log10_youngs_modulus, lambda coverage: moduli.combination((-1.0, 1.0), coverage)):
        narrow, wide = ask(0.5), ask(0.95)
        assert (wide.lower <= narrow.lower).all()
        assert (narrow.lower <= narrow.value).all()
        assert (narrow.value <= narrow.upper).all()
        assert (narrow.upper <= wide.upper).all()


def test_a_row_is_the_same_alone_and_in_company() -> None:
    scores = _scores(_errors(500, 0.4))
    many = _moduli(scores, [[1.0, 1.4], [2.0, 2.2], [0.5, 0.9]])
    for row in range(3):
        alone = many.take(np.array([row])).log10_youngs_modulus(0.9)
        company = many.log10_youngs_modulus(0.9)
        assert [part[0] for part in alone] == [part[row] for part in company]


def test_nothing_is_said_of_what_is_unknown() -> None:
    moduli = _moduli(JointScores.normal(0.5), [[np.nan, np.nan], [1.0, 1.4]])
    found = moduli.log10_youngs_modulus(0.9)
    assert np.isnan([part[0] for part in found]).all()
    assert np.isfinite([part[1] for part in found]).all()
    above = moduli.probability_above((1.0, 0.0), 1.0)
    assert np.isnan(above[0])
    assert above[1] == pytest.approx(0.5, abs=0.02)
