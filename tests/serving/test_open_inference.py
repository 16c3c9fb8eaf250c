"""The Open Inference Protocol: the same answers as `/predict`, as tensors; errors said per row, bad input never 5xx."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import call

from serving.rest.http_api import create_app
from serving.rest.protection import Protection
from training.properties import registry

JSON = {"Content-Type": "application/json"}
FORMULAS = ["Li6PS5Cl", "Li6PS5Cl)", "Li3YCl6"]
POLYMER = {"polymer": ["PEO"], "salt": ["LiTFSI"], "molality": [1.0]}
COMMON = {"read_as", "in_domain", "warnings", "reason", "error_code", "error_message"}


def infer(app: FastAPI, name: str, body: dict[str, Any]) -> httpx.Response:
    return call(app, "POST", f"/v2/models/{name}/infer", json=body)


def tensor(name: str, data: list[Any], datatype: str = "BYTES", shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def outputs(response: httpx.Response) -> dict[str, list[Any]]:
    assert response.status_code == 200, response.text
    return {one["name"]: one["data"] for one in response.json()["outputs"]}


def test_tensors_say_what_predict_says(app: FastAPI) -> None:
    conditions = [25.0, 25.0, 60.0]
    asked = {"id": "7", "inputs": [tensor("formula", FORMULAS), tensor("temperature_C", conditions, "FP64")]}
    response = infer(app, "conductivity", asked | {"parameters": {"coverage": 0.8}})
    found, document = outputs(response), response.json()
    candidates = [{"formula": f, "conditions": {"temperature_C": t}} for f, t in zip(FORMULAS, conditions, strict=True)]
    body = {"candidates": candidates, "properties": ["conductivity"], "coverage": 0.8}
    plain = call(app, "POST", "/predict", json=body).json()
    assert (document["id"], document["model_name"]) == ("7", "conductivity")
    assert document["model_version"] == plain["models"]["conductivity"]["version"]
    assert document["parameters"] == {"coverage": 0.8, "failed_rows": 1}
    assert all(one["shape"] == [3] and len(one["data"]) == 3 for one in document["outputs"])
    quantity = next(q for q in registry.get("conductivity").quantities if q.name == "log10_sigma_S_per_cm")
    for place in (0, 2):
        block = plain["results"][place]["conductivity"][quantity.name]
        ends = [found[name][place] for name in quantity.columns]
        assert ends == [block["value"], block["lower"], block["upper"]]
    failed = plain["results"][1]["error"]
    assert [found[key][1] for key in ("error_code", "error_message")] == [failed["code"], failed["message"]]
    assert [found[name][1] for name in quantity.columns] == [None] * 3  # nothing is filled in
    assert (found["error_code"][0], found["in_domain"][1], found["read_as"][0]) == ("", None, "Li6PS5Cl")
    assert np.isnan(np.array(found[quantity.columns[0]], dtype=float)).tolist() == [False, True, False]


@pytest.mark.parametrize("name", registry.names())
def test_every_model_takes_and_gives_what_its_metadata_say(app: FastAPI, name: str) -> None:
    described = call(app, "GET", f"/v2/models/{name}").json()
    inputs = {one["name"]: one["datatype"] for one in described["inputs"]}
    fields: dict[str, list[Any]] = POLYMER if "polymer" in inputs else {"formula": ["Li3PS4"]}
    asked = {"inputs": [tensor(field, data, inputs[field], [1, 1]) for field, data in fields.items()]}
    response = infer(app, name, asked)
    given = {one["name"]: one["datatype"] for one in response.json()["outputs"]}
    assert given == {one["name"]: one["datatype"] for one in described["outputs"]}
    found = outputs(response)
    assert found["error_code"] == [""]
    first = next(q for q in registry.get(name).quantities if q.in_answers)
    assert found[first.name][0] is not None or found["reason"][0]
    assert set(found) > COMMON
    assert call(app, "GET", f"/v2/models/{name}/ready").json() == {"name": name, "ready": True}


def test_outputs_are_chosen_and_come_in_the_order_asked(app: FastAPI) -> None:
    wanted = [{"name": "read_as"}, {"name": "reduction_V"}]
    response = infer(app, "stability", {"inputs": [tensor("formula", ["Li3N"])], "outputs": wanted})
    assert [one["name"] for one in response.json()["outputs"]] == ["read_as", "reduction_V"]


def test_nested_data_and_nulls(app: FastAPI) -> None:
    nested = tensor("formula", [["Li3N"], [None]], shape=[2, 1])
    cold = tensor("temperature_C", [[None], [60]], "INT64", [2, 1])
    found = outputs(infer(app, "conductivity", {"inputs": [nested, cold]}))
    assert found["error_code"] == ["", "missing_material"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": [tensor("formulae", ["Li3N"])]}, "conductivity takes formula, cif"),
        ({"inputs": [tensor("formula", ["Li3N"], shape=[2])]}, "received 1 elements, its shape says 2"),
        ({"inputs": [tensor("formula", ["Li3N", "LiF"], shape=[1, 2])]}, "expected [n] or [n, 1]"),
        ({"inputs": [tensor("formula", [3])]}, "element 0: expected a string"),
        ({"inputs": [tensor("formula", ["Li3N"], "FP64")]}, "received datatype FP64, expected BYTES"),
        ({"inputs": [tensor("formula", ["Li3N"])] * 2}, "twice"),
        ({"inputs": [tensor("formula", ["Li3N"]), tensor("temperature_C", [1, 2], "FP64")]}, "one element a candidate"),
        ({"inputs": [tensor("formula", ["Li3N"]), tensor("temperature_C", [True], "FP64")]}, "expected a number"),
        ({"inputs": [tensor("formula", ["Li3N"]), tensor("temperature_C", [-300], "FP64")]}, "temperature_C"),
        ({"inputs": [tensor("formula", ["Li3N"]), tensor("temperature_C", [10**400], "FP64")]}, "hundreds of digits"),
        ({"inputs": [tensor("formula", ["Li3N"]) | {"parameters": {"binary_data_size": 4}}]}, "binary data"),
        ({"parameters": {"temperature": 25}}, "allowed keys: coverage, temperature_C"),
        ({"parameters": {"coverage": 2}}, "coverage"),
        ({"outputs": [{"name": "sigma"}]}, "conductivity gives"),
        ({"outputs": [{"name": "read_as", "parameters": {"binary_data": True}}]}, "binary data"),
        ({"surprise": 1}, "unknown key"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(app: FastAPI, change: dict[str, Any], message: str) -> None:
    response = infer(app, "conductivity", {"inputs": [tensor("formula", ["Li3N"])]} | change)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    assert message in error["message"]


def test_too_many_candidates_wrong_media_types_and_unknown_models(app: FastAPI) -> None:
    many = infer(app, "conductivity", {"inputs": [tensor("formula", ["Li3N"] * 10_001)]})
    assert (many.status_code, many.json()["error"]["code"]) == (413, "too_many_candidates")
    binary = call(
        app, "POST", "/v2/models/ccd/infer", content=b"\0", headers={"Content-Type": "application/octet-stream"}
    )
    assert (binary.status_code, binary.json()["error"]["code"]) == (415, "unsupported_media_type")
    for path in ("/v2/models/Li6PS5Cl", "/v2/models/Li6PS5Cl/ready"):
        unknown = call(app, "GET", path)
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_served")
    assert infer(app, "x", {"inputs": [tensor("formula", ["Li3N"])]}).status_code == 404
    assert call(app, "GET", "/v2/models/ccd/infer").status_code == 405


def test_health_says_what_the_probes_say_and_needs_no_key(app: FastAPI) -> None:
    assert call(app, "GET", "/v2/health/live").json() == {"live": True}
    assert call(app, "GET", "/v2/health/ready").json() == {"ready": True}
    assert call(app, "GET", "/v2").json()["name"] == "elyte"
    loading = create_app(protection=Protection.of(("key",), protect_reads=True))
    assert call(loading, "GET", "/v2/health/live").status_code == 200
    assert call(loading, "GET", "/v2/health/ready").status_code == 503
    assert call(loading, "GET", "/v2").status_code == 401
    assert infer(loading, "ccd", {"inputs": [tensor("formula", ["Li3N"])]}).status_code == 401


def test_the_path_that_a_client_wrote_is_not_logged(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    """A formula may stand in it, and metrics would grow without bound."""
    caplog.set_level("INFO", "elyte")
    for method in ("GET", "DELETE"):
        call(app, method, "/v2/models/Li6PS5Cl/ready")
    routes = {getattr(record, "fields", {}).get("route") for record in caplog.records}
    assert "Li6PS5Cl" not in json.dumps([str(route) for route in routes])
    assert "Li6PS5Cl" not in call(app, "GET", "/metrics").text


values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["BYTES", "formula"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "shape", "data", "datatype", "inputs", "id"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=values, parameters=values, wanted=values)
def test_no_body_answers_5xx(app: FastAPI, inputs: Any, parameters: Any, wanted: Any) -> None:
    raw = json.dumps({"inputs": inputs, "parameters": parameters, "outputs": wanted})
    response = call(app, "POST", "/v2/models/conductivity/infer", content=raw, headers=JSON)
    assert response.status_code in (200, 400), response.text
