"""What this property says of one candidate, as the model of its block in an answer: the schema, not the writer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from training.properties.answer_models import IntervalBlock


class SampleBlock(BaseModel):
    """One measured sample, as reported."""

    formula: str
    log10_sigma_S_per_cm: float
    is_upper_bound: bool
    is_doubtful: bool = Field(description="Shown, but counted for nothing.")
    temperature_C: float
    state: str | None = Field(description="How it was made, or crystal system and space group.")
    contribution: str | None = Field(description="bulk or total.")
    relative_density: float | None
    year: int | None
    doi: str = Field(description="DOIs, or a reference where there is none.")
    source: str = Field(description="The table, or ledger.")


class MeasuredBlock(BaseModel):
    """What laboratories found for this composition (within 0.005), carried to the temperature asked."""

    log10_sigma_S_per_cm: float | None = Field(description="Median of papers; null where none counts.")
    lowest: float
    highest: float
    measurements: int
    papers: int
    weight: float = Field(description="Share of the way from the model's own answer to the median.")
    samples: list[SampleBlock] = Field(description="The latest three.")


class ConductivityBlock(BaseModel):
    """The ionic conductivity at one temperature."""

    measured: MeasuredBlock | None = Field(description="null where this composition was not measured.")
    log10_sigma_S_per_cm: IntervalBlock
    activation_energy_eV: IntervalBlock
    model_log10_sigma_S_per_cm: float = Field(description="The model's answer before measurements moved it.")
    probability_sigma_above_S_per_cm: dict[str, float] = Field(description="By threshold.")
    temperature_C: float
    basis: Literal["measured + model", "formula", "formula and unit cell"]
    sample_shift_decades: float | None = Field(
        None, description="By how much density or contribution of the sample moved the answer, where they did."
    )
    towards_reported_decades: float | None = Field(
        None, description="By how much population='reported' moved the answer, where it did."
    )
    explanation: dict[str, Any] | None = Field(
        None, description="Where asked for: terms in decades of S/cm that sum to log10 sigma."
    )
    explanation_reason: str | None = Field(None, description="Why there is no explanation, where there is none.")
