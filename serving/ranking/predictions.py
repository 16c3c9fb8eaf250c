"""From what models say to a predictive distribution of each objective's quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy import float64
from numpy.typing import NDArray

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.answers.judging import query_of
from serving.models.store import ServedModel
from serving.ranking.density import density
from serving.ranking.elements import element_price_USD_per_kg, supply_concentration
from serving.ranking.objectives import Objective
from serving.ranking.quantities import DENSITY, PRICE, SUPPLY, property_of
from training.distributions import Predictive
from training.properties import registry
from training.properties.outputs import COVERAGE, ModelOutputs

Array = NDArray[float64]

_OF_COMPOSITION = {
    PRICE.name: lambda outputs: element_price_USD_per_kg(outputs.composition),
    SUPPLY.name: lambda outputs: supply_concentration(outputs.composition),
    DENSITY.name: density,
}


class ObjectivePredictions:
    """Predictive distributions; what several objectives need is made once.

    Parameters
    ----------
    outputs
        Candidates and models.
    """

    def __init__(self, outputs: ModelOutputs) -> None:
        self.outputs = outputs
        self._made: dict[object, Predictive] = {}

    @classmethod
    def of_candidates(
        cls, candidates: Sequence[Candidate], conditions: Sequence[Conditions], models: Mapping[str, ServedModel]
    ) -> ObjectivePredictions:
        """Lay out candidates, each under its own conditions."""
        query = query_of(candidates, conditions, COVERAGE)
        return cls(ModelOutputs(query, {name: served.model for name, served in models.items()}, registry.get))

    def of(self, objective: Objective) -> Predictive:
        """Return the distribution of an objective's quantity under its conditions."""
        if objective.key not in self._made:
            self._made[objective.key] = self._make(objective)
        return self._made[objective.key]

    def _make(self, objective: Objective) -> Predictive:
        name = property_of(objective.quantity)
        if name is None:
            return _OF_COMPOSITION[objective.quantity.name](self.outputs)
        outputs = self.outputs.under(objective.at.model_dump(exclude_none=True))
        return registry.get(name).distribution(objective.quantity, outputs, objective.electrode)

    def shared(self) -> dict[str, Array]:
        """Return the share of each source's error variance that similar compositions have in common, shape (n,)."""
        shared: dict[str, Array] = {}
        for one in self._made.values():
            shared = {**one.shared, **shared}
        return shared
