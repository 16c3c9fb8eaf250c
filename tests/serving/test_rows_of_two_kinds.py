"""Rows of two kinds in one question: each is asked what speaks of it, and neither harms the other."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from serving.answers.input_tables import read_candidates_csv
from serving.answers.request import CandidateInput
from serving.cli import elyte
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from training.properties import registry

PEO = {"polymer": "PEO", "salt": "LiTFSI", "li_per_O": 0.05}
FORMULAS = ("Li6PS5Cl", "PEO20-LiTFSI", "Li3YCl6", "PTMC8-LiTFSI", "PVDF gel with LiTFSI")
SIGMA = "log10_polymer_sigma_S_per_cm"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("shipped", ["conductivity", "polymer"])


def test_a_list_of_both_says_of_each_what_it_says_alone(predictor: Predictor) -> None:
    together = predictor.predict_formulas(FORMULAS)["results"]
    for place, formula in enumerate(FORMULAS):
        (alone,) = predictor.predict_formulas([formula])["results"]
        row = dict(together[place])
        assert row.pop("index") == place
        alone_row = dict(alone)
        alone_row.pop("index")
        if "error" in row:
            assert row["error"]["code"] == alone["error"]["code"] == "liquid_component"
        else:
            assert row == alone_row


def test_each_row_has_the_properties_of_its_kind_only(predictor: Predictor) -> None:
    formula, polymer = predictor.predict_formulas(FORMULAS[:2])["results"]
    assert ("conductivity" in formula, "polymer" in formula) == (True, False)
    assert ("conductivity" in polymer, "polymer" in polymer) == (False, True)
    assert polymer["read_as"] == "PEO with 1.13 mol/kg LiTFSI"


def test_a_property_of_another_kind_is_refused_with_those_that_can(predictor: Predictor) -> None:
    found = predictor.answer([CandidateInput(**PEO)], properties=["conductivity"])["results"][0]
    assert found["error"]["code"] == "wrong_kind"
    assert "polymer can" in found["error"]["message"]


def test_columns_are_those_of_the_answers(predictor: Predictor) -> None:
    from serving.answers.columns import predict_columns

    columns = predict_columns(predictor._models, list(FORMULAS))
    rows = predictor.predict_formulas(FORMULAS)["results"]
    assert columns["status"].tolist() == [row["status"] for row in rows]
    said = [row.get("polymer", {}).get(SIGMA, {}).get("value", np.nan) for row in rows]
    np.testing.assert_array_equal(columns[SIGMA], said)
    assert columns["read_as"].tolist() == [row["read_as"] for row in rows]


def test_a_table_of_both_kinds_is_read_row_by_row(predictor: Predictor) -> None:
    text = (
        "id,formula,polymer,salt,li_per_O,molality,temperature_C\n"
        "a,Li6PS5Cl,,,,,25\n"
        "b,,PEO,LiTFSI,0.05,,60\n"
        "c,,PEO,LiTFSI,nan?,,60\n"
        "d,,PEO,LiTFSI,0.05,9,60\n"
        "e,Li3YCl6,PEO,LiTFSI,0.05,,60\n"
        "f,,*OCC*,LiTFSI,,1.13,500\n"
    )
    rows, ignored, _ = read_candidates_csv(text.encode(), "both.csv")
    assert not ignored
    found = predictor.answer(rows)["results"]
    codes = [row.get("error", {}).get("code") for row in found]
    wrong = "invalid_condition"
    assert codes == [None, None, wrong, "contradicting_concentration", "missing_material", wrong]
    assert "expected -40 to 200" in found[5]["error"]["message"]


def test_the_service_and_its_csv_take_polymers(predictor: Predictor) -> None:
    client = TestClient(create_app(predictor))
    body = {"candidates": [PEO, {"formula": "Li6PS5Cl"}, {"polymer": {"PEO": 80.0, "PPO": 20.0}, "salt": "LiTFSI"}]}
    answered: httpx.Response = client.post("/predict", json=body)
    assert answered.status_code == 200
    results = answered.json()["results"]
    assert [row["status"] for row in results] == ["ok", "ok", "error"]
    assert results[2]["error"]["code"] == "missing_concentration"
    block = results[0]["polymer"]
    assert block[SIGMA]["lower"] < block[SIGMA]["value"] < block[SIGMA]["upper"]
    assert [point["temperature_C"] for point in block["curve"]] == sorted(p["temperature_C"] for p in block["curve"])
    assert any(near["doi"] for near in results[0]["applicability"]["polymer"]["nearest"])
    table = client.post(
        "/predict/csv",
        content="polymer,salt,li_per_O\nPEO,LiTFSI,0.05\n",
        headers={"Content-Type": "text/csv", "Accept": "text/csv"},
    )
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert float(row[SIGMA]) == pytest.approx(
        client.post("/predict", json=body).json()["results"][0]["polymer"][SIGMA]["value"]
    )
    names = {field["name"] for field in client.get("/vocabulary").json()["material_fields"]}
    assert {"formula", "polymer", "salt"} <= names


def test_the_command_line_takes_the_fields_and_tells_the_curve() -> None:
    words = ["predict", "--polymer", "PEO", "--salt", "LiTFSI", "--li-per-o", "0.05", "--temperature-c", "60"]
    said = CliRunner().invoke(elyte, [*words, "--property", "polymer"], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    assert "polymer sigma" in said.output
    assert "curve: 0 C" in said.output


@pytest.mark.parametrize(
    ("objectives", "ranked", "failed"),
    [(["polymer_sigma>=1e-4@60"], 2, 3), (["sigma>=1e-4"], 2, 3)],
)
def test_a_ranking_is_of_one_kind_and_the_others_fail_in_words(
    predictor: Predictor, objectives: list[str], ranked: int, failed: int
) -> None:
    from serving.ranking.request import RankRequest

    rows = [CandidateInput(formula=formula) for formula in FORMULAS]
    document = predictor.rank(RankRequest(candidates=rows, objectives=objectives))
    assert (document["counts"]["ranked"], document["counts"]["failed"]) == (ranked, failed)
    codes: list[Any] = [row["error"]["code"] for row in document["failed"]]
    assert set(codes) == {"wrong_kind", "liquid_component"}


def test_objectives_of_two_kinds_are_refused(predictor: Predictor) -> None:
    from serving.ranking.objectives import ObjectiveError
    from serving.ranking.request import RankRequest

    both = ["sigma>=1e-4", "polymer_sigma>=1e-4"]
    with pytest.raises(ObjectiveError, match="different kinds"):
        predictor.rank(RankRequest(candidates=[CandidateInput(formula="Li6PS5Cl")], objectives=both))


def test_warmer_polymers_never_conduct_worse(predictor: Predictor) -> None:
    rows = predictor.predict_formulas(["PEO20-LiTFSI", "PTMC8-LiTFSI", "PCL6-LiTFSI", "PMMA-LiTFSI 20 wt%"])["results"]
    for row in rows:
        curve = [point[SIGMA] for point in row["polymer"]["curve"]]
        assert curve == sorted(curve)


def test_every_kind_is_spoken_of() -> None:
    assert {one.kind for one in registry.properties()} >= {"inorganic", "polymer"}
