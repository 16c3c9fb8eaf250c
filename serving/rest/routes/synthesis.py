"""`POST /synthesis`: precursors, what competes, how others made the like, and what to weigh."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import read_as
from serving.predictor import Predictor
from serving.rest.answer_models import ModelHeader, Note
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import Loaded, answer_json
from serving.synthesis.request import SynthesesRequest

EXAMPLE = {"formula": "Li6.4La3Zr1.4Ta0.6O12", "grams": 5.0, "lithium_excess": 0.1, "top": 3}

router = APIRouter(route_class=AnsweringRoute)


class SynthesisAnswer(BaseModel):
    """A plan for `formula`; for `formulas` the plans as `results`, and a shopping list."""

    models: dict[str, ModelHeader] = Field({}, description="Of one plan.")
    status: Literal["ok", "error"] | None = None
    target: dict[str, Any] | None = Field(None, description="As read, with its energies.")
    routes: list[dict[str, Any]] = Field([], description="Balanced sets of precursors, the best first.")
    recipes: list[dict[str, Any]] = Field([], description="Who made the like: precursors, heating, DOI.")
    usual_precursors: list[dict[str, Any]] = Field([], description="Sets by experience, on the shelf or not.")
    heating: dict[str, Any] | None = Field(None, description="Usual temperatures and times, with intervals.")
    error: Note | None = None
    warnings: list[Note] = []
    results: list[dict[str, Any]] | None = Field(None, description="Of `formulas`: one plan each, in their order.")
    shopping_list: list[dict[str, Any]] | None = Field(None, description="Of `formulas`: masses added up.")


def _answer(predictor: Predictor, asked: SynthesesRequest) -> dict[str, Any]:
    if asked.formula is not None:
        return dict(predictor.synthesis(asked.requests()[0], None, asked.top))
    return dict(predictor.syntheses(asked.requests(), None, asked.top))


@router.post(
    "/synthesis",
    summary="Plan syntheses: precursors, competing steps, heating, masses, and who made the like",
    response_model=SynthesisAnswer,
    response_description="A plan, or several with a shopping list.",
    responses=refusals({}),
    openapi_extra=body_of(SynthesesRequest, EXAMPLE),
)
async def synthesis(request: Request, predictor: Loaded) -> Response:
    """Plan each target: one that cannot be made gets the status `error`, and the others stand."""
    return await answer_json(request, lambda raw: _answer(predictor, read_as(SynthesesRequest, raw)))
