"""What to fetch for several batches: the masses of each bottle added up, with what to mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from serving.answers.rows import ModelHeaders
    from serving.synthesis.answers import SynthesisDocument


@dataclass(slots=True)
class Bottle:
    """A precursor that batches need.

    Attributes
    ----------
    formula, name, handling, note
        As on the shelf.
    mass_g
        Of all batches together.
    batches
        Target to the mass that its batches need, in g.
    """

    formula: str
    name: str
    handling: str
    note: str | None
    mass_g: float = 0.0
    batches: dict[str, float] = field(default_factory=dict)


class ShownBottle(TypedDict):
    """One line of a shopping list."""

    formula: str
    name: str
    handling: str
    note: str | None
    mass_g: float
    batches: dict[str, float]


class BatchesDocument(TypedDict):
    """Several plans, and what to fetch for the best route of each that can be made."""

    models: ModelHeaders
    results: list[SynthesisDocument]
    shopping_list: list[ShownBottle]


def batches_document(plans: Sequence[SynthesisDocument]) -> BatchesDocument:
    """Put plans together; one that cannot be made stands among them with its error and adds nothing to the list."""
    bottles = shopping_list([plan for plan in plans if plan["status"] == "ok"])
    return {
        "models": {name: header for plan in plans for name, header in plan["models"].items()},
        "results": list(plans),
        "shopping_list": [
            {
                "formula": bottle.formula,
                "name": bottle.name,
                "handling": bottle.handling,
                "note": bottle.note,
                "mass_g": round(bottle.mass_g, 5),
                "batches": {target: round(mass, 5) for target, mass in bottle.batches.items()},
            }
            for bottle in bottles
        ],
    }


def shopping_list(plans: Sequence[Mapping[str, Any]], routes: Sequence[int] | None = None) -> list[Bottle]:
    """Add up what batches need, the largest mass first.

    Parameters
    ----------
    plans
        Answers to calls for a synthesis (`Predictor.synthesis`), one a batch.
    routes
        Which route each batch takes, counted from 0; None takes the best of each.

    Raises
    ------
    ValueError
        If a plan is an error or has no such route, or there are not as many routes as plans.
    """
    bottles: dict[str, Bottle] = {}
    for plan, chosen in zip(plans, routes if routes is not None else [0] * len(plans), strict=True):
        if plan["status"] != "ok":
            raise ValueError(f"{plan['formula']} cannot be made: {plan['error']['message']}")
        target = plan["target"]["formula"]
        if not 0 <= chosen < len(plan["routes"]):
            raise ValueError(f"{target}: received route {chosen}, expected 0 to {len(plan['routes']) - 1}")
        for one in plan["routes"][chosen]["precursors"]:
            bottle = bottles.setdefault(
                one["formula"], Bottle(one["formula"], one["name"], one["handling"], one["note"])
            )
            bottle.mass_g += one["mass_g"]
            bottle.batches[target] = bottle.batches.get(target, 0.0) + one["mass_g"]
    return sorted(bottles.values(), key=lambda bottle: (-bottle.mass_g, bottle.formula))
