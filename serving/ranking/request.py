"""What a caller may ask of a ranking: one pydantic model, shared by REST, command line and Python."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from serving.answers.conditions import Conditions
from serving.answers.request import DEFAULT_COVERAGE, MAX_CANDIDATES, MAX_COVERAGE, MIN_COVERAGE, CandidateInput
from serving.ranking.acquisition import Acquisition
from serving.ranking.constraints import Constraints
from serving.ranking.contradictions import check_objectives
from serving.ranking.core import Order
from serving.ranking.objectives import (
    MAX_OBJECTIVE_LENGTH,
    MAX_OBJECTIVES,
    Objective,
    ObjectiveError,
    Sense,
    against_electrode,
    make_objective,
    parse_objective,
    read_conditions,
    read_electrode,
    read_quantity,
)
from serving.ranking.presets import PRESETS, Preset

MAX_BATCH, MAX_KNOWN = 100, 1000
DEFAULT_TOP = 100
DEFAULT_EXPLORE = 0.5


class ObjectiveInput(BaseModel):
    """An objective in parts; targets in the unit that its quantity is written in (S/cm, eV/atom, V, mA/cm2 ...)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    quantity: Annotated[str, Field(max_length=100, description="A name such as sigma, hull, oxidation, ccd, cost.")]
    at_least: float | None = None
    at_most: float | None = None
    direction: Annotated[str, Field(pattern="^(maximise|minimise|maximize|minimize)$")] | None = None
    against: Annotated[str, Field(max_length=100, description="An electrode of GET /vocabulary.")] | None = None
    conditions: Conditions = Conditions()
    weight: float = 1.0

    def read(self) -> Objective:
        """Return the objective.

        Raises
        ------
        ObjectiveError
            If its parts do not fit.
        """
        import math

        given = [value for value in (self.at_least, self.at_most, self.direction) if value is not None]
        quantity = read_quantity(self.quantity)
        electrode = None if self.against is None else read_electrode(self.against)
        if electrode is not None:
            quantity = against_electrode(quantity) or quantity
        at = read_conditions(self.conditions.model_dump(exclude_none=True), self.quantity)
        if not given and quantity.against == quantity.name:
            return make_objective(quantity, Sense.AT_LEAST, 0.0, at, electrode, self.weight)
        if len(given) != 1:
            raise ObjectiveError(f"objective {self.quantity}: give one of at_least, at_most and direction")
        if self.direction is not None:
            sense = Sense.MAXIMISE if self.direction.startswith("max") else Sense.MINIMISE
            return make_objective(quantity, sense, None, at, electrode, self.weight)
        sense, target = Sense.AT_LEAST, self.at_least
        if target is None:
            sense, target = Sense.AT_MOST, self.at_most
        assert target is not None
        is_log = quantity.is_log10 and not self.quantity.lower().startswith("log10")
        if is_log and target <= 0.0:
            raise ObjectiveError(f"objective {self.quantity}: expected a number above 0 in {quantity.unit}")
        return make_objective(quantity, sense, math.log10(target) if is_log else target, at, electrode, self.weight)


class BatchRequest(BaseModel):
    """Which batch to propose next."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    size: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 5
    method: Annotated[Acquisition, Field(strict=False)] = Acquisition.EHVI
    explore: Annotated[float, Field(ge=0.0, le=1.0, description="0 believes the medians, 1 the full errors.")] = (
        DEFAULT_EXPLORE
    )
    known: Annotated[
        list[Annotated[str, Field(max_length=300)]],
        Field(max_length=MAX_KNOWN, description="Formulas at hand: what is new is what goes beyond them."),
    ] = []


class RankRequest(BaseModel):
    """A call for a ranking."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    candidates: Annotated[list[CandidateInput], Field(min_length=1)]
    objectives: Annotated[
        list[Annotated[str, Field(max_length=MAX_OBJECTIVE_LENGTH)] | ObjectiveInput],
        Field(max_length=MAX_OBJECTIVES, description="Such as sigma>=1e-3@60, or the same in parts."),
    ] = []
    preset: Preset | None = None
    constraints: Constraints | None = None
    conditions: Conditions = Conditions()
    order: Order | None = None
    top: Annotated[int, Field(ge=1, le=MAX_CANDIDATES, strict=True)] = DEFAULT_TOP
    batch: BatchRequest | None = None
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE

    def spec(self) -> RankingSpec:
        """Return what is wanted; see `read_spec`."""
        own = [parse_objective(one) if isinstance(one, str) else one.read() for one in self.objectives]
        return read_spec(own, self.preset, self.constraints)


class RankingSpec(BaseModel):
    """Objectives and constraints after presets, and what there is to say about that."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    objectives: list[Any]
    constraints: Constraints
    notes: list[str]


def read_spec(own: list[Objective], preset: Preset | None, constraints: Constraints | None) -> RankingSpec:
    """Return objectives and constraints; without any objective the first screen is meant.

    Parameters
    ----------
    own
        Objectives of the caller: they win over those of the preset about the same quantity.
    preset
        Where to start from.
    constraints
        Of the caller: they replace those of the preset.

    Raises
    ------
    ObjectiveError
        If objectives or constraints contradict each other.
    """
    chosen = preset if preset is not None or own else Preset.FIRST_SCREEN
    notes: list[str] = []
    objectives = list(own)
    limits = constraints or Constraints()
    if chosen is not None:
        start = PRESETS[chosen]
        said = {one.quantity for one in own}
        taken = [one for one in map(parse_objective, start.objectives) if one.quantity not in said]
        objectives = [*own, *taken]
        limits = constraints or start.constraints
        why = "no objective was given" if preset is None and not own else f"preset {chosen}"
        notes.append(f"{why}: {start.why} ({', '.join(one.text for one in taken)}; {_limits_text(limits)})")
    check_objectives(objectives)
    contradiction = limits.contradiction()
    if contradiction is not None:
        raise ObjectiveError(f"constraints: {contradiction}")
    return RankingSpec(objectives=objectives, constraints=limits, notes=notes)


def _limits_text(constraints: Constraints) -> str:
    given = constraints.model_dump(exclude_defaults=True)
    parts = [f"without {', '.join(constraints.avoid)}"] if constraints.avoid else []
    parts += [name.replace("_", " ") for name, value in given.items() if value is True]
    return ", ".join(parts) or "no constraints"
