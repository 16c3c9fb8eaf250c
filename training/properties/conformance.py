"""What every property keeps to: one check that the tests call for each registered one, and authors for theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from features.candidate import Candidate
from features.kinds import KINDS, read_material
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import Answered, Array, Beside, Content, Flags, Judgement, Property, Query
from training.uncertainty import InsufficientCalibrationError

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
COVERAGE = 0.9
"""The calibration must allow this and what is below; beyond, ends of intervals may be missing."""
TOLERANCE = 1e-9
"""Largest difference that counts as equal: room for sums taken in another order, and no more."""

MEASURES = {"in_domain", "distance"}
Arrays = dict[str, Array]
"""By name of a quantity value and ends of intervals, shape (3, n); `MEASURES` of the domain, shape (n,)."""


def check_property(
    chosen: Property,
    model: Any,  # noqa: ANN401
    materials: Sequence[str | Candidate],
    *,
    beside: Mapping[str, Any] | None = None,
    copies: Mapping[str, Any] | None = None,
    conditions: Mapping[str, float | str] | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that a property keeps the promises of its contract.

    What it declares is whole and clashes with nobody's names; it keeps order and length, says the same again, alone,
    in company, in any order and in any spelling; what it says is finite or refused with a reason; intervals hold their
    value, and wider ones the narrower; the query is left as it was; copies of its model say the same.

    Parameters
    ----------
    chosen
        The property, registered.
    model
        As its `load` returns it.
    materials
        Two or more that it can judge, different from each other: formulas, or candidates where some have a unit cell.
    beside
        Models of the properties that it needs.
    copies
        Models that must say the same, by what they are: "loaded from disk", "fitted again".
    conditions
        Under which all are judged; none stated without it.
    tolerance
        Largest difference that counts as equal; nets in single precision need 1e-5. The same query asked again must
        give the very same answer all the same.

    Raises
    ------
    AssertionError
        At the first broken promise, with the material.
    """
    _check_declaration(chosen)
    candidates = [read_material({"formula": one}) if isinstance(one, str) else one for one in materials]
    _require(len(candidates) > 1, "at least two materials are needed to check a property")
    _Check(chosen, beside or {}, conditions or {}, tolerance).run(model, candidates, copies or {})


@dataclass(frozen=True)
class _Check:
    """What is asked the same way each time."""

    chosen: Property
    beside: Mapping[str, Any]
    conditions: Mapping[str, float | str]
    tolerance: float

    def run(self, model: Any, candidates: list[Candidate], copies: Mapping[str, Any]) -> None:  # noqa: ANN401
        query = self.query(candidates)
        before = deepcopy(_columns_of(query.batch))
        answer = _arrays(self.chosen.judge(model, query))
        kept = [np.array_equal(column, before[name]) for name, column in _columns_of(query.batch).items()]
        _require(all(kept), "the batch was changed")
        again = self.arrays(model, candidates)
        for name, rows in answer.items():
            _require_all(query, _apart(rows, again[name]) == 0.0, f"asked again: {name} differs")
        _require(len(self.judged(model, []).distance) == 0, "no rows: no answers expected")
        alone = [self.arrays(model, [candidate]) for candidate in candidates]
        joined = {name: np.concatenate([one[name] for one in alone], axis=-1) for name in answer}
        self.require_equal(query, answer, joined, "alone instead of in company")
        order = np.random.default_rng(0).permutation(len(candidates))
        mixed = self.arrays(model, [candidates[row] for row in order])
        back = {name: rows[..., np.argsort(order)] for name, rows in mixed.items()}
        self.require_equal(query, answer, back, "in another order")
        kind = KINDS[self.chosen.kind]
        for spelled in map(list, zip(*map(kind.spellings, candidates), strict=True)):
            self.require_equal(query, answer, self.arrays(model, spelled), f"spelled {spelled[0].formula}")
        self.check_coverages(model, candidates)
        _check_renderings(self.chosen, self.judged(model, candidates), len(candidates))
        for how, copy in copies.items():
            self.require_equal(query, answer, self.arrays(copy, candidates), how)

    def query(self, candidates: Sequence[Candidate], coverage: float = COVERAGE) -> Query:
        """Return candidates under the conditions as a query."""
        known, n = registry.conditions(), len(candidates)
        unknown = sorted(self.conditions.keys() - known.keys())
        _require(not unknown, f"conditions {unknown} are declared by no property")
        columns = ConditionColumns(
            {
                name: np.full(n, self.conditions.get(name, np.nan), dtype=float)
                for name, one in known.items()
                if one.content is Content.NUMBER
            },
            {
                name: np.full(n, self.conditions.get(name), dtype=object)
                for name, one in known.items()
                if one.content is Content.TEXT
            },
        )
        models = {name: Beside(model, {}) for name, model in self.beside.items()}
        amounts = [candidate.amounts for candidate in candidates]
        return Query(KINDS[self.chosen.kind].lay_out(candidates), amounts, columns, coverage, models)

    def judged(self, model: Any, candidates: Sequence[Candidate]) -> Judgement:  # noqa: ANN401
        return self.chosen.judge(model, self.query(candidates))

    def arrays(self, model: Any, candidates: Sequence[Candidate], coverage: float = COVERAGE) -> Arrays:  # noqa: ANN401
        return _arrays(self.chosen.judge(model, self.query(candidates, coverage)))

    def check_coverages(self, model: Any, candidates: Sequence[Candidate]) -> None:  # noqa: ANN401
        """Check that values stay and intervals grow as the coverage rises, as far as the calibration allows."""
        query, answers = self.query(candidates), []
        for coverage in COVERAGES:
            try:
                answers.append(self.arrays(model, candidates, coverage))
            except InsufficientCalibrationError:
                _require(coverage > COVERAGE, f"silent at a coverage of {coverage:g}")
                break
        for (narrow, wide), coverage in zip(pairwise(answers), COVERAGES[1:], strict=False):
            for name in narrow.keys() - MEASURES:
                how, apart = f"{name} at coverage {coverage:g}", self.tolerance
                (value, lower, upper), (same, low, high) = narrow[name], wide[name]
                _require_all(query, _apart(same, value) <= apart, f"{how}: another value")
                holds = np.isnan(low) | ((low <= lower + apart) & (high >= upper - apart))
                _require_all(query, holds, f"{how}: the interval does not hold the narrower one")

    def require_equal(self, query: Query, expected: Arrays, received: Arrays, how: str) -> None:
        _require(set(expected) == set(received), f"{how}: says {sorted(received)}, expected {sorted(expected)}")
        for name, rows in expected.items():
            apart = _apart(received[name], rows)
            _require_all(query, apart <= self.tolerance, f"{how}: {name} differs by {apart.max(initial=0.0):g}")


def _check_declaration(chosen: Property) -> None:
    _require(registry.get(chosen.name) is chosen, f"{chosen.name} is not registered")
    _require(bool(chosen.label and chosen.quantities), f"{chosen.name}: no label or no quantity")
    columns = [name for one in chosen.quantities if one.in_answers for name in one.columns]
    columns += [column.name for column in chosen.columns()]
    shared = {*registry.conditions()}
    for other in registry.properties():
        if other is not chosen:
            theirs = {name for one in other.quantities for name in one.columns} | {c.name for c in other.columns()}
            clash = (set(columns) - shared) & theirs
            _require(not clash, f"{chosen.name} and {other.name} share the columns {sorted(clash)}")
    for quantity in chosen.quantities:
        _require(quantity.lowest < quantity.highest, f"{quantity.name}: no range of targets")
        _require(bool(quantity.aliases), f"{quantity.name}: no name for users")
        unknown = set(quantity.conditions) - {condition.name for condition in chosen.conditions}
        _require(not unknown, f"{quantity.name} depends on {sorted(unknown)}, which {chosen.name} does not declare")
        _require(not quantity.unit or not quantity.units or quantity.unit in dict(quantity.units), quantity.name)
    for needed in chosen.needs:
        registry.get(needed)


def _arrays(judgement: Judgement) -> Arrays:
    """Return what is said as arrays; NaN where a number is refused with a reason."""
    n, query = len(judgement), judgement.query
    out = {"in_domain": judgement.in_domain.astype(float), "distance": judgement.distance}
    for name, interval in judgement.intervals.items():
        rows = np.array([interval.value, interval.lower, interval.upper], dtype=float)
        _require(rows.shape == (3, n), f"{name}: shape {rows.shape}, expected (3, {n})")
        is_given = np.isfinite(rows)
        if not is_given[0].all():
            _require_all(query, is_given[0] | _has_reason(judgement), f"{name}: neither a number nor a reason")
        has_ends = is_given.all(axis=0)
        if query.coverage <= COVERAGE:
            _require_all(query, has_ends | ~is_given[0], f"{name}: a value without an interval")
        ordered = ~has_ends | ((rows[1] <= rows[0]) & (rows[0] <= rows[2]))
        _require_all(query, ordered, f"{name}: the interval misses its value")
        out[name] = rows
    _require(all(len(part.T) == n for part in out.values()), f"expected {n} rows")
    return out


def _apart(one: Array, other: Array) -> Array:
    """Return how far numbers differ: 0 where both are missing, NaN where one is."""
    apart: Array = np.where(np.isnan(one) & np.isnan(other), 0.0, np.abs(one - other))
    return apart


def _has_reason(judgement: Judgement) -> Flags:
    """Return which rows have a reason for having no number: the property's, or one among what is said in words."""
    silent = [reason is not None for reason in judgement.reasons]
    partly = [any(key.endswith("reason") and said[key] for key in said) for said in judgement.details()]
    has: Flags = np.array(silent, dtype=bool) | np.array(partly, dtype=bool)
    return has


def _check_renderings(chosen: Property, judgement: Judgement, n: int) -> None:
    """Check that every medium has something to write."""
    said = {quantity.name for quantity in chosen.quantities if quantity.in_answers}
    _require(set(judgement.intervals) == said, f"says {sorted(judgement.intervals)}, declares {sorted(said)}")
    columns = {column.name: column.array(judgement) for column in chosen.columns() if column.array is not None}
    domains = judgement.applicability(chosen.n_nearest)
    lengths = {len(judgement.details()), len(domains), *(len(one) for one in columns.values())}
    _require(lengths == {n}, f"expected {n} rows, received {lengths}")
    silent = Answered(None, {}, "because")
    cells = [column.cell(silent) for column in chosen.columns()]  # of a property that says nothing
    _require(all(cell in (None, "because") for cell in cells), f"cells beside a reason: {cells}")
    for warning in judgement.warnings:
        for row in np.flatnonzero(warning.rows).tolist():
            _require(bool(warning.words(row)), f"{warning.code} says nothing of row {row}")
    for near in judgement.nearest(2):
        _require(all({"formula", "value", "distance"} <= set(material) for material in near), "nearest lacks a key")


def _columns_of(batch: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the arrays of a batch by name; NaN, which equals nothing, as 0."""
    found = {name: getattr(batch, name) for name in batch.__dataclass_fields__}
    columns = {name: one for name, one in found.items() if isinstance(one, np.ndarray)}
    return {name: np.nan_to_num(one) if one.dtype.kind == "f" else one for name, one in columns.items()}


def _require_all(query: Query, kept: Flags, promise: str) -> None:
    """Raise with the first material for which a promise is broken; `kept` has shape (..., n)."""
    broken = np.flatnonzero(~kept.reshape(-1, kept.shape[-1]).all(axis=0))
    if len(broken):
        amounts = query.amounts[broken[0]].items()
        material = "".join(f"{symbol}{amount:g}" for symbol, amount in amounts) or f"row {broken[0] + 1}"
        raise AssertionError(f"{promise}, first for {material} ({len(broken)} of {kept.shape[-1]} materials)")


def _require(kept: bool, message: str) -> None:
    if not kept:
        raise AssertionError(message)
