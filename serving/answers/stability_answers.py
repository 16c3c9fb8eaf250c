"""Stability as JSON blocks: energies, window, what it decomposes into and what happens beyond the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.candidate import Candidate, Conditions, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode
from serving.answers.rows import DECIMALS, PropertyAnswers, balance_remarks, interval_blocks
from serving.models.store import ServedModel
from training.properties.stability.model import Neighbourhood, StabilityModel, StabilityPrediction
from training.thermodynamics.hull import NO_PHASE
from training.thermodynamics.reactions import NO_REACTION, Reaction, decompositions, phase_formula, shown_reaction
from training.thermodynamics.window import limit_reactions

ENERGIES = ("formation_energy_eV_per_atom", "decomposition_energy_eV_per_atom", "energy_above_hull_eV_per_atom")
LIMITS = ("reduction_V", "oxidation_V")
REFERENCE_DOI = "10.1038/s41524-020-00362-y"
WITHOUT_LITHIUM = "no lithium: a window against Li/Li+ is not defined"
ELEMENT_ALONE = "an element alone has no window"
NOT_SOLVED = "the phase equilibrium did not converge"
NARROWEST_WINDOW_V = 1e-3
UNBALANCED = "no common oxidation states balance the formula; its window would mean nothing"


def answer_stability(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float, *,
    explain: bool = False, batch: MaterialBatch | None = None,
) -> PropertyAnswers:  # fmt: skip
    """Judge n candidates at 0 K; conditions and `explain` change nothing here; `batch` is the candidates as arrays.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    model: StabilityModel = served.model
    batch = batch or MaterialBatch.from_candidates(candidates)
    uncovered = model.uncovered_elements(batch)
    good = np.array([i for i, elements in enumerate(uncovered) if not elements], dtype=np.int64)
    numbers = {name: np.full(len(candidates), np.nan) for name in ("reduction_V", "energy_above_hull_eV_per_atom")}
    answers = PropertyAnswers(
        [None] * len(candidates), [{} for _ in candidates], [[] for _ in candidates],
        errors=[without_energies(elements) for elements in uncovered], numbers=numbers,
    )  # fmt: skip
    if not len(good):
        return answers
    chosen = batch if len(good) == len(batch) else batch.take(good)
    said = model.predict(chosen, coverage)
    for name, column in numbers.items():
        column[good] = getattr(said, name).value
    amounts = [candidates[i].amounts for i in good]
    breaking = decompositions(model.phases, amounts, said.competing)
    beyond = limit_reactions(model.phases, amounts, said.windows)
    intervals = {name: interval_blocks(getattr(said, name), coverage) for name in (*ENERGIES, *LIMITS)}
    imbalance = assign_ions(chosen).charge_imbalance
    for row, i in enumerate(good.tolist()):
        reason = _no_window(amounts[row], float(imbalance[row]), float(said.reduction_V.value[row]))
        own = {name: blocks[row] for name, blocks in intervals.items()}
        answers.blocks[i] = _block(said, row, own, breaking[row], beyond[row], reason)
        answers.applicability[i] = applicability_of(model, said, row)
        answers.remarks[i] = [
            *(balance_remarks(float(imbalance[row])) if len(amounts[row]) > 1 else []),
            *_window_remarks(answers.blocks[i]),
            *_domain_remarks(answers.applicability[i]),
        ]
    return answers


def _block(
    said: StabilityPrediction, row: int, intervals: Mapping[str, dict[str, Any]], breaking: Reaction,
    beyond: tuple[Reaction | None, Reaction | None], reason: str | None,
) -> dict[str, Any]:  # fmt: skip
    block: dict[str, Any] = {name: intervals[name] for name in ENERGIES}
    unstable = block["energy_above_hull_eV_per_atom"]["value"] > 0
    breaking, footnote = shown_reaction(breaking)
    footnotes = [footnote] if unstable else []
    block |= {
        "probability_stable": round(float(said.probability_stable[row]), DECIMALS),
        "basis": "reference" if said.is_reference[row] else "model",
        "decomposition_products": _parts(breaking.products) if unstable else [],
        "decomposition": breaking.text if unstable else None,
        "competing_phases": [] if breaking.text == NO_REACTION else _parts(breaking.products),
    }
    if reason is not None:
        return block | {name: None for name in LIMITS} | {"window_reason": reason} | _footnotes(footnotes)
    block |= {name: intervals[name] for name in LIMITS}
    for name, computed in zip(("reduction", "oxidation"), beyond, strict=True):
        reaction, footnote = (None, None) if computed is None else shown_reaction(computed)
        block[f"{name}_reaction"] = reaction.text if reaction is not None else None
        block[f"{name}_products"] = _parts(reaction.products) if reaction is not None else []
        footnotes.append(footnote)
    return block | _footnotes(footnotes)


def _footnotes(footnotes: Sequence[str | None]) -> dict[str, list[str]]:
    """Return what is to be said of reactions that are shown otherwise than computed."""
    said = list(dict.fromkeys(note for note in footnotes if note is not None))
    return {"footnotes": said} if said else {}


def _parts(species: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return formulas with their formula units per formula unit of the candidate."""
    return [{"formula": formula, "amount": round(amount, DECIMALS)} for formula, amount in species.items()]


def _no_window(amounts: Mapping[str, float], imbalance: float, reduction_V: float) -> str | None:
    if "Li" not in amounts:
        return WITHOUT_LITHIUM
    if len(amounts) == 1:
        return ELEMENT_ALONE
    if abs(imbalance) > NEUTRALITY_TOLERANCE:
        return f"{UNBALANCED} ({imbalance:+.2f} charges per atom are left)"
    return NOT_SOLVED if np.isnan(reduction_V) else None


def applicability_of(model: StabilityModel, said: StabilityPrediction | Neighbourhood, row: int) -> dict[str, Any]:
    """Return whether a row lies among the known compounds, and the nearest of these, nearest first."""
    depth = model.surroundings.depth_eV_per_atom
    return {
        "in_domain": bool(said.in_domain[row]),
        "distance": round(float(said.distance[row, 0]), DECIMALS),
        "domain_radius": round(model.radius, DECIMALS),
        "disagreement_eV_per_atom": round(float(said.spread_eV_per_atom[row]), DECIMALS),
        "nearest": [
            {
                "formula": phase_formula(model.phases, phase),
                "value": round(float(model.phases.energy_eV_per_atom[phase]), DECIMALS),
                "energy_above_hull_eV_per_atom": round(max(float(depth[phase]), 0.0), DECIMALS),
                "doi": REFERENCE_DOI,
                "distance": round(distance, DECIMALS),
            }
            for phase, distance in zip(said.nearest[row].tolist(), said.distance[row].tolist(), strict=True)
            if phase != NO_PHASE
        ],
    }


def _window_remarks(block: Mapping[str, Any] | None) -> list[Remark]:
    if block is None or block["reduction_V"] is None:
        return []
    if block["oxidation_V"]["value"] - block["reduction_V"]["value"] > NARROWEST_WINDOW_V:
        return []
    message = (
        "stability: the window has no width; amounts rounded off charge neutrality do that (Li0.33La0.56TiO3 should"
        " read Li0.33La0.5566667TiO3), and so do mixtures of as many phases as elements"
    )
    return [Remark(WarningCode.WINDOW_CLOSED, message)]


def _domain_remarks(domain: Mapping[str, Any]) -> list[Remark]:
    if domain["in_domain"]:
        return []
    message = (
        f"stability: far from known compounds (distance {domain['distance']:.2f}) or the nets disagree"
        f" ({domain['disagreement_eV_per_atom']:.3f} eV/atom): trust the interval more than the value"
    )
    return [Remark(WarningCode.OUT_OF_DOMAIN, message)]


def without_energies(elements: Sequence[str]) -> CandidateError | None:
    """Return what is wrong with a material that holds elements which the table of energies does not cover."""
    if not elements:
        return None
    return CandidateError(
        RowErrorCode.ELEMENT_WITHOUT_ENERGIES,
        f"stability: the table of formation energies holds no compound of {', '.join(elements)}",
    )
