"""What every property keeps to: one check that the tests call for each registered one, and authors for theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from features.candidate import Candidate, MaterialBatch
from features.formula import parse_formula
from training.properties import registry
from training.properties.conditions import ConditionColumns
from training.properties.contract import Answered, Beside, Content, Judgement, Property, Query

COVERAGES = (0.5, 0.8, 0.9)
TOLERANCE = 1e-9
"""Largest difference that counts as equal: room for sums taken in another order, and no more."""


def check_property(
    chosen: Property,
    model: Any,  # noqa: ANN401
    formulas: Sequence[str],
    *,
    beside: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that a property keeps the promises of its contract.

    What it declares is whole and clashes with nobody's names; it keeps order and length, says the same again, alone,
    in company, in any order and in any spelling; what it says is finite or refused with a reason; intervals hold their
    value, and wider ones the narrower; the query is left as it was.

    Parameters
    ----------
    chosen
        The property, registered.
    model
        As its `load` returns it.
    formulas
        Two or more materials that it can judge, different from each other.
    beside
        Models of the properties that it needs.
    tolerance
        Largest difference that counts as equal; nets in single precision need 1e-5.

    Raises
    ------
    AssertionError
        At the first broken promise.
    """
    _check_declaration(chosen)
    _require(len(formulas) > 1, "at least two materials are needed to check a property")
    candidates = [Candidate.from_formula(formula) for formula in formulas]

    def judged(rows: Sequence[Candidate], coverage: float = 0.9) -> Judgement:
        return chosen.judge(model, query_of(rows, coverage, beside))

    query = query_of(candidates, 0.9, beside)
    before = query.batch.fraction.copy()
    answer = _arrays(chosen.judge(model, query), len(candidates))
    _require(bool((query.batch.fraction == before).all()), "the batch was changed")
    _require_equal(answer, _arrays(judged(candidates), len(candidates)), "asked again", 0.0)
    _require(len(judged([]).distance) == 0, "no rows: no answers expected")
    alone = [_arrays(judged([candidate]), 1) for candidate in candidates]
    joined = {name: np.concatenate([one[name] for one in alone], axis=-1) for name in answer}
    _require_equal(answer, joined, "alone instead of in company", tolerance)
    turned = _arrays(judged(candidates[::-1]), len(candidates))
    _require_equal(answer, {name: rows[..., ::-1] for name, rows in turned.items()}, "in another order", tolerance)
    spelled = _arrays(judged([_spelled(candidate) for candidate in candidates]), len(candidates))
    _require_equal(answer, spelled, "spelled otherwise", tolerance)
    _check_coverages([_arrays(judged(candidates, c), len(candidates)) for c in COVERAGES], tolerance)
    _check_renderings(chosen, judged(candidates), len(candidates))


def query_of(candidates: Sequence[Candidate], coverage: float = 0.9, beside: Mapping[str, Any] | None = None) -> Query:
    """Return candidates without stated conditions as a query."""
    known = registry.conditions()
    n = len(candidates)
    conditions = ConditionColumns(
        {name: np.full(n, np.nan) for name, one in known.items() if one.content is Content.NUMBER},
        {name: np.full(n, None, dtype=object) for name, one in known.items() if one.content is Content.TEXT},
    )
    models = {name: Beside(model, {}) for name, model in (beside or {}).items()}
    batch = MaterialBatch.from_candidates(candidates)
    return Query(batch, [candidate.amounts for candidate in candidates], conditions, coverage, models)


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


def _arrays(judgement: Judgement, n: int) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return intervals as arrays (3, n), finite or refused; `in_domain` and `distance` of shape (n,)."""
    silent = np.array([reason is not None for reason in judgement.reasons], dtype=bool)
    out = {"in_domain": judgement.in_domain.astype(float), "distance": np.nan_to_num(judgement.distance, nan=-1.0)}
    for name, interval in judgement.intervals.items():
        rows = np.array([interval.lower, interval.value, interval.upper], dtype=float)
        _require(rows.shape == (3, n), f"{name}: shape {rows.shape}, expected (3, {n})")
        _require(bool((np.isfinite(rows[1]) | silent).all()), f"{name}: neither a number nor a reason")
        ordered = ~np.isfinite(rows).all(axis=0) | ((rows[0] <= rows[1]) & (rows[1] <= rows[2]))
        _require(bool(ordered.all()), f"{name}: an interval misses its value")
        out[name] = np.nan_to_num(rows, nan=-1.0)
    _require(all(len(part.T) == n for part in out.values()), f"expected {n} rows")
    return out


def _check_coverages(answers: Sequence[Mapping[str, Any]], tolerance: float) -> None:
    for narrow, wide in pairwise(answers):
        for name in narrow.keys() - {"in_domain", "distance"}:
            _require_equal({name: narrow[name][1]}, {name: wide[name][1]}, "another coverage, another value", tolerance)
            holds = (wide[name][0] <= narrow[name][0] + tolerance) & (wide[name][2] >= narrow[name][2] - tolerance)
            _require(bool(holds.all()), f"{name}: a wider interval does not hold the narrower")


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


def _spelled(candidate: Candidate) -> Candidate:
    """Spell a formula with other multiples of the formula unit, elements the other way round."""
    terms = [f"{s}{np.format_float_positional(3.0 * x, trim='-')}" for s, x in reversed(candidate.amounts.items())]
    text = "".join(terms)
    return replace(candidate, formula=text, amounts=parse_formula(text))


def _require_equal(
    expected: Mapping[str, Any],
    received: Mapping[str, Any],
    how: str,
    tolerance: float,
) -> None:
    _require(set(expected) == set(received), f"{how}: says {sorted(received)}, expected {sorted(expected)}")
    for name, rows in expected.items():
        apart = float(np.abs(received[name] - rows).max(initial=0.0))
        _require(apart <= tolerance, f"{how}: {name} differs by {apart:g}")


def _require(kept: bool, message: str) -> None:
    if not kept:
        raise AssertionError(message)
