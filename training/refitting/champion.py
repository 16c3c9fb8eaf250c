"""The model that is served, as retraining sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.bundle import Bundle


@dataclass(frozen=True)
class Champion:
    """The model that is served, in memory.

    Parameters
    ----------
    version
        In the registry.
    digest, bundle, model
        As checked; the bundle with its arrays.
    """

    version: str
    digest: str
    bundle: Bundle
    model: Any
