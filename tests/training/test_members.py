"""The members and what they are fed: shares that are weights, rounding that moves nothing, papers left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from synthetic_world import Fitted

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.properties.conductivity.boosting import BoostedTrees
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.ensemble import PULL_FROM, PULL_TO, REVERT_FROM, Ensemble, Lessons
from training.properties.conductivity.forest import QuantileForest
from training.properties.conductivity.gaussian_process import ArrheniusProcess, Observations
from training.properties.conductivity.imputation import HotDeck
from training.properties.conductivity.kernels import COMPOSITION_KERNELS, TrainingMaterials
from training.properties.conductivity.leave_paper_out import predict_without_own_paper
from training.properties.conductivity.process_fit import condition, fit_process
from training.properties.conductivity.residual_net import RESIDUAL_UNIT
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows

Array = NDArray[np.float64]

LEVELS = np.array([0.1, 0.5, 0.9])


def world(n: int = 120, seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """Return features, targets whose noise grows with the first feature, weights, and new features."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 6))
    targets = features[:, 1] + np.exp(0.5 * features[:, 0]) * rng.normal(size=n)
    return features, targets, rng.uniform(0.5, 2.0, n), rng.normal(size=(50, 6))


@pytest.fixture(scope="module")
def forest() -> QuantileForest:
    return QuantileForest.fit(*world()[:3], n_trees=15, min_leaf=3, feature_share=0.5, seed=1)


def test_shares_are_the_weights_with_which_the_forest_averages(forest: QuantileForest) -> None:
    """Shares of the training targets sum to one, and the mean they give is scikit-learn's prediction."""
    features, targets, weights, new = world()
    order = np.argsort(targets, kind="stable")
    reference = ExtraTreesRegressor(15, min_samples_leaf=3, max_features=0.5, random_state=1)
    reference.fit(features[order], targets[order], sample_weight=weights[order])
    shares = forest.shares(new)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares @ forest.targets, reference.predict(new), atol=1e-6)


def test_quantiles_rise_with_their_level_and_stay_among_the_measured(forest: QuantileForest) -> None:
    levels = np.linspace(0.01, 0.99, 21)
    quantiles = forest.quantiles(world()[3], levels)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert quantiles.min() >= forest.targets[0]
    assert quantiles.max() <= forest.targets[-1]


def test_quantiles_pass_over_targets_that_the_candidate_shares_no_leaf_with(forest: QuantileForest) -> None:
    """Interpolated straight between the neighbours that have a share, whatever values lie between them."""
    new = world()[3]
    for row, shares in zip(forest.quantiles(new, LEVELS), forest.shares(new), strict=True):
        own = shares > 0
        middle = np.cumsum(shares[own]) - 0.5 * shares[own]
        np.testing.assert_allclose(row, np.interp(LEVELS, middle, forest.targets[own]), atol=1e-12)


def test_compiled_and_plain_quantiles_agree(forest: QuantileForest, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = np.concatenate([LEVELS, [0.0, 1e-9, 1.0 - 1e-9, 1.0]])
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: False)
    plain = forest.quantiles(world()[3], levels)
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: True)
    np.testing.assert_allclose(forest.quantiles(world()[3], levels), plain, rtol=0, atol=1e-12)


def test_quantiles_widen_where_the_noise_does() -> None:
    grown = QuantileForest.fit(*world(1500)[:3], n_trees=40, min_leaf=10, feature_share=0.5, seed=1)
    calm, wild = np.zeros((1, 6)), np.zeros((1, 6))
    calm[0, 0], wild[0, 0] = -1.5, 1.5
    width = [float(np.ptp(grown.quantiles(row, LEVELS))) for row in (calm, wild)]
    assert width[1] > 1.5 * width[0]


def test_members_come_back_from_arrays(forest: QuantileForest) -> None:
    features, targets, weights, new = world()
    again = QuantileForest.from_arrays(forest.arrays())
    np.testing.assert_array_equal(again.quantiles(new, LEVELS), forest.quantiles(new, LEVELS))
    boosted = BoostedTrees.fit(features, targets, weights, n_rounds=20, n_seeds=2, seed=1)
    np.testing.assert_array_equal(BoostedTrees.from_arrays(boosted.arrays()).centre(new), boosted.centre(new))


def test_rounding_of_the_features_moves_no_answer() -> None:
    """Two spellings of one composition give features 1e-16 apart, and a table holds both: no split falls between."""
    rng = np.random.default_rng(2)
    distinct = np.round(rng.normal(size=(40, 5)), 2) * (rng.random((40, 5)) < 0.7)  # zeros, and near them 1e-17
    spelled = distinct[np.repeat(np.arange(40), 6)]
    noisy = spelled * (1.0 + 1e-15 * rng.normal(size=spelled.shape)) + 1e-16 * rng.normal(size=spelled.shape)
    targets, weights = rng.normal(size=240), np.ones(240)
    boosted = BoostedTrees.fit(noisy, targets, weights, n_rounds=60, n_seeds=2, seed=1)
    grown = QuantileForest.fit(noisy, targets, weights, n_trees=15, min_leaf=1, feature_share=0.5, seed=1)
    np.testing.assert_array_equal(boosted.centre(noisy), boosted.centre(spelled))
    np.testing.assert_array_equal(grown.quantiles(noisy, LEVELS), grown.quantiles(spelled, LEVELS))


def test_boosting_learns_what_is_there() -> None:
    features, _, weights, new = world(600)
    boosted = BoostedTrees.fit(features, features[:, 1] ** 2, weights, n_rounds=200, n_seeds=1, seed=1)
    assert np.corrcoef(boosted.centre(new), new[:, 1] ** 2)[0, 1] > 0.7


# ---------------------------------------------------------------- what the process says of its own training rows


@pytest.fixture(scope="module")
def measured(synthetic_rows: ConductivityRows) -> ConductivityRows:
    """Return rows without bounds, whose targets do not depend on what else is known."""
    return synthetic_rows.take(~synthetic_rows.is_upper_bound)


@pytest.fixture(scope="module")
def process(measured: ConductivityRows) -> ArrheniusProcess:
    distinct, material = measured.descriptors.distinct(with_lattice=False)
    observed = measured.observations().of_materials(material)
    return fit_process(TrainingMaterials.of(distinct), observed, COMPOSITION_KERNELS, n_iterations=3)


def test_a_training_row_is_judged_as_if_its_paper_and_its_copies_were_unknown(
    measured: ConductivityRows, process: ArrheniusProcess
) -> None:
    _, material = measured.descriptors.distinct(with_lattice=False)
    observed_row = measured.observations().material
    answer = predict_without_own_paper(
        process, material, measured.paper, measured.paper[observed_row], SAME_MATERIAL_DISTANCE
    )
    composition = measured.descriptors.composition
    for paper in np.unique(measured.paper)[::7]:
        own = np.flatnonzero(measured.paper == paper)
        copies = half_l1(composition, composition[own]).min(axis=1) < SAME_MATERIAL_DISTANCE
        unknown = (measured.paper == paper) | copies
        kept = ~unknown[observed_row]
        o = process.observations
        rest = Observations(*(getattr(o, name)[kept] for name in Observations.__slots__))
        expected = condition(process.materials, rest, process.hyper).predict(measured.descriptors.take(own)).latent()
        for ours, theirs in zip(answer, expected, strict=True):
            np.testing.assert_allclose(ours[own], theirs, atol=1e-6)


def test_such_a_judgement_does_not_know_the_paper_s_values(
    measured: ConductivityRows, process: ArrheniusProcess
) -> None:
    _, material = measured.descriptors.distinct(with_lattice=False)
    paper_of_observation = measured.paper[measured.observations().material]
    own = measured.paper == measured.paper[0]
    moved = replace(process, targets=process.targets + 5.0 * (paper_of_observation == measured.paper[0]))
    before, after = (
        predict_without_own_paper(p, material, measured.paper, paper_of_observation, SAME_MATERIAL_DISTANCE)
        for p in (process, moved)
    )
    np.testing.assert_allclose(before.log10_sigma[own], after.log10_sigma[own], atol=1e-9)
    assert np.abs(before.log10_sigma[~own] - after.log10_sigma[~own]).max() > 1e-3


# ---------------------------------------------------------------- the pool


def test_the_nets_are_a_member_like_the_others(fitted: Fitted) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    known = fitted.rows.descriptors
    assert len(ensemble.weights) == 4
    assert sum(ensemble.weights) == pytest.approx(1.0)
    assert ensemble.nets is not None
    moved = replace(ensemble.nets, biases=(*ensemble.nets.biases[:-1], ensemble.nets.biases[-1] + 2.0 / RESIDUAL_UNIT))
    before, after = ensemble.predict(known), replace(ensemble, nets=moved).predict(known)
    trusted = before.novelty < REVERT_FROM
    np.testing.assert_allclose((after.centre - before.centre)[trusted], 2.0 * ensemble.weights[-1])
    np.testing.assert_array_equal(after.below, before.below)


def test_an_ensemble_of_before_has_no_nets_and_still_answers(fitted: Fitted) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    old = replace(ensemble, nets=None, weights=(1 / 3, 1 / 3, 1 / 3))
    arrays = old.arrays()
    assert not any(name.startswith("nets/") for name in arrays)
    again = Ensemble.from_arrays(arrays, old.settings())
    assert again.nets is None
    known = fitted.rows.descriptors
    np.testing.assert_allclose(again.predict(known).centre, old.predict(known).centre, rtol=0, atol=1e-10)


def test_what_trees_and_nets_learn_from_does_not_know_the_row_s_own_paper(
    measured: ConductivityRows, process: ArrheniusProcess
) -> None:
    _, material = measured.descriptors.distinct(with_lattice=False)
    deck = HotDeck.of(measured.descriptors)
    own = measured.paper[measured.has_sigma] == measured.paper[0]
    of_observation = measured.paper[measured.observations().material] == measured.paper[0]
    moved = replace(process, targets=process.targets + 5.0 * of_observation)
    before, after = (Lessons.of(measured, "formula", p, material, deck, 6.0) for p in (process, moved))
    np.testing.assert_allclose(before.prior[own], after.prior[own], atol=1e-9)
    np.testing.assert_allclose(before.features[own], after.features[own], atol=1e-9)
    assert np.abs(before.prior - after.prior)[~own].max() > 1e-3


def test_the_unfamiliar_goes_back_to_what_was_published_of_late(fitted: Fitted) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    assert ensemble.home == ensemble.process.hyper.mean_sigma == fitted.rows.recent_median(6.0)
    assert fitted.model.variants["lattice"].ensemble.pull == 0.0 < ensemble.pull
    asked = Descriptors.of(MaterialBatch.from_formulas(["Li6.5PS5.5Cl0.5", "BaTiO3", "Na3Bi"]))
    free, pulled = replace(ensemble, pull=0.0).predict(asked), replace(ensemble, pull=1.0).predict(asked)
    is_new = free.novelty > PULL_TO
    assert is_new.any()
    np.testing.assert_allclose(pulled.centre[is_new], ensemble.home)
    known = free.novelty < PULL_FROM
    np.testing.assert_array_equal(pulled.centre[known], free.centre[known])


def test_the_forest_does_not_hear_the_process(fitted: Fitted) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    shifted = replace(ensemble.process, targets=ensemble.process.targets + 2.0)
    before, after = (replace(ensemble, process=p).medians(fitted.rows.descriptors) for p in (ensemble.process, shifted))
    np.testing.assert_array_equal(before[1], after[1])
    assert np.abs(before[2] - after[2]).max() > 1e-3  # boosting does


def test_an_ensemble_of_before_hears_the_process_and_is_not_pulled(fitted: Fitted) -> None:
    ensemble = fitted.model.variants["formula"].ensemble
    settings = ensemble.settings()
    later = ("home", "pull", "forest_hears_process", "added_width")
    first = replace(ensemble, forest_hears_process=True)
    old = Ensemble.from_arrays(first.arrays(), {k: v for k, v in settings.items() if k not in later})
    assert (old.pull, old.added_width, old.forest_hears_process) == (0.0, 0.0, True)
    assert old.home == np.median(ensemble.forest.targets)
