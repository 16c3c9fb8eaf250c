"""The model of PBE band gaps: is it a metal, and if not, how large is its gap.

Three sets of boosted trees on composition and relatives: the log-odds of being a metal, the gap of a non-metal, and how
far that is off. Together they make one predictive distribution: a share p(metal) at 0, and the rest spread about the
predicted gap as the errors of left-out chemical systems were. The value is its median, which is 0 where a metal is more
likely than not and has the smallest expected absolute error; intervals are central ones, widened or narrowed until they
cover as they should (conformal: Lei et al., doi 10.1080/01621459.2017.1307116), metals and non-metals each. So the
lower end is 0 wherever the composition may be a metal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_trees import composition_descriptors
from training.properties.mechanics.gap_lookup import GapLookup
from training.properties.mechanics.gap_relatives import Relatives
from training.trees import TreeEnsemble
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
Arrays = Mapping[str, NDArray[np.generic]]
DEFAULT_COVERAGE = 0.9
SMALLEST_GAP_eV, SMALLEST_SPREAD_eV = 0.01, 0.02
N_QUANTILES = 1001
MOST_SCORES = 4000
_PARTS = ("metal", "gap", "spread")


def descriptors(batch: MaterialBatch, relatives: Relatives) -> Array:
    """Return what the trees are grown on: composition, then relatives; shape (n, d)."""
    return np.column_stack([composition_descriptors(batch), relatives(batch)])


@dataclass(frozen=True, eq=False)
class RawGaps:
    """What the trees say of n compositions, before calibration; each of shape (n,).

    Attributes
    ----------
    log_odds_metal
        Natural logarithm of the odds.
    gap_eV
        Of the compound if it is no metal.
    spread_eV
        Expected error of that.
    """

    log_odds_metal: Array
    gap_eV: Array
    spread_eV: Array

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> RawGaps:
        """Return the chosen rows."""
        return RawGaps(self.log_odds_metal[rows], self.gap_eV[rows], self.spread_eV[rows])


@dataclass(frozen=True, eq=False)
class GapTrees:
    """The three sets of trees; `spread` gives the square root of the expected error in eV."""

    metal: TreeEnsemble
    gap: TreeEnsemble
    spread: TreeEnsemble

    def __call__(self, features: Array) -> RawGaps:
        """Return what the trees say of features (n, d)."""
        return RawGaps(
            self.metal.sum(features),
            np.maximum(self.gap.sum(features), SMALLEST_GAP_eV),
            np.maximum(self.spread.sum(features) ** 2, SMALLEST_SPREAD_eV),
        )


@dataclass(frozen=True, eq=False)
class GapCalibration:
    """What left-out chemical systems taught.

    Attributes
    ----------
    intercept, slope
        Of the log-odds of being a metal.
    residual
        Quantiles of (gap - predicted) / spread of non-metals at evenly spaced levels from 0 to 1, rising.
    reach
        How far from 1/2 the level of the true gap lies, metals and non-metals each; intervals reach so far that both
        are covered.
    """

    intercept: float
    slope: float
    residual: Array
    reach: tuple[ConformalScale, ConformalScale]

    @classmethod
    def fit(cls, raw: RawGaps, gap_eV: Array) -> GapCalibration:
        """Calibrate on left-out rows, gaps of shape (n,).

        Raises
        ------
        ValueError
            If there are no metals or no non-metals among them.
        """
        from sklearn.linear_model import LogisticRegression

        metal = gap_eV <= 0
        if metal.all() or not metal.any():
            raise ValueError(f"{metal.sum()} metals among {len(metal)} rows; expected some of either kind")
        odds = LogisticRegression(C=1e6).fit(raw.log_odds_metal[:, None], metal)
        distance = ((gap_eV - raw.gap_eV) / raw.spread_eV)[~metal]
        residual = np.quantile(distance, np.linspace(0.0, 1.0, N_QUANTILES))
        open_ended = cls(
            float(odds.intercept_[0]), float(odds.coef_[0, 0]), np.maximum.accumulate(residual), (_NO_SCORES,) * 2
        )
        score = open_ended.distribution(raw).scores(gap_eV)
        return cls(
            open_ended.intercept,
            open_ended.slope,
            open_ended.residual,
            (ConformalScale(_thinned(score[metal])), ConformalScale(_thinned(score[~metal]))),
        )

    def distribution(self, raw: RawGaps) -> GapDistribution:
        """Return the predictive distributions of n compositions."""
        return GapDistribution(self, raw)

    def factor(self, coverage: float) -> float:
        """Return how far from level 1/2 an interval of this coverage reaches.

        Raises
        ------
        ValueError
            If the coverage is not between 0 and 1.
        InsufficientCalibrationError
            If too few rows were left out for it.
        """
        return max(part.factor(coverage) for part in self.reach)


@dataclass(frozen=True, eq=False)
class GapDistribution:
    """Predictive distributions of the gaps of n compositions."""

    calibration: GapCalibration
    raw: RawGaps

    @cached_property
    def p_metal(self) -> Array:
        """Probability of having no gap, shape (n,)."""
        log_odds = self.calibration.intercept + self.calibration.slope * self.raw.log_odds_metal
        probability: Array = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))
        return probability

    def below(self, gap_eV: Array | float) -> Array:
        """Return the probability of a gap at or below some value (at or above 0), shape (n,)."""
        residual = self.calibration.residual
        place = (gap_eV - self.raw.gap_eV) / self.raw.spread_eV
        share = np.interp(place, residual, np.linspace(0.0, 1.0, len(residual)))
        probability: Array = self.p_metal + (1.0 - self.p_metal) * share
        return probability

    def quantile(self, level: float) -> Array:
        """Return the gaps at a level between 0 and 1, in eV, shape (n,)."""
        residual = self.calibration.residual
        share = np.clip((level - self.p_metal) / np.maximum(1.0 - self.p_metal, 1e-12), 0.0, 1.0)
        gap = self.raw.gap_eV + self.raw.spread_eV * np.interp(share, np.linspace(0.0, 1.0, len(residual)), residual)
        quantile: Array = np.where(level <= self.p_metal, 0.0, np.maximum(gap, 0.0))
        return quantile

    def scores(self, gap_eV: Array) -> Array:
        """Return how far from 1/2 an interval must reach to hold each true gap, shape (n,)."""
        below = self.below(gap_eV)
        needed: Array = np.where(gap_eV > 0, np.abs(below - 0.5), np.maximum(0.5 - below, 0.0))
        return needed


@dataclass(frozen=True, eq=False)
class GapPrediction:
    """What the model says of n compositions, whatever the table holds of them."""

    distribution: GapDistribution

    @property
    def p_metal(self) -> Array:
        """Probability of having no gap, shape (n,)."""
        return self.distribution.p_metal

    @cached_property
    def value_eV(self) -> Array:
        """The median gap, shape (n,)."""
        return self.distribution.quantile(0.5)

    def interval(self, coverage: float = DEFAULT_COVERAGE) -> Interval:
        """Return the medians with intervals that cover at least so large a share of metals and of non-metals.

        Raises
        ------
        ValueError
            If the coverage is not between 0 and 1.
        InsufficientCalibrationError
            If too few rows were left out for it.
        """
        reach = self.distribution.calibration.factor(coverage)
        lower, upper = (self.distribution.quantile(level) for level in (0.5 - reach, 0.5 + reach))
        return Interval(self.value_eV, lower, upper)

    def p_gap_above(self, threshold_eV: float) -> Array:
        """Return the probability of a gap above a threshold, shape (n,)."""
        probability: Array = 1.0 - self.distribution.below(threshold_eV)
        return probability


@dataclass(frozen=True, eq=False)
class GapModel:
    """Relatives (with the table's gaps, `relatives.lookup`), trees on them, and their calibration."""

    relatives: Relatives
    trees: GapTrees
    calibration: GapCalibration

    @property
    def lookup(self) -> GapLookup:
        """The gaps that the table holds."""
        return self.relatives.lookup

    def predict(self, batch: MaterialBatch) -> GapPrediction:
        """Predict from composition and relatives; the composition's own table value is not used."""
        raw = self.trees(descriptors(batch, self.relatives))
        return GapPrediction(self.calibration.distribution(raw))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle stores."""
        calibration = self.calibration
        own: dict[str, NDArray[np.generic]] = {
            "odds": np.array([calibration.intercept, calibration.slope]),
            "residual": calibration.residual,
            "reach_metals": calibration.reach[0].scores,
            "reach_others": calibration.reach[1].scores,
        }
        parts = {"lookup": self.lookup.arrays(), "relatives": self.relatives.arrays()}
        parts |= {name: getattr(self.trees, name).compact_arrays() for name in _PARTS}
        return own | {f"{part}_{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> GapModel:
        """Rebuild from `arrays()`.

        Raises
        ------
        ValueError
            If the arrays are no trees, or no table.
        """
        lookup = GapLookup.from_arrays(_part(arrays, "lookup"))
        trees = GapTrees(*(TreeEnsemble.from_compact_arrays(_part(arrays, name)) for name in _PARTS))
        intercept, slope = arrays["odds"].astype(float)
        metals, others = (ConformalScale(arrays[f"reach_{name}"].astype(float)) for name in ("metals", "others"))
        return cls(
            Relatives.from_arrays(lookup, _part(arrays, "relatives")),
            trees,
            GapCalibration(float(intercept), float(slope), arrays["residual"].astype(float), (metals, others)),
        )


_NO_SCORES = ConformalScale(np.zeros(0))


def _thinned(scores: Array) -> Array:
    """Return rising scores, at most `MOST_SCORES` of them, evenly taken; the largest stays."""
    rising = np.sort(scores)
    if len(rising) <= MOST_SCORES:
        return rising
    return rising[np.linspace(0, len(rising) - 1, MOST_SCORES).round().astype(np.int64)]


def _part(arrays: Arrays, name: str) -> dict[str, NDArray[np.generic]]:
    return {key.removeprefix(f"{name}_"): array for key, array in arrays.items() if key.startswith(f"{name}_")}
