"""What a caller may ask about the rate of a cell: one pydantic model, shared by REST, command line and Python."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.names import TAKE_NAME, all_names, exact_names
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE, CandidateInput
from serving.cells.design import CellConditions

MAX_TEXT_LENGTH = 2000


def electrolyte_names() -> list[str]:
    """Return the names that stand for one electrolyte."""
    return [name.name for name in all_names() if name.kind == "electrolyte" and name.formula]


def named_material(text: str) -> CandidateInput:
    """Return what a text names: an electrolyte of the field's list (`LLZO`), a formula, a polymer (`PEO20-LiTFSI`)."""
    name = exact_names().get(text.strip())
    is_name = name is not None and name.kind == "electrolyte" and name.formula is not None
    return CandidateInput(formula=f"{TAKE_NAME}{text.strip()}" if is_name else text)


class RateRequest(BaseModel):
    """A call for the rate that a cell of two electrolytes reaches."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    anolyte: Annotated[CandidateInput, Field(description="Separator beside lithium: a formula, a name, or fields.")]
    catholyte: Annotated[CandidateInput, Field(description="Electrolyte of the composite cathode, the same way.")]
    conditions: CellConditions = CellConditions()
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE

    @field_validator("anolyte", "catholyte", mode="before")
    @classmethod
    def _reads_text(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        if not 0 < len(given) <= MAX_TEXT_LENGTH:
            raise ValueError(f"expected a formula or a name of at most {MAX_TEXT_LENGTH} characters")
        return named_material(given)
