"""What other properties say of coatings: the band gap where the table knows none, and the ionic conductivity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.candidate import INORGANIC, Candidate
from serving.answers.conditions import Conditions
from serving.answers.judging import Silence, judge, query_of
from serving.answers.request import DEFAULT_COVERAGE
from serving.coatings.pool import CoatingPool
from training.properties import registry
from training.properties.contract import CellRole
from training.thermodynamics.phases import PhaseTable

if TYPE_CHECKING:
    from serving.models.store import ServedModel
    from training.properties.contract import Judgement, Property, Quantity

Array = NDArray[np.float64]
Wanted: TypeAlias = "tuple[str, Quantity]"


class PredictedValues(NamedTuple):
    """Central values with intervals, NaN where nothing is said, and whether the model knows the like; shape (n,)."""

    value: Array
    lower: Array
    upper: Array
    in_domain: NDArray[np.bool_]


def properties_asked() -> list[str]:
    """Return the properties that are asked, that of phase equilibria first."""
    return [registry.of_phases().name, *(one[0] for one in (band_gap(), ion_conduction()) if one is not None)]


def band_gap() -> Wanted | None:
    """Return the quantity by which a layer insulates, with the name of its property; None where there is none."""
    one = registry.of_band_gap()
    return None if one is None or one.band_gap is None else (one.name, one.band_gap)


def ion_conduction() -> Wanted | None:
    """Return the quantity by which lithium passes a layer, with the name of its property; None where there is none."""
    return registry.of_role(CellRole.ION_CONDUCTION, INORGANIC)


def predict(
    models: Mapping[str, ServedModel],
    table: PhaseTable,
    pool: CoatingPool,
    places: Sequence[int],
    wanted: Wanted | None,
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
        The property's name and its quantity.
    """
    n = len(places)
    out = PredictedValues(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.bool_))
    if wanted is None or wanted[0] not in models or not n:
        return out
    name, quantity = wanted
    candidates = [Candidate(pool.formula(table, place), pool.amounts(table, place)) for place in places]
    query = query_of(candidates, [Conditions()] * n, DEFAULT_COVERAGE)

    def render(_: Property, judgement: Judgement) -> PredictedValues:
        interval = judgement.intervals[quantity.name]
        return PredictedValues(interval.value, interval.lower, interval.upper, judgement.in_domain)

    judged = judge(models, query, [name], render)
    said = judged.said.get(name)
    if said is not None and not isinstance(said, Silence):
        for column, values in zip(out, said, strict=True):
            column[judged.rows] = values
    return out
