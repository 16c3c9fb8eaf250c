"""Band gaps as they are answered: those of the table where it holds the composition, predicted ones elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.contract import rounded
from training.properties.mechanics.gap_lookup import KnownGaps
from training.properties.mechanics.gap_model import GapModel
from training.uncertainty import Interval

Array = NDArray[np.float64]
MEASURED_IS_LARGER_BY_eV = 0.6
"""Median of measured less PBE gaps of 0.5 to 4 eV, as `elyte evaluate mechanics --json` prints it (`offset_eV`)."""


@dataclass(frozen=True, eq=False)
class GapAnswers:
    """Of n compositions; NaN where nothing is said.

    Parameters
    ----------
    interval
        PBE band gaps in eV. Of the table: the middle polymorph, from the lowest to the highest.
    probability_metal
        Shape (n,); 0 or 1 of the table.
    known
        What the table holds.
    """

    interval: Interval
    probability_metal: Array
    known: KnownGaps

    @classmethod
    def of(
        cls, model: GapModel, batch: MaterialBatch, coverage: float, unknown_elements: NDArray[np.bool_]
    ) -> GapAnswers:
        """Look gaps up, and predict those that are not in the table.

        Raises
        ------
        InsufficientCalibrationError
            If too few rows were left out for the coverage.
        """
        known = model.lookup.find(batch)
        value, lower, upper = known.middle_eV.copy(), known.lowest_eV.copy(), known.highest_eV.copy()
        metal = np.where(np.isnan(value), np.nan, (value == 0.0).astype(float))
        asked = np.flatnonzero((known.n_polymorphs == 0) & ~unknown_elements)
        if len(asked):
            said = model.predict(batch if len(asked) == len(batch) else batch.take(asked))
            metal[asked] = said.p_metal
            for into, end in zip((value, lower, upper), said.interval(coverage), strict=True):
                into[asked] = end
        return cls(Interval(value, lower, upper), metal, known)

    @cached_property
    def basis(self) -> list[str]:
        """Whether each gap is of the table or of the model."""
        return ["table" if count else "model" for count in self.known.n_polymorphs.tolist()]

    def details(self) -> list[Mapping[str, Any]]:
        """Return what an answer in words says of gaps besides the interval."""
        rows = zip(
            self.basis,
            self.known.n_polymorphs.tolist(),
            *(rounded(part) for part in (self.known.lowest_eV, self.known.highest_eV)),
            *(end.tolist() for end in self.interval),
            self.probability_metal.tolist(),
            strict=True,
        )
        return [
            {
                "band_gap_basis": basis,
                "band_gap_polymorphs": {"count": count, "lowest_eV": lowest, "highest_eV": highest} if count else None,
                "band_gap_said": _said(value, lower, upper, metal, count),
            }
            for basis, count, lowest, highest, value, lower, upper, metal in rows
        ]


def _said(value: float, lower: float, upper: float, metal: float, count: int) -> str:
    """Say whether it insulates."""
    if np.isnan(value):
        return "nothing is known of its band gap"
    if count and upper == 0.0:
        return "no band gap in the table (PBE): a metal, or open d or f shells whose gap the functional closes"
    if not count and lower == 0.0:
        return f"may be a metal (probability {metal:.2f}); else a PBE gap up to {upper:.1f} eV"
    span = f" ({count} polymorphs: {lower:.2f} to {upper:.2f})" if count > 1 else ""
    return f"PBE gap {value:.2f} eV{span}; measured gaps are about {MEASURED_IS_LARGER_BY_eV:g} eV larger"
