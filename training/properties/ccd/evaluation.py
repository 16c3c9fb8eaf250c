"""How good the CCD model is: leave one source out, against medians in the same run, bootstraps over sources.

Everything a prediction needs is learned without the left-out paper: coefficients, means and spreads of classes, class
medians, and, for the coverage, the scores that set the width of the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman
from training.properties.ccd.cells import Reports
from training.properties.ccd.model import LeftOut, conformal_scale, cross_fit, is_covered
from training.properties.ccd.schema import NO_INTERLAYER
from training.splits import leave_one_group_out
from training.uncertainty import Interval

Array = NDArray[np.float64]
COVERAGE = 0.9
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
N_BOOTSTRAP = 4000
FEWEST_ROWS_OF_A_CLASS = 8


def evaluate(reports: Reports, *, on_step: Callable[[str], None] = lambda what: None) -> dict[str, Any]:
    """Score the recipe on reports of the regular regime, each predicted without its paper.

    Returns
    -------
    dict
        The keys of DESIGN.md; paper-weighted figures, differences to medians with 95 % bootstrap intervals over
        sources, coverage at several levels, and scores per class.
    """
    return scores_of(cross_fit(reports, on_step=on_step))


def scores_of(left_out: LeftOut) -> dict[str, Any]:
    """Score predictions of left-out papers; see `evaluate`."""
    reports, centre = left_out.reports, left_out.opinion.centre
    medians = {name: class_medians(reports, by) for name, by in _baselines(reports).items()}
    error = np.abs(centre - reports.log10_ccd)
    errors = {name: np.abs(median - reports.log10_ccd) for name, median in medians.items()}
    censored = np.where(reports.is_lower_bound, np.maximum(reports.log10_ccd - centre, 0.0), error)
    interval = _honest_intervals(left_out, COVERAGE)
    covered = is_covered(reports, interval)
    scores: dict[str, Any] = {
        "mae": float(error.mean()),
        "mae_class_median": float(errors["class_median"].mean()),
        "spearman": spearman(centre, reports.log10_ccd),
        "coverage_90": float(covered.mean()),
        "mean_half_width_90": float((interval.upper - interval.lower).mean() / 2),
        "n_rows": len(reports),
        "n_sources": len(set(reports.paper.tolist())),
        "n_lower_bounds": int(reports.is_lower_bound.sum()),
        "mae_global_median": float(errors["global_median"].mean()),
        "mae_class_and_treatment_median": float(errors["class_and_treatment_median"].mean()),
        "mae_measured": float(error[~reports.is_lower_bound].mean()),
        "mae_bounds_one_sided": float(censored.mean()),
        "paper_mae": paper_mean(error, reports.paper),
        "paper_coverage_90": paper_mean(covered.astype(float), reports.paper),
        "mae_interval_90": [*_bootstrap_mean(error, reports.paper)],
        "spearman_class_median": spearman(medians["class_median"], reports.log10_ccd),
        "within_paper": _within_papers(left_out),
        "coverage": {f"{c:g}": float(is_covered(reports, _honest_intervals(left_out, c)).mean()) for c in COVERAGES},
        "by_class": _by_class(reports, error, errors["class_median"], covered),
    }
    for name, other in errors.items():
        scores[f"paper_mae_{name}"] = paper_mean(other, reports.paper)
        scores[f"against_{name}"] = paired_bootstrap(error, other, reports.paper)
    return scores


def _baselines(reports: Reports) -> dict[str, NDArray[np.str_]]:
    treated = np.where(reports.cells.interlayer_type == NO_INTERLAYER, " bare", " treated")
    names = reports.cells.electrolyte_class
    return {
        "global_median": np.full(len(reports), "all"),
        "class_median": names,
        "class_and_treatment_median": np.char.add(names, treated),
    }


def class_medians(reports: Reports, group: NDArray[np.str_]) -> Array:
    """Return for each report the median of its group in other papers; of all other papers for a group of one."""
    out = np.empty(len(reports))
    for train, test in leave_one_group_out(reports.paper):
        for row in test:
            own = train[group[train] == group[row]]
            out[row] = np.median(reports.log10_ccd[own if len(own) else train])
    return out


def _honest_intervals(left_out: LeftOut, coverage: float) -> Interval:
    """Return intervals whose width other papers' scores set."""
    centre, sd = left_out.opinion
    reach = np.empty(len(centre))
    for _, test in leave_one_group_out(left_out.reports.paper):
        others = np.ones(len(centre), dtype=bool)
        others[test] = False
        reach[test] = conformal_scale(left_out, others).factor(coverage)
    return Interval(centre, centre - reach * sd, centre + reach * sd)


def paper_mean(values: Array, paper: NDArray[np.str_]) -> float:
    """Return the mean with papers weighted alike."""
    _, of_row = np.unique(paper, return_inverse=True)
    return float((np.bincount(of_row, values) / np.bincount(of_row)).mean())


def paired_bootstrap(error: Array, other: Array, paper: NDArray[np.str_]) -> dict[str, list[float] | float]:
    """Return by how much smaller the error is than another's, with the 2.5 and 97.5 % points over resampled papers.

    Parameters
    ----------
    error, other
        Absolute errors on the same rows, shape (n,).
    paper
        Shape (n,).

    Returns
    -------
    dict
        `gain` and `gain_95` over rows, `paper_gain` and `paper_gain_95` with papers weighted alike; positive is better.
    """
    gain = other - error
    low, high = _bootstrap_mean(gain, paper, (2.5, 97.5))
    _, of_row = np.unique(paper, return_inverse=True)
    by_paper = np.bincount(of_row, gain) / np.bincount(of_row)
    ends = _bootstrap_mean(by_paper, np.arange(len(by_paper)).astype(str), (2.5, 97.5))
    return {
        "gain": float(gain.mean()),
        "gain_95": [low, high],
        "paper_gain": float(by_paper.mean()),
        "paper_gain_95": [*ends],
    }


def _bootstrap_mean(
    values: Array, paper: NDArray[np.str_], percent: tuple[float, float] = (5.0, 95.0)
) -> tuple[float, float]:
    _, of_row = np.unique(paper, return_inverse=True)
    total, count = np.bincount(of_row, values), np.bincount(of_row)
    drawn = np.random.default_rng(0).integers(0, len(total), (N_BOOTSTRAP, len(total)))
    low, high = np.percentile(total[drawn].sum(axis=1) / count[drawn].sum(axis=1), percent)
    return float(low), float(high)


def _within_papers(left_out: LeftOut) -> dict[str, float]:
    """Return how often a pair of one paper (both measured, apart by 0.1 or more) is put in the right order.

    A pair that the model cannot tell apart counts half.
    """
    reports, centre = left_out.reports, left_out.opinion.centre
    right: list[float] = []
    for _, test in leave_one_group_out(reports.paper):
        rows = test[~reports.is_lower_bound[test]]
        for i, first in enumerate(rows):
            for second in rows[i + 1 :]:
                true = reports.log10_ccd[first] - reports.log10_ccd[second]
                said = centre[first] - centre[second]
                if abs(true) >= 0.1:
                    right.append(0.5 if abs(said) < 1e-9 else float(true * said > 0))
    return {"pairs": len(right), "in_the_right_order": float(np.mean(right)) if right else float("nan")}


def _by_class(reports: Reports, error: Array, other: Array, covered: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for name in sorted(set(reports.cells.electrolyte_class.tolist())):
        own = reports.cells.electrolyte_class == name
        if own.sum() >= FEWEST_ROWS_OF_A_CLASS:
            out[name] = {
                "n_rows": int(own.sum()),
                "n_sources": len(set(reports.paper[own].tolist())),
                "mae": float(error[own].mean()),
                "mae_class_median": float(other[own].mean()),
                "paper_mae": paper_mean(error[own], reports.paper[own]),
                "coverage_90": float(covered[own].mean()),
            }
    return out
