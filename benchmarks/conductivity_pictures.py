"""Pictures of the conductivity benchmark, drawn from the figures it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#2b5c8a", "#d1782f", "#8a8a8a"
KINDS = {"family": "family left out", "anion_class": "class of anions left out"}
SIDES = {"by_distance": "distance to the known", "by_anion_class": "class of anions"}


def draw_pictures(result: Mapping[str, Any], folder: Path) -> None:
    """Write `benchmark_transfer.png` and `benchmark_coverage.png`, as far as their modes were run."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    if "transfer" in result:
        heights = [len(result["transfer"][kind]["groups"]) for kind in KINDS]
        figure, panels = plt.subplots(2, 1, figsize=(7.4, 7.6), height_ratios=heights, sharex=True)
        for axes, (kind, title) in zip(panels, KINDS.items(), strict=True):
            _draw_transfer(axes, result["transfer"][kind]["groups"], title)
        panels[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        panels[1].set_xlabel("mean absolute error / decades")
        _save(figure, folder / "benchmark_transfer.png")
    if "cv" in result:
        figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True, width_ratios=(1, 2))
        for axes, (side, title) in zip(panels, SIDES.items(), strict=True):
            _draw_coverage(axes, result["cv"], side, title)
        panels[0].set_ylabel("rows inside their 90 % interval")
        panels[1].legend(frameon=False, loc="lower left")
        _save(figure, folder / "benchmark_coverage.png")


def _draw_transfer(axes: Axes, groups: Mapping[str, Mapping[str, float]], title: str) -> None:
    """Draw error of the model and of a constant; shares of rows covered and flagged stand beside the bars."""
    place = np.arange(len(groups))
    for key, colour, shift, label in (
        ("mae", BLUE, -0.19, "model"),
        ("mae_of_median", GREY, 0.19, "median of the training rows"),
    ):
        axes.barh(place + shift, [scores[key] for scores in groups.values()], 0.36, color=colour, label=label)
    for y, scores in enumerate(groups.values()):
        text = f"{100 * scores['coverage_90']:.0f} % covered, {100 * scores['flagged']:.0f} % flagged"
        axes.text(max(scores["mae"], scores["mae_of_median"]) + 0.06, y, text, va="center", fontsize=7.5)
    axes.set_yticks(place, [f"{name} ({scores['n']:.0f})" for name, scores in groups.items()])
    axes.set_xlim(0.0, 7.4)
    axes.set_title(title, loc="left", fontsize=10)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def _draw_coverage(axes: Axes, cv: Mapping[str, Any], side: str, title: str) -> None:
    """Draw coverage with twice its binomial standard error; rows of one paper err together, so the truth is wider."""
    names = list(cv["formula"][side])
    for variant, colour, shift in (("formula", BLUE, -0.1), ("lattice", ORANGE, 0.1)):
        groups = cv[variant][side]
        known = [name for name in names if name in groups]
        n = np.array([groups[name]["n"] for name in known])
        share = np.array([groups[name]["coverage_90"] for name in known])
        place = np.array([names.index(name) for name in known]) + shift
        axes.errorbar(place, share, 2 * np.sqrt(0.09 / n), fmt="o", ms=4, color=colour, elinewidth=1, label=variant)
    labels = [f"{name.replace('_', ' ')}\n({cv['formula'][side][name]['n']:.0f})" for name in names]
    axes.set_xticks(range(len(names)), labels, fontsize=7.5)
    axes.axhline(0.9, color=GREY, lw=0.8, zorder=0)
    axes.set_ylim(0.5, 1.08)
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
