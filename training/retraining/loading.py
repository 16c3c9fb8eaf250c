"""Loading and checking bundles of any property."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from training.bundle import Bundle, BundleError
from training.properties import registry


def load_model(property_name: str, folder: Path, digest: str | None) -> tuple[Any, Bundle]:
    """Load a bundle; check that it is the one of the digest, whole, and reproduces its golden predictions.

    Raises
    ------
    BundleError
        If it cannot be used.
    """
    return registry.get(property_name).load(folder, digest)


def is_sound(property_name: str, folder: Path, digest: str | None) -> bool:
    """Say whether a bundle can be served."""
    try:
        load_model(property_name, folder, digest)
    except BundleError:
        return False
    return True


def time_to_load(property_name: str, folder: Path, digest: str) -> tuple[Any, float, float]:
    """Load a bundle; return the model, the processor seconds that took (others may be at work), and its size in MB."""
    started = time.process_time()
    model, _ = load_model(property_name, folder, digest)
    seconds = time.process_time() - started
    return model, seconds, sum(path.stat().st_size for path in folder.iterdir()) / 1e6
