"""What a caller may ask about coatings: one pydantic model, shared by REST and command line."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator, model_validator

from features.elements import ATOMIC_NUMBER
from features.errors import shown
from features.text import suggestion
from serving.answers.nearest_request import whole

LARGEST_CUTOFF_V = 10.0
MAX_LISTED = 200
MAX_OWN = 200
"""With 16 cations each they take some ten seconds, as each is judged whether it passes or not."""
DEFAULT_TOP = 20
_TEXT = 300


class CoatedSide(StrEnum):
    """Where the coating lies."""

    CATHODE = "cathode"
    LITHIUM = "lithium"


class CoatingLimits(BaseModel):
    """What a coating must fulfil; the defaults are explained in `docs/science/coatings.md`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    most_above_hull_eV_per_atom: Annotated[
        float, Field(ge=0.0, le=1.0, description="Energy above the hull that is still thought of as makeable.")
    ] = 0.025
    least_band_gap_eV: Annotated[
        float, Field(ge=0.0, le=15.0, description="PBE band gap of an electronic insulator.")
    ] = 1.0
    most_added_eV_per_atom: Annotated[
        float,
        Field(ge=0.0, le=5.0, description="Reaction energy that a contact may add to what its two sides do alone."),
    ] = 0.1
    allow: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": [*ATOMIC_NUMBER]})]],
        Field(max_length=103, description="Toxic, radioactive or precious elements that are taken anyway."),
    ] = []

    @field_validator("allow")
    @classmethod
    def _are_elements(cls, symbols: list[str]) -> list[str]:
        for symbol in symbols:
            if symbol not in ATOMIC_NUMBER:
                raise ValueError(f"'{shown(symbol)}' is no element{suggestion(symbol, [*ATOMIC_NUMBER])}")
        return list(dict.fromkeys(symbols))


_NULL: dict[str, JsonValue] = {"type": "null"}
_TYPED: dict[str, JsonValue] = {"type": "string"}
_SIDES: dict[str, JsonValue] = {
    "anyOf": [
        {"properties": {"side": {"const": "cathode"}, "cathode": _TYPED}, "required": ["cathode"]},
        {"properties": {"side": {"const": "lithium"}, "cathode": _NULL, "cutoff_V": _NULL}, "required": ["side"]},
    ]
}
"""What `_sides_agree` asks, for the schema."""


class CoatingsRequest(BaseModel):
    """A call for coatings."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=_SIDES)

    electrolyte: Annotated[
        str, Field(strict=True, min_length=1, max_length=_TEXT, description="Formula, or a name such as LPSCl.")
    ]
    side: CoatedSide = CoatedSide.CATHODE
    cathode: (
        Annotated[
            str,
            Field(
                strict=True,
                min_length=1,
                max_length=_TEXT,
                description="Name such as NMC811, LCO, LFP (judged with and without lithium), or a formula.",
            ),
        ]
        | None
    ) = None
    cutoff_V: (
        Annotated[
            float,
            Field(
                strict=True, gt=0.0, le=LARGEST_CUTOFF_V, description="Highest potential of the cathode against Li/Li+."
            ),
        ]
        | None
    ) = None
    candidates: Annotated[
        list[Annotated[str, Field(strict=True, max_length=_TEXT)]],
        Field(max_length=MAX_OWN, description="Formulas of your own, screened beside the table's compounds."),
    ] = []
    limits: CoatingLimits = CoatingLimits()
    top: Annotated[
        int,
        Field(strict=True, ge=1, le=MAX_LISTED, description="How many coatings to list."),
        BeforeValidator(whole),
    ] = DEFAULT_TOP

    @model_validator(mode="after")
    def _sides_agree(self) -> Self:
        if self.side is CoatedSide.CATHODE and self.cathode is None:
            raise ValueError("cathode: expected a name such as NMC811 or a formula; for lithium say side lithium")
        if self.side is CoatedSide.LITHIUM and (self.cathode is not None or self.cutoff_V is not None):
            raise ValueError("side lithium has neither cathode nor cutoff_V; leave them out, or say side cathode")
        return self
