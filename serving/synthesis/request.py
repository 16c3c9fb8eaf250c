"""What a caller may ask about syntheses over REST: one pydantic model."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.synthesis.gases import DEFAULT_GAS_BAR
from serving.synthesis.plan import SynthesisRequest

MAX_TARGETS = 5
MAX_FORMULA_LENGTH = 300
MAX_ROUTES = 50

Formula = Annotated[str, Field(min_length=1, max_length=MAX_FORMULA_LENGTH, strict=True)]


class SynthesesRequest(BaseModel):
    """A call for how to make one material, or several with a shopping list."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    formula: Annotated[Formula | None, Field(description="One target; the answer is its plan.")] = None
    formulas: Annotated[
        list[Formula] | None,
        Field(min_length=1, max_length=MAX_TARGETS, description="Several: their plans and what to fetch."),
    ] = None
    grams: Annotated[float, Field(ge=1e-6, le=1e6, strict=True, description="Mass of each batch.")] = 1.0
    temperature_C: (
        Annotated[float, Field(ge=-273.0, le=2000.0, strict=True, description="At which gases leave.")] | None
    ) = None
    lithium_excess: Annotated[float, Field(ge=0.0, le=1.0, strict=True, description="Share of the lithium.")] = 0.0
    most_precursors: Annotated[int, Field(ge=1, strict=True, description="In a set.")] | None = None
    coverage: Annotated[float, Field(ge=0.5, le=0.99, strict=True)] = 0.9
    gas_bar: Annotated[float, Field(ge=1e-12, le=1000.0, strict=True)] = DEFAULT_GAS_BAR
    top: Annotated[int, Field(ge=1, le=MAX_ROUTES, strict=True, description="How many routes of each.")] = 5

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.formula is None) == (self.formulas is None):
            raise ValueError("expected one of `formula` and `formulas`")
        return self

    def requests(self) -> list[SynthesisRequest]:
        """Return one request a target."""
        targets = [self.formula] if self.formula is not None else self.formulas or []
        return [
            SynthesisRequest(
                target,
                self.grams,
                self.temperature_C,
                self.lithium_excess,
                self.most_precursors,
                self.coverage,
                self.gas_bar,
            )
            for target in targets
        ]
