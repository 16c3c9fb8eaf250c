"""Objectives of moduli are judged on joint draws: what goes together is counted together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from training.distributions import Bound, counted, joint_chance
from training.properties.mechanics.distributions import BULK_ERROR, OF_MODULI, SHEAR_ERROR, FromModuli
from training.properties.mechanics.joint_moduli import JointModuli, JointScores
from training.properties.mechanics.quantities import BULK, PUGH, SHEAR, YOUNG

COMPOSITION = np.eye(103)[:3]
INF = float("inf")


def _moduli(correlation: float, scale: float = 0.1) -> JointModuli:
    centre = np.array([[1.0, 1.3], [1.7, 2.0], [0.7, 1.2]])
    return JointModuli(centre, np.full((3, 2), scale), (JointScores.normal(correlation),), np.zeros(3, dtype=np.int64))


def _of(name: str, correlation: float = 0.6) -> FromModuli:
    return FromModuli(_moduli(correlation), OF_MODULI[name], np.ones(3))


def test_the_probability_of_one_modulus_is_that_of_its_interval() -> None:
    chance = joint_chance([Bound(_of(SHEAR.name), 8.5, INF)], COMPOSITION)
    expected = 1.0 - norm.cdf(np.log10(8.5), [1.0, 1.7, 0.7], 0.1)
    assert chance.probability == pytest.approx(expected, abs=0.02)


def test_draws_agree_with_counting_independent_samples() -> None:
    bounds = [Bound(_of(YOUNG.name), -INF, 30.0), Bound(_of(SHEAR.name), 8.5, INF), Bound(_of(PUGH.name), 1.75, INF)]
    chance, sampled = joint_chance(bounds, COMPOSITION), counted(bounds, COMPOSITION)
    assert np.abs(chance.probability - sampled.probability).max() < 0.06


def test_soft_and_stiff_at_once_is_rarer_than_chance() -> None:
    """E below 25 and G above 10 GPa of a material with G = 10, K = 20: both lie near their middles."""
    soft, stiff = Bound(_of(YOUNG.name), -INF, 25.0), Bound(_of(SHEAR.name), 10.0, INF)
    alone = [joint_chance([bound], COMPOSITION).probability[0] for bound in (soft, stiff)]
    both = joint_chance([soft, stiff], COMPOSITION).probability[0]
    assert both < 0.5 * alone[0] * alone[1]


@pytest.mark.parametrize("name", [YOUNG.name, SHEAR.name, BULK.name, PUGH.name])
def test_values_in_samples_have_the_centre_for_a_median(name: str) -> None:
    one = _of(name)
    rng = np.random.default_rng(3)
    errors = {source: rng.standard_normal((4001, 3)) for source in (SHEAR_ERROR, BULK_ERROR)}
    assert np.median(one.values(errors), axis=0) == pytest.approx(one.central(), rel=0.03)


def test_chosen_candidates_keep_what_is_theirs() -> None:
    one = FromModuli(_moduli(0.6), OF_MODULI[SHEAR.name], np.array([1.0, 2.0, 3.0]))
    assert one.take(np.array([2, 0])).central().tolist() == one.central()[[2, 0]].tolist()
