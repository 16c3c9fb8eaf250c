"""Coatings by every entrance: the funnel, both sides apart, what is refused and why."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from phase_tables import SMALL, build
from pydantic import ValidationError

from features.formula import parse_formula
from serving.cli import elyte
from serving.coatings.answer import _beside
from serving.coatings.funnel import FunnelStage, precious_elements
from serving.coatings.neighbours import read_neighbours
from serving.coatings.pool import compounds_with_lithium
from serving.coatings.predicted import properties_asked
from serving.coatings.reasons import UNSOLVED, reasons_of
from serving.coatings.reported import reported
from serving.coatings.request import MAX_OWN, CoatingLimits, CoatingsRequest
from serving.coatings.terminal import terminal_lines
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from training.properties import registry
from training.thermodynamics.contacts import Contacts
from training.thermodynamics.mixing import mix
from training.thermodynamics.reactions import read_material

if TYPE_CHECKING:
    from serving.coatings.document import Coating, CoatingsDocument

ASKED = {"electrolyte": "Li6PS5Cl", "cathode": "NMC811", "cutoff_V": 4.3, "top": 200}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The shipped models that are asked."""
    return Predictor.load("shipped", properties_asked())


@pytest.fixture(scope="module")
def answer(predictor: Predictor) -> CoatingsDocument:
    """The review's question."""
    return predictor.coatings(CoatingsRequest(**ASKED))


def ask(predictor: Predictor, **given: Any) -> CoatingsDocument:
    return predictor.coatings(CoatingsRequest(**(ASKED | given)))


def named(coatings: list[Coating]) -> dict[str, Coating]:
    return {one["formula"]: one for one in coatings}


# ---------------------------------------------------------------- the screen


def test_the_funnel_begins_with_all_lithium_compounds_and_never_widens(answer: CoatingsDocument) -> None:
    left = [step["left"] for step in answer["funnel"]]
    assert [step["step"] for step in answer["funnel"]] == [str(step) for step in FunnelStage]
    assert left[0] == 8656
    assert left == sorted(left, reverse=True)
    assert left[-1] == answer["passed"] == len(answer["coatings"]) > 20


def test_what_is_left_fulfils_every_limit(answer: CoatingsDocument) -> None:
    """Checked on the answer itself, not on the arrays it was made of."""
    harmful = {"Cd", "Hg", "Tl", "As", "Be", "Pb", "U", "Th", "Tc", "Pm"} | precious_elements()
    for one in answer["coatings"]:
        assert one["left_at"] is None
        assert one["above_hull_eV_per_atom"] <= 0.025
        assert one["oxidation_V"] >= 4.3
        assert one["reduction_V"] <= 3.0
        assert one["band_gap_eV"] is None or one["band_gap_eV"] >= 1.0
        assert not harmful & parse_formula(one["read_as"]).keys()
        assert [side["state"] for side in one["beside"]] == [None, "discharged", "charged"]
        for side in one["beside"]:
            assert side["reaction_eV_per_atom"] <= side["added_by_contact_eV_per_atom"] + 1e-9 <= 1e-6
            assert side["added_by_contact_eV_per_atom"] >= -0.1 - 1e-6


def test_energies_are_those_of_an_interface(predictor: Predictor, answer: CoatingsDocument) -> None:
    """The screen and the search along the mixing line agree, both energies, all three neighbours."""
    table = predictor.phases()
    formulas = ("Li6PS5Cl", "LiNi0.8Mn0.1Co0.1O2", "Li0.25Ni0.8Mn0.1Co0.1O2")
    sides = [read_material(table, parse_formula(formula)) for formula in formulas]
    for one in answer["coatings"][::12]:
        coating = read_material(table, parse_formula(one["read_as"]))
        for side, shown in zip(sides, one["beside"], strict=True):
            expected = mix(table, side, coating)
            assert shown["reaction_eV_per_atom"] == pytest.approx(expected.energy_eV_per_atom, abs=2e-6)
            assert shown["added_by_contact_eV_per_atom"] == pytest.approx(expected.mutual_energy_eV_per_atom, abs=2e-6)


def test_nobody_beats_those_on_the_front(answer: CoatingsDocument) -> None:
    def values(one: Coating) -> np.ndarray:
        added = [side["added_by_contact_eV_per_atom"] for side in one["beside"]]
        sigma = one["ion_conduction_log10_S_per_cm"]
        assert sigma is not None
        return np.array([*np.round(added, 3), round(sigma["lower"], 1) if one["ion_conduction_in_domain"] else -20.0])

    all_values = np.array([values(one) for one in answer["coatings"]])
    for one, own in zip(answer["coatings"], all_values, strict=True):
        beaten = ((all_values >= own).all(axis=1) & (all_values > own).any(axis=1)).any()
        assert one["on_front"] is not bool(beaten)


def test_proposals_of_published_screens_are_found_and_reports_have_their_doi(answer: CoatingsDocument) -> None:
    """LiH2PO4 and LiTi2(PO4)3 of Xiao et al.; LiNbO3 leaves at its limit of oxidation, and the answer says so."""
    left = named(answer["coatings"])
    for formula in ("LiH2PO4", "LiTi2P3O12"):
        assert left[formula]["reported"][0] == {"kind": "computed", "doi": "10.1016/j.joule.2019.02.006"}
    niobate = named(answer["asked"])["LiNbO3"]
    assert niobate["left_at"] == "holds_at_the_electrode"
    assert niobate["reasons"][0] == "left: oxidised at 3.76 V, below the cutoff of 4.3 V"
    told = {*left, *named(answer["asked"])}
    assert len(reported()) == len([f for f in reported() if any(parse_formula(t) == parse_formula(f) for t in told)])


def test_wider_limits_keep_all_that_narrower_ones_kept(predictor: Predictor, answer: CoatingsDocument) -> None:
    wider = CoatingLimits(most_above_hull_eV_per_atom=0.05, least_band_gap_eV=0.5, most_added_eV_per_atom=0.15)
    assert named(answer["coatings"]).keys() <= named(ask(predictor, limits=wider)["coatings"]).keys()
    lower = ask(predictor, cutoff_V=4.0)
    assert named(answer["coatings"]).keys() <= named(lower["coatings"]).keys()


def test_an_element_can_be_allowed(predictor: Predictor) -> None:
    found = ask(predictor, limits={"allow": ["Sc"]})
    assert any("Sc" in one["formula"] for one in found["coatings"])


def test_lithium_has_layers_instead_of_a_cathode(predictor: Predictor) -> None:
    found = ask(predictor, side="lithium", cathode=None, cutoff_V=None)
    assert "protective" in found["says"]
    left = named(found["coatings"])
    assert {"LiF", "LiCl", "Li2S"} <= left.keys()
    assert "LiS4" not in left, "an artefact of the table is no coating"
    assert {one["layer_at_lithium"] for one in found["coatings"]} == {"stable", "protective"}
    assert "added_cathode_eV_per_atom" not in left["LiF"]
    assert found["funnel"][-1]["step"] == "beside_the_electrolyte"


def test_own_candidates_are_judged_whether_the_table_holds_them_or_not(predictor: Predictor) -> None:
    own = ["LiTa2PO8", "LiF", "Li1.3Al0.3Ti1.7(PO4)3", "NaCl", "nonsense"]
    found = ask(predictor, candidates=own)
    shown = named(found["asked"])
    assert shown["LiF"]["own"]
    assert shown["LiF"]["left_at"] is None
    assert shown["Li1.3Al0.3Ti1.7(PO4)3"]["energy_basis"] == "model"
    assert [one["code"] for one in found["failed"]] == ["not_lithium", "unparseable_formula"]
    assert found["funnel"][0]["left"] >= 8656 + 1
    assert sum(one["formula"] == "LiF" for one in found["coatings"]) == 1, "once, though the table holds it as well"


def test_the_windows_of_the_table_are_computed_once(predictor: Predictor) -> None:
    table = predictor.phases()
    assert compounds_with_lithium(table) is compounds_with_lithium(table)
    fresh = replace(table)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(compounds_with_lithium, [fresh, fresh])
    assert first is second, "who asks meanwhile waits"


def test_what_is_kept_goes_with_its_table() -> None:
    table = build(SMALL)
    kept = weakref.ref(compounds_with_lithium(table).windowed[0])
    seen = weakref.ref(table)
    del table
    gc.collect()
    assert seen() is None
    assert kept() is None


def test_warming_compiles_all_that_the_screen_runs() -> None:
    """In a process of its own, in which nothing was compiled before."""
    code = """
from phase_tables import SMALL, build
from serving.coatings.neighbours import read_neighbours
from serving.coatings.pool import compounds_with_lithium
from serving.coatings.warming import warm_screen
from training.thermodynamics import contacts, phases, window
from training.thermodynamics.reactions import read_material
table = build(SMALL)
loops = contacts._fill, phases._rows_of_compositions
warm_screen(table)
compiled = [list(loop.signatures) for loop in loops]
assert all(compiled), compiled
pool = compounds_with_lithium(table)
one = read_material(table, {"Li": 3.0, "P": 1.0, "S": 4.0})
mixture = pool.windowed.mixture_eV_per_atom
contacts.contacts(table, one, pool.atomic_number, pool.fraction, pool.energy_eV_per_atom, mixture)
pool.is_artefact(table)
assert compiled == [list(loop.signatures) for loop in loops]
"""
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_without_a_model_of_gaps_the_screen_still_answers(predictor: Predictor) -> None:
    alone = Predictor({name: model for name, model in predictor._models.items() if name == registry.of_phases().name})
    own = "LiTi1.9Zr0.1(PO4)3"
    one = named(ask(alone, candidates=[own])["asked"])[own]
    assert one["band_gap_eV"] is None
    assert one["left_at"] != str(FunnelStage.GAP)
    assert any("not known" in reason for reason in one["reasons"])
    predicted = named(ask(predictor, candidates=[own])["asked"])[own]
    assert predicted["band_gap_basis"] == "model"


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"cathode": "NMC999"}, "unknown_name", "NMC811"),
        ({"cathode": "cathodes"}, "unknown_name", "LCO"),
        ({"cutoff_V": 2.0}, "invalid_condition", "charged above 3 V"),
        ({"cathode": "LiMnPO4", "cutoff_V": None}, "invalid_condition", "such as 4.3"),
        ({"electrolyte": "Na3PS4"}, "no_window", "holds no lithium"),
        ({"electrolyte": "Li0.33La0.56TiO3"}, "no_window", "both limits coincide"),
        ({"electrolyte": "PEO"}, "name_not_formula", "name"),
        ({"electrolyte": "Li6PS5"}, "no_window", "both limits coincide"),
    ],
)
def test_a_side_that_cannot_be_judged_says_what_was_expected(
    predictor: Predictor, given: dict[str, Any], code: str, words: str
) -> None:
    found = ask(predictor, **given)
    assert found["status"] == "error"
    assert found["error"]["code"] == code
    assert words in found["error"]["message"]
    assert code in terminal_lines(found)[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cathode": None}, "expected a name such as NMC811"),
        ({"side": "lithium"}, "neither cathode nor cutoff_V"),
        ({"cutoff_V": -1.0}, "greater than 0"),
        ({"limits": {"allow": ["Xx"]}}, "no element"),
        ({"limits": {"least_band_gap_eV": "1"}}, "valid number"),
        ({"limits": {"most_added_eV_per_atom": True}}, "valid number"),
        ({"top": True}, "valid integer"),
        ({"top": "5"}, "valid integer"),
        ({"cutoff_V": "4.3"}, "valid number"),
        ({"candidates": ["LiF"] * (MAX_OWN + 1)}, "at most 200"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_a_contradicting_call_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CoatingsRequest(**(ASKED | given))


def test_a_cathode_by_formula_is_the_one_of_that_name(predictor: Predictor, answer: CoatingsDocument) -> None:
    same = ask(predictor, cathode="LiNi0.8Mn0.1Co0.1O2")
    assert named(same["coatings"]).keys() == named(answer["coatings"]).keys()
    other = ask(predictor, cathode="LiMnPO4")
    assert any("charged state" in text for text in other["assumed"])


# ---------------------------------------------------------------- entrances


def test_rest_gives_the_same_document(predictor: Predictor, answer: CoatingsDocument) -> None:
    async def send(body: object) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(predictor))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/coatings", json=body)

    response = asyncio.run(send(ASKED))
    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(answer))
    for body, words in (
        (
            {"electrolyte": "Li6PS5Cl"},
            "cathode: expected a name such as NMC811 or a formula; for lithium say side lithium",
        ),
        ({**ASKED, "limits": {"allow": ["Xx"]}}, "limits.allow: 'Xx' is no element"),
        ({**ASKED, "candidates": ["LiF"] * 201}, "candidates: expected at most 200 items, received an array of 201"),
    ):
        refused = asyncio.run(send(body))
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == words


def test_the_command_prints_the_funnel_and_reads_a_table(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("formula\nLiTa2PO8\nLiH2PO4\nnonsense\n")
    line = ["coatings", "--electrolyte", "LPSCl", "--cathode", "NMC811", "--cutoff", "4.3", "--input", str(own)]
    done = CliRunner().invoke(elyte, line)
    assert done.exit_code == 1, "a row of the table cannot be judged"
    assert "8,65" in done.output
    assert "a coating is needed" in done.output
    assert "nonsense  error" in done.output
    as_json = CliRunner().invoke(elyte, [*line[:-2], "--json", "--top", "3"])
    assert as_json.exit_code == 0
    assert len(json.loads(as_json.stdout)["coatings"]) == 3


def test_a_row_without_a_formula_is_said_and_not_dropped(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("formula,polymer,salt\nLiF,,\n,PEO,LiTFSI\n")
    line = ["coatings", "--electrolyte", "LPSCl", "--side", "lithium", "--input", str(own), "--top", "1"]
    done = CliRunner().invoke(elyte, line)
    assert done.exit_code == 1
    assert "row 2: " in done.output


def test_what_is_oxidised_at_lithium_already_says_so(predictor: Predictor) -> None:
    found = ask(predictor, side="lithium", cathode=None, cutoff_V=None, candidates=["Li3N"])
    one = named(found["asked"])["Li3N"]
    assert one["left_at"] == "holds_at_the_electrode"
    assert "where the electrolyte begins to be reduced" in one["reasons"][0]


def test_an_artefact_of_the_table_says_so(predictor: Predictor) -> None:
    one = named(ask(predictor, candidates=["LiS4"])["asked"])["LiS4"]
    assert one["reasons"][0] == "left: LiS4 is an artefact of the table, its energy is too low"


def test_where_the_solver_finds_nothing_there_is_no_verdict(predictor: Predictor) -> None:
    """A bound that no pair of the table reaches: the numbers are those that `contacts` returns there."""
    table, request = predictor.phases(), CoatingsRequest(**ASKED)
    pool, sides = compounds_with_lithium(table), read_neighbours(table, request)
    nothing = np.full(1, np.nan)
    found = Contacts(nothing, nothing, nothing, np.full((1, 9), -1), np.zeros((1, 9)))
    shown = _beside(table, pool, 0, sides.electrolyte, found, 0)
    assert (shown["reaction_eV_per_atom"], shown["reaction"], shown["interphase"]) == (None, None, None)
    assert shown["interphase_why"] == UNSOLVED
    coating = ask(predictor, top=1)["coatings"][0] | {"beside": [shown]}
    reasons = reasons_of(coating, sides, request, FunnelStage.ELECTROLYTE)
    assert reasons[0] == f"left: {UNSOLVED}"


def test_the_command_refuses_what_contradicts_itself() -> None:
    done = CliRunner().invoke(elyte, ["coatings", "--electrolyte", "Li6PS5Cl", "--side", "lithium", "--cathode", "LCO"])
    assert done.exit_code == 2
    assert "neither cathode nor cutoff_V" in done.output
