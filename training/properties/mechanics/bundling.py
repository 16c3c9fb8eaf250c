"""The mechanics model as a bundle: what must be reproduced on loading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.candidate import ROOM_TEMPERATURE_C, Candidate, MaterialBatch
from training.bundle import Bundle, GoldenPrediction, compare_golden, golden_rows, load_bundle, rebuilding
from training.machine_cache import check_once
from training.properties.conditions import ConditionColumns
from training.properties.contract import Query
from training.properties.mechanics.judgement import MechanicsJudgement
from training.properties.mechanics.model import MechanicsModel
from training.properties.mechanics.quantities import FLAW_SIZE, NAME, QUANTITIES

GOLDEN_FORMULAS = (
    "Li3PS4",
    "Li10GeP2S12",
    "Li",  # in the table of moduli
    "Li6PS5Cl",
    "Li7La3Zr2O12",  # in that of gaps alone
    "Li3YCl6",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li5.5PS4.5Cl1.5",
    "Na3SbS4",
    "K2MgSnSe4",
)
GOLDEN_TOLERANCE = 5e-3
"""In GPa and eV: single precision of nets on another machine, far below any meaning."""
COVERAGE = 0.9


def golden_predictions(model: MechanicsModel, formulas: Sequence[str] = GOLDEN_FORMULAS) -> list[GoldenPrediction]:
    """Compute the answers that every copy of the model must reproduce."""
    judged = MechanicsJudgement(model, _query(formulas))
    columns = {
        column: end
        for quantity in QUANTITIES
        for column, end in zip(quantity.columns, judged.intervals[quantity.name], strict=False)
    }
    return golden_rows([(formula, ROOM_TEMPERATURE_C) for formula in formulas], columns)


def _query(formulas: Sequence[str]) -> Query:
    """Return formulas under no conditions."""
    candidates = [Candidate.from_formula(formula) for formula in formulas]
    conditions = ConditionColumns({FLAW_SIZE.name: np.full(len(formulas), np.nan)}, {})
    amounts = [candidate.amounts for candidate in candidates]
    return Query(MaterialBatch.from_candidates(candidates), amounts, conditions, COVERAGE, {})


def check_golden(model: MechanicsModel, golden: Sequence[GoldenPrediction]) -> None:
    """Recompute the golden predictions of a card.

    Raises
    ------
    BundleError
        If one differs by more than `GOLDEN_TOLERANCE`.
    """
    compare_golden(golden, golden_predictions(model, [stored.formula for stored in golden]), GOLDEN_TOLERANCE)


def load_mechanics(folder: Path, expected_digest: str | None = None) -> tuple[MechanicsModel, Bundle]:
    """Load, verify and return a mechanics model with its bundle.

    Raises
    ------
    BundleError
        If the bundle was changed, is foreign, or does not reproduce its golden predictions.
    """
    bundle = load_bundle(folder, expected_property=NAME, expected_digest=expected_digest)
    with rebuilding(folder, NAME):
        model = MechanicsModel.from_arrays(bundle.arrays)
        check_once(bundle.digest, lambda: check_golden(model, bundle.card.golden))
    return model, bundle
