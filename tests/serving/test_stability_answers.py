"""Stability as users get it: JSON, flat rows, a terminal; null with a reason, errors in their place."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stability_world import fitted, make_card, world

from features.errors import RowErrorCode, WarningCode
from features.formula import parse_formula
from serving.answers.output_tables import FLAT_COLUMNS, MOST_EXPLAINED, flat_row, terminal_lines, write_results
from serving.answers.request import PredictRequest
from serving.predictor import Predictor
from training.bundle import save_bundle

ENERGIES = ("formation_energy_eV_per_atom", "decomposition_energy_eV_per_atom", "energy_above_hull_eV_per_atom")
LIMITS = ("reduction_V", "oxidation_V")
PRODUCTS = ("decomposition_products", "reduction_products", "oxidation_products", "competing_phases")
KNOWN, UNKNOWN = "Li3AlS3", "Li3YBr6"


@pytest.fixture(scope="module")
def folder(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return bundles of conductivity and of the made-up world's stability."""
    place = tmp_path_factory.mktemp("both") / "bundles"
    shutil.copytree(bundles, place)
    save_bundle(place / "stability", make_card(fitted().model), fitted().model.to_arrays())
    return place


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    return Predictor.load(str(folder))


def ask(predictor: Predictor, *formulas: str, **more: Any) -> list[dict[str, Any]]:
    candidates = [{"formula": formula} for formula in formulas]
    request = PredictRequest.model_validate({"candidates": candidates} | more)
    rows: list[dict[str, Any]] = predictor.predict(request)["results"]
    return rows


def codes(row: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in row["warnings"]}


def total(parts: list[dict[str, Any]]) -> dict[str, float]:
    """Sum the atoms of formulas times their amounts."""
    out: dict[str, float] = {}
    for part in parts:
        for symbol, count in parse_formula(part["formula"]).items():
            out[symbol] = out.get(symbol, 0.0) + count * part["amount"]
    return out


def assert_balanced(parts: list[dict[str, Any]], formula: str, *, lithium_leaves: bool = False) -> None:
    """Check that products hold what the formula holds, up to the rounding of amounts and a common factor."""
    there, given = total(parts), parse_formula(formula)
    if lithium_leaves:
        there.pop("Li", None)
        given.pop("Li")
    assert set(there) == set(given)
    factors = [there[symbol] / given[symbol] for symbol in given]
    assert factors == pytest.approx([factors[0]] * len(factors), rel=2e-3)


# ---------------------------------------------------------------- the document


@pytest.mark.parametrize("formula", [KNOWN, UNKNOWN])
def test_an_answer_has_every_part_of_the_design(predictor: Predictor, formula: str) -> None:
    document = predictor.predict_formulas([formula])
    assert set(document["models"]) == {"conductivity", "stability"}
    (row,) = document["results"]
    block = row["stability"]
    for name in (*ENERGIES, *LIMITS):
        interval = block[name]
        assert set(interval) == {"value", "lower", "upper", "coverage"}
        assert interval["lower"] <= interval["value"] <= interval["upper"]
        assert interval["coverage"] == 0.9
    assert 0 <= block["probability_stable"] <= 1
    assert "window_reason" not in block
    for name in PRODUCTS:
        assert all(set(part) == {"formula", "amount"} for part in block[name])
    json.dumps(document, allow_nan=False)


def test_the_basis_says_whether_a_table_or_a_net_speaks(predictor: Predictor) -> None:
    reference, predicted = (row["stability"] for row in ask(predictor, KNOWN, UNKNOWN))
    assert (reference["basis"], predicted["basis"]) == ("reference", "model")
    table = world()
    place = table.formula.index("Li6Al2S6")
    for name in ENERGIES[:2]:
        assert reference[name]["value"] == pytest.approx(getattr(table, name)[place], abs=5.1e-5)
    for name in ENERGIES:
        assert reference[name]["lower"] == reference[name]["upper"]
    assert predicted["formation_energy_eV_per_atom"]["lower"] < predicted["formation_energy_eV_per_atom"]["upper"]


def test_the_nearest_known_compounds_are_named(predictor: Predictor) -> None:
    known, unknown = (row["applicability"]["stability"] for row in ask(predictor, KNOWN, "Li0.2Pu3Au5B9N2"))
    for domain in (known, unknown):
        assert 1 <= len(domain["nearest"]) <= 3
        for near in domain["nearest"]:
            assert set(near) == {"formula", "value", "energy_above_hull_eV_per_atom", "doi", "distance"}
            assert near["doi"] == "10.1038/s41524-020-00362-y"
        distances = [near["distance"] for near in domain["nearest"]]
        assert distances == sorted(distances)
    assert known["in_domain"] is True
    assert parse_formula(known["nearest"][0]["formula"]) == parse_formula(KNOWN)
    assert unknown["in_domain"] is False


def test_products_are_balanced_with_the_formula(predictor: Predictor) -> None:
    formulas = [KNOWN, UNKNOWN, "Li6La1S5Cl1", "Li1.3Al0.3Ti1.7P3O12", "Li7La3Zr2O12", "Li2NaAlO3SCl", "Li10GeP2S12"]
    formulas += [formula for formula in world().formula[::40] if "Li" in parse_formula(formula)]
    seen = 0
    for row in ask(predictor, *formulas):
        block = row["stability"]
        assert (block["energy_above_hull_eV_per_atom"]["value"] > 0) == bool(block["decomposition_products"])
        assert (block["decomposition"] is None) == (not block["decomposition_products"])
        for name in ("decomposition_products", "competing_phases"):
            if block[name]:
                assert_balanced(block[name], row["formula"])
                seen += 1
        for name in ("reduction_products", "oxidation_products"):
            if block.get(name):
                assert_balanced(block[name], row["formula"], lithium_leaves=True)
                seen += 1
    assert seen > 20


def test_reactions_are_written_with_their_products(predictor: Predictor) -> None:
    (row,) = ask(predictor, "Li7La3Zr2O12")
    block = row["stability"]
    assert block["oxidation_reaction"].startswith("Li7La3Zr2O12")
    for part in block["oxidation_products"]:
        assert part["formula"] in block["oxidation_reaction"]
    assert "Li" in block["oxidation_reaction"].split("->")[1]  # lithium leaves


# ---------------------------------------------------------------- null with a reason


@pytest.mark.parametrize(
    ("formula", "words"),
    [("BaTiO3", "no lithium"), ("Li3YBr9", "balance the formula"), ("Li", "element alone"), ("NaCl", "no lithium")],
)
def test_a_window_that_means_nothing_is_null_with_a_reason(predictor: Predictor, formula: str, words: str) -> None:
    odd, usual = ask(predictor, formula, KNOWN)
    block = odd["stability"]
    assert block["reduction_V"] is block["oxidation_V"] is None
    assert words in block["window_reason"]
    assert "reduction_reaction" not in block
    assert block["energy_above_hull_eV_per_atom"]["value"] >= 0  # the hull still answers
    assert usual["stability"]["reduction_V"] is not None


def test_what_cannot_be_balanced_is_warned_of(predictor: Predictor) -> None:
    odd, usual = ask(predictor, "Li3YBr9", KNOWN, properties=["stability"])
    assert WarningCode.NOT_CHARGE_BALANCED in codes(odd)
    assert WarningCode.NOT_CHARGE_BALANCED not in codes(usual)


def test_a_warning_of_both_properties_is_given_once(predictor: Predictor) -> None:
    (row,) = ask(predictor, "Li3YBr9")
    assert len([w for w in row["warnings"] if w["code"] == WarningCode.NOT_CHARGE_BALANCED]) == 1


def test_an_unfamiliar_compound_is_warned_of(predictor: Predictor) -> None:
    far, known = ask(predictor, "Li0.2Pu3Au5B9N2", KNOWN, properties=["stability"])
    assert WarningCode.OUT_OF_DOMAIN in codes(far)
    assert codes(known) == set()


def test_coverage_changes_the_width_of_predictions_only(predictor: Predictor) -> None:
    narrow, wide = (ask(predictor, KNOWN, UNKNOWN, coverage=c, properties=["stability"]) for c in (0.5, 0.95))
    for a, b in zip(narrow, wide, strict=True):
        one, other = (row["stability"]["formation_energy_eV_per_atom"] for row in (a, b))
        assert one["value"] == other["value"]
        assert (one["coverage"], other["coverage"]) == (0.5, 0.95)
        widths = [interval["upper"] - interval["lower"] for interval in (one, other)]
        assert widths[0] < widths[1] or widths == [0.0, 0.0]
    assert wide[0]["stability"]["formation_energy_eV_per_atom"]["upper"] == pytest.approx(
        wide[0]["stability"]["formation_energy_eV_per_atom"]["value"]
    )


# ---------------------------------------------------------------- rows that fail


def test_an_element_without_energies_is_an_error_that_harms_no_neighbour(predictor: Predictor) -> None:
    formulas = [KNOWN, "XeF2", UNKNOWN, "Li2PoO3", "?", "NaCl"]
    rows = ask(predictor, *formulas)
    assert [row["index"] for row in rows] == list(range(6))
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "error", "error", "ok"]
    for place, symbol in ((1, "Xe"), (3, "Po")):
        error = rows[place]["error"]
        assert error["code"] == RowErrorCode.ELEMENT_WITHOUT_ENERGIES
        assert f"no compound of {symbol}" in error["message"]
        assert error["index"] == place
    good = [rows[i] for i in (0, 2, 5)]
    for row, alone in zip(good, ask(predictor, KNOWN, UNKNOWN, "NaCl"), strict=True):
        assert row["formula"] == alone["formula"]
        assert row["conductivity"] == alone["conductivity"]
        mine, theirs = (each["stability"]["formation_energy_eV_per_atom"]["value"] for each in (row, alone))
        assert mine == pytest.approx(theirs, abs=1e-4)


def test_nothing_but_uncovered_elements_is_answered_too(predictor: Predictor) -> None:
    rows = ask(predictor, "XeF2", "KrF2")
    assert [row["error"]["code"] for row in rows] == [RowErrorCode.ELEMENT_WITHOUT_ENERGIES] * 2


def test_conductivity_alone_leaves_stability_out(predictor: Predictor) -> None:
    rows = ask(predictor, KNOWN, "Li2PoO3", properties=["conductivity"])
    for row in rows:
        assert row["status"] == "ok"  # a property that was not asked for fails no row
        assert "stability" not in row
        assert set(row["applicability"]) == {"conductivity"}
    (alone,) = ask(predictor, KNOWN, properties=["stability"])
    assert "conductivity" not in alone
    assert set(alone["applicability"]) == {"stability"}


def test_conditions_do_not_change_energies(predictor: Predictor) -> None:
    cold, hot = (
        ask(predictor, UNKNOWN, conditions={"temperature_C": celsius}, properties=["stability"])[0]
        for celsius in (25.0, 300.0)
    )
    assert cold["stability"] == hot["stability"]


# ---------------------------------------------------------------- flat rows and the terminal


def test_a_flat_row_has_the_columns_and_the_values_of_the_answer(predictor: Predictor) -> None:
    (row,) = ask(predictor, UNKNOWN)
    flat, block = flat_row(row), row["stability"]
    assert set(flat) == set(FLAT_COLUMNS)
    assert flat["energy_above_hull_eV_per_atom"] == block["energy_above_hull_eV_per_atom"]["value"]
    assert flat["formation_energy_lower_eV_per_atom"] == block["formation_energy_eV_per_atom"]["lower"]
    assert flat["reduction_V"] == block["reduction_V"]["value"]
    assert flat["oxidation_upper_V"] == block["oxidation_V"]["upper"]
    assert flat["probability_stable"] == block["probability_stable"]
    assert flat["stability_basis"] == "model"
    parts = flat["oxidation_products"].split(" + ")
    assert [part.split(" ")[1] for part in parts] == [part["formula"] for part in block["oxidation_products"]]


def test_cells_of_a_missing_window_or_answer_are_empty(predictor: Predictor, tmp_path: Path) -> None:
    results = ask(predictor, "NaCl", "XeF2", KNOWN)
    write_results(results, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as handle:
        salt, xenon, known = csv.DictReader(handle)
    assert salt["reduction_V"] == salt["oxidation_upper_V"] == ""
    assert float(salt["energy_above_hull_eV_per_atom"]) >= 0
    assert xenon["error_code"] == "element_without_energies"
    assert xenon["formation_energy_eV_per_atom"] == ""
    assert float(known["oxidation_V"]) >= float(known["reduction_V"])


def test_the_terminal_tells_the_story_of_each_material(predictor: Predictor) -> None:
    results = ask(predictor, KNOWN, UNKNOWN, "NaCl", "XeF2")
    text = "\n".join(terminal_lines(results))
    assert "DFT table" in text
    assert "predicted" in text
    assert "no lithium: a window" in text
    assert "element_without_energies" in text
    for row in results[:2]:
        block = row["stability"]
        assert f"{block['reduction_V']['value']:.2f} .. {block['oxidation_V']['value']:.2f}" in text
        for name in ("decomposition", "reduction_reaction", "oxidation_reaction"):
            assert block[name] is None or block[name] in text


def test_a_long_list_gets_a_table_without_stories(predictor: Predictor) -> None:
    formulas = [f"Li3YBr{6 + x / 100:.2f}" for x in range(MOST_EXPLAINED + 1)]
    lines = terminal_lines(ask(predictor, *formulas, properties=["stability"]))
    assert not [line for line in lines if "falls apart" in line or "V:" in line]
    assert len([line for line in lines if "predicted" in line]) == len(formulas)


# ---------------------------------------------------------------- the shipped model


def test_the_shipped_model_knows_what_the_field_knows() -> None:
    """Sulfides are reduced by lithium metal to Li2S, garnets hardly; chlorides last beyond 4 V."""
    shipped = Predictor.load("shipped")
    sulfide, argyrodite, garnet, chloride = ask(
        shipped, "Li3PS4", "Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", properties=["stability"]
    )
    block = sulfide["stability"]
    assert block["basis"] == "reference"
    assert block["formation_energy_eV_per_atom"]["value"] == pytest.approx(-1.266, abs=2e-3)
    assert {part["formula"] for part in block["reduction_products"]} >= {"Li2S"}
    assert 1.5 < block["reduction_V"]["value"] < 1.9
    assert 2.2 < block["oxidation_V"]["value"] < 2.6
    assert {part["formula"] for part in argyrodite["stability"]["competing_phases"]} >= {"Li2S", "LiCl"}
    assert garnet["stability"]["reduction_V"]["value"] < 0.15
    assert garnet["stability"]["oxidation_V"]["value"] > 2.5
    assert chloride["stability"]["basis"] == "model"
    assert chloride["stability"]["oxidation_V"]["value"] > 4.0
    assert chloride["stability"]["energy_above_hull_eV_per_atom"]["value"] < 0.06
    for row in (argyrodite, garnet, chloride):
        for name in ("decomposition_products", "competing_phases"):
            if row["stability"][name]:
                assert_balanced(row["stability"][name], row["formula"])


def test_mixing_is_said_beside_the_energies_at_0_K_and_never_in_them(predictor: Predictor) -> None:
    plain, hot = (
        ask(predictor, "Li6.5La3Zr1.5Ta0.5O12", properties=["stability"], conditions=conditions)[0]["stability"]
        for conditions in ({}, {"synthesis_temperature_C": 1100})
    )
    gain = hot.pop("solid_solution")
    assert plain == hot
    assert gain["share_sites_smallest"] == [["Zr", "Ta"]]
    taken = 8.617e-5 * 1373.15 * gain["smallest_entropy_k_per_atom"]
    energy = plain["decomposition_energy_eV_per_atom"]["value"]
    assert gain["with_smallest_entropy_eV_per_atom"] == pytest.approx(energy - taken, abs=2e-4)
    assert 0.004 < taken < 0.007
    assert "competing phases" in gain["assumes"]


def test_a_row_states_its_own_temperature_and_flat_tables_have_both_readings(predictor: Predictor) -> None:
    rows = predictor.predict(
        PredictRequest.model_validate(
            {
                "candidates": [
                    {"formula": "Li5.5PS4.5Cl1.5", "conditions": {"synthesis_temperature_C": 550}},
                    {"formula": "Li5.5PS4.5Cl1.5"},
                ],
                "properties": ["stability"],
            }
        )
    )["results"]
    hot, cold = (flat_row(row) for row in rows)
    name = "free_energy_above_hull_eV_per_atom"
    assert hot[name] > hot["free_energy_above_hull_with_largest_entropy_eV_per_atom"]
    assert cold[name] is None
    assert "solid_solution" not in rows[1]["stability"]


def test_another_word_for_the_nets_is_refused(predictor: Predictor) -> None:
    (row,) = ask(predictor, KNOWN, properties=["stability"], conditions={"nets": "crowd"})
    assert row["error"]["code"] == RowErrorCode.INVALID_CONDITION
    assert "student, pool" in row["error"]["message"]


def test_an_energy_that_the_table_has_wrong_is_said_and_replaced_where_asked(predictor: Predictor) -> None:
    said = {
        word: ask(predictor, "Li6PS5Cl", properties=["stability"], conditions={"energies": word} if word else {})[0]
        for word in ("", "table", "corrected")
    }
    plain, corrected = said[""]["stability"], said["corrected"]["stability"]
    assert plain == said["table"]["stability"]
    assert "energies=corrected answers" in plain["energy_note"]
    assert corrected["energy_note"].startswith("corrected from ")
    for block in (plain, corrected):
        assert "SevenNet-0" in block["energy_note"]
        assert "`elyte relax Li6PS5Cl.cif --above-hull`" in block["energy_note"]
    assert corrected["formation_energy_eV_per_atom"]["value"] == pytest.approx(-1.429)
    for name in (*LIMITS, "competing_phases", "reduction_reaction", "oxidation_reaction"):
        assert plain[name] == corrected[name]


def test_another_word_for_the_energies_is_refused(predictor: Predictor) -> None:
    (row,) = ask(predictor, KNOWN, properties=["stability"], conditions={"energies": "best"})
    assert row["error"]["code"] == RowErrorCode.INVALID_CONDITION
    assert "table, corrected" in row["error"]["message"]


def test_the_shipped_argyrodite_is_half_as_far_above_the_hull_where_corrected() -> None:
    shipped = Predictor.load("shipped", ["stability"])
    plain, corrected = (
        ask(shipped, "Li6PS5Cl", properties=["stability"], conditions=conditions)[0]["stability"]
        for conditions in ({}, {"energies": "corrected"})
    )
    assert plain["energy_above_hull_eV_per_atom"]["value"] == pytest.approx(0.083, abs=1e-3)
    assert corrected["energy_above_hull_eV_per_atom"]["value"] == pytest.approx(0.038, abs=1e-3)
    assert plain["reduction_V"]["value"] == corrected["reduction_V"]["value"] == pytest.approx(1.7207, abs=2e-3)
    assert plain["oxidation_V"]["value"] == corrected["oxidation_V"]["value"] == pytest.approx(2.1385, abs=2e-3)
