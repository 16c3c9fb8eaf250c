"""A property of another package works in every entrance, by one folder and one registration alone.

Each test is one entrance, asked as a user would ask it: the real commands in processes of their own, the real service.
`python benchmarks/house.py` counts them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_world import World, service_of, world_in
from running_service import RunningService

QUANTITY = "toy_density_g_per_cm3"
COLUMNS = (QUANTITY, "toy_density_lower_g_per_cm3", "toy_density_upper_g_per_cm3")

NEW_DENSITIES = """\
formula,toy_density_g_per_cm3,reference
LiOH,1.45,CRC Handbook 97: hydroxide and carbonate
Li2CO3,2.11,CRC Handbook 97: hydroxide and carbonate
LiBO2,2.18,CRC Handbook 97: borate and silicate
Li2SiO3,2.52,CRC Handbook 97: borate and silicate
LiNO3,2.38,CRC Handbook 97: nitrate and perchlorate
LiClO4,2.43,CRC Handbook 97: nitrate and perchlorate
Li2SO4,2.21,CRC Handbook 97: sulfate and phosphate
Li3PO4,2.46,CRC Handbook 97: sulfate and phosphate
LiAlO2,2.55,CRC Handbook 97: oxides of metals
LiNbO3,4.30,CRC Handbook 97: oxides of metals
Li2MoO4,2.66,CRC Handbook 97: oxides of metals
Li2WO4,3.71,CRC Handbook 97: oxides of metals
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world_in(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[RunningService]:
    with service_of(world) as started:
        yield started


def test_train(world: World) -> None:
    said = world.elyte("train", "toy", "--no-registry", "--output", world.home / "bundle")
    assert "toy: version 20" in said
    assert (world.home / "bundle" / "card.json").is_file()


def test_evaluate(world: World) -> None:
    assert world.answer("evaluate", "toy")["n_rows"] == 20


def test_predict_json(world: World) -> None:
    """The property's own option, its block, its model's header, its domain."""
    document = world.answer("predict", "LiCl", "--property", "toy", "--toy-pressure-gpa", "10")
    (row,) = document["results"]  # type: ignore[misc]
    interval = row["toy"][QUANTITY]
    assert interval["lower"] < interval["value"] < interval["upper"]
    plain = world.answer("predict", "LiCl", "--property", "toy")["results"][0]["toy"][QUANTITY]  # type: ignore[index]
    assert interval["value"] == pytest.approx(plain["value"] * 2.718281828**0.1, rel=1e-3)
    assert row["applicability"]["toy"]["nearest"][0]["formula"] == "LiCl"
    assert document["models"]["toy"]["version"].startswith("20")  # type: ignore[index]


def test_predict_all_properties(world: World) -> None:
    (row,) = world.answer("predict", "Li6PS5Cl")["results"]  # type: ignore[misc]
    assert row["toy"][QUANTITY]["value"] > 0
    assert row["conductivity"] is not None


def test_predict_csv(world: World) -> None:
    table = world.home / "in.csv"
    table.write_text("formula,toy_pressure_GPa\nLiCl,0\nLi2O,1\n")
    world.elyte("predict", "--input", table, "--output", world.home / "out.csv")
    rows = list(csv.DictReader((world.home / "out.csv").open()))
    assert set(COLUMNS) <= rows[0].keys()
    assert float(rows[0][COLUMNS[1]]) < float(rows[0][QUANTITY]) < float(rows[0][COLUMNS[2]])
    assert rows[0]["toy_nearest_formula"] == "LiCl"


def test_predict_terminal(world: World) -> None:
    said = world.elyte("predict", "LiCl", "--property", "toy")
    assert "toy density" in said.lower()
    assert "LiCl" in said


def test_columns(world: World) -> None:
    code = (
        "from serving.predictor import Predictor\n"
        "from serving.answers.columns import predict_columns\n"
        "found = predict_columns(Predictor.load()._models, ['LiCl', 'Li2O'])\n"
        f"print(found['{QUANTITY}'].tolist())"
    )
    assert len(json.loads(world.python("-c", code))) == 2


def test_screen(world: World) -> None:
    import pandas as pd

    pd.DataFrame({"formula": ["LiCl", "Li2O", "MgO"]}).to_parquet(world.home / "candidates.parquet")
    world.elyte("screen", "--input", world.home / "candidates.parquet", "--output", world.home / "screened")
    parts = [pd.read_parquet(path) for path in (world.home / "screened").glob("part*.parquet")]
    assert set(COLUMNS) <= set(parts[0].columns)
    assert pd.concat(parts)[QUANTITY].notna().all()


def test_nearest(service: RunningService) -> None:
    answer = service.client.post("/nearest", json={"candidates": [{"formula": "LiCl"}]})
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["results"]
    assert row["toy"]["nearest"][0]["formula"] == "LiCl"
    assert QUANTITY in row["toy"]["nearest"][0]
    assert row["conductivity"]["nearest"]


def test_rank(world: World) -> None:
    table = world.home / "rank.csv"
    table.write_text("formula\nLiCl\nLi2O\nLiI\nMgO\n")
    ask = ("rank", "--input", table, "--objective", "toy_density<=2.2")
    found = [world.answer(*ask, *more)["ranking"] for more in ((), ("--toy-pressure-gpa", "40"))]
    plain, pressed = ({row["formula"]: row["probability_of_success"] for row in rows} for rows in found)  # type: ignore[attr-defined]
    assert plain.keys() == {"LiCl", "Li2O", "LiI", "MgO"}
    assert all(pressed[formula] < plain[formula] for formula in plain)


def test_suggest(world: World) -> None:
    table = world.home / "suggest.csv"
    table.write_text("formula\nLiCl\nLi2O\nLiI\nLi3N\n")
    document = world.answer(
        "suggest", "--input", table, "--property", "toy", "--count", "2", "--toy-pressure-gpa", "10"
    )
    assert document["conditions"] == {"toy_pressure_GPa": 10.0}
    assert len(document["suggestions"]) == 2  # type: ignore[arg-type]


def test_explain(world: World) -> None:
    """A property that explains nothing does not stand in the way of those that do."""
    (row,) = world.answer("predict", "LiCl", "--explain")["results"]  # type: ignore[misc]
    assert row["conductivity"]["explanation"]
    assert row["toy"][QUANTITY]


def test_openapi(service: RunningService) -> None:
    text = service.client.get("/openapi.json").text
    assert "toy_pressure_GPa" in text
    schemas = json.loads(text)["components"]["schemas"]
    assert schemas["ToyBlock"]["properties"][QUANTITY] == {"$ref": "#/components/schemas/IntervalBlock"}


def test_vocabulary(service: RunningService) -> None:
    document = service.client.get("/vocabulary").json()
    assert "toy" in document["properties"]
    assert "toy_pressure_GPa" in {condition["name"] for condition in document["conditions"]}


def test_cards(service: RunningService, world: World) -> None:
    assert service.client.get("/models").json()["toy"]["summary"] == "Densities of simple compounds."
    assert "toy" in world.elyte("models")


def test_client(service: RunningService, world: World) -> None:
    code = (
        "from elyte import Client\n"
        f"client = Client('{service.url}')\n"
        "document = client.predict(['LiCl'], toy_pressure_GPa=1.0)\n"
        f"print(document.results[0]['toy']['{QUANTITY}']['value'])"
    )
    assert float(world.python("-c", code)) > 0


def test_ledger(world: World) -> None:
    """A table of the property's measurements is known by its heading; units are read; the row comes back."""
    table = world.home / "measured.csv"
    table.write_text("formula,toy_density_kg_per_m3,doi\nLiF,2640,10.1000/toy\n")
    world.elyte("data", "add", "--input", table, "--accept-warnings", "1:out_of_domain")
    listed = json.loads(world.elyte("data", "history", "--kind", "toy", "--json"))
    (entry,) = listed["entries"]
    assert entry["content"][QUANTITY] == pytest.approx(2.64)


def world_with(home: Path, densities: str) -> World:
    """Return a world whose ledger holds densities."""
    world, table = world_in(home), home / "measured.csv"
    table.write_text(densities)
    add = ("data", "add", "--input", table)
    warnings = json.loads(world.elyte(*add, "--dry-run", "--json", status=1))["accept_warnings"]
    world.elyte(*add, "--accept-warnings", warnings)
    return world


def test_retrain_without_a_person(tmp_path: Path) -> None:
    """Four densities, all within the champion's intervals: every gate is passed and the challenger is promoted."""
    rows = NEW_DENSITIES.splitlines(keepends=True)
    world = world_with(tmp_path, "".join([rows[0], *rows[2:6]]))
    (result,) = world.answer("retrain", "toy")["results"]  # type: ignore[misc]
    outcomes = {gate["name"]: gate["outcome"] for gate in result["decision"]["gates"]}
    assert set(outcomes.values()) == {"passed"}, result
    assert "golden materials" in outcomes
    assert result["version"] == "2"
    after = world.answer("predict", "Li2SiO3", "--property", "toy")
    assert after["results"][0]["applicability"]["toy"]["nearest"][0]["formula"] == "Li2SiO3"  # type: ignore[index]


def test_retrain(tmp_path: Path) -> None:
    """Twelve densities, too few for a model this plain to learn from beyond doubt: a person is asked, and promotes."""
    world = world_with(tmp_path, NEW_DENSITIES)
    said = world.elyte("retrain", "toy", "--json", status=4)
    (result,) = json.loads(said)["results"]
    gates = {gate["name"]: gate["outcome"] for gate in result["decision"]["gates"]}
    others = {name: outcome for name, outcome in gates.items() if outcome != "passed"}
    assert others == {"new rows can be learnt": "asks for a person"}, result
    assert {
        "golden materials",
        "cross-validation",
        "coverage, left-out papers",
        "neighbours of the new rows",
        "bundle",
    } <= gates.keys()
    assert result["version"] == "2"
    before = world.answer("predict", "Li2WO4", "--property", "toy")

    promoted = world.elyte("retrain", "toy", "--promote-anyway", "twelve densities of a handbook", "--who", "Ada")
    assert "version 2 is champion in place of 1" in promoted
    after = world.answer("predict", "Li2WO4", "--property", "toy")
    assert after["models"]["toy"]["version"] != before["models"]["toy"]["version"]  # type: ignore[index]
    assert after["results"][0]["applicability"]["toy"]["nearest"][0]["formula"] == "Li2WO4"  # type: ignore[index]
    history = json.loads(world.elyte("models", "history", "--property", "toy", "--json"))["toy"]
    assert history["champion"] == "2"
    assert [(move["who"], move["version"]) for move in history["moves"]] == [("Ada", "2")]
    assert "nothing to do" in world.elyte("retrain", "toy")


def test_monitor(world: World) -> None:
    document = json.loads(world.elyte("monitor", "--json"))
    assert "toy" in json.dumps(document)


def test_mlflow(world: World) -> None:
    code = (
        "import mlflow, pandas as pd\n"
        "model = mlflow.pyfunc.load_model('models:/elyte-toy@champion')\n"
        "print(model.predict(pd.DataFrame({'formula': ['LiCl', 'MgO']})).to_json())"
    )
    found = json.loads(world.python("-c", code).splitlines()[-1])
    assert set(COLUMNS) <= found.keys()


def test_conformance(world: World) -> None:
    code = (
        "from elyte import check_property\n"
        "from training.properties import registry\n"
        "toy = registry.get('toy')\n"
        f"model, _ = toy.load(__import__('pathlib').Path('{world.home / 'conform'}'))\n"
        "check_property(toy, model, ['Li2O', 'LiCl', 'Li6PS5Cl', 'Li7La3Zr2O12', 'NaCl'])"
    )
    world.elyte("train", "toy", "--no-registry", "--output", world.home / "conform")
    world.python("-c", code)
