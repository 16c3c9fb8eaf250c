"""What a chemist does with the page, in a real browser before the real service."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running_service import ROOT, RunningService

if TYPE_CHECKING:
    from tests.page.conftest import Visit

FAMILIES = ["Li6PS5Cl", "Li10GeP2S12", "Li3YCl6", "Li3InCl6", "Li7La3Zr2O12", "Li1.3Al0.3Ti1.7P3O12", "LiTaOCl4"]
MISTAKES = ["Li6PS5Cl", "Xx2O3", "Li3YCl6", "li6ps5cl", "UO2"]
NACL_TYPE_CIF = """data_LiCl
_cell_length_a 5.14
_cell_length_b 5.14
_cell_length_c 5.14
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
_space_group_IT_number 225
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0 0 0 1
Cl1 Cl 0.5 0.5 0.5 1
"""


def power_text(log10: float) -> str:
    """Write a conductivity as the page does."""
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa}×10{str(exponent).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def asked(service: RunningService, formulas: list[str], **more: Any) -> list[dict[str, Any]]:
    """Return the rows that the service answers itself."""
    rows: list[dict[str, Any]] = service.predict(*formulas, **more).json()["results"]
    return rows


def test_paste_and_predict(visit: Visit, service: RunningService) -> None:
    """The numbers of the table are those of the service, and every value has its interval as a bar."""
    visit.ask(*FAMILIES, temperature="60")
    assert visit.materials() == FAMILIES
    rows = asked(service, FAMILIES, conditions={"temperature_C": 60})
    for cell, row in zip(visit.cells("sigma"), rows, strict=True):
        interval = row["conductivity"]["log10_sigma_S_per_cm"]
        assert cell.startswith(power_text(interval["value"]))
    bars = visit.page.locator("#answers-body td.col-sigma svg[role=img]")
    assert bars.count() == len(FAMILIES)
    label = bars.first.get_attribute("aria-label") or ""
    lower = rows[0]["conductivity"]["log10_sigma_S_per_cm"]["lower"]
    assert f"90 % interval {power_text(lower)}" in label
    link = visit.page.locator("#answers-body td.col-nearest a").first
    doi = rows[0]["applicability"]["conductivity"]["nearest"][0]["doi"]
    assert link.get_attribute("href") == f"https://doi.org/{doi}"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert "ready · conductivity" in visit.page.locator("#models").inner_text()


def test_what_a_property_alone_knows_is_told_by_its_own_module(visit: Visit) -> None:
    """The page's own text knows of no plot, no caveat and no condition."""
    told = {
        "#stories": ["Arrhenius plot", "window between lithium", "critical current"],
        "#caveats": ["0 K thermodynamics"],
        "#condition-columns": ["temperature_C, population, synthesis_temperature_C"],
    }
    own = (ROOT / "serving" / "page" / "index.html").read_text()
    for place, words in told.items():
        text = visit.page.locator(place).inner_text()
        for word in words:
            assert word in text
            assert word.split(",")[0] not in own


def test_ids_before_a_tab_and_tables_with_a_header_paste(visit: Visit) -> None:
    """Two columns of a spreadsheet come with tabs between them."""
    visit.ask("first\tLi6PS5Cl", "Li3N")
    assert visit.page.locator("#answers-body .id").all_text_contents() == ["first"]
    visit.ask("formula\ttemperature_C\tid", "Li3N\t80\twarm")
    assert visit.page.locator("#answers-body .id").all_text_contents() == ["warm"]
    assert "80 °C" in visit.open_row(0).inner_text()


def test_bad_rows_stand_in_their_places_in_words(visit: Visit, service: RunningService) -> None:
    """A list from a lab always holds a typing error; it must be found at once and cost nobody else his answer."""
    visit.ask(*MISTAKES)
    kinds = [row.get_attribute("class") for row in visit.rows().all()]
    assert kinds == ["answered", "failed", "answered", "failed", "answered"]
    for index, row in enumerate(asked(service, MISTAKES)):
        if row["status"] == "error":
            text = visit.rows().nth(index).inner_text()
            assert row["error"]["message"] in text
            assert row["error"]["code"] in text
            assert f"line {index + 1}" in text
    unknown = visit.rows().nth(4).inner_text()
    assert "NOT known" in unknown
    assert "no lithium" in unknown
    visit.page.click("button[data-sort=sigma]")
    assert [row.get_attribute("class") for row in visit.rows().all()][-2:] == ["failed", "failed"]


def test_what_was_read_is_said_where_it_was_typed_otherwise(visit: Visit, artefacts: Path) -> None:
    """Beneath the material in the table and in the panel; the same text is not said twice."""
    visit.ask("named\tLi₇La₃Zr₂O₁₂", "Li1.3Al0.3Ti1.7(PO4)3", "Li6PS5Cl", "Li6PS5Cl)")
    said = [row.locator(".col-material .read-as").all_text_contents() for row in visit.rows().all()]
    assert said == [["read as Li7La3Zr2O12"], ["read as Li1.3Al0.3Ti1.7P3O12"], [], []]
    assert visit.materials()[0] == "Li₇La₃Zr₂O₁₂"
    assert visit.materials()[3] == "Li6PS5Cl)"
    panel = visit.open_row(0)
    assert panel.locator(".detail-head .read-as").all_text_contents() == ["read as Li7La3Zr2O12"]
    visit.page.screenshot(path=artefacts / "read-as.png")
    assert visit.open_row(2).locator(".read-as").count() == 0


def test_a_csv_with_conditions_is_dropped(visit: Visit, service: RunningService) -> None:
    """Quotes, a byte order mark, columns of conditions and a wrong cell, told with its line."""
    text = (
        "\ufeffid,formula,temperature_C,interlayer_type,remark\r\n"
        'warm,Li6PS5Cl,60,oxide,"a, b"\r\n'
        '"with ""quotes""",Li3YCl6,,,\r\n'
        "wrong,Li3N,hot,,\r\n"
        "cold,Li6PS5Cl,-20,,\r\n"
    )
    visit.drop(("candidates.csv", text))
    listed = visit.page.locator("#files").inner_text()
    assert "4 rows, 1 with a wrong cell" in listed
    assert "remark" in listed
    visit.predict()
    assert visit.page.locator("#answers-body .id").all_text_contents() == ["warm", 'with "quotes"', "wrong", "cold"]
    assert (
        "candidates.csv, line 4: temperature_C: received 'hot', expected a number" in visit.rows().nth(2).inner_text()
    )
    for index, degrees in ((0, 60), (3, -20)):
        row = asked(service, ["Li6PS5Cl"], conditions={"temperature_C": degrees})[0]
        assert power_text(row["conductivity"]["log10_sigma_S_per_cm"]["value"]) in visit.rows().nth(index).inner_text()
    panel = visit.open_row(0).inner_text()
    assert "interlayer oxide" in panel


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "id;formula\n1;Li3N\n", "separated by semicolons"),
        ("b.csv", "name,sigma\nLi3N,25\n", "expected 'formula' or 'cif'"),
        ("c.csv", "formula,Temperature_c\nLi3N,25\n", "is 'temperature_C' meant?"),
        ("d.csv", 'formula\n"Li3N\n', "quotation mark opens and never closes"),
        ("e.csv", "formula,formula\nLi3N,Li3N\n", "twice"),
        ("f.csv", "", "holds no rows"),
        ("g.xlsx", "PK", "expected a file that ends in"),
    ],
)
def test_files_that_make_no_sense_are_refused_in_words(visit: Visit, name: str, text: str, words: str) -> None:
    """The message must say which file, what was found and what was expected."""
    visit.drop((name, text))
    assert words in visit.said()
    assert name in visit.said()
    assert visit.page.locator("#files > li").count() == 0


def test_cifs_are_dropped(visit: Visit, service: RunningService) -> None:
    """Several structures at once, named by their files; a broken one is an error row."""
    visit.drop(("LiCl.cif", NACL_TYPE_CIF), ("broken.cif", "data_x\n_cell_length_a 3\n"))
    visit.predict()
    row = service.client.post("/predict", json={"candidates": [{"cif": NACL_TYPE_CIF}]}).json()["results"][0]
    first = visit.rows().nth(0).inner_text()
    assert visit.page.locator("#answers-body .id").first.text_content() == "LiCl" or visit.materials()[0] == "LiCl"
    assert power_text(row["conductivity"]["log10_sigma_S_per_cm"]["value"]) in first
    assert "unparseable_cif" in visit.rows().nth(1).inner_text()
    assert "formula and unit cell" in visit.open_row(0).inner_text()


def test_sorting_and_moving_by_keyboard(visit: Visit, service: RunningService) -> None:
    """Heads are buttons, rows follow the arrow keys, Enter opens and Escape leads back to the row."""
    visit.ask(*FAMILIES)
    values = {row["formula"]: row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in asked(service, FAMILIES)}
    head = visit.page.locator("button[data-sort=sigma]")
    head.focus()
    visit.page.keyboard.press("Enter")
    assert visit.materials() == sorted(FAMILIES, key=lambda formula: -values[formula])
    assert visit.page.locator("th.col-sigma").get_attribute("aria-sort") == "descending"
    assert visit.page.evaluate("document.activeElement.dataset.sort") == "sigma"
    visit.page.keyboard.press("Space")
    assert visit.materials() == sorted(FAMILIES, key=lambda formula: values[formula])
    assert visit.page.locator("th.col-sigma").get_attribute("aria-sort") == "ascending"

    visit.rows().nth(0).focus()
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    title = visit.page.locator("#detail-title")
    title.wait_for()
    assert title.text_content() == visit.materials()[1]
    assert visit.page.evaluate("document.activeElement.id") == "detail-title"
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("#detail").is_hidden()
    focused = visit.page.evaluate("document.activeElement.dataset.index")
    assert focused == visit.rows().nth(1).get_attribute("data-index")


def test_a_row_opens_with_its_four_plots(visit: Visit) -> None:
    """Arrhenius with band, window with electrodes and products, critical current with band, drivers."""
    visit.ask("LiBH4", "Li3N", interlayer="oxide")
    panel = visit.open_row(0)
    plots = {"arrhenius": "Arrhenius plot", "window": "Stability windows", "ccd": "Critical current density"}
    for part, words in plots.items():
        chart = panel.locator(f".part-{part} svg.chart")
        assert words in (chart.get_attribute("aria-label") or "")
    assert panel.locator(".part-drivers svg.chart .driver").count() >= 8
    assert panel.locator(".part-arrhenius .band").count() == 1
    assert panel.locator(".part-arrhenius .mark").count() == 11
    assert panel.locator(".part-ccd .band").count() == 1
    text = panel.inner_text()
    assert "orthorhombic to hexagonal" in text  # the phase change near 117 C
    assert "→" in panel.locator(".reactions").inner_text()
    assert {"Li metal", "LFP", "NMC811"} <= set(panel.locator(".part-window .lane-label").all_text_contents())
    assert "10.1" in panel.locator(".part-nearest").inner_text()
    assert "Answered by: conductivity" in text

    panel.locator("#ccd-interlayer").select_option("carbon")
    visit.page.wait_for_selector("#detail .part-ccd .end-label:has-text('carbon')")
    panel.get_by_role("button", name="Show reactions at interfaces").click()
    table = panel.locator(".contacts table")
    table.wait_for()
    assert {"lithium", "LFP", "LiNbO3", "water"} <= set(re.findall(r"\w+", table.inner_text()))
    panel.get_by_role("button", name="next material").click()
    assert visit.page.locator("#detail-title").text_content() == "Li3N"


def test_numbers_of_the_arrhenius_plot_are_those_of_the_service(visit: Visit, service: RunningService) -> None:
    """The plot asks once for all temperatures; its table must hold what single questions answer."""
    visit.ask("Li6PS5Cl")
    panel = visit.open_row(0)
    rows = panel.locator(".part-arrhenius .figures tbody tr").all_text_contents()
    for degrees in (-40, 160):
        row = asked(service, ["Li6PS5Cl"], conditions={"temperature_C": degrees})[0]
        interval = row["conductivity"]["log10_sigma_S_per_cm"]
        expected = f"{degrees}" + "".join(power_text(interval[end]) for end in ("value", "lower", "upper"))
        assert expected in rows


def test_five_are_compared_and_a_sixth_is_refused(visit: Visit) -> None:
    """More than five lines are a tangle; the page says so instead of drawing them."""
    visit.ask(*FAMILIES)
    boxes = visit.page.locator("#answers-body input[type=checkbox]")
    for index in range(5):
        boxes.nth(index).check()
    boxes.nth(5).click()
    assert not boxes.nth(5).is_checked()
    assert "Five materials are the most" in visit.said()
    visit.page.wait_for_selector("#comparison [aria-busy]", state="detached")
    visit.page.wait_for_timeout(150)
    assert visit.page.locator("#comparison .compared tbody tr").count() == 5
    charts = visit.page.locator("#comparison svg.chart")
    assert charts.count() == 3
    assert charts.nth(0).locator(".line").count() == 5
    assert charts.nth(1).locator(".window-limit").count() == 10
    visit.page.get_by_role("button", name="Take Li6PS5Cl out").click()
    boxes.nth(5).check()
    assert visit.page.locator("#comparison .compared tbody tr").count() == 5
    assert not boxes.nth(0).is_checked()
    visit.page.click("#compare-clear")
    assert visit.page.locator("#comparison").is_hidden()


def pareto(points: dict[str, tuple[float, float]]) -> set[str]:
    """Return who is beaten by nobody, by looking at every pair."""
    return {
        name
        for name, (x, y) in points.items()
        if not any(u >= x and v >= y and (u, v) != (x, y) for u, v in points.values())
    }


def test_the_front_is_the_pareto_front(visit: Visit, service: RunningService) -> None:
    """Every pair is compared here; the page sorts once."""
    formulas = [f"Li{3 - x / 10:.1f}Y{1 - x / 10:.1f}Zr{x / 10:.1f}Cl6" for x in range(1, 9)] + FAMILIES + ["Li3AcCl6"]
    points, known = {}, set()
    for row in asked(service, formulas):
        stability = row["stability"]
        if stability["reduction_V"] is None:
            continue
        width = stability["oxidation_V"]["value"] - stability["reduction_V"]["value"]
        points[row["formula"]] = (row["conductivity"]["log10_sigma_S_per_cm"]["value"], width)
        if all(row["applicability"][name]["in_domain"] for name in ("conductivity", "stability")):
            known.add(row["formula"])
    visit.ask(*formulas)
    front = visit.page.locator("#front button")
    assert set(front.all_text_contents()) == pareto(points)
    assert visit.page.locator("#map-plot .point").count() == len(points)
    assert visit.page.locator("#map-plot .point.unknown").count() == len(points) - len(known)
    visit.page.check("#known-only")
    assert set(front.all_text_contents()) == pareto({name: points[name] for name in known})

    visit.page.locator("#map-plot .point[tabindex='0']").focus()
    visit.page.keyboard.press("ArrowRight")
    assert "S/cm, window" in visit.page.locator("#map-said").inner_text()
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("#detail").is_visible()


def test_the_downloaded_csv_is_the_table(visit: Visit, service: RunningService) -> None:
    """Whoever downloads must find what he saw, rows that were never sent included."""
    visit.drop(("list.csv", "id,formula,temperature_C\na,Li6PS5Cl,60\nb,Xx,\nc,Li3N,warm\nd,Li7La3Zr2O12,\n"))
    visit.predict()
    with visit.page.expect_download() as waiting:
        visit.page.click("#download")
    records = list(csv.DictReader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig"))))
    assert [record["id"] for record in records] == ["a", "b", "c", "d"]
    assert [record["index"] for record in records] == ["0", "1", "2", "3"]
    assert [record["status"] for record in records] == ["ok", "error", "error", "ok"]
    assert [record["error_code"] for record in records] == ["", "unknown_element", "invalid_condition", ""]
    shown = dict(zip(["a", "d"], visit.cells("sigma"), strict=True))
    for record in records:
        if record["status"] == "ok":
            assert shown[record["id"]].startswith(power_text(float(record["log10_sigma_S_per_cm"])))
            assert record["log10_ccd_mA_per_cm2"]
    assert records[0]["temperature_C"] == "60.0"
    assert visit.page.locator("#said").inner_text() == "The table is downloaded."
