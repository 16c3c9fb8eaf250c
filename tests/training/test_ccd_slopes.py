"""A condition moves critical currents only where the reports tell its slope from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from ccd_world import FORMULAS, NOISE_SD, cells

from training.properties.ccd.cells import Reports
from training.properties.ccd.model import Regression
from training.properties.ccd.slopes import SLOPES, slope_of, uncarried, without_uncarried

CONDITION = "stack_pressure_MPa"


def pressed_world(effect: float, n_papers: int = 60) -> Reports:
    """Return papers that press one material at four pressures, with an effect a decade."""
    random = np.random.default_rng(5)
    paper = np.repeat(np.arange(n_papers), 4)
    which = random.integers(0, len(FORMULAS), n_papers)[paper]
    pressure = 10.0 ** random.uniform(-0.5, 1.5, len(paper))
    given = cells(which, ["none"] * len(paper), np.full(len(paper), 25.0), stack_pressure_MPa=pressure)
    value = effect * np.log10(pressure) + random.normal(0.0, NOISE_SD, len(paper))
    return Reports(given, value, np.zeros(len(paper), dtype=bool), np.char.add("paper ", paper.astype(np.str_)))


@pytest.mark.parametrize("effect", [0.4, -0.4])
def test_an_effect_of_the_reports_is_kept(effect: float) -> None:
    reports = pressed_world(effect)
    regression = Regression.of(reports)
    slope = slope_of(regression, CONDITION)
    assert slope.is_carried
    assert slope.value == pytest.approx(effect, abs=0.1), "the prior shrinks it a little"
    kept = without_uncarried(regression, reports.cells)
    np.testing.assert_array_equal(kept.log10_pressure_MPa, reports.cells.log10_pressure_MPa)


def test_no_effect_is_no_slope() -> None:
    reports = pressed_world(0.0)
    regression = Regression.of(reports)
    assert CONDITION in uncarried(regression)
    said = regression(without_uncarried(regression, reports.cells))
    low, high = (
        regression(without_uncarried(regression, cells(np.array([0]), ["none"], np.array([25.0]), **{CONDITION: p})))
        for p in (np.array([1.0]), np.array([30.0]))
    )
    assert low.centre == high.centre
    assert np.isfinite(said.centre).all()


def test_a_slope_is_told_in_the_direction_of_its_condition() -> None:
    """The column of the resistance is turned round for its sign; the slope is not."""
    regression = Regression.of(pressed_world(0.3))
    assert slope_of(regression, "interfacial_resistance_ohm_cm2").value <= 0.0
    assert slope_of(regression, "relative_density").value >= 0.0
    for condition in SLOPES:
        slope = slope_of(regression, condition)
        assert slope.lower <= slope.value <= slope.upper
