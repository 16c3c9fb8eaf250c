"""The pictures of the report, as inline SVG: what changed, for which chemistry, how well intervals hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from training.retraining.comparison import Comparison
from training.retraining.held_out import HeldOutPredictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE, AFTER, GREY = "#8a8f98", "#0b6bcb", "#444444"
SMALLEST_FAMILY = 5
MOST_FAMILIES = 16


def new_rows_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions | None) -> str:
    """Draw new measurements against the champion's answers, and the challenger's without their source."""

    def draw(axes: Axes) -> None:
        reach = [champion.value - champion.lower, champion.upper - champion.value]
        axes.errorbar(
            champion.measured,
            champion.value,
            yerr=np.maximum(reach, 0.0),
            fmt="o",
            ms=4,
            lw=0.6,
            color=BEFORE,
            label="champion, 90 % interval",
        )
        if challenger is not None:
            axes.plot(
                challenger.measured, challenger.value, "o", ms=4, color=AFTER, label="challenger, source left out"
            )
        ends = [champion.measured.min() - 0.5, champion.measured.max() + 0.5]
        axes.plot(ends, ends, color=GREY, lw=0.8)
        axes.set(xlabel="measured (log10)", ylabel="predicted (log10)")
        axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (5.2, 4.2))


def differences_picture(found: dict[str, Comparison]) -> str:
    """Draw the difference of the mean absolute errors with its 95 % interval, one line a comparison."""

    def draw(axes: Axes) -> None:
        for height, one in enumerate(reversed(found.values())):
            low, high = max(one.low_95, one.difference - 2.0), min(one.high_95, one.difference + 2.0)
            axes.plot([low, high], [height, height], color=AFTER, lw=2)
            axes.plot(one.difference, height, "o", color=AFTER)
        axes.axvline(0.0, color=GREY, lw=0.8)
        axes.set_yticks(range(len(found)), [f"{name} ({one.n_rows})" for name, one in reversed(found.items())])
        axes.set(
            xlabel="mean absolute error, challenger minus champion (decades): left is better",
            ylim=(-0.6, len(found) - 0.4),
        )

    return _svg(draw, (7.0, 0.9 + 0.45 * len(found)))


def families_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> str:
    """Draw the mean absolute error of left-out papers by chemistry, before and after."""
    names, before, after, counts = _by_family(champion, challenger)

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        axes.barh(places + 0.2, before, 0.38, color=BEFORE, label="champion")
        axes.barh(places - 0.2, after, 0.38, color=AFTER, label="challenger")
        axes.set_yticks(places, [f"{name} ({n})" for name, n in zip(names, counts, strict=True)], fontsize=8)
        axes.invert_yaxis()
        axes.set(xlabel="mean absolute error of left-out papers (decades)")
        axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (6.4, 1.2 + 0.32 * max(len(names), 1)))


def calibration_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> str:
    """Draw which share of left-out rows lies within x times the 90 % interval: an honest one passes (1, 0.9)."""

    def draw(axes: Axes) -> None:
        for judged, colour, name in ((champion, BEFORE, "champion"), (challenger, AFTER, "challenger")):
            score = np.sort(_scaled_error(judged))
            axes.plot(score, np.arange(1, len(score) + 1) / len(score), color=colour, label=name)
        axes.axvline(1.0, color=GREY, lw=0.6)
        axes.axhline(0.9, color=GREY, lw=0.6)
        axes.set(
            xlim=(0.0, 2.5),
            ylim=(0.0, 1.0),
            xlabel="error over half width of the 90 % interval",
            ylabel="share of rows",
        )
        axes.legend(frameon=False, fontsize=8, loc="lower right")

    return _svg(draw, (5.2, 4.0))


def coverage_by_family(
    champion: HeldOutPredictions, challenger: HeldOutPredictions
) -> list[tuple[str, int, float, float]]:
    """Return families with their number of rows and the share that intervals hold, before and after."""
    both = np.intersect1d(champion.row_id, challenger.row_id)
    old, new = champion.of_rows(both), challenger.of_rows(both)
    found = []
    for name in _large_families(new):
        own = new.family == name
        before = old.of_rows(new.row_id[own])
        found.append((name, int(own.sum()), float(before.is_covered.mean()), float(new.is_covered[own].mean())))
    return found


def _scaled_error(judged: HeldOutPredictions) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    half = np.where(judged.measured >= judged.value, judged.upper - judged.value, judged.value - judged.lower)
    scaled: np.ndarray[tuple[int], np.dtype[np.float64]] = judged.error / np.maximum(half, 1e-6)
    return scaled


def _by_family(
    champion: HeldOutPredictions, challenger: HeldOutPredictions
) -> tuple[list[str], list[float], list[float], list[int]]:
    both = np.intersect1d(champion.row_id, challenger.row_id)
    old, new = champion.of_rows(both), challenger.of_rows(both)
    names = _large_families(new)
    before = [float(old.of_rows(new.row_id[new.family == name]).error.mean()) for name in names]
    after = [float(new.error[new.family == name].mean()) for name in names]
    return names, before, after, [int((new.family == name).sum()) for name in names]


def _large_families(judged: HeldOutPredictions) -> list[str]:
    names, counts = np.unique(judged.family, return_counts=True)
    large = sorted(
        ((int(n), str(name)) for name, n in zip(names, counts, strict=True) if name and n >= SMALLEST_FAMILY),
        reverse=True,
    )
    return [name for _, name in large[:MOST_FAMILIES]]


def _svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "elyte", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
