"""`POST /measurements/effect`: what measured values would change in what a model says; nothing is stored."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import read_as
from serving.rest.answer_models import AsSent, ModelHeader, Note
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, not_served, refusals
from serving.rest.routes.answering import Loaded, answer_json
from serving.suggestions.effect import EffectRequest
from training.properties import registry
from training.properties.answer_models import IntervalBlock

EXAMPLE = {
    "property": registry.names()[0],
    "measured": [{"candidate": {"formula": "Li6.05PS5.05Cl0.95"}, "value": -2.47}],
    "candidates": [{"formula": "Li6PS5Cl"}, {"formula": "Li3InCl6"}],
    "conditions": {"temperature_C": 25},
}

router = APIRouter(route_class=AnsweringRoute)


class MovedCandidate(BaseModel):
    """What is said of a candidate before and after."""

    id: AsSent
    formula: str | None
    read_as: str | None
    status: Literal["ok", "error"]
    before: IntervalBlock | None = None
    after: float | None = None
    reason: str | None = Field(None, description="Why nothing is said of it.")
    sd_before: float | None = Field(None, description="Of a measurement of it; null where nothing could be measured.")
    sd_after: float | None = None
    error: Note | None = None
    warnings: list[Note]


class ForetoldMeasurement(MovedCandidate):
    """A measured value beside what was foretold."""

    measured: float
    deviation: float | None = Field(None, description="Measured less predicted.")
    inside_interval: bool | None = None


class EffectAnswer(BaseModel):
    """What measurements would change."""

    models: dict[str, ModelHeader]
    property: str
    quantity: str
    unit: str
    conditions: dict[str, float | str]
    assumptions: list[str]
    measured: list[ForetoldMeasurement]
    candidates: list[MovedCandidate]


@router.post(
    "/measurements/effect",
    summary="Say what measured values would change in what a model says of candidates",
    response_model=EffectAnswer,
    response_description="One entry a measurement and one a candidate.",
    responses=refusals({404: not_served(registry.names()[0])}),
    openapi_extra=body_of(EffectRequest, EXAMPLE),
)
async def effect(request: Request, predictor: Loaded) -> Response:
    """Condition the model's joint uncertainty on them: an estimate, without a refit; nothing is stored."""
    return await answer_json(request, lambda raw: predictor.effect(read_as(EffectRequest, raw)))
