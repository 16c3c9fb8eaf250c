"""The rows of an answer, in the order of the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

from features.candidate import Candidate, RowError
from features.errors import Remark, shown
from features.lattice import CrystalRecord
from training.properties.contract import Answered

Cell = str | float | bool | None
"""What stands in a flat table."""
FlatRow = dict[str, Cell]
ModelHeaders = dict[str, dict[str, str]]
"""Which models answered, by property: `serving.models.store.ServedModel.header`."""


class ShownMaterial(TypedDict):
    """What every answer says first of a material; the last three of a CIF."""

    formula: str | None
    read_as: str | None
    block: NotRequired[str | None]
    space_group: NotRequired[str | None]
    cell_content: NotRequired[str | None]


class MaterialHead(ShownMaterial):
    """How an answer names a material: its place among all rows, and its id."""

    id: str | None
    index: int


class NamedRowError(TypedDict):
    """Why a row cannot be answered."""

    code: str
    message: str
    index: int
    id: str | None


class KnownMaterial(TypedDict):
    """A known material near a candidate, as `Judgement.nearest` gives it; a property may say more of it."""

    formula: str
    distance: float | None
    value: NotRequired[float | None]
    doi: NotRequired[str | None]
    reference: NotRequired[str | None]


class ShownDomain(TypedDict):
    """Whether a model knows materials of this kind, as `Judgement.applicability` gives it."""

    in_domain: bool
    distance: float | None
    domain_radius: NotRequired[float | None]
    nearest: list[KnownMaterial]


class Warned(MaterialHead):
    """A material with what is to be said of it."""

    warnings: list[dict[str, str]]


class ResultRow(Warned):
    """One row of an answer; what each property says of it stands under the property's name: see `answered`."""

    status: Literal["ok", "error"]
    error: NotRequired[NamedRowError]
    applicability: NotRequired[dict[str, ShownDomain]]
    reasons: NotRequired[dict[str, str]]


class Results(TypedDict):
    """The answer to a call for rows."""

    models: ModelHeaders
    results: list[ResultRow]


MATERIAL_COLUMNS = ("formula", "read_as", *CrystalRecord._fields)
"""Keys of `material_of`, which are columns of every flat table."""


def material_of(candidate: Candidate) -> ShownMaterial:
    """Return what every answer says first of a material: the text as typed, and what was read from it."""
    said: ShownMaterial = {"formula": candidate.formula, "read_as": candidate.read_as}
    if (crystal := candidate.crystal) is None:
        return said
    return {**said, "block": crystal.block, "space_group": crystal.space_group, "cell_content": crystal.cell_content}


def unread_material_of(formula: str | None) -> ShownMaterial:
    """Return the keys of `material_of` for a text that was not read, cut where it is too long to be shown."""
    return {"formula": None if formula is None else shown(formula), "read_as": None}


def material_of_failed(row: RowError) -> ShownMaterial:
    """Return the keys of `material_of` for a row that cannot be answered, whether it was read or not."""
    return unread_material_of(row.formula) if row.candidate is None else material_of(row.candidate)


def remarks_on(row: Candidate | RowError) -> tuple[Remark, ...]:
    """Return what reading a row found, besides errors."""
    candidate = row if isinstance(row, Candidate) else row.candidate
    return () if candidate is None else candidate.remarks


def head_of(candidate: Candidate, index: int) -> MaterialHead:
    """Return how answers name a readable candidate; `index` is its place among all rows."""
    return {"id": candidate.id, "index": index, **material_of(candidate)}


def warnings_of(remarks: Iterable[Remark]) -> list[dict[str, str]]:
    """Return remarks as the `warnings` of an answer."""
    return [remark.as_dict() for remark in remarks]


def warning_codes(row: Warned) -> str:
    """Return the warnings of an answer as one cell of a table."""
    return "; ".join(warning["code"] for warning in row["warnings"])


def error_row(error: RowError) -> ResultRow:
    """Return the answer to a row that cannot be answered."""
    why: NamedRowError = {"code": str(error.code), "message": error.message, "index": error.index, "id": error.id}
    head = {"id": error.id, "index": error.index, "status": "error", **material_of_failed(error)}
    return cast("ResultRow", head | {"error": why, "warnings": warnings_of(remarks_on(error))})


def block_of(result: ResultRow, name: str) -> Mapping[str, Any] | None:
    """Return what a property says in the row of an answer, None where it is silent; it declares what it says."""
    return cast("Mapping[str, Any] | None", result.get(name))


def answered(result: ResultRow, name: str) -> Answered:
    """Return what the row of an answer holds of one property."""
    domain = cast("Mapping[str, Any]", result.get("applicability", {}).get(name) or {})
    return Answered(block_of(result, name), domain, result.get("reasons", {}).get(name))
