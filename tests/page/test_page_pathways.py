"""The view of lithium's ways through a CIF: numbers, the drawn channels, slices, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from made_cifs import cif

if TYPE_CHECKING:
    from conftest import Visit

LONGEST_MS = 60_000
PAINTED = """id => {
  const canvas = document.querySelector(id), seen = new Set();
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let painted = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) { painted += 1; seen.add(`${data[i]},${data[i + 1]}`); }
  return [painted / (data.length / 4), seen.size];
}"""


def shot(visit: Visit, name: str) -> None:
    """Keep a picture where a folder for it is named."""
    if folder := os.environ.get("ELYTE_PAGE_PICTURES"):
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def drawn(visit: Visit, selector: str = "#channels") -> tuple[float, int]:
    """Return which share of a canvas is painted, and with how many colours."""
    visit.page.wait_for_timeout(150)
    share, colours = visit.page.evaluate(PAINTED, selector)
    return float(share), int(colours)


def test_the_example_is_drawn_and_turned(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.home}/page/pathways.html")
    page.click("#example")
    page.wait_for_selector("#answer:not([hidden])", timeout=LONGEST_MS)
    share, colours = drawn(visit)
    shot(visit, "pathways")
    assert "Li6PS5Cl, F -4 3 m" in page.inner_text("#said")
    assert "not a prediction" in page.inner_text("#warnings")
    assert share > 0.1
    assert colours > 20
    before = page.evaluate("document.querySelector('#channels').toDataURL()")
    page.focus("#channels")
    page.keyboard.press("ArrowRight")
    drawn(visit)
    assert page.evaluate("document.querySelector('#channels').toDataURL()") != before
    assert page.locator("#slices canvas").count() == 3
    assert visit.overflow_px() == 0


def test_the_threshold_opens_the_channels(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.home}/page/pathways.html")
    page.click("#example")
    page.wait_for_selector("#answer:not([hidden])", timeout=LONGEST_MS)
    labels = []
    for threshold in ("0.06", "0.4"):
        page.fill("#threshold", threshold)
        drawn(visit)
        labels.append(page.get_attribute("#channels", "aria-label") or "")
    points = [int(label.split(", ")[1].split()[0]) for label in labels]
    assert 0 < points[0] < points[1]


def test_a_file_is_described_and_a_broken_one_refused(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    page.goto(f"{visit.home}/page/pathways.html")
    (tmp_path / "hydride.cif").write_text(cif(sites="Li1 Li 0 0 0 1\nH1 H 0.5 0.5 0.5 1"))
    page.set_input_files("#file", tmp_path / "hydride.cif")
    page.wait_for_selector("#problem:not([hidden])", timeout=LONGEST_MS)
    assert "no parameters of lithium with H" in visit.said()
    assert page.locator("#answer").is_hidden()
    (tmp_path / "salt.cif").write_text(cif())
    page.set_input_files("#file", tmp_path / "salt.cif")
    page.wait_for_selector("#answer:not([hidden])", timeout=LONGEST_MS)
    assert "LiCl" in page.inner_text("#said")
