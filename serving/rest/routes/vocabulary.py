"""`GET /vocabulary`: the names, ranges and potentials that a page or a client offers for choice."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from serving.answers.vocabulary import Electrode
from serving.answers.vocabulary import vocabulary as all_names
from serving.cells.design import cell_columns, cell_conditions
from serving.ranking.presets import PRESETS
from serving.ranking.quantities import property_of, quantities
from serving.rest.answer_writers import json_response
from serving.rest.errors import AnsweringRoute
from training.ledger.kinds import kinds
from training.measurements.columns import LedgerColumn

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
    quantities: list[dict[str, object]] = Field(description="Every quantity with its property, label, unit and range.")
    page_modules: dict[str, str] = Field(description="Addresses of the modules that the page loads, by property.")
    conditions: list[dict[str, object]]
    cell: list[dict[str, str | float | None]] = Field(
        description="Every number of a cell, with label, unit, range and default."
    )
    cell_conditions: list[str] = Field(description="Names of the conditions on which the rate of a cell depends, too.")
    default_temperature_C: float
    objectives: list[dict[str, object]] = Field(description="What may be wanted of candidates: name, unit, conditions.")
    presets: list[dict[str, object]] = Field(description="Objectives and constraints that belong together.")
    measurements: dict[str, list[dict[str, object]]] = Field(description="Columns of measurements by kind, with units.")
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
    cell = {"cell": cell_columns(), "cell_conditions": cell_conditions()}
    return json_response(names | cell | _ways())


@cache
def _ways() -> dict[str, object]:
    """Return what a page offers for ranking and for measurements."""
    return {"objectives": _objectives(), "presets": _presets(), "measurements": _measurement_columns()}


def _objectives() -> list[dict[str, object]]:
    return [
        {
            "name": one.aliases[0],
            "label": one.label,
            "unit": one.unit,
            "property": property_of(one),
            "is_log10": one.is_log10,
            "higher_is_better": one.higher_is_better,
            "levels": list(one.levels),
            "takes_electrode": bool(one.against),
            "conditions": list(one.conditions),
        }
        for one in quantities().values()
    ]


def _presets() -> list[dict[str, object]]:
    return [
        {
            "name": str(name),
            "why": preset.why,
            "objectives": list(preset.objectives),
            "constraints": preset.constraints.model_dump(exclude_defaults=True),
        }
        for name, preset in PRESETS.items()
    ]


def _measurement_columns() -> dict[str, list[dict[str, object]]]:
    return {
        kind: [
            {
                "name": str(column),
                "label": column.label,
                "unit": column.unit,
                "is_number": column.is_number,
                "is_required": column.is_required,
                "words": list(column.words),
                "units": _units_of(column),
            }
            for column in one.columns
        ]
        for kind, one in kinds().items()
    }


def _units_of(column: LedgerColumn) -> list[dict[str, object]]:
    """Return how a column may be headed, its own name first: canonical value = value * factor + offset."""
    own: dict[str, object] = {"heading": str(column), "unit": column.unit, "factor": 1.0, "offset": 0.0}
    others = [
        {"heading": f"{notation.names[0]} ({name})", "unit": name, "factor": unit.factor, "offset": unit.offset}
        for notation in column.notations[:1]
        for name, unit in notation.units.items()
        if name and not unit.is_log10 and (unit.factor, unit.offset) != (1.0, 0.0)
    ]
    return [own, *others]
