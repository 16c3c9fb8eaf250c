"""What if: a property of one material over temperatures, pressures and interlayers, for a plot."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.errors import shown
from serving.answers.conditions import Conditions
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE, CandidateInput
from serving.answers.rows import ModelHeaders, ResultRow, Results, ShownMaterial, block_of
from serving.answers.terminal_tables import aligned, reading_of
from training.properties import registry

MAX_POINTS = 2_000
MAX_VALUES = 200

Temperature = Annotated[float, Field(gt=-273.15, le=1500.0, strict=True)]
Pressure = Annotated[float, Field(gt=0.0, le=2000.0, strict=True)]
Interlayer = Annotated[str, Field(min_length=1, max_length=100, strict=True)]


class ConditionGridRequest(BaseModel):
    """A call for a property of one material under every combination of some conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    formula: Annotated[str, Field(strict=True, description="The electrolyte.")]
    temperatures_C: Annotated[list[Temperature], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    stack_pressures_MPa: Annotated[list[Pressure], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    interlayer_types: Annotated[list[Interlayer], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    conditions: Conditions = Conditions()
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE

    @model_validator(mode="after")
    def _not_too_many(self) -> ConditionGridRequest:
        if len(self.points()) > MAX_POINTS:
            raise ValueError(f"{len(self.points())} combinations; expected at most {MAX_POINTS}")
        return self

    def points(self) -> list[Conditions]:
        """Return every combination, temperatures varying slowest and interlayers fastest."""
        axes = {
            "temperature_C": self.temperatures_C,
            "stack_pressure_MPa": self.stack_pressures_MPa,
            "interlayer_type": self.interlayer_types,
        }
        used = {name: values for name, values in axes.items() if values is not None}
        return [
            self.conditions.model_copy(update=dict(zip(used, combination, strict=True)))
            for combination in product(*used.values())
        ]


class GridDocument(ShownMaterial):
    """A property of one material over a grid of conditions."""

    models: ModelHeaders
    coverage: float
    status: str
    points: list[dict[str, Any]]


def answer_grid(answer: Callable[..., Results], request: ConditionGridRequest) -> GridDocument:
    """Answer every point of the grid.

    Parameters
    ----------
    answer
        `Predictor.answer`.
    request
        The material and the axes.

    Returns
    -------
    GridDocument
        With `points` in the order of `ConditionGridRequest.points`, each with
        the conditions, the quantity (null with a `reason`), its support, or the `error` of the point.
    """
    rows = [CandidateInput(formula=request.formula, conditions=point) for point in request.points()]
    document = answer(rows, properties=[registry.of_grid().name], coverage=request.coverage)
    points = [_point(result, row) for result, row in zip(document["results"], rows, strict=True)]
    first = document["results"][0]
    return {
        "models": document["models"],
        "formula": first["formula"],
        "read_as": first["read_as"],
        "coverage": request.coverage,
        "status": "ok" if all("error" not in point for point in points) else "error",
        "points": points,
    }


def _point(result: ResultRow, row: CandidateInput) -> dict[str, Any]:
    asked, warnings = row.conditions.model_dump(exclude_none=True), result["warnings"]
    if result["status"] == "error":
        error = {"code": result["error"]["code"], "message": result["error"]["message"]}
        return {"conditions": asked, "error": error, "warnings": warnings}
    one = registry.of_grid()
    quantity, block = one.quantities[0], block_of(result, one.name)
    if block is None:
        block = {"conditions": asked, quantity.name: None, "reason": result["reasons"][one.name]}
    kept = ("conditions", quantity.name, quantity.measured_name, "reason", "support")
    return {key: block[key] for key in kept if key in block} | {"warnings": warnings}


def grid_lines(document: GridDocument) -> list[str]:
    """Return the points of a what-if grid as aligned lines, beneath the material where it was typed otherwise."""
    header = ("T (C)", "P (MPa)", "interlayer", "CCD (mA/cm2)", f"interval ({document['coverage']:.0%})")
    rows: list[tuple[str, ...]] = [header]
    for point in document["points"]:
        said = point["conditions"]
        where = tuple(str(said.get(name) or "-") for name in ("temperature_C", "stack_pressure_MPa", "interlayer_type"))
        value = point.get(registry.of_grid().quantities[0].measured_name)
        if value is None:
            rows.append((*where, "-", point.get("reason") or point["error"]["message"]))
        else:
            rows.append((*where, f"{value['value']:g}", f"{value['lower']} .. {value['upper']}"))
    reading = reading_of(document)
    named = [f"{shown(str(document['formula']))} {reading}"] if reading else []
    notes = dict.fromkeys(warning["message"] for point in document["points"] for warning in point["warnings"])
    return [*named, *aligned(rows), *(f"note: {note}" for note in notes)]
