"""`POST /rate`: which rate a cell of two electrolytes reaches, and what limits it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import read_as
from serving.cells.request import RateRequest
from serving.rest.answer_models import ModelHeader, Note, ReadMaterial
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import Loaded, answer_json

EXAMPLE = {
    "anolyte": "Li5.5PS4.5Cl1.5",
    "catholyte": "Li3InCl6",
    "conditions": {"c_rate": 4, "areal_capacity_mAh_cm2": 5, "temperature_C": 25},
}

router = APIRouter(route_class=AnsweringRoute)


class Number(BaseModel):
    """A number with its interval."""

    value: float
    lower: float
    upper: float
    coverage: float


class Layer(ReadMaterial):
    """One of the two electrolytes, and what the cell takes of it."""

    sigma_S_per_cm: Number
    sigma_from: Literal["model", "caller"]
    transference_number: Number
    in_domain: bool | None
    basis: str | None
    warnings: list[Note]


class SaltAnswer(BaseModel):
    """What mobile anions of the separator allow."""

    limiting_current_mA_per_cm2: Number
    sand_time_min: Number


class RateAnswer(BaseModel):
    """The rate of a cell; of status `error` where one of the electrolytes cannot be judged."""

    models: dict[str, ModelHeader]
    status: Literal["ok", "error"]
    error: Note | None = None
    anolyte: Layer | None = None
    catholyte: Layer | None = None
    c_rate: float | None = Field(None, description="As asked for.")
    current_density_mA_per_cm2: float | None = None
    c_rate_reached: Number | None = None
    probability_reached: float | None = Field(None, description="That the rate asked for is reached.")
    limited_by: str | None = Field(None, description="What limits in most samples.")
    limited_by_shares: dict[str, float] = Field({}, description="In which share of samples each limits.")
    c_rate_by_losses: Number | None = None
    c_rate_by_critical_current: Number | None = None
    critical_current_mA_per_cm2: Number | None = None
    losses_mV: dict[str, float | None] = Field({}, description="At the rate asked for; null where salt runs out.")
    total_loss_mV: float | None = None
    loss_allowed_mV: float | None = None
    conductivity_needed_S_per_cm: float | None = Field(None, description="In both layers, for the rate asked for.")
    sigma_needed_by_layer_S_per_cm: dict[str, float | None] = Field({}, description="The other one as it is.")
    salt: SaltAnswer | None = None
    cell: dict[str, float] = Field({}, description="Numbers of the cell, stated or by default.")
    sources: dict[str, str] = Field({}, description="Where each comes from.")
    notes: list[str] = []
    warnings: list[Note] = []


@router.post(
    "/rate",
    summary="Say which rate a cell of two electrolytes reaches, and what limits it",
    response_model=RateAnswer,
    response_description="The rate, the losses and what limits.",
    responses=refusals(),
    openapi_extra=body_of(RateRequest, EXAMPLE),
)
async def rate(request: Request, predictor: Loaded) -> Response:
    """Compute the losses of a lithium cell in closed form over samples of what the models say."""
    return await answer_json(request, lambda raw: predictor.rate(read_as(RateRequest, raw)))
