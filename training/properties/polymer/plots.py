"""Pictures of a trained polymer model: parity and coverage of left-out papers, curves of well-known electrolytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.polymers.candidate import PolymerBatch, PolymerFields, polymer_name, read_polymer
from training.pictures import BLUE, GREEN, ORANGE, save_picture
from training.properties.polymer.fit import COVERAGE, folds_of, half_widths
from training.properties.polymer.uncertainty import equal_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.properties.polymer.fit import PolymerFit, PolymerSettings

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SHOWN = (("PEO20-LiTFSI", BLUE), ("PTMC8-LiTFSI", ORANGE), ("PCL6-LiTFSI", GREEN))
NEAR = 0.25
"""Measured points of the same polymer and salt are drawn up to this relative difference of the molality."""
Draw = Callable[..., None]


def write_plots(fit: PolymerFit, settings: PolymerSettings, folder: Path) -> dict[str, Path]:
    """Draw every plot; returns name to PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, tuple[Draw, tuple[float, float]]] = {
        "parity": (_draw_parity, (5.4, 5.2)),
        "calibration": (_draw_calibration, (4.6, 4.4)),
        "curves": (_draw_curves, (5.6, 4.4)),
    }
    return {
        name: save_picture(folder / f"polymer_{name}.png", partial(draw, fit=fit, settings=settings), size)
        for name, (draw, size) in drawings.items()
    }


def _draw_parity(axes: Axes, fit: PolymerFit, settings: PolymerSettings) -> None:
    table, said = fit.points.table, fit.left_out.log10_sigma
    shown = axes.scatter(table.log10_sigma, said, c=table.temperature_C, s=3, cmap="viridis", vmin=0, vmax=120, lw=0)
    axes.figure.colorbar(shown, ax=axes, label="temperature (C)", shrink=0.7)
    span = (-14.0, -1.0)
    axes.plot(span, span, color="black", lw=0.8)
    axes.set(
        xlim=span,
        ylim=span,
        aspect="equal",
        xlabel="measured log10 sigma (S/cm)",
        ylabel="predicted without the paper",
    )


def _draw_calibration(axes: Axes, fit: PolymerFit, settings: PolymerSettings) -> None:
    """Draw the shares of rows and of papers, with half-widths that other folds set."""
    table = fit.points.table
    folds = folds_of(table.paper, settings.n_folds, settings.seed)
    error = np.abs(table.log10_sigma - fit.left_out.log10_sigma)
    inside = [
        error <= half_widths(fit.points, folds, fit.left_out, table.paper, coverage=coverage) for coverage in COVERAGES
    ]
    weights = equal_groups(table.paper)
    axes.plot(COVERAGES, [np.average(one, weights=weights) for one in inside], "o-", ms=4, color=BLUE, label="papers")
    axes.plot(COVERAGES, [one.mean() for one in inside], "s--", ms=4, color=ORANGE, label="rows")
    axes.plot([0.45, 1], [0.45, 1], color="black", lw=0.8, ls=":")
    axes.set(xlim=(0.45, 1), ylim=(0.45, 1), xlabel="nominal coverage", ylabel="share of left-out papers, rows inside")
    axes.legend(frameon=False)


def _draw_curves(axes: Axes, fit: PolymerFit, settings: PolymerSettings) -> None:
    degrees = np.linspace(0.0, 100.0, 26)
    table = fit.points.table
    for text, colour in SHOWN:
        one = read_polymer(PolymerFields(text))
        batch = PolymerBatch.from_candidates([one] * len(degrees))
        value, lower, upper = fit.model.interval(fit.model.predict(batch, degrees), COVERAGE)
        label = f"{polymer_name(one.polymer_key)} with {one.molality:.2g} mol/kg {one.salt.name if one.salt else ''}"
        axes.plot(degrees, value, color=colour, label=label)
        axes.fill_between(degrees, lower, upper, color=colour, alpha=0.12, lw=0)
        same = (table.batch.polymer_keys == one.polymer_key) & (table.batch.salt_keys == one.salt_key)
        same &= np.abs(table.batch.molality - one.molality) <= NEAR * one.molality
        axes.plot(table.temperature_C[same], table.log10_sigma[same], ".", ms=3, color=colour, alpha=0.5)
    axes.set(xlim=(0, 100), ylim=(-11, -1), xlabel="temperature (C)", ylabel="log10 sigma (S/cm)")
    axes.legend(frameon=False, fontsize=8)
