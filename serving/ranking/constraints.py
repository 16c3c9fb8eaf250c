"""Hard constraints: who is not ranked at all, and why. Nobody is dropped without a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.elements import ATOMIC_NUMBER
from features.errors import shown
from features.text import suggestion
from serving.ranking.objectives import Objective
from serving.ranking.quantities import property_of
from training.properties import registry
from training.properties.contract import Flags

if TYPE_CHECKING:
    from training.properties.outputs import ModelOutputs

MAX_ELEMENTS = 30
TOXIC = ("Cd", "Hg", "Tl", "As", "Be", "Pb")
"""DOMAIN knowledge of the field's first screens: not wanted in a cell unless asked for; lead besides."""


class Constraints(BaseModel):
    """What a candidate must fulfil to be ranked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    avoid: Annotated[list[str], Field(max_length=103, description="Elements that no candidate may hold.")] = []
    require: Annotated[list[str], Field(max_length=103, description="Elements that every candidate must hold.")] = []
    max_elements: Annotated[int, Field(ge=1, le=MAX_ELEMENTS)] | None = None
    charge_balanced: Annotated[bool, Field(description="Common oxidation states must balance the formula.")] = False
    in_domain: Annotated[
        bool, Field(description="Every model that an objective needs must know the like of the candidate.")
    ] = False

    @field_validator("avoid", "require")
    @classmethod
    def _are_elements(cls, symbols: list[str]) -> list[str]:
        for symbol in symbols:
            if symbol not in ATOMIC_NUMBER:
                hint = suggestion(symbol, [*ATOMIC_NUMBER])
                raise ValueError(f"'{shown(symbol)}' is no element{hint}")
        return list(dict.fromkeys(symbols))

    def contradiction(self) -> str | None:
        """Return why nobody can fulfil these, None where somebody can."""
        both = [symbol for symbol in self.require if symbol in self.avoid]
        if both:
            return f"{', '.join(both)}: both required and to be avoided"
        if self.max_elements is not None and len(self.require) > self.max_elements:
            return f"{len(self.require)} elements are required, but at most {self.max_elements} allowed"
        return None


class Exclusion(NamedTuple):
    """Why a candidate is not ranked."""

    code: str
    message: str


def exclusions_of(
    outputs: ModelOutputs, constraints: Constraints, objectives: Iterable[Objective]
) -> dict[int, list[Exclusion]]:
    """Return, for each candidate that breaks constraints, which ones."""
    found: dict[int, list[Exclusion]] = defaultdict(list)
    balanced = outputs.balanced
    for row, held in enumerate(outputs.query.amounts):
        unwanted = [symbol for symbol in constraints.avoid if symbol in held]
        lacking = [symbol for symbol in constraints.require if symbol not in held]
        if unwanted:
            found[row].append(Exclusion("holds_avoided_element", f"holds {', '.join(unwanted)}, to be avoided"))
        if lacking:
            found[row].append(Exclusion("lacks_required_element", f"lacks {', '.join(lacking)}, required"))
        if constraints.max_elements is not None and len(held) > constraints.max_elements:
            message = f"{len(held)} elements, at most {constraints.max_elements} allowed"
            found[row].append(Exclusion("too_many_elements", message))
        if constraints.charge_balanced and len(held) > 1 and not balanced[row]:
            left = f"{outputs.charge_imbalance[row]:+.2f} charges per atom are left"
            found[row].append(Exclusion("not_charge_balanced", f"no common oxidation states balance it: {left}"))
    if constraints.in_domain:
        for name, inside in domains_of(outputs, objectives).items():
            for row in np.flatnonzero(~inside).tolist():
                found[row].append(Exclusion("out_of_domain", f"{name}: the model does not know the like of it"))
    return found


def domains_of(outputs: ModelOutputs, objectives: Iterable[Objective]) -> dict[str, Flags]:
    """Return, for each property that objectives need, whether its model knows the like of each candidate under all."""
    found: dict[str, Flags] = {}
    for objective in objectives:
        name = property_of(objective.quantity)
        if name is not None:
            inside = outputs.under(objective.at.model_dump(exclude_none=True)).judged(name).in_domain
            found[name] = found.get(name, np.True_) & inside
    return {name: found[name] for name in registry.names() if name in found}
