"""Predictions beside measurements, for rows whose source the predicting model had not seen; of any property."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from training.refitting.comparison import Comparison, Coverage
from training.refitting.statistics import bootstrap_mean

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutPredictions:
    """n rows with what was measured and what was predicted; each array of shape (n,).

    Parameters
    ----------
    row_id, source, family
        Names; `source` joins rows that must stay on one side of a split.
    measured, value, lower, upper
        log10 of the property's unit; the interval is the honest 90 % one, not calibrated on the row itself.
    is_upper_bound, is_lower_bound
        Whether only a bound was reported.
    """

    row_id: Texts
    source: Texts
    family: Texts
    measured: Array
    value: Array
    lower: Array
    upper: Array
    is_upper_bound: Flags
    is_lower_bound: Flags

    def __len__(self) -> int:
        return len(self.row_id)

    def take(self, rows: NDArray[np.int64] | Flags) -> HeldOutPredictions:
        """Return the chosen rows."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def of_rows(self, row_ids: Sequence[str] | Texts) -> HeldOutPredictions:
        """Return the rows of these names, in their order here; names without a row are passed over."""
        return self.take(np.isin(self.row_id, np.asarray(row_ids, dtype=np.str_)))

    def saying(self, value: Array) -> HeldOutPredictions:
        """Return the same rows with other predicted values, and no interval."""
        unknown = np.full(len(self), np.nan)
        return replace(self, value=value, lower=unknown, upper=unknown)

    @property
    def error(self) -> Array:
        """Absolute error; a prediction on the allowed side of a bound has none."""
        signed = self.value - self.measured
        free = (self.is_upper_bound & (signed < 0.0)) | (self.is_lower_bound & (signed > 0.0))
        return np.where(free, 0.0, np.abs(signed))

    @property
    def is_covered(self) -> Flags:
        """Whether the interval holds what was measured; for a bound, whether it reaches to the allowed side."""
        reaches_down = (self.lower <= self.measured) | self.is_lower_bound
        reaches_up = (self.upper >= self.measured) | self.is_upper_bound
        covered: Flags = reaches_down & reaches_up
        return covered

    def to_bytes(self) -> bytes:
        """Return an archive of plain arrays."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> HeldOutPredictions:
        """Return what `to_bytes` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})


def together(parts: Sequence[HeldOutPredictions]) -> HeldOutPredictions:
    """Return the rows of several as one."""
    return HeldOutPredictions(
        **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(HeldOutPredictions)}
    )


def compare(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> Comparison | None:
    """Compare errors on the rows that both judged; None where there is none.

    Sources are the challenger's: a new row may have tied two of them together.
    """
    ours, theirs = _common(champion, challenger)
    if not len(ours):
        return None
    before, after = champion.error[ours], challenger.error[theirs]
    source = challenger.source[theirs]
    difference, low, high = bootstrap_mean(after - before, source)
    return Comparison(
        len(ours), len(np.unique(source)), float(before.mean()), float(after.mean()), difference, low, high
    )


def compare_coverage(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> Coverage | None:
    """Compare the share of rows that intervals hold; None without rows."""
    if not len(challenger) or not len(champion):
        return None
    return Coverage(float(champion.is_covered.mean()), float(challenger.is_covered.mean()), len(challenger))


def _common(one: HeldOutPredictions, other: HeldOutPredictions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    _, ours, theirs = np.intersect1d(one.row_id, other.row_id, return_indices=True)
    return ours, theirs
