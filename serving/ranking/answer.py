"""The answer to a call for a ranking, as one JSON document."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.candidate import Candidate, RowError, read_candidates
from serving.answers.conditions import Conditions
from serving.answers.judging import lacking
from serving.answers.request import CandidateInput, material_columns
from serving.answers.rows import error_row, head_of, warnings_of
from serving.models.store import ModelUnavailableError, ServedModel
from serving.ranking.batch import batch_document, choose_batch
from serving.ranking.believing import Believer, believe_all
from serving.ranking.core import Order, Ranking, rank
from serving.ranking.evidence import Evidence
from serving.ranking.objectives import Objective
from serving.ranking.quantities import ABOUT, Quantity
from serving.ranking.reasons import assumptions, exclusion_dicts, intervals, limiting, made_nevertheless, remarks_of
from serving.ranking.request import BatchRequest, Wishes
from serving.ranking.scenarios import SEED
from training.properties import registry
from training.properties.contract import DECIMALS
from training.properties.registry import with_needed

if TYPE_CHECKING:
    from serving.predictor import Predictor


def answer_ranking(
    predictor: Predictor, models: Mapping[str, ServedModel], rows: Sequence[CandidateInput | RowError],
    wishes: Wishes, *, conditions: Conditions | None = None, order: Order | None = None, top: int | None = None,
    batch: BatchRequest | None = None, coverage: float = 0.9,
) -> dict[str, Any]:  # fmt: skip
    """Rank candidates.

    Parameters
    ----------
    predictor, models
        What answers, and its served models.
    rows
        Candidates as given, or the error that reading one raised.
    wishes
        Objectives and constraints (`request.read_wishes`).
    conditions
        What holds for every row that does not say otherwise; an objective's own win over both.
    order
        By what candidates are put in order.
    top
        How many to list; None lists all.
    batch
        Which batch to propose, None for none.
    coverage
        Of the intervals that are shown.

    Raises
    ------
    ModelUnavailableError
        If an objective needs a model that is not served.
    ObjectiveError
        If a batch cannot be chosen by the rule that was asked for.
    """
    objectives: list[Objective] = wishes.objectives
    needed = properties_of(objectives)
    for name in needed:
        if name not in models:
            raise ModelUnavailableError(f"this installation serves no {name} model, which an objective needs")
        if (reason := lacking(name, models)) is not None:
            raise ModelUnavailableError(reason)
    general = conditions or Conditions()
    places, candidates, own, failed = _read(rows, general)
    believer = Believer(Evidence(candidates, own, models))
    believe_all(believer, objectives)
    began = time.perf_counter()
    ranking = rank(believer, objectives, wishes.constraints, order)
    notes = [*wishes.notes, *_failed_note(failed, len(rows)), *remarks_of(ranking, objectives, len(candidates))]
    if "conductivity" in models:
        known = models["conductivity"].model.domain
        notes += made_nevertheless(ranking, objectives, believer.evidence.composition[ranking.rows], known)
    heads = [head_of(candidates[i], places[i]) for i in ranking.rows.tolist()]
    chosen = None
    if batch is not None and len(ranking.rows):
        picks, said = choose_batch(ranking, believer, objectives, batch)
        chosen = batch_document(ranking, picks, batch, heads)
        notes += said
    seconds = time.perf_counter() - began
    listed = ranking.order[:top].tolist()
    shown = [(rows[places[i]], candidates[i]) for i in ranking.rows[listed].tolist()]
    told = _told_by_predict(predictor, shown, general, needed, coverage)
    return {
        "models": {str(name): models[name].header() for name in with_needed(needed)},
        "status": "ok" if len(ranking.rows) else "empty",
        "objectives": [objective.as_dict() for objective in objectives],
        "constraints": wishes.constraints.model_dump(exclude_defaults=True),
        "order": str(order or (Order.FRONT if ranking.success is None else Order.SUCCESS)),
        "assumptions": assumptions(ranking, objectives),
        "notes": notes,
        "counts": {
            "given": len(rows), "ranked": len(ranking.rows), "excluded": len(ranking.exclusions),
            "failed": len(failed), "listed": len(listed), "on_front": int(ranking.on_front.sum()),
        },
        "scenarios": {"count": len(ranking.samples), "seed": SEED, "seconds": round(seconds, 3)},
        "ranking": _listed(ranking, believer, objectives, listed, heads, told, coverage),
        "batch": chosen,
        "excluded": [
            head_of(candidates[i], places[i])
            | {"reasons": exclusion_dicts(reasons), "warnings": warnings_of(candidates[i].remarks)}
            for i, reasons in sorted(ranking.exclusions.items())
        ],
        "failed": [error_row(error) for error in failed],
    }  # fmt: skip


def properties_of(objectives: Sequence[Objective]) -> list[str]:
    """Return the properties whose models objectives need, in the order of the registry."""
    named = {ABOUT[objective.quantity].property for objective in objectives}
    return [name for name in registry.names() if name in named]


def properties_to_load(objectives: Sequence[Objective]) -> list[str]:
    """Return the properties whose models must be loaded: those needed, what they ask, and volumes for densities."""
    named = properties_of(objectives) or ["conductivity"]
    if any(one.target is not None and one.quantity in (Quantity.HULL, Quantity.STABLE) for one in objectives):
        named.append("conductivity")  # it knows what has been made
    return [name for name in registry.names() if name in with_needed(named)]


def _read(
    rows: Sequence[CandidateInput | RowError], general: Conditions
) -> tuple[list[int], list[Candidate], list[Conditions], list[RowError]]:
    """Return the readable candidates with their places and conditions, and the errors of the others."""
    given = [(place, row) for place, row in enumerate(rows) if isinstance(row, CandidateInput)]
    read = read_candidates(*material_columns([row for _, row in given]))
    failed = [row for row in rows if isinstance(row, RowError)]
    places, candidates, own = [], [], []
    for (place, row), one in zip(given, read, strict=True):
        if isinstance(one, RowError):
            failed.append(replace(one, index=place))
            continue
        places.append(place)
        candidates.append(one)
        own.append(row.conditions.over(general) if row.conditions.model_fields_set else general)
    failed.sort(key=lambda error: error.index)
    return places, candidates, own, failed


def _failed_note(failed: Sequence[RowError], n: int) -> list[str]:
    return [f"{len(failed)} of {n} rows cannot be read; see `failed`"] if failed else []


def _told_by_predict(
    predictor: Predictor, shown: Sequence[tuple[CandidateInput | RowError, Candidate]], general: Conditions,
    needed: list[str], coverage: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what an ordinary answer says of the listed candidates: nearest known, domain, warnings."""
    if not shown or not needed:
        return [{"applicability": {}, "warnings": warnings_of(candidate.remarks)} for _, candidate in shown]
    rows = [row for row, _ in shown]
    results: list[dict[str, Any]] = predictor.answer(rows, general, properties=needed, coverage=coverage)["results"]
    return results


def _listed(
    ranking: Ranking, believer: Believer, objectives: Sequence[Objective], listed: Sequence[int],
    heads: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]], coverage: float,
) -> list[dict[str, Any]]:  # fmt: skip
    chosen = np.array(listed, dtype=np.int64)
    composition = believer.evidence.composition[ranking.rows]
    central = np.array([belief.take(chosen).central() for belief in ranking.beliefs]).reshape(len(objectives), -1)
    ends = [intervals(belief, chosen, composition, coverage) for belief in ranking.beliefs] if listed else []
    entries = []
    for place, i in enumerate(listed):
        values = [
            {
                "objective": objective.text,
                "value": round(float(central[j, place]), DECIMALS),
                "lower": round(float(ends[j][0][place]), DECIMALS),
                "upper": round(float(ends[j][1][place]), DECIMALS),
                "coverage": coverage if ranking.beliefs[j].sources else None,
                "probability": None if objective.target is None else _chance(ranking.chances[i, j]),
            }
            | _level(objective, float(central[j, place]))
            for j, objective in enumerate(objectives)
        ]
        success = ranking.success
        entries.append(
            {"rank": place + 1}
            | heads[i]
            | {
                "probability_of_success": None if success is None else _chance(success.probability[i]),
                "standard_error": None if success is None else round(float(success.standard_error[i]), DECIMALS),
                "on_front": bool(ranking.on_front[i]),
                "probability_on_front": round(float(ranking.probability_on_front[i]), DECIMALS),
                "utility": round(float(ranking.utility[i]), DECIMALS),
                "objectives": values,
                "limiting": limiting(objectives, ranking.chances[i], central[:, place].tolist()),
                "nearest": _nearest(told[place]),
                "applicability": {
                    name: {key: block.get(key) for key in ("in_domain", "distance", "domain_radius")}
                    for name, block in told[place].get("applicability", {}).items()
                },
                "in_domain": {name: block["in_domain"] for name, block in told[place].get("applicability", {}).items()},
                "warnings": told[place]["warnings"],
            }
        )
    return entries


def _level(objective: Objective, value: float) -> dict[str, str]:
    """Return the name of a value, of a quantity whose values have names."""
    name = ABOUT[objective.quantity].level(value)
    return {} if name is None else {"level": name}


def _chance(probability: float) -> float:
    """Return a probability with as many digits as mean something: small ones still tell candidates apart."""
    return float(f"{probability:.4g}")


def _nearest(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nearest known material of each property."""
    blocks = told.get("applicability", {}).items()
    return {name: block["nearest"][0] for name, block in blocks if block.get("nearest")}
