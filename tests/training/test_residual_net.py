"""The nets on the process's residual: they can learn, they respect bounds, numpy answers as PyTorch does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.properties.conductivity.residual_net import (
    LARGEST_INPUT,
    ResidualNets,
    ResidualNetSettings,
    _negative_log_likelihood,
    _scaled,
    _Training,
)

Array = NDArray[np.float64]

SMALL = ResidualNetSettings(n_nets=2, hidden=16, epochs=20)


def world(n: int = 400, seed: int = 0) -> tuple[Array, Array, Array, NDArray[np.bool_], Array]:
    """Return features, the process's view, what it misses added to that, no bound, and weights."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 6)) * [1.0, 10.0, 0.1, 1.0, 1.0, 1.0] + 3.0
    prior = rng.normal(-5.0, 2.0, n)
    missed = np.where(features[:, 0] > 3.0, 1.5, -1.5) + 0.1 * rng.normal(size=n)
    return features, prior, prior + missed, np.zeros(n, dtype=bool), np.ones(n)


@pytest.fixture(scope="module")
def nets() -> ResidualNets:
    return ResidualNets.fit(*world(), replace(SMALL, epochs=60), seed=1)


def test_ten_rows_can_be_learnt_by_heart() -> None:
    features, prior, targets, bounds, weights = (part[:10] for part in world())
    settings = replace(SMALL, epochs=1500, input_dropout=0.0, hidden_dropout=0.0, weight_decay=0.0, hidden=32)
    learnt = ResidualNets.fit(features, prior, targets, bounds, weights, settings, seed=1)
    assert np.abs(learnt.centre(features, prior) - targets).max() < 0.1


def test_nets_learn_what_the_process_misses(nets: ResidualNets) -> None:
    features, prior, targets, _, _ = world(seed=1)
    assert np.abs(nets.centre(features, prior) - targets).mean() < 0.9 < np.abs(prior - targets).mean()


def test_the_process_s_view_moves_the_answer_one_to_one(nets: ResidualNets) -> None:
    features, prior, *_ = world(seed=1)
    np.testing.assert_allclose(nets.centre(features, prior + 2.5), nets.centre(features, prior) + 2.5, atol=1e-12)


def test_numpy_answers_as_pytorch_does() -> None:
    features, prior, targets, bounds, weights = world()
    settings = replace(SMALL, input_dropout=0.0, hidden_dropout=0.0)
    deviation = features.std(axis=0)
    training = _Training(_scaled(features, features.mean(axis=0), 1.0 / deviation), settings, seed=3)
    training.run((targets - prior) / 2.0, bounds, weights)
    w, b = training.parameters()
    ours = ResidualNets(features.mean(axis=0), 1.0 / deviation, w, b).centre(features, prior)
    with torch.no_grad():
        theirs = training.forward(training.inputs.expand(settings.n_nets, -1, -1))[..., 0].mean(dim=0).numpy()
    np.testing.assert_allclose(ours, prior + 2.0 * theirs, atol=2e-5)


def test_a_bound_pulls_down_only_what_lies_above_it() -> None:
    features, prior, targets, _, weights = world()
    bounded = features[:, 0] > 3.0

    def mean_with_bound_at(height: float) -> float:
        told = np.where(bounded, prior + height, targets)
        fitted = ResidualNets.fit(features, prior, told, bounded, weights, replace(SMALL, epochs=60), seed=1)
        return float((fitted.centre(features, prior) - prior)[bounded].mean())

    far_below, far_above = mean_with_bound_at(-4.0), mean_with_bound_at(+8.0)
    assert far_below < -3.0
    assert far_above > -2.0  # says nothing: not read as a value of +8 either
    assert far_above < 2.0


def test_the_likelihood_of_a_bound_is_the_probability_below_it() -> None:
    centre, log_width = torch.zeros(3), torch.full((3,), 0.3)
    target, is_bound = torch.tensor([-2.0, 0.0, 2.0]), torch.ones(3, dtype=torch.bool)
    ours = _negative_log_likelihood(centre, log_width, target, is_bound)
    laplace = torch.distributions.Laplace(centre, torch.exp(log_width))
    np.testing.assert_allclose(ours, -torch.log(laplace.cdf(target)), atol=1e-4)
    exact = _negative_log_likelihood(centre, log_width, target, ~is_bound)
    np.testing.assert_allclose(exact, -laplace.log_prob(target) - np.log(2.0), atol=1e-6)


def test_the_same_seed_gives_the_same_nets_whatever_was_drawn_before(nets: ResidualNets) -> None:
    features, prior, *_ = world(seed=1)
    torch.rand(7)
    again = ResidualNets.fit(*world(), replace(SMALL, epochs=60), seed=1)
    np.testing.assert_array_equal(again.centre(features, prior), nets.centre(features, prior))
    other = ResidualNets.fit(*world(), replace(SMALL, epochs=60), seed=2)
    assert np.abs(other.centre(features, prior) - nets.centre(features, prior)).max() > 1e-3


def test_fitting_leaves_the_random_numbers_of_the_caller_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    ResidualNets.fit(*world(50), replace(SMALL, epochs=1), seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_feature_that_never_varied_says_nothing_and_an_exotic_one_no_more_than_its_limit(nets: ResidualNets) -> None:
    features, prior, targets, bounds, weights = world()
    features[:, 2] = 0.7
    fitted = ResidualNets.fit(features, prior, targets, bounds, weights, SMALL, seed=1)
    new = features[:5].copy()
    new[:, 2] = 900.0
    np.testing.assert_array_equal(fitted.centre(new, prior[:5]), fitted.centre(features[:5], prior[:5]))
    far, farther = features[:1].copy(), features[:1].copy()
    far[0, 0], farther[0, 0] = 3.0 + 2 * LARGEST_INPUT, 1e9
    np.testing.assert_array_equal(nets.centre(far, prior[:1]), nets.centre(farther, prior[:1]))


def test_the_answer_does_not_depend_on_the_batch_and_survives_a_bundle(nets: ResidualNets) -> None:
    features, prior, *_ = world(seed=1)
    together = nets.centre(features, prior)
    alone = [nets.centre(features[[i]], prior[[i]])[0] for i in range(20)]
    np.testing.assert_allclose(alone, together[:20], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ResidualNets.from_arrays(nets.arrays()).centre(features, prior), together)


def test_few_rows_are_no_error() -> None:
    few = ResidualNets.fit(*(part[:2] for part in world()), replace(SMALL, epochs=3), seed=1)
    assert np.isfinite(few.centre(*world(seed=1)[:2])).all()
