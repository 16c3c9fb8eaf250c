"""The distance to what is known grows with novelty and with contradiction, and it ranks errors."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic_world import Fitted

from features.candidate import MaterialBatch
from training.properties.conductivity.familiarity import (
    DOMAIN_QUANTILE,
    LARGEST_NOVELTY,
    distance_to_known,
    is_familiar,
)
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


def test_each_variant_has_the_radius_of_its_own_left_out_rows(fitted: Fitted) -> None:
    for name, predicted in fitted.left_out.items():
        rows = predicted.rows
        own = rows.has_sigma & (rows.descriptors.has_lattice if name == "lattice" else True)
        inside = predicted.pool.distance[own] <= fitted.model.variants[name].domain_radius
        assert abs(inside.mean() - DOMAIN_QUANTILE) <= 1.0 / own.sum()


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
