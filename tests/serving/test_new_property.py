"""A property of another package is answered in every medium from what it declares; nothing here knows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ASK = """
import json
from elyte_toy.model import ToyModel, table
from serving.answers.columns import FLAG_COLUMNS, predict_columns
from serving.answers.nearest_request import NearestRequest
from serving.answers.output_tables import flat_row, terminal_lines
from serving.answers.request import PredictRequest
from serving.models.store import ServedModel, load_shipped
from serving.predictor import Predictor

bundle = load_shipped("conductivity").bundle
models = {"toy": ServedModel("toy", ToyModel.fit(*table()), bundle, "made here")}
predictor, rows = Predictor(models), [{"formula": "Li2O", "conditions": {"toy_pressure_GPa": 3.0}}, {"formula": "xx"}]
results = predictor.predict(PredictRequest.model_validate({"candidates": rows, "properties": ["toy"]}))["results"]
near = predictor.nearest(NearestRequest.model_validate({"candidates": rows[:1], "count": 2}))["results"]
columns = predict_columns(models, ["MgO"])
said = {
    "row": results[0], "near": near[0], "flat": flat_row(results[0]), "lines": terminal_lines(results),
    "columns": {name: column.tolist() for name, column in columns.items()}, "flags": FLAG_COLUMNS,
}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugin_property")])}
    run = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, cwd=ROOT, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_json_has_its_interval_domain_and_neighbours(said: dict[str, Any]) -> None:
    interval = said["row"]["toy"]["toy_density_g_per_cm3"]
    assert interval["lower"] < interval["value"] < interval["upper"]
    assert said["row"]["applicability"]["toy"]["nearest"][0]["formula"] == "Li2O"
    assert said["row"]["warnings"] == []


def test_neighbours_carry_the_value_under_the_name_of_its_quantity(said: dict[str, Any]) -> None:
    assert [one["toy_density_g_per_cm3"] for one in said["near"]["toy"]["nearest"]] == [2.013, 1.64]


def test_tables_have_its_quantity_and_the_columns_that_every_property_gets(said: dict[str, Any]) -> None:
    flat, row = said["flat"], said["row"]
    assert flat["toy_density_g_per_cm3"] == row["toy"]["toy_density_g_per_cm3"]["value"]
    assert flat["toy_density_upper_g_per_cm3"] == row["toy"]["toy_density_g_per_cm3"]["upper"]
    assert (flat["toy_in_domain"], flat["toy_nearest_formula"], flat["toy_reason"]) == (True, "Li2O", None)
    columns = said["columns"]
    assert columns["toy_nearest_formula"] == ["MgO"]
    assert columns["toy_in_domain"] == [True]
    assert {"in_domain", "toy_in_domain"} <= set(said["flags"])


def test_people_see_a_table_of_its_quantities(said: dict[str, Any]) -> None:
    assert any(line.startswith("material  toy density (g/cm3)") for line in said["lines"])
    assert any(line.startswith("Li2O ") and "yes" in line for line in said["lines"])
