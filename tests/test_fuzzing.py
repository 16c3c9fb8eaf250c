"""The fuzzer knows every route of the service by its OpenAPI document, and breaks what it sends."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from rest_fuzz import JSON, FuzzedRoute, request_of, routes_of, target_of, with_other_formulas

from serving.rest.http_api import create_app


@pytest.fixture(scope="module")
def routes() -> list[FuzzedRoute]:
    return routes_of(create_app().openapi())


def test_every_route_is_there_and_every_body_has_an_example_to_break(routes: list[FuzzedRoute]) -> None:
    document = create_app().openapi()
    assert len(routes) == sum(len(methods) for methods in document["paths"].values()) > 10
    for route in routes:
        bodies = document["paths"][route.path][route.method.lower()].get("requestBody", {}).get("content", {})
        assert route.examples.keys() == bodies.keys()
        assert all(route.examples.values()), route.name  # else only what is made from nothing would be sent


def test_all_routes_are_asked_with_whole_requests(routes: list[FuzzedRoute]) -> None:
    rng = random.Random(1)
    requests = [request_of(routes, rng) for _ in range(1000)]
    assert {name for name, _ in requests} == {route.name for route in routes}
    for name, request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        assert lines[0].startswith(name.partition("{")[0])
        assert f"Content-Length: {len(body)}" in lines


def test_formulas_are_changed_wherever_they_stand() -> None:
    example = {"electrolyte": "Li6PS5Cl", "deep": [{"formula": "Li3YCl6"}], "kind": "conductivity", "count": 3}
    drawn = json.loads(with_other_formulas(example, random.Random(2)))
    assert drawn["electrolyte"] != "Li6PS5Cl"
    assert drawn["deep"][0]["formula"] != "Li3YCl6"
    assert (drawn["kind"], drawn["count"]) == ("conductivity", 3)


def test_parts_of_a_path_are_chosen_or_odd() -> None:
    route = FuzzedRoute("POST", "/v2/models/{name}/infer", {JSON: {"x": 1}}, (), {"name": ("ccd",)})
    found = {target_of(route, random.Random(seed)) for seed in range(200)}
    assert "/v2/models/ccd/infer" in found
    assert len(found) > 10
    assert all("{" not in path.partition("?")[0] for path in found)
