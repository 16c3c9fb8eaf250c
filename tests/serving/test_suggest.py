"""`elyte suggest`: what it names, what it leaves out, and that the order of the rows changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.answers.documents import Written, write
from serving.answers.judging import judge, query_of
from serving.answers.request import CandidateInput
from serving.cli import elyte
from serving.models import store as model_store
from serving.models.store import ModelUnavailableError, ServedModel, load_models
from serving.predictor import Predictor
from serving.suggestions.answer import SuggestOptions, suggest
from training.properties import registry
from training.properties.outputs import ModelOutputs

FORMULAS = [
    "Li5.5PS4.5Cl1.5",
    "Li5.4PS4.4Cl1.6",
    "Li6PS5Br",
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li3YCl6",
    "Li2.5Y0.5Zr0.5Cl6",
    "LiTaOCl4",
    "LiFePO4",
    "Li3N",
    "Li2ScCl5",
    "Li12P2S10Cl2",
    "Li6PS5Cl",
]


SHIPPED_WITH_ELYTE = model_store.SHIPPED


@pytest.fixture(autouse=True)
def shipped(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "SHIPPED", bundles)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def served(bundles: Path) -> dict[str, ServedModel]:
    return load_models(str(bundles), ["conductivity"])


def run(path: Path, rows: list[str], *arguments: str) -> Result:
    path.write_text("formula\n" + "\n".join(rows) + "\n")
    return CliRunner().invoke(elyte, ["suggest", "--input", str(path), *arguments])


def test_suggestions_say_what_they_would_teach(tmp_path: Path) -> None:
    result = run(tmp_path / "c.csv", FORMULAS, "--count", "4", "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    assert (document["n_candidates"], document["n_distinct"]) == (12, 11)  # Li12P2S10Cl2 is Li6PS5Cl
    picks = document["suggestions"]
    assert [pick["rank"] for pick in picks] == [1, 2, 3, 4]
    before = [pick["mean_sd_before"] for pick in picks]
    assert before == sorted(before, reverse=True)
    for pick in picks:
        assert pick["formula"] == FORMULAS[pick["index"]]
        assert pick["expected_drop_of_mean_sd"] == pytest.approx(
            pick["mean_sd_before"] - pick["mean_sd_after"], abs=2e-5
        )
        assert pick["expected_drop_of_mean_sd"] >= 0
        assert pick["disagreement"] >= 0
        assert pick["applicability"]["nearest"][0]["formula"]
        assert pick["prediction"]["log10_sigma_S_per_cm"]["lower"] is not None
        assert all(former["correlation"] < 0.9 for former in pick["likeness_to_former_picks"])
    words = run(tmp_path / "c.csv", FORMULAS, "--count", "2").stdout
    assert "mean sd" in words
    assert "nearest known" in words


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(FORMULAS))))
def test_the_order_of_the_rows_changes_nothing(served: dict[str, ServedModel], order: list[int]) -> None:
    def chosen(formulas: list[str]) -> list[tuple[str, float]]:
        rows = [Candidate.from_formula(formula) for formula in formulas]
        found = suggest(served, rows, SuggestOptions(count=3))["suggestions"]
        return [(pick["formula"], pytest.approx(pick["mean_sd_after"], abs=2e-5)) for pick in found]

    assert chosen([FORMULAS[i] for i in order]) == chosen(FORMULAS)


def test_the_predictor_says_the_same_as_the_models(served: dict[str, ServedModel]) -> None:
    rows = [CandidateInput(formula=formula) for formula in [*FORMULAS, "Xx2O3"]]
    document = Predictor(served).suggest(rows, SuggestOptions(count=3))
    direct = suggest(served, [Candidate.from_formula(formula) for formula in FORMULAS], SuggestOptions(count=3))
    assert document["suggestions"] == direct["suggestions"]
    assert [row["index"] for row in document["errors"]] == [len(FORMULAS)]
    with pytest.raises(ModelUnavailableError, match="serves no ccd model"):
        Predictor(served).suggest(rows, SuggestOptions(property="ccd"))


def test_models_of_other_properties_change_nothing(served: dict[str, ServedModel]) -> None:
    rows = [Candidate.from_formula(formula) for formula in FORMULAS]
    others = load_models(str(SHIPPED_WITH_ELYTE), ["stability", "ccd"])
    assert len(others) == 2
    alone, beside = (
        suggest(served, rows, SuggestOptions(count=3)),
        suggest(others | served, rows, SuggestOptions(count=3)),
    )
    assert alone["suggestions"] == beside["suggestions"]
    assert beside["unit"] == "decades"


def test_bad_rows_keep_their_place_and_end_with_1(tmp_path: Path) -> None:
    result = run(tmp_path / "c.csv", ["Li6PS5Cl", "xx", "NaCl"], "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [row["index"] for row in document["errors"]] == [1]
    assert document["not_possible"] == {"no lithium": 1}
    assert [pick["formula"] for pick in document["suggestions"]] == ["Li6PS5Cl"]
    nothing = run(tmp_path / "c.csv", ["xx"], "--json")
    assert (nothing.exit_code, json.loads(nothing.stdout)["suggestions"]) == (1, [])


def test_the_dial_keeps_suggestions_near_the_known(tmp_path: Path, served: dict[str, ServedModel]) -> None:
    path = tmp_path / "c.csv"
    inside = json.loads(run(path, FORMULAS, "--known-only", "--json").stdout)["suggestions"]
    assert inside
    assert all(pick["applicability"]["in_domain"] for pick in inside)
    rows = [Candidate.from_formula(formula) for formula in FORMULAS]
    allowed = [suggest(served, rows, SuggestOptions(exploration=share))["n_allowed"] for share in (0.0, 0.3, 0.7, 1.0)]
    assert allowed == sorted(allowed)
    assert allowed[-1] == 11


def test_measurements_may_teach_about_the_domain(tmp_path: Path) -> None:
    result = run(tmp_path / "c.csv", FORMULAS, "--about", "domain", "--json", "--temperature-c", "60")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["about"]["what"] == "domain"
    assert document["about"]["n_points"] > 20
    assert document["suggestions"][0]["prediction"]["temperature_C"] == 60.0


def test_unusable_calls_end_with_2(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    for arguments in (("--count", "0"), ("--dial", "2"), ("--temperature-c", "-400"), ("--property", "colour")):
        assert run(path, FORMULAS, *arguments).exit_code == 2
    assert run(path, FORMULAS, "--property", "ccd").exit_code == 2  # this world serves none
    path.write_text("x,y\n1,2\n")
    assert CliRunner().invoke(elyte, ["suggest", "--input", str(path)]).exit_code == 2


def test_the_other_properties_have_suggestions_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    models = load_models("shipped")
    rows = [Candidate.from_formula(formula) for formula in [*FORMULAS, "Li2Xe", "NaCl"]]
    energies = suggest({"stability": models["stability"]}, rows, SuggestOptions("stability", 3))
    assert energies["unit"] == "eV/atom"
    assert len(energies["suggestions"]) == 3
    assert "no energies of Xe" in energies["not_possible"]
    assert all(pick["prediction"]["basis"] == "model" for pick in energies["suggestions"])
    at = Conditions(temperature_C=60.0, interlayer_type="none")
    currents = suggest(models, rows, SuggestOptions("ccd", 3, at))
    assert len(currents["suggestions"]) == 3
    assert all(pick["prediction"]["log10_ccd_mA_per_cm2"] is not None for pick in currents["suggestions"])
    good = [row for row in rows if row.formula == "Li6PS5Cl"]
    query = query_of(good, [at], 0.9)
    outputs = ModelOutputs(query, {name: served.model for name, served in models.items()}, registry.get)
    pool = registry.get("ccd").design_pool(outputs, with_domain=False)
    interval = currents_interval(models, good, at)
    sd = float(np.sqrt(pool.uncertainty.variance()[0] + pool.uncertainty.noise_variance))
    assert interval == pytest.approx(2 * models["ccd"].model.scale.factor(0.9) * sd, abs=2e-3)


def currents_interval(models: dict[str, ServedModel], rows: list[Candidate], at: Conditions) -> float:
    said = judge(models, query_of(rows, [at], 0.9), ["ccd"], write).said["ccd"]
    assert isinstance(said, Written)
    (block,) = said.blocks
    value = block["log10_ccd_mA_per_cm2"]
    return float(value["upper"] - value["lower"])
