"""What measured values would change in what a model says of other materials, before anybody refits it.

A model's own joint uncertainty (that of `elyte suggest`) says how far the error at one material is shared by another.
Given measured values it is conditioned on them: with covariance C of all points with the measured ones and K = C at
these plus the noise between laboratories, values move by C K^-1 (y - value) and variances fall by the diagonal of
C K^-1 C' (any textbook of Gaussian variables). That is an estimate: a refit weighs them anew, and the gates of
`elyte retrain` decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.answers.documents import answer_rows, read_rows
from serving.answers.request import DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE, CandidateInput, PropertyName
from serving.answers.rows import ModelHeaders, ResultRow, block_of
from serving.models.store import ServedModel
from serving.suggestions.answer import SuggestOptions, design_pool
from training.properties import registry
from training.properties.contract import DECIMALS
from training.properties.registry import with_needed
from training.suggestions.greedy import Uncertainty

Array = NDArray[np.float64]

MAX_MEASURED, MAX_TOUCHED = 50, 1_000
_LEAST_VARIANCE = 1e-12
ASSUMPTIONS = (
    "an estimate by the model's own joint uncertainty, at the conditions asked for; unit cells are left aside",
    "nothing is stored or fitted: a refit weighs all measurements anew, and `elyte retrain` decides whether it serves",
)


class MeasuredValue(BaseModel):
    """One measured value of one material."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    candidate: CandidateInput
    value: Annotated[float, Field(strict=True, ge=-1e6, le=1e6, description="Of the property's first quantity.")]


class EffectRequest(BaseModel):
    """A call for what measurements would change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_enum_values=True)

    property: PropertyName
    measured: Annotated[list[MeasuredValue], Field(min_length=1, max_length=MAX_MEASURED)]
    candidates: Annotated[list[CandidateInput], Field(min_length=1, max_length=MAX_TOUCHED)]
    conditions: Annotated[Conditions, Field(description="Of the measurements, and of what is predicted.")] = (
        Conditions()
    )
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE, strict=True)] = DEFAULT_COVERAGE


class EffectDocument(TypedDict):
    """What measurements would change; one entry a measurement and one a candidate, errors in their places."""

    models: ModelHeaders
    property: str
    quantity: str
    unit: str
    conditions: dict[str, object]
    assumptions: list[str]
    measured: list[dict[str, object]]
    candidates: list[dict[str, object]]


def effect(models: Mapping[str, ServedModel], request: EffectRequest) -> EffectDocument:
    """Say where measured values lie in what the model foretold, and how they would move what it says of candidates.

    Parameters
    ----------
    models
        The property's model and those that its answers ask.
    request
        Values in the unit of the property's first quantity (a logarithm where answers write one).
    """
    name = str(request.property)
    one, wanted = registry.get(name), with_needed([name])
    quantity = one.quantities[0]
    given = [*(each.candidate for each in request.measured), *request.candidates]
    rows = [row.model_copy(update={"conditions": Conditions()}) for row in given]  # one set of conditions for all
    said = answer_rows(models, rows, 0, request.conditions, [name], request.coverage, kinds=set())
    read = read_rows(rows)
    intervals = [_interval(result, name, quantity.name) for result in said]
    judged = [i for i, interval in enumerate(intervals) if interval is not None]
    k = len(request.measured)
    values = np.array([each.value for each in request.measured])
    shift, before, after = np.zeros(len(rows)), np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if any(i < k for i in judged):
        options = SuggestOptions(name, conditions=request.conditions)
        pool = design_pool(models, [cast("Candidate", read[i]) for i in judged], options)
        told = np.array([cast("dict[str, float]", intervals[i])["value"] for i in judged])
        at = [place for place, i in enumerate(judged) if i < k]
        step = values[[judged[place] for place in at]] - told[at]
        shift[judged], before[judged], after[judged] = conditioned(pool.uncertainty, np.array(at), step)
    entries = [
        _entry(name, result, interval, (float(shift[i]), float(before[i]), float(after[i])))
        for i, (result, interval) in enumerate(zip(said, intervals, strict=True))
    ]
    for entry, interval, value in zip(entries[:k], intervals[:k], values.tolist(), strict=True):
        entry["measured"] = value
        if interval is not None:
            entry["deviation"] = _rounded(value - interval["value"])
            entry["inside_interval"] = interval["lower"] <= value <= interval["upper"]
    return {
        "models": {str(needed): models[needed].header() for needed in wanted if needed in models},
        "property": name,
        "quantity": quantity.name,
        "unit": f"log10 {quantity.unit}" if quantity.is_log10 else quantity.unit,
        "conditions": request.conditions.model_dump(exclude_none=True),
        "assumptions": list(ASSUMPTIONS),
        "measured": entries[:k],
        "candidates": entries[k:],
    }


def conditioned(about: Uncertainty, measured: NDArray[np.int64], step: Array) -> tuple[Array, Array, Array]:
    """Condition Gaussian variables on measured ones.

    Parameters
    ----------
    about
        Uncertainty of n points.
    measured
        Which were measured, shape (m,).
    step
        Measured less expected values there, shape (m,).

    Returns
    -------
    shift, sd_before, sd_after
        By how much each expectation moves, and standard deviations of a measurement of each; shape (n,).
    """
    noise, variance = about.noise_variance, about.variance()
    shared = about.covariance(measured)
    between = shared[measured] + np.diag(np.full(len(measured), noise + _LEAST_VARIANCE))
    gain = np.linalg.solve(between, shared.T).T
    left = np.maximum(variance - (gain * shared).sum(axis=1), 0.0)
    return gain @ step, np.sqrt(variance + noise), np.sqrt(left + noise)


def _interval(result: ResultRow, name: str, quantity: str) -> dict[str, float] | None:
    """Return what an answer says of the quantity, None where it says nothing or has no interval."""
    block = block_of(result, name)
    said = None if block is None else block.get(quantity)
    return said if isinstance(said, dict) and said.get("lower") is not None else None


def _entry(
    name: str, result: ResultRow, interval: dict[str, float] | None, moved: tuple[float, float, float]
) -> dict[str, object]:
    head: dict[str, object] = {key: result.get(key) for key in ("id", "formula", "read_as", "warnings")}
    shift, sd_before, sd_after = moved
    if "error" in result:
        return head | {"status": "error", "error": result["error"]}
    if interval is None:
        reason = (result.get("reasons") or {}).get(name, "the model gives no number for it")
        return head | {"status": "ok", "before": None, "after": None, "reason": reason}
    known = {"sd_before": None, "sd_after": None} if np.isnan(sd_before) else _sds(sd_before, sd_after)
    return head | {"status": "ok", "before": interval, "after": _rounded(interval["value"] + shift), **known}


def _sds(before: float, after: float) -> dict[str, float]:
    return {"sd_before": _rounded(before), "sd_after": _rounded(after)}


def _rounded(number: float) -> float:
    return round(number, DECIMALS) + 0.0  # never -0.0
