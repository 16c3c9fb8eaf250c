"""Objectives that no material can meet together, said before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

from serving.ranking.objectives import MAX_OBJECTIVES, Objective, ObjectiveError, Sense
from training.properties import registry


def check_objectives(objectives: Sequence[Objective]) -> None:
    """Refuse what cannot be wanted.

    Raises
    ------
    ObjectiveError
        If there is no objective or too many, one stands twice, or two contradict each other.
    """
    if not objectives:
        raise ObjectiveError("no objective is given; name at least one, such as sigma>=1e-3, or a preset")
    if len(objectives) > MAX_OBJECTIVES:
        raise ObjectiveError(f"{len(objectives)} objectives are given, expected at most {MAX_OBJECTIVES}")
    for first, second in combinations(objectives, 2):
        reason = _same_quantity(first, second)
        if reason is not None:
            raise ObjectiveError(f"'{first.text}' and '{second.text}' {reason}")
    for first, second in permutations(objectives, 2):
        reason = _impossible(first, second)
        if reason is not None:
            raise ObjectiveError(f"'{first.text}' and '{second.text}' contradict each other: {reason}")


def _same_quantity(first: Objective, second: Objective) -> str | None:
    if first.key != second.key:
        return None
    if first.sense is second.sense:
        return "are about the same quantity; give one of them"
    if {first.sense, second.sense} == {Sense.MAXIMISE, Sense.MINIMISE}:
        return "contradict each other: one quantity cannot be both as large and as small as possible"
    bounds = {one.sense: one.target for one in (first, second) if one.target is not None}
    if len(bounds) == 2:
        low, high = bounds[Sense.AT_LEAST], bounds[Sense.AT_MOST]
        assert low is not None
        assert high is not None
        if low > high:
            return "contradict each other: no value is both"
    return None


def _impossible(lower: Objective, upper: Objective) -> str | None:
    """Return why a lower bound and an upper bound of two quantities cannot both hold."""
    if lower.sense is not Sense.AT_LEAST or upper.sense is not Sense.AT_MOST:
        return None
    assert lower.target is not None
    assert upper.target is not None
    if lower.target <= upper.target:
        return None
    for other, reason in lower.quantity.never_above:
        if other == upper.quantity.name:
            return reason
    rising = lower.quantity.rises_with
    if lower.quantity == upper.quantity and rising and _is_higher(upper, lower, rising):
        return f"the {lower.quantity.label} does not fall with {registry.conditions()[rising].short}"
    return None


def _is_higher(first: Objective, second: Objective, condition: str) -> bool:
    """Whether a condition of the first lies above that of the second, all others being equal."""
    here, there = getattr(first.at, condition), getattr(second.at, condition)
    same = {condition: None}
    is_above: bool = here is not None and there is not None and here > there
    return is_above and first.at.model_copy(update=same) == second.at.model_copy(update=same)
