"""The panel for the rate of a cell: the review's question in the browser, a waterfall, refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from serving.cells.design import CELL, cell_conditions
from serving.cells.losses import LOSSES
from training.properties import registry

if TYPE_CHECKING:
    from running_service import RunningService

    from tests.page.conftest import Visit

ONE_SAMPLE = {name for name, one in registry.conditions().items() if one.of_one_sample}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}


def asked(visit: Visit, **numbers: str) -> str:
    """Fill numbers of the cell, ask, and return the answer's text."""
    for name, value in numbers.items():
        visit.page.fill(f"#cell-{name}", value)
    visit.page.click("#cell-ask")
    visit.page.wait_for_selector("#cell-answer > *", timeout=30_000)
    visit.page.wait_for_selector("#cell-ask:enabled")
    visit.page.wait_for_timeout(200)
    return visit.page.locator("#cell-answer").inner_text()


def test_the_review_question_in_the_browser(visit: Visit, service: RunningService, artefacts: Path) -> None:
    text = asked(visit, anolyte="Li5.5PS4.5Cl1.5", catholyte="Li3InCl6", c_rate="4")
    sent = {"anolyte": "Li5.5PS4.5Cl1.5", "catholyte": "Li3InCl6", "conditions": {"c_rate": 4}}
    answer = service.client.post("/rate", json=sent).json()
    assert "asked for: 4C" in text
    assert "Limited by critical current of the anolyte" in text
    assert answer["limited_by"] == "critical_current"
    bars = visit.page.locator(".waterfall .fall.loss")
    assert bars.count() == len(LOSSES)
    widths = [float(bars.nth(i).get_attribute("width") or 0) for i in range(len(LOSSES))]
    named = dict(zip(LOSSES, widths, strict=True))
    assert max(named, key=lambda name: named[name]) == "cathode_ions"
    assert named["cathode_ions"] / named["anode_interface"] == pytest.approx(
        answer["losses_mV"]["cathode_ions"] / answer["losses_mV"]["anode_interface"], rel=0.02
    )
    visit.page.locator("#cell").screenshot(path=artefacts / "cell.png")


def test_every_number_of_the_cell_can_be_stated(visit: Visit) -> None:
    for name in CELL:
        assert visit.page.locator(f"#cell-{name}").count() == 1
    assert visit.page.locator("#cell-temperature_C").input_value() == "25"
    for name in cell_conditions():
        assert visit.page.locator(f"#cell-{name}").count() == (name not in ONE_SAMPLE)
    for name in ("nets", "energies", "synthesis_temperature_C"):
        assert visit.page.locator(f"#cell-{name}").count() == 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("thickness_um", "0", "expected at least 0.001"),
        ("areal_capacity_mAh_cm2", "-5", "expected at least 0.001"),
        ("temperature_C", "298", "expected at most 250"),
    ],
)
def test_a_cell_that_cannot_be_is_not_asked(visit: Visit, name: str, value: str, words: str) -> None:
    visit.page.fill(f"#cell-{name}", value)
    visit.page.click("#cell-ask")
    visit.page.wait_for_selector("#problem:not([hidden])")
    assert words in visit.said()


def test_an_unknown_partner_is_answered_with_the_names(visit: Visit) -> None:
    text = asked(visit, anolyte="foo")
    assert "known by name are LLZO" in text


def test_a_phone_shows_all_of_it(visitor: Callable[..., Visit], service: RunningService) -> None:
    visit = visitor(service.url, **PHONE)
    visit.open()
    asked(visit)
    assert visit.overflow_px() <= 0
