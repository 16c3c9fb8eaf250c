"""What a caller may send: one pydantic model per request, shared by REST, command line and Python."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from serving.answers.conditions import Conditions
from training.properties import registry

MAX_CANDIDATES = 10_000
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_ID_LENGTH = 200
MIN_COVERAGE, MAX_COVERAGE, DEFAULT_COVERAGE = 0.5, 0.99, 0.9


if TYPE_CHECKING:
    PropertyName = str
else:
    PropertyName = StrEnum("Property", [(name.upper(), name) for name in registry.names()])
    PropertyName.__doc__ = "The properties of a candidate; each is one folder under `training/`."
MAX_PROPERTIES = len(registry.names())


class CandidateInput(BaseModel):
    """One material as the caller gives it: a formula or a CIF; what is wrong with either is a row error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    id: Annotated[str, Field(max_length=MAX_ID_LENGTH)] | None = None
    formula: str | None = None
    cif: str | None = None
    block: Annotated[str, Field(max_length=MAX_ID_LENGTH)] | None = None
    conditions: Conditions = Conditions()


def material_columns(rows: Sequence[CandidateInput]) -> tuple[list[str | None], ...]:
    """Return formulas, CIFs, ids and data blocks, as `features.candidate.read_candidates` takes them."""
    return [r.formula for r in rows], [r.cif for r in rows], [r.id for r in rows], [r.block for r in rows]


class PredictRequest(BaseModel):
    """A call for predictions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True)

    candidates: Annotated[list[CandidateInput], Field(min_length=1)]
    conditions: Conditions = Conditions()
    properties: Annotated[list[PropertyName], Field(min_length=1, max_length=MAX_PROPERTIES)] | None = None
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE
    explain: Annotated[bool, Field(strict=True)] = False
