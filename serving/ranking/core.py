"""Ranking in arrays: who is ranked, with what probability of success, who is on the front, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from serving.ranking.constraints import Constraints, Exclusion, exclusions_of
from serving.ranking.objectives import Objective, Sense
from serving.ranking.pareto import non_dominated, probability_non_dominated
from serving.ranking.predictions import ObjectivePredictions
from training.distributions import Bound, Chance, Distribution, Errors, Predictive, joint_chance
from training.joint_samples import N_SAMPLES, JointSamples

Array = NDArray[np.float64]
SMALLEST_SPREAD = 1e-9
MOST_FRONT_AXES = 4
"""Of more quantities nearly everybody is on the front: the first four are looked at."""
_DECILES = (0.1, 0.9)


class Order(StrEnum):
    """By what candidates are put in order."""

    SUCCESS = "success"
    FRONT = "front"
    UTILITY = "utility"


@dataclass(frozen=True, eq=False)
class Axis:
    """One quantity of the front, turned so that more is better.

    Parameters
    ----------
    objective
        The objective that it stands for.
    distribution
        Of the ranked candidates.
    sign
        1 where more is better, else -1.
    weight
        In the utility.
    """

    objective: Objective
    distribution: Distribution
    sign: float
    weight: float


@dataclass(frozen=True, eq=False)
class Ranking:
    """The result; arrays over the m ranked candidates, in the order of the input.

    Parameters
    ----------
    rows
        Which of the n candidates are ranked, shape (m,).
    order
        Their order, best first: positions in `rows`.
    exclusions
        Why others are not: row to reasons.
    distributions
        One an objective, of the ranked candidates.
    success
        Probability that all targets are met; None where no objective has a target.
    chances
        Probability of each objective's target, shape (m, objectives), NaN for directions.
    axes, joint, samples
        The quantities of the front, the errors, and oriented values, shape (s, m, axes).
    on_front
        Whether nobody dominates the central values.
    probability_on_front
        Share of samples in which nobody dominates.
    utility
        Weighted mean of the central values, each in units of the middle four fifths' spread.
    """

    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    exclusions: dict[int, list[Exclusion]]
    distributions: list[Distribution]
    success: Chance | None
    chances: Array
    axes: list[Axis]
    joint: JointSamples
    samples: Array
    on_front: NDArray[np.bool_]
    probability_on_front: Array
    utility: Array


def rank(
    predictions: ObjectivePredictions,
    objectives: Sequence[Objective],
    constraints: Constraints,
    order: Order | None = None,
    n_samples: int | None = None,
) -> Ranking:
    """Rank candidates.

    Parameters
    ----------
    predictions
        Candidates and what models say about them.
    objectives
        At least one, none contradicting another (`contradictions.check_objectives`).
    constraints
        Who is ranked at all.
    order
        By what; None takes success where there is a target, else the front.
    n_samples
        How many samples the front is judged in; None takes 256, or 128 where there are more than four axes.
    """
    predicted = [predictions.of(objective) for objective in objectives]
    exclusions = exclusions_of(predictions.outputs, constraints, objectives)
    _exclude_unknown(exclusions, objectives, predicted)
    rows = np.array([i for i in range(len(predictions.outputs)) if i not in exclusions], dtype=np.int64)
    distributions = [one.distribution.take(rows) for one in predicted]
    composition = predictions.outputs.composition[rows]
    axes = _axes(objectives, distributions)
    count = n_samples or (N_SAMPLES if len(axes) <= MOST_FRONT_AXES else N_SAMPLES // 2)
    needed = sorted({source for axis in axes for source in axis.distribution.sources})
    shared = {source: share[rows] for source, share in predictions.shared().items()}
    joint = JointSamples.draw(composition, needed, shared, count=count)
    samples = oriented_samples(axes, joint.errors(), len(rows), count)
    central = oriented_centres(axes, len(rows))
    success, chances = _chances(objectives, distributions, composition)
    probability_on_front = probability_non_dominated(samples[:, :, :MOST_FRONT_AXES]) if len(rows) else np.zeros(0)
    utility = weighted_utility(central, central, axes)
    chosen = order or (Order.FRONT if success is None else Order.SUCCESS)
    criteria = {
        Order.SUCCESS: np.zeros(len(rows)) if success is None else success.probability,
        Order.FRONT: probability_on_front,
        Order.UTILITY: utility,
    }
    keys = [criteria[chosen], *(criteria[other] for other in Order if other is not chosen)]
    return Ranking(
        rows=rows,
        order=np.lexsort([-key for key in reversed(keys)]),
        exclusions=exclusions,
        distributions=distributions,
        success=success,
        chances=chances,
        axes=axes,
        joint=joint,
        samples=samples,
        on_front=non_dominated(central[:, :MOST_FRONT_AXES]),
        probability_on_front=probability_on_front,
        utility=utility,
    )


def _exclude_unknown(
    exclusions: dict[int, list[Exclusion]], objectives: Sequence[Objective], predicted: Sequence[Predictive]
) -> None:
    for objective, one in zip(objectives, predicted, strict=True):
        central, text = one.distribution.central(), objective.text
        for row in np.flatnonzero(np.isnan(central)).tolist():
            reason = one.missing[row] or "the models give no number"
            new = Exclusion("not_known", f"{text} cannot be judged: {reason}")
            if not any(reason in known.message for known in exclusions.get(row, ())):
                exclusions.setdefault(row, []).append(new)


def _axes(objectives: Sequence[Objective], distributions: Sequence[Distribution]) -> list[Axis]:
    """Return one axis a quantity; a quantity with a bound on either side has no better and is none."""
    by_key: dict[object, list[tuple[Objective, Distribution]]] = {}
    for objective, distribution in zip(objectives, distributions, strict=True):
        by_key.setdefault(objective.key, []).append((objective, distribution))
    axes = []
    for same in by_key.values():
        wishes = [one for one, _ in same if one.sense in (Sense.MAXIMISE, Sense.MINIMISE)] or [one for one, _ in same]
        ways = {one.sense.upward for one in wishes}
        if len(ways) == 1:
            weight = max(one.weight for one, _ in same)
            axes.append(Axis(wishes[0], same[0][1], 1.0 if ways.pop() else -1.0, weight))
    return axes


def oriented_samples(axes: Sequence[Axis], errors: Errors, n: int, n_samples: int) -> Array:
    """Return values in samples, more is better, shape (s, n, axes)."""
    samples = np.empty((n_samples, n, len(axes)))
    for j, axis in enumerate(axes):
        samples[:, :, j] = axis.sign * axis.distribution.values(errors)
    return samples


def oriented_centres(axes: Sequence[Axis], n: int) -> Array:
    """Return central values, more is better, shape (n, axes)."""
    centres = np.empty((n, len(axes)))
    for j, axis in enumerate(axes):
        centres[:, j] = axis.sign * axis.distribution.central()
    return centres


def spreads(central: Array) -> Array:
    """Return the spread of the middle four fifths of each axis, shape (axes,), 1 where there is none."""
    if not len(central):
        return np.ones(central.shape[1])
    low, high = np.quantile(central, _DECILES, axis=0)
    return np.where(high - low > SMALLEST_SPREAD, high - low, 1.0)


def weighted_utility(values: Array, central: Array, axes: Sequence[Axis]) -> Array:
    """Return the weighted mean of values over axes, in units of their spreads; shape of values without the last.

    Parameters
    ----------
    values
        Oriented, shape (..., axes).
    central
        Central values of all ranked candidates, from which middle and spread are taken, shape (n, axes).
    axes
        With their weights.
    """
    weights = np.array([axis.weight for axis in axes])
    if not len(axes) or not len(central):
        return np.zeros(values.shape[:-1])
    scaled = (values - np.median(central, axis=0)) / spreads(central)
    utility: Array = scaled @ (weights / weights.sum())
    return utility


def _chances(
    objectives: Sequence[Objective], distributions: Sequence[Distribution], composition: Array
) -> tuple[Chance | None, Array]:
    chances = np.full((len(composition), len(objectives)), np.nan)
    bounds = []
    for j, (objective, distribution) in enumerate(zip(objectives, distributions, strict=True)):
        if objective.target is None:
            continue
        upward = objective.sense is Sense.AT_LEAST
        low, high = (objective.target, np.inf) if upward else (-np.inf, objective.target)
        bounds.append(Bound(distribution, low, high))
        chances[:, j] = joint_chance(bounds[-1:], composition).probability
    if not bounds:
        return None, chances
    return joint_chance(bounds, composition), chances
