"""Pictures of a trained CCD model: parity, calibration, effects, overpotentials, what-if over temperature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.pictures import BLUE, GREY, ORANGE, save_picture
from training.properties.ccd.evaluation import COVERAGE, COVERAGES, scores_of
from training.properties.ccd.model import conformal_scale
from training.properties.ccd.physics import overpotentials_mV

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.properties.ccd.recipe import CcdFit

SHOWN_CLASSES = {"argyrodite": BLUE, "garnet": ORANGE}


def write_plots(trained: CcdFit, folder: Path) -> dict[str, Path]:
    """Draw every plot; returns name to PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, tuple[Callable[..., None], tuple[float, float]]] = {
        "parity": (_draw_parity, (5.4, 5.2)),
        "calibration": (_draw_calibration, (4.6, 4.4)),
        "effects": (_draw_effects, (6.0, 6.4)),
        "overpotential": (_draw_overpotential, (5.2, 4.2)),
    }
    return {
        name: save_picture(folder / f"ccd_{name}.png", partial(draw, trained=trained), size)
        for name, (draw, size) in drawings.items()
    }


def _draw_parity(axes: Axes, trained: CcdFit) -> None:
    reports, (centre, sd) = trained.left_out.reports, trained.left_out.opinion
    reach = conformal_scale(trained.left_out).factor(COVERAGE) * sd
    y, bound = reports.log10_ccd, reports.is_lower_bound
    axes.errorbar(y, centre, yerr=reach, fmt="none", ecolor=GREY, alpha=0.15, elinewidth=0.7)
    names = reports.cells.electrolyte_class
    for name, colour in (*SHOWN_CLASSES.items(), ("others", GREY)):
        own = ~np.isin(names, list(SHOWN_CLASSES)) if name == "others" else names == name
        axes.plot(y[own & ~bound], centre[own & ~bound], "o", ms=3.5, mew=0, alpha=0.7, color=colour, label=name)
        axes.plot(y[own & bound], centre[own & bound], ">", ms=4.5, mew=0, alpha=0.7, color=colour)
    span = (-2.0, 1.7)
    axes.plot(span, span, color="black", lw=0.8)
    axes.set(
        xlim=span,
        ylim=span,
        aspect="equal",
        xlabel="reported log10 CCD (mA/cm2); triangles: at least",
        ylabel="predicted without the paper, with 90 % interval",
    )
    axes.legend(frameon=False, loc="upper left")


def _draw_calibration(axes: Axes, trained: CcdFit) -> None:
    covered = scores_of(trained.left_out)["coverage"]
    axes.plot(COVERAGES, [covered[f"{c:g}"] for c in COVERAGES], "o-", ms=4, color=BLUE)
    axes.plot([0.45, 1], [0.45, 1], color="black", lw=0.8, ls=":")
    axes.set(xlim=(0.45, 1), ylim=(0.45, 1), xlabel="nominal coverage", ylabel="share of left-out rows inside")


def _draw_effects(axes: Axes, trained: CcdFit) -> None:
    effects = {name: pair for name, pair in trained.model.settings()["effects"].items() if name != "intercept"}
    place = np.arange(len(effects))[::-1]
    mean, sd = np.array(list(effects.values())).T
    axes.errorbar(mean, place, xerr=sd, fmt="o", ms=4, color=BLUE, elinewidth=1)
    axes.axvline(0.0, color=GREY, lw=0.8)
    axes.set_yticks(place, list(effects), fontsize=7)
    axes.set(xlabel="effect on log10 CCD +- sd (numbers: per sd within their class)")


def _draw_overpotential(axes: Axes, trained: CcdFit) -> None:
    axes.hist(np.log10(overpotentials_mV(trained.table)), bins=10, color=BLUE)
    axes.set(xlabel="log10 of CCD x interfacial resistance (mV)", ylabel="rows that state both")
