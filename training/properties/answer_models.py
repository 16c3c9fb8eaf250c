"""What answers say of one quantity, as a model for OpenAPI: the schema, not the writer."""

from __future__ import annotations

from pydantic import BaseModel, Field


class IntervalBlock(BaseModel):
    """A value with its interval of stated coverage."""

    value: float | None = Field(description="The prediction; null where none can be given.")
    lower: float | None = Field(description="Lower end of the interval.")
    upper: float | None = Field(description="Upper end of the interval.")
    coverage: float | None = Field(description="Share of such intervals that hold the true value.")
    reason: str | None = Field(None, description="Why the ends are null, where they are.")
