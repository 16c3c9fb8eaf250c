"""The heating model learns, keeps its coverage on other papers, says where it knows too little, and is reproduced."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from made_syntheses import many

from features.candidate import MaterialBatch
from training.syntheses.heating import HeatingModel
from training.syntheses.heating_descriptors import CLASSES, describe, precursor_class
from training.syntheses.heating_fit import HeatingSettings, fit_heating
from training.syntheses.table import HeatingStep

QUICK = HeatingSettings(bottles=10, rounds=60, spread_rounds=15, learning_rate=0.15)


@cache
def model() -> HeatingModel:
    return fit_heating(many(400), QUICK)


def _asked(count: int, seed: int) -> tuple[MaterialBatch, list[tuple[str, ...]], np.ndarray]:
    rows = many(count, seed)
    batch = MaterialBatch.from_formulas([row.target for row in rows])
    measured = np.array([row.heating[HeatingStep.SINTERING].temperature_C for row in rows])
    return batch, [row.precursors for row in rows], measured


def test_it_learns_what_the_rows_follow() -> None:
    batch, precursors, measured = _asked(200, seed=1)
    said = model().predict(batch, precursors, HeatingStep.SINTERING).temperature_C
    assert np.abs(said.value - measured).mean() < 50.0  # 24 by noise alone; a constant 100


def test_its_intervals_cover_other_papers() -> None:
    """90 % of 400 rows: below 0.84 or above 0.96 once in 10,000 if the coverage is right (binomial, 4 sigma)."""
    batch, precursors, measured = _asked(400, seed=2)
    said = model().predict(batch, precursors, HeatingStep.SINTERING).temperature_C
    assert 0.84 <= ((said.lower <= measured) & (measured <= said.upper)).mean() <= 0.97


def test_a_step_or_chemistry_that_nobody_reported_has_no_limits() -> None:
    batch = MaterialBatch.from_formulas(["Li2ZrO3", "Li6PS5Cl"])
    bottles = [("Li2CO3", "ZrO2"), ("Li2S", "P2S5", "LiCl")]
    assert np.isnan(model().predict(batch, bottles, HeatingStep.CALCINATION).temperature_C.lower).all()
    sintering = model().predict(batch, bottles, HeatingStep.SINTERING).temperature_C
    assert np.isfinite(sintering.lower[0])
    assert np.isnan(sintering.lower[1])


def test_rows_are_judged_one_by_one_as_together() -> None:
    batch, precursors, _ = _asked(7, seed=3)
    together = model().predict(batch, precursors, HeatingStep.SINTERING).temperature_C.upper
    single = [
        model().predict(batch.take(np.array([n])), [precursors[n]], HeatingStep.SINTERING).temperature_C.upper[0]
        for n in range(7)
    ]
    np.testing.assert_allclose(single, together, rtol=1e-9)


def test_it_survives_its_arrays() -> None:
    batch, precursors, _ = _asked(20, seed=4)
    again = HeatingModel.from_arrays(model().arrays())
    for now, before in zip(
        *(m.predict(batch, precursors, HeatingStep.SINTERING) for m in (again, model())), strict=True
    ):
        np.testing.assert_allclose(now.value, before.value, atol=0.5)


def test_the_order_of_bottles_and_their_water_do_not_matter() -> None:
    batch = MaterialBatch.from_formulas(["Li2ZrO3"] * 2)
    rows = describe(batch, [("ZrO2", "LiOH·H2O"), ("LiOH", "ZrO2")], ("whatever",))
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    ("formula", "kind"), [("Zr", "element"), ("ZrO(NO3)2·2H2O", "nitrate"), ("P2O5", "oxide"), ("Li3N", "other")]
)
def test_every_precursor_has_a_class(formula: str, kind: str) -> None:
    assert precursor_class(formula) == kind
    assert kind in CLASSES
