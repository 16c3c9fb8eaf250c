"""Fitting: parts on all points, calibration on papers left out, and what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from features.polymers.candidate import named_unit_key
from training.properties.polymer.auxiliary import N_ROUNDS, ChainMobility
from training.properties.polymer.boosting import BoostingSettings, MonotoneTrees, point_weights
from training.properties.polymer.forest import ForestSettings, MonotoneForest
from training.properties.polymer.inputs import Inputs, inputs_of
from training.properties.polymer.known import KnownPolymers, Transference
from training.properties.polymer.model import PROCESS_SHARE, FittedParts, PolymerModel
from training.properties.polymer.process import (
    ZERO_CELSIUS_K,
    CurveProcess,
    Kernel,
    Origins,
    Scales,
    chain_likeness,
    inverse_temperature,
)
from training.properties.polymer.tables import (
    Conductivities,
    Mobilities,
    read_conductivities,
    read_glass_transitions,
    read_simulations,
    read_transference_table,
)
from training.properties.polymer.uncertainty import ErrorCalibration, Signs
from training.splits import grouped_folds

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]
"""Points to fit on, and points to answer."""
DOMAIN_SHARE, COVERAGE = 0.9, 0.9


@dataclass(frozen=True, slots=True)
class PolymerSettings:
    """Sizes of the recipe."""

    kernel: Kernel = field(default_factory=Kernel)
    boosting: BoostingSettings = field(default_factory=BoostingSettings)
    forest: ForestSettings = field(default_factory=ForestSettings)
    n_mobility_rounds: int = N_ROUNDS
    n_folds: int = 10
    seed: int = 0

    @classmethod
    def quick(cls) -> PolymerSettings:
        """Return small sizes that try the path."""
        return cls(
            boosting=BoostingSettings(n_rounds=60), forest=ForestSettings(n_trees=10), n_mobility_rounds=40, n_folds=3
        )


@dataclass(frozen=True, eq=False)
class PolymerTables:
    """What is learnt from."""

    conductivities: Conductivities
    glass: Mobilities
    simulated: Mobilities

    @classmethod
    def read(cls) -> PolymerTables:
        """Read the public tables; raises `MissingSourceError`, `TableError` or `MissingToolkitError`."""
        return cls(read_conductivities(), read_glass_transitions(), read_simulations())


@dataclass(frozen=True, eq=False)
class Points:
    """Measured points with what the model sees of them."""

    table: Conductivities
    mobility: Array
    inputs: Inputs

    @classmethod
    def of(cls, table: Conductivities, mobility: ChainMobility) -> Points:
        """Compute the inputs of all points."""
        of_chains = mobility(table.batch.sums)
        return cls(table, of_chains, inputs_of(table.batch, of_chains))

    @property
    def origins(self) -> Origins:
        """Polymer, paper and curve of each point."""
        return Origins(self.table.batch.polymer_keys, self.table.paper, self.table.curve)

    def take(self, rows: Rows) -> Points:
        """Return some of the points."""
        return Points(self.table.take(rows), self.mobility[rows], self.inputs.take(rows))


class LeftOutPoints(NamedTuple):
    """What parts that had not seen them say of points, shape (n,) each; NaN where no fold asked.

    Attributes
    ----------
    process, trees
        log10 of S/cm by either.
    distance
        To the nearest chain of the points that were fitted on.
    """

    process: Array
    trees: Array
    distance: Array

    @property
    def log10_sigma(self) -> Array:
        """The average."""
        return PROCESS_SHARE * self.process + (1.0 - PROCESS_SHARE) * self.trees

    def signs(self, points: Points) -> Signs:
        """Return what tells the error of each point."""
        temperature_C = points.table.temperature_C
        above_glass = temperature_C - (points.mobility[:, 0] - ZERO_CELSIUS_K)
        return Signs(np.abs(self.process - self.trees), self.distance, inverse_temperature(temperature_C), above_glass)


def fit_parts(points: Points, settings: PolymerSettings) -> FittedParts:
    """Fit process and trees of both kinds to points."""
    table = points.table
    phi = inverse_temperature(table.temperature_C)
    process = CurveProcess.fit(points.inputs, points.origins, phi, table.log10_sigma, settings.kernel)
    features = np.column_stack([points.inputs.for_trees(), table.temperature_C])
    weights = point_weights(table.curve, table.paper, settings.boosting)
    boosted = MonotoneTrees.fit(features, table.log10_sigma, weights, settings.boosting)
    return FittedParts(process, boosted, MonotoneForest.fit(features, table.log10_sigma, weights, settings.forest))


def leave_out(
    points: Points, folds: Iterator[Fold] | list[Fold], settings: PolymerSettings, on_step: Callable[[str], None]
) -> LeftOutPoints:
    """Answer the points of each fold by parts fitted on the fold's other points."""
    process, trees, distance = (np.full(len(points.table), np.nan) for _ in range(3))
    for number, (fitted, asked) in enumerate(folds):
        parts, those = fit_parts(points.take(fitted), settings), points.take(asked)
        process[asked], trees[asked] = parts(those.inputs, those.table.batch.polymer_keys, those.table.temperature_C)
        scaled = parts.process.scales(those.inputs)
        distance[asked] = 1.0 - chain_likeness(settings.kernel, scaled, parts.process.inputs).max(axis=1)
        on_step(f"fold {number + 1}")
    return LeftOutPoints(process, trees, distance)


def folds_of(group: NDArray[np.str_], n_folds: int, seed: int) -> list[Fold]:
    """Return folds that split no group."""
    fold = grouped_folds(group, n_folds, seed)
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(n_folds)]


def half_widths(
    points: Points, folds: list[Fold], left_out: LeftOutPoints, group: NDArray[np.str_], *, coverage: float = COVERAGE
) -> Array:
    """Return half-widths for a coverage, each fold's calibrated on the answers of the other folds, shape (n,)."""
    found = np.full(len(points.table), np.nan)
    signs, error = left_out.signs(points), points.table.log10_sigma - left_out.log10_sigma
    answered = np.isfinite(left_out.process)
    for _, asked in folds:
        others = answered.copy()
        others[asked] = False
        calibration = ErrorCalibration.fit(type(signs)(*(part[others] for part in signs)), error[others], group[others])
        scale = calibration.scale(type(signs)(*(part[asked] for part in signs)))
        found[asked] = calibration.conformal.factor(coverage) * scale
    return found


@dataclass(frozen=True, eq=False)
class PolymerFit:
    """A fitted model, the points it was fitted on, and what was said of left-out papers."""

    model: PolymerModel
    points: Points
    left_out: LeftOutPoints


def n_steps(settings: PolymerSettings) -> int:
    """Return how often `fit_polymer` calls its `on_step`."""
    return settings.n_folds + 2


def fit_polymer(
    tables: PolymerTables, settings: PolymerSettings, on_step: Callable[[str], None] = lambda what: None
) -> PolymerFit:
    """Fit the whole model: mobilities of chains, parts, calibration on left-out papers."""
    mobility = ChainMobility.fit(tables.glass, tables.simulated, settings.n_mobility_rounds)
    on_step("mobility of chains")
    return fit_conductivities(Points.of(tables.conductivities, mobility), mobility, settings, on_step)


def fit_conductivities(
    points: Points, mobility: ChainMobility, settings: PolymerSettings, on_step: Callable[[str], None]
) -> PolymerFit:
    """Fit all but the mobilities of chains, `n_steps` less one calls of `on_step`."""
    table = points.table
    left_out = leave_out(points, folds_of(table.paper, settings.n_folds, settings.seed), settings, on_step)
    error = table.log10_sigma - left_out.log10_sigma
    calibration = ErrorCalibration.fit(left_out.signs(points), error, table.paper)
    parts = fit_parts(points, settings)
    on_step("all points")
    return PolymerFit(
        PolymerModel(mobility, parts, calibration, known_polymers(points, parts.process.scales)), points, left_out
    )


def known_polymers(points: Points, scales: Scales) -> KnownPolymers:
    """Lay out what has been measured."""
    table = points.table
    keys, first, of_point = np.unique(table.batch.polymer_keys, return_index=True, return_inverse=True)
    chains = scales(points.inputs.take(first))
    apart = 1.0 - chain_likeness(Kernel(), chains, chains) + 2.0 * np.eye(len(keys))
    one_each = np.unique(table.curve, return_index=True)[1]
    order = np.argsort(table.curve, kind="stable")
    numbers = np.searchsorted(np.unique(table.curve), table.curve)
    return KnownPolymers(
        chains,
        tuple(keys.tolist()),
        of_point.reshape(-1)[one_each],
        tuple(table.batch.salt_keys[one_each].tolist()),
        tuple(table.doi[one_each].tolist()),
        np.column_stack([table.batch.molality, table.batch.lithium_molality])[one_each],
        np.column_stack([numbers, table.temperature_C, table.log10_sigma])[order],
        read_transference(),
        float(np.quantile(apart.min(axis=1), DOMAIN_SHARE)),
    )


def read_transference() -> dict[str, list[Transference]]:
    """Return the measured transference numbers of polymers that are known by name, by canonical repeat unit.

    Raises
    ------
    TableError
        If a cell breaks the schema.
    """
    found: dict[str, list[Transference]] = {}
    for row in read_transference_table().to_dict("records"):
        try:
            key = named_unit_key(row["polymer"])
        except CandidateError:
            continue  # a copolymer whose units are not told
        numbers = row["t_plus"], row["anion"], row["li_per_functional_group"], row["temperature_C"]
        found.setdefault(key, []).append(Transference(*numbers, row["method"], row["doi"]))
    return found
