"""What the model of the critical current density says of candidates under the conditions of an objective."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.errors import CandidateError
from serving.answers.conditions import Conditions
from serving.ranking.beliefs import Conformal, Source
from serving.ranking.evidence import Evidence
from serving.ranking.laws import ScoreLaw
from training.properties.ccd.cells import Cells, MaterialNumbers
from training.properties.ccd.judgement import numbers_of
from training.properties.ccd.questions import (
    FEWEST_PAPERS,
    WITHOUT_LITHIUM,
    Question,
    read_question,
    refusal_of,
    support_of,
)
from training.properties.ccd.schema import REGULAR
from training.properties.contract import Beside

Array = NDArray[np.float64]


def ccd_belief(evidence: Evidence, at: Conditions) -> tuple[Conformal, list[str | None]]:
    """Return what is believed of log10 CCD in mA/cm2, and why nothing is where nothing is."""
    model, n = evidence.ccd, len(evidence)
    questions, missing = questions_of(evidence, at)
    judged = np.array([i for i in range(n) if missing[i] is None], dtype=np.int64)
    centre, sd = np.full(n, np.nan), np.full(n, np.nan)
    if len(judged):
        own = [at.over(evidence.conditions[i]) for i in judged]
        asked = [questions[i] for i in judged]

        def column(name: str) -> Array:
            return np.array([np.nan if (v := getattr(c, name)) is None else v for c in own], dtype=float)

        numbers = _numbers(evidence, judged, column("sigma_S_per_cm"))
        cells = Cells.of(
            [q.electrolyte_class for q in asked if q], evidence.composition[judged], numbers,
            interlayer_type=[q.interlayer_type for q in asked if q], anode=[q.anode for q in asked if q],
            temperature_C=np.array([q.temperature_C for q in asked if q]), relative_density=column("relative_density"),
            interfacial_resistance_ohm_cm2=column("interfacial_resistance_ohm_cm2"),
            stack_pressure_MPa=column("stack_pressure_MPa"),
        )  # fmt: skip
        centre[judged], sd[judged] = model.regression(cells)
    law = ScoreLaw(model.scale)
    return Conformal(Source.CCD, centre, sd, sd, (law,), np.zeros(n, dtype=np.int64)), missing


def questions_of(evidence: Evidence, at: Conditions) -> tuple[list[Question | None], list[str | None]]:
    """Return which cell is meant for each row, and why no number can be given where none can."""
    questions: list[Question | None] = []
    missing: list[str | None] = []
    for candidate, own in zip(evidence.candidates, evidence.conditions, strict=True):
        try:
            question = read_question(candidate.amounts, at.over(own))
        except CandidateError as error:
            questions.append(None)
            missing.append(error.message)
            continue
        questions.append(question)
        without = "Li" not in candidate.amounts
        missing.append(WITHOUT_LITHIUM if without else refusal_of(evidence.ccd, question))
    return questions, missing


def in_domain(evidence: Evidence, at: Conditions) -> NDArray[np.bool_]:
    """Return whether enough papers stand behind each row's class, shape (n,)."""
    questions, _ = questions_of(evidence, at)
    support = lru_cache(maxsize=None)(lambda question: support_of(evidence.ccd, question))
    return np.array(
        [q is not None and q.regime == REGULAR and support(q).class_papers >= FEWEST_PAPERS for q in questions],
        dtype=bool,
    )


def _numbers(evidence: Evidence, rows: NDArray[np.int64], measured_S_per_cm: Array) -> MaterialNumbers:
    """Gather what the other models say; what they were asked already is not asked again."""
    beside: dict[str, Beside] = {}
    if "conductivity" in evidence.models:
        of_sigma = evidence.conductivity_at(evidence.temperature_C(Conditions()))
        sigma = np.where(of_sigma.used_lattice, np.nan, of_sigma.log10_sigma_25C)[rows]
        beside["conductivity"] = Beside(evidence.conductivity, {"log10_sigma": sigma})
    if "stability" in evidence.models:
        found = evidence.stability_said
        columns = {name: np.full(len(evidence), np.nan) for name in ("reduction_V", "energy_above_hull_eV_per_atom")}
        for name, column in columns.items():
            if found.said is not None:
                column[found.covered] = getattr(found.said, name).value
        said = {name: column[rows] for name, column in columns.items()}
        beside["stability"] = Beside(evidence.stability, said)
    return numbers_of(evidence.composition[rows], measured_S_per_cm, beside)
