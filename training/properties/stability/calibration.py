"""What the nets say, turned into intervals and probabilities that held on the validation split.

Centre: mean over the nets. Scale: mean of their Laplace scales plus twice their disagreement. Intervals are conformal
in units of that scale (`training.uncertainty`); the probability of being stable is a logistic regression on the nets'
log-odds and on how many scales the predicted energies lie below zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.stability.ensemble import NetOutputs
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
LARGEST_RATIO = 20.0
DECOMPOSITION_COLUMN = 2  # of `Pooled.signs_of_stability`
SPREAD_WEIGHT = 2.0
"""Chosen on the validation split, where more of it brought the widest fifth of the intervals nearer to its nominal
coverage (`validation_coverage_90_widest_fifth` in the card), at some width."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """The nets' joint opinion on n compositions, each array of shape (n,).

    Attributes
    ----------
    residual_eV_per_atom, decomposition_eV_per_atom
        Centres: formation energy minus the hull of known other phases; decomposition energy as published.
    scale_residual_eV_per_atom, scale_decomposition_eV_per_atom
        Typical errors.
    spread_eV_per_atom
        Standard deviation of the residual over the nets, a part of its scale.
    log_odds_stable
        Mean log-odds of a published decomposition energy of at most 0.
    """

    residual_eV_per_atom: Array
    decomposition_eV_per_atom: Array
    scale_residual_eV_per_atom: Array
    scale_decomposition_eV_per_atom: Array
    spread_eV_per_atom: Array
    log_odds_stable: Array

    @classmethod
    def of(cls, said: NetOutputs) -> Pooled:
        """Pool the nets; a student's scales hold the disagreement that it speaks of already."""
        if said.spread_residual_eV_per_atom is not None:
            return cls(
                *(
                    part[0].astype(float)
                    for part in (
                        said.residual_eV_per_atom,
                        said.decomposition_eV_per_atom,
                        said.scale_residual_eV_per_atom,
                        said.scale_decomposition_eV_per_atom,
                        said.spread_residual_eV_per_atom,
                        said.log_odds_stable,
                    )
                )
            )
        centre = said.residual_eV_per_atom.mean(axis=0), said.decomposition_eV_per_atom.mean(axis=0)
        spread = said.residual_eV_per_atom.std(axis=0), said.decomposition_eV_per_atom.std(axis=0)
        scale = said.scale_residual_eV_per_atom.mean(axis=0), said.scale_decomposition_eV_per_atom.mean(axis=0)
        return cls(
            residual_eV_per_atom=centre[0].astype(float),
            decomposition_eV_per_atom=centre[1].astype(float),
            scale_residual_eV_per_atom=(scale[0] + SPREAD_WEIGHT * spread[0]).astype(float),
            scale_decomposition_eV_per_atom=(scale[1] + SPREAD_WEIGHT * spread[1]).astype(float),
            spread_eV_per_atom=spread[0].astype(float),
            log_odds_stable=said.log_odds_stable.mean(axis=0).astype(float),
        )

    def take(self, rows: NDArray[np.int64]) -> Pooled:
        """Return what is said of some compositions."""
        return Pooled(*(getattr(self, field.name)[rows] for field in fields(self)))

    def signs_of_stability(self) -> Array:
        """Return the predictors of the logistic regressions, shape (n, 4), the last one constant."""
        depth = [
            -self.residual_eV_per_atom / self.scale_residual_eV_per_atom,
            -self.decomposition_eV_per_atom / self.scale_decomposition_eV_per_atom,
        ]
        depth = [np.clip(ratio, -LARGEST_RATIO, LARGEST_RATIO) for ratio in depth]
        return np.column_stack([self.log_odds_stable, *depth, np.ones(len(depth[0]))])


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted on rows that no net was trained on.

    Attributes
    ----------
    residual, decomposition
        Conformal scores of the two energies.
    published_weights
        Of the logistic regression for a published decomposition energy of at most 0, shape (4,).
    known_weights
        The same for lying on or below the hull of the known phases, where the decomposition energy against a hull
        that knows more has no say: its weight is 0.
    decision
        Probability from which a compound is called stable (published label): the best sum of accuracy and F1.
    """

    residual: ConformalScale
    decomposition: ConformalScale
    published_weights: Array
    known_weights: Array
    decision: float

    @classmethod
    def fit(cls, pooled: Pooled, residual_eV_per_atom: Array, decomposition_eV_per_atom: Array) -> Calibration:
        """Calibrate on n rows with known energies, shape (n,) each."""
        none = np.zeros(len(residual_eV_per_atom), dtype=np.bool_)
        signs = pooled.signs_of_stability()
        published = _logistic(signs, decomposition_eV_per_atom <= 0)
        return cls(
            residual=ConformalScale.fit(
                residual_eV_per_atom,
                none,
                pooled.residual_eV_per_atom,
                pooled.scale_residual_eV_per_atom,
                pooled.scale_residual_eV_per_atom,
            ),
            decomposition=ConformalScale.fit(
                decomposition_eV_per_atom,
                none,
                pooled.decomposition_eV_per_atom,
                pooled.scale_decomposition_eV_per_atom,
                pooled.scale_decomposition_eV_per_atom,
            ),
            published_weights=published,
            known_weights=_logistic(signs, residual_eV_per_atom <= 0, without=DECOMPOSITION_COLUMN),
            decision=_best_decision(chance_of(signs @ published), decomposition_eV_per_atom <= 0),
        )

    def probability_published_stable(self, pooled: Pooled) -> Array:
        """Return the probability that the published decomposition energy is at most 0, shape (n,)."""
        return chance_of(pooled.signs_of_stability() @ self.published_weights)

    def probability_stable(self, pooled: Pooled) -> Array:
        """Return the probability of lying on or below the hull of the known other phases, shape (n,)."""
        return chance_of(pooled.signs_of_stability() @ self.known_weights)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parts for the bundle."""
        return {
            "residual_scores": self.residual.scores.astype(np.float32),
            "decomposition_scores": self.decomposition.scores.astype(np.float32),
            "published_weights": self.published_weights,
            "known_weights": self.known_weights,
            "decision": np.array(self.decision),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Calibration:
        """Read what `to_arrays` returned."""
        return cls(
            ConformalScale(arrays["residual_scores"].astype(float)),
            ConformalScale(arrays["decomposition_scores"].astype(float)),
            arrays["published_weights"],
            arrays["known_weights"],
            float(arrays["decision"]),
        )


def chance_of(log_odds: Array) -> Array:
    """Return the probabilities of log-odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -50, 50)))


def _logistic(signs: Array, label: NDArray[np.bool_], without: int | None = None) -> Array:
    """Return the weights of a logistic regression, 0 for the column left out."""
    from sklearn.linear_model import LogisticRegression

    kept = [column for column in range(signs.shape[1]) if column != without]
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000).fit(signs[:, kept], label)
    weights = np.zeros(signs.shape[1])
    weights[kept] = fitted.coef_[0]
    return weights


def _best_decision(probability: Array, label: NDArray[np.bool_]) -> float:
    """Return the threshold with the best sum of accuracy and F1."""
    candidates = np.linspace(0.3, 0.6, 61)
    scores = []
    for threshold in candidates:
        called = probability >= threshold
        hits = (called & label).sum()
        scores.append((called == label).mean() + 2 * hits / max(called.sum() + label.sum(), 1))
    return float(candidates[int(np.argmax(scores))])
