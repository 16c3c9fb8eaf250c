"""The rows of an answer, in the order of the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, RowError
from features.chemistry import NEUTRALITY_TOLERANCE
from features.errors import CandidateError, Remark, WarningCode, shown
from features.lattice import CrystalRecord

DECIMALS = 4
MATERIAL_COLUMNS = ("formula", "read_as", *CrystalRecord._fields)
"""Keys of `material_of`, which are columns of every flat table."""
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
    properties' answers may build on, shape (n,), NaN where it says nothing.
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


def material_of(candidate: Candidate) -> dict[str, Any]:
    """Return what every answer says first of a material: the text as typed, and what was read from it.

    Returns
    -------
    dict
        `formula` and `read_as`; for a CIF also `block`, `space_group` and `cell_content`.
    """
    said: dict[str, Any] = {"formula": candidate.formula, "read_as": candidate.read_as}
    return said if candidate.crystal is None else said | candidate.crystal._asdict()


def unread_material_of(formula: str | None) -> dict[str, Any]:
    """Return the keys of `material_of` for a text that was not read, cut where it is too long to be shown."""
    return {"formula": None if formula is None else shown(formula), "read_as": None}


def material_of_failed(row: RowError) -> dict[str, Any]:
    """Return the keys of `material_of` for a row that cannot be answered, whether it was read or not."""
    return unread_material_of(row.formula) if row.candidate is None else material_of(row.candidate)


def remarks_on(row: Candidate | RowError) -> tuple[Remark, ...]:
    """Return what reading a row found, besides errors."""
    candidate = row if isinstance(row, Candidate) else row.candidate
    return () if candidate is None else candidate.remarks


def head_of(candidate: Candidate, index: int, **more: str) -> dict[str, Any]:
    """Return what the row of a readable candidate begins with; `index` is its place among all rows."""
    return {"id": candidate.id, "index": index, **more, **material_of(candidate)}


def warnings_of(remarks: Iterable[Remark]) -> list[dict[str, str]]:
    """Return remarks as the `warnings` of an answer."""
    return [remark.as_dict() for remark in remarks]


def warning_codes(row: Mapping[str, Any]) -> str:
    """Return the warnings of an answer as one cell of a table."""
    return "; ".join(warning["code"] for warning in row["warnings"])


def error_row(error: RowError) -> dict[str, Any]:
    """Return the answer to a row that cannot be answered."""
    return {
        "id": error.id,
        "index": error.index,
        "status": "error",
        **material_of_failed(error),
        "error": {
            "code": str(error.code),
            "message": error.message,
            "index": error.index,
            "id": error.id,
        },
        "warnings": warnings_of(remarks_on(error)),
    }
