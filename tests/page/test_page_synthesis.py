"""The view of syntheses: four targets weighed with heating and reports, the list, and what cannot be planned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Visit

LONGEST_MS = 60_000


def test_four_targets_become_weighed_batches(visit: Visit) -> None:
    """Each with its route, what is usual, who did it, and one list of bottles."""
    page = visit.page
    page.goto(f"{visit.home}/page/synthesis.html")
    page.click("#ask button")
    page.wait_for_selector("#bottles tbody tr", timeout=LONGEST_MS)
    if folder := os.environ.get("ELYTE_PAGE_PICTURES"):
        page.screenshot(path=str(Path(folder) / "synthesis.png"), full_page=True)
    assert page.inner_text("#said") == "4 of 4 targets can be made from the bottles at hand"
    assert page.locator("#plans article").count() == 4
    garnet = page.locator("#plans article").first.inner_text()
    assert "La2O3" in garnet
    assert "Sintering" in garnet
    assert page.locator("#plans a[href^='https://doi.org/10.']").count() >= 10
    bottles = [text.split("\n")[0] for text in page.locator("#bottles tbody th").all_inner_texts()]
    assert {"Li2S", "P2S5", "LiCl", "InCl3", "La2O3"} <= set(bottles)
    assert "grams=2" in page.url
    assert visit.overflow_px() == 0


def test_a_linked_question_is_asked_and_a_bad_target_harms_no_other(visit: Visit) -> None:
    """The address asks at once; what cannot be read is said beside the plan that can."""
    page = visit.page
    page.goto(f"{visit.home}/page/synthesis.html?targets=Li3InCl6%0AXx2&grams=1")
    page.wait_for_selector("#bottles tbody tr", timeout=LONGEST_MS)
    assert page.inner_text("#said").startswith("1 of 2")
    assert "Not planned" in page.locator("#plans article").nth(1).inner_text()


def test_what_cannot_be_asked_is_said(visit: Visit) -> None:
    """No target, and a batch of nothing."""
    page = visit.page
    visit.expected.append("status of 400")
    page.goto(f"{visit.home}/page/synthesis.html")
    page.fill("#targets", "")
    page.click("#ask button")
    page.wait_for_selector("#problem:not([hidden])", timeout=LONGEST_MS)
    assert "formulas" in visit.said()
    page.fill("#targets", "Li3InCl6")
    page.fill("#grams", "0")
    page.click("#ask button")
    page.get_by_text("grams").first.wait_for(timeout=LONGEST_MS)
    assert page.locator("#answer").is_hidden()
