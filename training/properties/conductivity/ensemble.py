"""Three families of model, one predictive distribution.

A Gaussian process (smooth, censored, knows temperature), a quantile forest (robust), boosted trees (sharp) and small
neural nets on what the process leaves over err in different ways. The pool's centre is the weighted average of their
medians; its width on either side is the average of the widths of the two members that have one, the process and the
forest. Where the process knows nothing alike, the centre goes back towards the median of what was published of late and
the width grows.

A user asks about materials that nobody has made yet: what is reported next resembles what was reported last. So a row
counts half after `half_life_years` in the trees and the nets, and that median is the mean that the process starts from.
The forest does not hear the process, so that one member of the pool errs for reasons of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.properties.conductivity.arrhenius import to_room_temperature
from training.properties.conductivity.boosting import BoostedTrees
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.familiarity import distance_to_known
from training.properties.conductivity.forest import QuantileForest
from training.properties.conductivity.gaussian_process import (
    ArrheniusProcess,
    Hyperparameters,
    LatentPrediction,
    ProcessPrediction,
)
from training.properties.conductivity.imputation import HotDeck
from training.properties.conductivity.kernels import COMPOSITION_KERNELS, LATTICE_KERNELS, TrainingMaterials
from training.properties.conductivity.leave_paper_out import predict_without_own_paper
from training.properties.conductivity.process_fit import condition, fit_process
from training.properties.conductivity.residual_net import ResidualNets, ResidualNetSettings
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows

Array = NDArray[np.float64]

LEVELS = np.array([0.1, 0.5, 0.9])
"""Quantile levels of the members: the centre and the two scales of the conformal interval."""
SMALLEST_WIDTH = 0.3
"""In decades: two papers on one composition rarely agree better."""
WIDEN_FROM, WIDEN_TO, WIDEN_BY = 0.5, 0.9, 0.5
"""Between these novelties the width grows by up to this share: left-out families were covered too rarely without."""
REVERT_FROM, REVERT_TO, REVERT_BY = 0.85, 0.95, 0.7
"""Between these novelties the centre goes back towards the median of what is known, up to this share."""
PULL_FROM, PULL_TO = 0.7, 0.9
"""Between these novelties it does so besides, up to the share `EnsembleSettings.pull`; not where a unit cell is known,
for those who publish crystal structures publish insulators too."""


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """What a run of training chooses; the defaults are the recipe."""

    process_iterations: int = 30
    forest_trees: int = 300
    forest_min_leaf: int = 3
    forest_feature_share: float = 0.5
    boosting_rounds: int = 300
    boosting_seeds: int = 2
    nets: ResidualNetSettings = field(default_factory=ResidualNetSettings)
    explainer_trees: int = 300
    explainer_neighbours: int = 9000
    n_folds: int = 10
    seed: int = 7
    weights: tuple[float, ...] = (1 / 8, 1 / 4, 1 / 4, 3 / 8)
    half_life_years: float = 6.0
    pull: float = 0.6
    pull_with_cell: float = 0.0
    forest_hears_process: bool = False
    added_width: float = 1.0

    @classmethod
    def of_the_first_recipe(cls) -> EnsembleSettings:
        """Return the recipe of the first shipped bundles (commit e84e3d4), which knew of no years."""
        equal = (1 / 4, 1 / 4, 1 / 4, 1 / 4)
        return cls(weights=equal, half_life_years=float("inf"), pull=0.0, forest_hears_process=True, added_width=0.0)

    def economical(self) -> EnsembleSettings:
        """Return sizes at which a dozen fits are cheap; their errors differ from those of the whole by 0.01 decades."""
        return replace(
            self,
            forest_trees=min(200, self.forest_trees),
            boosting_seeds=1,
            nets=replace(self.nets, n_nets=min(3, self.nets.n_nets)),
            n_folds=min(5, self.n_folds),
        )

    def sized_as(self, other: EnsembleSettings) -> EnsembleSettings:
        """Return this recipe at the sizes of another."""
        return replace(
            self,
            forest_trees=other.forest_trees,
            boosting_rounds=other.boosting_rounds,
            boosting_seeds=other.boosting_seeds,
            nets=other.nets,
            n_folds=other.n_folds,
        )

    @classmethod
    def quick(cls) -> EnsembleSettings:
        """Return a setting for tests: the same path, few steps."""
        return cls(
            process_iterations=3,
            forest_trees=20,
            boosting_rounds=40,
            boosting_seeds=1,
            nets=ResidualNetSettings(n_nets=2, hidden=8),
            explainer_trees=40,
            explainer_neighbours=300,
            n_folds=3,
        )


class Pool(NamedTuple):
    """Prediction at 25 C before calibration; each of shape (n,)."""

    centre: Array  # median log10 sigma
    below: Array  # median minus low quantile
    above: Array  # high quantile minus median
    activation_energy_eV: Array
    activation_energy_sd_eV: Array
    novelty: Array  # what share of its prior uncertainty the process still has: 0 known, 1 nothing like it is known
    distance: Array  # to what is known, see `familiarity`

    def moved(self, share: float) -> Pool:
        """Return a pool whose centres lie higher by a share of the width on that side, the ends with them."""
        return self._replace(centre=self.centre + share * (self.above if share > 0.0 else self.below))


class Lessons(NamedTuple):
    """What trees and nets learn from: the m rows with a conductivity, judged by a process without their own paper."""

    features: Array  # (m, d)
    prior: Array  # (m,), log10 sigma at 25 C that the process predicts
    targets: Array  # (m,), measured log10 sigma at 25 C
    is_upper_bound: NDArray[np.bool_]  # (m,)
    weights: Array  # (m,)

    @classmethod
    def of(
        cls,
        rows: ConductivityRows,
        variant: str,
        process: ArrheniusProcess,
        material: NDArray[np.int64],
        deck: HotDeck,
        half_life_years: float,
    ) -> Lessons:
        """Prepare rows whose materials in the process are `material`, shape (n,)."""
        learnt = rows.has_sigma
        answer = predict_without_own_paper(
            process,
            material,
            rows.paper,
            rows.paper[rows.observations().material],
            SAME_MATERIAL_DISTANCE,
        )
        return cls(
            _tree_features(rows.descriptors, variant, deck, answer)[learnt],
            answer.log10_sigma[learnt],
            _at_room_temperature(rows, process)[learnt],
            rows.is_upper_bound[learnt],
            rows.weights(half_life_years)[learnt],
        )


@dataclass(frozen=True)
class Ensemble:
    """The fitted members of one variant: 'formula' sees composition only, 'lattice' the unit cell too.

    `weights` are those of process, forest, boosting and nets; older bundles have no nets. `home` is the median, in
    log10 S/cm, to which the centre goes back where nothing alike is known; `pull` is by how much more than in older
    bundles, whose forest heard the process and whose intervals had no `added_width`.
    """

    variant: str
    process: ArrheniusProcess
    forest: QuantileForest
    boosting: BoostedTrees
    hot_deck: HotDeck
    nets: ResidualNets | None
    weights: tuple[float, ...]
    home: float
    pull: float = 0.0
    forest_hears_process: bool = True
    added_width: float = 0.0

    @classmethod
    def fit(
        cls,
        rows: ConductivityRows,
        variant: str,
        settings: EnsembleSettings,
        *,
        hyper: Hyperparameters | None = None,
        on_step: Callable[[], None] = lambda: None,
    ) -> Ensemble:
        """Fit all members.

        Parameters
        ----------
        rows, variant
            What to learn from; 'formula' or 'lattice'.
        settings
            Sizes, seeds and weights.
        hyper
            Hyperparameters of the process to keep; None fits them. The mean is that of the recipe in either case.
        on_step
            Called now and then, for a progress bar.
        """
        kernels = COMPOSITION_KERNELS if variant == "formula" else LATTICE_KERNELS
        distinct, material = rows.descriptors.distinct(with_lattice=variant == "lattice")
        materials, observed = TrainingMaterials.of(distinct), rows.observations().of_materials(material)
        if hyper is None:
            hyper = fit_process(
                materials, observed, kernels, n_iterations=settings.process_iterations, on_step=on_step
            ).hyper
        if np.isfinite(settings.half_life_years):
            hyper = replace(hyper, mean_sigma=rows.recent_median(settings.half_life_years))
        process = condition(materials, observed, hyper)
        deck = HotDeck.of(rows.descriptors)
        lessons = Lessons.of(rows, variant, process, material, deck, settings.half_life_years)
        heard = settings.forest_hears_process
        forest = QuantileForest.fit(
            lessons.features if heard else _without_process(lessons.features, rows.descriptors),
            lessons.targets,
            lessons.weights,
            n_trees=settings.forest_trees,
            min_leaf=settings.forest_min_leaf,
            feature_share=settings.forest_feature_share,
            seed=settings.seed,
        )
        on_step()
        boosting = BoostedTrees.fit(
            lessons.features,
            lessons.targets,
            lessons.weights,
            n_rounds=settings.boosting_rounds,
            n_seeds=settings.boosting_seeds,
            seed=settings.seed,
        )
        on_step()
        nets = ResidualNets.fit(*lessons, settings.nets, seed=settings.seed)
        on_step()
        home = hyper.mean_sigma if np.isfinite(settings.half_life_years) else float(np.median(lessons.targets))
        pull = settings.pull if variant == "formula" else settings.pull_with_cell
        pooling = settings.weights, home, pull, heard, settings.added_width
        return cls(variant, process, forest, boosting, deck, nets, *pooling)

    def predict(self, descriptors: Descriptors) -> Pool:
        """Pool the members' distributions for n materials."""
        process = self.process.predict(descriptors)
        medians, low, median, high = self._answers(descriptors, process)
        centre = np.average(medians, axis=0, weights=self.weights)
        reach = process.log10_sigma_sd * ndtri(LEVELS[-1])
        novelty = np.minimum(process.log10_sigma_latent_sd / self.process.hyper.sd_sigma, 1.0)
        widening = 1.0 + WIDEN_BY * _ramp(novelty, WIDEN_FROM, WIDEN_TO)
        kept = 1.0 - REVERT_BY * _ramp(novelty, REVERT_FROM, REVERT_TO)
        kept *= 1.0 - self.pull * _ramp(novelty, PULL_FROM, PULL_TO)
        return Pool(
            kept * centre + (1.0 - kept) * self.home,
            self.added_width + np.maximum((reach + median - low) / 2, SMALLEST_WIDTH) * widening,
            self.added_width + np.maximum((reach + high - median) / 2, SMALLEST_WIDTH) * widening,
            process.activation_energy_eV,
            process.activation_energy_sd_eV,
            novelty,
            distance_to_known(novelty, high - low),
        )

    def medians(self, descriptors: Descriptors) -> Array:
        """Return what each member answers, log10 S/cm at 25 C, shape (members, n)."""
        return self._answers(descriptors, self.process.predict(descriptors))[0]

    def _answers(self, descriptors: Descriptors, process: ProcessPrediction) -> tuple[Array, Array, Array, Array]:
        """Return the members' medians (members, n) and the quantiles of the forest at `LEVELS`."""
        features = _tree_features(descriptors, self.variant, self.hot_deck, process.latent())
        seen = features if self.forest_hears_process else _without_process(features, descriptors)
        low, median, high = self.forest.quantiles(seen, LEVELS).T
        medians = [process.log10_sigma, median, self.boosting.centre(features)]
        if self.nets is not None:
            medians.append(self.nets.centre(features, process.log10_sigma))
        return np.array(medians), low, median, high

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {
            f"{name}/{key}": array for name, member in self._members().items() for key, array in member.arrays().items()
        }

    def _members(self) -> dict[str, Any]:
        members = {
            "process": self.process,
            "forest": self.forest,
            "boosting": self.boosting,
            "hot_deck": self.hot_deck,
        }
        return members if self.nets is None else members | {"nets": self.nets}

    def settings(self) -> dict[str, Any]:
        """Return what is not an array, as JSON values."""
        return {
            "variant": self.variant,
            "weights": list(self.weights),
            "home": self.home,
            "pull": self.pull,
            "forest_hears_process": self.forest_hears_process,
            "added_width": self.added_width,
            "process": self.process.settings(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Ensemble:
        """Rebuild from `arrays()` and `settings()`."""

        def of(member: str) -> dict[str, NDArray[Any]]:
            return {k.removeprefix(f"{member}/"): a for k, a in arrays.items() if k.startswith(f"{member}/")}

        nets, forest = of("nets"), QuantileForest.from_arrays(of("forest"))
        return cls(
            settings["variant"],
            ArrheniusProcess.from_arrays(of("process"), settings["process"]),
            forest,
            BoostedTrees.from_arrays(of("boosting")),
            HotDeck.from_arrays(of("hot_deck")),
            ResidualNets.from_arrays(nets) if nets else None,
            tuple(settings["weights"]),
            settings.get("home", float(np.median(forest.targets))),
            settings.get("pull", 0.0),
            settings.get("forest_hears_process", True),
            settings.get("added_width", 0.0),
        )


def _ramp(value: Array, start: float, end: float) -> Array:
    """Return 0 below start, 1 above end, straight in between."""
    return np.clip((value - start) / (end - start), 0.0, 1.0)


def _tree_features(descriptors: Descriptors, variant: str, deck: HotDeck, process: LatentPrediction) -> Array:
    """Return what trees and nets see: chemistry, stoichiometry, the process's opinion, the lattice in its variant."""
    blocks = [descriptors.chemistry, descriptors.stoichiometry, np.column_stack(process)]
    if variant == "lattice":
        blocks.append(deck.crystal_descriptors(descriptors))
    return np.hstack(blocks)


def _without_process(features: Array, descriptors: Descriptors) -> Array:
    """Return `_tree_features` without the columns of the process."""
    first = descriptors.chemistry.shape[1] + descriptors.stoichiometry.shape[1]
    kept: Array = np.delete(features, np.arange(first, first + len(LatentPrediction._fields)), axis=1)
    return kept


def _at_room_temperature(rows: ConductivityRows, process: ArrheniusProcess) -> Array:
    """Carry every conductivity to 25 C by the row's own activation energy, else by the predicted one."""
    energy = rows.activation_energy_eV.copy()
    unknown = ~np.isfinite(energy) & (rows.temperature_C != 25.0)
    if unknown.any():
        energy[unknown] = process.predict(rows.descriptors.take(unknown)).activation_energy_eV
    return to_room_temperature(rows.log10_sigma, np.nan_to_num(energy), rows.temperature_C)
