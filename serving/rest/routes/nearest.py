"""`POST /nearest`: the known materials around candidates."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, create_model

from serving.answers.nearest_request import MAX_NEAREST_CANDIDATES, NearestRequest
from serving.answers.refusals import read_as
from serving.answers.request import MAX_BODY_BYTES
from serving.rest.answer_models import Domain, JudgedRow, ModelHeader, NearMaterial, row_model, rows_of
from serving.rest.errors import AnsweringRoute
from serving.rest.openapi import body_of, refusals
from serving.rest.routes.answering import Loaded, answer_json
from training.properties import registry

EXAMPLE = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}],
    "properties": [registry.names()[0]],
    "count": 3,
}
TOO_MANY = (
    f"More than {MAX_NEAREST_CANDIDATES} candidates or {MAX_BODY_BYTES} bytes.",
    "too_many_candidates",
    f"candidates: received 1001 candidates, expected at most {MAX_NEAREST_CANDIDATES} in one request",
)

router = APIRouter(route_class=AnsweringRoute)


def _near_model(name: str, field: str) -> type[BaseModel]:
    """Return the model of what is known around a candidate; the value of a known material has a name with its unit."""
    fields: dict[str, Any] = {field: (float, ...)}
    title = name.capitalize()
    known = create_model(f"Known{title}", __base__=NearMaterial, __doc__="A known material.", **fields)
    nearest: dict[str, Any] = {"nearest": (list[known], Field(description="Nearest first."))}  # type: ignore[valid-type]
    return create_model(f"Near{title}", __base__=Domain, __doc__=Domain.__doc__, **nearest)


NearestRow = row_model(
    "NearestRow",
    JudgedRow,
    {one.name: _near_model(one.name, one.quantities[0].name) for one in registry.properties()},
    "The nearest known materials, each with its value, DOI and distance.",
)


class NearestAnswer(BaseModel):
    """The known materials nearest to candidates."""

    models: dict[str, ModelHeader]
    results: rows_of(NearestRow) = Field(description="One row a candidate, in the order sent.")  # type: ignore[valid-type]


@router.post(
    "/nearest",
    summary="Name the known materials nearest to candidates",
    response_model=NearestAnswer,
    response_description="One row a candidate.",
    responses=refusals({413: TOO_MANY}),
    openapi_extra=body_of(NearestRequest, EXAMPLE, {"candidates": f"From 1 to {MAX_NEAREST_CANDIDATES} materials."}),
)
async def nearest(request: Request, predictor: Loaded) -> Response:
    """Measure by each model's own distance, and say whether the candidate lies in its domain."""
    return await answer_json(
        request, lambda raw: predictor.nearest(read_as(NearestRequest, raw, MAX_NEAREST_CANDIDATES))
    )
