"""What others did beside a plan: who made the like with DOI, usual sets and heating, several targets, refusals."""

from __future__ import annotations

import asyncio
import json
import time
from functools import cache
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from features.formula import parse_formula
from serving.cli import elyte
from serving.models.store import load_models
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.synthesis.answers import SynthesisDocument
from serving.synthesis.experience import FARTHEST, shipped_syntheses
from serving.synthesis.plan import SynthesisRequest, plan, rank, thermodynamic_rank
from serving.synthesis.targets import TargetsError, read_targets
from training.properties import registry
from training.syntheses.model import SynthesisExperience


@cache
def predictor() -> Predictor:
    return Predictor.load("shipped")


@cache
def planned(formula: str) -> SynthesisDocument:
    return predictor().synthesis(SynthesisRequest(formula))


def _known() -> SynthesisExperience:
    found = shipped_syntheses()
    assert found is not None
    return found.experience


@pytest.mark.parametrize(
    ("formula", "bottles"),
    [
        ("Li6.4La3Zr1.4Ta0.6O12", [{"Li2CO3", "La2O3", "ZrO2", "Ta2O5"}, {"LiOH·H2O", "La2O3", "ZrO2", "Ta2O5"}]),
        ("Li1.3Al0.3Ti1.7(PO4)3", [{"Li2CO3", "Al2O3", "TiO2", "NH4H2PO4"}]),
        ("Li6PS5Cl", [{"Li2S", "P2S5", "LiCl"}]),
        ("Li3InCl6", [{"LiCl", "InCl3"}]),
    ],
)
def test_a_chemist_would_weigh_out_what_it_says(formula: str, bottles: list[set[str]]) -> None:
    document = planned(formula)
    assert {one["formula"] for one in document["routes"][0]["precursors"]} in bottles
    assert set(document["usual_precursors"][0]["precursors"]) in bottles
    assert document["heating"] is not None
    assert document["heating"]["made_from"] == [one["formula"] for one in document["routes"][0]["precursors"]]


@pytest.mark.parametrize("formula", ["Li6.4La3Zr1.4Ta0.6O12", "Li1.3Al0.3Ti1.7(PO4)3", "Li6PS5Cl"])
def test_reports_name_their_paper_and_stand_in_order(formula: str) -> None:
    reports = planned(formula)["recipes"]
    assert len(reports) == 5
    assert all(one["doi"].startswith("10.") and one["distance"] <= FARTHEST for one in reports)
    assert [one["distance"] for one in reports] == sorted(one["distance"] for one in reports)
    assert reports[0]["distance"] == 0.0
    assert len({(one["doi"], one["target"]) for one in reports}) == len(reports)


def test_oxides_have_intervals_around_what_laboratories_use() -> None:
    heating = planned("Li6.4La3Zr1.4Ta0.6O12")["heating"]
    assert heating is not None
    for step in (heating["sintering_C"], heating["calcination_C"]):
        assert step["lower"] < step["value"] < step["upper"]  # type: ignore[operator]
    assert heating["sintering_C"]["lower"] < 1140.0 < heating["sintering_C"]["upper"]  # type: ignore[operator]


def test_where_nobody_made_the_like_it_is_said() -> None:
    document = planned("Li3InCl6")
    assert document["heating"] is not None
    assert document["heating"]["note"] is not None or len(document["recipes"]) >= 3


def test_a_target_that_the_shelf_cannot_make_still_learns_what_others_took() -> None:
    document = predictor().synthesis(SynthesisRequest("Li2PdO2"))
    assert document["status"] == "error"
    assert document["error"]["code"] == "element_not_on_shelf" or "shelf" in document["error"]["message"]
    assert document["usual_precursors"]


def test_how_usual_a_set_is_decides_only_among_sets_with_driving_force_left() -> None:
    phases = registry.of_phases()
    model = phases.phases(load_models("shipped", [phases.name])[phases.name].model)
    routes = plan(SynthesisRequest("Li6.4La3Zr1.4Ta0.6O12"), model, None, _known().precursors).routes
    assert [rank(route) for route in routes] == sorted(rank(route) for route in routes)
    without = plan(SynthesisRequest("Li6.4La3Zr1.4Ta0.6O12"), model).routes
    assert sorted(without, key=thermodynamic_rank) == list(without)


def test_the_same_question_has_the_same_answer_however_it_is_spelled() -> None:
    first, second = planned("Li1.3Al0.3Ti1.7(PO4)3"), planned("Li1.3Al0.3Ti1.7P3O12")
    assert first["recipes"] == second["recipes"]
    assert first["heating"] == second["heating"]


# ---------------------------------------------------------------- several


def _run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(elyte, ["synthesis", *arguments], input=text)


def test_several_targets_give_a_shopping_list_that_adds_up() -> None:
    said = json.loads(_run("Li3InCl6", "Li6PS5Cl", "--grams", "2", "--json").stdout)
    assert [one["target"]["read_as"] for one in said["results"]] == ["Li3InCl6", "Li6PS5Cl"]
    masses = {one["formula"]: one["mass_g"] for one in said["shopping_list"]}
    weighed = [p for one in said["results"] for p in one["routes"][0]["precursors"] if p["formula"] == "LiCl"]
    assert masses["LiCl"] == pytest.approx(sum(p["mass_g"] for p in weighed), abs=1e-4)


def test_a_ranking_can_be_piped_in(tmp_path: Path) -> None:
    ranking = json.dumps({"ranking": [{"formula": "Li3InCl6"}, {"formula": "Li6PS5Cl"}, {"formula": "Li3InCl6"}]})
    said = json.loads(_run("--input", "-", "--json", text=ranking).stdout)
    assert len(said["results"]) == 2
    table = tmp_path / "targets.csv"
    table.write_text("id,formula\na,Li3InCl6\n", encoding="utf-8")
    assert len(json.loads(_run("--input", str(table), "--json").stdout)["results"]) == 1


def test_one_that_cannot_be_made_leaves_its_neighbours_alone() -> None:
    result = _run("Li3InCl6", "Xx2", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert [one["status"] for one in said["results"]] == ["ok", "error"]
    assert {"LiCl", "InCl3"} == {one["formula"] for one in said["shopping_list"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "0 targets"),
        ("{not json", "elyte rank --json"),
        ('{"results": []}', "elyte rank --json"),
        ("formula,id\n,a\n", "line 2"),
        ("Li3InCl6 is good", "one formula a line"),
        ("\n".join(f"Li{n}PS5" for n in range(1, 60)), "expected 1 to 50"),
    ],
)
def test_what_is_no_list_of_targets_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(TargetsError, match=expected.replace("{", "\\{")):
        read_targets(text)
    assert _run("--input", "-", text=text).exit_code == 2


def test_no_target_is_refused() -> None:
    assert "name a FORMULA" in _run().output


def test_the_terminal_shows_papers_and_heating() -> None:
    lines = _run("Li1.3Al0.3Ti1.7(PO4)3", "--top", "1").output
    assert "Reported for this and the likest targets:" in lines
    assert "10.1016/" in lines
    assert "sintering" in lines


def test_the_bundle_holds_no_sentence() -> None:
    library = _known().library
    texts = [*library.targets, *library.precursors, *library.atmospheres, *library.dois]
    assert max(map(len, texts)) < 300
    assert parse_formula(library.targets[0])


# ---------------------------------------------------------------- over REST


def _post(body: object) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(predictor()))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/synthesis", json=body, timeout=60.0)

    return asyncio.run(send())


def test_one_target_is_answered_as_at_the_command_line() -> None:
    said = _post({"formula": "Li3InCl6"}).json()
    assert said["recipes"] == planned("Li3InCl6")["recipes"]
    assert said["heating"] == planned("Li3InCl6")["heating"]


def test_several_targets_are_answered_with_a_list_and_the_bad_one_beside() -> None:
    answer = _post({"formulas": ["Li3InCl6", "xx", "Li6PS5Cl"], "grams": 2.0})
    assert answer.status_code == 200
    said = answer.json()
    assert [one["status"] for one in said["results"]] == ["ok", "error", "ok"]
    assert {"stability", "synthesis"} <= set(said["models"])
    assert {"InCl3", "Li2S"} <= {one["formula"] for one in said["shopping_list"]}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "formula"),
        ({"formula": "Li3N", "formulas": ["Li3N"]}, "formula"),
        ({"formulas": []}, "formulas"),
        ({"formulas": ["Li3N"] * 6}, "formulas"),
        ({"formula": "Li3N", "grams": 0}, "grams"),
        ({"formula": "Li3N", "grams": True}, "grams"),
        ({"formula": "Li3N", "top": 0}, "top"),
        ({"formula": "Li3N", "speed": 1}, "speed"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_name(body: object, word: str) -> None:
    answer = _post(body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_a_target_of_many_elements_does_not_hold_up_the_service() -> None:
    started = time.process_time()
    predictor().synthesis(SynthesisRequest("LiNaKMgCaSrBaAlSiTiZrLaYNbTaO40"))
    assert time.process_time() - started < 20.0  # 0.4 s on an idle core
