"""The conductivity of dry polymer electrolytes: a process over curves and monotone trees of two kinds, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import PolymerBatch
from training.properties.polymer.auxiliary import ChainMobility
from training.properties.polymer.boosting import MonotoneTrees
from training.properties.polymer.forest import MonotoneForest
from training.properties.polymer.inputs import Inputs, inputs_of
from training.properties.polymer.known import KnownPolymer, KnownPolymers
from training.properties.polymer.process import ZERO_CELSIUS_K, CurveProcess, inverse_temperature
from training.properties.polymer.uncertainty import ErrorCalibration, Signs
from training.trees import TreeEnsemble
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
EV_PER_SLOPE = 0.198420
"""Activation energy in eV of one decade per 1000/T: 1000 ln(10) k_B."""
STEP_C = 20.0
"""The apparent activation energy is that between this far below and above the temperature asked."""
PROCESS_SHARE = 0.5


class Prediction(NamedTuple):
    """What the model says of n electrolytes at their temperatures, shape (n,) each.

    Attributes
    ----------
    log10_sigma
        S/cm.
    scale
        Expected absolute error, decades.
    activation_energy_eV
        Apparent, at the temperature asked.
    glass_transition_C
        Of the polymer without salt, as the auxiliary model has it.
    distance
        To the nearest known chain, 0 (the same) to 1.
    """

    log10_sigma: Array
    scale: Array
    activation_energy_eV: Array
    glass_transition_C: Array
    distance: Array


class Seen(NamedTuple):
    """What the model sees of n electrolytes, whatever the temperature.

    Attributes
    ----------
    inputs
        Of trees and process.
    level, slope
        Of the process's lines, shape (n,).
    glass_transition_C, distance
        As in `Prediction`.
    """

    inputs: Inputs
    level: Array
    slope: Array
    glass_transition_C: Array
    distance: Array


@dataclass(frozen=True, eq=False)
class FittedParts:
    """Process and trees of two kinds, fitted on the same points; bundles of before know no forest."""

    process: CurveProcess
    boosted: MonotoneTrees
    forest: MonotoneForest | None

    def __call__(self, inputs: Inputs, polymer: NDArray[np.str_], temperature_C: Array) -> tuple[Array, Array]:
        """Return log10 of S/cm by the process and by the trees, shape (n,) each."""
        level, slope = self.process.lines(inputs, polymer)
        return level - slope * inverse_temperature(temperature_C), self.of_trees(inputs, temperature_C)

    def of_trees(self, inputs: Inputs, temperature_C: Array) -> Array:
        """Return what the trees say, half of it the boosted ones, or all where there is no forest."""
        features = np.column_stack([inputs.for_trees(), temperature_C])
        boosted = self.boosted(features)
        return boosted if self.forest is None else 0.5 * (boosted + self.forest(features))


@dataclass(frozen=True, eq=False)
class PolymerModel:
    """Everything that answers: parts, what left-out papers say of their errors, known polymers."""

    mobility: ChainMobility
    parts: FittedParts
    calibration: ErrorCalibration
    known: KnownPolymers

    def look(self, batch: PolymerBatch) -> Seen:
        """Return what is the same at every temperature."""
        mobility = self.mobility(batch.sums)
        inputs = inputs_of(batch, mobility)
        distance = self.known.distance(self.parts.process.scales(inputs))
        lines = self.parts.process.lines(inputs, batch.polymer_keys)
        return Seen(inputs, *lines, mobility[:, 0] - ZERO_CELSIUS_K, distance)

    def predict(self, batch: PolymerBatch, temperature_C: Array) -> Prediction:
        """Return conductivities at one temperature in degrees Celsius for each of n electrolytes."""
        return self.at(self.look(batch), temperature_C)

    def at(self, seen: Seen, temperature_C: Array) -> Prediction:
        """Return the same of electrolytes that were looked at before."""
        inputs, level, slope, glass_C, distance = seen
        trees = [self.parts.of_trees(inputs, temperature_C + step) for step in (-STEP_C, 0.0, STEP_C)]
        lines = [level - slope * inverse_temperature(temperature_C + step) for step in (-STEP_C, 0.0, STEP_C)]
        values = [PROCESS_SHARE * a + (1.0 - PROCESS_SHARE) * b for a, b in zip(lines, trees, strict=True)]
        phi = inverse_temperature(temperature_C)
        between = inverse_temperature(temperature_C - STEP_C) - inverse_temperature(temperature_C + STEP_C)
        signs = Signs(np.abs(lines[1] - trees[1]), distance, phi, temperature_C - glass_C)
        energy = EV_PER_SLOPE * (values[2] - values[0]) / between
        return Prediction(values[1], self.calibration.scale(signs), energy, glass_C, distance)

    def interval(self, prediction: Prediction, coverage: float) -> Interval:
        """Return conformal intervals of log10 of the conductivity in S/cm."""
        return self.calibration.interval(prediction.log10_sigma, prediction.scale, coverage)

    def nearest(
        self, seen: Seen, batch: PolymerBatch, temperature_C: Array, n_nearest: int
    ) -> list[list[KnownPolymer]]:
        """Return the nearest measured electrolytes of each row, with conditions, DOI and transference numbers."""
        return self.known.nearest(self.parts.process.scales(seen.inputs), batch, temperature_C, n_nearest)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        forest = self.parts.forest
        named: dict[str, Mapping[str, NDArray[Any]]] = {
            "mobility": self.mobility.arrays(),
            "process": self.parts.process.arrays(),
            "trees": self.parts.boosted.trees.arrays() | {"centre": np.array(self.parts.boosted.centre)},
            "forest": {} if forest is None else forest.trees.compact_arrays(),
            "calibration": self.calibration.arrays(),
            "known": self.known.arrays(),
        }
        return {f"{name}/{part}": array for name, arrays in named.items() for part, array in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> PolymerModel:
        """Rebuild from `arrays()`; arrays of before there was a forest have none.

        Raises
        ------
        KeyError, ValueError
            If the arrays do not hold such a model.
        """
        of = {
            name: {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
            for name in ("mobility", "process", "trees", "forest", "calibration", "known")
        }
        process = CurveProcess.from_arrays(of["process"])
        boosted = MonotoneTrees(TreeEnsemble.from_arrays(of["trees"]), float(of["trees"]["centre"]))
        forest = MonotoneForest(TreeEnsemble.from_compact_arrays(of["forest"])) if of["forest"] else None
        scores = ConformalScale(np.asarray(of["calibration"]["scores"], dtype=float))
        return cls(
            ChainMobility.from_arrays(of["mobility"]),
            FittedParts(process, boosted, forest),
            ErrorCalibration(np.asarray(of["calibration"]["coefficients"], dtype=float), scores),
            KnownPolymers.from_arrays(of["known"]),
        )
