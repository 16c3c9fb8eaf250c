"""The stability model as a bundle: what must be reproduced on loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from training.bundle import Bundle, GoldenPrediction, compare_golden, load_bundle, rebuilding
from training.properties.stability.model import StabilityModel

GOLDEN_FORMULAS = (
    "Li3PS4", "Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12",  # in the table
    "Li3YCl6", "Li2ZrCl6", "Li5.5PS4.5Cl1.5", "Li6.5La3Zr1.5Ta0.5O12", "Li1.3Al0.3Ti1.7(PO4)3", "Na3SbS4", "K2MgSnSe4",
)  # fmt: skip
GOLDEN_TOLERANCE = 2e-4
"""In eV per atom and V: wider than the rounding of single precision on another machine, far below any meaning."""


def golden_predictions(model: StabilityModel, formulas: Sequence[str] = GOLDEN_FORMULAS) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce; a limit that does not exist is left out."""
    said = model.predict(MaterialBatch.from_formulas(formulas))
    ends = {
        "formation_energy_eV_per_atom": said.formation_energy_eV_per_atom.value,
        "lower": said.formation_energy_eV_per_atom.lower,
        "upper": said.formation_energy_eV_per_atom.upper,
        "energy_above_hull_eV_per_atom": said.energy_above_hull_eV_per_atom.value,
        "probability_stable": said.probability_stable,
        "reduction_V": said.reduction_V.value,
        "oxidation_V": said.oxidation_V.value,
    }
    return [
        GoldenPrediction(
            formula=formula,
            temperature_C=ROOM_TEMPERATURE_C,
            values={name: float(end[i]) for name, end in ends.items() if not np.isnan(end[i])},
        )
        for i, formula in enumerate(formulas)
    ]


def check_golden(model: StabilityModel, golden: Sequence[GoldenPrediction]) -> None:
    """Recompute the golden predictions of a card.

    Raises
    ------
    BundleError
        If one differs by more than `GOLDEN_TOLERANCE`.
    """
    compare_golden(golden, golden_predictions(model, [stored.formula for stored in golden]), GOLDEN_TOLERANCE)


def load_stability(folder: Path, expected_digest: str | None = None) -> tuple[StabilityModel, Bundle]:
    """Load, verify and return a stability model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property="stability", expected_digest=expected_digest)
    with rebuilding(folder, "stability"):
        model = StabilityModel.from_arrays(bundle.arrays, bundle.card.model)
        check_golden(model, bundle.card.golden)
    return model, bundle
