"""Enrichment, hits found and regret, against counting all orders and all draws."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.retrospective_metrics import (
    blind_enrichment,
    blind_regret,
    enrichment,
    first_of,
    hits_found,
    largest_enrichment,
    rank_percentile,
    regret,
)

ROWS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(-9, 0)), min_size=1, max_size=6)


def _orders(scores: list[int]) -> list[tuple[int, ...]]:
    """Return all orders by falling score; candidates of equal score in any order."""
    n = len(scores)
    return [o for o in permutations(range(n)) if all(scores[a] >= scores[b] for a, b in pairwise(o))]


@given(ROWS)
def test_hits_found_is_the_mean_over_all_orders_of_equals(rows: list[tuple[int, bool, int]]) -> None:
    scores, hits = [row[0] for row in rows], [row[1] for row in rows]
    orders = _orders(scores)
    for k, found in enumerate(hits_found(scores, hits)):
        assert found == pytest.approx(np.mean([sum(hits[i] for i in order[:k]) for order in orders]))


@given(ROWS, st.integers(1, 7))
def test_regret_is_the_mean_over_all_orders_of_equals(rows: list[tuple[int, bool, int]], k: int) -> None:
    scores, values = [row[0] for row in rows], [row[2] for row in rows]
    best = [max(values[i] for i in order[:k]) for order in _orders(scores)]
    assert regret(scores, values, k) == pytest.approx(max(values) - np.mean(best))


@given(st.lists(st.integers(-9, 0), min_size=1, max_size=7), st.integers(1, 7))
def test_blind_regret_counts_all_draws(values: list[int], k: int) -> None:
    drawn = np.array([max(draw) for draw in combinations(values, min(k, len(values)))])
    expected, low, high = blind_regret(values, k)
    assert expected == pytest.approx(max(values) - drawn.mean())
    assert low <= expected + 1e-9
    assert expected <= high + 1e-9 or high == pytest.approx(max(values) - drawn.min())
    inside = (max(values) - drawn >= low - 1e-9) & (max(values) - drawn <= high + 1e-9)
    assert inside.mean() >= 0.95 - 1e-9


@given(ROWS, st.sampled_from([0.01, 0.1, 0.3, 1.0]))
def test_enrichment_lies_between_nothing_and_the_largest(rows: list[tuple[int, bool, int]], share: float) -> None:
    scores, hits = [row[0] for row in rows], [row[1] for row in rows]
    if not any(hits):
        assert np.isnan(enrichment(scores, hits, share))
        return
    assert 0.0 <= enrichment(scores, hits, share) <= largest_enrichment(hits, share) + 1e-9
    assert enrichment(np.zeros(len(hits)), hits, share) == pytest.approx(1.0)
    assert enrichment(scores, hits, 1.0) == pytest.approx(1.0)


def test_enrichment_by_hand() -> None:
    score, hit = np.arange(20.0), np.zeros(20, dtype=bool)
    hit[[19, 17, 3, 2]] = True
    assert enrichment(score, hit, 0.1) == pytest.approx((1 / 2) / (4 / 20))
    assert largest_enrichment(hit, 0.1) == pytest.approx(5.0)
    assert largest_enrichment(hit, 0.4) == pytest.approx((4 / 8) / (4 / 20))
    assert [first_of(20, share) for share in (0.01, 0.1, 1.0)] == [1, 2, 20]


def test_a_blind_choice_lies_where_drawing_says() -> None:
    hit = np.arange(300) < 60
    rng = np.random.default_rng(0)
    drawn = np.array([enrichment(rng.random(300), hit, 0.1) for _ in range(4000)])
    low, high = blind_enrichment(hit, 0.1)
    assert np.mean((drawn >= low - 1e-9) & (drawn <= high + 1e-9)) >= 0.94  # 0.95 nominal, discrete
    assert (low, high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.17)  # one hit is 0.17


def test_large_pools_neither_overflow_nor_lose_mass() -> None:
    values = np.random.default_rng(1).normal(size=5000)
    expected, low, high = blind_regret(values, 1000)
    assert np.isfinite([expected, low, high]).all()
    assert 0.0 <= low <= expected <= high
    assert blind_regret(values, 5000)[0] == pytest.approx(0.0, abs=1e-9)


def test_percentiles_share_ties() -> None:
    assert rank_percentile([3.0, 1.0, 2.0, 0.0]) == pytest.approx([100.0, 100 / 3, 200 / 3, 0.0])
    assert rank_percentile([1.0, 1.0, 0.0]) == pytest.approx([75.0, 75.0, 0.0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hits_found([1.0, np.nan], [True, False]), "not a number"),
        (lambda: hits_found([1.0, 2.0], [True]), "expected the same"),
        (lambda: regret([1.0], [np.inf], 1), "finite"),
        (lambda: regret([1.0], [1.0], 0), "at least one"),
        (lambda: regret([], [], 1), "n > 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
