"""Explanations of conductivity: terms that add up, names for every feature, a surrogate that imitates the pool."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_world import Fitted

from features.candidate import Candidate, MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.featurizers import FEATURIZERS
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.explanation import Explanations, explanations_of, with_explainers
from training.properties.conductivity.model import ConductivityModel, n_steps
from training.properties.conductivity.named_features import (
    feature_values,
    n_features,
    named_features,
    training_features,
)
from training.properties.conductivity.neighbours import SMALLEST_DISTANCE, neighbours_of
from training.properties.conductivity.recipe import ConductivityFit
from training.properties.conductivity.rows import ConductivityRows

SETTINGS = replace(EnsembleSettings.quick(), explainer_trees=80)


@pytest.fixture(scope="module")
def explained(fitted: Fitted) -> tuple[ConductivityModel, dict[str, float]]:
    return with_explainers(fitted.model, fitted.rows, SETTINGS)


@pytest.fixture(scope="module")
def model(explained: tuple[ConductivityModel, dict[str, float]]) -> ConductivityModel:
    return explained[0]


def explanations(model: ConductivityModel, batch: MaterialBatch, temperature_C: float = 25.0) -> Explanations:
    found = explanations_of(model, batch, model.predict(batch, temperature_C))
    assert found is not None
    return found


# ---------------------------------------------------------------- the terms


@pytest.mark.parametrize("temperature_C", [25.0, 60.0, -40.0, 400.0])
def test_the_terms_sum_to_the_answer(
    model: ConductivityModel, candidates: list[Candidate], temperature_C: float
) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    answer = model.predict(batch, temperature_C).log10_sigma_S_per_cm.value
    why = explanations(model, batch, temperature_C)
    total = why.base + why.contributions.sum(axis=1)
    total += why.not_explained + why.temperature + why.stated + why.measured
    np.testing.assert_allclose(total, answer, atol=1e-9)


def test_temperature_is_a_term_of_its_own(model: ConductivityModel, candidates: list[Candidate]) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    cool, warm, cold = (explanations(model, batch, t) for t in (25.0, 60.0, -20.0))
    np.testing.assert_array_equal(cool.temperature, 0.0)
    assert (warm.temperature > 0).all()
    assert (cold.temperature < 0).all()
    for other in (warm, cold):
        np.testing.assert_array_equal(other.contributions, cool.contributions)
        np.testing.assert_array_equal(other.not_explained, cool.not_explained)


def test_every_candidate_has_its_own_explanation_in_any_company(
    model: ConductivityModel, candidates: list[Candidate]
) -> None:
    batch, order = MaterialBatch.from_candidates(candidates), np.random.default_rng(0).permutation(len(candidates))
    together, permuted = explanations(model, batch), explanations(model, batch.take(order))
    for name in ("base", "contributions", "not_explained"):
        np.testing.assert_allclose(getattr(permuted, name), getattr(together, name)[order], atol=1e-9)
    np.testing.assert_allclose(permuted.values, together.values[order], atol=1e-9)
    alone = explanations(model, batch.take(order[:1]))
    np.testing.assert_allclose(alone.contributions, permuted.contributions[:1], atol=1e-9)


def test_a_formula_spelled_otherwise_has_the_same_explanation(model: ConductivityModel) -> None:
    spellings = ["Li6.7La3Zr1.7Ta0.3O12", "O12Ta0.3Zr1.7La3Li6.7", "Li67La30Zr17Ta3O120"]
    why = explanations(model, MaterialBatch.from_formulas(spellings))
    np.testing.assert_allclose(why.contributions, np.tile(why.contributions[0], (3, 1)), atol=1e-9)


def test_the_unit_cell_counts_only_where_one_is_given(model: ConductivityModel, candidates: list[Candidate]) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    why, of_cell = explanations(model, batch), slice(n_features("formula"), None)
    has_cell = np.array([candidate.has_lattice for candidate in candidates])
    assert (why.contributions[~has_cell, of_cell] == 0.0).all()
    assert np.abs(why.contributions[has_cell, of_cell]).sum() > 0.0
    assert np.isnan(why.values[~has_cell, of_cell]).all()
    assert np.isfinite(why.values[has_cell]).all()


def test_a_model_without_explainers_predicts_and_explains_nothing(fitted: Fitted, candidates: list[Candidate]) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    assert explanations_of(fitted.model, batch, fitted.model.predict(batch)) is None


def test_explainers_change_no_answer_and_survive_storage(
    fitted: Fitted, model: ConductivityModel, candidates: list[Candidate]
) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    again = ConductivityModel.from_arrays(model.arrays(), model.settings())
    expected = fitted.model.predict(batch, 60.0).log10_sigma_S_per_cm
    for one in (model, again):
        np.testing.assert_allclose(one.predict(batch, 60.0).log10_sigma_S_per_cm.value, expected.value, atol=1e-9)
    first, second = explanations(model, batch), explanations(again, batch)
    np.testing.assert_allclose(second.contributions, first.contributions, atol=1e-9)


# ---------------------------------------------------------------- the surrogate


def test_the_surrogate_follows_the_pool(explained: tuple[ConductivityModel, dict[str, float]]) -> None:
    _, fidelity = explained
    names = {f"{v}_explanation_{k}" for v in ("formula", "lattice") for k in ("r2", "mae", "cv_r2", "cv_mae")}
    assert set(fidelity) == names
    assert all(fidelity[name] > 0.6 for name in names if name.endswith("r2"))
    assert all(0.0 < fidelity[name] < 0.5 for name in names if name.endswith("mae"))


def test_the_surrogate_blames_what_the_world_is_made_of(model: ConductivityModel) -> None:
    """In the synthetic world argyrodites beat garnets by 1.3 decades; anions tell them apart, as does lithium."""
    why = explanations(model, MaterialBatch.from_formulas(["Li6.7PS5.7Cl0.3", "Li6.7La3Zr1.7Ta0.3O12"]))
    argyrodite, garnet = why.contributions.sum(axis=1)
    assert argyrodite - garnet > 0.8
    assert np.abs(why.not_explained).max() < 0.3


def test_the_card_says_how_faithful_the_explanations_are(trained: ConductivityFit) -> None:
    metrics = trained.card.metrics
    assert {"formula_explanation_r2", "formula_explanation_cv_r2"} <= set(metrics)
    assert trained.card.recipe["explainer_trees"] == EnsembleSettings.quick().explainer_trees


def test_each_variant_is_one_step_of_a_progress_bar(fitted: Fitted) -> None:
    steps: list[str] = []
    few = replace(EnsembleSettings.quick(), explainer_trees=2, explainer_neighbours=30)
    with_explainers(fitted.model, fitted.rows, few, on_step=steps.append)
    assert steps == ["formula: explaining", "lattice: explaining"]
    assert n_steps(few) == n_steps(EnsembleSettings.quick())


# ---------------------------------------------------------------- names


def test_every_column_has_one_name_for_people() -> None:
    features = named_features()
    columns = [label for block in ("chemistry", "stoichiometry", "crystal") for label in FEATURIZERS[block].labels]
    assert [feature.name for feature in features] == columns
    assert len({feature.label for feature in features}) == len(features)
    assert all(feature.label and feature.group for feature in features)
    assert n_features("lattice") == len(features) == n_features("formula") + len(FEATURIZERS["crystal"].labels)


def test_a_name_that_holds_a_unit_has_it_as_its_unit() -> None:
    endings = {"per_A3": "1/Å³", "_A3": "Å³", "_A": "Å", "g_per_mol": "g/mol", "g_per_cm3": "g/cm³", "_deg": "degrees"}
    for feature in named_features():
        ending = next((e for e in endings if feature.name.endswith(e)), None)
        if ending is not None and not feature.label.startswith("log10"):
            expected = "e/Å" if feature.name == "framework_ionic_potential_per_A" else endings[ending]
            assert feature.unit == expected, feature.name


def test_candidates_are_explained_by_the_features_that_were_trained_on(synthetic_rows: ConductivityRows) -> None:
    batch = MaterialBatch.from_formulas([str(formula) for formula in synthetic_rows.formula])
    asked = feature_values(batch)[:, : n_features("formula")]
    np.testing.assert_allclose(
        asked,
        training_features(synthetic_rows.descriptors, "formula", deck=None),
        atol=1e-12,  # type: ignore[arg-type]
    )


# ---------------------------------------------------------------- neighbours


def test_neighbours_are_compositions_beside_their_parents(synthetic_rows: ConductivityRows) -> None:
    own = synthetic_rows.descriptors.composition
    made = neighbours_of(own, 600, seed=3)
    assert made.composition.shape == (600, own.shape[1])
    assert (made.composition >= 0).all()
    np.testing.assert_allclose(made.composition.sum(axis=1), 1.0, atol=1e-12)
    lithium = ATOMIC_NUMBER["Li"] - 1
    assert (made.composition[:, lithium] > 0).all()  # every parent holds lithium, which is never replaced
    assert not made.composition[:, ~own.any(axis=0)].any()  # nor do elements come in that no table knows
    apart = 0.5 * np.abs(made.composition - own[made.parent]).sum(axis=1)
    assert np.median(apart) < 0.1
    mixed = made.parent != made.other_parent
    assert 0.25 < mixed.mean() < 0.35
    between = 0.5 * np.abs(own[made.parent] - own[made.other_parent]).sum(axis=1)
    assert (between[mixed] >= SMALLEST_DISTANCE).all()
    assert (apart[mixed] <= between[mixed] / 2 + 1e-12).all()


def test_the_same_seed_makes_the_same_neighbours(synthetic_rows: ConductivityRows) -> None:
    own = synthetic_rows.descriptors.composition.copy()
    first, second, other = (neighbours_of(own, 90, seed) for seed in (1, 1, 2))
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.abs(first.composition - other.composition).max() > 0.01
    np.testing.assert_array_equal(own, synthetic_rows.descriptors.composition)


def test_a_single_material_is_its_own_neighbour_and_elements_may_lack_a_substitute() -> None:
    for formula in ("Li", "Na"):
        only = MaterialBatch.from_formulas([formula]).matrix()
        np.testing.assert_allclose(neighbours_of(only, 9, seed=0).composition, np.tile(only, (9, 1)))


def test_a_matrix_of_fractions_is_a_batch() -> None:
    formulas = ["Li6PS5Cl", "Li", "Li7La3Zr2O12"]
    batch = MaterialBatch.from_formulas(formulas)
    again = MaterialBatch.from_matrix(batch.matrix())
    np.testing.assert_array_equal(again.element_index, batch.element_index)
    np.testing.assert_allclose(again.fraction, batch.fraction, atol=1e-15)
    assert np.isnan(again.lattice).all()
    assert len(MaterialBatch.from_matrix(batch.matrix()[:0])) == 0
