"""Pictures of a trained stability model: parity, calibration, receiver operating characteristic, published windows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.candidate import MaterialBatch
from training.pictures import BLUE, GREY, ORANGE, save_picture
from training.properties.stability.evaluation import Scored
from training.properties.stability.model import StabilityModel
from training.properties.stability.recipe import StabilityFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COVERAGES = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
SHOWN_WINDOWS = (
    "Li3N",
    "Li2S",
    "Li7La3Zr2O12",
    "Li3PS4",
    "Li6PS5Cl",
    "Li10GeP2S12",
    "Li3OCl",
    "Li3PO4",
    "LiNbO3",
    "Li3YCl6",
    "Li3InCl6",
    "LiTi2(PO4)3",
    "LiF",
)
ELECTRODES_V = {"graphite": 0.1, "LTO": 1.55, "LFP": 3.45, "NMC": 4.3}


def write_plots(trained: StabilityFit, folder: Path) -> dict[str, Path]:
    """Draw every plot from the predictions of the validation split.

    Returns
    -------
    dict
        Name to PNG file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    model, scored = trained.model, trained.validation
    drawings: dict[str, tuple[Callable[[Axes], None], tuple[float, float]]] = {
        "stability_parity": (partial(_draw_parity, scored=scored), (5.2, 5.0)),
        "stability_calibration": (partial(_draw_calibration, scored=scored), (4.6, 4.4)),
        "stability_roc": (partial(_draw_roc, model=model, scored=scored), (4.6, 4.4)),
        "stability_windows": (partial(_draw_windows, model=model), (7.2, 4.6)),
    }
    return {name: save_picture(folder / f"{name}.png", draw, size) for name, (draw, size) in drawings.items()}


def _draw_parity(axes: Axes, scored: Scored) -> None:
    said = scored.hull + scored.pooled.residual_eV_per_atom
    axes.hexbin(scored.formation, said, gridsize=90, bins="log", cmap="Blues", mincnt=1, linewidths=0)
    span = (-4.5, 1.0)
    axes.plot(span, span, color=GREY, linewidth=0.8)
    axes.set(xlim=span, ylim=span, xlabel="formation energy, DFT (eV/atom)", ylabel="predicted (eV/atom)")
    error = np.abs(scored.formation_error).mean()
    axes.set_title(f"validation split, {len(scored.rows):,} compounds: MAE {error:.3f} eV/atom", fontsize=10)


def _draw_calibration(axes: Axes, scored: Scored) -> None:
    """Draw nominal against realised coverage, each half of the rows calibrated by the other."""
    pooled = scored.pooled
    for name, error, scale, colour in (
        ("formation energy", scored.formation_error, pooled.scale_residual_eV_per_atom, BLUE),
        ("decomposition energy", scored.decomposition_error, pooled.scale_decomposition_eV_per_atom, ORANGE),
    ):
        score = np.abs(error) / scale
        first = np.arange(len(score)) % 2 == 0
        realised = [
            np.mean([(score[~half] <= np.quantile(score[half], level)).mean() for half in (first, ~first)])
            for level in COVERAGES
        ]
        axes.plot(COVERAGES, realised, "o-", color=colour, label=name)
    axes.plot([0.45, 1], [0.45, 1], color=GREY, linewidth=0.8)
    axes.set(xlabel="nominal coverage", ylabel="share inside", xlim=(0.45, 1), ylim=(0.45, 1))
    axes.legend(frameon=False)


def _draw_roc(axes: Axes, model: StabilityModel, scored: Scored) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    stable = scored.decomposition <= 0
    probability = model.calibration.probability_published_stable(scored.pooled)
    wrong, right, _ = roc_curve(stable, probability)
    axes.plot(wrong, right, color=BLUE)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    axes.set(xlabel="unstable compounds called stable", ylabel="stable compounds found", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"validation split: AUC {roc_auc_score(stable, probability):.3f}", fontsize=10)


def _draw_windows(axes: Axes, model: StabilityModel) -> None:
    said = model.predict(MaterialBatch.from_formulas(SHOWN_WINDOWS))
    order = np.argsort(-said.oxidation_V.value)
    for place, row in enumerate(order):
        low, high = said.reduction_V.value[row], said.oxidation_V.value[row]
        colour = BLUE if said.is_reference[row] else ORANGE
        axes.barh(place, max(high - low, 0.01), left=low, color=colour, height=0.6)
        axes.text(high + 0.06, place, f"{low:.2f} to {high:.2f} V", va="center", fontsize=8, color=GREY, clip_on=True)
    for name, voltage in ELECTRODES_V.items():
        axes.axvline(voltage, color=GREY, linewidth=0.6, linestyle=":")
        axes.text(voltage + 0.05, len(order) - 0.3, name, fontsize=8, color=GREY, clip_on=True)
    axes.set_yticks(range(len(order)), [SHOWN_WINDOWS[row] for row in order])
    axes.set(xlabel="potential against Li/Li+ (V)", xlim=(0, 8), ylim=(-0.7, len(order) + 0.3))
