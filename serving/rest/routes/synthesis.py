"""`POST /synthesis`: precursors, what competes, how others made the like, and what to weigh."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import read_as
from serving.predictor import Predictor
from serving.rest.answer_models import ModelHeader, Note, ReadMaterial
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import Loaded, answer_json
from serving.synthesis.answers import SynthesisDocument
from serving.synthesis.request import SynthesesRequest
from serving.synthesis.shopping import BatchesDocument

EXAMPLE = {"formula": "Li6.4La3Zr1.4Ta0.6O12", "grams": 5.0, "lithium_excess": 0.1, "top": 3}

router = APIRouter(route_class=AnsweringRoute)


class ReportedRecipe(BaseModel):
    """One reported synthesis; null where its text did not tell."""

    target: str
    precursors: list[str]
    temperature_C: float | None = Field(description="The hottest step.")
    sintering_C: float | None
    sintering_h: float | None
    calcination_C: float | None
    calcination_h: float | None
    atmosphere: str | None
    doi: str
    year: int | None
    distance: float = Field(description="Half the L1 distance of atomic fractions; 0 the same composition.")


class UsualSet(BaseModel):
    """Precursors by experience, on the shelf or not."""

    precursors: list[str]
    probability: float


class UsualNumber(BaseModel):
    """With its limits, null where too few of its kind were reported."""

    value: float
    lower: float | None
    upper: float | None
    coverage: float


class UsualHeating(BaseModel):
    """What is usual for a target made from these precursors."""

    sintering_C: UsualNumber
    sintering_h: UsualNumber
    calcination_C: UsualNumber
    calcination_h: UsualNumber
    made_from: list[str]
    note: str | None


class Weighed(BaseModel):
    """A precursor of a route."""

    formula: str
    name: str
    millimoles: float
    mass_g: float
    handling: str
    note: str | None


class TriedBatch(BaseModel):
    """A batch of the laboratory from the same bottles, from its ledger."""

    entry: int
    temperature_C: float | None
    time_h: float | None
    phases_found: str
    pure: bool


class PlannedRoute(BaseModel):
    """A balanced set of precursors."""

    reaction: str
    precursors: list[Weighed]
    log10_share: float | None = Field(description="Logarithm of how usual its bottles are for such targets.")
    batches: list[TriedBatch]
    notes: list[str]


class Fetched(BaseModel):
    """A bottle of a shopping list."""

    formula: str
    name: str
    handling: str
    note: str | None
    mass_g: float
    batches: dict[str, float] = Field(description="Target to grams.")


class SynthesisPlan(BaseModel):
    """How to make one target."""

    models: dict[str, ModelHeader]
    status: Literal["ok", "error"]
    target: ReadMaterial | None = Field(None, description="With its energies.")
    formula: str | None = Field(None, description="Of a target that cannot be planned: as typed.")
    read_as: str | None = Field(None, description="Of a target that cannot be planned: the composition as read.")
    routes: list[PlannedRoute] = Field([], description="The best first.")
    recipes: list[ReportedRecipe] = Field([], description="Who made the like.")
    usual_precursors: list[UsualSet] = []
    heating: UsualHeating | None = None
    error: Note | None = None
    warnings: list[Note]


class SynthesisPlans(BaseModel):
    """How to make several."""

    models: dict[str, ModelHeader]
    results: list[SynthesisPlan] = Field(description="One a target, in the order sent.")
    shopping_list: list[Fetched] = Field(description="Masses of the best routes, added up.")


def _answer(predictor: Predictor, asked: SynthesesRequest) -> SynthesisDocument | BatchesDocument:
    if asked.formula is not None:
        return predictor.synthesis(asked.requests()[0], None, asked.top)
    return predictor.syntheses(asked.requests(), None, asked.top)


@router.post(
    "/synthesis",
    summary="Plan syntheses: precursors, competing steps, heating, masses, and who made the like",
    response_model=SynthesisPlan | SynthesisPlans,
    response_description="A plan, or several with a shopping list.",
    responses=refusals({}),
    openapi_extra=body_of(SynthesesRequest, EXAMPLE),
)
async def synthesis(request: Request, predictor: Loaded) -> Response:
    """Plan each target: one that cannot be made gets the status `error`, and the others stand."""
    return await answer_json(request, lambda raw: _answer(predictor, read_as(SynthesesRequest, raw)))
