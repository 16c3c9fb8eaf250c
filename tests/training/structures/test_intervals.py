"""Intervals of structure energies cover as they say, and are wider where two potentials disagree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.structures.intervals import (
    CALIBRATION,
    EnergyIntervals,
    calibration_card,
    scale_eV_per_atom,
    shipped_intervals,
)
from training.uncertainty import InsufficientCalibrationError


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals whose spread grows with the disagreement, and the disagreement, in eV/atom."""
    rng = np.random.default_rng(seed)
    apart = np.abs(rng.normal(0.0, 0.006, n))
    return rng.normal(0.0, 1.0, n) * scale_eV_per_atom(apart), apart


def test_they_cover() -> None:
    """Of 4,000 new residuals 90 % within 2.5 percentage points: 300 calibration rows leave an SD of 1.7 %."""
    residual, apart = drawn(600, 0)
    listed = np.arange(600) < 300
    fitted = EnergyIntervals.fit(np.where(listed, residual, 3.0 * residual), apart, listed)
    for kind, times in ((True, 1.0), (False, 3.0)):
        new, new_apart = drawn(4000, 1)
        ends = [fitted.interval(0.0, float(one), listed=kind, coverage=0.9) for one in new_apart]
        inside = [low.lower[0] <= times * value <= low.upper[0] for value, low in zip(new, ends, strict=True)]
        assert np.mean(inside) == pytest.approx(0.9, abs=0.045)


def test_disagreement_and_coverage_widen() -> None:
    fitted = EnergyIntervals.fit(*drawn(200, 2), np.ones(200, dtype=bool))
    narrow, wide = (fitted.interval(-2.0, apart, listed=True, coverage=0.9) for apart in (0.0, 0.02))
    assert narrow.value[0] == wide.value[0] == -2.0
    assert wide.upper[0] - wide.lower[0] > 3 * (narrow.upper[0] - narrow.lower[0])
    sure = fitted.interval(-2.0, 0.0, listed=True, coverage=0.5)
    assert narrow.lower[0] < sure.lower[0] < sure.upper[0] < narrow.upper[0]


def test_too_few_rows_are_not_enough() -> None:
    residual, apart = drawn(20, 3)
    with pytest.raises(InsufficientCalibrationError):
        EnergyIntervals.fit(residual, apart, np.arange(20) < 15).interval(0.0, 0.0, listed=True, coverage=0.99)


def test_few_unlisted_residuals_widen_the_listed_ones() -> None:
    residual, apart = drawn(105, 5)
    listed = np.arange(105) < 100
    worse = EnergyIntervals.fit(np.where(listed, residual, 4.0 * residual), apart, listed)
    better = EnergyIntervals.fit(np.where(listed, residual, 0.1 * residual), apart, listed)
    assert worse.unlisted.factor(0.9) > 1.5 * worse.listed.factor(0.9)
    assert better.unlisted.factor(0.9) == better.listed.factor(0.9)  # never narrower


def test_what_is_written_is_read(tmp_path: Path) -> None:
    residual, apart = drawn(60, 4)
    fitted = EnergyIntervals.fit(residual, apart, np.arange(60) < 30)
    fitted.write(tmp_path / "c.json", {"why": "test"})
    said = json.loads((tmp_path / "c.json").read_text())
    assert said["about"] == {"why": "test"}
    assert np.allclose(said["listed"], fitted.listed.scores, atol=1e-6)


def test_the_shipped_calibration_says_what_it_is_made_of() -> None:
    card = calibration_card()
    assert "MPtrj" in card["training_set_of_the_potentials"]
    listed, unlisted = shipped_intervals().listed, shipped_intervals().unlisted
    assert unlisted.factor(0.9) >= listed.factor(0.9)
    assert card["figures"]["listed"]["n"] == len(shipped_intervals().listed.scores) >= 50
    assert 0.8 <= card["figures"]["listed"]["coverage_90"] <= 0.97
    assert CALIBRATION.stat().st_size < 20_000
