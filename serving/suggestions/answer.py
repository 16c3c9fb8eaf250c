"""What `elyte suggest` says: which of the candidates to measure next, so that a model learns most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, MaterialBatch, RowError
from serving.answers.conditions import Conditions
from serving.answers.documents import write
from serving.answers.judging import Silence, judge, lacking, query_of
from serving.answers.rows import error_row, head_of, warnings_of
from serving.answers.terminal_tables import with_reading
from serving.models.store import ModelUnavailableError, ServedModel
from serving.suggestions.fields import Field, field_of
from training.properties.contract import DECIMALS
from training.properties.registry import with_needed
from training.suggestions.greedy import ChosenMeasurement, choose

Array = NDArray[np.float64]

MOST_REFERENCES = 512
"""Points over which the drop is averaged; more are thinned out evenly along the order of their compositions."""
SAME_DECIMALS = 6
NAMED_ALIKE = 3
CANDIDATES, DOMAIN = "candidates", "domain"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Parameters
    ----------
    property
        Which model is to learn.
    count
        How many suggestions.
    conditions
        Of the planned measurements.
    dial
        How far from the known a suggestion may lie: 0 inside the model's domain, 1 anywhere, between them the same
        share of the way from the domain's radius to the farthest distance there is, 1.
    about
        Whose uncertainty is to fall: 'candidates', or 'domain' for the materials that the model was fitted on.
    """

    property: str = "conductivity"
    count: int = 5
    conditions: Conditions = field(default_factory=Conditions)
    dial: float = 1.0
    about: str = CANDIDATES


def suggest(
    models: Mapping[str, ServedModel], rows: Sequence[Candidate | RowError], wish: Wish,
    on_step: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:  # fmt: skip
    """Choose the measurements that lower the mean predictive standard deviation most.

    The order of the rows changes nothing: equal compositions count once, and are compared in the order of their atomic
    fractions.

    Parameters
    ----------
    models
        The property's model and those that its answers ask; others are not looked at.
    rows
        Candidates, or why one could not be read.
    wish
        What is asked for.
    on_step
        Called with what is being done.
    """
    asked = with_needed([wish.property])
    if (reason := lacking(wish.property, models)) is not None:
        raise ModelUnavailableError(reason)
    models = {name: models[name] for name in asked if name in models}  # `field_of` tells the property from them
    good = [(index, row) for index, row in enumerate(rows) if isinstance(row, Candidate)]
    document: dict[str, Any] = {
        "models": {str(name): models[name].header() for name in asked}, "property": str(wish.property),
        "conditions": wish.conditions.model_dump(exclude_none=True), "n_candidates": len(rows), "n_distinct": 0,
        "suggestions": [], "errors": [error_row(row) for row in rows if isinstance(row, RowError)],
    }  # fmt: skip
    if not good:
        return document
    distinct, members = _distinct([row for _, row in good])
    on_step("judging candidates")
    points = field_of(models, distinct, wish.conditions, with_domain=wish.about == DOMAIN)
    allowed = _within(points, len(distinct), wish.dial)
    reference = _reference(points, len(distinct), wish.about)
    on_step("choosing")
    picks = choose(points.uncertainty, wish.count, allowed=allowed, reference=reference)
    on_step("naming neighbours")
    document |= {
        "n_distinct": len(distinct), "n_allowed": int(allowed.sum()), "unit": points.unit,
        "about": {"what": wish.about, "n_points": len(reference)},
        "not_possible": points.reasons(),
        "suggestions": _told(picks, points, distinct, members, good, models, wish),
    }  # fmt: skip
    return document


def _distinct(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[list[int]]]:
    """Return one candidate of each composition, in the order of atomic fractions, and who else has it.

    Of equal ones the first by formula and id stands for all, whatever the order of the rows.
    """
    matrix = MaterialBatch.from_candidates(candidates).matrix().round(SAME_DECIMALS)
    _, inverse = np.unique(matrix, axis=0, return_inverse=True)
    members: list[list[int]] = [[] for _ in range(int(inverse.max()) + 1)]
    order = sorted(range(len(candidates)), key=lambda i: (candidates[i].formula, candidates[i].id or ""))
    for i in order:
        members[int(inverse.reshape(-1)[i])].append(i)
    return [candidates[own[0]] for own in members], members


def _within(points: Field, n: int, dial: float) -> NDArray[np.bool_]:
    """Return which points may be suggested: candidates that the model can judge, as far out as the dial says."""
    allowed = np.zeros(points.n_points, dtype=bool)
    allowed[:n] = points.possible
    if dial < 1.0:
        distance, radius, inside = points.familiarity()
        limit = radius + dial * (1.0 - radius)
        allowed[:n] &= inside | ((distance <= limit) & (dial > 0.0))
    return allowed


def _reference(points: Field, n: int, about: str) -> NDArray[np.int64]:
    """Return the points whose uncertainty is to fall: candidates that can be judged, or those of the domain."""
    chosen = np.arange(n, points.n_points) if about == DOMAIN else np.flatnonzero(points.possible)
    if len(chosen) <= MOST_REFERENCES:
        return chosen
    return chosen[np.linspace(0, len(chosen) - 1, MOST_REFERENCES).round().astype(np.int64)]


def _told(
    picks: Sequence[ChosenMeasurement], points: Field, distinct: Sequence[Candidate], members: Sequence[Sequence[int]],
    good: Sequence[tuple[int, Candidate]], models: Mapping[str, ServedModel], wish: Wish,
) -> list[dict[str, Any]]:  # fmt: skip
    chosen = [distinct[pick.point] for pick in picks]
    answers = _answers(models, chosen, wish)
    told = []
    for rank, (pick, candidate, answer) in enumerate(zip(picks, chosen, answers, strict=True)):
        own = [good[i][0] for i in members[pick.point]]
        told.append(
            {
                "rank": rank + 1, **head_of(candidate, own[0]),
                "same_composition": own[1:],
                "expected_drop_of_mean_sd": _rounded(pick.drop), "mean_sd_after": _rounded(pick.mean_sd_after),
                "mean_sd_before": _rounded(pick.mean_sd_before), "sd": _rounded(pick.sd),
                "disagreement": _rounded(float(points.disagreement[pick.point])),
                "likeness_to_former_picks": [
                    {"formula": chosen[i].formula, "correlation": _rounded(one)} for i, one in enumerate(pick.likeness)
                ],
                "speaks_for": {
                    "count": len(pick.speaks_for),
                    "formulas": [distinct[i].formula for i in pick.speaks_for[:NAMED_ALIKE]],
                },
                **answer,
            }
        )  # fmt: skip
    return told


def _answers(
    models: Mapping[str, ServedModel], chosen: Sequence[Candidate], wish: Wish
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what the model says of the chosen ones now, with the nearest known materials."""
    if not chosen:
        return []
    query = query_of(chosen, [wish.conditions] * len(chosen), 0.9)
    said = judge(models, query, [wish.property], write).said[wish.property]
    if isinstance(said, Silence):
        raise ModelUnavailableError(said.reason)
    return [
        {
            "prediction": block,
            "applicability": domain,
            "warnings": warnings_of(dict.fromkeys((*candidate.remarks, *remarks))),
        }
        for candidate, block, domain, remarks in zip(chosen, said.blocks, said.applicability, said.remarks, strict=True)
    ]


def _rounded(number: float) -> float:
    return round(number, DECIMALS + 1) + 0.0  # never -0.0


def suggestion_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the document in words."""
    temperature = document["conditions"].get("temperature_C", ROOM_TEMPERATURE_C)
    lines = [
        f"{document['property']} at {temperature:g} C: {document['n_distinct']} different materials,"
        f" {document.get('n_allowed', 0)} may be suggested"
    ]
    for one in document["suggestions"]:
        unit = document["unit"]
        material = with_reading({**one, "id": None})  # as the neighbours are called
        lines.append(
            f"{one['rank']}. {material}: mean sd {one['mean_sd_before']:.4f} -> {one['mean_sd_after']:.4f} {unit}"
            f" (own sd {one['sd']:.2f}, disagreement {one['disagreement']:.2f})"
        )
        nearest = one["applicability"].get("nearest") or []
        if nearest:
            near = nearest[0]
            place = f", {near['doi']}" if near.get("doi") else ""
            lines.append(f"   nearest known: {near['formula']} at distance {near['distance']:.2f}{place}")
        if one["likeness_to_former_picks"]:
            most = max(one["likeness_to_former_picks"], key=lambda pick: pick["correlation"])
            lines.append(f"   most alike of the former: {most['formula']} (correlation {most['correlation']:.2f})")
        if one["speaks_for"]["count"]:
            names = ", ".join(one["speaks_for"]["formulas"])
            lines.append(f"   speaks for {one['speaks_for']['count']} near-duplicates, not suggested besides: {names}")
    lines += [f"not suggested: {count} ({reason})" for reason, count in document.get("not_possible", {}).items()]
    return lines
