"""Pictures of a trained mechanics model: parity and calibration of left-out chemical systems."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.pictures import BLUE, GREY, ORANGE, save_picture
from training.properties.mechanics.gap_model import GapPrediction
from training.properties.mechanics.recipe import MechanicsFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COVERAGES = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
Array = NDArray[np.float64]


def write_plots(trained: MechanicsFit, folder: Path) -> dict[str, Path]:
    """Draw every plot from predictions of left-out chemical systems; returns name to PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, tuple[Callable[[Axes], None], tuple[float, float]]] = {
        "mechanics_moduli_parity": (partial(_draw_moduli, trained=trained), (5.2, 5.0)),
        "mechanics_gap_parity": (partial(_draw_gaps, trained=trained), (5.2, 5.0)),
        "mechanics_calibration": (partial(_draw_calibration, trained=trained), (4.6, 4.4)),
    }
    return {name: save_picture(folder / f"{name}.png", draw, size) for name, (draw, size) in drawings.items()}


def _draw_moduli(axes: Axes, trained: MechanicsFit) -> None:
    table, said = trained.tables.moduli, trained.elasticity.left_out.value
    lithium = table.crystals.batch.fraction_of("Li") > 0
    true = np.stack([table.log10_shear_GPa, table.log10_bulk_GPa], axis=1)
    for part, label, colour in ((0, "shear modulus", BLUE), (1, "bulk modulus", ORANGE)):
        error = np.abs(said[:, part] - true[:, part])[lithium].mean()
        axes.loglog(
            10.0 ** true[lithium, part],
            10.0 ** said[lithium, part],
            "o",
            ms=2.5,
            mew=0,
            alpha=0.5,
            color=colour,
            label=f"{label}: {error:.3f} decades",
        )
    _diagonal(axes, (1.0, 600.0), "computed, PBE (GPa)", "predicted (GPa)")
    axes.set_title(f"{lithium.sum()} lithium crystals, chemical systems left out", fontsize=10)
    axes.legend(frameon=False, loc="upper left", fontsize=9)


def _draw_gaps(axes: Axes, trained: MechanicsFit) -> None:
    left_out = trained.gap.left_out
    true, said = left_out.compositions.gap_eV, _prediction(trained).value_eV
    axes.hexbin(true, said, gridsize=80, bins="log", cmap="Blues", mincnt=1, linewidths=0)
    _diagonal(axes, (0.0, 9.0), "PBE gap of the table (eV)", "predicted (eV)")
    axes.set_title(
        f"{len(true):,} compositions, systems left out: MAE {np.abs(true - said).mean():.2f} eV", fontsize=10
    )


def _draw_calibration(axes: Axes, trained: MechanicsFit) -> None:
    """Draw nominal against realised coverage of lithium compounds."""
    table, fit = trained.tables.moduli, trained.elasticity
    lithium = table.crystals.batch.fraction_of("Li") > 0
    true = np.stack([table.log10_shear_GPa, table.log10_bulk_GPa], axis=1)
    score = np.abs((fit.left_out.value - true) / fit.scale)
    for part, label, colour in ((0, "shear modulus", BLUE), (1, "bulk modulus", ORANGE)):
        scale = (fit.model.deviations.shear, fit.model.deviations.bulk)[part]
        covered = [(score[lithium, part] <= scale.factor(level)).mean() for level in COVERAGES]
        axes.plot(COVERAGES, covered, "o-", color=colour, label=label)
    gap = trained.gap.left_out.compositions
    of_lithium, prediction = gap.batch.fraction_of("Li") > 0, _prediction(trained)
    inside = []
    for level in COVERAGES:
        _, lower, upper = prediction.interval(float(level))
        inside.append(((lower <= gap.gap_eV) & (gap.gap_eV <= upper))[of_lithium].mean())
    axes.plot(COVERAGES, inside, "o-", color=GREY, label="band gap")
    axes.plot([0.45, 1], [0.45, 1], color=GREY, linewidth=0.8)
    axes.set(xlabel="nominal coverage", ylabel="share inside, lithium compounds", xlim=(0.45, 1), ylim=(0.45, 1))
    axes.legend(frameon=False)


def _prediction(trained: MechanicsFit) -> GapPrediction:
    return GapPrediction(trained.gap.model.calibration.distribution(trained.gap.left_out.raw))


def _diagonal(axes: Axes, span: tuple[float, float], x: str, y: str) -> None:
    axes.plot(span, span, color=GREY, linewidth=0.8)
    axes.set(xlim=span, ylim=span, xlabel=x, ylabel=y)
