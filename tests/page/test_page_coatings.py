"""The view of coatings: form, funnel, table, and the question in the address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Visit

LONGEST_MS = 60_000


def shot(visit: Visit, name: str) -> None:
    """Keep a picture where a folder for it is named."""
    if folder := os.environ.get("ELYTE_PAGE_PICTURES"):
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_the_reviews_question_is_answered_by_one_press(visit: Visit) -> None:
    """Both sides, the funnel, the coatings left, and the reported ones with why they left."""
    page = visit.page
    page.goto(f"{visit.home}/page/coatings.html")
    page.click("#ask button")
    page.wait_for_selector("#coatings tbody tr", timeout=LONGEST_MS)
    shot(visit, "coatings")
    assert "a coating is needed" in page.inner_text("#says")
    assert page.locator("#funnel b").first.inner_text() == "8,656"
    names = page.locator("#coatings tbody th").all_inner_texts()
    assert any("LiF" in name for name in names)
    assert "LiNbO3: left: oxidised" in page.inner_text("#asked")
    assert "cutoff=4.3" in page.url
    page.locator("#coatings summary").first.click()
    assert "NMC811, charged" in page.locator("#coatings details").first.inner_text()
    assert visit.overflow_px() == 0


def test_an_address_asks_again(visit: Visit) -> None:
    """What is linked is answered at once, the side of lithium included, with own candidates."""
    page = visit.page
    page.goto(f"{visit.home}/page/coatings.html?electrolyte=Li6PS5Cl&side=lithium&own=Li2.9PO3.3N0.46")
    page.wait_for_selector("#coatings tbody tr", timeout=LONGEST_MS)
    shot(visit, "coatings_lithium")
    assert page.locator("#cathode").is_hidden()
    assert "Li2.9PO3.3N0.46" in page.inner_text("#asked")


def test_what_cannot_be_asked_is_said(visit: Visit) -> None:
    """An unknown cathode names those that are known; a cutoff below the cathode's range says what was expected."""
    page = visit.page
    page.goto(f"{visit.home}/page/coatings.html?electrolyte=Li6PS5Cl&side=cathode&cathode=NMC999&cutoff=4.3")
    page.wait_for_selector("#problem:not([hidden])", timeout=LONGEST_MS)
    assert "NMC811" in visit.said()
    page.fill("#cathode", "NMC811")
    page.fill("#cutoff", "2")
    page.click("#ask button")
    page.get_by_text("charged above 3 V").wait_for(timeout=LONGEST_MS)
    assert page.locator("#answer").is_hidden()
