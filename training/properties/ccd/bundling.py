"""The CCD model as a bundle: what must be reproduced on loading, without the models of the other properties."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.bundle import Bundle, GoldenPrediction, compare_golden, golden_rows, load_bundle, rebuilding
from training.machine_cache import check_once
from training.properties.ccd.cells import Cells, MaterialNumbers
from training.properties.ccd.classes import class_of
from training.properties.ccd.model import CcdModel
from training.properties.ccd.schema import REGULAR, regime
from training.properties.ccd.slopes import without_uncarried
from training.properties.contract import Query

Array = NDArray[np.float64]
GOLDEN_FORMULAS = (
    "Li6PS5Cl",
    "Li5.5PS4.5Cl1.5",
    "Li5.7PS4.7Cl1.3",
    "Li7La3Zr2O12",
    "Li6.4La3Zr1.4Ta0.6O12",
    "Li7P3S11",
    "Li10GeP2S12",
    "Li3YCl6",
    "LiBH4",
)
GOLDEN_TEMPERATURES_C = (25.0, 60.0)
GOLDEN_NUMBERS = MaterialNumbers(*(np.array([value]) for value in (-2.8, 1.72, 0.02)))
"""Told of every golden material, so that no other model is needed to check them."""
GOLDEN_TOLERANCE = 1e-6


def golden_predictions(model: CcdModel, questions: Sequence[tuple[str, float]] | None = None) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce, for cells with a fluoride interlayer."""
    asked = questions or [(formula, t) for formula in GOLDEN_FORMULAS for t in GOLDEN_TEMPERATURES_C]
    n = len(asked)
    unknown = np.full(n, np.nan)
    cells = Cells.of(
        [class_of(parse_formula(formula)) or "" for formula, _ in asked],
        MaterialBatch.from_formulas([formula for formula, _ in asked]).matrix(),
        MaterialNumbers(*(np.repeat(part, n) for part in GOLDEN_NUMBERS)),
        interlayer_type=["fluoride/halide"] * n,
        anode=[""] * n,
        temperature_C=np.array([t for _, t in asked]),
        relative_density=unknown,
        interfacial_resistance_ohm_cm2=unknown,
        stack_pressure_MPa=np.full(n, 5.0),
    )
    return golden_rows(asked, headline(model, cells))


def headline(model: CcdModel, cells: Cells) -> dict[str, Array]:
    """Return the columns that golden predictions and registered versions promise, with the 90 % interval."""
    return dict(zip(("log10_ccd_mA_per_cm2", "lower", "upper"), model.predict(cells), strict=True))


def frame(model: CcdModel, query: Query) -> dict[str, Array]:
    """Return `headline` under conditions as they are told; NaN where the service gives no number either.

    No other model is asked: conductivity, reduction potential and energy above hull count as those of the class.
    """
    n, numbers = len(query), query.conditions.numbers
    words = {name: [word or "" for word in column] for name, column in query.conditions.texts.items()}
    cells = Cells.of(
        [class_of(amounts) or "" for amounts in query.amounts],
        query.batch.matrix(),
        MaterialNumbers.unknown(n),
        interlayer_type=words["interlayer_type"],
        anode=words["anode"],
        temperature_C=numbers["temperature_C"],
        relative_density=numbers["relative_density"],
        interfacial_resistance_ohm_cm2=numbers["interfacial_resistance_ohm_cm2"],
        stack_pressure_MPa=numbers["stack_pressure_MPa"],
    )
    asked = zip(cells.temperature_C, cells.interlayer_type, cells.anode, cells.electrolyte_class, strict=True)
    seen = model.shelf.classes
    cells = without_uncarried(model.regression, cells)
    known = [regime(float(t), str(layer), str(anode)) == REGULAR and group in seen for t, layer, anode, group in asked]
    return {name: np.where(known, column, np.nan) for name, column in headline(model, cells).items()}


def check_golden(model: CcdModel, golden: Sequence[GoldenPrediction]) -> None:
    """Recompute the golden predictions of a card.

    Raises
    ------
    BundleError
        If one differs by more than `GOLDEN_TOLERANCE`.
    """
    compare_golden(
        golden,
        golden_predictions(model, [(stored.formula, stored.temperature_C) for stored in golden]),
        GOLDEN_TOLERANCE,
    )


def load_ccd(folder: Path, expected_digest: str | None = None) -> tuple[CcdModel, Bundle]:
    """Load, verify and return a CCD model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property="ccd", expected_digest=expected_digest)
    with rebuilding(folder, "CCD"):
        model = CcdModel.from_arrays(bundle.arrays)
        check_once(bundle.digest, lambda: check_golden(model, bundle.card.golden))
    return model, bundle
