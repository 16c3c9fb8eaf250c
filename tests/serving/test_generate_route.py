"""`POST /generate`: what `elyte generate` writes, within what one request may cost, and never a 5xx."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from serving.cli import elyte
from serving.generation.asked import MAX_COMBINATIONS, MAX_GENERATED
from serving.predictor import Predictor
from serving.rest.http_api import create_app

ARGYRODITES: dict[str, Any] = {"patterns": ["Li{6-x}PS{5-x}Cl{1+x}"], "variables": ["x=0:0.8:0.2"]}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Predictor.load("shipped"))) as made:
        yield made


def test_it_answers_as_the_command_prints(client: TestClient) -> None:
    """One document by both doors, parents and what is known included."""
    asked = {**ARGYRODITES, "parents": ["Li3YCl6"], "anions": True, "balanced": True, "most": 10_000}
    response = client.post("/generate", json=asked)
    arguments = [*ARGYRODITES["patterns"], *ARGYRODITES["variables"], "--parent", "Li3YCl6", "--anions", "--balanced"]
    printed = CliRunner().invoke(elyte, ["generate", *arguments, "--json"])
    assert printed.exit_code == 0, printed.stderr
    assert response.status_code == 200
    assert response.json() == json.loads(printed.stdout)
    known = {one["formula"]: one["known"] for one in response.json()["candidates"]}
    assert known["Li6PS5Cl"] == "measured, phase table"
    assert known["Li5.8PS4.8Cl1.2"] == "no"


def test_choices_and_selection(client: TestClient) -> None:
    """What is left out is counted with its reason."""
    found = client.post("/generate", json={"patterns": ["Li3{Y,In,Sc}{Cl,Br}6"], "new": True, "most": 2}).json()
    assert found["made"] == 6
    assert set(found["left_out"]) <= {"known already", "beyond the 2 asked for"}
    assert len(found["candidates"]) + sum(found["left_out"].values()) == 6


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"patterns": ["Li{6-x}PS5Cl"]}, "no values for x"),
        ({"patterns": ["Li{6-x"]}, "at character"),
        ({"patterns": ["Li3YCl6"], "variables": ["x=0:1:0.1"]}, "no pattern holds the variable x"),
        ({"patterns": ["Li3YCl6"], "variables": ["x=0:1:0"]}, "a step above 0"),
        ({"patterns": ["LixCl"], "variables": ["x=1e400,1"]}, ""),
        ({"parents": ["Li3YCl6"]}, "a family (dope, anions or swap) missing"),
        ({"patterns": ["Li3YCl6"], "dope": True}, "parents missing"),
        ({"parents": ["Xx"], "dope": True}, "Xx"),
        ({"parents": ["Li3YCl6"], "dope": True, "exclude": ["Zz"]}, "'Zz' is not an element"),
        (
            {"patterns": ["Li{x}Y{y}Cl6"], "variables": ["x=0:1:0.001", "y=0:1:0.001"]},
            f"at most {MAX_COMBINATIONS} in one request",
        ),
    ],
)
def test_what_cannot_be_generated_is_refused_in_words(client: TestClient, body: dict[str, Any], words: str) -> None:
    response = client.post("/generate", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "cannot_generate"
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"patterns": []},
        {"patterns": "Li3YCl6"},
        {"patterns": ["Li3YCl6"], "most": MAX_GENERATED + 1},
        {"patterns": ["Li3YCl6"], "unknown": 1},
        {"patterns": ["Li3YCl6"], "balanced": "yes"},
        {"patterns": ["Li3YCl6"] * 21},
    ],
)
def test_what_is_no_question_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    response = client.post("/generate", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


def test_the_largest_question_takes_seconds(client: TestClient) -> None:
    """A hundred thousand combinations; and a value list that would fill the memory is refused at once."""
    body = {
        "patterns": ["Li{3-x}Y{1-x}Zr{x}Cl{6-y}Br{y}"],
        "variables": ["x=0:0.99:0.01", "y=0:4.995:0.005"],
        "most": 10,
    }
    started = time.perf_counter()
    response = client.post("/generate", json=body)
    assert response.status_code == 200
    assert response.json()["made"] == MAX_COMBINATIONS
    assert time.perf_counter() - started < 30, "an idle machine takes one to two"
    refused = client.post("/generate", json={"patterns": ["LixCl"], "variables": ["x=0:1:1e-9"]})
    assert refused.status_code == 400
