"""The probability that targets are met, from the beliefs.

Sources of error are independent given the composition, so the probability is a product over groups of targets that
share no source. Within a group:

- conformal quantities (conductivities at several temperatures, critical currents under several conditions): one error
  for all, so the probability is that of the overlap of their intervals of levels: a closed form;
- what depends on the formation energy (above hull, limits of the window, margins, hydrolysis): an integral over that
  one error, by the midpoint rule over `N_NODES` levels within what the hull's target allows, of closed forms given it;
- the width of the window beside or without those: `N_DRAWS` scenarios, with the standard error of that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from serving.ranking.beliefs import Belief, Conformal, Known, Source
from serving.ranking.energy_beliefs import AboveHull, Hydrolysis, Margin, ResidualEnergy, Width, WindowLimit
from serving.ranking.scenarios import SEED, Scenarios

Array = NDArray[np.float64]
N_NODES = 32
N_DRAWS = 1024
_ROWS_PER_BLOCK = 1000


class Bound(NamedTuple):
    """A belief, and between which values (both included) it is wanted."""

    belief: Belief
    low: float
    high: float


class Chance(NamedTuple):
    """Probabilities of n candidates, shape (n,), NaN where nothing is believed of one of the quantities."""

    probability: Array
    standard_error: Array
    method: str


def joint_chance(bounds: Sequence[Bound], composition: Array) -> Chance:
    """Return the probability that all bounds hold.

    Parameters
    ----------
    bounds
        At least one.
    composition
        Atomic fractions, shape (n, 103), which tell materials apart where scenarios are drawn.
    """
    probability, error = np.ones(len(composition)), np.zeros(len(composition))
    methods = []
    for group in _groups(bounds):
        chance = _group_chance(group, composition)
        error = np.hypot(error * chance.probability, probability * chance.standard_error)
        probability = probability * chance.probability
        methods.append(chance.method)
    worst = max(methods, key=_METHODS.index)
    return Chance(probability, error, worst)


_METHODS = ("closed form", "quadrature", "Monte Carlo")


def _groups(bounds: Sequence[Bound]) -> list[list[Bound]]:
    """Return bounds in groups that share no source; what is known stands alone."""
    groups: dict[str, list[Bound]] = defaultdict(list)
    for place, bound in enumerate(bounds):
        sources = bound.belief.sources
        groups[str(sources[0]) if sources else f"known {place}"].append(bound)
    return list(groups.values())


def _group_chance(group: Sequence[Bound], composition: Array) -> Chance:
    n = len(composition)
    first = group[0].belief
    if isinstance(first, Known):
        inside = (first.value >= group[0].low) & (first.value <= group[0].high)
        return Chance(np.where(np.isnan(first.value), np.nan, inside.astype(float)), np.zeros(n), "closed form")
    if isinstance(first, Conformal):
        return Chance(_overlap(group), np.zeros(n), "closed form")
    if any(isinstance(bound.belief, Width) for bound in group):
        return _counted(group, composition)
    return _integrated(group, n)


def _overlap(group: Sequence[Bound]) -> Array:
    """Return the mass of the levels at which all conformal quantities lie where they are wanted."""
    below, above = np.zeros(()), np.ones(())
    for bound in group:
        belief = bound.belief
        assert isinstance(belief, Conformal)
        above = np.minimum(above, belief.at_most(bound.high)) if np.isfinite(bound.high) else above
        under = belief.at_most(float(np.nextafter(bound.low, -np.inf))) if np.isfinite(bound.low) else 0.0
        below = np.maximum(below, under + 0.0 * belief.centre)
    overlap: Array = np.maximum(above - below, 0.0)
    return overlap


def _integrated(group: Sequence[Bound], n: int) -> Chance:
    """Integrate over the error of the formation energy."""
    residual = _residual_of(group[0].belief)
    low, high = np.zeros(n), np.ones(n)
    limits: dict[Source, tuple[WindowLimit, float, float]] = {}
    waters: list[Bound] = []
    for bound in group:
        belief = bound.belief
        if isinstance(belief, AboveHull):
            high = np.minimum(high, residual.at_most(bound.high) if bound.high >= 0.0 else 0.0)
            if bound.low > 0.0:
                low = np.maximum(low, residual.at_most(np.nextafter(bound.low, -np.inf)))
        elif isinstance(belief, (WindowLimit, Margin)):
            limit, between = belief, (bound.low, bound.high)
            if isinstance(belief, Margin):
                limit, between = belief.limit, belief.on_limit(bound.low, bound.high)
            assert isinstance(limit, WindowLimit)
            _, from_, to = limits.get(limit.source, (limit, -np.inf, np.inf))
            limits[limit.source] = limit, max(from_, between[0]), min(to, between[1])
        else:
            waters.append(bound)
    mass = np.maximum(high - low, 0.0) + 0.0 * residual.centre
    if not limits and not waters:
        return Chance(mass, np.zeros(n), "closed form")
    level = low + np.maximum(high - low, 0.0) * (np.arange(N_NODES)[:, None] + 0.5) / N_NODES
    nodes = ndtri(np.clip(level, 1e-9, 1.0 - 1e-9))
    held = np.ones_like(nodes)
    for limit, from_, to in limits.values():
        held *= limit.within_given(nodes, from_, to)
    if waters:
        between = max(w.low for w in waters), min(w.high for w in waters)
        water = waters[0].belief
        assert isinstance(water, Hydrolysis)
        held *= water.within_given(nodes, *between)
    return Chance(mass * held.mean(axis=0), np.zeros(n), "quadrature")


def _residual_of(belief: Belief) -> ResidualEnergy:
    if isinstance(belief, Margin):
        return belief.limit.residual
    assert isinstance(belief, (AboveHull, WindowLimit, Hydrolysis))
    return belief.residual


def _counted(group: Sequence[Bound], composition: Array) -> Chance:
    """Count scenarios in which all bounds hold."""
    n = len(composition)
    probability = np.empty(n)
    sources = sorted({source for bound in group for source in bound.belief.sources})
    for start in range(0, n, _ROWS_PER_BLOCK):
        rows = np.arange(start, min(start + _ROWS_PER_BLOCK, n))
        probability[rows] = count_held(
            [Bound(bound.belief.take(rows), bound.low, bound.high) for bound in group],
            Scenarios.draw(composition[rows], sources, {}, count=N_DRAWS, seed=SEED + 1),
        )
    error = np.sqrt(np.maximum(probability * (1.0 - probability), 0.0) / N_DRAWS)
    return Chance(probability, error, "Monte Carlo")


def count_held(bounds: Sequence[Bound], scenarios: Scenarios) -> Array:
    """Return the share of scenarios in which all bounds hold, shape (n,); NaN where something is not believed."""
    errors = scenarios.errors()
    held: NDArray[np.bool_] | None = None
    unknown: NDArray[np.bool_] | None = None
    for bound in bounds:
        values = bound.belief.values(errors)
        inside = (values >= bound.low) & (values <= bound.high)
        missing = np.isnan(bound.belief.central())
        held = inside if held is None else held & inside
        unknown = missing if unknown is None else unknown | missing
    assert held is not None
    assert unknown is not None
    return np.where(unknown, np.nan, held.mean(axis=0))
