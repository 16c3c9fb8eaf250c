"""The rows of an answer, in the order of the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from features.candidate import Candidate, RowError
from features.errors import Remark, shown
from features.lattice import CrystalRecord
from training.properties.contract import Answered

MATERIAL_COLUMNS = ("formula", "read_as", *CrystalRecord._fields)
"""Keys of `material_of`, which are columns of every flat table."""


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


def answered(result: Mapping[str, Any], name: str) -> Answered:
    """Return what the row of an answer holds of one property."""
    domain = result.get("applicability", {}).get(name) or {}
    return Answered(result.get(name), domain, result.get("reasons", {}).get(name))
