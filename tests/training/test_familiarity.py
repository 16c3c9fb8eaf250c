"""The distance to what is known grows with novelty and with contradiction, and it ranks errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_world import Fitted

from features.candidate import MaterialBatch
from training.properties.conductivity.familiarity import (
    LARGEST_KNOWN_ERROR,
    LARGEST_NOVELTY,
    distance_to_known,
    is_familiar,
    known_radius,
)
from training.properties.conductivity.metrics import Truth, honest_error
from training.properties.conductivity.model import ConductivityModel

SHARES = st.floats(0.0, 1.0)
DECADES = st.floats(0.0, 20.0)


def one(novelty: float, scatter: float) -> float:
    return float(distance_to_known(np.array([novelty]), np.array([scatter]))[0])


@given(SHARES, SHARES, DECADES, DECADES)
def test_it_lies_between_0_and_1_and_rises_with_novelty_and_with_scatter(
    novelty: float, newer: float, scatter: float, wider: float
) -> None:
    novelty, newer = sorted((novelty, newer))
    scatter, wider = sorted((scatter, wider))
    assert 0.0 <= one(novelty, scatter) <= one(newer, scatter) <= 1.0
    assert one(novelty, scatter) <= one(novelty, wider)


def test_its_ends_mean_what_they_say() -> None:
    assert one(0.0, 0.0) == 0.0  # the like is known and agrees
    assert one(1.0, 0.0) == 1.0  # nothing alike is known
    assert one(0.0, 4.0) == 1.0 - np.exp(-1.0)


def test_a_familiar_material_keeps_within_both_limits() -> None:
    distance, novelty = np.array([0.5, 0.9, 0.5]), np.array([0.3, 0.3, LARGEST_NOVELTY + 0.01])
    np.testing.assert_array_equal(is_familiar(distance, 0.8, novelty), [True, False, False])
    np.testing.assert_array_equal(is_familiar(distance, np.array([0.4, 0.95, 0.5]), novelty), [False, True, False])


def test_the_radius_encloses_what_is_missed_by_no_more_than_laboratories_differ() -> None:
    distance, counts = np.linspace(0.0, 1.0, 101), np.ones(101)
    error = 2.0 * distance  # the mean up to d is d
    assert known_radius(distance, error, counts) == pytest.approx(LARGEST_KNOWN_ERROR)
    assert known_radius(distance[::-1], error[::-1], counts) == pytest.approx(LARGEST_KNOWN_ERROR)
    assert known_radius(distance, np.zeros(101), counts) == 1.0
    assert known_radius(distance, np.full(101, 2.0), counts) == 0.0
    assert known_radius(distance, error, (distance < 0.3).astype(float)) == pytest.approx(0.29)
    assert known_radius(distance, error, 0.0 * counts) == pytest.approx(LARGEST_KNOWN_ERROR)
    assert known_radius(distance, error, np.where(distance < 0.3, 0.1, 1.0)) < LARGEST_KNOWN_ERROR


def test_a_row_of_weight_two_counts_like_two_for_the_radius() -> None:
    rng = np.random.default_rng(3)
    distance, error, weight = rng.uniform(size=60), rng.exponential(0.6, 60), rng.integers(0, 3, 60)
    again = np.repeat(np.arange(60), weight)
    assert known_radius(distance, error, weight.astype(float)) == pytest.approx(
        known_radius(distance[again], error[again], np.ones(len(again)))
    )


def test_each_variant_has_the_radius_of_its_own_left_out_rows(fitted: Fitted) -> None:
    for name, predicted in fitted.left_out.items():
        rows = predicted.rows
        own = rows.has_sigma & (predicted.weight > 0.0) & (rows.descriptors.has_lattice if name == "lattice" else True)
        inside = own & (predicted.pool.distance <= fitted.model.variants[name].domain_radius)
        truth = Truth(rows.log10_sigma[inside], rows.is_upper_bound[inside])
        error = honest_error(truth, predicted.pool.centre[inside])
        assert np.average(error, weights=predicted.weight[inside]) <= LARGEST_KNOWN_ERROR


def test_the_foreign_is_farther_than_the_familiar(fitted: Fitted) -> None:
    familiar = [f"Li{7 - x:g}PS{6 - x:g}Cl{x:g}" for x in (0.2, 0.35, 0.5)]
    answer = fitted.model.predict(MaterialBatch.from_formulas([*familiar, "BaTiO3", "LiFePO4", "Na3Bi"]))
    assert answer.distance[:3].max() < answer.distance[3:].min()
    assert ((answer.distance >= 0.0) & (answer.distance <= 1.0)).all()


def test_a_bundle_of_before_has_no_such_radius_and_still_answers(fitted: Fitted) -> None:
    arrays = {name: array for name, array in fitted.model.arrays().items() if not name.endswith("domain_radius")}
    old = ConductivityModel.from_arrays(arrays, fitted.model.settings())
    answer = old.predict(MaterialBatch.from_formulas(["Li6.5PS5.5Cl0.5", "BaTiO3"]))
    np.testing.assert_array_equal(answer.domain_radius, 1.0)
