"""An evaluation of all of mechanics on made tables: its sections, and as many steps as its progress bar promises."""

from __future__ import annotations

import numpy as np
import pytest
from gap_world import made_table

from training.crystals import MEASURED_GAP
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.evaluation import evaluate, n_steps
from training.properties.mechanics.recipe import Tables
from training.properties.mechanics.tables import ModuliTable
from training.sources import missing


@pytest.mark.skipif(bool(missing([MEASURED_GAP])), reason="needs the public table of measured gaps (elyte data fetch)")
def test_an_evaluation_takes_the_steps_that_its_bar_promises() -> None:
    gaps = made_table()
    crystals = gaps.crystals.take(np.arange(0, len(gaps.crystals), 10))
    stiff = np.arange(len(crystals)) % 5 / 5.0
    auxiliary = AuxiliaryTargets(crystals.batch, np.column_stack([stiff] * 3 + [np.zeros(len(crystals))]))
    tables = Tables(ModuliTable(crystals, 1.0 + stiff, 1.3 + stiff), gaps, auxiliary)
    steps: list[str] = []
    found = evaluate(tables, quick=True, on_step=steps.append)
    assert len(steps) == n_steps(tables, quick=True)
    assert sorted(found) == ["band_gap", "elasticity", "measured_gaps"]
    assert found["elasticity"]["five_folds"]["n"] == len(crystals)
