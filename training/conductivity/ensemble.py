"""Three families of model, one predictive distribution.

A Gaussian process (smooth, censored, knows temperature), a quantile forest (robust) and boosted trees (sharp) err in
different ways. Their quantiles are averaged level by level (Vincent's average), so that the median of the pool is the
average of their medians and its width the average of their widths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.conductivity.arrhenius import to_room_temperature
from training.conductivity.boosting import BoostedTrees
from training.conductivity.descriptors import Descriptors
from training.conductivity.forest import QuantileForest
from training.conductivity.gaussian_process import ArrheniusProcess, Hyperparameters
from training.conductivity.imputation import HotDeck
from training.conductivity.kernels import COMPOSITION_KERNELS, LATTICE_KERNELS, Materials
from training.conductivity.process_fit import condition, fit_process
from training.conductivity.rows import Measurements

Array = NDArray[np.float64]

LEVELS = np.array([0.1, 0.5, 0.9])
"""Quantile levels that the pool carries: the centre and the two scales of the conformal interval."""


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """What a run of training chooses; the defaults are the recipe."""

    process_iterations: int = 30
    forest_trees: int = 300
    forest_min_leaf: int = 3
    forest_feature_share: float = 0.4
    boosting_rounds: int = 400
    boosting_seeds: int = 3
    boosting_scale: float = 1.0  # Laplace width in decades; sets how far the pool's width follows the other members
    n_folds: int = 10
    seed: int = 7
    weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)

    @classmethod
    def quick(cls) -> EnsembleSettings:
        """Return a setting for tests: the same path, few steps."""
        return cls(process_iterations=3, forest_trees=20, boosting_rounds=40, boosting_seeds=1, n_folds=3)


class Pool(NamedTuple):
    """Prediction at 25 C before calibration; each of shape (n,)."""

    centre: Array  # median log10 sigma
    below: Array  # median minus 10 % quantile
    above: Array  # 90 % quantile minus median
    activation_energy_eV: Array
    activation_energy_sd_eV: Array


@dataclass(frozen=True)
class Ensemble:
    """The fitted members of one variant: 'formula' sees composition only, 'lattice' the unit cell too."""

    variant: str
    process: ArrheniusProcess
    forest: QuantileForest
    boosting: BoostedTrees
    hot_deck: HotDeck
    weights: tuple[float, float, float] = field(default=(1 / 3, 1 / 3, 1 / 3))

    @classmethod
    def fit(
        cls, rows: Measurements, variant: str, settings: EnsembleSettings, *,
        hyper: Hyperparameters | None = None, on_step: Callable[[], None] = lambda: None,
    ) -> Ensemble:  # fmt: skip
        """Fit all members.

        Parameters
        ----------
        rows
            Measurements to learn from.
        variant
            'formula' or 'lattice'.
        settings
            Sizes, seeds and weights.
        hyper
            Hyperparameters of the process to keep; None fits them.
        on_step
            Called now and then, for a progress bar.
        """
        kernels = COMPOSITION_KERNELS if variant == "formula" else LATTICE_KERNELS
        distinct, material = rows.descriptors.distinct(with_lattice=variant == "lattice")
        materials, observed = Materials.of(distinct), rows.observations().of_materials(material)
        if hyper is None:
            process = fit_process(
                materials, observed, kernels, n_iterations=settings.process_iterations, on_step=on_step
            )
        else:
            process = condition(materials, observed, hyper)
        learnt = rows.has_sigma
        deck = HotDeck.of(rows.descriptors)
        features = _tree_features(rows.descriptors, variant, deck)[learnt]
        targets = _at_room_temperature(rows, process)[learnt]
        weights = rows.weights()[learnt]
        forest = QuantileForest.fit(
            features, targets, weights, n_trees=settings.forest_trees, min_leaf=settings.forest_min_leaf,
            feature_share=settings.forest_feature_share, seed=settings.seed,
        )  # fmt: skip
        on_step()
        boosting = BoostedTrees.fit(
            features, targets, weights, n_rounds=settings.boosting_rounds, n_seeds=settings.boosting_seeds,
            seed=settings.seed, scale=settings.boosting_scale,
        )  # fmt: skip
        on_step()
        return cls(variant, process, forest, boosting, deck, settings.weights)

    def predict(self, descriptors: Descriptors) -> Pool:
        """Pool the members' distributions for n materials."""
        features = _tree_features(descriptors, self.variant, self.hot_deck)
        process = self.process.predict(descriptors)
        of_process = process.log10_sigma[:, None] + process.log10_sigma_sd[:, None] * ndtri(LEVELS)
        members = (
            of_process,
            self.forest.quantiles(features, LEVELS),
            self.boosting.quantiles(features, LEVELS),
        )
        low, centre, high = sum(w * q for w, q in zip(self.weights, members, strict=True)).T
        return Pool(centre, centre - low, high - centre, process.activation_energy_eV, process.activation_energy_sd_eV)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {
            f"{name}/{key}": array for name, member in self._members().items() for key, array in member.arrays().items()
        }

    def _members(self) -> dict[str, Any]:
        return {
            "process": self.process,
            "forest": self.forest,
            "boosting": self.boosting,
            "hot_deck": self.hot_deck,
        }

    def settings(self) -> dict[str, Any]:
        """Return what is not an array, as JSON values."""
        return {"variant": self.variant, "weights": list(self.weights), "process": self.process.settings()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Ensemble:
        """Rebuild from `arrays()` and `settings()`."""

        def of(member: str) -> dict[str, NDArray[Any]]:
            return {k.removeprefix(f"{member}/"): a for k, a in arrays.items() if k.startswith(f"{member}/")}

        return cls(
            settings["variant"],
            ArrheniusProcess.from_arrays(of("process"), settings["process"]),
            QuantileForest.from_arrays(of("forest")),
            BoostedTrees.from_arrays(of("boosting")),
            HotDeck.from_arrays(of("hot_deck")),
            tuple(settings["weights"]),
        )


def _tree_features(descriptors: Descriptors, variant: str, deck: HotDeck) -> Array:
    if variant == "formula":
        return descriptors.chemistry
    return np.hstack([descriptors.chemistry, deck.crystal_descriptors(descriptors)])


def _at_room_temperature(rows: Measurements, process: ArrheniusProcess) -> Array:
    """Carry every conductivity to 25 C by the row's own activation energy, else by the predicted one."""
    energy = rows.activation_energy_eV.copy()
    unknown = ~np.isfinite(energy) & (rows.temperature_C != 25.0)
    if unknown.any():
        energy[unknown] = process.predict(rows.descriptors.take(unknown)).activation_energy_eV
    return to_room_temperature(rows.log10_sigma, np.nan_to_num(energy), rows.temperature_C)
