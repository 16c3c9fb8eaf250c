"""Plain models that are scored beside the recipe, on the same splits: what any of them reaches needs no recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training.properties.polymer.fit import Fold, Points
from training.properties.polymer.process import inverse_temperature

Array = NDArray[np.float64]
Baseline = Callable[[Points, Points], Array]
"""From points to fit on and points to answer to log10 of S/cm, shape (n,)."""
VTF_ZERO_K = 200.0
PENALTY = 1.0


def median(fitted: Points, asked: Points) -> Array:
    """Answer the median of the training points."""
    return np.full(len(asked.table), float(np.median(fitted.table.log10_sigma)))


def arrhenius_by_salt(fitted: Points, asked: Points) -> Array:
    """Answer the Arrhenius line of the salt."""
    return _line_by_salt(fitted, asked, inverse_temperature)


def vtf_by_salt(fitted: Points, asked: Points) -> Array:
    """Answer the line in 1000/(T - 200 K) of the salt."""
    return _line_by_salt(fitted, asked, lambda temperature_C: 1000.0 / (temperature_C + 273.15 - VTF_ZERO_K))


def _line_by_salt(fitted: Points, asked: Points, phi_of: Callable[[Array], Array]) -> Array:
    """Fit one line for all salts, and for each salt its own, pulled towards it."""
    general = _least_squares(fitted, phi_of, np.ones(len(fitted.table), dtype=bool), np.zeros(2), 0.0)
    lines: Mapping[str, Array] = {
        salt: _least_squares(fitted, phi_of, fitted.table.batch.salt_keys == salt, general, PENALTY)
        for salt in np.unique(fitted.table.batch.salt_keys)
    }
    chosen = np.array([lines.get(salt, general) for salt in asked.table.batch.salt_keys])
    found: Array = chosen[:, 0] + chosen[:, 1] * phi_of(asked.table.temperature_C)
    return found


def _least_squares(
    points: Points, phi_of: Callable[[Array], Array], rows: NDArray[np.bool_], towards: Array, penalty: float
) -> Array:
    phi = phi_of(points.table.temperature_C[rows])
    design = np.column_stack([np.ones(len(phi)), phi])
    residual = points.table.log10_sigma[rows] - design @ towards
    change = np.linalg.solve(design.T @ design + penalty * np.eye(2) + 1e-9 * np.eye(2), design.T @ residual)
    found: Array = towards + change
    return found


BASELINES: Mapping[str, Baseline] = {
    "median": median,
    "arrhenius_by_salt": arrhenius_by_salt,
    "vtf_by_salt": vtf_by_salt,
}


def answers(baseline: Baseline, points: Points, folds: list[Fold]) -> Array:
    """Return what a baseline says of the points of each fold, NaN where none asked, shape (n,)."""
    said = np.full(len(points.table), np.nan)
    for fitted, asked in folds:
        said[asked] = baseline(points.take(fitted), points.take(asked))
    return said
