"""`POST /ccd/grid`: the critical current density of one material over conditions."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from serving.answers.condition_grid import ConditionGridRequest
from serving.answers.refusals import read_as
from serving.rest.answer_models import FailedMaterial, ModelHeader, Note
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, not_served, refusals
from serving.rest.routes.answering import Loaded, answer_json
from training.properties import registry
from training.properties.answer_models import IntervalBlock
from training.properties.ccd.answer_model import CcdNumbers

EXAMPLE = {
    "formula": "Li6PS5Cl",
    "temperatures_C": [25, 60, 100],
    "stack_pressures_MPa": [5],
    "interlayer_types": ["none", "fluoride/halide"],
}

router = APIRouter(route_class=AnsweringRoute)


class CcdGridRequest(ConditionGridRequest):
    """A call for the critical current density of one material under every combination of some conditions."""


class GridPoint(CcdNumbers):
    """One combination of conditions."""

    log10_ccd_mA_per_cm2: IntervalBlock | None = Field(None, description="log10 of mA/cm2.")
    error: Note | None = None
    warnings: list[Note]


class CcdGridAnswer(FailedMaterial):
    """The critical current density over a grid of conditions."""

    models: dict[str, ModelHeader]
    coverage: float
    status: Literal["ok", "error"]
    points: list[GridPoint]


@router.post(
    "/ccd/grid",
    summary="Critical current density of one material over a grid of conditions",
    response_model=CcdGridAnswer,
    response_description="One point a combination.",
    responses=refusals({404: not_served(registry.of_grid().name)}),
    openapi_extra=body_of(CcdGridRequest, EXAMPLE),
)
async def ccd_grid(request: Request, predictor: Loaded) -> Response:
    """Answer every combination of the lists, temperatures varying slowest; for what-if plots."""
    return await answer_json(request, lambda raw: predictor.condition_grid(read_as(CcdGridRequest, raw)))
