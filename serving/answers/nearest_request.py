"""What a caller may ask about the neighbourhood of materials: one pydantic model, shared by REST and Python."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serving.answers.conditions import Conditions
from serving.answers.request import MAX_PROPERTIES, CandidateInput, PropertyName

MAX_NEAREST_CANDIDATES = 1_000
MAX_NEAREST, DEFAULT_NEAREST = 50, 5


def whole(number: Any) -> Any:  # noqa: ANN401
    """Return a number as JSON means it: 5.0 is an integer."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class NearestRequest(BaseModel):
    """A call for the known materials nearest to candidates."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True)

    candidates: Annotated[list[CandidateInput], Field(min_length=1)]
    properties: Annotated[list[PropertyName], Field(min_length=1, max_length=MAX_PROPERTIES)] | None = None
    count: Annotated[
        int,
        Field(ge=1, le=MAX_NEAREST, strict=True, description="How many materials to name for each property."),
        BeforeValidator(whole),
    ] = DEFAULT_NEAREST
    conditions: Conditions = Conditions()
