"""The answer to a call for a ranking, as one JSON document."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from features.candidate import INORGANIC, Candidate, RowError
from features.kinds import KINDS
from serving.answers.conditions import Conditions
from serving.answers.documents import domains_of
from serving.answers.documents import remarks_of as warnings_said
from serving.answers.judging import lacking, of_one_kind
from serving.answers.request import DEFAULT_COVERAGE, CandidateInput, read_inputs
from serving.answers.rows import MaterialHead, ShownDomain, error_row, head_of, warnings_of
from serving.models.store import ModelUnavailableError, ServedModel
from serving.ranking.batch import batch_document, choose_batch
from serving.ranking.constraints import Exclusion
from serving.ranking.core import Order, Ranking, rank
from serving.ranking.document import ExcludedEntry, RankedEntry, RankingDocument, ShownValue, Standing
from serving.ranking.objectives import Objective, ObjectiveError
from serving.ranking.predictions import ObjectivePredictions
from serving.ranking.quantities import property_of
from serving.ranking.reasons import (
    assumptions,
    exclusion_dicts,
    has_caveat,
    intervals,
    limiting,
    made_nevertheless,
    remarks_of,
)
from serving.ranking.request import BatchRequest, RankingSpec
from training.joint_samples import SEED
from training.properties import registry
from training.properties.contract import DECIMALS
from training.properties.registry import with_needed

Models = Mapping[str, ServedModel]
Array = NDArray[np.float64]


class _Level(TypedDict):
    level: NotRequired[str]


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How a ranking is made and told.

    Parameters
    ----------
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
    """

    conditions: Conditions | None = None
    order: Order | None = None
    top: int | None = None
    batch: BatchRequest | None = None
    coverage: float = DEFAULT_COVERAGE


def answer_ranking(
    models: Models, rows: Sequence[CandidateInput | RowError], spec: RankingSpec, options: RankingOptions
) -> RankingDocument:
    """Rank candidates.

    Parameters
    ----------
    models
        Served models by property.
    rows
        Candidates as given, or the error that reading one raised.
    spec
        Objectives and constraints (`request.read_spec`).
    options
        How.

    Raises
    ------
    ModelUnavailableError
        If an objective needs a model that is not served.
    ObjectiveError
        If a batch cannot be chosen by the rule that was asked for.
    """
    objectives: list[Objective] = spec.objectives
    needed = properties_of(objectives)
    _require_served(needed, models)
    given = _Given.of(rows, options.conditions or Conditions(), objectives)
    predictions = ObjectivePredictions.of_candidates(given.candidates, given.conditions, models)
    for objective in objectives:
        predictions.of(objective)
    began = time.perf_counter()
    ranking = rank(predictions, objectives, spec.constraints, options.order)
    notes = [*spec.notes, *_failed_note(given.failed, len(rows)), *remarks_of(ranking, objectives, len(given.places))]
    notes += _made_notes(ranking, objectives, predictions, models)
    heads = [given.head(i) for i in ranking.rows.tolist()]
    chosen = None
    if options.batch is not None and len(ranking.rows):
        picks, said = choose_batch(ranking, predictions, objectives, options.batch)
        chosen = batch_document(ranking, picks, options.batch, heads)
        notes += said
    seconds = time.perf_counter() - began
    listed = ranking.order[: options.top]
    return {
        "models": {name: models[name].header() for name in with_needed(needed)},
        "status": "ok" if len(ranking.rows) else "empty",
        "objectives": [objective.as_dict() for objective in objectives],
        "constraints": spec.constraints.model_dump(exclude_defaults=True),
        "order": str(options.order or (Order.FRONT if ranking.success is None else Order.SUCCESS)),
        "assumptions": assumptions(ranking, objectives),
        "notes": notes,
        "counts": _counts(ranking, given, len(rows), len(listed)),
        "scenarios": {"count": len(ranking.samples), "seed": SEED, "seconds": round(seconds, 3)},
        "ranking": _Told(ranking, predictions, objectives, needed, given).entries(listed, options.coverage),
        "batch": chosen,
        "excluded": [given.excluded(i, reasons) for i, reasons in sorted(ranking.exclusions.items())],
        "failed": [error_row(error) for error in given.failed],
    }


def _require_served(needed: Sequence[str], models: Models) -> None:
    for name in needed:
        if name not in models:
            raise ModelUnavailableError(f"this installation serves no {name} model, which an objective needs")
        if (reason := lacking(name, models)) is not None:
            raise ModelUnavailableError(reason)


def _made_notes(
    ranking: Ranking, objectives: Sequence[Objective], predictions: ObjectivePredictions, models: Models
) -> list[str]:
    """Return a remark on materials that have been made all the same, by the first model that knows such."""
    for one in registry.properties():
        made = one.made(models[one.name].model) if one.name in models else None
        if made is not None:
            composition = predictions.outputs.composition[ranking.rows]
            return made_nevertheless(ranking, objectives, composition, made.known)
    return []


def _counts(ranking: Ranking, given: _Given, n_rows: int, n_listed: int) -> dict[str, int]:
    return {
        "given": n_rows,
        "ranked": len(ranking.rows),
        "excluded": len(ranking.exclusions),
        "failed": len(given.failed),
        "listed": n_listed,
        "on_front": int(ranking.on_front.sum()),
    }


def properties_of(objectives: Sequence[Objective]) -> list[str]:
    """Return the properties whose models objectives need, in the order of the registry."""
    named = {property_of(objective.quantity) for objective in objectives}
    return [name for name in registry.names() if name in named]


def kind_of(objectives: Sequence[Objective]) -> str:
    """Return the kind of material of which all objectives speak.

    Raises
    ------
    ObjectiveError
        If there is none.
    """
    owners = {objective.text: property_of(objective.quantity) for objective in objectives}
    kinds = {text: INORGANIC if owner is None else registry.get(owner).kind for text, owner in owners.items()}
    if len(set(kinds.values())) > 1:
        said = "; ".join(f"'{text}' of {KINDS[kind].label}" for text, kind in kinds.items())
        raise ObjectiveError(f"no material is ranked by objectives of different kinds: {said}")
    return next(iter(kinds.values()), INORGANIC)


def properties_to_load(objectives: Sequence[Objective]) -> list[str]:
    """Return the properties whose models must be loaded: those needed, what they ask, and what knows made materials."""
    named, knowing = properties_of(objectives), [one.name for one in registry.properties() if one.knows_made]
    if not named or any(map(has_caveat, objectives)):
        named += knowing
    return [name for name in registry.names() if name in with_needed(named)]


@dataclass(frozen=True, slots=True)
class _Given:
    """The readable candidates with their places and conditions, and the errors of the others."""

    places: list[int]
    candidates: list[Candidate]
    conditions: list[Conditions]
    failed: list[RowError]

    @classmethod
    def of(
        cls, rows: Sequence[CandidateInput | RowError], general: Conditions, objectives: Sequence[Objective]
    ) -> _Given:
        given = [(place, row) for place, row in enumerate(rows) if isinstance(row, CandidateInput)]
        wanted = properties_of(objectives) or registry.names()
        read = of_one_kind(read_inputs([row for _, row in given]), kind_of(objectives), wanted)
        found = cls([], [], [], [row for row in rows if isinstance(row, RowError)])
        for (place, row), one in zip(given, read, strict=True):
            if isinstance(one, RowError):
                found.failed.append(replace(one, index=place))
                continue
            found.places.append(place)
            found.candidates.append(one)
            found.conditions.append(row.conditions.over(general) if row.conditions.model_fields_set else general)
        found.failed.sort(key=lambda error: error.index)
        return found

    def head(self, row: int) -> MaterialHead:
        """Return how an answer names a candidate."""
        return head_of(self.candidates[row], self.places[row])

    def excluded(self, row: int, reasons: Sequence[Exclusion]) -> ExcludedEntry:
        """Return the entry of a candidate that is not ranked."""
        warnings = warnings_of(self.candidates[row].remarks)
        return {**self.head(row), "reasons": exclusion_dicts(reasons), "warnings": warnings}


def _failed_note(failed: Sequence[RowError], n: int) -> list[str]:
    return [f"{len(failed)} of {n} rows cannot be read; see `failed`"] if failed else []


@dataclass(frozen=True, slots=True)
class _Told:
    """What there is to tell of ranked candidates, and whose models objectives `needed`."""

    ranking: Ranking
    predictions: ObjectivePredictions
    objectives: Sequence[Objective]
    needed: Sequence[str]
    given: _Given

    def entries(self, listed: NDArray[np.int64], coverage: float) -> list[RankedEntry]:
        """Return the entries of positions in the ranking, best first."""
        values, central = self._values(listed, coverage)
        applicability, bases, warnings = self._applicability(self.ranking.rows[listed])
        entries: list[RankedEntry] = []
        for place, i in enumerate(listed.tolist()):
            known = applicability[place]
            near = {name: block["nearest"][0] for name, block in known.items() if block.get("nearest")}
            entries.append(
                {
                    "rank": place + 1,
                    **self.given.head(int(self.ranking.rows[i])),
                    **self._standing(i),
                    "objectives": values[place],
                    "limiting": limiting(self.objectives, self.ranking.chances[i], central[:, place].tolist()),
                    "nearest": near,
                    "applicability": {name: _domain_of(block) for name, block in known.items()},
                    "in_domain": {name: block["in_domain"] for name, block in known.items()},
                    "basis": bases[place],
                    "warnings": warnings[place],
                }
            )
        return entries

    def _standing(self, i: int) -> Standing:
        ranking, success = self.ranking, self.ranking.success
        return {
            "probability_of_success": None if success is None else _chance(success.probability[i]),
            "standard_error": None if success is None else round(float(success.standard_error[i]), DECIMALS),
            "on_front": bool(ranking.on_front[i]),
            "probability_on_front": round(float(ranking.probability_on_front[i]), DECIMALS),
            "utility": round(float(ranking.utility[i]), DECIMALS),
        }

    def _values(self, listed: NDArray[np.int64], coverage: float) -> tuple[list[list[ShownValue]], Array]:
        """Return each listed candidate's value of each objective, and central values, shape (objectives, k)."""
        ranking = self.ranking
        composition = self.predictions.outputs.composition[ranking.rows]
        central = np.array([one.take(listed).central() for one in ranking.distributions])
        central = central.reshape(len(self.objectives), -1)
        ends = [intervals(one, listed, composition, coverage) for one in ranking.distributions] if len(listed) else []
        values: list[list[ShownValue]] = [
            [
                {
                    "objective": objective.text,
                    "value": round(float(central[j, place]), DECIMALS),
                    "lower": round(float(ends[j][0][place]), DECIMALS),
                    "upper": round(float(ends[j][1][place]), DECIMALS),
                    "coverage": coverage if ranking.distributions[j].sources else None,
                    "probability": None if objective.target is None else _chance(ranking.chances[i, j]),
                    **_level(objective, float(central[j, place])),
                }
                for j, objective in enumerate(self.objectives)
            ]
            for place, i in enumerate(listed.tolist())
        ]
        return values, central

    def _applicability(
        self, rows: NDArray[np.int64]
    ) -> tuple[list[dict[str, ShownDomain]], list[dict[str, str]], list[list[dict[str, str]]]]:
        """Return what models know near candidates, on what answers stand, and warnings, as ordinary answers do."""
        remarks = [list(self.given.candidates[row].remarks) for row in rows.tolist()]
        known: list[dict[str, ShownDomain]] = [{} for _ in remarks]
        bases: list[dict[str, str]] = [{} for _ in remarks]
        outputs = self.predictions.outputs
        for name in self.needed:
            good = np.flatnonzero(np.isin(rows, outputs.judged(name).rows))
            if not len(good):
                continue
            judgement = outputs.of_rows(name, rows[good])
            blocks = domains_of(judgement, registry.get(name).n_nearest)
            told = zip(good.tolist(), blocks, judgement.basis, warnings_said(judgement), strict=True)
            for place, block, basis, said in told:
                known[place][name] = block
                bases[place] |= {name: basis} if basis else {}
                remarks[place] += [remark for remark in said if remark not in remarks[place]]
        return known, bases, [warnings_of(said) for said in remarks]


def _domain_of(block: ShownDomain) -> dict[str, bool | float | None]:
    numbers = {"distance": block.get("distance"), "domain_radius": block.get("domain_radius")}
    return {"in_domain": block["in_domain"], **numbers}


def _level(objective: Objective, value: float) -> _Level:
    """Return the name of a value, of a quantity whose values have names."""
    name = objective.quantity.level(value)
    return {} if name is None else {"level": name}


def _chance(probability: float) -> float:
    """Return a probability with as many digits as mean something: small ones still tell candidates apart."""
    return float(f"{probability:.4g}")
