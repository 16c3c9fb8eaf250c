"""The conductivity model as a bundle: what is written beside the weights, and what must be reproduced on loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.candidate import MaterialBatch
from training.bundle import Bundle, BundleError, GoldenPrediction, load_bundle
from training.conductivity.model import ConductivityModel

GOLDEN_FORMULAS = (
    "Li6PS5Cl", "Li5.5PS4.5Cl1.5", "Li10GeP2S12", "Li7P3S11", "Li3PS4", "Li7La3Zr2O12", "Li6.5La3Zr1.5Ta0.5O12",
    "Li1.3Al0.3Ti1.7(PO4)3", "Li3YCl6", "Li3InCl6", "Li4SiO4", "LiTaOCl4",
)  # fmt: skip
GOLDEN_TEMPERATURES_C = (25.0, 60.0)
GOLDEN_QUESTIONS = tuple((formula, t) for formula in GOLDEN_FORMULAS for t in GOLDEN_TEMPERATURES_C)
GOLDEN_TOLERANCE = 1e-6
"""In log10 units and eV: wider than the rounding of linear algebra on another machine, far below any meaning."""


def golden_predictions(
    model: ConductivityModel, questions: Sequence[tuple[str, float]] = GOLDEN_QUESTIONS
) -> list[GoldenPrediction]:
    """Compute the answers, to (formula, temperature in C), that every copy of the model must reproduce."""
    formulas, temperatures = zip(*questions, strict=True)
    prediction = model.predict(MaterialBatch.from_formulas(formulas), np.array(temperatures))
    sigma, energy = prediction.log10_sigma_S_per_cm, prediction.activation_energy_eV
    return [
        GoldenPrediction(
            formula=formula,
            temperature_C=temperature,
            values={
                "log10_sigma_S_per_cm": float(sigma.value[i]),
                "lower": float(sigma.lower[i]),
                "upper": float(sigma.upper[i]),
                "activation_energy_eV": float(energy.value[i]),
            },
        )
        for i, (formula, temperature) in enumerate(questions)
    ]


def check_golden(model: ConductivityModel, golden: list[GoldenPrediction]) -> None:
    """Recompute the golden predictions of a card, whichever materials it names.

    Raises
    ------
    BundleError
        If one differs by more than `GOLDEN_TOLERANCE`.
    """
    again = golden_predictions(model, [(stored.formula, stored.temperature_C) for stored in golden])
    for stored, now in zip(golden, again, strict=True):
        for name, value in stored.values.items():
            if not abs(now.values[name] - value) <= GOLDEN_TOLERANCE:
                raise BundleError(
                    f"golden prediction of {stored.formula} at {stored.temperature_C:g} C: {name} is"
                    f" {now.values[name]:.9f}, the card says {value:.9f}"
                )


def load_conductivity(folder: Path, expected_digest: str | None = None) -> tuple[ConductivityModel, Bundle]:
    """Load, verify and return a conductivity model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property="conductivity", expected_digest=expected_digest)
    try:
        model = ConductivityModel.from_arrays(bundle.arrays, bundle.card.model)
        check_golden(model, bundle.card.golden)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BundleError(f"{folder} lacks a part of a conductivity model: {reason}") from error
    return model, bundle
