"""`POST /measurements/effect`: conditioning checked against the textbook, and what may not be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.suggestions.effect import MAX_MEASURED, conditioned

Array = NDArray[np.float64]
ROUTE = "/measurements/effect"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Predictor.load("shipped"))) as made:
        yield made


def asked(client: TestClient, measured: dict[str, float], *formulas: str, **more: Any) -> dict[str, Any]:
    """Return the answer for values by formula, of log10 sigma unless told otherwise."""
    body = {
        "property": "conductivity",
        "measured": [{"candidate": {"formula": formula}, "value": value} for formula, value in measured.items()],
        "candidates": [{"formula": formula} for formula in formulas],
    } | more
    response = client.post(ROUTE, json=body)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


class Gaussian:
    """Gaussian variables of a given covariance, measured with noise."""

    noise_variance = 0.3

    def __init__(self, whole: Array) -> None:
        self.whole = whole

    def variance(self) -> Array:
        return np.diag(self.whole).copy()

    def covariance(self, points: NDArray[np.int64]) -> Array:
        return self.whole[:, points]


def test_conditioning_is_that_of_the_joint_precision() -> None:
    """Another road to the same numbers: noisy observations add to the precision of the joint distribution."""
    draw = np.random.default_rng(5)
    root = draw.normal(size=(6, 6))
    about, at, step = Gaussian(root @ root.T + 0.1 * np.eye(6)), np.array([4, 1]), np.array([0.7, -1.2])
    shift, before, after = conditioned(about, at, step)
    seen = np.zeros((2, 6))
    seen[[0, 1], at] = 1.0
    left = np.linalg.inv(np.linalg.inv(about.whole) + seen.T @ seen / about.noise_variance)
    assert shift == pytest.approx(left @ seen.T @ step / about.noise_variance, abs=1e-8)
    assert before == pytest.approx(np.sqrt(np.diag(about.whole) + about.noise_variance))
    assert after == pytest.approx(np.sqrt(np.diag(left) + about.noise_variance), abs=1e-8)


def test_a_high_value_raises_the_like_most_and_the_unlike_hardly(client: TestClient) -> None:
    found = asked(client, {"Li5.7PS4.7Cl1.3": -1.0}, "Li5.6PS4.6Cl1.4", "Li3InCl6", "Li7La3Zr2O12")
    near, far, farther = (one["after"] - one["before"]["value"] for one in found["candidates"])
    assert near > 0.1
    assert max(abs(far), abs(farther)) < near / 5
    for one in found["candidates"]:
        assert one["sd_after"] <= one["sd_before"]
    (measured,) = found["measured"]
    assert measured["deviation"] == pytest.approx(-1.0 - measured["before"]["value"], abs=1e-3)
    assert measured["inside_interval"] == (measured["before"]["lower"] <= -1.0 <= measured["before"]["upper"])
    assert found["unit"] == "log10 S/cm"


def test_what_was_foretold_changes_no_value(client: TestClient) -> None:
    foretold = asked(client, {"Li3YCl6": -3.0}, "Li3YCl6")["candidates"][0]["before"]["value"]
    found = asked(client, {"Li3YCl6": foretold}, "Li3YCl6", "Li3InCl6")
    for one in found["candidates"]:
        assert one["after"] == pytest.approx(one["before"]["value"], abs=1e-4)
    assert found["candidates"][0]["sd_after"] < found["candidates"][0]["sd_before"]


def test_order_of_the_measurements_changes_nothing(client: TestClient) -> None:
    values = {"Li6PS5Br": -2.0, "Li3YCl6": -4.0, "Li10GeP2S12": -1.5}
    one = asked(client, values, "Li6PS5Cl", "Li3InCl6")["candidates"]
    other = asked(client, dict(reversed(values.items())), "Li6PS5Cl", "Li3InCl6")["candidates"]
    assert [each["after"] for each in one] == pytest.approx([each["after"] for each in other], abs=1e-4)


def test_a_bad_row_stands_in_its_place_and_harms_no_other(client: TestClient) -> None:
    whole = asked(client, {"Li6PS5Br": -2.0}, "Li6PS5Cl")
    found = asked(client, {"Li6PS5Br": -2.0, "Xx": 1.0}, "Xx2", "Li6PS5Cl")
    assert [one["status"] for one in found["measured"]] == ["ok", "error"]
    assert [one["status"] for one in found["candidates"]] == ["error", "ok"]
    assert found["candidates"][0]["error"]["code"] == "unknown_element"
    assert found["candidates"][1]["after"] == pytest.approx(whole["candidates"][0]["after"], abs=1e-4)
    none = asked(client, {"Xx": 1.0}, "Li6PS5Cl")["candidates"][0]
    assert none["after"] == none["before"]["value"]
    assert none["sd_after"] is None


@pytest.mark.parametrize("name", ["stability", "ccd", "mechanics", "polymer"])
def test_every_property_can_be_asked(client: TestClient, name: str) -> None:
    """Each by its own uncertainty, or by its intervals; what a property does not speak of is said."""
    material = {"polymer": "PEO", "salt": "LiTFSI", "molality": 1.0} if name == "polymer" else {"formula": "Li3OCl"}
    body = {
        "property": name,
        "measured": [{"candidate": material, "value": -1.0}],
        "candidates": [material, {"formula": "Li3YCl6"}],
    }
    response = client.post(ROUTE, json=body)
    assert response.status_code == 200, response.text
    assert response.json()["candidates"][0]["status"] == "ok"
    assert response.json()["unit"]


@pytest.mark.parametrize(
    "more",
    [
        {"property": "taste"},
        {"measured": []},
        {"candidates": []},
        {"measured": [{"candidate": {"formula": "Li3N"}, "value": "1"}]},
        {"measured": [{"candidate": {"formula": "Li3N"}, "value": 1e9}]},
        {"measured": [{"candidate": {"formula": "Li3N"}, "value": 0.0}] * (MAX_MEASURED + 1)},
        {"conditions": {"temperature_C": -400}},
    ],
)
def test_what_is_no_question_is_refused(client: TestClient, more: dict[str, Any]) -> None:
    body = {
        "property": "conductivity",
        "measured": [{"candidate": {"formula": "Li3N"}, "value": -3.0}],
        "candidates": [{"formula": "Li3N"}],
    }
    response = client.post(ROUTE, json=body | more)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


def test_temperature_counts_for_both_sides(client: TestClient) -> None:
    """A value at 100 C is held against what is foretold at 100 C."""
    warm = asked(client, {"Li3YCl6": -2.0}, "Li3YCl6", conditions={"temperature_C": 100})
    cold = asked(client, {"Li3YCl6": -2.0}, "Li3YCl6")
    assert warm["candidates"][0]["before"]["value"] > cold["candidates"][0]["before"]["value"] + 0.5
    assert warm["measured"][0]["deviation"] < cold["measured"][0]["deviation"]
