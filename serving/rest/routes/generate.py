"""`POST /generate`: candidates from formula patterns and from families of known materials."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from features.errors import CandidateError
from serving.answers.refusals import RequestError, read_as
from serving.generation.asked import GenerateRequest
from serving.generation.errors import GenerationError
from serving.predictor import Predictor
from serving.rest.answer_models import ReadMaterial
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import Loaded, answer_json

EXAMPLE = {"patterns": ["Li{6-x}PS{5-x}Cl{1+x}"], "variables": ["x=0:0.8:0.1"], "balanced": True}
CANNOT_GENERATE = (
    "A body that cannot be used, or patterns and parents that cannot be read or name nothing.",
    "cannot_generate",
    "Li{6-x}PS5Cl: no values for x; give them, such as x=0:0.5:0.1",
)

router = APIRouter(route_class=AnsweringRoute)


class Generated(BaseModel):
    """One candidate; its charges balance where `charge_imbalance_per_atom` is 0."""

    formula: str
    parent: str
    rule: str
    variables: str
    charge_imbalance_per_atom: float
    known: Literal["no", "measured", "phase table", "measured, phase table"] | None
    nearest_known: str | None
    nearest_distance: float | None = Field(description="Half the L1 distance of atomic fractions.")


class GeneratedCandidates(BaseModel):
    """The candidates, and what was left out and why."""

    made: int = Field(description="Combinations before any was left out.")
    left_out: dict[str, int] = Field(description="Reason to number.")
    unbalanced: int
    parents: list[ReadMaterial]
    candidates: list[Generated]


def _answer(predictor: Predictor, raw: bytes) -> dict[str, object]:
    try:
        return predictor.generate(read_as(GenerateRequest, raw))
    except (GenerationError, CandidateError) as error:
        raise RequestError(400, "cannot_generate", str(error)) from None


@router.post(
    "/generate",
    summary="Generate candidates from formula patterns or from families of known materials",
    response_model=GeneratedCandidates,
    response_description="The candidates.",
    responses=refusals({400: CANNOT_GENERATE}),
    openapi_extra=body_of(GenerateRequest, EXAMPLE),
)
async def generate(request: Request, predictor: Loaded) -> Response:
    """Write charge-checked candidates without duplicates, known materials marked; as `elyte generate` does."""
    return await answer_json(request, lambda raw: _answer(predictor, raw))
