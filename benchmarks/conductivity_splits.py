"""How the conductivity benchmark scores what was held out: intervals, bins, scatter between laboratories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman
from training.properties.conductivity.ensemble import EnsembleSettings, Pool
from training.properties.conductivity.familiarity import DOMAIN_QUANTILE, is_familiar, known_radius
from training.properties.conductivity.metrics import (
    PUBLISHED_CENSORED_VALUE,
    ScoredPredictions,
    Truth,
    honest_error,
    is_covered,
    score,
)
from training.properties.conductivity.model import OutOfFold, at_temperature
from training.properties.conductivity.rows import ConductivityRows
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Scores = dict[str, float]

DISTANCE_BINS = {"below_0.6": (0.0, 0.6), "0.6_to_0.8": (0.6, 0.8), "above_0.8": (0.8, np.inf)}
COMPOSITION_BINS = {"below_0.03": (0.0, 0.03), "0.03_to_0.1": (0.03, 0.1), "above_0.1": (0.1, np.inf)}
CENTRAL_COVERAGES = np.arange(0.05, 0.96, 0.05)


@dataclass(frozen=True)
class LeftOut:
    """Predictions of rows whose papers the variant had not seen; a row's interval comes from the other folds' scores.

    Parameters
    ----------
    rows, pool, composition_distance
        As in `OutOfFold`, the pool at each row's own temperature.
    judged
        Rows that the variant would answer: with a conductivity and, for the lattice variant, a unit cell.
    fold, weight
        Shape (n,); how much the row counts for the intervals of the others.
    """

    rows: ConductivityRows
    pool: Pool
    composition_distance: Array
    judged: Mask
    fold: Rows
    weight: Array

    @classmethod
    def of(cls, predicted: OutOfFold, variant: str, settings: EnsembleSettings) -> LeftOut:
        """Take what `fit_variant` or `cross_fit` left."""
        rows = predicted.rows
        fold = np.empty(len(rows), dtype=np.int64)
        for number, (_, left_out) in enumerate(rows.folds(settings.n_folds, settings.seed)):
            fold[left_out] = number
        judged = rows.has_sigma & (rows.descriptors.has_lattice if variant == "lattice" else True)
        pool = at_temperature(predicted.pool, rows.temperature_C)
        return cls(rows, pool, predicted.composition_distance, judged, fold, predicted.weight)

    def factors(self, coverages: Sequence[float] | Array) -> Array:
        """Return by how much each row's scale is multiplied, shape (len(coverages), n)."""
        rows, pool = self.rows, self.pool
        out = np.empty((len(coverages), len(rows)))
        for number in np.unique(self.fold):
            other = self.judged & (self.fold != number)
            scale = ConformalScale.fit(
                rows.log10_sigma[other],
                rows.is_upper_bound[other],
                pool.centre[other],
                pool.below[other],
                pool.above[other],
                self.weight[other],
            )
            out[:, self.fold == number] = np.array([[scale.factor(float(c))] for c in coverages])
        return out

    def truth(self, keep: Mask | Rows) -> Truth:
        """Return the measured values of some rows."""
        return Truth(self.rows.log10_sigma[keep], self.rows.is_upper_bound[keep])

    def answer(self, keep: Mask | Rows) -> ScoredPredictions:
        """Return value and 90 % interval of some rows."""
        reach = self.factors([0.9])[0]
        whole = self.pool.centre, self.pool.centre - reach * self.pool.below, self.pool.centre + reach * self.pool.above
        return ScoredPredictions(*(part[keep] for part in whole))

    def crps(self, keep: Mask) -> float:
        """Return the continuous ranked probability score over uncensored rows, in decades.

        Twice the mean quantile loss over 39 levels: the ends of the conformal intervals of coverage 0.05 to 0.95 and
        the centre (Gneiting and Raftery, doi 10.1198/016214506000001437, section 4.2).
        """
        chosen = keep & ~self.rows.is_upper_bound
        value, centre = self.rows.log10_sigma[chosen], self.pool.centre[chosen]
        losses = [_pinball(value, centre, 0.5)]
        for coverage, reach in zip(CENTRAL_COVERAGES, self.factors(CENTRAL_COVERAGES)[:, chosen], strict=True):
            losses.append(_pinball(value, centre - reach * self.pool.below[chosen], (1 - coverage) / 2))
            losses.append(_pinball(value, centre + reach * self.pool.above[chosen], (1 + coverage) / 2))
        return 2.0 * float(np.mean(losses))

    def scores(self, keep: Mask) -> Scores:
        """Return the metrics of `elyte evaluate`, coverage of uncensored rows and CRPS."""
        truth, answer = self.truth(keep), self.answer(keep)
        out = score(truth, answer)
        out["n"] = out.pop("n_test")
        out["coverage_90_uncensored"] = float(is_covered(truth, answer)[~truth.is_upper_bound].mean())
        out["crps_uncensored"] = self.crps(keep)
        return out

    def coverage_by(self, groups: dict[str, Mask]) -> dict[str, Scores]:
        """Return rows, coverage, half-width and error in each group of judged rows."""
        out = {}
        for name, mask in groups.items():
            keep = mask & self.judged
            if keep.any():
                truth, answer = self.truth(keep), self.answer(keep)
                out[name] = {
                    "n": float(keep.sum()),
                    "coverage_90": float(is_covered(truth, answer).mean()),
                    "mean_half_width_90": float((answer.upper - answer.lower).mean() / 2),
                    "mean_error": float(honest_error(truth, answer.value).mean()),
                }
        return out

    def flagged(self) -> dict[str, Mask]:
        """Return which rows would be called in the domain and which out of it; elements unseen in a fold left aside."""
        own, truth = self.judged, self.truth(self.judged)
        error = honest_error(truth, self.pool.centre[own])
        radius = known_radius(self.pool.distance[own], error, self.weight[own])
        reach = float(np.quantile(self.composition_distance[own], DOMAIN_QUANTILE))
        inside = is_familiar(self.pool.distance, radius, self.pool.novelty) & (self.composition_distance <= reach)
        return {"in_domain": inside, "out_of_domain": ~inside}

    def rank_correlations(self, keep: Mask) -> Scores:
        """Return Spearman's rho of what may warn with the absolute error, in both conventions."""
        truth, answer = self.truth(keep), self.answer(keep)
        errors = {"published": published_error(truth, answer.value), "honest": honest_error(truth, answer.value)}
        warnings = {
            "distance": self.pool.distance[keep],
            "half_width": answer.upper - answer.lower,
            "novelty": self.pool.novelty[keep],
            "composition_distance": self.composition_distance[keep],
        }
        return {
            f"{name}_{convention}": spearman(warning, error)
            for name, warning in warnings.items()
            for convention, error in errors.items()
        }


def binned(value: Array, bins: dict[str, tuple[float, float]]) -> dict[str, Mask]:
    """Return, per bin, which values are at or above its lower end and below its upper end."""
    return {name: (value >= low) & (value < high) for name, (low, high) in bins.items()}


def published_error(truth: Truth, value: Array) -> Array:
    """Return the absolute error with every censored row at -15."""
    return np.abs(value - np.where(truth.is_upper_bound, PUBLISHED_CENSORED_VALUE, truth.log10_sigma))


def _pinball(value: Array, quantile: Array, level: float) -> Array:
    above = value - quantile
    return np.maximum(level * above, (level - 1.0) * above)


def laboratory_scatter(value: Array, material: NDArray[np.str_], paper: NDArray[np.str_]) -> Scores:
    """Return how far papers differ on one composition; a paper counts once per composition, by its mean.

    A perfect model knows the true value, a measurement is the true value plus one laboratory's noise, and the
    difference of two measurements holds the noise twice: the expected error is the mean difference over root two.
    """
    differences, deviations, n_groups = [], [], 0
    for name in np.unique(material):
        own = material == name
        means = np.array([value[own & (paper == p)].mean() for p in np.unique(paper[own])])
        if len(means) > 1:
            n_groups += 1
            deviations += list((means - means.mean()) ** 2 * len(means) / (len(means) - 1))
            differences += [abs(a - b) for a, b in combinations(means, 2)]
    return {
        "compositions": float(n_groups),
        "paper_means": float(len(deviations)),
        "pairs": float(len(differences)),
        "sd": float(np.sqrt(np.mean(deviations))),
        "mean_pair_difference": float(np.mean(differences)),
        "median_pair_difference": float(np.median(differences)),
        "expected_mae_of_perfect_model": float(np.mean(differences) / np.sqrt(2.0)),
    }
