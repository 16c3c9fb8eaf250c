"""The page's files, their headers and the vocabulary, without a browser."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from serving.answers.conditions import Conditions
from serving.answers.request import MAX_CANDIDATES
from serving.answers.vocabulary import ON_THE_AXIS, TYPICAL, electrodes, vocabulary
from serving.predictor import Predictor
from serving.rest.http_api import create_app
from serving.rest.page_files import ASSETS, FOLDER, HEADERS, INDEX, MEDIA_TYPES, PAGE_ROUTES, property_assets
from training.properties import registry
from training.properties.ccd.schema import ANODES, INTERLAYER_TYPES
from training.thermodynamics.partners import CATHODES

LONGEST_FILE_LINES = 400


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application before any model is loaded."""
    return create_app(None)


def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    """Get one path of an application in this process."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


def test_every_file_is_served_and_nothing_else() -> None:
    """A module that is forgotten here is missing in the browser; one that is gone answers 500."""
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert found == {INDEX, *ASSETS}
    known = {route.path for route in iter_route_contexts(create_app().routes) if "GET" in (route.methods or ())}
    assert {path for path, _ in PAGE_ROUTES} <= known


@pytest.mark.parametrize("path", [path for path, _ in PAGE_ROUTES])
def test_every_file_comes_with_the_headers(app: FastAPI, path: str) -> None:
    """One asset without the policy is one door."""
    response = get(app, path)
    assert response.status_code == 200
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["content-type"] == MEDIA_TYPES["." + (path.rpartition(".")[2] if path != "/" else "html")]
    again = get(app, path, **{"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_the_policy_is_strict() -> None:
    """No inline code, no other host, no frame around the page."""
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


def test_other_files_of_the_disk_are_unknown(app: FastAPI) -> None:
    """Names are listed, so that no path can climb."""
    for path in ("/page/", "/page/../page_files.py", "/page/%2e%2e/page_files.py", "/page/index.html", "/page/x.js"):
        assert get(app, path).status_code == 404


def test_the_sources_are_plain() -> None:
    """No markup from data, no inline handler or style, no address of another host but doi.org, nothing to build."""
    index = (FOLDER / INDEX).read_text()
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", index)
    assert not re.search(r"(?:src|href)=\"(?!\./|#)", index), "addresses are relative: there may be a path prefix"
    forbidden = (
        "innerHTML =",
        "outerHTML =",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "localStorage",
    )
    for name, path in {**{name: FOLDER / name for name in ASSETS}, **property_assets()}.items():
        text = path.read_text()
        assert len(text.splitlines()) < LONGEST_FILE_LINES, name
        assert not [word for word in forbidden if word in text], name
        hosts = set(re.findall(r"https?://([\w.]+)", text)) - {"www.w3.org", "doi.org"}
        assert not hosts, name
        assert not re.findall(r"(?:ask|request|fetch)\(\"(?!\./)", text), name


def test_vocabulary_is_that_of_the_models(app: FastAPI) -> None:
    """What the page offers must be what the models take."""
    response = get(app, "/vocabulary")
    assert response.status_code == 200
    document = response.json()
    assert document["interlayer_types"] == list(INTERLAYER_TYPES)
    assert document["anodes"] == list(ANODES)
    assert document["served"] is None
    assert document["limits"]["max_candidates"] == MAX_CANDIDATES
    assert [column["name"] for column in document["conditions"]] == list(Conditions.model_fields)
    columns = {column["name"]: column for column in document["conditions"]}
    bounds = {"name": "temperature_C", "type": "number", "above": -273.15, "at_most": 1500.0}
    words = {"label": "Temperature", "short": "temperature", "unit": "°C", "of_one_sample": False, "default": 25.0}
    assert columns["temperature_C"] == {**bounds, **words, "help": registry.conditions()["temperature_C"].help}
    assert columns["interlayer_type"]["words"] == list(INTERLAYER_TYPES)
    assert (columns["interlayer_type"]["label"], columns["interlayer_type"]["longest"]) == ("Interlayer", 100)
    assert columns["relative_density"]["of_one_sample"]
    declared = create_app().openapi()
    schema = declared["paths"]["/vocabulary"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(document, schema | {"components": declared["components"]})


def test_the_vocabulary_describes_every_quantity(app: FastAPI) -> None:
    """Columns, scales and units of the page are made of it."""
    document = get(app, "/vocabulary").json()
    assert [quantity["name"] for quantity in document["quantities"]] == list(registry.quantities())
    (sigma,) = (one for one in document["quantities"] if one["name"] == "log10_sigma_S_per_cm")
    assert (sigma["property"], sigma["unit"], sigma["is_log10"]) == ("conductivity", "S/cm", True)
    assert sigma["columns"] == ["log10_sigma_S_per_cm", "log10_sigma_lower", "log10_sigma_upper"]
    assert document["labels"] == {one.name: one.label for one in registry.properties()}
    for path in document["page_modules"].values():
        assert get(app, f"/{path}").headers["content-type"] == MEDIA_TYPES[".js"]


def test_the_vocabulary_names_what_is_served() -> None:
    """A page must not offer what this installation has no model for."""
    app = create_app(Predictor.load("shipped"))
    assert get(app, "/vocabulary").json()["served"] == ["conductivity", "stability", "ccd", "mechanics", "polymer"]


@pytest.mark.parametrize("bound", ["above", "at_least", "at_most"])
def test_the_bounds_are_those_that_the_service_checks(bound: str) -> None:
    """The browser finds a wrong cell itself; it must not let pass what fails the whole question."""
    beyond = {"above": 0.0, "at_least": -1e-6, "at_most": 1e-6}[bound]
    for column in vocabulary(None)["conditions"]:
        if bound not in column:
            continue
        value: Any = column[bound] + beyond * max(1.0, abs(column[bound]))
        with pytest.raises(ValueError, match=column["name"]):
            Conditions(**{column["name"]: value})


def test_electrodes_are_ordered_and_sourced() -> None:
    """Lithium is the zero of the scale; every cathode of the interface reactions is on the axis."""
    assert electrodes()[0].low_V == electrodes()[0].high_V == 0.0
    assert set(CATHODES) <= set(ON_THE_AXIS) <= {electrode.name for electrode in electrodes()}
    for electrode in electrodes():
        assert 0.0 <= electrode.low_V <= electrode.high_V <= 5.0
        assert electrode.source == TYPICAL or electrode.source.startswith(("10.", "by definition"))


def test_importing_the_files_and_the_vocabulary_is_cheap() -> None:
    """The command line imports the application without wanting tables or models."""
    code = (
        "import sys, serving.rest.page_files, serving.answers.vocabulary; print([m for m in ('pandas', 'pandera', "
        "'scipy', 'numba', 'sklearn', "
        "'training.properties.ccd.schema', 'training.thermodynamics.partners') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
