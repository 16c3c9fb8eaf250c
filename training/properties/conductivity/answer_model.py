"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class ConductivityBlock(BaseModel):
    """The ionic conductivity at one temperature."""

    log10_sigma_S_per_cm: IntervalBlock
    activation_energy_eV: IntervalBlock
    probability_sigma_above_S_per_cm: dict[str, float] = Field(description="By threshold.")
    temperature_C: float
    basis: Literal["formula", "formula and unit cell"]
    explanation: dict[str, Any] | None = Field(
        None, description="Where asked for: terms in decades of S/cm that sum to log10 sigma."
    )
    explanation_reason: str | None = Field(None, description="Why there is no explanation, where there is none.")
