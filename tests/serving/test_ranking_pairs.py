"""Pairs of electrolytes: each on its own side, their reaction first, the chance to meet all, the front."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.answers.request import CandidateInput
from serving.cells.design import CellConditions
from serving.cells.request import RateRequest
from serving.commands.rank import rank as command
from serving.predictor import Predictor
from serving.ranking.objectives import ObjectiveError
from serving.ranking.pair_answer import PairOptions, PairsDocument, pair_lines, side_objectives

ANOLYTES = ("Li6PS5Cl", "Li5.5PS4.5Cl1.5", "Li10GeP2S12")
CATHOLYTES = ("Li3InCl6", "Li3YCl6", "Li6PS5Cl")
SLOW = CellConditions(c_rate=0.2, areal_capacity_mAh_cm2=2.0)


def candidates(*formulas: str) -> list[CandidateInput]:
    """Return formulas as given."""
    return [CandidateInput(formula=formula) for formula in formulas]


def pairs(predictor: Predictor, options: PairOptions | None = None, *more: str) -> PairsDocument:
    """Return the pairs of the lists above."""
    return predictor.rank_pairs(candidates(*ANOLYTES, *more), candidates(*CATHOLYTES), options or PairOptions(SLOW))


def test_every_pair_is_judged_once(predictor: Predictor) -> None:
    document = pairs(predictor)
    named = {(one["anolyte"]["formula"], one["catholyte"]["formula"]) for one in document["pairs"]}
    assert named == {(a, c) for a in ANOLYTES for c in CATHOLYTES}
    assert [one["rank"] for one in document["pairs"]] == [*range(1, 10)]
    chances = [one["probability_of_success"] for one in document["pairs"]]
    assert chances == sorted(chances, reverse=True)
    assert document["pairs"][0]["on_front"]
    json.dumps(document, allow_nan=False)


def test_a_chance_is_no_better_than_that_of_each_part(predictor: Predictor) -> None:
    for one in pairs(predictor)["pairs"]:
        parts = (one["probability_anolyte"], one["probability_catholyte"], one["probability_c_rate"])
        assert one["probability_of_success"] <= min(parts)
        if one["reacts"]:
            assert one["probability_of_success"] == 0.0


def test_each_is_judged_on_its_own_side(predictor: Predictor) -> None:
    """A halide oxidises late and is no anolyte; a sulfide beside lithium is no catholyte at 4.3 V."""
    document = pairs(predictor, PairOptions(SLOW, cutoff_V=4.0))
    by_name = {(one["anolyte"]["formula"], one["catholyte"]["formula"]): one for one in document["pairs"]}
    halide, sulfide = by_name["Li6PS5Cl", "Li3YCl6"], by_name["Li6PS5Cl", "Li6PS5Cl"]
    assert halide["probability_catholyte"] > sulfide["probability_catholyte"]
    germanium = by_name["Li10GeP2S12", "Li3YCl6"]
    assert germanium["probability_anolyte"] == 0.0
    assert "interphase" in germanium["limiting_anolyte"]


def test_a_material_does_not_react_with_itself(predictor: Predictor) -> None:
    same = next(
        one
        for one in pairs(predictor)["pairs"]
        if one["anolyte"]["formula"] == one["catholyte"]["formula"] == "Li6PS5Cl"
    )
    assert same["mutual_reaction"] is not None
    assert same["mutual_reaction"]["mutual_energy_eV_per_atom"] == pytest.approx(0.0, abs=1e-6)
    assert not same["reacts"]


def test_pairs_that_react_are_said_first(predictor: Predictor) -> None:
    document = pairs(predictor, PairOptions(SLOW, mutual_eV_per_atom=-0.01))
    assert any(one["reacts"] for one in document["pairs"])
    assert "pairs react with each other" in pair_lines(document)[0]


def test_pairs_without_a_chance_that_do_not_react_are_before_those_that_do(predictor: Predictor) -> None:
    """At 400C no sample succeeds: next is whether the two react, and then the product of the parts' chances."""
    found = pairs(predictor, PairOptions(CellConditions(c_rate=400.0)))["pairs"]
    assert {one["probability_of_success"] for one in found} == {0.0}
    reacts = [one["reacts"] for one in found]
    assert {*reacts} == {True, False}
    assert reacts == sorted(reacts)
    slow = pairs(predictor, PairOptions(SLOW, ("anolyte: sigma>=1@25",)))["pairs"]
    for group in (True, False):
        parts = [one for one in slow if one["reacts"] is group and one["probability_of_success"] == 0.0]
        product = [
            one["probability_anolyte"] * one["probability_catholyte"] * one["probability_c_rate"] for one in parts
        ]
        assert product == sorted(product, reverse=True)


def test_a_stated_critical_current_holds_for_pairs_as_for_one_cell(predictor: Predictor) -> None:
    design = CellConditions(c_rate=1.0, critical_current_mA_per_cm2=50.0)
    (one, *_) = predictor.rank_pairs(candidates("Li6PS5Cl"), candidates("Li3YCl6"), PairOptions(design))["pairs"]
    request = RateRequest(anolyte="Li6PS5Cl", catholyte="Li3YCl6", conditions=design)  # type: ignore[arg-type]
    alone = predictor.rate(request)
    assert one["rate_limited_by"] == alone["limited_by"] != "critical_current"
    assert one["c_rate_reached"]["value"] == pytest.approx(alone["c_rate_reached"]["value"], rel=0.1)


def test_rows_that_fail_leave_the_others_alone(predictor: Predictor) -> None:
    document = pairs(predictor, None, "foo", "UO2")
    assert len(document["pairs"]) == 9
    assert [row["formula"] for row in document["failed"]] == ["foo"]
    (excluded,) = document["excluded"]
    assert (excluded["side"], excluded["formula"]) == ("anolyte", "UO2")
    assert "no lithium" in str(excluded["reason"])


def test_rows_of_one_table_for_both_sides_count_once(predictor: Predictor) -> None:
    one_table = candidates("Li6PS5Cl", "foo", "Li3YCl6")
    document = predictor.rank_pairs(one_table, one_table, PairOptions(SLOW))
    assert document["counts"]["given"] == 3
    assert [row["formula"] for row in document["failed"]] == ["foo"]
    assert len(document["pairs"]) == 4
    two_tables = predictor.rank_pairs(one_table, candidates("Li6PS5Cl", "foo"), PairOptions(SLOW))
    assert two_tables["counts"]["given"] == 5
    assert [row["formula"] for row in two_tables["failed"]] == ["foo", "foo"]


def test_own_objectives_win_over_the_preset() -> None:
    found = side_objectives(PairOptions(SLOW, ("anolyte: sigma>=1e-2@60", "catholyte: oxidation>=4.0")))
    assert found["anolyte"][0].text == "sigma>=0.01@60"
    assert sum(one.quantity == found["anolyte"][0].quantity for one in found["anolyte"]) == 1
    assert "oxidation>=4" in [one.text for one in found["catholyte"]]


@pytest.mark.parametrize(
    "text", ["sigma>=1e-3", "separator: sigma>=1e-3", "anolyte: maximise sigma", "anolyte: sigm>=1"]
)
def test_objectives_without_side_or_target_are_refused(text: str) -> None:
    with pytest.raises(ObjectiveError):
        side_objectives(PairOptions(SLOW, (text,)))


def test_a_cutoff_below_the_anode_is_refused() -> None:
    with pytest.raises(ObjectiveError, match="0 V of the lithium anode"):
        side_objectives(PairOptions(SLOW, cutoff_V=-0.1))


def table(folder: Path, name: str, *formulas: str) -> str:
    """Write a table of candidates."""
    path = folder / name
    path.write_text("formula\n" + "\n".join(formulas) + "\n", encoding="utf-8")
    return str(path)


def test_the_command_ranks_two_tables(tmp_path: Path) -> None:
    first, second = table(tmp_path, "a.csv", *ANOLYTES), table(tmp_path, "c.csv", *CATHOLYTES)
    asked = ["--pairs", "--input", first, "--catholytes", second, "--preset", "fast-charge", "--c-rate", "0.2"]
    done = CliRunner().invoke(command, [*asked, "--capacity", "2", "--top", "4", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert len(document["pairs"]) == 4
    assert document["counts"]["pairs"] == 9
    assert document["targets"]["c_rate"] == 0.2
    plain = CliRunner().invoke(command, asked)
    assert "P(anolyte)" in plain.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--c-rate", "3"], "give --pairs, too"),
        (["--pairs", "--preset", "li-metal"], "no preset of pairs"),
        (["--pairs", "--avoid", "Ge"], "not for pairs"),
        (["--pairs", "--cutoff", "-1"], "0 V of the lithium anode"),
        (["--pairs", "--capacity", "-1"], "expected greater than or equal to 0.001"),
    ],
)
def test_the_command_refuses_what_makes_no_pairs(tmp_path: Path, more: list[str], words: str) -> None:
    done = CliRunner().invoke(command, ["--input", table(tmp_path, "a.csv", *ANOLYTES), *more])
    assert done.exit_code == 2
    assert words in done.output
