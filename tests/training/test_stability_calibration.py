"""Intervals of the stability nets cover what they say, probabilities happen as often as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from training.properties.stability.calibration import SPREAD_WEIGHT, Calibration, Pooled, _best_decision
from training.properties.stability.ensemble import NetOutputs

Array = NDArray[np.float64]

FALSE_ALARM = 1e-6
N_CALIBRATION, N_NEW = 20_000, 40_000  # scores off by a tenth would show


def rows(seed: int, n: int) -> tuple[Pooled, Array, Array]:
    """Return what nets say and the truth: Laplace errors of 1.7 times the scale that they claim, a biased class."""
    rng = np.random.default_rng(seed)
    scale = rng.gamma(3.0, 0.02, n) + 0.005
    centre = rng.normal(0.0, 0.12, n)
    residual = centre + rng.laplace(0.0, 1.7 * scale)
    decomposition = residual - np.abs(rng.normal(0.0, 0.08, n))  # the published hull knows more phases
    pooled = Pooled(
        residual_eV_per_atom=centre,
        decomposition_eV_per_atom=centre - 0.06,
        scale_residual_eV_per_atom=scale,
        scale_decomposition_eV_per_atom=1.2 * scale,
        spread_eV_per_atom=0.3 * scale,
        log_odds_stable=-0.5 * centre / scale + 2.0 + rng.normal(0.0, 0.5, n),
    )
    return pooled, residual, decomposition


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return Calibration.fit(*rows(0, N_CALIBRATION))


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_new_rows_are_covered_as_often_as_asked(calibration: Calibration, coverage: float) -> None:
    """The number of covered new rows is beta-binomial (Vovk, doi 10.1007/s10994-013-5355-6), whatever the nets."""
    rank = int(np.ceil((N_CALIBRATION + 1) * coverage - 1e-9))
    law = betabinom(N_NEW, rank, N_CALIBRATION + 1 - rank)
    pooled, residual, decomposition = rows(round(1000 * coverage), N_NEW)
    ends = (
        (residual, pooled.residual_eV_per_atom, pooled.scale_residual_eV_per_atom),
        (decomposition, pooled.decomposition_eV_per_atom, pooled.scale_decomposition_eV_per_atom),
    )
    for (truth, centre, scale), conformal in zip(ends, (calibration.residual, calibration.decomposition), strict=True):
        covered = (np.abs(truth - centre) <= conformal.factor(coverage) * scale).sum()
        low, high = law.ppf(FALSE_ALARM / 2), law.isf(FALSE_ALARM / 2)
        assert low <= covered <= high, f"{covered} of {N_NEW} covered, expected {low:g} to {high:g}"


@pytest.mark.parametrize("law", ["known", "published"])
def test_probabilities_happen_as_often_as_they_say(calibration: Calibration, law: str) -> None:
    """In ten groups; one that is off by 0.03 and five standard errors would be a false alarm of 6e-7."""
    pooled, residual, decomposition = rows(77, 40_000)
    if law == "known":
        probability, happened = calibration.probability_stable(pooled), residual <= 0
    else:
        probability, happened = calibration.probability_published_stable(pooled), decomposition <= 0
    assert ((probability >= 0) & (probability <= 1)).all()
    assert probability.std() > 0.2
    for group in np.array_split(np.argsort(probability), 10):
        expected, seen = probability[group].mean(), happened[group].mean()
        assert abs(expected - seen) < 0.03 + 5 * np.sqrt(expected * (1 - expected) / len(group))


def test_a_deeper_compound_is_more_probably_stable(calibration: Calibration) -> None:
    pooled, *_ = rows(5, 500)
    deeper = replace(
        pooled,
        residual_eV_per_atom=pooled.residual_eV_per_atom - 0.01,
        decomposition_eV_per_atom=pooled.decomposition_eV_per_atom - 0.01,
        log_odds_stable=pooled.log_odds_stable + 0.3,
    )
    assert (calibration.probability_stable(deeper) > calibration.probability_stable(pooled)).all()
    assert (calibration.probability_published_stable(deeper) > calibration.probability_published_stable(pooled)).all()


def test_probabilities_of_absurd_inputs_stay_probabilities(calibration: Calibration) -> None:
    for energy in (-1e6, 1e6):
        extreme = Pooled(*(np.array([value]) for value in (energy, energy, 1e-6, 1e-6, 0.0, -energy)))
        probability = calibration.probability_stable(extreme)
        assert 0 <= probability[0] <= 1
        assert (probability[0] > 0.5) == (energy < 0)


def test_calibration_survives_the_bundle(calibration: Calibration) -> None:
    again = Calibration.from_arrays(calibration.to_arrays())
    pooled, *_ = rows(9, 200)
    for coverage in (0.5, 0.9, 0.99):
        for name in ("residual", "decomposition"):
            one, other = (getattr(each, name).factor(coverage) for each in (again, calibration))
            assert one == pytest.approx(other, rel=1e-6)
    np.testing.assert_array_equal(again.probability_stable(pooled), calibration.probability_stable(pooled))
    np.testing.assert_array_equal(
        again.probability_published_stable(pooled), calibration.probability_published_stable(pooled)
    )
    assert again.decision == calibration.decision


def test_nets_are_pooled_by_their_mean_and_disagreement_widens() -> None:
    said = NetOutputs(
        residual_eV_per_atom=np.array([[0.1, 0.0], [0.3, 0.0]], np.float32),
        decomposition_eV_per_atom=np.array([[0.0, 0.2], [0.0, 0.4]], np.float32),
        scale_residual_eV_per_atom=np.array([[0.02, 0.02], [0.04, 0.04]], np.float32),
        scale_decomposition_eV_per_atom=np.array([[0.01, 0.01], [0.01, 0.01]], np.float32),
        log_odds_stable=np.array([[1.0, 2.0], [3.0, 2.0]], np.float32),
    )
    pooled = Pooled.of(said)
    np.testing.assert_allclose(pooled.residual_eV_per_atom, [0.2, 0.0], atol=1e-6)
    np.testing.assert_allclose(pooled.decomposition_eV_per_atom, [0.0, 0.3], atol=1e-6)
    np.testing.assert_allclose(pooled.spread_eV_per_atom, [0.1, 0.0], atol=1e-6)
    np.testing.assert_allclose(pooled.scale_residual_eV_per_atom, [0.03 + SPREAD_WEIGHT * 0.1, 0.03], atol=1e-6)
    np.testing.assert_allclose(pooled.scale_decomposition_eV_per_atom, [0.01, 0.01 + SPREAD_WEIGHT * 0.1], atol=1e-6)
    np.testing.assert_allclose(pooled.log_odds_stable, [2.0, 2.0])


def test_the_decision_is_the_threshold_with_the_best_sum_of_accuracy_and_f1() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    rng = np.random.default_rng(2)
    probability = rng.random(400)
    label = rng.random(400) < probability * 0.8

    def score(threshold: float) -> float:
        called = probability >= threshold
        return float(accuracy_score(label, called) + f1_score(label, called))

    best = max(np.linspace(0.3, 0.6, 61), key=score)
    assert _best_decision(probability, label) == pytest.approx(best)
