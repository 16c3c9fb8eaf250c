"""Who asks for what gets reported has answers of the model moved by its own median error, and hears where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput
from serving.predictor import Predictor
from training.properties.conductivity.ensemble import Pool

UNMEASURED, MEASURED = "Li2.5Y0.5Zr0.5F2Cl4", "Li6PS5Cl"


@given(st.floats(-0.5, 0.5), st.floats(0.01, 4.0), st.floats(0.01, 4.0))
def test_a_centre_moves_by_a_share_of_the_width_on_its_side(share: float, below: float, above: float) -> None:
    pool = Pool(*(np.array([number]) for number in (-4.0, below, above, 0.3, 0.05, 0.2, 0.3)))
    centre = pool.moved(share).centre[0] + 4.0
    assert centre == pytest.approx(share * (above if share > 0.0 else below), abs=1e-12)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("shipped", ["conductivity", "ccd"])


def said(predictor: Predictor, formula: str, property_: str = "conductivity", **stated: Any) -> dict[str, Any]:
    """Return the answer to one formula under conditions."""
    found = predictor.answer([CandidateInput(formula=formula)], Conditions(**stated), properties=[property_])
    return dict(found["results"][0])


def ends(answer: dict[str, Any]) -> tuple[float, ...]:
    block = answer["conductivity"]["log10_sigma_S_per_cm"]
    return tuple(float(block[part]) for part in ("lower", "value", "upper"))


@pytest.mark.parametrize("temperature_C", [25.0, 60.0])
def test_the_whole_interval_and_the_chances_move_with_the_centre(predictor: Predictor, temperature_C: float) -> None:
    plain = said(predictor, UNMEASURED, temperature_C=temperature_C)
    asked = said(predictor, UNMEASURED, temperature_C=temperature_C, population="reported")
    shift = asked["conductivity"]["towards_reported_decades"]
    assert 0.0 < shift < 1.0
    assert np.subtract(ends(asked), ends(plain)) == pytest.approx([shift] * 3, abs=3e-4)
    chance = "probability_sigma_above_S_per_cm"
    assert asked["conductivity"][chance]["1e-3"] > plain["conductivity"][chance]["1e-3"]
    assert "towards_reported_decades" not in plain["conductivity"]


def test_all_is_what_is_answered_without_it(predictor: Predictor) -> None:
    assert said(predictor, UNMEASURED, population="ALL") == said(predictor, UNMEASURED)


def test_measurements_lead_where_there_are_some_and_it_is_said(predictor: Predictor) -> None:
    plain, asked = said(predictor, MEASURED), said(predictor, MEASURED, population="reported")
    assert ends(asked) == ends(plain)
    (warning,) = [one for one in asked["warnings"] if one["code"] == "condition_ignored"]
    assert "measurements lead" in warning["message"]


def test_a_word_that_is_none_is_refused_with_those_that_are(predictor: Predictor) -> None:
    error = said(predictor, UNMEASURED, population="typical")["error"]
    assert error["code"] == "invalid_condition"
    assert "all, reported" in error["message"]


def test_who_builds_on_conductivity_is_not_moved(predictor: Predictor) -> None:
    plain, asked = (said(predictor, "Li6PS5I", "ccd", **stated) for stated in ({}, {"population": "reported"}))
    assert asked["ccd"] == plain["ccd"]
    assert "condition_ignored" in [one["code"] for one in asked["warnings"]]
