"""`POST /coatings`: coatings between an electrolyte and a cathode, or lithium."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serving.answers.refusals import read_as
from serving.coatings.request import CoatingsRequest
from serving.rest.answer_models import ModelHeader, Note
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, not_served, refusals
from serving.rest.routes.answering import Loaded, answer_json
from training.properties import registry

EXAMPLE = {"electrolyte": "Li6PS5Cl", "cathode": "NMC811", "cutoff_V": 4.3}

router = APIRouter(route_class=AnsweringRoute)


class ShownStage(BaseModel):
    """One step, and how many are left after it."""

    step: str
    says: str
    left: int


class ShownCoating(BaseModel):
    """One coating; energies in eV per atom of the reacting mixture, both sides apart under `beside`."""

    model_config = ConfigDict(extra="allow")

    formula: str
    read_as: str
    on_front: bool
    left_at: str | None = Field(None, description="Step of the funnel at which it left, null where it passed.")
    window_V: list[float] = Field(..., description="Limits against Li/Li+; each also stands under its own name.")
    band_gap_eV: float | None
    ion_conduction_log10_S_per_cm: dict[str, float] | None = Field(None, description="Ionic conductivity, predicted.")
    reaction_electrolyte_eV_per_atom: float | None
    added_electrolyte_eV_per_atom: float | None
    reasons: list[str]


class CoatingsAnswer(BaseModel):
    """The funnel and what is left; of status `error` where a side cannot be judged."""

    model_config = ConfigDict(extra="allow")

    models: dict[str, ModelHeader]
    status: Literal["ok", "error"]
    says: str | None = Field(None, description="First of all: whether a coating is needed.")
    funnel: list[ShownStage] = []
    coatings: list[ShownCoating] = []
    asked: list[ShownCoating] = Field([], description="Reported coatings that left, and your own.")
    error: Note | None = None
    warnings: list[Note]


@router.post(
    "/coatings",
    summary="Screen all lithium compounds as coatings between an electrolyte and a cathode, or lithium",
    response_model=CoatingsAnswer,
    response_description="The funnel, and the coatings left.",
    responses=refusals({404: not_served(registry.of_phases().name)}),
    openapi_extra=body_of(CoatingsRequest, EXAMPLE),
)
async def coatings(request: Request, predictor: Loaded) -> Response:
    """Screen the table; a side that cannot be judged gives the status `error`."""
    return await answer_json(request, lambda raw: predictor.coatings(read_as(CoatingsRequest, raw)))
