"""What the polymer model says of many electrolytes, computed as far as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np

from features.errors import WarningCode
from features.polymers.candidate import PolymerBatch, polymer_name
from features.polymers.salts import salt_name
from training.applicability import N_NEAREST
from training.properties.contract import DECIMALS, Array, Flags, Judgement, Query, Warn, rounded
from training.properties.polymer import quantities as names
from training.properties.polymer.cautions import cautions
from training.properties.polymer.known import KnownPolymer
from training.properties.polymer.model import PolymerModel, Prediction, Seen
from training.uncertainty import Interval

CURVE_C = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)


class PolymerJudgement(Judgement):
    """Conductivity of n dry polymer electrolytes, each at its own temperature.

    Parameters
    ----------
    model
        What judges.
    query
        The electrolytes.
    ignored
        Names of the conditions on which it does not depend.
    """

    def __init__(self, model: PolymerModel, query: Query, ignored: Sequence[str]) -> None:
        super().__init__(query)
        self._model = model
        self._ignored = ignored

    @property
    def batch(self) -> PolymerBatch:
        """The electrolytes as arrays."""
        return cast("PolymerBatch", self.query.batch)

    @cached_property
    def temperature_C(self) -> Array:
        """Shape (n,)."""
        return self.query.conditions.temperature_C()

    @cached_property
    def _seen(self) -> Seen:
        return self._model.look(self.batch)

    @cached_property
    def _around(self) -> list[list[dict[str, Any]]]:
        return self._named(N_NEAREST)

    def _named(self, count: int) -> list[list[dict[str, Any]]]:
        found = self._model.nearest(self._seen, self.batch, self.temperature_C, count)
        return [[_shown(known) for known in row] for row in found]

    @cached_property
    def prediction(self) -> Prediction:
        """What the model says at the temperatures asked."""
        return self._model.at(self._seen, self.temperature_C)

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`."""
        energy = self.prediction.activation_energy_eV
        return {
            names.SIGMA.name: self._model.interval(self.prediction, self.query.coverage),
            names.ACTIVATION_ENERGY.name: Interval(energy, energy, energy),
        }

    @property
    def distance(self) -> Array:
        """From 0, the same chain was measured, to 1."""
        return self.prediction.distance

    @property
    def in_domain(self) -> Flags:
        """Whether a chain like it was measured."""
        inside: Flags = self._model.known.in_domain(self.distance)
        return inside

    @property
    def domain(self) -> Mapping[str, Array]:
        """See `contract.Judgement`."""
        return {"domain_radius": np.full(len(self), self._model.known.radius)}

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return measured electrolytes, chains alike first; the value is that of the nearest temperature."""
        if not len(self):
            return []
        return [row[:count] for row in (self._around if count <= N_NEAREST else self._named(count))]

    @cached_property
    def warnings(self) -> Sequence[Warn]:
        """See `contract.Judgement`."""
        stated = self.query.conditions.stated(self._ignored)
        return (
            *cautions(self.batch, self.temperature_C, self.prediction),
            Warn(WarningCode.OUT_OF_DOMAIN, ~self.in_domain, self._domain_words),
            Warn(WarningCode.CONDITION_IGNORED, stated, self._ignored_words),
        )

    def _domain_words(self, row: int) -> str:
        return (
            f"polymer: no chain like it was measured (distance {self.distance[row]:.2f} above"
            f" {self._model.known.radius:.2f}): trust the interval more than the value"
        )

    def _ignored_words(self, row: int) -> str:
        given = [name for name in self._ignored if self.query.conditions.stated([name])[row]]
        return f"the conductivity of a polymer electrolyte does not depend on {', '.join(given)} here"

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return amounts, glass transition, the curve over temperature and measured transference numbers."""
        if not len(self):
            return []
        columns = {
            "temperature_C": rounded(self.temperature_C),
            "molality": rounded(self.batch.molality),
            "lithium_mol_per_kg": rounded(self.batch.lithium_molality),
            "glass_transition_C": rounded(self.prediction.glass_transition_C),
        }
        curves = self._curves()
        return [
            {
                **{name: column[row] for name, column in columns.items()},
                "curve": curves[row],
                "transference": self.first_nearest[row]["transference"] if self.distance[row] == 0 else [],
            }
            for row in range(len(self))
        ]

    def _curves(self) -> list[list[dict[str, float]]]:
        """Return the conductivity at `CURVE_C` with the ends of its interval."""
        points = []
        for degrees in CURVE_C:
            said = self._model.at(self._seen, np.full(len(self), degrees))
            points.append([end.round(DECIMALS).tolist() for end in self._model.interval(said, self.query.coverage)])
        keys = (names.SIGMA.name, "lower", "upper")
        return [
            [
                {"temperature_C": degrees, **{key: end[row] for key, end in zip(keys, ends, strict=True)}}
                for degrees, ends in zip(CURVE_C, points, strict=True)
            ]
            for row in range(len(self))
        ]


def _shown(known: KnownPolymer) -> dict[str, Any]:
    """Return a measured electrolyte as answers name it."""
    polymer, salt = polymer_name(known.polymer), salt_name(known.salt)
    amount = f" with {known.molality:.3g} mol/kg {salt}" if known.salt != "none" else ""
    return {
        "formula": polymer + amount,
        "value": known.value,
        "temperature_C": known.temperature_C,
        "doi": known.doi or None,
        "distance": known.distance,
        "polymer": known.polymer,
        "salt": salt if known.salt != "none" else None,
        "molality": known.molality,
        "transference": [one._asdict() for one in known.transference],
    }
