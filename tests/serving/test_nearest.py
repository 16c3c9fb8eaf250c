"""The known materials nearest to a candidate: the models' own distances, in order, each row as if it were alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cifs import cif
from pydantic import ValidationError

from serving.answers.nearest_request import (
    DEFAULT_NEAREST,
    MAX_NEAREST,
    MAX_NEAREST_CANDIDATES,
    NearestRequest,
)
from serving.answers.refusals import RequestError, read_as
from serving.answers.request import PredictRequest
from serving.models.store import load_models
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from training.applicability import N_NEAREST
from training.properties import registry

FIELDS = {one.name: one.quantities[0].name for one in registry.properties() if one.kind == "inorganic"}
FAMILIES = ["Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "Li3N", "NaCl", "Li1.3Al0.3Ti1.7(PO4)3", "Li", "Li2.7Y0.7Zr0.3Cl6"]
BAD = ["Xx2O3", "", "?", "Li2XeO4"]


def ask(predictor: Predictor, *candidates: str | dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return the rows of an answer."""
    rows = [{"formula": c} if isinstance(c, str) else c for c in candidates]
    document = predictor.nearest(NearestRequest.model_validate({"candidates": rows, **more}))
    answered: list[dict[str, Any]] = document["results"]
    return answered


def without_place(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what depends on where it stands."""
    out = {key: value for key, value in row.items() if key != "index"}
    return out | {"error": out["error"] | {"index": None}} if "error" in out else out


def test_every_property_names_known_materials_with_value_unit_and_source(predictor: Predictor) -> None:
    """A chemist looks these up first."""
    (row,) = ask(predictor, {"id": "a", "formula": "Li6PS5Cl"})
    assert (row["id"], row["index"], row["status"], row["formula"]) == ("a", 0, "ok", "Li6PS5Cl")
    itself = 0
    for name, field in FIELDS.items():
        block = row[str(name)]
        assert block["in_domain"] is True
        assert len(block["nearest"]) == DEFAULT_NEAREST
        distances = [material["distance"] for material in block["nearest"]]
        assert distances == sorted(distances)
        itself += distances[0] <= 1e-6
        for material in block["nearest"]:
            assert material["formula"]
            assert isinstance(material[field], float)
            assert "value" not in material
            assert material["doi"] or material["reference"]
    assert itself == len(FIELDS) - 1  # no modulus of it was computed
    json.dumps(row, allow_nan=False)


def test_the_domain_is_the_one_that_a_prediction_states(predictor: Predictor) -> None:
    """Two routes must not disagree on whether a material is known, nor on what is next to it."""
    formulas = [*FAMILIES, "UO2", "CsPbI3", "Li0.5Au0.5"]
    near = ask(predictor, *formulas, count=N_NEAREST)
    body = PredictRequest.model_validate({"candidates": [{"formula": formula} for formula in formulas]})
    for row, predicted in zip(near, predictor.predict(body)["results"], strict=True):
        assert row["status"] == predicted["status"] == "ok"
        for name, said in predicted["applicability"].items():
            block = row[name]
            assert {key: block[key] for key in said if key != "nearest"} == {
                key: value for key, value in said.items() if key != "nearest"
            }
            named = [(m["formula"], m["distance"]) for m in said["nearest"]][:N_NEAREST]
            assert [(m["formula"], m["distance"]) for m in block["nearest"]][: len(named)] == named
    assert {row["conductivity"]["in_domain"] for row in near} == {True, False}


@pytest.mark.parametrize("count", [1, 2, 7, MAX_NEAREST])
def test_as_many_as_asked_for(predictor: Predictor, count: int) -> None:
    """Longer lists begin as shorter ones do."""
    for row, longest in zip(ask(predictor, *FAMILIES, count=count), ask(predictor, *FAMILIES, count=50), strict=True):
        for name in FIELDS:
            found, all_of_them = row[name]["nearest"], longest[name]["nearest"]
            assert len(found) == min(count, len(all_of_them))
            assert [m["distance"] for m in found] == [m["distance"] for m in all_of_them[: len(found)]]


@settings(max_examples=20, deadline=None)
@given(formulas=st.lists(st.sampled_from([*FAMILIES, *BAD]), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_each_row_is_answered_as_if_it_were_alone(predictor: Predictor, formulas: list[str], seed: int) -> None:
    """Neither neighbours nor their order change a row; bad rows keep their place."""
    together = ask(predictor, *formulas, count=3)
    assert [row["index"] for row in together] == list(range(len(formulas)))
    assert [without_place(row) for row in together] == [without_place(ask(predictor, f, count=3)[0]) for f in formulas]
    order = np.random.default_rng(seed).permutation(len(formulas)).tolist()
    shuffled = ask(predictor, *[formulas[i] for i in order], count=3)
    assert [without_place(row) for row in shuffled] == [without_place(together[i]) for i in order]
    assert [row["status"] == "error" for row in together] == [formula in BAD for formula in formulas]


def test_a_spelling_changes_nothing(predictor: Predictor) -> None:
    """Neither does a multiple of the formula."""
    plain, *others = (row["stability"] for row in ask(predictor, "Li6PS5Cl", "LiCl·Li5PS5", "Li12P2S10Cl2"))
    assert all(other == plain for other in others)


def test_a_cif_is_a_candidate_too(predictor: Predictor) -> None:
    """Beside formulas."""
    row, other = ask(predictor, {"cif": cif()}, "LiCl", properties=["stability"])
    assert row["formula"] == "LiCl"
    assert row["stability"] == other["stability"]


def test_conditions_move_the_reports_of_critical_current_density(predictor: Predictor) -> None:
    """A row's conditions win; the other properties do not depend on them."""
    cold, hot = ask(
        predictor,
        "Li7La3Zr2O12",
        {"formula": "Li7La3Zr2O12", "conditions": {"interlayer_type": "oxide"}},
        conditions={"interlayer_type": "none"},
        count=10,
    )
    assert cold["ccd"]["nearest"][0]["interlayer_type"] == "none"
    assert hot["ccd"]["nearest"][0]["interlayer_type"] == "oxide"
    assert cold["conductivity"] == hot["conductivity"]
    (wrong,) = ask(predictor, "Li7La3Zr2O12", conditions={"interlayer_type": "chewing gum"}, properties=["ccd"])
    assert wrong["error"]["code"] == "invalid_condition"


def test_a_property_without_a_model_is_null_with_its_reason() -> None:
    """As in predictions."""
    only = Predictor(load_models("shipped", ["stability"]))
    (row,) = ask(only, "Li3N", properties=["stability", "ccd"])
    assert row["stability"]["nearest"]
    assert row["ccd"] is None
    assert "no ccd model" in row["reasons"]["ccd"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"candidates": []},
        {"candidates": [{"formula": "Li3N"}], "count": 0},
        {"candidates": [{"formula": "Li3N"}], "count": MAX_NEAREST + 1},
        {"candidates": [{"formula": "Li3N"}], "count": 2.5},
        {"candidates": [{"formula": "Li3N"}], "count": "3"},
        {"candidates": [{"formula": "Li3N"}], "count": True},
        {"candidates": [{"formula": "Li3N"}], "coverage": 0.9},
    ],
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any]) -> None:
    """Unknown keys as well as counts that are none."""
    with pytest.raises(ValidationError):
        NearestRequest.model_validate(body)
    with pytest.raises(RequestError) as caught:
        read_as(NearestRequest, json.dumps(body).encode(), MAX_NEAREST_CANDIDATES)
    assert caught.value.status == 400


def test_a_thousand_and_no_more() -> None:
    """The bound is a promise on both sides."""
    body = {"candidates": [{"formula": "Li3N"}] * MAX_NEAREST_CANDIDATES, "count": 5.0}
    assert (
        len(read_as(NearestRequest, json.dumps(body).encode(), MAX_NEAREST_CANDIDATES).candidates)
        == MAX_NEAREST_CANDIDATES
    )
    body["candidates"] = [{"formula": "Li3N"}] * (MAX_NEAREST_CANDIDATES + 1)
    with pytest.raises(RequestError) as caught:
        read_as(NearestRequest, json.dumps(body).encode(), MAX_NEAREST_CANDIDATES)
    assert caught.value.status == 413


def test_over_http_as_in_python(predictor: Predictor) -> None:
    """The same document."""
    body = {"candidates": [{"formula": "Li6PS5Cl"}, {"formula": "?"}], "properties": ["conductivity"], "count": 2}

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(predictor))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/nearest", json=body)

    response = asyncio.run(send())
    assert response.status_code == 200
    assert response.json() == predictor.nearest(NearestRequest.model_validate(body))
