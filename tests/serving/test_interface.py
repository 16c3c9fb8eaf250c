"""`elyte interface` and `POST /interface`: one document, errors in their places, readable lines."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from phase_tables import SMALL, build

from serving.answers.interface_request import MAX_PARTNERS, InterfaceRequest
from serving.answers.interface_terminal import terminal_lines
from serving.cli import elyte
from serving.models.store import ModelUnavailableError, ServedModel
from serving.predictor import Predictor
from serving.rest.http_api import create_app

ENERGIES = SMALL | {
    "LiCoO2": -1.75,
    "Li2O": -2.07,
    "Li3PO4": -2.77,
    "CoS2": -0.5,
    "H2O": -1.39,
    "H2S": -0.47,
    "LiOH": -1.84,
    "Li2SO4": -2.42,
    "CoO": -1.2,
}


HEADER = {"version": "test", "origin": "shipped bundle", "trained_on": "2026-01-01T00:00:00Z"}


class StandIn:
    """A served stability model that is nothing but its phases."""

    model = SimpleNamespace(phases=build(ENERGIES))

    def header(self) -> dict[str, str]:
        return dict(HEADER)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor({"stability": cast("ServedModel", StandIn())})


def post(app: FastAPI, body: object) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/interface", json=body)

    return asyncio.run(send())


def test_the_document_has_one_contact_a_partner_in_order(app: FastAPI) -> None:
    response = post(app, {"formula": "Li6PS5Cl", "against": ["lithium", "LiCoO2", "LiXe", "water"], "voltage_V": 3.0})
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    assert document["models"] == {"stability": HEADER}
    assert document["electrolyte"]["energy_basis"] == "reference"
    assert [contact["status"] for contact in document["contacts"]] == ["ok", "ok", "error", "ok"]
    metal, cathode, xenon, water = document["contacts"]
    assert metal["with_excess_lithium"]["reaction"]["text"] == "Li6PS5Cl + 8 Li -> 5 Li2S + Li3P + LiCl"
    assert metal["at_voltage"] is None
    assert cathode["at_voltage"]["energy_eV_per_atom"] <= 0
    assert xenon["error"]["code"] == "element_without_energies"
    assert water["evolves_h2s"] in (True, False)
    json.dumps(document, allow_nan=False)


def test_python_and_rest_give_the_same_document(app: FastAPI, predictor: Predictor) -> None:
    body = {"formula": "Li3PS4", "against": ["Li", "LiCl"]}
    assert post(app, body).json() == json.loads(json.dumps(predictor.interface(InterfaceRequest.model_validate(body))))


def test_an_unreadable_electrolyte_is_an_answer_of_status_error(app: FastAPI) -> None:
    document = post(app, {"formula": "Li3Qq", "against": ["Li"]}).json()
    assert document["status"] == "error"
    assert document["error"]["code"] == "unknown_element"
    assert terminal_lines(document)[0].startswith("Li3Qq  error unknown_element")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "formula: required"),
        ({"formula": "Li3PS4", "voltage": 4}, "did you mean voltage_V?"),
        ({"formula": "Li3PS4", "against": []}, "against"),
        ({"formula": "Li3PS4", "against": ["Li"] * (MAX_PARTNERS + 1)}, "against"),
        ({"formula": "Li3PS4", "voltage_V": 11}, "voltage_V"),
        ({"formula": "Li3PS4", "voltage_V": "4"}, "voltage_V"),
        ({"formula": 3}, "formula"),
        ([], "expected a JSON object"),
    ],
)
def test_a_bad_call_is_a_400_that_says_why(app: FastAPI, body: object, told: str) -> None:
    response = post(app, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert told in response.json()["error"]["message"]


def test_without_a_stability_model_it_says_so() -> None:
    response = post(create_app(Predictor({})), {"formula": "Li3PS4"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_served"
    with pytest.raises(ModelUnavailableError, match="no stability model"):
        Predictor({}).phases()


def run(monkeypatch: pytest.MonkeyPatch, predictor: Predictor, *arguments: str) -> Any:
    monkeypatch.setattr(Predictor, "load", classmethod(lambda cls, source="auto": predictor))
    return CliRunner().invoke(elyte, ["interface", *arguments])


def test_the_command_prints_reactions_and_energies(monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> None:
    done = run(monkeypatch, predictor, "Li6PS5Cl", "--against", "lithium", "--against", "LiCl", "--voltage", "3")
    assert done.exit_code == 0, done.output
    assert "Li6PS5Cl + 8 Li -> 5 Li2S + Li3P + LiCl" in done.output
    assert "eV/atom" in done.output
    assert "alone at 3 V" in done.output
    assert "protective (confidence medium): no product conducts electrons: Li2S, Li3P, LiCl" in done.output


def test_both_sides_stand_beside_what_the_contact_adds(monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> None:
    done = run(monkeypatch, predictor, "Li6PS5Cl", "--against", "LiCoO2", "--voltage", "3")
    assert done.exit_code == 0, done.output
    assert "    Li6PS5Cl alone: Li6PS5Cl -> " in done.output
    assert "    LiCoO2 alone: " in done.output
    assert "    both in contact: " in done.output
    assert "eV/atom at most to what each does alone" in done.output
    assert "beyond that" not in done.output


def test_every_reaction_between_solids_says_which_layer_it_leaves_and_why(predictor: Predictor) -> None:
    request = InterfaceRequest(formula="Li6PS5Cl", against=["lithium", "LiCoO2", "LiCl"], voltage_V=3.0)
    metal, cathode, salt = predictor.interface(request)["contacts"]
    assert metal["interphase"] == metal["with_excess_lithium"]["reaction"]["interphase"] == "protective"
    assert "Li3P" in metal["interphase_why"]
    for contact in (metal, cathode, salt):
        blocks = [contact[name] for name in ("closed", "at_voltage", "with_excess_lithium") if contact[name]]
        reactions = [block[key] for block in blocks for key in ("reaction", "mutual_reaction") if key in block]
        assert {reaction["interphase"] for reaction in reactions} <= {"stable", "protective", "mixed_conducting"}
        assert all(reaction["interphase_why"] for reaction in reactions)
    assert cathode["partner_alone_at_voltage"]["voltage_V"] == 3.0
    assert metal["partner_alone_at_voltage"] is None


def test_sulfur_stands_for_LiS4_with_a_footnote(monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> None:
    done = run(monkeypatch, predictor, "Li6PS5Cl", "--against", "LiCl", "--voltage", "2.6")
    alone = next(line for line in done.output.splitlines() if line.startswith("  alone at 2.6 V"))
    assert "LiS4" not in alone
    assert " S + " in alone
    assert done.output.splitlines()[-1].startswith("* sulfur (S, with Li or Li2S) stands here for LiS4")
    document = json.loads(
        run(monkeypatch, predictor, "Li6PS5Cl", "--against", "LiCl", "--voltage", "2.6", "--json").output
    )
    reaction = document["alone_at_voltage"]["reaction"]
    assert "S" in reaction["products"]
    assert "LiS4" not in reaction["products"]
    assert "LiS4" in reaction["footnote"]


def test_json_is_the_document_and_a_failed_partner_is_exit_one(
    monkeypatch: pytest.MonkeyPatch, predictor: Predictor
) -> None:
    done = run(monkeypatch, predictor, "Li3PS4", "--against", "LiXe", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["contacts"][0]["status"] == "error"


def test_an_unusable_call_is_refused(monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> None:
    assert run(monkeypatch, predictor, "Li3PS4", "--voltage", "12").exit_code == 2
    assert run(monkeypatch, predictor, "Li3PS4", "--against", "").exit_code == 2
