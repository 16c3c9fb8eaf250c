"""The page of a service in which the toy property of another package is registered, with its model and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from plugin_world import PLUGIN, service_of, world_in
from running_service import ROOT, RunningService, running_service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.page.conftest import Visit

COLUMN = "toy_density_g_per_cm3"
PRESSURE = "toy_pressure"
FORMULAS = ["LiCl", "Li2O", "Li6PS5Cl"]


@pytest.fixture(scope="module")
def toy_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that serves the toy's model."""
    with service_of(world_in(tmp_path_factory.mktemp("page-toy"))) as started:
        yield started


@pytest.fixture
def visit(visitor: Callable[..., Visit], toy_service: RunningService) -> Visit:
    """Return a visit to its page."""
    made = visitor(toy_service.url)
    made.open()
    return made


def densities(service: RunningService, pressure_GPa: float) -> list[dict[str, Any]]:
    """Return the intervals that the service answers itself."""
    answer = service.predict(*FORMULAS, conditions={"toy_pressure_GPa": pressure_GPa})
    return [row["toy"][COLUMN] for row in answer.json()["results"]]


def test_its_values_stand_in_a_column_with_their_intervals(visit: Visit, toy_service: RunningService) -> None:
    """Between the columns of the other properties, which answer as without it."""
    visit.ask(*FORMULAS, **{PRESSURE: "10"})
    under_pressure = densities(toy_service, 10.0)
    assert [float(cell) for cell in visit.cells(COLUMN)] == pytest.approx(
        [interval["value"] for interval in under_pressure], rel=5e-3
    )
    assert visit.page.locator(f"th.col-{COLUMN} button").inner_text().startswith("Toy density g/cm³")
    label = visit.page.locator(f"td.col-{COLUMN} svg").first.get_attribute("aria-label") or ""
    assert f"(90 % interval {under_pressure[0]['lower']:#.3g} to {under_pressure[0]['upper']:#.3g})" in label
    assert len(visit.cells("sigma")) == len(FORMULAS)
    visit.page.locator(f"th.col-{COLUMN} button").click()
    in_order = sorted(zip(under_pressure, FORMULAS, strict=True), key=lambda pair: pair[0]["value"])
    assert visit.materials() == [formula for _, formula in in_order]


def test_its_condition_is_an_input_of_the_form_and_changes_the_values(visit: Visit) -> None:
    visit.ask(*FORMULAS)
    plain = [float(cell) for cell in visit.cells(COLUMN)]
    visit.ask(*FORMULAS, **{PRESSURE: "40"})
    assert [float(cell) for cell in visit.cells(COLUMN)] > plain
    assert visit.page.locator(f"#{PRESSURE}").get_attribute("title") == "Hydrostatic pressure in GPa."
    assert "toy density depends on toy pressure" in visit.page.locator("#conditions-hint").inner_text()
    visit.page.fill(f"#{PRESSURE}", "51")
    visit.page.click("#predict")
    assert "Toy pressure: received 51, expected at most 50" in visit.said()


def test_an_opened_row_shows_its_values_and_the_nearest_known_compounds(visit: Visit) -> None:
    visit.ask(*FORMULAS, **{PRESSURE: "10"})
    panel = visit.open_row(0)
    assert "toy pressure 10" in panel.locator(".detail-head").inner_text()
    told = panel.locator(".part-toy").inner_text()
    assert "toy density" in told
    assert visit.cells(COLUMN)[0] in told
    assert "LiCl · 2.07 g/cm³" in panel.locator(".part-nearest").inner_text()
    assert "known chemistry for toy density" in panel.locator(".verdicts").inner_text()


def test_a_service_without_its_model_answers_the_others_and_says_so(
    visitor: Callable[..., Visit], tmp_path: Path
) -> None:
    with running_service(tmp_path, PYTHONPATH=f"{ROOT}:{PLUGIN}", XDG_DATA_HOME=str(tmp_path / "data")) as lacking:
        visit = visitor(lacking.url)
        visit.open()
        visit.ask(*FORMULAS)
        assert visit.materials() == FORMULAS
        assert all(cell[0].isdigit() for cell in visit.cells("sigma"))
        assert set(visit.cells(COLUMN)) == {"no value: not judged"}
        assert "toy" not in visit.page.locator("#models").inner_text()
        assert visit.open_row(0).locator(".part-toy").count() == 0
