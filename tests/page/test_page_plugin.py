"""A property that the page has no module for: everything it shows follows from the vocabulary and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Route
    from running_service import RunningService

    from tests.page.conftest import Visit

QUANTITY = {
    "property": "porosity",
    "name": "log10_pores_per_cm3",
    "label": "number of pores",
    "unit": "1/cm3",
    "lowest": 1e-6,
    "highest": 1e9,
    "levels": [],
    "is_log10": True,
    "higher_is_better": False,
    "has_interval": True,
    "in_answers": True,
    "columns": [],
    "conditions": ["firing_h"],
}
CONDITION = {
    "name": "firing_h",
    "type": "number",
    "at_least": 0.0,
    "label": "Firing",
    "short": "firing",
    "unit": "h",
    "help": "Hours in the furnace.",
    "of_one_sample": False,
}
NEAREST = {"formula": "Li2O", "value": 4.0, "doi": None, "distance": 0.3}


class Feed:
    """Adds a property to the service's vocabulary and answers; remembers under which hours it was asked."""

    def __init__(self, visit: Visit, service: RunningService) -> None:
        self.service = service
        self.hours: list[Any] = []
        visit.page.route("**/vocabulary", self.vocabulary)
        visit.page.route("**/predict", self.predict)
        visit.page.route("**/ccd/grid", lambda route: route.fulfill(json=self.ask(route)))

    def ask(self, route: Route) -> Any:
        """Ask the service, which does not know the condition."""
        body = route.request.post_data_json
        self.hours.append(body.get("conditions", {}).pop("firing_h", None))
        return self.service.client.post(urlsplit(route.request.url).path, json=body).json()

    def vocabulary(self, route: Route) -> None:
        """Name the property."""
        response = route.fetch()
        document = response.json()
        document["properties"].append("porosity")
        document["labels"]["porosity"] = "Pores"
        document["quantities"].append(QUANTITY)
        document["conditions"].append(CONDITION)
        route.fulfill(response=response, json=document)

    def predict(self, route: Route) -> None:
        """Answer the first row, refuse the second a number, do not know the third."""
        document = self.ask(route)
        document["models"]["porosity"] = {"version": "1", "origin": "hand", "digest": "0"}
        for place, row in enumerate(document["results"]):
            domain = {"in_domain": place != 2, "distance": 0.3, "nearest": [NEAREST]}
            row["applicability"]["porosity"] = domain
            interval = {"value": 5.0 + place, "lower": 4.0 + place, "upper": 6.5 + place, "coverage": 0.9}
            row["porosity"] = None if place == 1 else {QUANTITY["name"]: interval}
            row["reasons"] = {**(row.get("reasons") or {}), **({"porosity": "a glass"} if place == 1 else {})}
        route.fulfill(json=document)


@pytest.fixture
def feed(visit: Visit, service: RunningService) -> Feed:
    """A service that has one property more."""
    made = Feed(visit, service)
    visit.open()
    return made


def test_its_column_has_values_bars_and_reasons(visit: Visit, feed: Feed) -> None:
    """Unit, scale and better side are those of the quantity; what is not known is hollow."""
    visit.ask("Li6PS5Cl", "Li3YCl6", "Li3N", firing="12")
    assert feed.hours == [12]
    assert visit.cells(QUANTITY["name"]) == ["1.0×10⁵", "no value: a glass", "1.0×10⁷"]
    head = visit.page.locator(f"th.col-{QUANTITY['name']}")
    assert head.locator("button").inner_text().startswith("Number of pores 1/cm³")
    assert head.locator("svg").text_content() == "10⁴10⁶10⁸"
    bars = visit.page.locator(f"td.col-{QUANTITY['name']} svg")
    assert bars.nth(0).get_attribute("aria-label") == "1.0×10⁵ 1/cm³ (90 % interval 1.0×10⁴ to 3.2×10⁶)"
    assert bars.nth(1).locator(".unknown").count() == 2
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert visit.materials() == ["Li6PS5Cl", "Li3N", "Li3YCl6"]
    visit.page.locator("#answers-body input").first.check()
    assert "1.0×10⁵ (1.0×10⁴ to 3.2×10⁶)" in visit.page.locator(".compared tbody").inner_text()


def test_its_section_has_interval_domain_and_neighbours(visit: Visit, feed: Feed) -> None:
    """An opened row tells of it what it tells of the others."""
    visit.ask("Li6PS5Cl", "Li3YCl6", "Li3N", firing="12")
    panel = visit.open_row(0)
    assert "12 h" in panel.locator(".detail-head").inner_text()
    assert "number of pores\n1.0×10⁵ 1/cm³\n1.0×10⁴ to 3.2×10⁶" in panel.locator(".part-porosity").inner_text()
    verdicts = panel.locator(".verdicts").inner_text()
    assert "known chemistry for pores: distance 0.30 to the nearest known material" in verdicts
    assert "Li2O · 1.0×10⁴ 1/cm³" in panel.locator(".part-nearest").inner_text()
    assert "porosity" not in visit.page.locator("#models").inner_text()
    assert "pores 1 (hand)" in visit.page.locator("#models").inner_text()


def test_its_condition_is_an_input(visit: Visit, feed: Feed) -> None:
    """Bounds and words of the vocabulary hold in the form."""
    visit.page.fill("#formulas", "Li3N")
    visit.page.fill("#firing", "-1")
    visit.page.click("#predict")
    assert "Firing: received -1, expected at least 0" in visit.said()
    assert feed.hours == []
    assert visit.page.locator("#firing").get_attribute("title") == "Hours in the furnace."
    assert visit.page.locator("#conditions-hint").inner_text().endswith("; pores depends on firing.")
