"""Explanations on request, through Python, REST and the command line; nothing of them unless asked for."""

from __future__ import annotations

import asyncio
import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner, Result
from pydantic import ValidationError
from synthetic_world import Fitted, make_card

from features.candidate import RowError
from features.errors import RowErrorCode
from serving.answers.conditions import Conditions
from serving.answers.request import CandidateInput, PredictRequest
from serving.cli import elyte
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from training.bundle import save_bundle
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.explanation import with_explainers
from training.properties.conductivity.explanation_block import N_SHOWN, WITHOUT_EXPLAINER
from training.properties.conductivity.named_features import named_features

FORMULAS = ["Li6.5PS5.5Cl0.5", "Li6.7La3Zr1.7Ta0.3O12", "Li2.8Y0.8Zr0.2Cl6", "LiFePO4", "Li"]


@pytest.fixture(scope="module")
def folder(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles of which the conductivity model can explain itself."""
    model, _ = with_explainers(fitted.model, fitted.rows, EnsembleSettings.quick())
    path = tmp_path_factory.mktemp("explaining")
    save_bundle(path / "conductivity", make_card(model), model.arrays())
    return path


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    return Predictor.load(str(folder))


def run_with(predictor: Predictor, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """Run `elyte predict` with these models as the served ones."""
    monkeypatch.setattr(Predictor, "load", lambda *_, **__: predictor)
    return CliRunner().invoke(elyte, ["predict", *arguments], catch_exceptions=False)


@pytest.fixture
def command(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Any:
    return partial(run_with, predictor, monkeypatch)


def terms(block: dict[str, Any]) -> list[float]:
    beside = ("base_log10_sigma_S_per_cm", "others_decades", "not_explained_decades", "temperature_decades")
    beside += ("stated_decades", "measured_decades")
    return [block[name] for name in beside] + [one["decades"] for one in block["contributions"]]


def post(predictor: Predictor, body: dict[str, Any]) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(predictor))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/predict", json=body)

    return asyncio.run(send())


# ---------------------------------------------------------------- Python


@pytest.mark.parametrize("temperature_C", [25.0, 60.0])
def test_the_rounded_terms_sum_to_the_answered_value(predictor: Predictor, temperature_C: float) -> None:
    document = predictor.predict_formulas(FORMULAS, temperature_C=temperature_C, explain=True)
    for row in document["results"]:
        block = row["conductivity"]["explanation"]
        answered = row["conductivity"]["log10_sigma_S_per_cm"]["value"]
        assert sum(terms(block)) == pytest.approx(answered, abs=1e-9)
        assert (block["temperature_decades"] == 0.0) == (temperature_C == 25.0)
        of_features = sum(one["decades"] for one in block["contributions"]) + block["others_decades"]
        assert sum(block["groups_decades"].values()) == pytest.approx(of_features, abs=1e-3)


def test_contributions_are_named_and_the_largest_come_first(predictor: Predictor) -> None:
    known = {feature.name: feature for feature in named_features()}
    for row in predictor.predict_formulas(FORMULAS, explain=True)["results"]:
        shown = row["conductivity"]["explanation"]["contributions"]
        sizes = [abs(one["decades"]) for one in shown]
        assert 0 < len(shown) <= N_SHOWN
        assert sizes == sorted(sizes, reverse=True)
        assert min(sizes) > 0
        for one in shown:
            feature = known[one["feature"]]
            assert (one["label"], one["unit"], one["group"]) == (feature.label, feature.unit, feature.group)
            assert np.isfinite(one["value"])


def test_explaining_changes_nothing_else(predictor: Predictor) -> None:
    plain, explained = (predictor.predict_formulas(FORMULAS, explain=flag) for flag in (False, True))
    for row in explained["results"]:
        del row["conductivity"]["explanation"]
    assert explained == plain
    assert predictor.predict_formulas(FORMULAS) == plain  # and is not done unless asked for


def test_rows_keep_their_explanations_among_failures_and_in_any_order(predictor: Predictor) -> None:
    broken = RowError(0, "x", RowErrorCode.UNPARSEABLE_FORMULA, "no")
    rows = [broken, *(CandidateInput(formula=formula) for formula in FORMULAS), CandidateInput(formula="Xx2")]
    forward = predictor.answer(rows, Conditions(), explain=True)["results"]
    backward = predictor.answer(rows[::-1], Conditions(), explain=True)["results"][::-1]
    assert [row["status"] for row in forward] == ["error", *["ok"] * len(FORMULAS), "error"]
    for one, other in zip(forward, backward, strict=True):
        assert one.get("conductivity") == other.get("conductivity")


def test_other_properties_are_not_explained(predictor: Predictor) -> None:
    request = PredictRequest(candidates=[CandidateInput(formula="Li3N")], properties=["stability"], explain=True)
    (row,) = predictor.predict(request)["results"]
    assert "conductivity" not in row
    assert row["stability"] is None


def test_a_model_fitted_before_there_were_explanations_says_so(bundles: Path) -> None:
    old = Predictor.load(str(bundles))
    for row in old.predict_formulas(FORMULAS, explain=True)["results"]:
        assert row["conductivity"]["explanation"] is None
        assert row["conductivity"]["explanation_reason"] == WITHOUT_EXPLAINER
        assert np.isfinite(row["conductivity"]["log10_sigma_S_per_cm"]["value"])


# ---------------------------------------------------------------- REST


def test_rest_explains_where_asked(predictor: Predictor) -> None:
    body = {"candidates": [{"formula": formula} for formula in FORMULAS], "conditions": {"temperature_C": 60}}
    plain, explained = post(predictor, body), post(predictor, body | {"explain": True})
    assert plain.status_code == explained.status_code == 200
    assert all("explanation" not in row["conductivity"] for row in plain.json()["results"])
    for row in explained.json()["results"]:
        value = row["conductivity"]["log10_sigma_S_per_cm"]["value"]
        assert sum(terms(row["conductivity"]["explanation"])) == pytest.approx(value, abs=1e-9)
    schema = {"$ref": "#/components/schemas/Answer"} | {"components": create_app().openapi()["components"]}
    jsonschema.validate(explained.json(), schema)


@pytest.mark.parametrize("flag", ["yes", 1, None, [True]])
def test_rest_refuses_what_is_neither_true_nor_false(predictor: Predictor, flag: object) -> None:
    answer = post(predictor, {"candidates": [{"formula": "Li3N"}], "explain": flag})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("explain: ")
    with pytest.raises(ValidationError):
        PredictRequest.model_validate({"candidates": [{"formula": "Li3N"}], "explain": flag})


# ---------------------------------------------------------------- command line


def test_the_terminal_shows_a_few_lines_a_material(command: Any) -> None:
    result = command("Li6.5PS5.5Cl0.5", "Li6.7La3Zr1.7Ta0.3O12", "--temperature-c", "60", "--explain")
    assert result.exit_code == 0
    assert result.output.count("is the sum of") == 2
    assert result.output.count("average of known chemistry") == 2
    assert result.output.count("  temperature") == 2
    blocks = result.output.split("is the sum of")[1:]
    for block in blocks:
        numbers = [float(line.split()[0]) for line in block.splitlines() if line.startswith("  ")]
        assert len(numbers) <= N_SHOWN + 4
    plain = command("Li6.5PS5.5Cl0.5")
    assert "sum of" not in plain.output


def test_json_of_the_command_line_is_that_of_python(command: Any, predictor: Predictor) -> None:
    result = command(*FORMULAS, "--explain", "--json")
    expected = predictor.predict_formulas(FORMULAS, explain=True)["results"]
    assert json.loads(result.stdout)["results"] == json.loads(json.dumps(expected))


def test_a_table_has_the_explanation_in_one_cell(command: Any, tmp_path: Path) -> None:
    output = tmp_path / "answers.csv"
    assert command("Li6.5PS5.5Cl0.5", "Xx2", "--explain", "--output", str(output)).exit_code == 1
    good, bad = csv.DictReader(output.read_text().splitlines())
    assert good["explanation"].startswith("average of known chemistry at 25 C: -")
    assert bad["explanation"] == ""
    command("Li6.5PS5.5Cl0.5", "--output", str(output))
    assert "explanation" not in output.read_text()


def test_an_old_model_is_no_crash_in_the_terminal(
    bundles: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old, output = Predictor.load(str(bundles)), tmp_path / "answers.csv"
    for more in ([], ["--output", str(output)]):
        result = run_with(old, monkeypatch, "Li3N", "--explain", *more)
        assert result.exit_code == 0
        assert more or f"Li3N: {WITHOUT_EXPLAINER}" in result.output
    assert next(csv.DictReader(output.read_text().splitlines()))["explanation"] == ""
