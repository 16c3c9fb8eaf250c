"""`POST /interface`: reactions of an electrolyte with what it touches."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.interface_request import InterfaceRequest
from serving.answers.refusals import read_as
from serving.rest.answer_models import FailedMaterial, ModelHeader, Note, ReadMaterial
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, not_served, refusals
from serving.rest.routes.answering import Loaded, answer_json
from training.properties import registry

EXAMPLE = {"formula": "Li6PS5Cl", "against": ["lithium", "LCO", "LiNbO3"], "voltage_V": 4.2}

router = APIRouter(route_class=AnsweringRoute)


class Contact(FailedMaterial):
    """Energies in eV, reactions as text and as formulas with coefficients."""

    against: str
    status: Literal["ok", "error"]
    role: str | None = None
    interphase: str | None = None
    interphase_why: str | None = None
    error: Note | None = None
    warnings: list[Note]


class InterfaceAnswer(BaseModel):
    """Reactions of one electrolyte; of status `error` where it cannot be judged itself."""

    models: dict[str, ModelHeader]
    status: Literal["ok", "error"]
    electrolyte: ReadMaterial | None = Field(None, description="With its energy.")
    formula: str | None = Field(None, description="Of an electrolyte that cannot be judged: as typed.")
    read_as: str | None = Field(None, description="Of an electrolyte that cannot be judged: the composition as read.")
    voltage_V: float | None = Field(None, description="As sent.")
    contacts: list[Contact] = Field([], description="One a partner, in the order sent.")
    error: Note | None = None
    warnings: list[Note]


@router.post(
    "/interface",
    summary="Name the reactions of an electrolyte with lithium, cathodes, coatings and water",
    response_model=InterfaceAnswer,
    response_description="One contact a partner.",
    responses=refusals({404: not_served(registry.of_phases().name)}),
    openapi_extra=body_of(InterfaceRequest, EXAMPLE),
)
async def interface(request: Request, predictor: Loaded) -> Response:
    """Judge every contact: one that cannot be judged gets the status `error`, and the others stand."""
    return await answer_json(request, lambda raw: predictor.interface(read_as(InterfaceRequest, raw)))
