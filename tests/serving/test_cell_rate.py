"""The rate of a cell as users get it: intervals, what limits, refusals, by Python, command line and REST."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serving.cells.design import ASSUMED, CELL, CellConditions
from serving.cells.losses import LOSSES, SALT, losses_V
from serving.cells.rates import rates_of
from serving.cells.request import RateRequest
from serving.cells.terminal import WORDS, terminal_lines
from serving.commands.rate import rate as command
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from training.properties import registry
from training.properties.contract import CellRole

ANOLYTE, CATHOLYTE = "Li5.5PS4.5Cl1.5", "Li3InCl6"


def ask(predictor: Predictor, anolyte: object = ANOLYTE, catholyte: object = CATHOLYTE, **conditions: object) -> Any:
    """Return the answer for a cell."""
    sent = {"anolyte": anolyte, "catholyte": catholyte, "conditions": conditions}
    return predictor.rate(RateRequest.model_validate(sent))


def test_the_review_question_is_answered(predictor: Predictor) -> None:
    """4C at 25 C and 5 mAh/cm2."""
    document = ask(predictor, c_rate=4, areal_capacity_mAh_cm2=5, temperature_C=25)
    reached = document["c_rate_reached"]
    assert reached["lower"] < reached["value"] < reached["upper"]
    assert document["current_density_mA_per_cm2"] == 20.0
    assert document["limited_by"] in {"critical_current", *LOSSES}
    assert sum(document["limited_by_shares"].values()) == pytest.approx(1.0, abs=1e-3)
    assert tuple(document["losses_mV"]) == LOSSES
    assert document["total_loss_mV"] == pytest.approx(sum(document["losses_mV"].values()), rel=1e-3)
    assert document["conductivity_needed_S_per_cm"] > 0.0
    assert document["models"].keys() >= {registry.of_role(CellRole.ION_CONDUCTION, "inorganic")[0]}  # type: ignore[index]
    json.dumps(document, allow_nan=False)


def test_the_conductivity_needed_is_enough(predictor: Predictor) -> None:
    needed = ask(predictor, c_rate=2)["conductivity_needed_S_per_cm"]
    stated = {f"{layer}_sigma_S_per_cm": needed * 1.001 for layer in ("anolyte", "catholyte")}
    document = ask(predictor, c_rate=2, **stated)
    assert document["c_rate_by_losses"]["value"] == pytest.approx(2.0, rel=1e-2)
    assert document["total_loss_mV"] <= document["loss_allowed_mV"]
    assert document["anolyte"]["sigma_from"] == "caller"
    assert document["sources"]["anolyte_sigma_S_per_cm"] == "caller"


def test_a_measured_critical_current_wins(predictor: Predictor) -> None:
    slow = ask(predictor, critical_current_mA_per_cm2=0.05)
    assert slow["c_rate_reached"]["value"] == pytest.approx(0.01, rel=1e-3)
    assert slow["limited_by"] == "critical_current"
    fast = ask(predictor, critical_current_mA_per_cm2=1000.0)
    assert fast["limited_by"] in LOSSES
    assert fast["c_rate_reached"] == fast["c_rate_by_losses"]


def test_materials_share_their_errors(predictor: Predictor) -> None:
    """One material on both sides: its conductivity is the same in every sample, so intervals do not average out."""
    same = ask(predictor, CATHOLYTE, CATHOLYTE)
    assert same["anolyte"]["sigma_S_per_cm"] == same["catholyte"]["sigma_S_per_cm"]


def test_the_same_question_has_the_same_answer(predictor: Predictor) -> None:
    assert ask(predictor) == ask(predictor)


def test_names_of_the_field_are_electrolytes(predictor: Predictor) -> None:
    document = ask(predictor, "LLZO")
    assert document["anolyte"]["read_as"] == "Li7La3Zr2O12"
    assert "name_taken" in {one["code"] for one in document["anolyte"]["warnings"]}


def test_a_polymer_runs_out_of_salt(predictor: Predictor) -> None:
    pytest.importorskip("rdkit")
    document = ask(predictor, "PEO20-LiTFSI", "PEO20-LiTFSI", temperature_C=70, areal_capacity_mAh_cm2=1, c_rate=1000)
    number = document["anolyte"]["transference_number"]
    assert 0.2 <= number["lower"] < number["upper"] <= 0.5
    assert document["losses_mV"]["salt_polarisation"] is None
    assert document["total_loss_mV"] is None
    assert document["salt"]["sand_time_min"]["value"] > 0.0
    assert document["critical_current_mA_per_cm2"] is None
    assert any("salt runs out" in note for note in document["notes"])
    assert any("limits nothing here" in note for note in document["notes"])
    assert any("salt runs out" in line for line in terminal_lines(document))


def test_the_cell_warns_of_nothing_that_only_it_needs(predictor: Predictor) -> None:
    warnings = ask(predictor, areal_capacity_mAh_cm2=3, thickness_um=50, interlayer_type="carbon")["anolyte"][
        "warnings"
    ]
    assert warnings == []
    assert ask(predictor, stack_pressure_MPa=5)["anolyte"]["warnings"][0]["code"] == "condition_ignored"


def test_a_condition_that_no_rate_depends_on_is_said_to_be_ignored(predictor: Predictor) -> None:
    document = ask(predictor, nets="pool", stack_pressure_MPa=5, temperature_C=60)
    (warning,) = document["warnings"]
    assert warning["code"] == "condition_ignored"
    assert "does not depend on nets" in warning["message"]
    assert any("does not depend on nets" in line for line in terminal_lines(document))
    assert ask(predictor, interlayer_type="carbon", relative_density=0.9)["warnings"] == []
    done = CliRunner().invoke(command, ["--anolyte", ANOLYTE, "--catholyte", CATHOLYTE, "--nets", "pool"])
    assert (done.exit_code, "No such option" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("anolyte", "code", "words"),
    [
        ("UO2", "no_lithium", "expected an electrolyte of lithium cells"),
        ("foo", "unparseable_formula", "known by name are LLZO"),
        ("NMC811", "name_not_formula", "anolyte"),
    ],
)
def test_what_is_no_electrolyte_is_refused_in_words(predictor: Predictor, anolyte: str, code: str, words: str) -> None:
    document = ask(predictor, anolyte)
    assert document["status"] == "error"
    assert document["error"]["code"] == code
    assert words in document["error"]["message"]
    assert terminal_lines(document) == [f"error {code}: {document['error']['message']}"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"thickness_um": 0},
        {"porosity": 1},
        {"areal_capacity_mAh_cm2": -5},
        {"active_fraction": 0.8, "porosity": 0.2},
        {"c_rate": 0},
        {"c_rate": 1e-200},
        {"active_density_g_per_cm3": 1e-320},
        {"particle_diffusivity_cm2_per_s": 1e-30},
        {"temperature_C": -273},
        {"temperature_C": 298},
        {"active_fraction": 0.99, "porosity": 0.0099999999999},
        {"loss_allowed_mV": 0},
        {"transference_number": 1.5},
        {"c_rate": float("nan")},
        {"colour": 1},
    ],
)
def test_cells_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        CellConditions(**wrong)


def test_null_is_not_stated() -> None:
    assert CellConditions(temperature_C=None, c_rate=None) == CellConditions()
    assert CellConditions(temperature_C=None).model_fields_set == set()
    with pytest.raises(ValidationError):
        CellConditions(colour=None)


def test_every_number_of_a_cell_has_a_source_and_a_default_in_its_range() -> None:
    for name, one in CELL.items():
        assert one.source.startswith("10.") or one.source in (ASSUMED, "model"), name
        if one.default is not None:
            assert one.at_least <= one.default <= one.at_most, name
    assert set(WORDS) == {"critical_current", *LOSSES}


ENDS = st.fixed_dictionaries({name: st.sampled_from([one.at_least, one.at_most]) for name, one in CELL.items()})


@given(ends=ENDS, catholyte=st.sampled_from([0.009, 0.001001]))
@settings(max_examples=100, deadline=None)
def test_every_cell_that_is_allowed_has_finite_numbers(ends: dict[str, float], catholyte: float) -> None:
    """At the ends of all ranges; salt alone may run out."""
    room = {"porosity": min(ends["porosity"], 1.0 - catholyte - ends["active_fraction"])}
    design, not_told = CellConditions(**(ends | room)), np.full(1, np.nan)
    rates = rates_of(design, (not_told, not_told), (not_told, not_told), not_told)
    with np.errstate(over="raise", invalid="raise"):
        losses = losses_V(rates.cells, np.asarray(design.c_rate))
        assert all(np.isfinite(loss).all() for name, loss in losses.items() if name != SALT)
        assert not np.isnan(losses[SALT]).any()
        assert np.isfinite(rates.by_losses).all()
        assert (rates.reached > 0.0).all()


def test_only_salt_runs_out(predictor: Predictor) -> None:
    document = ask(predictor)
    endless = document | {"losses_mV": document["losses_mV"] | {"separator": None}}
    assert not any("salt runs out" in line for line in terminal_lines(endless))
    assert any(line.split()[:3] == ["separator", "without", "end"] for line in terminal_lines(endless))


def test_a_cell_is_as_thick_as_its_capacity_needs() -> None:
    one = CellConditions(areal_capacity_mAh_cm2=4.75, active_fraction=0.5)
    assert one.cathode_um == pytest.approx(100.0)
    assert one.electrolyte_fraction == pytest.approx(0.4)
    assert one.ion_factor == pytest.approx(0.4**1.5)
    assert CellConditions(tortuosity_factor=4.0).ion_factor == pytest.approx(0.35 / 4.0)


def test_the_command_prints_the_document_of_rest(predictor: Predictor) -> None:
    stated = [
        "--anolyte",
        ANOLYTE,
        "--catholyte",
        CATHOLYTE,
        "--c-rate",
        "4",
        "--capacity",
        "5",
        "--temperature-c",
        "25",
    ]
    done = CliRunner().invoke(command, [*stated, "--json"])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.output)
    sent = {"anolyte": ANOLYTE, "catholyte": CATHOLYTE}
    sent["conditions"] = {"c_rate": 4, "areal_capacity_mAh_cm2": 5, "temperature_C": 25}  # type: ignore[assignment]

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(predictor))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/rate", json=sent)

    response = asyncio.run(post())
    assert response.status_code == 200
    answered = response.json()
    assert answered["c_rate_reached"] == printed["c_rate_reached"]
    assert answered.keys() == printed.keys()


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (["--thickness-um", "0"], 2, "thickness_um: received 0.0; expected greater than or equal to 0.001"),
        (["--active-fraction", "0.9", "--porosity", "0.2"], 2, "leave no room for a catholyte"),
        (["--capacity", "3", "--areal-capacity-mah-cm2", "4"], 2, "give one of them"),
    ],
)
def test_the_command_refuses_cells_that_cannot_be(more: list[str], status: int, words: str) -> None:
    done = CliRunner().invoke(command, ["--anolyte", ANOLYTE, "--catholyte", CATHOLYTE, *more])
    assert done.exit_code == status
    assert words in done.output


def test_the_waterfall_adds_up(predictor: Predictor) -> None:
    lines = terminal_lines(ask(predictor))
    bars = [line for line in lines if line.rstrip().endswith("#")]
    assert len(bars) >= 3
    assert any(line.strip().startswith("sum") for line in lines)
    assert lines[0].startswith("reaches ")
