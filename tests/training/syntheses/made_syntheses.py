"""Made-up syntheses for tests of the code; never to claim accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from training.syntheses.table import NOT_REPORTED, Heating, ReportedSynthesis

METALS = ("Zr", "Ti", "Hf", "Sn", "Ge", "Si")


def reported(
    target: str, precursors: Sequence[str], sintering_C: float = math.nan, doi: str = "10.1/a", **more: object
) -> ReportedSynthesis:
    """Return a synthesis of which only the sintering is known."""
    heating = (Heating(sintering_C, 10.0), NOT_REPORTED, NOT_REPORTED)
    return ReportedSynthesis(target, tuple(precursors), heating, "", doi, 2010, "")._replace(**more)  # type: ignore[arg-type]


def many(count: int, seed: int = 0) -> list[ReportedSynthesis]:
    """Return oxides whose sintering rises with their zirconium, with 30 C of noise, three to a paper."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(count):
        share, metal = round(float(rng.uniform(0.05, 0.95)), 3), METALS[1 + n % 5]
        target = f"Li2Zr{share:.3f}{metal}{1 - share:.3f}O3"
        temperature = 700.0 + 400.0 * share + 30.0 * rng.normal()
        rows.append(reported(target, ("Li2CO3", "ZrO2", f"{metal}O2"), temperature, f"10.1/{n // 3}"))
    return rows
