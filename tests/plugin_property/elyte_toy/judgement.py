"""What the toy says of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from elyte_toy.model import ToyModel
from training.properties.contract import Array, Flags, Judgement, Query
from training.uncertainty import Interval

RADIUS = 0.6


class ToyJudgement(Judgement):
    """Densities with intervals; a material of elements that lie far from the table is out of the domain."""

    def __init__(self, model: ToyModel, query: Query) -> None:
        super().__init__(query)
        self.model = model

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`."""
        pressure = np.nan_to_num(self.query.conditions.numbers["toy_pressure_GPa"])
        return {"toy_density_g_per_cm3": self.model.predict(self.query.batch, pressure, self.query.coverage)}

    @cached_property
    def _apart(self) -> Array:
        return self.model.distances(self.query.batch)

    @property
    def distance(self) -> Array:
        """See `contract.Judgement`."""
        return self._apart.min(axis=1)

    @property
    def in_domain(self) -> Flags:
        """See `contract.Judgement`."""
        inside: Flags = self.distance <= RADIUS
        return inside

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """See `contract.Judgement`."""
        order = np.argsort(self._apart, axis=1, kind="stable")[:, :count]
        return [
            [
                {
                    "formula": self.model.known[i],
                    "value": round(float(np.exp(self.model.log_density[i])), 4),
                    "doi": None,
                    "distance": round(float(apart[i]), 4),
                }
                for i in row
            ]
            for row, apart in zip(order.tolist(), self._apart, strict=True)
        ]
