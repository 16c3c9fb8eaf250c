"""What is stated of a sample moves the answer only where paired measurements say so, and says it where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.candidate import MaterialBatch
from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput
from serving.predictor import Predictor
from training.properties.conductivity.sample import (
    BULK_OVER_TOTAL_DECADES,
    DECADES_PER_DENSITY,
    DENSE,
    STATES,
    are_garnets,
    density_shift,
    state_word,
)

GARNET, ARGYRODITE = "Li6.5La3Zr1.5Ta0.5O12", "Li6PS5Cl"


@given(st.floats(0.2, 1.0), st.floats(0.2, 1.0))
def test_a_denser_garnet_never_conducts_worse(one: float, other: float) -> None:
    lower, higher = density_shift(np.array(sorted((one, other))))
    assert lower <= higher <= 0.0


def test_dense_garnets_are_alike_and_an_unknown_density_is_dense() -> None:
    assert density_shift(np.array([DENSE, 0.97, 1.0, np.nan])).tolist() == [0.0] * 4
    assert density_shift(np.array([DENSE - 0.1]))[0] == pytest.approx(-DECADES_PER_DENSITY / 10)


def test_garnets_are_told_by_their_stoichiometry() -> None:
    formulas = [
        GARNET,
        "Li7La3Zr2O12",
        "Li6.25Al0.25La3Zr2O12",
        ARGYRODITE,
        "Li1.3Al0.3Ti1.7(PO4)3",
        "Li0.33La0.56TiO3",
    ]
    found = are_garnets(MaterialBatch.from_formulas(formulas).matrix())
    assert found.tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("glass-ceramic hot-pressed", "glass-ceramic"),
        ("Amorphous", "glass"),
        ("cold-sintered", "sintered"),
        ("cold-pressed (annealed powder)", "cold-pressed"),
        ("SPS sintered", "hot-pressed"),
        ("cubic (space group 230)", "crystal"),
        ("mixture", ""),
        ("", ""),
    ],
)
def test_states_are_read_from_the_words_of_sources(text: str, state: str) -> None:
    assert state_word(text) == state
    assert state in (*STATES, "")


# ---------------------------------------------------------------- in answers


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("shipped", ["conductivity"])


def said(predictor: Predictor, formula: str, **stated: Any) -> dict[str, Any]:
    """Return the answer to one formula under conditions."""
    found = predictor.answer([CandidateInput(formula=formula)], Conditions(**stated), properties=["conductivity"])
    return dict(found["results"][0])


def sigma(answer: dict[str, Any], part: str = "value") -> float:
    return float(answer["conductivity"]["log10_sigma_S_per_cm"][part])


@pytest.mark.parametrize("part", ["value", "lower", "upper"])
def test_density_and_bulk_move_a_garnet_and_its_interval(predictor: Predictor, part: str) -> None:
    plain, porous = said(predictor, GARNET), said(predictor, GARNET, relative_density=0.84)
    bulk = said(predictor, GARNET, contribution="bulk")
    assert sigma(porous, part) - sigma(plain, part) == pytest.approx(-0.99, abs=2e-4)
    assert sigma(bulk, part) - sigma(plain, part) == pytest.approx(BULK_OVER_TOTAL_DECADES, abs=2e-4)
    assert porous["conductivity"]["sample_shift_decades"] == pytest.approx(-0.99)
    assert "sample_shift_decades" not in plain["conductivity"]


def test_the_chance_of_a_porous_garnet_falls_with_its_value(predictor: Predictor) -> None:
    dense, porous = (said(predictor, GARNET, relative_density=d)["conductivity"] for d in (0.96, 0.7))
    chance = "probability_sigma_above_S_per_cm"
    assert porous[chance]["1e-4"] < dense[chance]["1e-4"]


@pytest.mark.parametrize("stated", [{"relative_density": 0.8}, {"contribution": "bulk"}])
def test_what_moves_nothing_says_so(predictor: Predictor, stated: dict[str, Any]) -> None:
    plain, answer = said(predictor, ARGYRODITE), said(predictor, ARGYRODITE, **stated)
    assert sigma(answer) == sigma(plain)
    (warning,) = [one for one in answer["warnings"] if one["code"] == "condition_ignored"]
    assert next(iter(stated)) in warning["message"]
    assert "garnets alone" in warning["message"]


def test_a_state_moves_nothing_and_tells_what_was_measured(predictor: Predictor) -> None:
    plain, answer = said(predictor, ARGYRODITE), said(predictor, ARGYRODITE, state="cold-pressed")
    assert sigma(answer) == sigma(plain)
    (warning,) = [one for one in answer["warnings"] if one["code"] == "condition_ignored"]
    assert "measurements are cold-pressed" in warning["message"]


def test_a_measured_material_leads_with_what_was_measured(predictor: Predictor) -> None:
    answer = said(predictor, ARGYRODITE)["conductivity"]
    measured = answer["measured"]
    assert answer["basis"] == "measured + model"
    assert measured["papers"] >= 10
    assert measured["lowest"] <= measured["log10_sigma_S_per_cm"] <= measured["highest"]
    assert 0.5 <= measured["weight"] < 1.0
    assert all(sample["doi"] for sample in measured["samples"])
    ends = sorted((answer["model_log10_sigma_S_per_cm"], measured["log10_sigma_S_per_cm"]))
    assert ends[0] <= answer["log10_sigma_S_per_cm"]["value"] <= ends[1]


def test_an_unmeasured_one_says_so(predictor: Predictor) -> None:
    answer = said(predictor, "Li2.71Y0.83Zr0.13Hf0.11Cl6")["conductivity"]
    assert (answer["measured"], answer["basis"]) == (None, "formula")
    assert answer["model_log10_sigma_S_per_cm"] == answer["log10_sigma_S_per_cm"]["value"]


def test_a_contribution_that_is_none_is_refused_and_its_neighbour_answered(predictor: Predictor) -> None:
    rows = [CandidateInput(formula=GARNET, conditions=Conditions(contribution=word)) for word in ("grain", " Bulk")]
    wrong, right = predictor.answer(rows, properties=["conductivity"])["results"]
    assert (wrong["status"], wrong["error"]["code"]) == ("error", "invalid_condition")
    assert "received 'grain', expected one of: bulk, total" in wrong["error"]["message"]
    assert right["conductivity"]["sample_shift_decades"] == pytest.approx(BULK_OVER_TOTAL_DECADES)
