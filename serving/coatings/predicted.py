"""What other properties say of coatings: the band gap where the table knows none, and the ionic conductivity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.answers.judging import Silence, judge, query_of
from serving.answers.request import DEFAULT_COVERAGE
from serving.coatings.pool import CoatingPool
from training.properties import registry
from training.thermodynamics.phases import PhaseTable

if TYPE_CHECKING:
    from serving.models.store import ServedModel
    from training.properties.contract import Judgement, Property, Quantity

Array = NDArray[np.float64]


class PredictedValues(NamedTuple):
    """Central values with intervals, NaN where nothing is said, and whether the model knows the like; shape (n,)."""

    value: Array
    lower: Array
    upper: Array
    in_domain: NDArray[np.bool_]


def properties_asked() -> list[str]:
    """Return the properties that are asked, that of phase equilibria first."""
    others = (registry.of_band_gap(), registry.of_ion_conduction())
    return [registry.of_phases().name, *(one.name for one in others if one is not None)]


def predict(
    models: Mapping[str, ServedModel],
    table: PhaseTable,
    pool: CoatingPool,
    places: Sequence[int],
    wanted: tuple[Property | None, Quantity | None],
) -> PredictedValues:
    """Return what a property says of a quantity of some places of the pool, at its default conditions.

    Parameters
    ----------
    models
        Served models; without that of the property nothing is said.
    table, pool
        What is screened.
    places
        Places in the pool.
    wanted
        The property and its quantity.
    """
    one, quantity = wanted
    n = len(places)
    out = PredictedValues(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.bool_))
    if one is None or quantity is None or one.name not in models or not n:
        return out
    candidates = [Candidate(pool.formula(table, place), pool.amounts(table, place)) for place in places]
    query = query_of(candidates, [Conditions()] * n, DEFAULT_COVERAGE)

    def render(_: Property, judgement: Judgement) -> PredictedValues:
        interval = judgement.intervals[quantity.name]
        return PredictedValues(interval.value, interval.lower, interval.upper, judgement.in_domain)

    judged = judge(models, query, [one.name], render)
    said = judged.said.get(one.name)
    if said is not None and not isinstance(said, Silence):
        for column, values in zip(out, said, strict=True):
            column[judged.rows] = values
    return out
