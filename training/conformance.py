"""What every property model keeps to, as one check that tests and authors of a new property call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate
from features.formula import parse_formula

Array = NDArray[np.float64]

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
TOLERANCE = 1e-9
"""Largest difference that counts as equal: room for sums taken in another order, and no more."""


class Intervals(Protocol):
    """A central value with an interval, each of shape (n,)."""

    @property
    def value(self) -> Array:
        """Central values."""

    @property
    def lower(self) -> Array:
        """Lower ends."""

    @property
    def upper(self) -> Array:
        """Upper ends."""


Predict = Callable[[Sequence[Candidate], float], Mapping[str, Intervals]]
"""Candidates and a nominal coverage to named intervals."""


def check_property_model(
    predict: Predict,
    materials: Sequence[Candidate],
    *,
    reloaded: Predict | None = None,
    refitted: Predict | None = None,
    coverages: Sequence[float] = COVERAGES,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that a property model keeps its promises.

    It keeps order and length, answers with finite numbers, gives a candidate the same answer again, alone, in company,
    in any order and in any spelling of its formula; its intervals hold their value, and a wider coverage holds every
    narrower one; a copy from disk and a second fit with the same seed say the same.

    Parameters
    ----------
    predict
        The model.
    materials
        Candidates to try it on, with and without a lattice where the model knows the difference.
    reloaded
        The same model saved and loaded.
    refitted
        The model fitted again on the same rows with the same seed.
    coverages
        Nominal coverages, rising; the calibration must allow them.
    tolerance
        Largest difference that counts as equal; nets in single precision need 1e-5, as sums over a batch of another
        size are taken in another order. The same question asked again must give the very same answer all the same.

    Raises
    ------
    AssertionError
        At the first broken promise, with the answer and the material.
    """
    candidates = list(materials)
    _require(len(candidates) > 1, "at least two materials are needed to check a model")
    answer = _checked_call(predict, candidates, 0.9)
    _require_equal(candidates, answer, _checked_call(predict, candidates, 0.9), "asked again", tolerance=0.0)
    alone = _one_by_one(predict, candidates)
    _require_equal(candidates, answer, alone, "alone instead of in a batch", tolerance=tolerance)
    _check_order(predict, candidates, answer, tolerance)
    for spelled in _spellings(candidates):
        again = _checked_call(predict, spelled, 0.9)
        _require_equal(candidates, answer, again, f"spelled {spelled[0].formula}", tolerance=tolerance)
    _check_intervals(predict, candidates, coverages, tolerance)
    _checked_call(predict, [], 0.9)
    for name, other in (("loaded from disk", reloaded), ("fitted again", refitted)):
        if other is not None:
            _require_equal(candidates, answer, _checked_call(other, candidates, 0.9), name, tolerance=tolerance)


def _checked_call(predict: Predict, candidates: Sequence[Candidate], coverage: float) -> dict[str, Array]:
    """Ask the model: finite intervals around their value, a row per candidate; as arrays (3, n) by name."""
    answers = predict(candidates, coverage)
    _require(len(answers) > 0, "the model answers nothing")
    out = {}
    for name, interval in answers.items():
        rows = np.array([interval.lower, interval.value, interval.upper], dtype=float)
        expected = (3, len(candidates))
        _require(rows.shape == expected, f"{name}: shape {rows.shape}, expected {expected} (ends and value, rows)")
        _require_all(candidates, np.isfinite(rows.sum(axis=0)), f"{name}: not finite")
        ordered = (rows[0] <= rows[1]) & (rows[1] <= rows[2])
        _require_all(candidates, ordered, f"{name}: the interval misses its value")
        out[name] = rows
    return out


def _one_by_one(predict: Predict, candidates: Sequence[Candidate]) -> dict[str, Array]:
    singles = [_checked_call(predict, [candidate], 0.9) for candidate in candidates]
    return {name: np.hstack([single[name] for single in singles]) for name in singles[0]}


def _check_order(
    predict: Predict, candidates: Sequence[Candidate], answer: Mapping[str, Array], tolerance: float
) -> None:
    order = np.random.default_rng(0).permutation(len(candidates))
    mixed = [candidates[i] for i in order]
    expected = {name: rows[:, order] for name, rows in answer.items()}
    _require_equal(mixed, expected, _checked_call(predict, mixed, 0.9), "in another order", tolerance=tolerance)


def _spellings(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Spell every material in other ways: elements the other way round, other multiples of the formula unit."""
    for multiple, reverse in ((1.0, True), (3.0, False), (0.25, True)):
        yield [_spelled(candidate, multiple, reverse=reverse) for candidate in candidates]


def _spelled(candidate: Candidate, multiple: float, *, reverse: bool) -> Candidate:
    terms = [
        symbol + np.format_float_positional(amount * multiple, trim="-")
        for symbol, amount in sorted(candidate.amounts.items(), reverse=reverse)
    ]
    text = "".join(terms)
    return replace(candidate, formula=text, amounts=parse_formula(text))


def _check_intervals(
    predict: Predict, candidates: Sequence[Candidate], coverages: Sequence[float], tolerance: float
) -> None:
    """Check that the value stays and the interval grows as the coverage rises."""
    before = _checked_call(predict, candidates, coverages[0])
    for coverage in coverages[1:]:
        wider = _checked_call(predict, candidates, coverage)
        for name, rows in wider.items():
            low, value, high = before[name]
            how = f"{name} at coverage {coverage:g}"
            _require_all(candidates, np.abs(rows[1] - value) <= tolerance, f"{how}: another value")
            holds = (rows[0] <= low + tolerance) & (rows[2] >= high - tolerance)
            _require_all(candidates, holds, f"{how}: the interval does not hold the narrower one")
        before = wider


def _require_equal(
    candidates: Sequence[Candidate],
    expected: Mapping[str, Array],
    received: Mapping[str, Array],
    how: str,
    *,
    tolerance: float,
) -> None:
    _require(set(received) == set(expected), f"{how}: answers {sorted(received)}, expected {sorted(expected)}")
    for name, rows in expected.items():
        close = np.abs(received[name] - rows).max(axis=0) <= tolerance
        _require_all(candidates, close, f"{how}: {name} differs by more than {tolerance:g}")


def _require_all(candidates: Sequence[Candidate], kept: NDArray[np.bool_], promise: str) -> None:
    broken = np.flatnonzero(~kept)
    if len(broken):
        raise AssertionError(f"{promise}, first for {candidates[broken[0]].formula} ({len(broken)} of {len(kept)})")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
