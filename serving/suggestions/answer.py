"""What `elyte suggest` says: which of the candidates to measure next, so that a model learns most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, RowError
from features.kinds import KINDS
from serving.answers.conditions import Conditions
from serving.answers.documents import write
from serving.answers.judging import Silence, judge, lacking, of_one_kind, query_of
from serving.answers.rows import error_row, head_of, warnings_of
from serving.answers.terminal_tables import with_reading
from serving.models.store import ModelUnavailableError, ServedModel
from training.properties import registry
from training.properties.contract import DECIMALS
from training.properties.outputs import COVERAGE, ModelOutputs
from training.properties.registry import with_needed
from training.suggestions.greedy import ChosenMeasurement, choose
from training.suggestions.pool import DesignPool, UnsuitableReferenceError

Array = NDArray[np.float64]

MOST_REFERENCES = 512
"""Points over which the drop is averaged; more are thinned out evenly along the order of their compositions."""
SAME_DECIMALS = 6
NAMED_ALIKE = 3
CANDIDATES, DOMAIN = "candidates", "domain"


@dataclass(frozen=True, slots=True)
class SuggestOptions:
    """What is asked for.

    Parameters
    ----------
    property
        Which model is to learn.
    count
        How many suggestions.
    conditions
        Of the planned measurements.
    exploration
        How far from the known a suggestion may lie: 0 inside the model's domain, 1 anywhere, between them the same
        share of the way from the domain's radius to the farthest distance there is, 1.
    about
        Whose uncertainty is to fall: 'candidates', or 'domain' for the materials that the model was fitted on.
    """

    property: str = field(default_factory=lambda: registry.names()[0])
    count: int = 5
    conditions: Conditions = field(default_factory=Conditions)
    exploration: float = 1.0
    about: str = CANDIDATES


def suggest(
    models: Mapping[str, ServedModel],
    rows: Sequence[Candidate | RowError],
    options: SuggestOptions,
    on_step: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Choose the measurements that lower the mean predictive standard deviation most.

    The order of the rows changes nothing: equal compositions count once, and are compared in the order of their atomic
    fractions.

    Parameters
    ----------
    models
        The property's model and those that its answers ask; others are not looked at.
    rows
        Candidates, or why one could not be read.
    options
        What is asked for.
    on_step
        Called with what is being done.
    """
    asked = with_needed([options.property])
    if (reason := lacking(options.property, models)) is not None:
        raise ModelUnavailableError(reason)
    rows = of_one_kind(rows, registry.get(options.property).kind, [options.property])
    good = [(index, row) for index, row in enumerate(rows) if isinstance(row, Candidate)]
    document: dict[str, Any] = {
        "models": {str(name): models[name].header() for name in asked},
        "property": str(options.property),
        "conditions": options.conditions.model_dump(exclude_none=True),
        "n_candidates": len(rows),
        "n_distinct": 0,
        "suggestions": [],
        "errors": [error_row(row) for row in rows if isinstance(row, RowError)],
    }
    if not good:
        return document
    distinct, members = _distinct([row for _, row in good])
    on_step("judging candidates")
    pool = design_pool(models, distinct, options)
    allowed = _within(pool, len(distinct), options.exploration)
    reference = _reference(pool, len(distinct), options.about)
    on_step("choosing")
    picks = choose(pool.uncertainty, options.count, allowed=allowed, reference=reference)
    on_step("naming neighbours")
    document |= {
        "n_distinct": len(distinct),
        "n_allowed": int(allowed.sum()),
        "unit": pool.unit,
        "about": {"what": options.about, "n_points": len(reference)},
        "not_possible": pool.reasons(),
        "suggestions": _told(picks, pool, distinct, members, good, models, options),
    }
    return document


def design_pool(
    models: Mapping[str, ServedModel], candidates: Sequence[Candidate], options: SuggestOptions
) -> DesignPool:
    """Return candidates as points of the joint uncertainty of the property that is to learn.

    Raises
    ------
    ModelUnavailableError
        If the property cannot teach about the materials of its domain and these were asked for.
    """
    query = query_of(candidates, [options.conditions] * len(candidates), COVERAGE)
    outputs = ModelOutputs(query, {name: served.model for name, served in models.items()}, registry.get)
    try:
        return registry.get(options.property).design_pool(outputs, with_domain=options.about == DOMAIN)
    except UnsuitableReferenceError as error:
        raise ModelUnavailableError(str(error)) from error


def _distinct(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[list[int]]]:
    """Return one candidate of each composition, in the order of atomic fractions, and who else has it.

    Of equal ones the first by formula and id stands for all, whatever the order of the rows.
    """
    matrix = KINDS[candidates[0].kind].lay_out(candidates).matrix().round(SAME_DECIMALS)
    _, inverse = np.unique(matrix, axis=0, return_inverse=True)
    members: list[list[int]] = [[] for _ in range(int(inverse.max()) + 1)]
    order = sorted(range(len(candidates)), key=lambda i: (candidates[i].formula, candidates[i].id or ""))
    for i in order:
        members[int(inverse.reshape(-1)[i])].append(i)
    return [candidates[own[0]] for own in members], members


def _within(pool: DesignPool, n: int, exploration: float) -> NDArray[np.bool_]:
    """Return which points may be suggested: candidates that the model can judge, as far out as exploration goes."""
    allowed = np.zeros(pool.n_points, dtype=bool)
    allowed[:n] = pool.possible
    if exploration < 1.0:
        distance, radius, inside = pool.familiarity()
        limit = radius + exploration * (1.0 - radius)
        allowed[:n] &= inside | ((distance <= limit) & (exploration > 0.0))
    return allowed


def _reference(pool: DesignPool, n: int, about: str) -> NDArray[np.int64]:
    """Return the points whose uncertainty is to fall: candidates that can be judged, or those of the domain."""
    chosen = np.arange(n, pool.n_points) if about == DOMAIN else np.flatnonzero(pool.possible)
    if len(chosen) <= MOST_REFERENCES:
        return chosen
    return chosen[np.linspace(0, len(chosen) - 1, MOST_REFERENCES).round().astype(np.int64)]


def _told(
    picks: Sequence[ChosenMeasurement],
    pool: DesignPool,
    distinct: Sequence[Candidate],
    members: Sequence[Sequence[int]],
    good: Sequence[tuple[int, Candidate]],
    models: Mapping[str, ServedModel],
    options: SuggestOptions,
) -> list[dict[str, Any]]:
    chosen = [distinct[pick.point] for pick in picks]
    answers = _answers(models, chosen, options)
    told = []
    for rank, (pick, candidate, answer) in enumerate(zip(picks, chosen, answers, strict=True)):
        own = [good[i][0] for i in members[pick.point]]
        told.append(
            {
                "rank": rank + 1,
                **head_of(candidate, own[0]),
                "same_composition": own[1:],
                "expected_drop_of_mean_sd": _rounded(pick.drop),
                "mean_sd_after": _rounded(pick.mean_sd_after),
                "mean_sd_before": _rounded(pick.mean_sd_before),
                "sd": _rounded(pick.sd),
                "disagreement": _rounded(float(pool.disagreement[pick.point])),
                "likeness_to_former_picks": [
                    {"formula": chosen[i].formula, "correlation": _rounded(one)} for i, one in enumerate(pick.likeness)
                ],
                "speaks_for": {
                    "count": len(pick.speaks_for),
                    "formulas": [distinct[i].formula for i in pick.speaks_for[:NAMED_ALIKE]],
                },
                **answer,
            }
        )
    return told


def _answers(
    models: Mapping[str, ServedModel], chosen: Sequence[Candidate], options: SuggestOptions
) -> list[dict[str, Any]]:
    """Return what the model says of the chosen ones now, with the nearest known materials."""
    if not chosen:
        return []
    query = query_of(chosen, [options.conditions] * len(chosen), COVERAGE)
    said = judge(models, query, [options.property], write).said[options.property]
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
