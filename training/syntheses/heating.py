"""How hot and how long: boosted trees over target and precursors, with conformal intervals.

One ensemble answers for every step, so that rare words teach common ones. The scale of an interval is what further
trees expect of the error, the factor is conformal on left-out papers, oxides apart from everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.syntheses.heating_descriptors import describe, with_step
from training.syntheses.table import HeatingStep
from training.trees import TreeEnsemble
from training.uncertainty import ConformalScale, InsufficientCalibrationError, Interval

Array = NDArray[np.float64]
ASKED = (HeatingStep.SINTERING, HeatingStep.CALCINATION)
GROUPS = ("oxides", "others")
_NOT_OXIDE = ("F", "S", "Cl", "Se", "Br", "Te", "I", "N", "H")
SMALLEST_SPREAD = 1e-2
_LINE = "\n"


class HeatingAnswer(NamedTuple):
    """Of n targets: degrees Celsius, and the logarithm of hours; NaN limits where too few were reported."""

    temperature_C: Interval
    log10_time_h: Interval


def group_of(batch: MaterialBatch) -> NDArray[np.int64]:
    """Return the place in `GROUPS` of each material, shape (n,): oxygen and no other anion, or anything else."""
    other = sum(batch.fraction_of(symbol) for symbol in _NOT_OXIDE)
    return np.where((batch.fraction_of("O") > 0) & (other == 0), 0, 1)


@dataclass(frozen=True, eq=False)
class QuantityTrees:
    """The trees of one number, of its error, and the scores of left-out papers by step and group."""

    centre: float
    value: TreeEnsemble
    spread: TreeEnsemble
    scales: Mapping[tuple[HeatingStep, int], ConformalScale]

    def __call__(self, features: Array) -> tuple[Array, Array]:
        """Return the number and the scale of its error, each of shape (n,)."""
        return self.value.sum(features) + self.centre, np.maximum(self.spread.sum(features), SMALLEST_SPREAD)

    def interval(self, features: Array, step: HeatingStep, group: NDArray[np.int64], coverage: float) -> Interval:
        """Return intervals; limits are NaN where a group was reported too rarely for the coverage."""
        value, spread = self(features)
        factor = np.full(len(GROUPS), np.nan)
        for n in range(len(GROUPS)):
            try:
                factor[n] = self.scales[step, n].factor(coverage)
            except (InsufficientCalibrationError, KeyError):
                continue
        half = factor[group] * spread
        return Interval(value, value - half, value + half)


@dataclass(frozen=True, eq=False)
class HeatingModel:
    """Predicts heating from a target and its precursors."""

    vocabulary: tuple[str, ...]
    temperature: QuantityTrees
    time: QuantityTrees

    def predict(
        self, batch: MaterialBatch, precursors: Sequence[Sequence[str]], step: HeatingStep, coverage: float = 0.9
    ) -> HeatingAnswer:
        """Return what is usual for a step.

        Parameters
        ----------
        batch
            n targets.
        precursors
            Formulas of what each is made from.
        step
            Sintering or calcination.
        coverage
            Nominal coverage of the intervals.
        """
        features, group = with_step(describe(batch, precursors, self.vocabulary), step), group_of(batch)
        return HeatingAnswer(
            self.temperature.interval(features, step, group, coverage),
            self.time.interval(features, step, group, coverage),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        stored: dict[str, NDArray[Any]] = {"vocabulary": np.frombuffer(_LINE.join(self.vocabulary).encode(), np.uint8)}
        for name, quantity in (("temperature", self.temperature), ("time", self.time)):
            stored[f"{name}/centre"] = np.array(quantity.centre)
            for part, trees in (("value", quantity.value), ("spread", quantity.spread)):
                stored |= {f"{name}/{part}/{key}": array for key, array in trees.compact_arrays().items()}
            for (step, group), scale in quantity.scales.items():
                stored[f"{name}/scores/{step:d}/{group:d}"] = scale.scores.astype(np.float32)
        return stored

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> HeatingModel:
        """Rebuild from `arrays()`."""
        vocabulary = tuple(arrays["vocabulary"].tobytes().decode().split(_LINE))
        return cls(vocabulary, _quantity(arrays, "temperature"), _quantity(arrays, "time"))


def _quantity(arrays: Mapping[str, NDArray[Any]], name: str) -> QuantityTrees:
    def part(prefix: str) -> dict[str, NDArray[Any]]:
        return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}

    scales = {}
    for key, scores in part(f"{name}/scores/").items():
        step, group = key.split("/")
        scales[HeatingStep(int(step)), int(group)] = ConformalScale(scores.astype(float))
    value, spread = (TreeEnsemble.from_compact_arrays(part(f"{name}/{which}/")) for which in ("value", "spread"))
    return QuantityTrees(float(arrays[f"{name}/centre"]), value, spread, scales)
