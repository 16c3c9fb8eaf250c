"""`GET /vocabulary`: the names, ranges and potentials that a page or a client offers for choice."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.vocabulary import Electrode
from serving.answers.vocabulary import vocabulary as all_names
from serving.cells.design import cell_columns, cell_conditions
from serving.rest.answer_writers import json_response
from serving.rest.errors import AnsweringRoute

router = APIRouter(route_class=AnsweringRoute)


class Vocabulary(BaseModel):
    """Names, ranges and potentials."""

    properties: list[str]
    served: list[str] | None = Field(description="null before models are loaded.")
    interlayer_types: list[str]
    anodes: list[str]
    electrolyte_classes: list[str]
    interface_partners: list[str]
    electrodes: list[Electrode]
    labels: dict[str, str] = Field(description="What people call each property.")
    quantities: list[dict[str, Any]] = Field(description="Every quantity with its property, label, unit and range.")
    page_modules: dict[str, str] = Field(description="Addresses of the modules that the page loads, by property.")
    conditions: list[dict[str, Any]]
    cell: list[dict[str, str | float | None]] = Field(
        description="Every number of a cell, with label, unit, range and default."
    )
    cell_conditions: list[str] = Field(description="Names of the conditions on which the rate of a cell depends, too.")
    default_temperature_C: float
    limits: dict[str, float]


@router.get(
    "/vocabulary",
    summary="Names of interlayers, anodes and electrolyte classes, electrode potentials and limits",
    response_model=Vocabulary,
    response_description="The names.",
)
async def vocabulary(request: Request) -> Response:
    """Name what a page or a client may offer for choice; before the models are loaded, too."""
    predictor = request.app.state.predictor
    names = all_names(None if predictor is None else [*predictor.models()])
    return json_response(names | {"cell": cell_columns(), "cell_conditions": cell_conditions()})
