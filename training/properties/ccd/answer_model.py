"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class CcdNumbers(BaseModel):
    """The critical current density of one cell."""

    log10_ccd_mA_per_cm2: IntervalBlock | None = Field(description="log10 of mA/cm2.")
    ccd_mA_per_cm2: dict[str, float | None] | None = Field(None, description="The same in mA/cm2: value, lower, upper.")
    conditions: dict[str, Any] = Field(description="The conditions meant; null is unknown.")
    support: dict[str, int] = Field({}, description="Rows and papers of this class, and of cells like this one.")
    reason: str | None = Field(None, description="Why there is no number, where there is none.")


class CcdBlock(CcdNumbers):
    """The critical current density, and what it was computed from."""

    electrolyte_class: str | None = Field(description="From the formula, or as stated.")
    class_from: Literal["caller", "formula"]
    material: dict[str, Any] = Field(description="What the other models say about the material.")
