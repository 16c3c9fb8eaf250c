"""How the pictures of cards and pages look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = "#2b5c8a", "#d1782f", "#3a8f5c", "#8a8a8a"


def save_picture(path: Path, draw: Callable[[Axes], None], size_inches: tuple[float, float]) -> Path:
    """Draw into one frame and write the file; return its path."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=size_inches, layout="constrained")
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
