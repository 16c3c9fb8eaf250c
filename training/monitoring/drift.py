"""Whether users ask about materials that the model knows, judged from distances, never from formulas."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.monitoring.proportions import Share, chance_of_so_many, share_of
from training.monitoring.rules import (
    DISTRUST_SHARE,
    FEWEST_DAYS_OF_A_TREND,
    FEWEST_REQUESTS,
    LARGE_SHIFT,
    TREND_P,
    UNFAMILIAR_FACTOR,
    Advice,
)

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

FIRST_BIN_OUTSIDE = 5
"""Bins are 0.2 radii wide (`serving.rest.request_file`)."""
N_PERMUTATIONS = 499
MOST_PERMUTED = 4000
"""Requests of a period that the permutation test looks at, evenly spread over time: enough to see any change worth
a word."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests that one version of one property's model answered.

    Parameters
    ----------
    day
        Shape (k,), days since 1970, rising.
    bins
        Shape (k, 10), rows of each request by distance over radius.
    is_recent
        Shape (k,), requests of the period that is judged; the others are what was asked before.
    """

    day: Counts
    bins: Counts
    is_recent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Day:
    """Requests of one day: days since 1970, how many, and their mean share outside the domain."""

    day: int
    n_requests: int
    share_outside: float


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """What is to be said about `Traffic`.

    Parameters
    ----------
    outside
        Share of rows beyond the radius, a request counting as one.
    expected_outside
        What left-out papers show; None for a property without a radius.
    p_so_many
        Chance of so many outside if it were the expected share; None without an expectation.
    histogram
        Share of recent rows in each bin, requests weighing alike.
    shift, p_shift
        Population stability index against what was asked before, and the chance of one as large if nothing had changed
        (permutation of requests); None where nothing was asked before.
    days
        Recent days.
    trend, p_trend
        Kendall's tau of days and shares, and its two-sided chance; None for fewer than seven days.
    verdict, words
        What follows.
    """

    outside: Share
    expected_outside: float | None
    p_so_many: float | None
    histogram: tuple[float, ...]
    shift: float | None
    p_shift: float | None
    days: tuple[Day, ...]
    trend: float | None
    p_trend: float | None
    verdict: Advice
    words: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self) | {"outside": self.outside._asdict(), "verdict": self.verdict.word}


def judge_traffic(traffic: Traffic, expected_outside: float | None, alarm_rate: float) -> TrafficReport:
    """Judge the recent requests.

    Parameters
    ----------
    traffic
        Of one property and version; requests without a row for it left out.
    expected_outside
        Share beyond the radius if users asked what left-out papers hold.
    alarm_rate
        Chance of a false alarm that this judgement may take.
    """
    recent = _by_request(traffic.bins[traffic.is_recent])
    beyond = recent[:, FIRST_BIN_OUTSIDE:].sum(axis=1)
    outside = share_of(beyond, int(traffic.bins[traffic.is_recent].sum()))
    p_so_many = None if expected_outside is None else chance_of_so_many(beyond, expected_outside)
    shift, p_shift = _shift(_by_request(traffic.bins[~traffic.is_recent]), recent)
    days = _by_day(traffic.day[traffic.is_recent], beyond)
    trend, p_trend = _trend(days)
    verdict, words = _verdict(beyond, outside, expected_outside, p_so_many, alarm_rate)
    if shift is not None and p_shift is not None and shift >= LARGE_SHIFT and p_shift <= TREND_P:
        words.append(
            f"what is asked has changed against the time before (stability index {shift:.2f}, p {p_shift:.2g})"
        )
    if trend is not None and p_trend is not None and p_trend <= TREND_P:
        direction = "rises" if trend > 0 else "falls"
        words.append(f"the share outside {direction} from day to day (Kendall's tau {trend:+.2f}, p {p_trend:.2g})")
    histogram = tuple(recent.mean(axis=0).round(4).tolist()) if len(recent) else ()
    return TrafficReport(
        outside, expected_outside, p_so_many, histogram, shift, p_shift, days, trend, p_trend, verdict, tuple(words)
    )


def _by_request(bins: Counts) -> Array:
    """Return the share of each request's rows by bin."""
    shares: Array = bins / np.maximum(bins.sum(axis=1, keepdims=True), 1)
    return shares


def _verdict(
    beyond: Array, outside: Share, expected: float | None, p_so_many: float | None, alarm_rate: float
) -> tuple[Advice, list[str]]:
    if expected is None or p_so_many is None:
        return Advice.FINE, ["no radius to compare with: only changes are shown"]
    if outside.n_clusters < FEWEST_REQUESTS:
        return Advice.FINE, [f"{outside.n_clusters} requests: too few to judge ({FEWEST_REQUESTS} are needed)"]
    told = (
        f"{outside.value:.0%} of the questions lie outside what the model knows ({outside.low:.0%} to"
        f" {outside.high:.0%}), {expected:.0%} are expected"
    )
    if chance_of_so_many(beyond, DISTRUST_SHARE) <= alarm_rate:
        return Advice.DISTRUST, [f"distrust: {told}; most answers are extrapolations, retrain with such chemistry"]
    if p_so_many <= alarm_rate and outside.value >= UNFAMILIAR_FACTOR * expected:
        return Advice.RETRAIN, [f"retrain with such chemistry: {told}"]
    return Advice.FINE, [f"fine: {told}"]


def population_shift_index(before: Array, now: Array) -> float:
    """Return the population stability index of two histograms of requests, shape (k, 10) each.

    Sum over the bins of (q - p) ln(q / p), with half a request spread over the bins of either period so that none is
    empty.
    """
    p, q = ((part.sum(axis=0) + 0.5 / part.shape[1]) / (len(part) + 0.5) for part in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def _shift(before: Array, now: Array) -> tuple[float | None, float | None]:
    """Return the stability index and the chance of one as large among requests in random order."""
    if min(len(before), len(now)) < FEWEST_REQUESTS:
        return None, None
    before, now = (part[:: -(-len(part) // MOST_PERMUTED)] for part in (before, now))
    observed = population_shift_index(before, now)
    together = np.vstack([before, now])
    rng = np.random.default_rng(0)
    as_large = 0
    for _ in range(N_PERMUTATIONS):
        drawn = rng.permutation(len(together))
        as_large += (
            population_shift_index(together[drawn[: len(before)]], together[drawn[len(before) :]]) >= observed - 1e-12
        )
    return round(observed, 4), (as_large + 1) / (N_PERMUTATIONS + 1)


def _by_day(day: Counts, beyond: Array) -> tuple[Day, ...]:
    found, of_request = np.unique(day, return_inverse=True)
    count = np.bincount(of_request.reshape(-1))
    mean = np.bincount(of_request.reshape(-1), beyond) / np.maximum(count, 1)
    return tuple(Day(int(d), int(n), round(float(share), 4)) for d, n, share in zip(found, count, mean, strict=True))


def _trend(days: tuple[Day, ...]) -> tuple[float | None, float | None]:
    """Return the Mann-Kendall test of the daily shares (Mann, doi 10.2307/1907187)."""
    from scipy.stats import kendalltau

    shares = [day.share_outside for day in days]
    if len(days) < FEWEST_DAYS_OF_A_TREND or len(set(shares)) < 2:
        return None, None
    found = kendalltau([day.day for day in days], shares)
    return round(float(found.statistic), 4), float(found.pvalue)
