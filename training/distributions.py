"""Predictive distributions of one quantity, for n candidates at once.

A distribution turns standard normal numbers into values: every source of error, named by a string, has one number a
candidate and a sample, and quantities that depend on the same source share it. That is where correlations come from;
everything else is taken to be independent, given the composition.

A conformal scale says how far an interval of coverage c reaches, in units of a row's own scale. Read for all c
together, that is a distribution: half of the mass lies on either side of the centre, and the share c of it within the
reach of coverage c. So the probability that a value lies beyond a target agrees with the interval that ends there.
Beyond the largest score nothing was measured; one more row's share of mass, 1/(n + 1), is spread there with an
exponential fall whose length is the mean excess over the 90 % score.

The probability that several targets are met is a product over groups that share no source; each family of
distributions knows the probability of its own group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from training.joint_samples import SEED, JointSamples
from training.lookup import COARSE_GRID, FINE_GRID, look_up
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Errors = Mapping[str, Array]
"""Standard normal numbers of each source, shape (s, n); the larger, the larger the quantity."""

HALF = 0.5
"""Share of the error variance that similar compositions have in common where no model says it."""
MOST_KNOTS = 600
N_DRAWS = 1024
_TAIL_STEPS = 8
_TAIL_FROM = 0.9
_STEP = 1e-12  # between equal scores, so that they stay in order
_ROWS_PER_BLOCK = 1000
_METHODS = ("closed form", "quadrature", "Monte Carlo")


class Bound(NamedTuple):
    """A distribution, and between which values (both included) its quantity is wanted."""

    distribution: Distribution
    low: float
    high: float


class Chance(NamedTuple):
    """Probabilities of n candidates, shape (n,), NaN where nothing is known of one of the quantities."""

    probability: Array
    standard_error: Array
    method: str


class Distribution(Protocol):
    """A distribution for each of n candidates; NaN where nothing can be said."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of error, that which decides its group first; none of what is known."""

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""

    def central(self) -> Array:
        """Return what the model answers, shape (n,)."""

    def take(self, rows: Rows) -> Self:
        """Return the chosen candidates."""

    def chance(self, group: Sequence[Bound], composition: Array) -> Chance:
        """Return the probability that all bounds of a group hold; this one's is the first of them.

        Parameters
        ----------
        group
            Bounds on quantities of the same first source.
        composition
            Atomic fractions, shape (n, 103), which tell materials apart where samples are drawn.
        """


class Predictive(NamedTuple):
    """The distribution of n candidates, why there is none of some, and what similar compositions share of its errors.

    Attributes
    ----------
    distribution
        NaN where there is a reason in `missing`.
    missing
        Why nothing is known of a candidate.
    shared
        By source, the share of its error variance that similar compositions have in common, shape (n,); a source that
        is missing shares nothing.
    """

    distribution: Distribution
    missing: Sequence[str | None]
    shared: Mapping[str, Array] = {}


def joint_chance(bounds: Sequence[Bound], composition: Array) -> Chance:
    """Return the probability that all bounds hold; at least one. See `Distribution.chance`."""
    groups: dict[str, list[Bound]] = defaultdict(list)
    for place, bound in enumerate(bounds):
        sources = bound.distribution.sources
        groups[sources[0] if sources else f"known {place}"].append(bound)
    probability, error = np.ones(len(composition)), np.zeros(len(composition))
    methods = []
    for group in groups.values():
        chance = group[0].distribution.chance(group, composition)
        error = np.hypot(error * chance.probability, probability * chance.standard_error)
        probability = probability * chance.probability
        methods.append(chance.method)
    return Chance(probability, error, max(methods, key=_METHODS.index))


def counted(group: Sequence[Bound], composition: Array) -> Chance:
    """Count the samples in which all bounds hold, with the standard error of that."""
    n = len(composition)
    probability = np.empty(n)
    sources = sorted({source for bound in group for source in bound.distribution.sources})
    for start in range(0, n, _ROWS_PER_BLOCK):
        rows = np.arange(start, min(start + _ROWS_PER_BLOCK, n))
        probability[rows] = count_held(
            [Bound(bound.distribution.take(rows), bound.low, bound.high) for bound in group],
            JointSamples.draw(composition[rows], sources, {}, count=N_DRAWS, seed=SEED + 1),
        )
    error = np.sqrt(np.maximum(probability * (1.0 - probability), 0.0) / N_DRAWS)
    return Chance(probability, error, "Monte Carlo")


def count_held(bounds: Sequence[Bound], samples: JointSamples) -> Array:
    """Return the share of samples in which all of at least one bound hold, shape (n,); NaN where one is unknown."""
    errors = samples.errors()
    values = [bound.distribution.values(errors) for bound in bounds]
    held = [(value >= bound.low) & (value <= bound.high) for value, bound in zip(values, bounds, strict=True)]
    unknown = np.logical_or.reduce([np.isnan(bound.distribution.central()) for bound in bounds])
    share: Array = np.logical_and.reduce(np.broadcast_arrays(*held)).mean(axis=0)
    return np.where(unknown, np.nan, share)


@dataclass(frozen=True, eq=False)
class KnownValue:
    """A number without uncertainty, shape (n,)."""

    value: Array
    sources: tuple[str, ...] = ()

    def values(self, errors: Errors) -> Array:
        """Return the number, shape (1, n)."""
        return self.value[None]

    def central(self) -> Array:
        """Return the number."""
        return self.value

    def take(self, rows: Rows) -> KnownValue:
        """Return the chosen candidates."""
        return KnownValue(self.value[rows])

    def chance(self, group: Sequence[Bound], composition: Array) -> Chance:
        """Return 1 where it lies within the one bound, else 0."""
        inside = (self.value >= group[0].low) & (self.value <= group[0].high)
        certain = np.where(np.isnan(self.value), np.nan, inside.astype(float))
        return Chance(certain, np.zeros(len(composition)), "closed form")


class OneSource:
    """What distributions of a single error have in common: that error orders all values."""

    def at_most(self, value: float) -> Array:
        """Return the probability of lying at or below a value, shape (n,); NaN where nothing is known."""
        raise NotImplementedError

    def chance(self, group: Sequence[Bound], composition: Array) -> Chance:
        """Return the mass of the levels at which all quantities of the group lie where they are wanted."""
        below, above = np.zeros(()), np.ones(())
        for bound in group:
            one = bound.distribution
            assert isinstance(one, OneSource)
            above = np.minimum(above, one.at_most(bound.high)) if np.isfinite(bound.high) else above
            under = one.at_most(float(np.nextafter(bound.low, -np.inf))) if np.isfinite(bound.low) else 0.0
            below = np.maximum(below, under + 0.0 * bound.distribution.central())
        return Chance(np.maximum(above - below, 0.0), np.zeros(len(composition)), "closed form")


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """The distribution of a signed conformal score, symmetric around 0.

    Parameters
    ----------
    scale
        Scores of left-out rows.
    """

    scale: ConformalScale

    @cached_property
    def _knots(self) -> tuple[Array, Array]:
        """Absolute scores, rising, and the share of rows within them."""
        scores = np.asarray(self.scale.scores, dtype=float)
        n = len(scores)
        if not n:
            return np.array([0.0, 1.0]), np.array([0.0, 1.0])
        chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_KNOTS)).round().astype(int))
        excess = scores[scores >= np.quantile(scores, _TAIL_FROM)]
        length = max(float(excess.mean() - excess[0]), 1e-9)
        beyond = np.arange(1, _TAIL_STEPS + 1)
        within = np.concatenate([(chosen + 1) / (n + 1), 1.0 - np.exp(-beyond) / (n + 1), [1.0]])
        knots = np.concatenate(
            [scores[chosen], scores[-1] + length * beyond, [scores[-1] + length * (_TAIL_STEPS + 2)]]
        )
        if knots[0] > 0.0:
            knots, within = np.concatenate([[0.0], knots]), np.concatenate([[0.0], within])
        return knots + _STEP * np.arange(len(knots)), within

    def cdf(self, score: Array) -> Array:
        """Return the probability that a signed score lies at or below a value, any shape."""
        knots, within = self._knots
        half = 0.5 * np.interp(np.abs(score), knots, within)
        probability: Array = np.where(score >= 0.0, 0.5 + half, 0.5 - half)
        return probability

    def ppf(self, level: Array) -> Array:
        """Return the signed score below which a share of the mass lies, any shape; 0 at a level of 0.5."""
        knots, within = self._knots
        size = np.interp(np.abs(2.0 * level - 1.0), within, knots)
        inner = np.abs(2.0 * level - 1.0) <= within[0]  # a mass at 0
        score: Array = np.where(inner, 0.0, np.where(level >= 0.5, size, -size))
        return score

    def of_normal(self, normal: Array) -> Array:
        """Return the signed score at the level of a standard normal number, shape (s, n)."""
        return look_up(normal, FINE_GRID, self._of_normal[None])

    @cached_property
    def _of_normal(self) -> Array:
        return self.ppf(ndtr(FINE_GRID))


@dataclass(frozen=True, eq=False)
class ConformalDistribution(OneSource):
    """A centre with a scale on either side, in units of which scores are distributed.

    Parameters
    ----------
    source
        Of the error.
    centre, below, above
        Shape (n,).
    scores
        One or more distributions of scores.
    which
        Which of them is a candidate's, shape (n,).
    floor
        Values do not fall below it.
    """

    source: str
    centre: Array
    below: Array
    above: Array
    scores: tuple[ScoreDistribution, ...]
    which: Rows
    floor: float = -np.inf

    @classmethod
    def symmetric(
        cls, source: str, centre: Array, width: Array, scale: ConformalScale, floor: float = -np.inf
    ) -> ConformalDistribution:
        """Return the same scale on either side, with one distribution of scores."""
        which = np.zeros(len(centre), dtype=np.int64)
        return cls(source, centre, width, width, (ScoreDistribution(scale),), which, floor)

    @property
    def sources(self) -> tuple[str, ...]:
        """The one source."""
        return (self.source,)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        score = self._by_score("of_normal", errors[self.source])
        return np.maximum(self.centre + score * np.where(score >= 0.0, self.above, self.below), self.floor)

    def central(self) -> Array:
        """Return the centres."""
        return self.centre

    def at_most(self, value: float) -> Array:
        """See `OneSource.at_most`."""
        apart = value - self.centre
        score = apart / np.maximum(np.where(apart >= 0.0, self.above, self.below), 1e-12)
        probability = self._by_score("cdf", np.where(np.isnan(score), 0.0, score)[None])[0]
        return np.where(np.isnan(self.centre), np.nan, np.where(value < self.floor, 0.0, probability))

    def take(self, rows: Rows) -> ConformalDistribution:
        """Return the chosen candidates."""
        parts = (self.centre[rows], self.below[rows], self.above[rows])
        return ConformalDistribution(self.source, *parts, self.scores, self.which[rows], self.floor)

    def _by_score(self, what: str, numbers: Array) -> Array:
        if len(self.scores) == 1:
            only: Array = getattr(self.scores[0], what)(numbers)
            return only
        out = np.empty_like(numbers)
        for place, one in enumerate(self.scores):
            columns = self.which == place
            out[:, columns] = getattr(one, what)(numbers[:, columns])
        return out


@dataclass(frozen=True, eq=False)
class IntervalDistribution(OneSource):
    """A distribution that has stated intervals, linear between and beyond them in the normal number of their ends.

    Parameters
    ----------
    source
        Of the error.
    centre
        Shape (n,).
    table
        Values at the normal numbers of `COARSE_GRID`, rising, shape (n, k).
    """

    source: str
    centre: Array
    table: Array

    @classmethod
    def of(cls, source: str, intervals: Mapping[float, Interval]) -> IntervalDistribution:
        """Return the distribution of intervals by their nominal coverage, at least one; narrower ones are nested."""
        coverages = sorted(intervals)
        centre = intervals[coverages[0]].value
        knots = np.concatenate([[0.0], ndtri((1.0 + np.array(coverages)) / 2.0)])
        lower = np.stack([centre, *(intervals[coverage].lower for coverage in coverages)])
        upper = np.stack([centre, *(intervals[coverage].upper for coverage in coverages)])
        sides = [_along(np.abs(COARSE_GRID), knots, ends).T for ends in (lower, upper)]
        table = np.maximum.accumulate(np.where(COARSE_GRID < 0.0, *sides), axis=1)
        return cls(source, centre, np.ascontiguousarray(table))

    @property
    def sources(self) -> tuple[str, ...]:
        """The one source."""
        return (self.source,)

    def values(self, errors: Errors) -> Array:
        """Return values in samples, shape (s, n)."""
        return look_up(errors[self.source], COARSE_GRID, self.table)

    def central(self) -> Array:
        """Return the centres."""
        return self.centre

    def at_most(self, value: float) -> Array:
        """See `OneSource.at_most`."""
        place = np.array([np.interp(value, row, COARSE_GRID, left=-np.inf, right=np.inf) for row in self.table])
        probability: Array = np.where(value >= self.table[:, -1], 1.0, ndtr(place))
        return np.where(np.isnan(self.centre), np.nan, probability)

    def take(self, rows: Rows) -> IntervalDistribution:
        """Return the chosen candidates."""
        return IntervalDistribution(self.source, self.centre[rows], self.table[rows])


def _along(numbers: Array, knots: Array, ends: Array) -> Array:
    """Interpolate ends of shape (k, n) at numbers of shape (m,), the last slope going on; shape (m, n)."""
    left = np.clip(np.searchsorted(knots, numbers, side="right") - 1, 0, len(knots) - 2)
    share = ((numbers - knots[left]) / (knots[left + 1] - knots[left]))[:, None]
    between: Array = (1.0 - share) * ends[left] + share * ends[left + 1]
    return between
