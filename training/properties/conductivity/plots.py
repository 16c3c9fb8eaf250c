"""Pictures of a trained conductivity model: parity with intervals, calibration, residuals by family."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.pictures import BLUE, GREY, ORANGE, save_picture
from training.properties.conductivity.metrics import ScoredPredictions, Truth
from training.properties.conductivity.model import ConductivityModel, OutOfFold, at_temperature
from training.properties.conductivity.recipe import scored_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

SMALLEST_FAMILY = 8
COVERAGES = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])


def write_plots(model: ConductivityModel, left_out: dict[str, OutOfFold], folder: Path) -> dict[str, Path]:
    """Draw every plot from the predictions of left-out papers.

    Returns
    -------
    dict
        Name to PNG file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for variant, predicted in left_out.items():
        truth, answer, rows = scored_rows(model, predicted, variant)
        families = predicted.rows.family[rows]
        drawings: dict[str, tuple[Callable[[Axes], None], tuple[float, float]]] = {
            "parity": (partial(draw_parity, truth=truth, answer=answer), (5.4, 5.2)),
            "calibration": (partial(_draw_calibration, model=model, predicted=predicted, variant=variant), (4.6, 4.4)),
            "families": (partial(_draw_families, truth=truth, answer=answer, families=families), (6.4, 5.4)),
        }
        for name, (draw, size) in drawings.items():
            written[f"{name}_{variant}"] = save_picture(folder / f"{name}_{variant}.png", draw, size)
    return written


def draw_parity(axes: Axes, truth: Truth, answer: ScoredPredictions) -> None:
    """Draw measured against predicted log10 sigma with 90 % intervals; bounds point downwards."""
    span = (-14.0, 0.0)
    bound = truth.is_upper_bound
    reach = np.clip([answer.value - answer.lower, answer.upper - answer.value], 0.0, None)
    axes.errorbar(
        truth.log10_sigma, answer.value, yerr=reach, fmt="none", ecolor=BLUE, alpha=0.10, elinewidth=0.7, zorder=1
    )
    axes.plot(
        truth.log10_sigma[~bound],
        answer.value[~bound],
        "o",
        ms=2.6,
        color=BLUE,
        alpha=0.55,
        mew=0,
        zorder=3,
        label="measured",
    )
    axes.plot(
        truth.log10_sigma[bound],
        answer.value[bound],
        "<",
        ms=4,
        color=ORANGE,
        alpha=0.8,
        mew=0,
        zorder=3,
        label="upper bound only",
    )
    axes.plot(span, span, color=GREY, lw=1, zorder=2)
    axes.set(
        xlim=span,
        ylim=span,
        aspect="equal",
        xlabel="measured log10 sigma (S/cm)",
        ylabel="predicted without the paper, with 90 % interval",
    )
    axes.legend(frameon=False, loc="upper left")


def _draw_calibration(axes: Axes, model: ConductivityModel, predicted: OutOfFold, variant: str) -> None:
    rows = predicted.rows
    pool = at_temperature(predicted.pool, rows.temperature_C)
    keep = rows.has_sigma & (rows.descriptors.has_lattice if variant == "lattice" else True)
    groups = {
        "all": keep,
        "near (half-L1 < 0.1)": keep & (predicted.composition_distance < 0.1),
        "far": keep & (predicted.composition_distance >= 0.1),
    }
    for (name, chosen), colour in zip(groups.items(), (BLUE, GREY, ORANGE), strict=True):
        if chosen.sum() < SMALLEST_FAMILY:
            continue
        covered = []
        for coverage in COVERAGES:
            reach = model.variants[variant].sigma_scale.factor(float(coverage))
            low, high = pool.centre - reach * pool.below, pool.centre + reach * pool.above
            inside = (low <= rows.log10_sigma) & (rows.is_upper_bound | (rows.log10_sigma <= high))
            covered.append(inside[chosen].mean())
        axes.plot(COVERAGES, covered, "o-", ms=4, color=colour, label=f"{name}, {int(chosen.sum())} rows")
    axes.plot([0.45, 1], [0.45, 1], color="black", lw=0.8, ls=":")
    axes.set(xlim=(0.45, 1), ylim=(0.45, 1), xlabel="nominal coverage", ylabel="share of left-out rows inside")
    axes.legend(frameon=False, loc="lower right", fontsize=8)


def _draw_families(axes: Axes, truth: Truth, answer: ScoredPredictions, families: NDArray[np.str_]) -> None:
    error = (answer.value - truth.log10_sigma)[~truth.is_upper_bound]
    of_row = families[~truth.is_upper_bound]
    names, counts = np.unique(of_row, return_counts=True)
    large = [str(n) for n, c in zip(names, counts, strict=True) if c >= SMALLEST_FAMILY and n]
    large.sort(key=lambda name: float(np.median(error[of_row == name])))
    axes.boxplot(
        [error[of_row == name] for name in large],
        vert=False,
        widths=0.6,
        showfliers=True,
        flierprops={"markersize": 2, "markeredgecolor": GREY},
        medianprops={"color": ORANGE},
    )
    axes.set_yticks(range(1, len(large) + 1), [f"{name} ({int((of_row == name).sum())})" for name in large], fontsize=7)
    axes.axvline(0.0, color=GREY, lw=0.8)
    axes.set(xlabel="predicted minus measured log10 sigma, papers left out")
