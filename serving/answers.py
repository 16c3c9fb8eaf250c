"""The rows of an answer, in the order of the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.candidate import RowError
from features.chemistry import NEUTRALITY_TOLERANCE
from features.errors import CandidateError, Remark, WarningCode

DECIMALS = 4
BY_STATE = "; by state: "
"""Stands in warnings of measurements that disagree; what stands before it is enough for a terminal."""


class IntervalArrays(Protocol):
    """A central value with an interval, each of shape (n,)."""

    @property
    def value(self) -> NDArray[np.float64]:
        """Central values."""

    @property
    def lower(self) -> NDArray[np.float64]:
        """Lower ends."""

    @property
    def upper(self) -> NDArray[np.float64]:
        """Upper ends."""


@dataclass(frozen=True, slots=True)
class PropertyAnswers:
    """What one property says about n candidates.

    A block is None where `reasons` says why; where `errors` names one, the whole row fails. `numbers` are what other
    properties' answers may build on (names of `training.ccd.cells.MaterialNumbers`), shape (n,), NaN where it says
    nothing.
    """

    blocks: list[dict[str, Any] | None]
    applicability: list[dict[str, Any]]
    remarks: list[list[Remark]]
    reasons: list[str | None] | None = None
    errors: list[CandidateError | None] | None = None
    numbers: Mapping[str, NDArray[np.float64]] | None = None


def interval_blocks(interval: IntervalArrays, coverage: float) -> list[dict[str, Any]]:
    """Return n intervals as JSON, rounded to what carries meaning; ends that are NaN become null with a reason."""
    columns = (ends.round(DECIMALS).tolist() for ends in (interval.value, interval.lower, interval.upper))
    blocks: list[dict[str, Any]] = [
        {"value": value, "lower": lower, "upper": upper, "coverage": coverage}
        for value, lower, upper in zip(*columns, strict=True)
    ]
    for row in np.flatnonzero(np.isnan(interval.lower) | np.isnan(interval.upper)).tolist():
        reason = f"too few calibration rows for coverage {coverage:g}"
        blocks[row] |= {"lower": None, "upper": None, "reason": reason}
    return blocks


def balance_remarks(imbalance: float) -> list[Remark]:
    """Return a warning if common oxidation states leave charges over (elementary charges per atom)."""
    if abs(imbalance) <= NEUTRALITY_TOLERANCE:
        return []
    message = f"no common oxidation states balance the formula: {imbalance:+.2f} charges per atom are left"
    return [Remark(WarningCode.NOT_CHARGE_BALANCED, message)]


def error_row(error: RowError) -> dict[str, Any]:
    """Return the answer to a row that cannot be answered."""
    return {
        "id": error.id,
        "index": error.index,
        "status": "error",
        "error": {
            "code": str(error.code),
            "message": error.message,
            "index": error.index,
            "id": error.id,
        },
    }
