"""What the conductivity benchmark holds out and how it scores: families, classes of anions, intervals, scatter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from features.featurizers import FEATURIZERS
from features.similarity import half_l1
from training.properties.conductivity.ensemble import EnsembleSettings, Pool
from training.properties.conductivity.familiarity import DOMAIN_QUANTILE, is_familiar
from training.properties.conductivity.metrics import (
    PUBLISHED_CENSORED_VALUE,
    ScoredPredictions,
    Truth,
    is_covered,
    score,
)
from training.properties.conductivity.model import OutOfFold, at_temperature
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Scores = dict[str, float]

CLASSES = {
    "oxide": ("oxide",),
    "sulfide": ("sulfide", "selenide_telluride"),
    "halide": ("halide",),
    "nitride": ("nitride",),
    "hydride": ("hydride",),
}
MAIN_ANION_SHARE = 0.7  # of the anions; a material where none has it is 'mixed' (Li5.5PS4.5Cl1.5 is a sulfide)
TRACE_ANION_SHARE = 0.2  # a material may hold less of a left-out class and stay in training (Li6PS5Cl: 0.17 halide)
SMALLEST_FAMILY = 10
FAMILY_REACH = 0.12  # half-L1; an unlabelled row this near to a labelled one takes its family
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
    fold
        Shape (n,).
    """

    rows: ConductivityRows
    pool: Pool
    composition_distance: Array
    judged: Mask
    fold: Rows

    @classmethod
    def of(cls, predicted: OutOfFold, variant: str, settings: EnsembleSettings) -> LeftOut:
        """Take what `fit_variant` or `cross_fit` left."""
        rows = predicted.rows
        fold = np.empty(len(rows), dtype=np.int64)
        for number, (_, left_out) in enumerate(rows.folds(settings.n_folds, settings.seed)):
            fold[left_out] = number
        judged = rows.has_sigma & (rows.descriptors.has_lattice if variant == "lattice" else True)
        pool = at_temperature(predicted.pool, rows.temperature_C)
        return cls(rows, pool, predicted.composition_distance, judged, fold)

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
        radii = [
            float(np.quantile(d[self.judged], DOMAIN_QUANTILE)) for d in (self.pool.distance, self.composition_distance)
        ]
        inside = is_familiar(self.pool.distance, radii[0], self.pool.novelty) & (self.composition_distance <= radii[1])
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
            f"{name}_{convention}": float(spearmanr(warning, error).statistic)
            for name, warning in warnings.items()
            for convention, error in errors.items()
        }


def binned(value: Array, bins: dict[str, tuple[float, float]]) -> dict[str, Mask]:
    """Return, per bin, which values are at or above its lower end and below its upper end."""
    return {name: (value >= low) & (value < high) for name, (low, high) in bins.items()}


def published_error(truth: Truth, value: Array) -> Array:
    """Return the absolute error with every censored row at -15."""
    return np.abs(value - np.where(truth.is_upper_bound, PUBLISHED_CENSORED_VALUE, truth.log10_sigma))


def honest_error(truth: Truth, value: Array) -> Array:
    """Return the absolute error; a prediction below a bound is no error."""
    signed = value - truth.log10_sigma
    error: Array = np.where(truth.is_upper_bound, np.maximum(signed, 0.0), np.abs(signed))
    return error


def _pinball(value: Array, quantile: Array, level: float) -> Array:
    above = value - quantile
    return np.maximum(level * above, (level - 1.0) * above)


def anion_shares(rows: ConductivityRows) -> dict[str, Array]:
    """Return, per class, its share of each material's anions."""
    labels = FEATURIZERS["chemistry"].labels
    chemistry = rows.descriptors.chemistry
    return {
        name: sum((chemistry[:, labels.index(f"{anion}_share")] for anion in anions), np.zeros(len(rows)))
        for name, anions in CLASSES.items()
    }


def anion_classes(rows: ConductivityRows) -> dict[str, Mask]:
    """Return, per class and for 'mixed', which rows belong to it; the masks exclude each other."""
    masks = {name: share >= MAIN_ANION_SHARE for name, share in anion_shares(rows).items()}
    return masks | {"mixed": ~np.logical_or.reduce(list(masks.values()))}


def families(rows: ConductivityRows) -> NDArray[np.str_]:
    """Return each row's family in lower case; an unlabelled row takes that of its nearest labelled composition."""
    family = np.char.lower(rows.family)
    labelled, blank = np.flatnonzero(family != ""), np.flatnonzero(family == "")
    between = half_l1(rows.descriptors.composition[blank], rows.descriptors.composition[labelled])
    near = between.min(axis=1) < FAMILY_REACH
    family[blank[near]] = family[labelled[between[near].argmin(axis=1)]]
    return family


def without_families(rows: ConductivityRows) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield each family's name, the rows to learn from and the rows to judge, largest family first."""
    family = families(rows)
    names, counts = np.unique(family[rows.has_sigma & (family != "")], return_counts=True)
    for i in np.argsort(-counts, kind="stable"):
        if counts[i] >= SMALLEST_FAMILY:
            own = family == names[i]
            yield str(names[i]), _unrelated(rows, own, own), np.flatnonzero(own & rows.has_sigma)


def without_anion_classes(rows: ConductivityRows) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield each class of anions, the rows that hold next to none of it, and the rows of the class."""
    for name, share in anion_shares(rows).items():
        own = share >= MAIN_ANION_SHARE
        judged = np.flatnonzero(own & rows.has_sigma)
        if len(judged):
            yield name, _unrelated(rows, own, share >= TRACE_ANION_SHARE), judged


def _unrelated(rows: ConductivityRows, judged: Mask, removed: Mask) -> Rows:
    """Return rows that are not removed, share no paper with a judged row and are no copy of its material."""
    composition = rows.descriptors.composition
    copies = half_l1(composition, composition[judged]).min(axis=1) < SAME_MATERIAL_DISTANCE
    return np.flatnonzero(~(removed | copies | np.isin(rows.paper, rows.paper[judged])))


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


def paired_bootstrap(difference: Array, paper: NDArray[np.str_], n_draws: int, seed: int = 0) -> Scores:
    """Return the mean difference over rows with its 95 % interval, whole papers drawn with replacement."""
    _, group = np.unique(paper, return_inverse=True)
    total, size = np.bincount(group, difference), np.bincount(group)
    draws = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), n_draws)
    means = draws @ total / (draws @ size)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "difference": float(difference.mean()),
        "low_95": float(low),
        "high_95": float(high),
        "share_of_draws_better": float((means < 0).mean()),
    }
