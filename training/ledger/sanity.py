"""Is a possible measurement also a likely one? Asked of its kind, and of the materials that all kinds know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.ledger.kinds import kinds, measurements_of
from training.ledger.material_checks import suspect_materials
from training.measurements.columns import FORMULA
from training.measurements.entries import Entry
from training.measurements.known import MeasuredMaterials, fractions_of
from training.measurements.rows import Row


def suspect(rows: Sequence[Row], kind: str, held: Sequence[Entry]) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with.

    Parameters
    ----------
    rows
        As `checks.check` gives them; only possible ones are looked at, and flagged in place.
    held
        What the ledger holds of this kind.
    """
    measurements = measurements_of(kind)
    possible = [row for row in rows if row.is_possible]
    for row in possible:
        measurements.suspect_temperature(row)
    if any(FORMULA in row.content for row in possible):
        suspect_materials(possible, known_materials(held), measurements.is_known_material)
    return measurements.suspect(possible, held)


def known_materials(held: Sequence[Entry]) -> MeasuredMaterials:
    """Return the materials of the training tables of every kind, and those that a ledger holds."""
    mine = tuple(str((entry.content or {})[FORMULA]) for entry in held if FORMULA in (entry.content or {}))
    tables = [known for one in kinds().values() if (known := one.known()) is not None]
    fractions = np.vstack([*(table.fractions for table in tables), fractions_of(mine)])
    formulas = sum((table.formulas for table in tables), ()) + mine
    some = np.asarray(fractions.any(axis=1))
    return MeasuredMaterials(fractions[some], tuple(f for f, is_known in zip(formulas, some, strict=True) if is_known))
