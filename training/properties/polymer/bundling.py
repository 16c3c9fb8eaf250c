"""The polymer model as a bundle: what must be reproduced on loading, without a toolkit of chemistry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import PolymerBatch
from training.bundle import Bundle, GoldenPrediction, compare_golden, golden_rows, load_bundle, rebuilding
from training.machine_cache import check_once
from training.properties.polymer.model import PolymerModel
from training.properties.polymer.quantities import ACTIVATION_ENERGY, NAME, SIGMA

GOLDEN = (
    ("PEO20-LiTFSI", 60.0),
    ("PEO20-LiTFSI", 25.0),
    ("PEO10-LiClO4", 80.0),
    ("PPO16-LiOTf", 60.0),
    ("PTMC8-LiTFSI", 80.0),
    ("PCL6-LiTFSI", 60.0),
    ("PEC-LiFSI 60 wt%", 60.0),
    ("PAN6-LiClO4", 60.0),
    ("MEEP4-LiOTf", 40.0),
    ("PLiSTFSI", 90.0),
)
GOLDEN_TOLERANCE = 5e-3
"""Decades and eV: single precision of the bundle."""
COVERAGE = 0.9
_PREFIX = "golden/"


def golden_arrays(batch: PolymerBatch) -> dict[str, NDArray[Any]]:
    """Return the golden electrolytes as they are stored: as arrays, for a server may lack what reads their texts."""
    return {f"{_PREFIX}{name}": np.asarray(getattr(batch, name)) for name in batch.__dataclass_fields__}


def golden_predictions(model: PolymerModel, arrays: Mapping[str, NDArray[Any]]) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce."""
    batch = PolymerBatch(*(arrays[f"{_PREFIX}{name}"] for name in PolymerBatch.__dataclass_fields__))
    said = model.predict(batch, np.array([temperature_C for _, temperature_C in GOLDEN]))
    ends = zip(SIGMA.columns, model.interval(said, COVERAGE), strict=True)
    return golden_rows(list(GOLDEN), {**dict(ends), ACTIVATION_ENERGY.name: said.activation_energy_eV})


def load_polymer(folder: Path, expected_digest: str | None = None) -> tuple[PolymerModel, Bundle]:
    """Load, verify and return a polymer model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property=NAME, expected_digest=expected_digest)
    with rebuilding(folder, NAME):
        model = PolymerModel.from_arrays(bundle.arrays)
        golden = bundle.card.golden
        check_once(
            bundle.digest,
            lambda: compare_golden(golden, golden_predictions(model, bundle.arrays), GOLDEN_TOLERANCE),
        )
    return model, bundle


def read_golden() -> PolymerBatch:
    """Read the golden electrolytes, which takes the toolkit."""
    from features.polymers.candidate import PolymerFields, read_polymer

    texts: Sequence[str] = [text for text, _ in GOLDEN]
    return PolymerBatch.from_candidates([read_polymer(PolymerFields(polymer=text)) for text in texts])
