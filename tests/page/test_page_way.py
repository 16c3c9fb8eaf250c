"""The whole way through the page: from a list of formulas to weighed batches, by keyboard, linked, undone, printed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from running_service import RunningService, running_service

from training.ledger.store import Ledger

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.page.conftest import Visit

KEY = "a key of the laboratory"
TWELVE = [
    "Li6PS5Cl",
    "Li5.5PS4.5Cl1.5",
    "Li6PS5Br",
    "Li10GeP2S12",
    "Li3YCl6",
    "Li3InCl6",
    "Li2ZrCl6",
    "LiTaOCl4",
    "Li7La3Zr2O12",
    "Li6.5La3Zr1.5Ta0.5O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Xx2O3",
]
MOST_TABS = 400
LONGEST_MS = 30_000
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 760}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, str]]:
    """Start a service that asks for a key and keeps a ledger of its own; also its ledger's address."""
    folder = tmp_path_factory.mktemp("laboratory")
    address = f"sqlite:///{folder / 'ledger.db'}"
    with running_service(folder, ELYTE_API_KEY=KEY, ELYTE_PROTECT_READS="1", ELYTE_LEDGER_URL=address) as service:
        yield service, address


class Keyboard:
    """Somebody without a mouse: looks where the focus is and presses keys.

    Parameters
    ----------
    page
        Playwright's page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, selector: str) -> Keyboard:
        """Press Tab until the focus is on what a selector means."""
        here = "selector => Boolean(document.activeElement?.matches(selector))"
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(here, selector):
                assert self.page.evaluate("() => document.activeElement.checkVisibility()")
                return self
        raise AssertionError(f"{MOST_TABS} presses of Tab never reach {selector}")

    def press(self, key: str) -> Keyboard:
        """Press a key."""
        self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> Keyboard:
        """Write into what has the focus."""
        self.page.keyboard.type(text)
        return self

    def wait(self, selector: str) -> None:
        """Wait until something is shown."""
        self.page.wait_for_selector(selector, timeout=LONGEST_MS)


def ranked(visit: Visit, *formulas: str) -> None:
    """Ask and rank formulas."""
    visit.ask(*formulas)
    visit.page.click("#to-rank")
    visit.page.click("#rank-ask")
    visit.page.wait_for_selector("#rank-make", timeout=LONGEST_MS)


def planned(visit: Visit, *formulas: str) -> None:
    """Ask, rank and plan formulas."""
    ranked(visit, *formulas)
    visit.page.click("#rank-make")
    visit.page.wait_for_selector("#make-plans article", timeout=LONGEST_MS)


def test_from_twelve_formulas_to_five_weighed_batches_by_keyboard(
    visitor: Callable[..., Visit], laboratory: tuple[RunningService, str], artefacts: Path
) -> None:
    """A chemist who never opens a terminal, and here no mouse either: every step by Tab, Enter and Space."""
    service, _ = laboratory
    visit = visitor(service.url)
    visit.expected.append("status of 401")
    visit.page.goto(service.url)
    hand = Keyboard(visit.page)
    hand.wait("#api-key")
    hand.to("#api-key").type(KEY).press("Enter")
    hand.wait("#condition-inputs input")
    hand.to("#formulas").type("\n".join(TWELVE)).press("Control+Enter")
    hand.wait("#answers-body tr")
    assert visit.rows().count() == len(TWELVE)
    assert visit.page.locator("#answers-body tr.failed").count() == 1

    hand.to("#to-rank").press("Enter")
    hand.to(".preset[title*='NMC811']").press("Enter")
    hand.to("#rank-form summary").press("Enter")
    hand.to("#objective-text").type("ccd>=0.5@25").press("Enter")
    assert visit.page.locator("#objectives li").count() == 5
    hand.to("#rank-ask").press("Enter")
    hand.wait("#rank-table tbody tr")
    chances = [
        float(text.split(" %")[0]) for text in visit.page.locator("#rank-table td:nth-child(4)").all_inner_texts()
    ]
    assert chances == sorted(chances, reverse=True)
    assert "Xx2O3" in visit.page.inner_text("#rank-others-list")
    visit.page.screenshot(path=artefacts / "way-rank.png", full_page=True)
    hand.to("#rank-table input").press("Space")
    assert visit.page.inner_text("#rank-make") == "Plan 4 syntheses"
    hand.press("Space")
    assert visit.page.inner_text("#rank-make") == "Plan 5 syntheses"

    hand.to("#rank-make").press("Enter")
    hand.wait("#make-plans article")
    targets = visit.page.input_value("#make-targets").split("\n")
    assert len(targets) == visit.page.locator("#make-plans article").count() == 5
    assert visit.page.inner_text("#make-said").startswith("5 of 5")
    visit.page.screenshot(path=artefacts / "way-make.png", full_page=True)
    hand.to("#make-next").press("Enter")
    hand.wait("#shop-sheets article")

    body = {"formulas": targets, "grams": 2.0, "top": 3}
    expected = service.client.post("/synthesis", json=body, headers={"X-API-Key": KEY}).json()
    masses = [one["mass_g"] for plan in expected["results"] for one in plan["routes"][0]["precursors"]]
    fields = visit.page.locator("#shop-sheets input")
    assert fields.count() == len(masses)
    for key, mass in zip(fields.evaluate_all("nodes => nodes.map(n => n.dataset.key)"), masses, strict=True):
        hand.to(f"[data-key='{key}']").type(f"{1.02 * mass:.4f}").press("Tab")
        hand.press("Shift+Tab")
    assert visit.page.inner_text("#shop-said") == "5 of 5 batches weighed."
    assert "+2.0" in visit.page.locator("#shop-sheets tbody tr td:last-child").first.inner_text()
    bottles = visit.page.locator("#shop-bottles tbody tr").evaluate_all("rows => rows.map(row => row.innerText)")
    assert len(bottles) == len(expected["shopping_list"])
    for shown, bottle in zip(bottles, expected["shopping_list"], strict=True):
        assert f"{bottle['mass_g']:.4f} g" in shown
        assert bottle["handling"] in shown
    with visit.page.expect_download() as download:
        hand.to("#steps button[aria-current]").to("#shop-csv").press("Enter")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [float(row["to_weigh_g"]) for row in rows] == masses
    assert all(float(row["weighed_g"]) > 0 for row in rows)
    assert {row["batch"] for row in rows} == {"1", "2", "3", "4", "5"}
    visit.page.screenshot(path=artefacts / "way-shop.png", full_page=True)


def test_measurements_are_checked_held_accepted_and_recorded(
    visitor: Callable[..., Visit], laboratory: tuple[RunningService, str], artefacts: Path
) -> None:
    """What is doubtful waits until somebody has looked at it; what it would change is said before it is stored."""
    service, address = laboratory
    visit = visitor(service.url)
    visit.expected += ["status of 401", "status of 400"]
    visit.page.goto(service.url)
    visit.page.fill("#api-key", KEY)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#condition-inputs input")
    visit.ask("Li5.8PS4.8Cl1.2", "Li5.6PS4.6Cl1.4", "Li3InCl6", "Xx")
    visit.page.click("[data-step=measure]")
    visit.page.fill("#measure-source", "lab:2026-11-30:JD")
    visit.page.fill("#measure-who", "J. Doe")
    for formula, value in (("Li5.7PS4.7Cl1.3", "90"), ("Li6PS5Cl)", "1")):
        visit.page.fill("#measure-formula", formula)
        visit.page.fill("#measure-sigma_S_per_cm", value)
        visit.page.select_option("#measure-sigma_S_per_cm-unit", label="mS/cm")
        visit.page.fill("#measure-temperature_C", "25")
        visit.page.click("#measure-add")
    visit.page.click("#measure-check")
    visit.page.wait_for_selector("#measure-effect h3", timeout=LONGEST_MS)
    report = visit.page.locator("#measure-report > li")
    assert "row 1: held" in report.nth(0).inner_text()
    assert "far_above_known" in report.nth(0).inner_text()
    assert "row 2: refused" in report.nth(1).inner_text()
    assert visit.page.locator("#measure-record").is_disabled()

    visit.page.get_by_role("button", name="Take row 2 out").click()
    visit.page.click("#measure-check")
    boxes = visit.page.locator("#measure-report input")
    boxes.first.wait_for()
    for place in range(boxes.count()):
        boxes.nth(place).check()
    visit.page.click("#measure-check")
    visit.page.wait_for_selector("#measure-record:not(:disabled)", timeout=LONGEST_MS)
    visit.page.wait_for_selector("#measure-effect h3", timeout=LONGEST_MS)
    effect = visit.page.inner_text("#measure-effect")
    assert "measured 0.090 S/cm" in effect
    assert "at 25 °C" in effect
    moved = visit.page.locator("#measure-effect tbody tr").first.inner_text()
    assert re.search(r"Li5\.[68]PS4\.[68]Cl1\.[24]", moved.replace("\n", ""))
    assert "×" in moved
    visit.page.screenshot(path=artefacts / "way-measure.png", full_page=True)
    visit.page.click("#measure-record")
    visit.page.get_by_text("In the ledger as").wait_for(timeout=LONGEST_MS)
    ledger = Ledger.open(address)
    try:
        (entry,) = ledger.history()
    finally:
        ledger.close()
    assert entry.content is not None
    assert entry.content["sigma_S_per_cm"] == 0.09
    assert "J. Doe" in entry.who


def test_more_measurements_than_one_question_takes_are_said(
    visitor: Callable[..., Visit], laboratory: tuple[RunningService, str]
) -> None:
    """The ledger checks all; what they would change is said of as many as the service takes at once."""
    service, _ = laboratory
    visit = visitor(service.url)
    visit.expected += ["status of 401"]
    visit.page.goto(service.url)
    visit.page.fill("#api-key", KEY)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#condition-inputs input")
    visit.ask("Li6PS5Cl", "Li3InCl6")
    visit.page.click("[data-step=measure]")
    lines = [
        f"Li{6 - i / 100:.2f}PS{5 - i / 100:.2f}Cl{1 + i / 100:.2f},{1 + i / 50:.2f},25,lab:1" for i in range(1, 53)
    ]
    visit.page.evaluate("() => { for (const one of document.querySelectorAll('#measure details')) one.open = true; }")
    visit.page.fill("#measure-paste", "\n".join(["formula,sigma_mS_per_cm,temperature_C,reference", *lines]))
    visit.page.click("#measure-take")
    visit.page.click("#measure-check")
    visit.page.wait_for_selector("#measure-effect h3", timeout=LONGEST_MS)
    said = visit.page.inner_text("#measure-effect")
    assert "What follows is of the first 50 rows" in said
    assert re.search(r"measured 1\.0\d*×10⁻³ S/cm", said), said[-3000:]  # of a heading in another spelling
    assert visit.page.locator("#measure-report > li").count() >= len(lines)
    assert visit.page.locator("#problem").is_hidden()


def test_without_a_key_of_its_own_the_service_says_why_nothing_is_checked(visit: Visit) -> None:
    """The page neither hides the form nor pretends."""
    visit.expected.append("status of 403")
    visit.page.click("[data-step=measure]")
    visit.page.fill("#measure-formula", "Li3N")
    visit.page.click("#measure-add")
    visit.page.click("#measure-check")
    visit.page.wait_for_selector("#problem:not([hidden])")
    assert "takes no measurements" in visit.said()


def test_candidates_come_from_a_pattern_into_the_list(visit: Visit) -> None:
    """Once each; what cannot be read is shown with its place; the field's own undo takes them out again."""
    visit.expected.append("status of 400")
    visit.page.fill("#formulas", "Li6PS5Cl")
    visit.page.click("#generate > summary")
    visit.page.fill("#pattern", "Li{6-x}PS{5-x}Cl{1+x}")
    visit.page.click("#generate-ask")
    visit.page.wait_for_selector("#problem:not([hidden])")
    assert "no values for x" in visit.said()
    visit.page.fill("#pattern-values", "x=0:0.4:0.2")
    visit.page.click("#generate-ask")
    visit.page.click("#generate-take")
    assert visit.page.input_value("#formulas") == "Li6PS5Cl\nLi5.8PS4.8Cl1.2\nLi5.6PS4.6Cl1.4"
    visit.page.keyboard.press("Control+Z")
    assert visit.page.input_value("#formulas") == "Li6PS5Cl"


def test_a_link_brings_back_the_question_and_sends_it_nowhere(visit: Visit, visitor: Callable[..., Visit]) -> None:
    """Conditions, targets, routes and the step; behind `#`, which is in no request."""
    addresses: list[str] = []
    visit.page.on("request", lambda request: addresses.append(request.url))
    visit.page.fill("#temperature", "60")
    planned(visit, "name\tLi6PS5Cl", "Li3InCl6")
    visit.page.locator("#make-plans article").last.locator("summary").nth(1).click()
    visit.page.locator("#make-plans article").last.locator("[data-route='1']").click()
    visit.page.click("#copy-link")
    visit.page.get_by_text("Link copied.").wait_for()
    link = visit.page.evaluate("() => navigator.clipboard.readText()")
    kept = parse_qs(urlsplit(link).fragment)
    assert (kept["step"], kept["temperature"], kept["routes"]) == (["make"], ["60"], ["0,1"])
    assert not [url for url in addresses if "Li6PS5Cl" in url]
    other = visitor(visit.home)
    other.open(link.removeprefix(visit.home))
    assert other.page.input_value("#formulas") == "name\tLi6PS5Cl\nLi3InCl6"
    assert other.page.locator("#make-plans article").count() == 2
    assert other.page.locator("[data-route='1'][aria-pressed='true']").count() == 1
    other.page.click("[data-step=rank]")
    other.page.click("#rank-ask")
    other.page.wait_for_selector("#rank-make")
    assert "at 60 °C" not in other.page.inner_text("#objectives"), "targets have temperatures of their own"
    other.page.reload()
    other.page.wait_for_selector("#rank-make", timeout=LONGEST_MS)


def test_a_long_list_says_how_much_of_it_the_link_holds(visit: Visit, visitor: Callable[..., Visit]) -> None:
    """Nobody must find out by a missing row that an address was cut."""
    lines = [f"Li{3 - x / 1000:.3f}Y{1 - x / 1000:.3f}Zr{x / 1000:.3f}Cl6" for x in range(1, 900)]
    visit.paste("\n".join(lines))
    visit.page.click("#copy-link")
    visit.page.get_by_text("It holds only the first").wait_for()
    told = re.search(r"only the first ([\d,]+) of 899 lines", visit.page.inner_text("#link-said"))
    assert told is not None
    link = visit.page.evaluate("() => navigator.clipboard.readText()")
    assert 7000 < len(urlsplit(link).fragment) <= 8000
    other = visitor(visit.home)
    other.open(link.removeprefix(visit.home))
    assert f"holds the first {told[1]} of 899 lines" in other.said()
    assert other.page.input_value("#formulas").split("\n") == lines[: int(told[1].replace(",", ""))]
    assert len(visit.page.input_value("#formulas").split("\n")) == len(lines)


def test_every_step_can_be_undone(visit: Visit) -> None:
    """The button, the browser's own back, and Ctrl Z outside of fields; answers come back without asking again."""
    visit.ask("Li6PS5Cl", "Li3InCl6")
    visit.page.fill("#formulas", "Li3N")
    visit.page.click("#predict")
    visit.page.wait_for_selector("#answers-body tr:only-child")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    visit.page.click("#undo")
    visit.page.wait_for_selector("#answers-body tr:nth-child(2)")
    assert visit.page.input_value("#formulas") == "Li6PS5Cl\nLi3InCl6"
    assert asked == []
    visit.page.click("#to-rank")
    visit.page.locator("#objectives button").first.click()
    assert visit.page.locator("#objectives button").count() == 2
    visit.page.keyboard.press("Control+z")
    visit.page.wait_for_selector("#objectives li:nth-child(3)")
    visit.page.click("#rank-ask")
    visit.page.click("#rank-make", timeout=LONGEST_MS)
    visit.page.wait_for_selector("#make-plans article", timeout=LONGEST_MS)
    last = visit.page.locator("#make-plans article").last
    last.locator("summary").nth(1).click()
    last.locator("[data-route='1']").click()
    assert "routes=" in visit.page.url
    visit.page.keyboard.press("Control+z")
    visit.page.wait_for_selector("article:last-child [data-route='0'][aria-pressed='true']")
    assert "routes=" not in visit.page.url
    asked.clear()
    visit.page.go_back()
    visit.page.go_back()
    visit.page.wait_for_selector("#rank-table tbody tr")
    visit.page.go_forward()
    visit.page.wait_for_selector("#make")
    assert asked == []
    visit.page.focus("#make-targets")
    visit.page.keyboard.type("x")
    visit.page.keyboard.press("Control+z")
    assert visit.page.locator("#make").is_visible(), "inside a field the field undoes"


def downloaded(visit: Visit, press: Callable[[], None]) -> bytes:
    """Return the file that something makes the browser save."""
    with visit.page.expect_download() as download:
        press()
    return Path(download.value.path()).read_bytes()


def test_everything_can_be_taken_away_as_a_file(visit: Visit, service: RunningService) -> None:
    """JSON and CSV of every step, and SVG and PNG of every plot, each whole by itself."""
    formulas = ["Li6PS5Cl", "Li3InCl6", "Xx"]
    planned(visit, *formulas)
    plans = json.loads(downloaded(visit, lambda: visit.page.click("#make-json")))
    assert plans["routes_chosen"] == [1, 1]
    visit.page.click("#make-next")
    batches = json.loads(downloaded(visit, lambda: visit.page.click("#shop-json")))
    assert [bottle["formula"] for bottle in batches["shopping_list"]] == [
        one["formula"] for one in plans["shopping_list"]
    ]
    visit.page.click("[data-step=rank]")
    ranking = json.loads(
        downloaded(
            visit,
            lambda: (
                visit.page.get_by_role("button", name="JSON").and_(visit.page.locator("#rank-chosen button")).click()
            ),
        )
    )
    rows = list(
        csv.DictReader(
            io.StringIO(
                downloaded(
                    visit, lambda: visit.page.locator("#rank-chosen").get_by_role("button", name="CSV").click()
                ).decode()
            )
        )
    )
    assert [row["formula"] for row in rows] == [entry["formula"] for entry in ranking["ranking"]]
    visit.page.click("[data-step=answers]")
    document = json.loads(downloaded(visit, lambda: visit.page.click("#download-json")))
    expected = service.predict(*formulas).json()
    assert [row["status"] for row in document["results"]] == ["ok", "ok", "error"]
    assert document["results"][0]["conductivity"] == expected["results"][0]["conductivity"]
    visit.open_row(0)
    tools = visit.page.locator("#detail .plot-tools")
    assert tools.count() == visit.page.locator("#detail svg.chart").count() > 3
    assert visit.page.locator("#map .plot-tools").count() == 1
    for tool in tools.all():
        figure = downloaded(visit, tool.get_by_role("button", name="SVG").click)
        root = ElementTree.fromstring(figure)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not [node for node in root.iter() if "class" in node.attrib or "style" in node.attrib]
        assert any(node.get("stroke", "none").startswith("rgb") for node in root.iter())
    picture = downloaded(visit, tools.first.get_by_role("button", name="PNG").click)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5000


@pytest.mark.parametrize("formula", ["Li6PS5Cl", "UO2", "Li6.5La3Zr1.5Ta0.5O12"])
def test_the_report_of_a_candidate_is_one_sheet(visit: Visit, artefacts: Path, formula: str) -> None:
    """By the browser's own print; the dialog itself is the browser's, so that here it is left closed."""
    visit.ask(formula, "Li3InCl6")
    panel = visit.open_row(0)
    visit.page.evaluate("() => { window.print = () => { window.asked = true; }; }")
    panel.get_by_role("button", name="print a one-page report").click()
    assert visit.page.evaluate("() => window.asked")
    sheet = visit.page.pdf(format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "10mm"))
    (artefacts / f"report-{formula}.pdf").write_bytes(sheet)
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
    assert "report" not in (visit.page.locator("html").get_attribute("class") or ""), "what is printed next is the page"
    assert visit.page.locator("#question").is_visible()


@pytest.mark.parametrize("context", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_no_step_shuts_anybody_out(
    visitor: Callable[..., Visit], service: RunningService, artefacts: Path, context: dict[str, Any]
) -> None:
    """axe-core finds nothing serious on any page and step, and nothing is wider than a phone of 360 px.

    Ten looks of one to three seconds each: longer than other tests, and the only one that takes both looks and sizes.
    """
    from axe_playwright_python.sync_playwright import Axe

    visit = visitor(service.url, **context)
    width = visit.page.viewport_size["width"] if visit.page.viewport_size else 0

    def look(place: str) -> None:
        found = Axe().run(visit.page).response
        assert len(found["passes"]) > 20, "axe looked at something"
        serious = [
            (place, one["id"], one["nodes"][0]["html"][:200])
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == []
        assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= width, place

    visit.open()
    look("candidates")
    planned(visit, *TWELVE[:4], "UO2", "Xx")
    look("make")
    visit.page.click("#make-next")
    look("shop")
    visit.page.click("[data-step=rank]")
    look("rank")
    if context == PHONE:
        visit.page.screenshot(path=artefacts / "way-phone-rank.png", full_page=True)
    visit.page.click("[data-step=measure]")
    visit.page.fill("#measure-formula", "Li3N")
    visit.page.click("#measure-add")
    look("measure")
    visit.page.click("[data-step=answers]")
    look("answers")
    visit.open_row(0)
    look("detail")
    for view in ("synthesis", "coatings"):
        visit.page.goto(f"{visit.home}/page/{view}.html")
        visit.page.click("#ask button")
        visit.page.wait_for_selector("#answer:not([hidden])", timeout=LONGEST_MS)
        look(view)


def test_the_picture_of_the_way_for_the_documentation(
    visitor: Callable[..., Visit], service: RunningService, artefacts: Path
) -> None:
    """`ELYTE_ARTEFACTS=docs/images pytest tests/page -k documentation` draws docs/images/page_rank.png anew."""
    visit = visitor(service.url, viewport={"width": 1100, "height": 960})
    visit.open()
    ranked(visit, *TWELVE[:9])
    visit.page.evaluate("window.scrollTo({ top: 0, behavior: 'instant' })")
    visit.page.wait_for_timeout(500)
    visit.page.screenshot(path=artefacts / "page_rank.png")
    assert (artefacts / "page_rank.png").stat().st_size < 200_000


def test_no_number_stands_without_its_unit(visit: Visit) -> None:
    """In every cell of the ranking and of the weighing sheets, intervals and chances beside them."""
    planned(visit, *TWELVE[:4])
    visit.page.click("[data-step=rank]")
    for row in visit.page.locator("#rank-table tbody tr").all():
        sigma, hull, current = (row.locator("td").nth(place).inner_text() for place in (3, 4, 5))
        assert "S/cm" in sigma
        assert "to" in sigma
        assert "met with" in sigma
        assert "eV/atom" in hull
        assert "mA/cm²" in current
    visit.page.click("[data-step=shop]")
    for text in visit.page.locator("#shop-sheets td:nth-child(2)").all_inner_texts():
        assert text.endswith(" g")
    heads = visit.page.locator("#shop-sheets thead").first.inner_text()
    assert "Weighed, g" in heads
