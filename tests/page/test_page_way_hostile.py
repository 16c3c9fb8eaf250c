"""The way where a link is hostile, a list of targets changes, and a file is mended: nothing of before is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.page.conftest import Visit

LONGEST_MS = 30_000


@pytest.mark.parametrize("step", ["constructor", "__proto__", "toString", "<b>"])
def test_a_step_that_is_none_is_the_first(visit: Visit, step: str) -> None:
    """Names that every object has would show a page without any part."""
    visit.page.goto("about:blank")
    visit.open(f"/#step={step}&f=Li3N")
    assert visit.page.locator("#question").is_visible()
    assert visit.page.locator("[data-step=candidates][aria-current=step]").count() == 1
    assert visit.page.input_value("#formulas") == "Li3N"


def test_a_link_by_hand_needs_no_method(visit: Visit) -> None:
    visit.page.goto("about:blank")
    visit.open("/#step=rank&f=Li6PS5Cl%0ALi3InCl6&wanted=sigma%3E%3D1e-4%4025")
    visit.page.wait_for_selector("#rank-make", timeout=LONGEST_MS)
    assert visit.page.input_value("#rank-method") == "success"


@pytest.mark.parametrize(
    "what", ["f=%3Cimg%20src=x%20onerror=document.title='taken'%3E&step=answers", "make=%3Cb%3E&step=make"]
)
def test_what_a_link_holds_is_text(visit: Visit, what: str) -> None:
    visit.page.goto("about:blank")
    visit.open(f"/#{what}")
    visit.page.wait_for_selector("#answers-body tr.failed, #make-plans article", timeout=LONGEST_MS)
    assert "taken" not in visit.page.title()
    assert visit.page.locator("main img, #make-plans b b").count() == 0


def test_what_was_weighed_belongs_to_its_target(visit: Visit) -> None:
    """Both are made with LiCl: what was weighed for the one is not shown as weighed for the other in its place."""
    page = visit.page
    page.click("[data-step=make]")
    for targets, noted in (("Li3InCl6", None), ("Li3YCl6", ""), ("Li3YCl6\nLi3InCl6", "0.7")):
        page.fill("#make-targets", targets)
        with page.expect_response("**/synthesis"):
            page.click("#make-ask")
        page.get_by_text("can be made from the bottles").wait_for(timeout=LONGEST_MS)
        page.click("[data-step=shop]")
        chloride = page.get_by_label(f"Weighed LiCl for {targets.splitlines()[-1]}, g")
        if noted is None:
            chloride.fill("0.7")
            chloride.press("Tab")
        else:
            assert chloride.input_value() == noted
        page.click("[data-step=make]")


def test_a_mended_file_of_the_same_name_and_length_is_asked_anew(visit: Visit) -> None:
    """A ranking of what the file held before would look like that of what it holds now."""
    for formula in ("Li6PS5Cl", "Li3InCl6"):
        text = f"id,formula\none,{formula}\ntwo,Li3YCl6\n"
        visit.page.set_input_files("#choose", [{"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode()}])
        visit.page.get_by_text("1 file read").wait_for()
        visit.page.click("[data-step=rank]")
        with visit.page.expect_response("**/rank"):
            visit.page.click("#rank-ask")
        visit.page.click("[data-step=candidates]")
        shown = visit.page.inner_text("#answers-body tr:first-child").replace("\n", "")
        assert formula in shown
        visit.page.get_by_role("button", name="Leave out a.csv").click()
