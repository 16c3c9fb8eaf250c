"""What laboratories reported, as one bundle: the library with its DOIs, and the heating that it teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.bundle import Bundle, GoldenPrediction, compare_golden, load_bundle, rebuilding
from training.machine_cache import check_once
from training.syntheses.heating import ASKED, HeatingModel
from training.syntheses.library import SynthesisLibrary
from training.syntheses.precursor_names import amounts_of
from training.syntheses.precursors import PrecursorExperience

NAME = "synthesis"
GOLDEN = (
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li6PS5Cl",
    "Li3InCl6",
    "Li10GeP2S12",
    "Li0.33La0.557TiO3",
    "Li2ZrO3",
)
GOLDEN_TOLERANCE = 1e-3
"""Degrees Celsius, decades and logarithms of shares."""
_PARTS = ("library", "heating")


@dataclass(frozen=True, eq=False)
class SynthesisExperience:
    """What is known of making solids.

    Attributes
    ----------
    library
        Reported syntheses.
    heating
        How hot and how long.
    """

    library: SynthesisLibrary
    heating: HeatingModel

    @cached_property
    def precursors(self) -> PrecursorExperience:
        """What was taken for what."""
        return PrecursorExperience(self.library)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        parts = (self.library.arrays(), self.heating.arrays())
        return {f"{name}/{key}": array for name, part in zip(_PARTS, parts, strict=True) for key, array in part.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SynthesisExperience:
        """Rebuild from `arrays()`."""
        library, heating = (
            {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
            for name in _PARTS
        )
        return cls(SynthesisLibrary.from_arrays(library), HeatingModel.from_arrays(heating))


def golden_predictions(model: SynthesisExperience) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce: the most usual set and its heating."""
    found = []
    for formula in GOLDEN:
        [best] = model.precursors.rank(amounts_of(formula) or {}, 1)
        batch = MaterialBatch.from_formulas([formula])
        values = {"log_share": best.log_share}
        for step in ASKED:
            said = model.heating.predict(batch, [best.precursors], step)
            for name, interval in zip(said._fields, said, strict=True):
                numbers = {
                    f"{step.name.lower()}_{name}_{end}": float(array[0]) for end, array in interval._asdict().items()
                }
                values |= {key: value for key, value in numbers.items() if not np.isnan(value)}
        found.append(GoldenPrediction(formula=formula, temperature_C=0.0, values=values))
    return found


def load_experience(folder: Path, expected_digest: str | None = None) -> tuple[SynthesisExperience, Bundle]:
    """Load, verify and return what is known, with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property=NAME, expected_digest=expected_digest)
    with rebuilding(folder, NAME):
        model = SynthesisExperience.from_arrays(bundle.arrays)
        golden = bundle.card.golden
        check_once(bundle.digest, lambda: compare_golden(golden, golden_predictions(model), GOLDEN_TOLERANCE))
    return model, bundle
