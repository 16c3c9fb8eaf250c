"""`POST /rank`: candidates by what is wanted of them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.refusals import RequestError, read_as
from serving.answers.request import MAX_CANDIDATES
from serving.predictor import Predictor
from serving.ranking.document import RankingDocument
from serving.ranking.objectives import ObjectiveError
from serving.ranking.request import RankRequest
from serving.rest.answer_models import AsSent, Domain, FailedRow, ModelHeader, NearMaterial, Note, ReadMaterial
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, not_served, refusals
from serving.rest.request_body import MANY_CANDIDATES
from serving.rest.routes.answering import Loaded, answer_json
from training.properties import registry

EXAMPLE = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}, {"formula": "Li3InCl6"}, {"formula": "Li2ZrCl6"}],
    "objectives": ["sigma>=1e-3@25", "hull<=0.05", "window against NMC811", "minimise cost"],
    "constraints": {"avoid": ["Cd", "Hg"], "charge_balanced": True},
    "batch": {"size": 2, "method": "ehvi", "explore": 0.5},
    "top": 3,
}
BAD_OBJECTIVE = (
    "A body that cannot be used, or objectives that cannot be understood or contradict each other.",
    "invalid_objective",
    "'sigm' is no quantity (did you mean 'sigma'?)",
)

router = APIRouter(route_class=AnsweringRoute)


class ObjectiveValue(BaseModel):
    """What is predicted of one objective, and with which probability it is met."""

    objective: str
    value: float | None
    lower: float | None
    upper: float | None
    coverage: float | None = None
    probability: float | None


class Limiting(BaseModel):
    """The objective that limits a candidate most."""

    objective: str
    probability: float | None
    shortfall: float | None
    words: str


class RankedCandidate(ReadMaterial):
    """A ranked candidate with its reasons."""

    rank: int
    id: AsSent
    index: int
    probability_of_success: float | None
    standard_error: float | None
    on_front: bool
    probability_on_front: float | None
    utility: float | None
    objectives: list[ObjectiveValue]
    limiting: Limiting | None
    nearest: dict[str, NearMaterial] = Field(description="The nearest known material by property.")
    applicability: dict[str, Domain] = Field({}, description="By property.")
    in_domain: dict[str, bool]
    warnings: list[Note]


class Excluded(ReadMaterial):
    """A candidate that a constraint excludes."""

    id: AsSent
    index: int
    reasons: list[Note]
    warnings: list[Note]


class RankAnswer(BaseModel):
    """A ranking."""

    models: dict[str, ModelHeader]
    status: Literal["ok", "empty"]
    objectives: list[dict[str, Any]]
    constraints: dict[str, Any]
    order: str
    assumptions: list[str]
    notes: list[str]
    counts: dict[str, int]
    scenarios: dict[str, Any]
    ranking: list[RankedCandidate]
    batch: dict[str, Any] | None = Field(description="The next batch, where one was asked for.")
    excluded: list[Excluded]
    failed: list[FailedRow]


def _answer(predictor: Predictor, raw: bytes) -> RankingDocument:
    try:
        return predictor.rank(read_as(RankRequest, raw, MAX_CANDIDATES))
    except ObjectiveError as error:
        raise RequestError(400, "invalid_objective", str(error)) from None


@router.post(
    "/rank",
    summary="Rank candidates by objectives, with the probability of success and reasons",
    response_model=RankAnswer,
    response_description="The ranking.",
    responses=refusals({400: BAD_OBJECTIVE, 404: not_served(registry.of_phases().name)}),
    openapi_extra=body_of(RankRequest, EXAMPLE, MANY_CANDIDATES),
)
async def rank(request: Request, predictor: Loaded) -> Response:
    """Say who meets all targets with which probability, what limits each, and who is on the Pareto front.

    Proposes the next batch where one is asked for. A candidate that is not ranked is listed with the reason.
    """
    return await answer_json(request, lambda raw: _answer(predictor, raw))
