"""Differences among alike compositions: what somebody who varies a dopant asks for.

A group is one anonymised formula with one set of anions; a single swap is a pair of a group that differs by one
element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from training.correlation import spearman
from training.properties.stability.model import StabilityModel
from training.properties.stability.nasicon import NasiconModel, NasiconTable, cross_validated, not_listed
from training.properties.stability.neighbours import prototype_key
from training.properties.stability.unlisted import EnergyOpinion, UnlistedPrior, reach_of

Array = NDArray[np.float64]
ANIONS = [ATOMIC_NUMBER[symbol] for symbol in "H C N O F P S Cl As Se Br Te I".split()]
SMALLEST_GROUP = 20
APART_eV_PER_ATOM = 0.02
COVERAGE = 0.9


@dataclass(frozen=True, eq=False)
class Predicted:
    """Decomposition energies of n compositions beside the truth (eV/atom); arrays of shape (n,).

    Attributes
    ----------
    atomic_number, fraction
        Compositions, shape (n, k).
    half_width
        Of the 90 % interval.
    """

    atomic_number: NDArray[np.int64]
    fraction: Array
    predicted: Array
    true: Array
    half_width: Array

    def take(self, rows: NDArray[Any]) -> Predicted:
        """Return some rows."""
        parts = (self.atomic_number, self.fraction, self.predicted, self.true, self.half_width)
        return Predicted(*(part[rows] for part in parts))

    def groups(self) -> list[NDArray[np.int64]]:
        """Return the rows of each group."""
        label = group_labels(self.atomic_number, self.fraction)
        order = np.argsort(label, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []


def group_labels(atomic_number: NDArray[np.int64], fraction: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each composition that those of its group share, shape (n,)."""
    held = np.where(fraction > 0, atomic_number, 0)
    anions = np.sort(np.where(np.isin(held, ANIONS), held, 0), axis=1)
    keys = np.column_stack([prototype_key(fraction), anions])
    _, label = np.unique(keys, axis=0, return_inverse=True)
    flat: NDArray[np.int64] = label.reshape(-1)
    return flat


def difference_scores(said: Predicted) -> dict[str, float]:
    """Score differences inside groups.

    Returns
    -------
    dict
        `spearman`: mean rank correlation over the groups of `SMALLEST_GROUP` or more (`groups`), NaN without any;
        `pairs_in_order`: share of the single swaps (`pairs`) more than `APART_eV_PER_ATOM` apart whose sign is right;
        `coverage_90_differences`: share of all single swaps whose difference lies inside its interval, were errors of
        the two independent.
    """
    groups = [rows for rows in said.groups() if len(rows) > 1]
    ranks = [spearman(said.predicted[rows], said.true[rows]) for rows in groups if len(rows) >= SMALLEST_GROUP]
    pairs = [single_swaps(said.atomic_number[rows], said.fraction[rows], rows) for rows in groups]
    first, second = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), dtype=np.int64)
    true, predicted = (each[first] - each[second] for each in (said.true, said.predicted))
    reach = np.hypot(said.half_width[first], said.half_width[second])
    apart = np.abs(true) > APART_eV_PER_ATOM
    return {
        "groups": len(ranks),
        "spearman": _mean(np.array(ranks)),
        "pairs": int(apart.sum()),
        "pairs_in_order": _mean((np.sign(true) == np.sign(predicted))[apart]),
        "coverage_90_differences": _mean(np.abs(true - predicted) <= reach),
    }


def family_scores(said: Predicted) -> dict[str, Any]:
    """Return `difference_scores` of all, of lithium compounds, and of compounds of four elements and more."""
    lithium = (said.atomic_number == ATOMIC_NUMBER["Li"]).any(axis=1)
    many = (said.fraction > 0).sum(axis=1) >= 4
    return difference_scores(said) | {
        "lithium_compounds": difference_scores(said.take(lithium)),
        "four_elements_and_more": difference_scores(said.take(many)),
    }


def nasicon_scores(model: StabilityModel, table: NasiconTable) -> dict[str, Any]:
    """Score a family that was computed whole, without the rows that the model's own table holds.

    Returns
    -------
    dict
        `never_fitted`: what the nets say; `with_prior`: raised by the prior of unlisted compositions, `second_source`:
        the regression; either fitted without the row's metals.
    """
    table = table.take(not_listed(model.phases, table))
    said, hull = model.nets_opinion(table.batch)
    true, folds = table.decomposition_energy_eV_per_atom, table.folds()
    reach, raised = reach_of(model.surroundings, table.batch), said
    for fold in np.unique(folds):
        kept, asked = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        prior = UnlistedPrior.fit(reach[kept], said.take(kept), true[kept])
        raised = raised.putting(asked, prior.apply(reach[asked], said.take(asked)))
    factor = model.calibration.residual.factor(COVERAGE)
    regressed = cross_validated(table, hull)
    chance = NasiconModel.fit(table, hull).probability_stable(regressed)
    return {
        "n": len(true),
        "share_stable": _mean(true <= 0),
        "never_fitted": _opinion_scores(said, factor, true),
        "with_prior": _opinion_scores(raised, factor, true),
        "second_source": absolute_scores(regressed, true) | {"chance_stable": _mean(chance)},
    }


def _opinion_scores(said: EnergyOpinion, factor: float, true: Array) -> dict[str, float]:
    return absolute_scores(said.residual, true) | {
        "chance_stable": _mean(said.probability_stable),
        "coverage_90": _mean(np.abs(said.residual - true) <= factor * said.scale),
    }


def absolute_scores(predicted: Array, true: Array) -> dict[str, float]:
    """Return rank correlation, bias and mean absolute error (eV/atom)."""
    error = predicted - true
    return {"spearman": spearman(predicted, true), "bias": _mean(error), "mae": _mean(np.abs(error))}


def single_swaps(atomic_number: NDArray[np.int64], fraction: Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs of a group's rows that share all elements but one, in the same amounts; shape (2, p)."""
    dense = np.zeros((len(rows), ATOMIC_NUMBER["Lr"] + 1))
    np.put_along_axis(dense, np.where(fraction > 0, atomic_number, 0), fraction, axis=1)
    dense[:, 0] = 0.0
    found = []
    for row in range(len(rows) - 1):
        off = np.abs(dense[row + 1 :] - dense[row]) > 1e-6
        moved = (off & (dense[row + 1 :] > 0) & (dense[row] > 0)).any(axis=1)  # amounts exchanged, no element
        near = np.flatnonzero((off.sum(axis=1) == 2) & ~moved)
        found.append(np.stack([np.full(len(near), rows[row]), rows[row + 1 + near]]))
    return np.concatenate(found, axis=1) if found else np.zeros((2, 0), dtype=np.int64)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
