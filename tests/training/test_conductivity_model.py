"""What the conductivity model promises, whatever its members are: order, physics, calibration, honesty far away."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom
from synthetic_world import ACTIVATION_ENERGY_EV, FAMILIES, SIGMA_25C, Fitted, formula_of, synthetic_table

from features.candidate import Candidate, MaterialBatch
from serving.answers.documents import interval_blocks
from training.properties.conductivity.declaration import CONDUCTIVITY
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.imputation import HotDeck
from training.properties.conductivity.metrics import ScoredPredictions, Truth, is_covered
from training.properties.conductivity.model import ConductivityModel, calibration_weights, fit_model
from training.properties.conductivity.recipe import scored_rows
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows, near_room_temperature
from training.properties.conductivity.schema import TableColumn
from training.properties.conformance import check_property
from training.uncertainty import InsufficientCalibrationError

Array = NDArray[np.float64]


def reloaded(model: ConductivityModel) -> ConductivityModel:
    return ConductivityModel.from_arrays(model.arrays(), model.settings())


def sigma(model: ConductivityModel, formulas: list[str], temperature_C: Any = 25.0, coverage: float = 0.9) -> Any:
    return model.predict(MaterialBatch.from_formulas(formulas), temperature_C, coverage).log10_sigma_S_per_cm


@pytest.mark.parametrize("temperature_C", [25.0, 80.0])
def test_the_model_keeps_the_promises_of_a_property(
    fitted: Fitted, candidates: list[Candidate], temperature_C: float
) -> None:
    check_property(
        CONDUCTIVITY,
        fitted.model,
        candidates,
        copies={"loaded from disk": reloaded(fitted.model)},
        conditions={"temperature_C": temperature_C},
    )


def test_the_same_seed_gives_the_same_model_and_another_seed_another(candidates: list[Candidate]) -> None:
    rows = small_world()
    first, again, other = (fit_model(rows, replace(EnsembleSettings.quick(), seed=seed))[0] for seed in (7, 7, 8))
    check_property(CONDUCTIVITY, first, candidates, copies={"fitted again": again})
    with pytest.raises(AssertionError, match="fitted with another seed"):
        check_property(CONDUCTIVITY, first, candidates[:2], copies={"fitted with another seed": other})


def small_world(n: int = 30) -> ConductivityRows:
    """Return the first rows of the synthetic table, without unit cells."""
    from training.properties.conductivity.schema import LATTICE_COLUMNS

    table = synthetic_table().iloc[:n]
    return ConductivityRows.from_table(table.assign(**dict.fromkeys(LATTICE_COLUMNS, np.nan)))


# ---------------------------------------------------------------- learning


def test_the_model_can_learn_ten_materials_by_heart() -> None:
    """Values that chemistry cannot explain, six likes of each material in three papers: mix-ups of labels show here.

    Three papers, because trees and nets learn beside a process that does not know the row's own.
    """
    materials = (
        ("Li6PS5Cl", -8.0),
        ("Li7La3Zr2O12", -2.0),
        ("Li3YCl6", -7.0),
        ("Li10GeP2S12", -3.0),
        ("Li3N", -9.0),
        ("Li4SiO4", -2.5),
        ("Li1BH4", -6.0),
        ("Li2ZnI4", -4.0),
        ("Li1NbO3", -8.5),
        ("Li1F", -3.5),
    )
    places = [(i, j) for i in range(10) for j in range(6)]
    formulas = [_with_more_lithium(materials[i][0], 1.0 + 0.1 * j) for i, j in places]
    truth = np.array([materials[i][1] for i, _ in places])
    table = (
        synthetic_table()
        .iloc[:60]
        .assign(
            formula=formulas,
            log10_sigma_S_per_cm=truth,
            doi=[f"10.1/{i}-{j % 3}" for i, j in places],
            is_upper_bound=False,
            temperature_C=25.0,
            activation_energy_eV=0.3,
        )
    )
    model, _ = fit_model(ConductivityRows.from_table(table), replace(EnsembleSettings.quick(), boosting_rounds=400))
    value = sigma(model, formulas).value
    assert np.corrcoef(value, truth)[0, 1] > 0.99
    assert np.abs(value - truth).max() < 1.0


def _with_more_lithium(formula: str, factor: float) -> str:
    amount, rest = re.fullmatch(r"Li(\d+)(.*)", formula).groups()  # type: ignore[union-attr]
    return f"Li{int(amount) * factor:.10g}{rest}"


def test_the_synthetic_law_is_found_again(fitted: Fitted) -> None:
    """Families differ by up to 1.3 decades, substitution costs 0.8 per unit, energies by family."""
    for family in FAMILIES:
        answer = fitted.model.predict(MaterialBatch.from_formulas([formula_of(family, 4, 0.3)]))
        assert answer.log10_sigma_S_per_cm.value[0] == pytest.approx(SIGMA_25C[family] - 0.8 * 0.3, abs=0.4)
        assert answer.activation_energy_eV.value[0] == pytest.approx(ACTIVATION_ENERGY_EV[family], abs=0.05)


def test_a_table_of_copies_is_refused_in_words() -> None:
    """Every paper measured the same material: without its copies nothing is left to learn from."""
    table = synthetic_table().iloc[:30]
    copies = ConductivityRows.from_table(table.assign(**{TableColumn.FORMULA: "Li6PS5Cl"}))
    with pytest.raises(ValueError, match="left to learn from"):
        fit_model(copies, EnsembleSettings.quick())


# ---------------------------------------------------------------- temperature


def test_at_25_C_the_answer_is_the_room_temperature_answer(fitted: Fitted, candidates: list[Candidate]) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    default = fitted.model.predict(batch)
    explicit = fitted.model.predict(batch, np.full(len(batch), 25.0))
    mixed = fitted.model.predict(batch, np.where(np.arange(len(batch)) % 2, 25.0, 300.0))
    for one, other, row in zip(default.log10_sigma_S_per_cm, explicit.log10_sigma_S_per_cm, "vlu", strict=True):
        np.testing.assert_array_equal(one, other, err_msg=row)
    np.testing.assert_array_equal(
        mixed.log10_sigma_S_per_cm.value[1::2], default.log10_sigma_S_per_cm.value[1::2]
    )  # a neighbour's temperature is its own affair
    np.testing.assert_array_equal(mixed.log10_sigma_25C, default.log10_sigma_S_per_cm.value)


def test_conductivity_rises_with_temperature_and_doubt_with_the_distance_from_25_C(
    fitted: Fitted, candidates: list[Candidate]
) -> None:
    celsius = np.array([-270.0, -150.0, -40.0, 0.0, 25.0, 60.0, 200.0, 600.0, 1500.0])
    batch = MaterialBatch.from_candidates(candidates)
    answers = [fitted.model.predict(batch, t).log10_sigma_S_per_cm for t in celsius]
    value = np.array([answer.value for answer in answers])
    assert np.isfinite(value).all()
    assert (np.diff(value, axis=0) >= -1e-9).all()
    for reach in (
        np.array([answer.value - answer.lower for answer in answers]),
        np.array([answer.upper - answer.value for answer in answers]),
    ):
        assert (np.diff(reach[:5], axis=0) < 0).all()
        assert (np.diff(reach[4:], axis=0) > 0).all()


def test_activation_energies_are_positive_and_do_not_depend_on_temperature(
    fitted: Fitted, candidates: list[Candidate]
) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    cold, hot = (fitted.model.predict(batch, t).activation_energy_eV for t in (25.0, 150.0))
    assert (cold.value > 0).all()
    assert (cold.lower >= 0).all()
    for one, other in zip(cold, hot, strict=True):
        np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------- intervals and domain


def test_far_from_the_data_intervals_widen_and_the_flag_falls(fitted: Fitted) -> None:
    familiar = [f"Li{7 - x:g}PS{6 - x:g}Cl{x:g}" for x in (0.2, 0.35, 0.5)]
    foreign = ["BaTiO3", "LiFePO4", "Na3Bi"]
    near, far = sigma(fitted.model, familiar), sigma(fitted.model, foreign)
    assert (far.upper - far.lower).min() > (near.upper - near.lower).max()
    composition = MaterialBatch.from_formulas(familiar + foreign).matrix()
    domain = fitted.model.domain
    inside = domain.in_domain(domain.distances(composition), composition)
    np.testing.assert_array_equal(inside, [True] * 3 + [False] * 3)
    novelty = fitted.model.predict(MaterialBatch.from_formulas(familiar + foreign)).novelty
    assert ((novelty >= 0) & (novelty <= 1)).all()
    assert novelty[3:].min() > novelty[:3].max()


def test_the_calibrated_interval_covers_the_left_out_rows_it_was_calibrated_on(fitted: Fitted) -> None:
    """Not a proof of coverage (those rows chose the width): a check that scale, temperature and bounds fit together."""
    for variant, predicted in fitted.left_out.items():
        truth, answer, _ = scored_rows(fitted.model, predicted, variant)
        assert is_covered(truth, answer).mean() == pytest.approx(0.9, abs=1.5 / np.sqrt(len(truth.log10_sigma)))


def test_each_variant_is_calibrated_on_the_rows_it_will_answer(fitted: Fitted) -> None:
    """Rows near room temperature stand for candidates with a formula, only those with a cell for such with a cell."""
    near = near_room_temperature(fitted.rows)
    n_scores = {name: len(variant.sigma_scale.scores) for name, variant in fitted.model.variants.items()}
    assert n_scores == {"formula": near.sum(), "lattice": (near & fitted.rows.descriptors.has_lattice).sum()}


def test_a_table_measured_in_the_warm_is_calibrated_there(fitted: Fitted) -> None:
    predicted = fitted.left_out["formula"]
    warm = replace(predicted, weight=np.zeros(len(predicted.rows)))
    every = np.ones(len(predicted.rows), dtype=bool)
    assert len(warm.sigma_scale(every).scores) == fitted.rows.has_sigma.sum()


def test_doubtful_rows_and_those_of_other_temperatures_calibrate_nothing(fitted: Fitted) -> None:
    rows = replace(fitted.rows, is_doubtful=np.arange(len(fitted.rows)) % 2 == 0, year=fitted.rows.year)
    weight = calibration_weights(rows, 6.0)
    np.testing.assert_array_equal(weight > 0.0, near_room_temperature(rows) & ~rows.is_doubtful)
    older = replace(rows, year=np.where(np.arange(len(rows)) < 50, 2014.0, 2020.0))
    weight = calibration_weights(older, 6.0)
    assert weight[:50].max() == pytest.approx(0.5)
    assert weight[50:].max() == 1.0


def test_coverage_of_new_measurements_of_the_same_world(fitted: Fitted) -> None:
    """Noise is independent by row, so that the number covered is beta-binomial; models of left-out papers are worse
    than the one of all papers, so that it may be larger, and a correct code fails with a probability below 1e-6."""
    n_calibration, rank, false_alarm = 108, 99, 1e-6
    covered = []
    for seed in range(100, 105):
        new = ConductivityRows.from_table(synthetic_table(seed))
        batch = MaterialBatch.from_formulas(list(new.formula))
        interval = fitted.model.predict(batch, new.temperature_C).log10_sigma_S_per_cm
        covered.extend(is_covered(Truth(new.log10_sigma, new.is_upper_bound), ScoredPredictions(*interval)))
    law = betabinom(len(covered), rank, n_calibration + 1 - rank)
    assert sum(covered) >= law.ppf(false_alarm)


def test_probabilities_fall_with_the_threshold_and_agree_with_the_interval(fitted: Fitted) -> None:
    batch = MaterialBatch.from_formulas(["Li6.5PS5.5Cl0.5", "LiFePO4"])
    thresholds = tuple(np.linspace(-12.0, 2.0, 57))
    answer = fitted.model.predict(batch, 25.0, 0.9, thresholds)
    probability = np.array([answer.probability_above[t] for t in thresholds])
    assert (np.diff(probability, axis=0) <= 0).all()
    assert ((probability > 0) & (probability < 1)).all()
    interval = answer.log10_sigma_S_per_cm
    for row in range(2):
        ends = (float(interval.lower[row]), float(interval.value[row]), float(interval.upper[row]))
        over = fitted.model.predict(batch, 25.0, 0.9, ends).probability_above
        assert [over[end][row] for end in ends] == pytest.approx([0.95, 0.5, 0.05], abs=0.02)


def test_a_coverage_beyond_the_calibration_is_refused(fitted: Fitted, candidates: list[Candidate]) -> None:
    with pytest.raises(InsufficientCalibrationError, match="calibration rows"):
        fitted.model.predict(MaterialBatch.from_candidates(candidates), 25.0, 0.995)


# ---------------------------------------------------------------- lattice


def test_the_lattice_variant_answers_where_a_lattice_is_given_and_only_there(
    fitted: Fitted, candidates: list[Candidate]
) -> None:
    batch = MaterialBatch.from_candidates(candidates)
    has_lattice = [candidate.has_lattice for candidate in candidates]
    np.testing.assert_array_equal(fitted.model.predict(batch).used_lattice, has_lattice)
    alone = replace(fitted.model, variants={"formula": fitted.model.variants["formula"]})
    both, formula_only = fitted.model.predict(batch), alone.predict(batch)
    assert not formula_only.used_lattice.any()
    without = ~np.array(has_lattice)
    np.testing.assert_allclose(
        both.log10_sigma_S_per_cm.value[without], formula_only.log10_sigma_S_per_cm.value[without], atol=1e-9
    )
    assert (both.log10_sigma_S_per_cm.value != formula_only.log10_sigma_S_per_cm.value)[~without].all()


def test_a_table_without_lattices_makes_a_model_without_the_lattice_variant(candidates: list[Candidate]) -> None:
    model, left_out = fit_model(small_world(), EnsembleSettings.quick())
    assert set(model.variants) == set(left_out) == {"formula"}
    assert not model.predict(MaterialBatch.from_candidates(candidates)).used_lattice.any()


def test_having_a_lattice_is_no_feature(synthetic_rows: ConductivityRows) -> None:
    """A material without a cell gets its donor's, so that the two cannot be told apart by the trees."""
    descriptors = synthetic_rows.descriptors
    deck = HotDeck.of(descriptors)
    known = np.flatnonzero(descriptors.has_lattice)
    hidden = replace(descriptors, crystal=np.full_like(descriptors.crystal, np.nan)).take(known)
    nearest_is_itself = deck.crystal_descriptors(hidden)
    np.testing.assert_array_equal(nearest_is_itself, descriptors.crystal[known])


def test_the_hot_deck_leaves_no_gap_and_changes_no_known_cell(synthetic_rows: ConductivityRows) -> None:
    descriptors = synthetic_rows.descriptors
    filled = HotDeck.of(descriptors).crystal_descriptors(descriptors)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[descriptors.has_lattice], descriptors.crystal[descriptors.has_lattice])
    foreign = MaterialBatch.from_formulas(["BaTiO3"])
    from training.properties.conductivity.descriptors import Descriptors

    far = HotDeck.of(descriptors).crystal_descriptors(Descriptors.of(foreign))[0]
    np.testing.assert_allclose(far, np.median(descriptors.crystal[descriptors.has_lattice], axis=0))
    nobody = HotDeck.of(descriptors.take(~descriptors.has_lattice))
    assert np.isfinite(nobody.crystal_descriptors(descriptors)).all()


# ---------------------------------------------------------------- calibration without leaks


def test_left_out_rows_share_neither_paper_nor_material_with_what_predicted_them(
    synthetic_rows: ConductivityRows,
) -> None:
    seen = np.zeros(len(synthetic_rows), dtype=int)
    composition = synthetic_rows.descriptors.composition
    for train, test in synthetic_rows.folds(3, seed=7):
        seen[test] += 1
        assert not set(synthetic_rows.paper[train]) & set(synthetic_rows.paper[test])
        apart = 0.5 * np.abs(composition[train][:, None] - composition[test][None]).sum(axis=2)
        assert apart.min() >= SAME_MATERIAL_DISTANCE
    assert (seen == 1).all()


def test_left_out_predictions_do_not_know_their_own_value(synthetic_rows: ConductivityRows) -> None:
    """Move one paper's values by a decade: its left-out predictions stay, but for the dozen shared hyperparameters."""
    from training.properties.conductivity.ensemble import Ensemble
    from training.properties.conductivity.model import cross_fit

    own = synthetic_rows.paper == synthetic_rows.paper[0]
    moved = replace(synthetic_rows, log10_sigma=synthetic_rows.log10_sigma + 3.0 * own)
    settings = EnsembleSettings.quick()
    hyper = Ensemble.fit(synthetic_rows, "formula", settings).process.hyper
    before, after = (cross_fit(rows, "formula", hyper, settings) for rows in (synthetic_rows, moved))
    np.testing.assert_array_equal(before.pool.centre[own], after.pool.centre[own])
    assert (before.pool.centre[~own] != after.pool.centre[~own]).any()


def edge_world(**changes: Any) -> ConductivityRows:
    return ConductivityRows.from_table(synthetic_table().iloc[:30].assign(**changes))


def test_one_paper_alone_cannot_be_calibrated() -> None:
    with pytest.raises(ValueError, match="3 folds for 1 groups"):
        fit_model(edge_world(doi="10.1/one"), EnsembleSettings.quick())


def test_bounds_alone_still_make_a_model() -> None:
    """Bounds that all hold say nothing of how far values scatter: the interval may be as narrow as it likes."""
    model, _ = fit_model(edge_world(is_upper_bound=True), EnsembleSettings.quick())
    answer = sigma(model, ["Li6.5PS5.5Cl0.5", "BaTiO3"])
    assert np.isfinite(answer).all()
    assert (answer.lower <= answer.value).all()


def test_without_any_activation_energy_only_its_interval_is_missing() -> None:
    """The conductivity of a table without energies is answered all the same."""
    model, _ = fit_model(edge_world(activation_energy_eV=np.nan), EnsembleSettings.quick())
    answer = model.predict(MaterialBatch.from_formulas(["Li6.5PS5.5Cl0.5"]))
    assert np.isfinite(np.array(answer.log10_sigma_S_per_cm)).all()
    assert np.isfinite(answer.activation_energy_eV.value).all()
    assert np.isnan(answer.activation_energy_eV.lower).all()
    block = interval_blocks(answer.activation_energy_eV, 0.9)[0]
    assert block is not None
    assert block["lower"] is None
    assert "calibration" in block["reason"]
