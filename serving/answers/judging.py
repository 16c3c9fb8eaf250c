"""The one road from rows to judgements: read, lay out as arrays, ask each property once, and render.

Every medium goes it and brings its own renderer; see `documents` for JSON and `columns` for flat columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.candidate import INORGANIC, Candidate, RowError
from features.errors import CandidateError, RowErrorCode
from features.kinds import KINDS
from serving.answers.conditions import Conditions, condition_columns
from serving.models.store import ServedModel
from training.properties import registry
from training.properties.contract import Beside, Judgement, Property, Query
from training.uncertainty import InsufficientCalibrationError

Rendered = TypeVar("Rendered")
Models = Mapping[str, ServedModel]
Render = Callable[[Property, Judgement], Rendered]


class Silence(NamedTuple):
    """Why a property says nothing in this call."""

    reason: str


@dataclass(frozen=True, slots=True)
class Judged(Generic[Rendered]):
    """What the wanted properties say of n rows.

    Attributes
    ----------
    rows
        Those that every property can judge, shape (m,); what is rendered is of them.
    errors
        The others, and what is wrong with them: what the first of the wanted properties found.
    said
        By property, in the order wanted.
    """

    rows: NDArray[np.int64]
    errors: dict[int, CandidateError]
    said: dict[str, Rendered | Silence]


def query_of(candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float) -> Query:
    """Lay out n candidates of one kind, each under its own conditions."""
    amounts = [candidate.amounts for candidate in candidates]
    kind = KINDS[candidates[0].kind if candidates else INORGANIC]
    return Query(kind.lay_out(candidates), amounts, condition_columns(conditions), coverage, {})


def by_kind(candidates: Sequence[Candidate | RowError]) -> dict[str, NDArray[np.int64]]:
    """Return where the readable candidates of each kind stand, shape (k,) each."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(candidates):
        if isinstance(one, Candidate):
            places.setdefault(one.kind, []).append(place)
    return {kind: np.array(own, dtype=np.int64) for kind, own in places.items()}


def speaking_of(kind: str, wanted: Sequence[str]) -> list[str]:
    """Return the wanted properties that speak of a kind of material."""
    return [name for name in wanted if registry.get(name).kind == kind]


def said_of_rows(rows: Sequence[Mapping[str, object]], wanted: Iterable[str]) -> list[str]:
    """Return which properties speak of the kinds of material among answered rows; where none is, of formulas."""
    names = list(wanted)
    kinds = {registry.get(name).kind for row in rows for name in names if name in row} or {INORGANIC}
    return [name for name in names if registry.get(name).kind in kinds]


def of_one_kind(rows: Sequence[Candidate | RowError], kind: str, wanted: Sequence[str]) -> list[Candidate | RowError]:
    """Return rows, in the place of those of another kind the error that nothing wanted can be said of them."""
    return [
        row if isinstance(row, RowError) or row.kind == kind else RowError.of(row, place, wrong_kind(row.kind, wanted))
        for place, row in enumerate(rows)
    ]


def wrong_kind(kind: str, wanted: Sequence[str]) -> CandidateError:
    """Return the error of a material of which none of the wanted properties speaks."""
    able = [one.name for one in registry.properties() if one.kind == kind]
    words = f"{', '.join(wanted)} cannot be said of {KINDS[kind].label}; {', '.join(able) or 'nothing'} can"
    return CandidateError(RowErrorCode.WRONG_KIND, words)


def judge(
    models: Models, query: Query, wanted: Sequence[str], render: Render[Rendered], *, asks_others: bool = True
) -> Judged[Rendered]:
    """Ask the properties, those first on whose numbers others build, so that no model is asked twice.

    Parameters
    ----------
    models
        Served models by property.
    query
        n readable materials.
    wanted
        Properties.
    render
        Takes what it needs of a judgement; nothing else of it is computed.
    asks_others
        Whether what is rendered stands on what other properties say; if so, one of them that is not served silences
        those that need it.
    """
    silent = {name: Silence(reason) for name in wanted if (reason := _why_silent(name, models, asks_others))}
    speaking = [name for name in wanted if name not in silent]
    errors: dict[int, CandidateError] = {}
    for name in speaking:
        errors = {**registry.get(name).refused(models[name].model, query), **errors}
    rows = np.array([row for row in range(len(query)) if row not in errors], dtype=np.int64)
    if not len(rows):
        return Judged(rows, errors, {})
    asked = query.take(rows) if errors else query
    said: dict[str, Rendered | Silence] = {**silent}
    judgements: dict[str, Judgement] = {}
    for name in registry.in_order(speaking):
        one = registry.get(name)
        try:
            judgement = one.judge(models[name].model, replace(asked, beside=_beside(one, models, judgements)))
            said[name] = render(one, judgement)
        except InsufficientCalibrationError as error:
            said[name] = Silence(str(error))
        else:
            judgements[name] = judgement
    return Judged(rows, errors, {name: said[name] for name in wanted})


def _beside(one: Property, models: Models, judgements: Mapping[str, Judgement]) -> dict[str, Beside]:
    return {
        name: Beside(models[name].model, judgements[name].numbers if name in judgements else {})
        for name in one.needs
        if name in models
    }


def _why_silent(name: str, models: Models, asks_others: bool) -> str | None:
    if name not in models:
        return f"this installation serves no {name} model"
    return lacking(name, models) if asks_others else None


def lacking(name: str, models: Models) -> str | None:
    """Return why a property cannot be answered for want of models that it asks, None where all are there."""
    needs = registry.get(name).needs
    absent = [other for other in needs if other not in models]
    if not absent:
        return None
    return (
        f"{name} is built on what the models of {' and '.join(needs)} say, and this installation"
        f" serves no {' and no '.join(absent)} model; run `elyte train {absent[0]}`"
    )
