"""The stability model as a bundle: what must be reproduced on loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from training.bundle import Bundle, GoldenPrediction, compare_golden, golden_rows, load_bundle, rebuilding
from training.machine_cache import check_once
from training.properties.stability.model import StabilityModel

Array = NDArray[np.float64]
GOLDEN_FORMULAS = (
    "Li3PS4",
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li10GeP2S12",  # in the table
    "Li3YCl6",
    "Li2ZrCl6",
    "Li5.5PS4.5Cl1.5",
    "Li6.5La3Zr1.5Ta0.5O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Na3SbS4",
    "K2MgSnSe4",
    "Na3.4Zr2Si2.4P0.6O12",  # by the regression on NASICONs
)
GOLDEN_TOLERANCE = 2e-4
"""In eV per atom and V: wider than the rounding of single precision on another machine, far below any meaning."""


def headline(model: StabilityModel, batch: MaterialBatch) -> dict[str, Array]:
    """Return the columns that golden predictions and registered versions promise; a missing limit is NaN."""
    said = model.predict(batch)
    energy = said.formation_energy_eV_per_atom
    return {
        "formation_energy_eV_per_atom": energy.value,
        "lower": energy.lower,
        "upper": energy.upper,
        "energy_above_hull_eV_per_atom": said.energy_above_hull_eV_per_atom.value,
        "probability_stable": said.probability_stable,
        "reduction_V": said.reduction_V.value,
        "oxidation_V": said.oxidation_V.value,
    }


def golden_predictions(model: StabilityModel, formulas: Sequence[str] = GOLDEN_FORMULAS) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce; a limit that does not exist is left out."""
    questions = [(formula, ROOM_TEMPERATURE_C) for formula in formulas]
    return golden_rows(questions, headline(model, MaterialBatch.from_formulas(formulas)))


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
        check_once(bundle.digest, lambda: check_golden(model, bundle.card.golden))
    return model, bundle
