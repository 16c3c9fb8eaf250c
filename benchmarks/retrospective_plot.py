"""The picture of the retrospective benchmark: hits found against candidates tried, and families never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from retrospective_figures import FEWEST_HITS, LEVELS, Pair, curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, TEAL, ORANGE, BROWN, GREY = "#2b5c8a", "#3a9b8f", "#d1782f", "#8a5a2b", "#8a8a8a"
GRID = np.linspace(0.0, 0.6, 121)
LINES = {
    "elyte probability": (BLUE, "elyte, P(success)", "-"),
    "elyte value": (TEAL, "elyte, point prediction", "--"),
    "forest": (ORANGE, "random forest", "-"),
}
BARS = {
    "elyte": (BLUE, 0.27, "elyte, P(success)"),
    "forest": (ORANGE, 0.0, "random forest"),
    "forest_of_hits": (BROWN, -0.27, "forest that classifies hits"),
}
PLACES = {
    "elyte probability": (23.0, (1.0, 92.0), "left"),
    "elyte value": (16.0, (27.0, 48.0), "left"),
    "forest": (31.0, (36.0, 63.0), "left"),
}
"""Where a label's leader meets the curve, % of the pool, and where the label stands."""


def draw(pairs: Sequence[Pair], families: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the picture.

    Parameters
    ----------
    pairs
        The random cuts.
    families
        Figures of `family_figures`.
    path
        A PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.2, 4.4), width_ratios=(1.25, 1))
    _draw_curves(left, pairs)
    _draw_families(right, families)
    figure.tight_layout(w_pad=2.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_curves(axes: Axes, pairs: Sequence[Pair]) -> None:
    found = curves(pairs, GRID)
    axes.plot(100 * GRID, 100 * found["perfect"].mean(axis=0), color=GREY, lw=0.9, ls=":")
    axes.plot(100 * GRID, 100 * GRID, color=GREY, lw=1.2)
    for name, (colour, _, style) in LINES.items():
        low, high = np.percentile(found[name], LEVELS, axis=0)
        if name != "elyte value":
            axes.fill_between(100 * GRID, 100 * low, 100 * high, color=colour, alpha=0.16, lw=0)
        axes.plot(100 * GRID, 100 * found[name].mean(axis=0), color=colour, lw=1.8, ls=style)
    for name, (at, text, align) in PLACES.items():
        colour, label, _ = LINES[name]
        leader = {"arrowstyle": "-", "color": colour, "lw": 0.7}
        curve = float(np.interp(at / 100, GRID, found[name].mean(axis=0)))
        axes.annotate(label, (at, 100 * curve), text, color=colour, fontsize=9, ha=align, arrowprops=leader)
    axes.text(45, 41, "blind choice", color=GREY, fontsize=9)
    axes.text(28, 101.5, "perfect ranking", color=GREY, fontsize=9)
    axes.set_xlim(0, 60)
    axes.set_ylim(0, 107)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel("candidates tried / % of the pool, best first")
    axes.set_ylabel("materials above 1 mS/cm found / %")
    axes.set_title(f"Half of the papers known, the other half ranked ({len(pairs)} cuts)", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_families(axes: Axes, families: Sequence[Mapping[str, Any]]) -> None:
    """Draw the share of a family's hits that stand in the first fifth, by elyte and by forests."""
    judged = [one for one in families if one["hits"] >= FEWEST_HITS]
    order = sorted(judged, key=lambda one: one["elyte_hits_in_top_20"])
    place = np.arange(len(order))
    beside = max(100 * order[-1][f"{key}_hits_in_top_20"] for key in BARS) + 1.5 if order else 0.0
    for key, (colour, shift, label) in BARS.items():
        share = [100 * one[f"{key}_hits_in_top_20"] for one in order]
        axes.barh(place + shift, share, 0.25, color=colour)
        if len(order):
            axes.text(beside, place[-1] + shift, label, color=colour, va="center", fontsize=8)
    axes.axvline(20, color=GREY, lw=1.0)
    axes.text(21, -0.85, "blind choice", color=GREY, fontsize=8.5, va="center")
    axes.set_yticks(place, [f"{one['family']} ({one['hits']:.0f})" for one in order], fontsize=9)
    axes.set_ylim(-1.1, len(order) - 0.4)
    axes.set_xlim(0, 105)
    axes.set_xticks([0, 20, 40, 60, 80, 100])
    axes.set_xlabel("its hits in the first fifth of the pool / %")
    axes.set_title("A family never seen (its hits)", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
