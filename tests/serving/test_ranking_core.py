"""Distributions, probabilities, fronts, volumes: against closed forms, brute force and BoTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from serving.ranking.acquisition import pick_by_success, pick_by_thompson, pick_by_utility, pick_by_volume
from serving.ranking.elements import element_price_USD_per_kg, supply_concentration, supply_table
from serving.ranking.hypervolume import hypervolume, mean_added_volume, mean_added_volumes
from serving.ranking.pareto import non_dominated, probability_non_dominated
from training.distributions import (
    N_DRAWS,
    Bound,
    ConformalDistribution,
    Errors,
    IntervalDistribution,
    KnownValue,
    ScoreDistribution,
    count_held,
    joint_chance,
)
from training.joint_samples import REACH, JointSamples
from training.properties.conductivity.distributions import SIGMA_ERROR
from training.properties.stability.distributions import (
    OXIDATION_LIMITS,
    REDUCTION_LIMITS,
    Energy,
    HydrolysisEnergy,
    Margin,
    ResidualEnergy,
    Width,
    WindowLimit,
)
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
SCORES = ScoreDistribution(ConformalScale(np.sort(np.abs(np.random.default_rng(0).standard_t(5, 500)))))
ERROR = ScoreDistribution(ConformalScale(np.sort(np.abs(np.random.default_rng(1).normal(0.0, 0.03, 90)))))
seeds = st.integers(0, 10_000)


def compositions(n: int, seed: int = 3) -> Array:
    """Return n random compositions of six elements."""
    fractions = np.zeros((n, 103))
    fractions[:, [2, 7, 15, 16, 38, 39]] = np.random.default_rng(seed).dirichlet(np.ones(6), n)
    return fractions


def sigma_distribution(n: int, shift: float = 0.0) -> ConformalDistribution:
    random = np.random.default_rng(n)
    parts = random.normal(-4.0, 1.0, n) + shift, random.uniform(0.3, 1.0, n), random.uniform(0.3, 1.0, n)
    return ConformalDistribution(SIGMA_ERROR, *parts, (SCORES,), np.zeros(n, dtype=np.int64))


def residual_energy(n: int) -> ResidualEnergy:
    random = np.random.default_rng(n + 1)
    centre = random.normal(0.02, 0.05, n)
    scale = np.where(random.random(n) < 0.2, 0.0, random.uniform(0.01, 0.05, n))
    stable = np.where(scale > 0.0, ndtr(-centre / 0.04), centre <= 0.0)
    return ResidualEnergy(centre, scale, stable, SCORES)


def above_hull(residual: ResidualEnergy) -> Energy:
    return Energy(residual, np.zeros(len(residual.centre)), floor=0.0)


def limits(residual: ResidualEnergy) -> tuple[WindowLimit, WindowLimit]:
    n, k = len(residual.centre), 9
    energies = np.linspace(1.0, 0.0, k)[:, None] * np.full(n, -0.2)
    oxidation, reduction = 2.5 - 4.0 * energies, np.maximum(1.5 + 3.0 * energies, 0.0)
    value = np.full(n, 2.5), np.full(n, 1.5)
    return (
        WindowLimit(REDUCTION_LIMITS, residual, energies, reduction, value[1], ERROR),
        WindowLimit(OXIDATION_LIMITS, residual, energies, oxidation, value[0], ERROR),
    )


# distributions


@given(level=st.floats(0.001, 0.999))
@settings(max_examples=50, deadline=None)
def test_a_law_of_scores_and_its_inverse_agree(level: float) -> None:
    score = SCORES.ppf(np.array([level]))
    assert SCORES.cdf(score)[0] == pytest.approx(level, abs=1e-6)


def test_probabilities_agree_with_those_that_predict_answers() -> None:
    predicted = sigma_distribution(200)
    said = SCORES.scale.tail_probability(-3.0, predicted.centre, predicted.below, predicted.above)
    np.testing.assert_allclose(1.0 - predicted.at_most(-3.0), said, atol=1.5 / (len(SCORES.scale.scores) + 1))


def test_an_interval_of_the_law_is_the_conformal_interval() -> None:
    for coverage in (0.5, 0.8, 0.9, 0.95):
        reach = SCORES.ppf(np.array([(1.0 + coverage) / 2.0]))[0]
        assert reach == pytest.approx(SCORES.scale.factor(coverage), rel=0.02)


def test_the_energy_keeps_the_calibrated_probability_of_being_stable() -> None:
    residual = residual_energy(300)
    np.testing.assert_allclose(residual.at_most(0.0), residual.probability_stable, atol=1e-9)
    levels = np.linspace(0.01, 0.99, 25)[:, None]
    back = residual.at_most(residual.at(levels))
    uncertain = residual.scale > 0.0
    np.testing.assert_allclose(back[:, uncertain], np.broadcast_to(levels, back.shape)[:, uncertain], atol=6e-3)


@given(low=st.floats(-6.0, 0.0), step=st.floats(0.0, 2.0))
@settings(max_examples=30, deadline=None)
def test_a_harder_target_is_never_met_more_surely(low: float, step: float) -> None:
    predicted, fractions = sigma_distribution(40), compositions(40)
    easy = joint_chance([Bound(predicted, low, np.inf)], fractions).probability
    hard = joint_chance([Bound(predicted, low + step, np.inf)], fractions).probability
    assert (hard <= easy + 1e-12).all()
    hull = above_hull(residual_energy(40))
    near = joint_chance([Bound(hull, -np.inf, -low / 100)], fractions).probability
    far = joint_chance([Bound(hull, -np.inf, -low / 100 + step)], fractions).probability
    assert (near <= far + 1e-12).all()


# joint probabilities


def counted(bounds: list[Bound], fractions: Array, count: int = 4000) -> Array:
    sources = sorted({source for bound in bounds for source in bound.distribution.sources})
    return count_held(bounds, JointSamples.draw(fractions, sources, {}, count=count, seed=5))


def test_closed_forms_and_quadrature_agree_with_counting() -> None:
    n, fractions = 60, compositions(60)
    residual = residual_energy(n)
    reduction, oxidation = limits(residual)
    slope = np.random.default_rng(2).uniform(-8.0, -2.0, n)
    water = HydrolysisEnergy(residual, np.full(n, -0.2), slope, 0.39)
    cases = {
        "closed form": [Bound(sigma_distribution(n), -4.5, np.inf), Bound(above_hull(residual), -np.inf, 0.025)],
        "quadrature": [
            Bound(sigma_distribution(n), -4.5, np.inf),
            Bound(above_hull(residual), -np.inf, 0.05),
            Bound(oxidation, 2.55, np.inf),
            Bound(Margin(oxidation, 2.4), 0.0, np.inf),
            Bound(reduction, -np.inf, 1.45),
            Bound(Margin(reduction, 1.4), -0.1, np.inf),
            Bound(water, -0.3, np.inf),
        ],
    }
    for method, bounds in cases.items():
        chance = joint_chance(bounds, fractions)
        assert chance.method == method
        assert (chance.standard_error == 0.0).all()
        np.testing.assert_allclose(chance.probability, counted(bounds, fractions), atol=0.04)
        error = np.sqrt(0.25 / 4000)
        assert np.abs(chance.probability - counted(bounds, fractions)).mean() < 2.0 * error


def test_counted_probabilities_err_as_they_say() -> None:
    n, fractions = 200, compositions(200)
    bounds = [Bound(Width(*limits(residual_energy(n))), 1.05, np.inf)]
    chance = joint_chance(bounds, fractions)
    assert chance.method == "Monte Carlo"
    true = counted(bounds, fractions, 20_000)
    off = np.abs(chance.probability - true) / np.sqrt(np.maximum(true * (1.0 - true), 0.002) / N_DRAWS)
    assert np.quantile(off, 0.95) < 3.0


def test_conductivities_at_two_temperatures_share_their_error() -> None:
    cold, warm, fractions = sigma_distribution(50), sigma_distribution(50, 0.8), compositions(50)
    both = joint_chance([Bound(cold, -4.0, np.inf), Bound(warm, -4.0, np.inf)], fractions).probability
    alone = joint_chance([Bound(cold, -4.0, np.inf)], fractions).probability
    np.testing.assert_allclose(both, alone, atol=1e-12)


def test_what_is_known_and_independent_is_multiplied() -> None:
    fractions, predicted = compositions(4), sigma_distribution(4)
    cheap = KnownValue(np.array([1.0, 2.0, 3.0, np.nan]))
    joint = joint_chance([Bound(predicted, -4.0, np.inf), Bound(cheap, -np.inf, 2.5)], fractions).probability
    alone = joint_chance([Bound(predicted, -4.0, np.inf)], fractions).probability
    np.testing.assert_allclose(joint[:3], alone[:3] * [1.0, 1.0, 0.0])
    assert np.isnan(joint[3])


def test_a_margin_against_lithium_counts_a_limit_of_exactly_zero() -> None:
    reduction, _ = limits(ResidualEnergy(np.array([-0.6, 0.1]), np.zeros(2), np.array([1.0, 0.0]), SCORES))
    chance = joint_chance([Bound(Margin(reduction, 0.0), 0.0, np.inf)], compositions(2)).probability
    assert chance[1] < 1e-6


# scenarios


def test_errors_do_not_depend_on_the_order_or_on_who_else_is_there() -> None:
    fractions, share = compositions(30), {SIGMA_ERROR: np.full(30, 0.5)}
    whole = JointSamples.draw(fractions, [SIGMA_ERROR], share, count=64).normal[SIGMA_ERROR]
    order = np.random.default_rng(1).permutation(30)
    mixed = JointSamples.draw(fractions[order], [SIGMA_ERROR], share, count=64).normal[SIGMA_ERROR]
    np.testing.assert_array_equal(mixed, whole[:, order])
    few = JointSamples.draw(fractions[:7], [SIGMA_ERROR], {SIGMA_ERROR: np.full(7, 0.5)}, count=64)
    np.testing.assert_allclose(few.normal[SIGMA_ERROR], whole[:, :7], atol=1e-5)
    twice = JointSamples.draw(fractions[[3, 3]], [SIGMA_ERROR], {SIGMA_ERROR: np.full(2, 0.5)}, count=64)
    np.testing.assert_array_equal(*twice.normal[SIGMA_ERROR].T)


def test_errors_are_standard_normal_and_correlated_as_the_kernel_says() -> None:
    fractions = compositions(40)
    drawn = JointSamples.draw(fractions, [SIGMA_ERROR], {SIGMA_ERROR: np.ones(40)}, count=20_000)
    errors = drawn.normal[SIGMA_ERROR]
    assert np.abs(errors.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(errors.std(axis=0), 1.0, atol=0.03)
    apart = 0.5 * np.abs(fractions[:, None] - fractions[None]).sum(axis=2)
    # random frequencies: 192 of them err by about 1 / sqrt(2 x 192)
    np.testing.assert_allclose(np.corrcoef(errors.T), np.exp(-apart / REACH), atol=0.2)
    assert np.abs(np.corrcoef(errors.T) - np.exp(-apart / REACH)).mean() < 0.06
    own = JointSamples.draw(fractions, [SIGMA_ERROR], {}, count=20_000).normal[SIGMA_ERROR]
    assert np.abs(np.corrcoef(own.T) - np.eye(40)).max() < 0.05


# fronts


def brute_force(values: Array) -> NDArray[np.bool_]:
    at_least = (values[:, None] >= values[None]).all(axis=2)
    better = (values[:, None] > values[None]).any(axis=2)
    front: NDArray[np.bool_] = ~(at_least & better).any(axis=0)
    return front


@given(seed=seeds, n=st.integers(1, 60), m=st.integers(1, 5), digits=st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_the_front_is_that_of_brute_force(seed: int, n: int, m: int, digits: int) -> None:
    values = np.random.default_rng(seed).normal(size=(n, m)).round(digits)  # few digits: many ties
    np.testing.assert_array_equal(non_dominated(values), brute_force(values))


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_fronts_move_with_the_candidates_and_ignore_who_is_dominated(seed: int) -> None:
    random = np.random.default_rng(seed)
    samples = random.normal(size=(20, 25, 3))
    probability = probability_non_dominated(samples)
    order = random.permutation(25)
    np.testing.assert_array_equal(probability_non_dominated(samples[:, order]), probability[order])
    dominated = samples[:, [4]] - random.uniform(0.01, 1.0, (20, 1, 3))
    more = probability_non_dominated(np.concatenate([samples, dominated], axis=1))
    np.testing.assert_array_equal(more[:25], probability)
    assert more[25] == 0.0


# volumes


@given(seed=seeds, n=st.integers(0, 6), m=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_volumes_are_those_of_counting_cells(seed: int, n: int, m: int) -> None:
    points = np.random.default_rng(seed).integers(-1, 6, size=(n, m)).astype(float)
    cells = np.stack(np.meshgrid(*[np.arange(6) + 0.5] * m, indexing="ij"), axis=-1).reshape(-1, m)
    inside = (cells[:, None] < points[None]).all(axis=2).any(axis=1).sum() if n else 0
    assert hypervolume(points, np.zeros(m)) == pytest.approx(float(inside))


@given(seed=seeds, m=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_what_a_point_adds_is_the_difference_of_volumes(seed: int, m: int) -> None:
    random = np.random.default_rng(seed)
    held, point = random.uniform(-0.2, 1.0, (5, m)), random.uniform(-0.2, 1.0, m)
    added = hypervolume(np.vstack([held, point]), np.zeros(m)) - hypervolume(held, np.zeros(m))
    assert mean_added_volume(point[None], held[None]) == pytest.approx(added, abs=1e-12)


def test_the_expected_improvement_is_that_of_numerical_integration() -> None:
    """Two independent normal objectives beyond a front of two points."""
    front = np.array([[0.2, 0.9], [0.8, 0.3]])
    mean, sd, s = np.array([0.5, 0.6]), np.array([0.4, 0.3]), 400
    level = ndtri((np.arange(s) + 0.5) / s)
    x, y = np.meshgrid(mean[0] + sd[0] * level, mean[1] + sd[1] * level)
    grid = np.column_stack([x.ravel(), y.ravel()])
    integrated = mean_added_volume(grid, np.broadcast_to(front, (len(grid), 2, 2)))
    drawn = np.random.default_rng(0).normal(mean, sd, (40_000, 2))
    sampled = mean_added_volumes(drawn[:, None], np.broadcast_to(front, (len(drawn), 2, 2)))[0]

    def beyond(low: float, high: float, j: int) -> float:
        """Mean length of [low, value] within [low, high]."""
        edges = np.linspace(low, min(high, 4.0), 4001)
        return float(np.trapezoid(1.0 - ndtr((edges - mean[j]) / sd[j]), edges))

    strips = ((0.0, 0.2, 0.9), (0.2, 0.8, 0.3), (0.8, np.inf, 0.0))
    exact = sum(beyond(left, right, 0) * beyond(floor, np.inf, 1) for left, right, floor in strips)
    assert integrated == pytest.approx(exact, rel=2e-3)
    assert sampled == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_batch_is_worth_what_botorch_says(m: int) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("botorch")
    from botorch.acquisition.multi_objective.monte_carlo import qExpectedHypervolumeImprovement
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
    from botorch.utils.testing import MockModel, MockPosterior

    random = np.random.default_rng(m)
    known, samples = random.uniform(0.0, 0.7, (4, m)), random.normal(0.4, 0.3, (32, 12, m))
    picks = pick_by_volume(samples, known, 3)
    rows = [pick.row for pick in picks]
    posterior = MockPosterior(samples=torch.tensor(samples[:, rows]))
    partitioning = FastNondominatedPartitioning(torch.zeros(m).double(), Y=torch.tensor(known))
    sampler = SobolQMCNormalSampler(sample_shape=torch.Size([32]))
    acquisition = qExpectedHypervolumeImprovement(MockModel(posterior), [0.0] * m, partitioning, sampler)
    value = float(acquisition._compute_qehvi(torch.tensor(samples[:, None, rows]), torch.zeros(1, 3, 1)))
    assert sum(pick.gain for pick in picks) == pytest.approx(value, rel=1e-6)


# batches


def test_a_greedy_batch_takes_the_best_addition_every_time() -> None:
    random = np.random.default_rng(4)
    samples, known = random.uniform(0.0, 1.0, (16, 30, 2)), np.zeros((0, 2))
    picks = pick_by_volume(samples, known, 5)
    chosen: list[int] = []
    for pick in picks:
        gains = mean_added_volumes(samples, samples[:, chosen])
        assert pick.gain == pytest.approx(gains.max())
        assert gains[pick.row] == pytest.approx(gains.max())
        chosen.append(pick.row)


def test_copies_add_nothing_to_a_batch() -> None:
    met = np.random.default_rng(0).random((200, 6)) < 0.3
    met[:, 3] = met[:, 2]
    picks = pick_by_success(met, 5)
    assert len({pick.row for pick in picks}) == len(picks) == 5
    assert not {2, 3} <= {pick.row for pick in picks}
    assert sum(pick.gain for pick in picks) == pytest.approx(met.any(axis=1).mean())
    fractions = compositions(5)
    fractions[1] = fractions[0]
    rows = [pick.row for pick in pick_by_utility(np.array([5.0, 4.9, 3.0, 2.0, 1.0]), fractions, 3)]
    assert rows == [0, 2, 3]


def test_copies_stand_back_until_nothing_else_adds_anything() -> None:
    met = np.zeros((100, 4), dtype=bool)
    met[:50, 0] = met[50:90, 1] = met[90:95, 2] = True  # row 3 adds nothing at all
    fractions = np.array([[0.50, 0.50], [0.52, 0.48], [0.80, 0.20], [0.20, 0.80]])
    assert [pick.row for pick in pick_by_success(met, 3)] == [0, 1, 2]
    picks = pick_by_success(met, 3, fractions)
    assert [pick.row for pick in picks] == [0, 2, 1]
    assert [pick.gain for pick in picks] == pytest.approx([0.5, 0.05, 0.4])
    assert [pick.row for pick in pick_by_success(met, 2, fractions)] == [0, 2]


def test_a_batch_that_surely_holds_a_success_is_filled_as_another_batch() -> None:
    met = np.zeros((100, 4), dtype=bool)
    met[:, 0] = met[:60, 1] = met[40:, 2] = True  # the first is sure; the fourth never succeeds
    picks = pick_by_success(met, 4)
    assert [pick.row for pick in picks] == [0, 1, 2]
    assert [pick.gain for pick in picks] == pytest.approx([1.0, 0.6, 0.4])
    assert [pick.batch for pick in picks] == [1, 2, 2]
    fractions = np.array([[0.5, 0.5], [0.52, 0.48], [0.8, 0.2], [0.2, 0.8]])
    assert [pick.row for pick in pick_by_success(met, 3, fractions)] == [0, 2, 1], "1 is nearly a copy of 0"


def test_a_second_look_knows_what_the_first_has_chosen() -> None:
    samples = np.tile([[3.0, 0.1], [2.9, 0.1], [0.1, 3.0]], (8, 1, 1))
    nothing = np.zeros((0, 2))
    fractions = np.array([[0.5, 0.5], [0.51, 0.49], [0.1, 0.9]])
    assert [pick.row for pick in pick_by_volume(samples, nothing, 1, fractions)] == [0]
    (second,) = pick_by_volume(samples, nothing, 1, fractions, before=[0])
    assert second.row == 2
    assert second.gain == pytest.approx(pick_by_volume(samples, nothing, 2, fractions)[1].gain)


def test_thompson_picks_different_candidates_even_where_all_scenarios_agree() -> None:
    picks = pick_by_thompson(np.tile([3.0, 2.0, 1.0, 0.0], (5, 1)), 3)
    assert [pick.row for pick in picks] == [0, 1, 2]
    assert [pick.gain for pick in picks] == [1.0, 0.0, 0.0]


# elements


def test_the_indices_of_supply_are_those_of_gaultois() -> None:
    data = pytest.importorskip("pymatgen.analysis.hhi")
    from features.elements import SYMBOLS

    table = supply_table()
    published = data.HHIModel().symbol_hhip_hhir
    for z, symbol in enumerate(SYMBOLS):
        if symbol in published:
            assert (table["hhi_production"][z], table["hhi_reserve"][z]) == published[symbol]
        else:
            assert np.isnan(table["hhi_production"][z])


def test_prices_and_supply_are_weighted_by_mass_and_unknown_elements_are_named() -> None:
    from features.candidate import MaterialBatch

    fractions = MaterialBatch.from_formulas(["Li2S", "Li3InCl6", "LiPu2O4", "H2", "LiBH4"]).matrix()
    priced, reasons, _ = element_price_USD_per_kg(fractions)
    price = priced.central()
    mass = 2 * 6.94, 32.06
    assert price[0] == pytest.approx((mass[0] * 81.4 + mass[1] * 0.0926) / sum(mass), rel=1e-3)
    assert price[1] > price[0]
    assert np.isnan(price[2])
    assert "Pu" in str(reasons[2])
    supplied, why, _ = supply_concentration(fractions)
    supply = supplied.central()
    assert supply[0] == pytest.approx((mass[0] * 2900 + mass[1] * 700) / sum(mass), rel=1e-3)
    assert np.isnan(supply[3])
    assert why[3]
    assert 2000 < supply[4] < 3000


def test_errors_of_the_protocol_are_mappings() -> None:
    errors: Errors = {SIGMA_ERROR: np.zeros((2, 3))}
    assert sigma_distribution(3).values(errors).shape == (2, 3)


def test_a_property_without_a_distribution_has_one_of_its_intervals() -> None:
    centre, sd = np.array([-4.0, 2.0, np.nan]), np.array([0.5, 0.0, np.nan])
    reach = {coverage: ndtri((1.0 + coverage) / 2.0) * sd for coverage in (0.5, 0.8, 0.9, 0.99)}
    stated = {coverage: Interval(centre, centre - half, centre + half) for coverage, half in reach.items()}
    predicted = IntervalDistribution.of("a source", stated)
    below = centre[0] - reach[0.9][0]
    assert predicted.at_most(below)[0] == pytest.approx(0.05, abs=1e-3)
    np.testing.assert_array_equal(predicted.at_most(2.0)[1], 1.0)
    np.testing.assert_array_equal(predicted.at_most(1.999)[1], 0.0)
    drawn = predicted.values({"a source": np.array([[-2.0] * 3, [0.0] * 3, [4.0] * 3])})[:, 0]
    np.testing.assert_allclose(drawn, centre[0] + sd[0] * np.array([-2.0, 0.0, 4.0]), atol=1e-2)
    inside = joint_chance([Bound(predicted, below, np.inf), Bound(predicted, -np.inf, -4.0)], compositions(3))
    np.testing.assert_allclose(inside.probability, [0.45, 0.0, np.nan], atol=1e-3)


def test_the_formation_energy_is_the_decomposition_energy_above_the_mixture() -> None:
    residual, mixture = residual_energy(60), np.full(60, -1.5)
    formation, decomposition = Energy(residual, mixture), Energy(residual, np.zeros(60))
    fractions = compositions(60)
    low, high = -1.52, -1.45
    shifted = joint_chance([Bound(formation, low, high)], fractions).probability
    plain = joint_chance([Bound(decomposition, low + 1.5, high + 1.5)], fractions).probability
    np.testing.assert_allclose(shifted, plain, atol=1e-9)
    hull = joint_chance([Bound(above_hull(residual), -np.inf, 0.05)], fractions).probability
    np.testing.assert_allclose(joint_chance([Bound(decomposition, -np.inf, 0.05)], fractions).probability, hull)
