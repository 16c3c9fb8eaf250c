"""Polymer electrolytes on the page: fields made of the vocabulary, a curve with its band, neighbours with DOI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_service import RunningService

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

if TYPE_CHECKING:
    from tests.page.conftest import Visit

PEO = {"polymer": "PEO", "salt": "LiTFSI", "li_per_O": "0.05", "molar_mass": "100000"}


def fill(visit: Visit, **fields: str) -> None:
    """Open the part of the form for polymers and fill its fields."""
    visit.page.locator("#material-inputs details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    for name, value in fields.items():
        visit.page.fill(f"#material-{name}", value)


def test_its_fields_are_those_of_the_vocabulary(visit: Visit, service: RunningService) -> None:
    """Each with its unit; those of formulas have the text field."""
    fields = service.client.get("/vocabulary").json()["material_fields"]
    expected = [f"material-{field['name']}" for field in fields if field["kind"] != "inorganic"]
    inputs = visit.page.locator("#material-inputs input")
    assert [inputs.nth(i).get_attribute("id") for i in range(inputs.count())] == expected
    fill(visit)
    assert "mol/kg" in visit.page.locator("label[for=material-molality]").inner_text()
    assert "g/mol" in visit.page.locator("label[for=material-molar_mass]").inner_text()


def test_what_stands_in_the_fields_is_asked(visit: Visit, service: RunningService, artefacts: Path) -> None:
    """And its panel has the curve, its interval as a band, and neighbours with DOI."""
    fill(visit, **PEO)
    visit.page.fill("#temperature", "60")
    visit.predict()
    asked = {**PEO, "li_per_O": 0.05, "molar_mass": 1e5}
    answer = service.client.post("/predict", json={"candidates": [asked], "conditions": {"temperature_C": 60}}).json()[
        "results"
    ][0]
    block = answer["polymer"]
    panel = visit.open_row(0)
    assert panel.locator(".part-polymer path.band").count() == 1
    titles = panel.locator(".part-polymer .chart circle title")
    assert titles.count() == len(block["curve"])
    rows = panel.locator(".part-polymer table tbody tr")
    assert rows.count() == len(block["curve"])
    assert "S/cm" in panel.locator(".part-polymer .facts").inner_text()
    dois = panel.locator("a[href^='https://doi.org/10.']")
    assert dois.count() >= 1
    assert re.search(r"S/cm at \d+", panel.inner_text())
    visit.page.screenshot(path=artefacts / "polymer.png", full_page=True)
    assert visit.overflow_px() <= 0


def test_several_are_listed_beside_formulas_and_files(visit: Visit) -> None:
    fill(visit, **PEO)
    visit.page.click("#material-inputs button")
    assert visit.page.locator("#files > li").count() == 1
    assert visit.page.input_value("#material-polymer") == ""
    fill(visit, polymer="PTMC", salt="LiTFSI", salt_wt_percent="40")
    visit.ask("Li6PS5Cl", "PEO20-LiTFSI")
    assert visit.rows().count() == 4
    assert len(visit.cells("log10_polymer_sigma_S_per_cm")) == 4


def test_a_field_that_makes_no_sense_is_said(visit: Visit) -> None:
    fill(visit, salt="LiTFSI")
    visit.page.locator("#material-inputs details").evaluate("one => { one.open = true; }")
    visit.page.fill("#formulas", "Li6PS5Cl")
    visit.predict()
    assert "no polymer is given" in visit.page.locator("#answers-body").inner_text()
    visit.page.fill("#material-salt", "")
    visit.page.click("#material-inputs button")
    assert "nothing is given" in visit.said()
