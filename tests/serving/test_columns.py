"""Columns say what the JSON document says: every number, warning, reason and error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch, RowError
from features.elements import SYMBOLS
from features.errors import RowErrorCode
from serving.answers.columns import COLUMNS, FLAG_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS, predict_columns
from serving.answers.conditions import Conditions
from serving.answers.input_tables import read_conditions
from serving.answers.output_tables import flat_row, terminal_lines
from serving.answers.request import CandidateInput
from serving.models.store import ServedModel, load_models
from serving.predictor import Predictor
from training.properties.conditions import ConditionColumns

FORMULAS = (Path(__file__).parents[1] / "features" / "diverse_formulas.txt").read_text(encoding="utf-8").split()
ODD = ("", "Xx3", "Li0", "UO2", "PuCl3", "Li", "BaTiO3", "LiCl", "Li3PS4", "XeF2", "Li₇La₃Zr₂O₁₂", "75Li2S-25P2S5")


@pytest.fixture(scope="module")
def models() -> dict[str, ServedModel]:
    return load_models("shipped")


def by_document(
    models: dict[str, ServedModel], rows: list[CandidateInput], conditions: Conditions, **more: Any
) -> list[dict[str, Any]]:
    return [flat_row(result) for result in Predictor(models).answer(rows, conditions, **more)["results"]]


def assert_same(columns: dict[str, np.ndarray], expected: list[dict[str, Any]]) -> None:
    assert list(columns) == list(COLUMNS)
    for name in COLUMNS:
        wanted = [row[name] for row in expected]
        if name in NUMBER_COLUMNS:
            numbers = np.array([np.nan if value is None else value for value in wanted], dtype=float)
            np.testing.assert_allclose(columns[name], numbers, atol=1.01e-4, rtol=0, err_msg=name)
        elif name in FLAG_COLUMNS:
            assert columns[name].tolist() == [bool(value) for value in wanted], name
        else:
            assert columns[name].tolist() == wanted, name


@pytest.mark.parametrize("coverage", [0.9, 0.6])
def test_diverse_and_odd_formulas_get_the_numbers_of_the_document(
    models: dict[str, ServedModel], coverage: float
) -> None:
    formulas = [*FORMULAS, *ODD]
    expected = by_document(
        models, [CandidateInput(formula=formula) for formula in formulas], Conditions(), coverage=coverage
    )
    columns = predict_columns(models, formulas, coverage=coverage)
    assert_same(columns, expected)
    assert {"ok", "error"} == set(columns["status"])


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(temperature_C=60.0, interlayer_type="Oxide", anode="Li", stack_pressure_MPa=5.0),
        Conditions(temperature_C=300.0, thickness_um=20.0),
        Conditions(temperature_C=-60.0, relative_density=0.9, sigma_S_per_cm=1e-3),
        Conditions(interlayer_type="MIEC/3D", electrolyte_class="garnet"),
        Conditions(interlayer_type="marmalade"),
    ],
)
def test_conditions_mean_the_same(models: dict[str, ServedModel], conditions: Conditions) -> None:
    formulas = [*FORMULAS[:25], *ODD, "Li4GeS4", "Li3BO3", "Li2ZnI4", "LiBH4"]
    expected = by_document(models, [CandidateInput(formula=formula) for formula in formulas], conditions)
    assert_same(predict_columns(models, formulas, conditions), expected)


@pytest.mark.parametrize("properties", [["ccd"], ["stability"], ["ccd", "conductivity"]])
def test_some_properties_only(models: dict[str, ServedModel], properties: list[str]) -> None:
    expected = by_document(
        models, [CandidateInput(formula=f) for f in FORMULAS[:20]], Conditions(), properties=properties
    )
    assert_same(predict_columns(models, FORMULAS[:20], properties=properties), expected)


def test_a_model_that_is_not_there_says_nothing(models: dict[str, ServedModel]) -> None:
    served = {"conductivity": models["conductivity"]}
    wanted = ["conductivity", "ccd"]
    expected = by_document(served, [CandidateInput(formula="Li6PS5Cl")], Conditions(), properties=wanted)
    assert_same(predict_columns(served, ["Li6PS5Cl"], properties=wanted), expected)


def test_own_conditions_and_cells_of_rows_are_kept_apart(
    models: dict[str, ServedModel], candidates: list[Candidate]
) -> None:
    degrees = np.linspace(0.0, 140.0, len(candidates))
    pressures = [None, 3.0] * (len(candidates) // 2)
    own, errors = read_conditions(
        len(candidates), {"temperature_C": degrees.tolist(), "stack_pressure_MPa": pressures}, Conditions()
    )
    assert not errors
    unreadable = RowError(0, None, RowErrorCode.EMPTY_FORMULA, "none")
    columns = predict_columns(models, [unreadable, *candidates], _with_first(own))
    assert columns["error_code"][0] == "empty_formula"
    for row, candidate in enumerate(candidates):
        single = predict_columns(
            models, [candidate], Conditions(temperature_C=float(degrees[row]), stack_pressure_MPa=pressures[row])
        )
        for name in NUMBER_COLUMNS:
            np.testing.assert_allclose(columns[name][row + 1], single[name][0], atol=1.01e-4, err_msg=name)
        for name in TEXT_COLUMNS:
            assert columns[name][row + 1] == single[name][0], name


def _with_first(own: ConditionColumns) -> ConditionColumns:
    places = np.concatenate([[0], np.arange(len(own.numbers["temperature_C"]))])
    return own.take(places)


def test_a_batch_is_judged_as_its_formulas(models: dict[str, ServedModel]) -> None:
    formulas = FORMULAS[:30]
    by_formula = predict_columns(models, formulas)
    by_batch = predict_columns(models, MaterialBatch.from_formulas(formulas))
    for name in NUMBER_COLUMNS:
        np.testing.assert_allclose(by_batch[name], by_formula[name], atol=1.01e-4, err_msg=name)


def test_nothing_and_nothing_readable_are_answered(models: dict[str, ServedModel]) -> None:
    assert all(len(column) == 0 for column in predict_columns(models, []).values())
    columns = predict_columns(models, ["?", None])
    assert columns["error_code"].tolist() == ["unparseable_formula", "missing_material"]


def test_conditions_out_of_range_are_errors_in_the_words_of_predict() -> None:
    own, errors = read_conditions(
        4, {"temperature_C": [25.0, 5000.0, None, "warm"], "anode": ["Li", "Li", " ", "Li"]}, Conditions(anode="x")
    )
    assert own.numbers["temperature_C"][:3].tolist()[0] == 25.0
    assert own.texts["anode"].tolist() == ["Li", "Li", "x", "Li"]
    assert sorted(errors) == [1, 3]
    assert "less than or equal to 1500" in errors[1].message
    assert "expected a number" in errors[3].message


def test_every_element_alone_is_answered_or_refused(models: dict[str, ServedModel]) -> None:
    expected = by_document(models, [CandidateInput(formula=symbol) for symbol in SYMBOLS], Conditions())
    assert_same(predict_columns(models, list(SYMBOLS)), expected)


def test_measurements_that_disagree_are_warned_of_in_answers_columns_and_terminal(
    models: dict[str, ServedModel],
) -> None:
    formulas = ["Li7La3Zr2O12", "Li3PS4", "Li1.5P0.5S2", "Li6PS4.9Cl", "Li3InCl6"]
    only = ["conductivity"]
    results = Predictor(models).answer([CandidateInput(formula=f) for f in formulas], properties=only)["results"]
    codes = [[warning["code"] for warning in row["warnings"]] for row in results]
    warned = ["measurements_disagree" in row for row in codes]
    assert warned == [True, True, True, False, False]
    columns = predict_columns(models, formulas, properties=only)
    assert ["measurements_disagree" in text for text in columns["warnings"]] == warned
    garnet = next(w["message"] for w in results[0]["warnings"] if w["code"] == "measurements_disagree")
    assert "tetragonal (space group 142)" in garnet
    assert "cubic (space group 230)" in garnet
    assert "10.1016/j.jssc.2009.05.020" in garnet
    glass = next(w["message"] for w in results[1]["warnings"] if w["code"] == "measurements_disagree")
    assert "glass-ceramic" in glass
    assert "orthorhombic (space group 62)" in glass
    (note,) = [line for line in terminal_lines(results[:1]) if line.startswith("Li7La3Zr2O12: conductivity")]
    assert note.endswith("S/cm")
    assert "10." not in note.removeprefix("Li7La3Zr2O12")
