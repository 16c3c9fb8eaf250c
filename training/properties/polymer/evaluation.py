"""How well conductivities of left-out polymers and papers are answered, beside plain baselines on the same splits.

`chemarr`: the public repository's own split (`make_balanced_train.py` of Chem-prop-pred): spellings in the order of
their number of rows, every tenth one tested, the next ones kept apart, the two most frequent and those with a `-` in
the SMILES never tested. `new_polymer`, `new_paper`: ten folds that split no polymer, no paper.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman
from training.properties.polymer.auxiliary import ChainMobility
from training.properties.polymer.baselines import BASELINES, answers
from training.properties.polymer.fit import (
    Fold,
    LeftOutPoints,
    Points,
    PolymerSettings,
    PolymerTables,
    folds_of,
    half_widths,
    leave_out,
)
from training.properties.polymer.tables import Conductivities
from training.properties.polymer.uncertainty import equal_groups

Array = NDArray[np.float64]
SPLITS = ("chemarr", "new_polymer", "new_paper")
N_CHEMARR = 10
N_ALWAYS_FITTED = 2
TEMPERATURES_C = (20.0, 40.0, 60.0, 80.0)


def chemarr_folds(table: Conductivities) -> list[Fold]:
    """Return the ten folds of the public repository's recipe, which orders spellings by `value_counts` of pandas."""
    import pandas as pd

    order = [str(spelling) for spelling in pd.Series(table.spelling.tolist()).value_counts().index]
    place = np.array([order.index(spelling) for spelling in table.spelling])
    never = set(order[:N_ALWAYS_FITTED]) | {spelling for spelling in order if "-" in spelling}
    may_be_tested = np.array([spelling not in never for spelling in table.spelling])
    folds = []
    for number in range(N_CHEMARR):
        tested = may_be_tested & (place % N_CHEMARR == number)
        apart = may_be_tested & (place % N_CHEMARR == (number + 1) % N_CHEMARR)
        folds.append((np.flatnonzero(~tested & ~apart), np.flatnonzero(tested)))
    return folds


def splits(table: Conductivities, settings: PolymerSettings) -> dict[str, tuple[list[Fold], NDArray[np.str_]]]:
    """Return the folds of each split, and the groups by which its intervals are calibrated."""
    polymer, n, seed = table.batch.polymer_keys, settings.n_folds, settings.seed
    return {
        "chemarr": (chemarr_folds(table), polymer),
        "new_polymer": (folds_of(polymer, n, seed), polymer),
        "new_paper": (folds_of(table.paper, n, seed), table.paper),
    }


def n_steps(settings: PolymerSettings) -> int:
    """Return how often `evaluate` calls its `on_step`."""
    return N_CHEMARR + 2 * settings.n_folds + 1


def evaluate(
    tables: PolymerTables,
    settings: PolymerSettings,
    on_step: Callable[[str], None] = lambda what: None,
    names: tuple[str, ...] = SPLITS,
) -> dict[str, Any]:
    """Fit without parts of the table and score on these, decades of S/cm, on the splits that are named.

    Returns
    -------
    dict
        A section for each split: `mae`, `spearman`, `mae_mean` (over groups), `coverage_90` of rows and of groups,
        `mean_half_width_90`, `n`, and `baselines`.
    """
    mobility = ChainMobility.fit(tables.glass, tables.simulated, settings.n_mobility_rounds)
    on_step("mobility of chains")
    points = Points.of(tables.conductivities, mobility)
    found = {}
    for name in names:
        folds, group = splits(points.table, settings)[name]
        left_out = leave_out(points, folds, settings, on_step)
        found[name] = score(points, folds, left_out, group)
    return found


def score(points: Points, folds: list[Fold], left_out: LeftOutPoints, group: NDArray[np.str_]) -> dict[str, Any]:
    """Return the figures of one split; intervals are calibrated on the other folds."""
    asked = np.flatnonzero(np.isfinite(left_out.process))
    half_width = half_widths(points, folds, left_out, group)[asked]
    measured, said, of = points.table.log10_sigma[asked], left_out.log10_sigma[asked], group[asked]
    error = np.abs(measured - said)
    covered = (error <= half_width).astype(float)
    by_group = equal_groups(of)
    baselines = {name: answers(one, points, folds)[asked] for name, one in BASELINES.items()}
    parts = {"process": left_out.process[asked], "trees": left_out.trees[asked]}
    figures = {
        "mae": error.mean(),
        "mae_mean": np.average(error, weights=by_group),
        "spearman": spearman(said, measured),
        "coverage_90": np.average(covered, weights=by_group),
        "coverage_90_rows": covered.mean(),
        "mean_half_width_90": half_width.mean(),
        "n": float(len(asked)),
        "n_groups": float(len(np.unique(of))),
    }
    return {
        **_rounded(figures),
        "mae_by_temperature": _by_temperature(points.table.temperature_C[asked], error),
        "parts": _rounded({name: np.abs(measured - part).mean() for name, part in parts.items()}),
        "baselines": _rounded({name: np.abs(measured - part).mean() for name, part in baselines.items()}),
    }


def _rounded(figures: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}


def _by_temperature(temperature_C: Array, error: Array) -> dict[str, float]:
    bounds = (-np.inf, *TEMPERATURES_C, np.inf)
    found = {}
    for low, high in pairwise(bounds):
        here = (temperature_C >= low) & (temperature_C < high)
        if here.any():
            found[f"{low:g} to {high:g} C"] = error[here].mean()
    return _rounded(found)
