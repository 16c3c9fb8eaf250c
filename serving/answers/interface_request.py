"""What a caller may ask about interfaces: one pydantic model, shared by REST and command line."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_PARTNERS = 50
MAX_PARTNER_LENGTH = 300
LARGEST_VOLTAGE_V = 10.0

PartnerName = Annotated[str, Field(min_length=1, max_length=MAX_PARTNER_LENGTH)]


class InterfaceRequest(BaseModel):
    """A call for the reactions of one electrolyte with what it touches."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    formula: Annotated[str, Field(strict=True, description="The electrolyte.")]
    against: Annotated[
        list[PartnerName],
        Field(
            min_length=1,
            max_length=MAX_PARTNERS,
            description="Formulas, or names such as lithium, graphite, Li-In, NMC811, LFP (with and without lithium), "
            "cathodes, coatings, water, all.",
        ),
    ] = ["all"]
    voltage_V: (
        Annotated[
            float,
            Field(
                ge=0.0,
                le=LARGEST_VOLTAGE_V,
                strict=True,
                description="Potential against Li/Li+ of a lithium reservoir.",
            ),
        ]
        | None
    ) = None
