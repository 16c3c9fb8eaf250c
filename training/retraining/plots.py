"""The pictures of the report, as inline SVG: what changed, for which chemistry, how well intervals hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from training.refitting.comparison import Comparison
from training.refitting.held_out import HeldOutPredictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE, AFTER, GREY = "#8a8f98", "#0b6bcb", "#444444"
SMALLEST_FAMILY = 5
MOST_FAMILIES = 16


def new_rows_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions | None, scale: str) -> Markup:
    """Draw new measurements against the champion's answers, and the challenger's without their source, on a scale."""

    def draw(axes: Axes) -> None:
        reach = np.maximum([champion.value - champion.lower, champion.upper - champion.value], 0.0)
        held = "champion, 90 % interval"
        axes.errorbar(champion.measured, champion.value, reach, fmt="o", ms=4, lw=0.6, color=BEFORE, label=held)
        if challenger is not None:
            axes.plot(
                challenger.measured, challenger.value, "o", ms=4, color=AFTER, label="challenger, source left out"
            )
        lowest, highest = champion.measured.min(), champion.measured.max()
        room = 0.1 * (highest - lowest) or 0.5
        ends = [lowest - room, highest + room]
        axes.plot(ends, ends, color=GREY, lw=0.8)
        axes.set(xlabel=f"measured ({scale})", ylabel=f"predicted ({scale})")
        axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (5.2, 4.2))


def differences_picture(found: dict[str, Comparison], unit: str) -> Markup:
    """Draw the difference of the mean absolute errors with its 95 % interval, one line a comparison."""

    def draw(axes: Axes) -> None:
        for height, one in enumerate(reversed(found.values())):
            low, high = max(one.low_95, one.difference - 2.0), min(one.high_95, one.difference + 2.0)
            axes.plot([low, high], [height, height], color=AFTER, lw=2)
            axes.plot(one.difference, height, "o", color=AFTER)
        axes.axvline(0.0, color=GREY, lw=0.8)
        axes.set_yticks(range(len(found)), [f"{name} ({one.n_rows})" for name, one in reversed(found.items())])
        axes.set(
            xlabel=f"mean absolute error, challenger minus champion ({unit}): left is better",
            ylim=(-0.6, len(found) - 0.4),
        )

    return _svg(draw, (7.0, 0.9 + 0.45 * len(found)))


def families_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions, unit: str) -> Markup:
    """Draw the mean absolute error of left-out papers by chemistry, before and after."""
    families = _by_family(champion, challenger)

    def draw(axes: Axes) -> None:
        places = np.arange(len(families))
        before = [float(old.error.mean()) for old, _ in families.values()]
        after = [float(new.error.mean()) for _, new in families.values()]
        axes.barh(places + 0.2, before, 0.38, color=BEFORE, label="champion")
        axes.barh(places - 0.2, after, 0.38, color=AFTER, label="challenger")
        axes.set_yticks(places, [f"{name} ({len(new)})" for name, (_, new) in families.items()], fontsize=8)
        axes.invert_yaxis()
        axes.set(xlabel=f"mean absolute error of left-out papers ({unit})")
        axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (6.4, 1.2 + 0.32 * max(len(families), 1)))


def calibration_picture(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> Markup:
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
    return [
        (name, len(new), float(old.is_covered.mean()), float(new.is_covered.mean()))
        for name, (old, new) in _by_family(champion, challenger).items()
    ]


def _scaled_error(judged: HeldOutPredictions) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    half = np.where(judged.measured >= judged.value, judged.upper - judged.value, judged.value - judged.lower)
    scaled: np.ndarray[tuple[int], np.dtype[np.float64]] = judged.error / np.maximum(half, 1e-6)
    return scaled


def _by_family(
    champion: HeldOutPredictions, challenger: HeldOutPredictions
) -> dict[str, tuple[HeldOutPredictions, HeldOutPredictions]]:
    """Return the rows that both predicted by family, the largest families first."""
    _, ours, theirs = np.intersect1d(champion.row_id, challenger.row_id, return_indices=True)
    old, new = champion.take(ours), challenger.take(theirs)
    names, counts = np.unique(new.family, return_counts=True)
    sizes = ((int(n), str(name)) for name, n in zip(names, counts, strict=True))
    large = sorted((size for size in sizes if size[1] and size[0] >= SMALLEST_FAMILY), reverse=True)[:MOST_FAMILIES]
    return {name: (old.take(new.family == name), new.take(new.family == name)) for _, name in large}


def _svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> Markup:
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
    return Markup(text[text.index("<svg") :])
