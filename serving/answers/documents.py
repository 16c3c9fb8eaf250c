"""Judgements as JSON: the rows of `predict` and of `nearest`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict, cast

import numpy as np

from features.candidate import Candidate, RowError
from features.errors import CandidateError, Remark
from serving.answers.conditions import Conditions
from serving.answers.judging import (
    Judged,
    Models,
    Rendered,
    Silence,
    by_kind,
    judge,
    query_of,
    speaking_of,
    wrong_kind,
)
from serving.answers.request import MIN_COVERAGE, CandidateInput, read_inputs
from serving.answers.rows import KnownMaterial, ResultRow, ShownDomain, error_row, material_of, warnings_of
from training.properties.contract import DECIMALS, Judgement, Property, Quantity, Query, rounded_columns
from training.uncertainty import Interval

Row = CandidateInput | RowError
Said = Mapping[str, Rendered | Silence]
_Near = dict[str, object]


class ShownInterval(TypedDict):
    """A value with its interval; the ends are null with a reason where too few rows calibrate them."""

    value: float
    lower: float | None
    upper: float | None
    coverage: float
    reason: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Written:
    """What one property says of n candidates, as JSON."""

    blocks: list[Mapping[str, Any]]
    applicability: list[ShownDomain]
    remarks: list[list[Remark]]
    reasons: Sequence[str | None]


def write(one: Property, judged: Judgement, *, explain: bool = False) -> Written:
    """Write a judgement as JSON; details come first, as other numbers come with them at no cost."""
    details, applicability = judged.details(), domains_of(judged, one.n_nearest)
    shown = {q.name: _shown(q, judged.intervals[q.name], judged.query.coverage) for q in one.quantities if q.in_answers}
    explanations = judged.explanations() if explain else [{}] * len(judged)
    columns = zip(details, explanations, *shown.values(), strict=True)
    blocks: list[Mapping[str, Any]] = [
        {
            **{name: None for name in shown if name not in detail},
            **detail,
            **dict(zip(shown, numbers, strict=True)),
            **explanation,
        }
        for detail, explanation, *numbers in columns
    ]
    return Written(blocks, applicability, remarks_of(judged), judged.reasons)


def _shown(quantity: Quantity, interval: Interval, coverage: float) -> Sequence[Any]:
    if not quantity.has_interval:
        return [None if value != value else round(value, DECIMALS) for value in interval.value.tolist()]
    return interval_blocks(interval, coverage)


def domains_of(judged: Judgement, count: int) -> list[ShownDomain]:
    """Return what a judgement says of its domain and of `count` known materials, nearest first."""
    return cast("list[ShownDomain]", judged.applicability(count))


def interval_blocks(interval: Interval, coverage: float) -> list[ShownInterval | None]:
    """Return n intervals as JSON, rounded; None where nothing is said, and ends that are NaN are null with a reason."""
    values, lowest, highest = rounded_columns(interval)
    blocks: list[ShownInterval | None] = [
        None if value is None else {"value": value, "lower": lower, "upper": upper, "coverage": coverage}
        for value, lower, upper in zip(values, lowest, highest, strict=True)
    ]
    for block in filter(None, blocks if None in lowest or None in highest else ()):
        if block["lower"] is None or block["upper"] is None:
            reason = f"too few calibration rows for coverage {coverage:g}"
            block.update({"lower": None, "upper": None, "reason": reason})
    return blocks


def remarks_of(judged: Judgement) -> list[list[Remark]]:
    """Return the warnings of each row."""
    remarks: list[list[Remark]] = [[] for _ in range(len(judged))]
    for warning in judged.warnings:
        for row in np.flatnonzero(warning.rows).tolist():
            remarks[row].append(Remark(warning.code, warning.words(row)))
    return remarks


def answer_rows(
    models: Models,
    rows: Sequence[Row],
    offset: int,
    general: Conditions,
    wanted: Sequence[str],
    coverage: float,
    *,
    explain: bool = False,
    kinds: set[str],
) -> list[ResultRow]:
    """Answer rows, of which the first is row `offset` of the call, as `predict` does; errors stand in their places.

    The kinds of material that were read are added to `kinds`.
    """

    def render(one: Property, judged: Judgement) -> Written:
        return write(one, judged, explain=explain)

    def ask(query: Query, names: Sequence[str]) -> Judged[Written]:
        return judge(models, query, names, render)

    candidates = _Candidates.of(rows, offset, general)
    kinds.update(by_kind(candidates.read))
    return candidates.results(ask, wanted, coverage, _answered)


def nearest_rows(
    models: Models, rows: Sequence[Row], general: Conditions, wanted: Sequence[str], count: int
) -> list[ResultRow]:
    """Name known materials near each row, by each property's own distance, with the value under a name with its unit.

    The distances of different properties are different scales: conductivity and stability compare compositions,
    critical current density adds what differs in the cell. Within one property, smaller is nearer, and `in_domain` says
    whether the model trusts itself there.
    """

    def render(one: Property, judged: Judgement) -> list[_Near]:
        field = one.quantities[0].name
        return [
            {**block, "nearest": [_with_unit(material, field) for material in block["nearest"]]}
            for block in domains_of(judged, count)
        ]

    def ask(query: Query, names: Sequence[str]) -> Judged[list[_Near]]:
        return judge(models, query, names, render, asks_others=False)

    # Coverage moves no distance; the smallest is the one that every calibration allows.
    return _Candidates.of(rows, 0, general).results(ask, wanted, MIN_COVERAGE, _nearest)


def _with_unit(material: KnownMaterial, field: str) -> dict[str, object]:
    return {field if key == "value" else key: value for key, value in material.items()}


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Rows of a call: all of them as read, and the readable ones with their places and conditions."""

    rows: list[Candidate | RowError]
    offset: int
    places: list[int]
    read: list[Candidate]
    conditions: list[Conditions]

    @classmethod
    def of(cls, rows: Sequence[Row], offset: int, general: Conditions) -> _Candidates:
        found = read_rows(rows, offset)
        good = [(place, row) for place, row in enumerate(found) if isinstance(row, Candidate)]
        own = [_own(rows[place], general) for place, _ in good]
        return cls(found, offset, [place for place, _ in good], [row for _, row in good], own)

    def results(
        self,
        ask: Callable[[Query, Sequence[str]], Judged[Rendered]],
        wanted: Sequence[str],
        coverage: float,
        answered: Callable[[Candidate, Said[Rendered], int], dict[str, object]],
    ) -> list[ResultRow]:
        """Ask the properties that speak of each kind of material; return the row of each answer, or of its error."""
        results = [error_row(row) if isinstance(row, RowError) else cast("ResultRow", {}) for row in self.rows]
        for kind, own in by_kind(self.read).items():
            names, positions = speaking_of(kind, wanted), own.tolist()
            if not names:
                self._fail(results, dict.fromkeys(positions, wrong_kind(kind, wanted)))
                continue
            read, conditions = [self.read[p] for p in positions], [self.conditions[p] for p in positions]
            found = ask(query_of(read, conditions, coverage), names)
            self._fail(results, {positions[row]: error for row, error in found.errors.items()})
            for row, judged in enumerate(found.rows.tolist()):
                place, candidate = self.places[positions[judged]], self.read[positions[judged]]
                head = {"id": candidate.id, "index": self.offset + place, "status": "ok", **material_of(candidate)}
                results[place] = cast("ResultRow", head | answered(candidate, found.said, row))
        return results

    def _fail(self, results: list[ResultRow], errors: Mapping[int, CandidateError]) -> None:
        for position, error in errors.items():
            place = self.places[position]
            results[place] = error_row(RowError.of(self.read[position], self.offset + place, error))


def _own(row: Row, general: Conditions) -> Conditions:
    stated = isinstance(row, CandidateInput) and row.conditions.model_fields_set
    return row.conditions.over(general) if isinstance(row, CandidateInput) and stated else general


def read_rows(rows: Sequence[Row], offset: int = 0) -> list[Candidate | RowError]:
    """Read candidates, of which the first is row `offset` of the call; errors keep their places."""
    given = [row for row in rows if isinstance(row, CandidateInput)]
    read = iter(read_inputs(given))
    out: list[Candidate | RowError] = []
    for place, row in enumerate(rows):
        result = row if isinstance(row, RowError) else next(read)
        out.append(replace(result, index=offset + place) if isinstance(result, RowError) else result)
    return out


def _reasons(reasons: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    stated = {name: reason for name, reason in reasons.items() if reason is not None}
    return {"reasons": stated} if stated else {}


def _nearest(candidate: Candidate, said: Said[list[_Near]], row: int) -> dict[str, object]:
    blocks: dict[str, object] = {
        name: None if isinstance(found, Silence) else found[row] for name, found in said.items()
    }
    reasons = _reasons({name: found.reason for name, found in said.items() if isinstance(found, Silence)})
    return blocks | {"warnings": warnings_of(candidate.remarks)} | reasons


def _answered(candidate: Candidate, said: Said[Written], row: int) -> dict[str, object]:
    answer: dict[str, object] = {}
    applicability: dict[str, ShownDomain] = {}
    reasons: dict[str, str | None] = {}
    remarks = list(candidate.remarks)
    for name, found in said.items():
        if isinstance(found, Silence):
            answer[name], reasons[name] = None, found.reason
            continue
        answer[name], applicability[name] = found.blocks[row], found.applicability[row]
        reasons[name] = found.reasons[row]
        if more := found.remarks[row]:
            remarks += [remark for remark in more if remark not in remarks]
    answer |= {"applicability": applicability, "warnings": warnings_of(remarks)}
    return answer | _reasons(reasons)
