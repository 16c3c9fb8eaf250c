"""The conductivity model as a bundle: what is written beside the weights, and what must be reproduced on loading."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.lattice import NO_LATTICE, Lattice
from training.bundle import Bundle, GoldenPrediction, compare_golden, golden_rows, load_bundle, rebuilding
from training.machine_cache import check_once, kept_arrays
from training.properties.conductivity.model import ConductivityModel

Array = NDArray[np.float64]
GOLDEN_FORMULAS = (
    "Li6PS5Cl",
    "Li5.5PS4.5Cl1.5",
    "Li10GeP2S12",
    "Li7P3S11",
    "Li3PS4",
    "Li7La3Zr2O12",
    "Li6.5La3Zr1.5Ta0.5O12",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li3YCl6",
    "Li3InCl6",
    "Li4SiO4",
    "LiTaOCl4",
)
GOLDEN_TEMPERATURES_C = (25.0, 60.0)
GOLDEN_CELLS = {
    "Li6PS5Cl": Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216, 52),
    "Li10GeP2S12": Lattice(8.72, 8.72, 12.63, 90.0, 90.0, 90.0, 137, 50),
    "Li6.5La3Zr1.5Ta0.5O12": Lattice(12.93, 12.93, 12.93, 90.0, 90.0, 90.0, 230, 188),
    "Li1.3Al0.3Ti1.7(PO4)3": Lattice(8.5, 8.5, 20.82, 90.0, 90.0, 120.0, 167, 109.8),
    "Li3YCl6": Lattice(11.2, 11.2, 6.03, 90.0, 90.0, 120.0, 164, 30),
}
"""Rounded cells: they ask the lattice variant and claim nothing about the materials."""


class GoldenQuestion(NamedTuple):
    """What a golden prediction answers."""

    formula: str
    temperature_C: float
    lattice: tuple[float, ...] | None = None

    @classmethod
    def of(cls, golden: GoldenPrediction) -> GoldenQuestion:
        """Return the question that was answered."""
        return cls(golden.formula, golden.temperature_C, golden.lattice)


GOLDEN_QUESTIONS = (
    *(GoldenQuestion(formula, t) for formula in GOLDEN_FORMULAS for t in GOLDEN_TEMPERATURES_C),
    *(GoldenQuestion(f, t, cell.as_tuple()) for f, cell in GOLDEN_CELLS.items() for t in GOLDEN_TEMPERATURES_C),
)
GOLDEN_TOLERANCE = 1e-6
"""In log10 units and eV: wider than the rounding of linear algebra on another machine, far below any meaning."""


def headline(model: ConductivityModel, batch: MaterialBatch, temperature_C: Array) -> dict[str, Array]:
    """Return the columns that golden predictions and registered versions promise, with the 90 % interval."""
    said = model.predict(batch, temperature_C)
    sigma = said.log10_sigma_S_per_cm
    return {
        "log10_sigma_S_per_cm": sigma.value,
        "lower": sigma.lower,
        "upper": sigma.upper,
        "activation_energy_eV": said.activation_energy_eV.value,
    }


def golden_predictions(
    model: ConductivityModel, questions: Sequence[GoldenQuestion] = GOLDEN_QUESTIONS
) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce."""
    lattices = [question.lattice for question in questions]
    cells = np.array([lattice or NO_LATTICE.as_tuple() for lattice in lattices])
    batch = MaterialBatch.from_formulas([question.formula for question in questions], cells)
    columns = headline(model, batch, np.array([question.temperature_C for question in questions]))
    return golden_rows([question[:2] for question in questions], columns, lattices)


def check_golden(model: ConductivityModel, golden: list[GoldenPrediction]) -> None:
    """Recompute the golden predictions of a card, whichever materials it names.

    Raises
    ------
    BundleError
        If one differs by more than `GOLDEN_TOLERANCE`.
    """
    compare_golden(
        golden, golden_predictions(model, [GoldenQuestion.of(stored) for stored in golden]), GOLDEN_TOLERANCE
    )


def load_conductivity(folder: Path, expected_digest: str | None = None) -> tuple[ConductivityModel, Bundle]:
    """Load, verify and return a conductivity model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property="conductivity", expected_digest=expected_digest)
    with rebuilding(folder, "conductivity"):
        model = ConductivityModel.from_arrays(bundle.arrays, bundle.card.model)
        for name, variant in model.variants.items():
            variant.ensemble.process.keep_factors(partial(kept_arrays, bundle.digest, name))
        check_once(bundle.digest, lambda: check_golden(model, bundle.card.golden))
    return model, bundle
