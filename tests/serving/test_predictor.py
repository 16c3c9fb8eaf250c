"""The Python entrance: every row answered in its place, errors beside answers, conditions where they belong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from features.candidate import RowError
from features.errors import RowErrorCode, WarningCode
from serving import predictor as predictor_module
from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput, PredictRequest
from serving.predictor import Predictor

CIF = """data_argyrodite
_cell_length_a 9.86
_cell_length_b 9.86
_cell_length_c 9.86
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_IT_number 216
_space_group_name_H-M_alt 'F -4 3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.1830 0.1830 0.0240 0.5
P1 P 0 0 0.5 1
S1 S 0.1196 -0.1196 0.6196 1
S2 S 0.25 0.25 0.25 0.615
Cl1 Cl 0.25 0.25 0.25 0.385
Cl2 Cl 0 0 0 0.615
S3 S 0 0 0 0.385
"""
ARGYRODITE, GARNET = "Li6.5PS5.5Cl0.5", "Li6.7La3Zr1.7Ta0.3O12"


@pytest.fixture(scope="module")
def predictor(bundles: Path) -> Predictor:
    return Predictor.load(str(bundles))


def ask(predictor: Predictor, *candidates: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    document = predictor.predict(PredictRequest.model_validate({"candidates": list(candidates), **more}))
    rows: list[dict[str, Any]] = document["results"]
    return rows


def sigma(row: dict[str, Any]) -> dict[str, float]:
    block: dict[str, float] = row["conductivity"]["log10_sigma_S_per_cm"]
    return block


def codes(row: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in row["warnings"]}


# ---------------------------------------------------------------- the document


def test_an_answer_has_every_part_of_the_design(predictor: Predictor) -> None:
    document = predictor.predict_formulas([ARGYRODITE])
    assert set(document) == {"models", "results"}
    assert {"version", "trained_on"} <= set(document["models"]["conductivity"])
    (row,) = document["results"]
    assert (row["status"], row["formula"], row["id"], row["index"]) == ("ok", ARGYRODITE, None, 0)
    for name in ("log10_sigma_S_per_cm", "activation_energy_eV"):
        interval = row["conductivity"][name]
        assert interval["lower"] <= interval["value"] <= interval["upper"]
        assert interval["coverage"] == 0.9
    assert row["conductivity"]["temperature_C"] == 25.0
    probabilities = row["conductivity"]["probability_sigma_above_S_per_cm"]
    assert probabilities["1e-10"] >= probabilities["1e-4"] >= probabilities["1e-3"]
    domain = row["applicability"]["conductivity"]
    assert domain["in_domain"] is True
    assert 0.0 <= domain["distance"] <= domain["domain_radius"] <= 1.0
    assert 0.0 <= domain["composition_distance"] <= domain["composition_radius"]
    assert 0.0 <= domain["novelty"] <= 1.0
    parts = {"formula", "value", "temperature_C", "is_upper_bound", "doi", "distance"}
    assert [set(near) for near in domain["nearest"]] == [parts] * 3
    assert all(near["doi"].startswith("10.1234/argyrodite") for near in domain["nearest"])
    json.dumps(document, allow_nan=False)


def test_the_loaded_models_are_described_without_their_weights(predictor: Predictor) -> None:
    card = predictor.models()["conductivity"]
    assert {"version", "digest", "origin", "data", "metrics", "limitations"} <= set(card)
    assert not {"model", "golden"} & set(card)
    json.dumps(card, allow_nan=False)


# ---------------------------------------------------------------- rows


def test_a_bad_row_keeps_its_place_and_its_neighbours_their_answers(predictor: Predictor) -> None:
    rows = ask(
        predictor,
        {"id": "a", "formula": ARGYRODITE},
        {"id": "b", "formula": "Li6PS5Xx"},
        {"formula": ""},
        {"id": "d", "cif": "data_nothing"},
        {"id": "e"},
        {"id": "f", "formula": "LiCl", "cif": CIF},
        {"id": "g", "formula": GARNET},
    )
    assert [row["status"] for row in rows] == ["ok"] + ["error"] * 5 + ["ok"]
    assert [row["index"] for row in rows] == list(range(7))
    assert [row["id"] for row in rows] == ["a", "b", None, "d", "e", "f", "g"]
    for place, code in {
        1: RowErrorCode.UNKNOWN_ELEMENT,
        2: RowErrorCode.EMPTY_FORMULA,
        3: RowErrorCode.UNPARSEABLE_CIF,
        4: RowErrorCode.MISSING_MATERIAL,
        5: RowErrorCode.MISSING_MATERIAL,
    }.items():
        error = rows[place]["error"]
        assert error["code"] == str(code)
        assert error["message"]
        assert (error["index"], error["id"]) == (place, rows[place]["id"])
        assert "conductivity" not in rows[place]
    alone = predictor.predict_formulas([ARGYRODITE, GARNET])["results"]
    assert [rows[0]["conductivity"], rows[6]["conductivity"]] == [row["conductivity"] for row in alone]


def test_rows_that_failed_before_stand_among_the_others(predictor: Predictor) -> None:
    """A file's row may break before it becomes a candidate: its error keeps the place it has here."""
    broken = RowError(99, "line 3", RowErrorCode.INVALID_CONDITION, "temperature_C: received 'warm'")
    document = predictor.answer([CandidateInput(formula=ARGYRODITE), broken, CandidateInput(formula=GARNET)])
    first, second, third = document["results"]
    assert (first["formula"], third["formula"]) == (ARGYRODITE, GARNET)
    assert (second["index"], second["id"], second["error"]["code"]) == (1, "line 3", "invalid_condition")


def test_nothing_but_errors_is_an_answer_too(predictor: Predictor) -> None:
    rows = predictor.predict_formulas(["?", "Xx2"])["results"]
    assert [row["status"] for row in rows] == ["error", "error"]


def test_no_rows_no_results(predictor: Predictor) -> None:
    assert predictor.predict_formulas([])["results"] == []


def test_formulas_and_cifs_mixed(predictor: Predictor) -> None:
    rows = ask(predictor, {"formula": ARGYRODITE}, {"id": "cell", "cif": CIF}, {"formula": GARNET})
    assert [row["conductivity"]["basis"] for row in rows] == ["formula", "formula and unit cell", "formula"]
    assert rows[1]["id"] == "cell"
    assert set(rows[1]["formula"]) >= set("LiPSCl")
    alone = ask(predictor, {"id": "cell", "cif": CIF})
    assert rows[1]["conductivity"] == alone[0]["conductivity"]


def test_a_thousand_rows_are_answered_in_order_whatever_the_size_of_a_pass(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    formulas = [f"Li{7 - x:.4f}PS{6 - x:.4f}Cl{x:.4f}" for x in np.linspace(0.05, 0.9, 1000)]
    formulas[500] = "no formula"
    one_pass = predictor.predict_formulas(formulas)["results"]
    monkeypatch.setattr(predictor_module, "_ROWS_PER_PASS", 64)
    many_passes = predictor.predict_formulas(formulas)["results"]
    assert [row["index"] for row in many_passes] == list(range(1000))
    assert [row["formula"] for row in one_pass if row["status"] == "ok"] == formulas[:500] + formulas[501:]
    assert many_passes[500]["error"]["index"] == 500
    assert many_passes == one_pass


# ---------------------------------------------------------------- conditions and coverage


def test_the_conditions_of_a_row_win_over_those_of_the_call(predictor: Predictor) -> None:
    rows = ask(
        predictor,
        {"formula": ARGYRODITE},
        {"formula": ARGYRODITE, "conditions": {"temperature_C": 25.0}},
        {"formula": ARGYRODITE, "conditions": {"stack_pressure_MPa": 5.0}},
        conditions={"temperature_C": 80.0},
    )
    assert [row["conductivity"]["temperature_C"] for row in rows] == [80.0, 25.0, 80.0]
    assert sigma(rows[0])["value"] > sigma(rows[1])["value"]
    assert sigma(rows[2]) == sigma(rows[0])
    plain = predictor.predict_formulas([ARGYRODITE])["results"][0]
    assert sigma(rows[1]) == sigma(plain)


def test_a_condition_without_influence_is_said_to_be_ignored(predictor: Predictor) -> None:
    with_pressure, without = ask(
        predictor, {"formula": ARGYRODITE, "conditions": {"stack_pressure_MPa": 5.0}}, {"formula": ARGYRODITE}
    )
    assert WarningCode.CONDITION_IGNORED in codes(with_pressure)
    assert WarningCode.CONDITION_IGNORED not in codes(without)


def test_temperatures_of_each_row_and_their_warnings(predictor: Predictor) -> None:
    celsius = [-200.0, -40.0, 25.0, 200.0, 900.0]
    rows = ask(predictor, *({"formula": ARGYRODITE, "conditions": {"temperature_C": t}} for t in celsius))
    values = [sigma(row)["value"] for row in rows]
    assert values == sorted(values)
    extrapolated = [WarningCode.TEMPERATURE_EXTRAPOLATED in codes(row) for row in rows]
    assert extrapolated == [True, False, False, False, True]


def test_temperatures_that_do_not_exist_are_refused(predictor: Predictor) -> None:
    for celsius in (-273.15, float("nan"), 1e9):
        with pytest.raises(ValidationError):
            predictor.predict_formulas([ARGYRODITE], temperature_C=celsius)


def test_coverage_changes_the_width_and_nothing_else(predictor: Predictor) -> None:
    answers = [predictor.predict_formulas([ARGYRODITE], coverage=c)["results"][0] for c in (0.5, 0.8, 0.95)]
    widths = [sigma(answer)["upper"] - sigma(answer)["lower"] for answer in answers]
    assert widths[0] < widths[1] < widths[2]
    assert len({sigma(answer)["value"] for answer in answers}) == 1
    assert [sigma(answer)["coverage"] for answer in answers] == [0.5, 0.8, 0.95]


def test_an_interval_that_the_calibration_cannot_give_is_null_with_a_reason(predictor: Predictor) -> None:
    """The conductivities of the synthetic table carry a 98.5 % interval, its 54 activation energies do not."""
    (row,) = ask(predictor, {"formula": ARGYRODITE}, coverage=0.985)
    sigma, energy = row["conductivity"]["log10_sigma_S_per_cm"], row["conductivity"]["activation_energy_eV"]
    assert sigma["lower"] < sigma["value"] < sigma["upper"]
    assert energy["value"] > 0
    assert energy["lower"] is energy["upper"] is None
    assert "too few calibration rows" in energy["reason"]


# ---------------------------------------------------------------- properties and warnings


def test_a_property_without_a_model_is_null_with_a_reason(predictor: Predictor) -> None:
    (row, bad) = ask(
        predictor, {"formula": ARGYRODITE}, {"formula": "?"}, properties=["conductivity", "stability", "ccd"]
    )
    assert row["status"] == "ok"
    assert row["conductivity"] is not None
    for name in ("stability", "ccd"):
        assert row[name] is None
        assert f"serves no {name} model" in row["reasons"][name]
    assert set(row["applicability"]) == {"conductivity"}
    assert bad["status"] == "error"


def test_only_what_was_asked_for_is_answered(predictor: Predictor) -> None:
    document = predictor.answer([CandidateInput(formula=ARGYRODITE)], Conditions(), properties=["ccd"])
    assert document["models"] == {}
    (row,) = document["results"]
    assert row["ccd"] is None
    assert "conductivity" not in row


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("BaTiO3", WarningCode.NO_LITHIUM),
        ("LiFePO4", WarningCode.UNSEEN_ELEMENT),
        ("Li9PS2Cl", WarningCode.NOT_CHARGE_BALANCED),
        ("SbCl5", WarningCode.OUT_OF_DOMAIN),
    ],
)
def test_what_is_odd_about_a_material_is_said(predictor: Predictor, formula: str, code: WarningCode) -> None:
    odd, usual = predictor.predict_formulas([formula, ARGYRODITE])["results"]
    assert code in codes(odd)
    assert codes(usual) == set()
    assert all(warning["message"] for warning in odd["warnings"])
    if code in (WarningCode.UNSEEN_ELEMENT, WarningCode.OUT_OF_DOMAIN):
        assert odd["applicability"]["conductivity"]["in_domain"] is False
        assert sigma(odd)["upper"] - sigma(odd)["lower"] > sigma(usual)["upper"] - sigma(usual)["lower"]


def test_a_known_phase_change_on_the_way_is_warned_of(predictor: Predictor) -> None:
    (cool,) = predictor.predict_formulas(["LiBH4"], temperature_C=100.0)["results"]
    (hot,) = predictor.predict_formulas(["LiBH4"], temperature_C=150.0)["results"]
    assert WarningCode.PHASE_CHANGE not in codes(cool)
    (warning,) = (w for w in hot["warnings"] if w["code"] == WarningCode.PHASE_CHANGE)
    assert "hexagonal" in warning["message"]
    assert "10.1063/1.2817934" in warning["message"]


def test_threads_get_the_answers_that_one_thread_gets(bundles: Path) -> None:
    """Cached factors are derived on first use: eight threads meet a model that nobody has asked before."""
    from concurrent.futures import ThreadPoolExecutor

    fresh = Predictor.load(str(bundles))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fresh.predict_formulas([ARGYRODITE, GARNET])["results"], range(16)))
    assert all(answer == answers[0] for answer in answers)
