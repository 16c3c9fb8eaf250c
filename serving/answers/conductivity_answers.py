"""Conductivity as JSON blocks: value, interval, activation energy, probabilities, domain, remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, Conditions, MaterialBatch
from features.chemistry import assign_ions
from features.errors import Remark, WarningCode
from serving.answers.explanation_blocks import WITHOUT_EXPLAINER, explanation_block
from serving.answers.rows import BY_STATE, DECIMALS, PropertyAnswers, balance_remarks, interval_blocks
from serving.models.store import ServedModel
from training.applicability import N_NEAREST, DomainIndex, Neighbour
from training.properties.conductivity.arrhenius import TRUSTED_RANGE_C
from training.properties.conductivity.explanation import explanations_of
from training.properties.conductivity.familiarity import LARGEST_NOVELTY, is_familiar
from training.properties.conductivity.measured_states import disagreement_words
from training.properties.conductivity.model import ConductivityModel, ConductivityPrediction
from training.properties.conductivity.phase_changes import PhaseChange, crossed

THRESHOLDS = {"1e-10": -10.0, "1e-4": -4.0, "1e-3": -3.0}
IGNORED_CONDITIONS = (
    "stack_pressure_MPa", "interlayer_type", "anode", "areal_capacity_mAh_cm2", "relative_density", "thickness_um",
    "interfacial_resistance_ohm_cm2", "sigma_S_per_cm", "electrolyte_class",
)  # fmt: skip


def answer_conductivity(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float, *,
    explain: bool = False, batch: MaterialBatch | None = None,
) -> PropertyAnswers:  # fmt: skip
    """Judge n candidates, each under its own conditions; `batch` is the candidates as arrays.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    model: ConductivityModel = served.model
    batch = batch or MaterialBatch.from_candidates(candidates)
    temperature = np.array([ROOM_TEMPERATURE_C if c.temperature_C is None else c.temperature_C for c in conditions])
    prediction = model.predict(batch, temperature, coverage, tuple(THRESHOLDS.values()))
    blocks = _blocks(prediction, temperature, coverage)
    if explain:
        _add_explanations(blocks, model, batch, prediction)
    composition = batch.matrix()
    applicability = applicability_of(model, composition, prediction)
    nearest = [Neighbour(**domain["nearest"][0]) for domain in applicability]
    unseen, changes = model.domain.unseen_elements(composition), crossed(composition, temperature)
    imbalance = assign_ions(batch).charge_imbalance
    remarks = [
        [
            *(balance_remarks(float(imbalance[i])) if len(candidates[i].amounts) > 1 else []),
            *_temperature_remarks(float(temperature[i])),
            *_phase_remarks(changes[i], float(temperature[i])),
            *_measurement_remarks(model.domain, nearest[i]),
            *_domain_remarks(applicability[i], unseen[i]),
            *_condition_remarks(conditions[i]),
        ]
        for i in range(len(candidates))
    ]
    of_formula = np.where(prediction.used_lattice, np.nan, prediction.log10_sigma_25C)
    return PropertyAnswers([*blocks], applicability, remarks, numbers={"log10_sigma": of_formula})


def applicability_of(
    model: ConductivityModel, composition: NDArray[np.float64], prediction: ConductivityPrediction,
    n_nearest: int = N_NEAREST,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return for each row whether the model knows its like, and the nearest measured materials, nearest first."""
    in_composition, nearest = model.domain.describe(composition, n_nearest)
    inside = model.domain.in_domain(in_composition, composition) & is_familiar(
        prediction.distance, prediction.domain_radius, prediction.novelty
    )
    numbers = {
        "distance": prediction.distance, "domain_radius": prediction.domain_radius,
        "composition_distance": in_composition,
        "composition_radius": np.full(len(composition), model.domain.radius), "novelty": prediction.novelty,
    }  # fmt: skip
    rows = zip(inside.tolist(), *(column.round(DECIMALS).tolist() for column in numbers.values()), nearest, strict=True)
    return [
        {
            "in_domain": in_domain,
            **dict(zip(numbers, values, strict=True)),
            "nearest": [neighbour._asdict() for neighbour in neighbours],
        }
        for in_domain, *values, neighbours in rows
    ]


def _blocks(
    prediction: ConductivityPrediction, temperature_C: NDArray[np.float64], coverage: float
) -> list[dict[str, Any]]:
    sigma = interval_blocks(prediction.log10_sigma_S_per_cm, coverage)
    energy = interval_blocks(prediction.activation_energy_eV, coverage)
    above = np.array([prediction.probability_above[level] for level in THRESHOLDS.values()]).T.round(DECIMALS).tolist()
    return [
        {
            "log10_sigma_S_per_cm": sigma[row],
            "activation_energy_eV": energy[row],
            "probability_sigma_above_S_per_cm": dict(zip(THRESHOLDS, above[row], strict=True)),
            "temperature_C": temperature,
            "basis": "formula and unit cell" if prediction.used_lattice[row] else "formula",
        }
        for row, temperature in enumerate(temperature_C.tolist())
    ]


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


def _temperature_remarks(temperature_C: float) -> list[Remark]:
    low, high = TRUSTED_RANGE_C
    if low <= temperature_C <= high:
        return []
    message = (
        f"{temperature_C:g} C lies outside {low:g} to {high:g} C: phase changes and melting are not known to the model"
    )
    return [Remark(WarningCode.TEMPERATURE_EXTRAPOLATED, message)]


def _phase_remarks(changes: Sequence[PhaseChange], temperature_C: float) -> list[Remark]:
    return [
        Remark(
            WarningCode.PHASE_CHANGE,
            f"between 25 C and {temperature_C:g} C, near {change.temperature_C:g} C, lies a change of {change.formula}"
            f" that the model does not know of: {change.kind} ({change.source})",
        )
        for change in changes
    ]


def _measurement_remarks(domain: DomainIndex, nearest: Neighbour) -> list[Remark]:
    formula = domain.disagreement_at(nearest)
    if formula is None:
        return []
    whole, by_state = disagreement_words(domain, formula)
    return [Remark(WarningCode.MEASUREMENTS_DISAGREE, f"conductivity: {whole}{BY_STATE}{by_state}")]


def _domain_remarks(domain: dict[str, Any], unseen: tuple[str, ...]) -> list[Remark]:
    if unseen:
        names = ", ".join(unseen)
        return [Remark(WarningCode.UNSEEN_ELEMENT, f"no measured material of the tables holds {names}")]
    if domain["in_domain"]:
        return []
    beyond = [
        f"{name} {domain[key]:.2f} above {limit:.2f}"
        for name, key, limit in (
            ("distance", "distance", domain["domain_radius"]),
            ("distance in composition", "composition_distance", domain["composition_radius"]),
            ("novelty", "novelty", LARGEST_NOVELTY),
        )
        if domain[key] > limit
    ]
    message = (
        f"conductivity: unfamiliar chemistry ({', '.join(beyond)}): trust the interval more than the value, and neither"
        " much"
    )
    return [Remark(WarningCode.OUT_OF_DOMAIN, message)]


def _condition_remarks(conditions: Conditions) -> list[Remark]:
    given = [name for name in IGNORED_CONDITIONS if getattr(conditions, name) is not None]
    if not given:
        return []
    return [Remark(WarningCode.CONDITION_IGNORED, f"conductivity does not depend on {', '.join(given)} here")]
