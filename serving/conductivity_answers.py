"""Conductivity as JSON blocks: value, interval, activation energy, probabilities, domain, remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from features.candidate import ROOM_TEMPERATURE_C, Candidate, Conditions, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import Remark, WarningCode
from serving.answers import PropertyAnswers, interval_block
from serving.explanation_blocks import WITHOUT_EXPLAINER, explanation_block
from serving.model_store import ServedModel
from training.conductivity.arrhenius import TRUSTED_RANGE_C
from training.conductivity.explanation import explanations_of
from training.conductivity.model import ConductivityModel, ConductivityPrediction

LARGEST_NOVELTY = 0.65
"""Above it lie an eighth of the rows of left-out papers, with twice the mean error of the others.
Measured once by hand, after the left-out families of docs/benchmark.md had been seen; no command prints it."""
THRESHOLDS = {"1e-10": -10.0, "1e-4": -4.0, "1e-3": -3.0}
IGNORED_CONDITIONS = (
    "stack_pressure_MPa", "interlayer_type", "anode", "areal_capacity_mAh_cm2", "relative_density", "thickness_um",
    "interfacial_resistance_ohm_cm2",
)  # fmt: skip


def answer_conductivity(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float, *,
    explain: bool = False,
) -> PropertyAnswers:  # fmt: skip
    """Judge n candidates, each under its own conditions.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    model: ConductivityModel = served.model
    batch = MaterialBatch.from_candidates(candidates)
    temperature = np.array([ROOM_TEMPERATURE_C if c.temperature_C is None else c.temperature_C for c in conditions])
    prediction = model.predict(batch, temperature, coverage, tuple(THRESHOLDS.values()))
    blocks = [_block(prediction, i, float(temperature[i]), coverage) for i in range(len(candidates))]
    if explain:
        _add_explanations(blocks, model, batch, prediction)
    applicability = _applicability(model, batch, prediction)
    unseen = model.domain.unseen_elements(batch.matrix())
    imbalance = assign_ions(batch).charge_imbalance
    remarks = [
        [
            *_balance_remarks(float(imbalance[i])),
            *_temperature_remarks(float(temperature[i])),
            *_domain_remarks(applicability[i], unseen[i]),
            *_condition_remarks(conditions[i]),
        ]
        for i in range(len(candidates))
    ]
    return PropertyAnswers([*blocks], applicability, remarks)


def _applicability(
    model: ConductivityModel, batch: MaterialBatch, prediction: ConductivityPrediction
) -> list[dict[str, Any]]:
    composition = batch.matrix()
    distance, nearest = model.domain.describe(composition)
    inside = model.domain.in_domain(distance, composition) & (prediction.novelty <= LARGEST_NOVELTY)
    return [
        {
            "in_domain": bool(inside[i]),
            "distance": round(float(distance[i]), 4),
            "domain_radius": round(model.domain.radius, 4),
            "novelty": round(float(prediction.novelty[i]), 4),
            "nearest": [
                {
                    "formula": n.formula,
                    "value": round(n.value, 4),
                    "temperature_C": n.temperature_C,
                    "is_upper_bound": n.is_upper_bound,
                    "doi": n.doi,
                    "distance": n.distance,
                }
                for n in nearest[i]
            ],
        }
        for i in range(len(batch))
    ]


def _block(prediction: ConductivityPrediction, row: int, temperature_C: float, coverage: float) -> dict[str, Any]:
    return {
        "log10_sigma_S_per_cm": interval_block(prediction.log10_sigma_S_per_cm, row, coverage),
        "activation_energy_eV": interval_block(prediction.activation_energy_eV, row, coverage),
        "probability_sigma_above_S_per_cm": {
            name: round(float(prediction.probability_above[level][row]), 4) for name, level in THRESHOLDS.items()
        },
        "temperature_C": temperature_C,
        "basis": "formula and unit cell" if prediction.used_lattice[row] else "formula",
    }


def _add_explanations(
    blocks: Sequence[dict[str, Any]], model: ConductivityModel, batch: MaterialBatch,
    prediction: ConductivityPrediction,
) -> None:  # fmt: skip
    explanations = explanations_of(model, batch, prediction)
    for i, block in enumerate(blocks):
        if explanations is None:
            block |= {"explanation": None, "explanation_reason": WITHOUT_EXPLAINER}
        else:
            block["explanation"] = explanation_block(explanations, i, block["log10_sigma_S_per_cm"]["value"])


def _balance_remarks(imbalance: float) -> list[Remark]:
    if abs(imbalance) <= NEUTRALITY_TOLERANCE:
        return []
    message = f"no common oxidation states balance the formula: {imbalance:+.2f} charges per atom are left"
    return [Remark(WarningCode.NOT_CHARGE_BALANCED, message)]


def _temperature_remarks(temperature_C: float) -> list[Remark]:
    low, high = TRUSTED_RANGE_C
    if low <= temperature_C <= high:
        return []
    message = (
        f"{temperature_C:g} C lies outside {low:g} to {high:g} C: phase changes and melting are not known to the model"
    )
    return [Remark(WarningCode.TEMPERATURE_EXTRAPOLATED, message)]


def _domain_remarks(domain: dict[str, Any], unseen: tuple[str, ...]) -> list[Remark]:
    if unseen:
        names = ", ".join(unseen)
        return [Remark(WarningCode.UNSEEN_ELEMENT, f"no measured material of the tables holds {names}")]
    if domain["in_domain"]:
        return []
    message = (
        f"conductivity: unfamiliar chemistry (distance {domain['distance']:.2f}, novelty {domain['novelty']:.2f}):"
        " trust the interval more than the value, and neither much"
    )
    return [Remark(WarningCode.OUT_OF_DOMAIN, message)]


def _condition_remarks(conditions: Conditions) -> list[Remark]:
    given = [name for name in IGNORED_CONDITIONS if getattr(conditions, name) is not None]
    if not given:
        return []
    return [Remark(WarningCode.CONDITION_IGNORED, f"conductivity does not depend on {', '.join(given)} here")]
