"""Warnings about a material itself, which more than one property gives."""

from __future__ import annotations

import numpy as np

from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import WarningCode
from training.properties.contract import Query, Warn


def not_charge_balanced(query: Query) -> Warn:
    """Warn of compounds whose charges common oxidation states leave over."""
    imbalance = assign_ions(query.batch).charge_imbalance
    several = (query.batch.fraction > 0).sum(axis=1) > 1

    def words(row: int) -> str:
        return f"no common oxidation states balance the formula: {imbalance[row]:+.2f} charges per atom are left"

    rows = several & (np.abs(imbalance) > NEUTRALITY_TOLERANCE)
    return Warn(WarningCode.NOT_CHARGE_BALANCED, rows, words, is_of_material=True)
