"""Critical current density as JSON blocks: value and interval, the conditions meant, what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, Candidate, Conditions, MaterialBatch
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown
from serving.answers.request import Property
from serving.answers.rows import DECIMALS, PropertyAnswers, interval_blocks
from serving.models.store import ServedModel
from training.properties.ccd.cells import Cells, MaterialNumbers, material_numbers
from training.properties.ccd.classes import class_of
from training.properties.ccd.model import CcdModel
from training.properties.ccd.schema import (
    ANODES,
    CLASSES,
    INTERLAYER_TYPES,
    LITHIUM_MELTS_C,
    MOLTEN_REGIME,
    REGULAR,
    SCAFFOLD_REGIME,
    anode_word,
    regime,
)
from training.properties.ccd.shelf import N_NEAREST, Shelf, Support

KELVIN_BY_MISTAKE_C = 250.0
TRUSTED_RANGE_C = (0.0, 120.0)
FEWEST_PAPERS = 5
WITHOUT_LITHIUM = "no lithium: critical current densities of lithium cells only are known"
UNUSED = ("areal_capacity_mAh_cm2", "thickness_um")
TERM_OF = {
    "stack_pressure_MPa": "log10_pressure_MPa", "relative_density": "relative_density",
    "interfacial_resistance_ohm_cm2": "log10_resistance_ohm_cm2", "sigma_S_per_cm": "log10_sigma",
}  # fmt: skip
USED = (
    "temperature_C", "stack_pressure_MPa", "interlayer_type", "anode", "relative_density",
    "interfacial_resistance_ohm_cm2", "sigma_S_per_cm",
)  # fmt: skip
Beside = Mapping[Property, ServedModel]


@dataclass(frozen=True, slots=True)
class Question:
    """What is meant by one row."""

    electrolyte_class: str
    class_is_stated: bool
    interlayer_type: str
    anode: str
    temperature_C: float
    regime: str


def answer_ccd(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float, *,
    explain: bool = False, batch: MaterialBatch | None = None, beside: Beside | None = None,
    said: Mapping[str, NDArray[np.float64]] | None = None,
) -> PropertyAnswers:  # fmt: skip
    """Judge n candidates, each under its own conditions; `explain` changes nothing here.

    Parameters
    ----------
    batch
        The candidates as arrays, where the caller has them.
    beside
        Served models of conductivity and stability to ask; what one that is missing would say counts as unknown
        (callers refuse before: `serving.models.properties.lacking`).
    said
        What these models have said of the same candidates in this call (`PropertyAnswers.numbers`): not asked again.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    model: CcdModel = served.model
    n = len(candidates)
    answers = PropertyAnswers([None] * n, [{} for _ in range(n)], [[] for _ in range(n)], [None] * n, [None] * n)
    assert answers.errors is not None
    assert answers.reasons is not None
    questions: list[Question | None] = []
    for i, (candidate, stated) in enumerate(zip(candidates, conditions, strict=True)):
        try:
            questions.append(read_question(candidate, stated))
        except CandidateError as error:
            questions.append(None)
            answers.errors[i] = error
    good = [i for i, question in enumerate(questions) if question is not None]
    if not good:
        return answers
    asked = [question for question in questions if question is not None]
    composition = (batch or MaterialBatch.from_candidates(candidates)).matrix()[good]
    already = {name: column[good] for name, column in (said or {}).items()}
    measured = np.array([_known(conditions[i].sigma_S_per_cm) for i in good])
    numbers = numbers_of(composition, measured, beside, already)
    interval = model.predict(_cells(asked, composition, numbers, [conditions[i] for i in good]), coverage)
    values = interval_blocks(interval, coverage)
    behind = {question: support_of(model, question) for question in dict.fromkeys(asked)}
    refusals = {question: refusal_of(model, question) for question in behind}
    domains = _applicabilities(model, behind, asked, composition)
    told = [dict(zip(numbers._fields, row, strict=True)) for row in zip(*map(_rounded, numbers), strict=True)]
    for row, i in enumerate(good):
        reason = refusals[asked[row]] if "Li" in candidates[i].amounts else WITHOUT_LITHIUM
        support = behind[asked[row]]
        value = values[row] if reason is None else None
        answers.blocks[i] = _block(support, asked[row], conditions[i], told[row], value, reason)
        answers.applicability[i] = domains[row]
        answers.remarks[i] = _remarks(model, support, asked[row], conditions[i])
        answers.reasons[i] = reason
    return answers


def support_of(model: CcdModel, asked: Question) -> Support:
    """Return how many reports and papers stand behind an answer."""
    return model.shelf.support(asked.electrolyte_class, asked.interlayer_type, asked.temperature_C)


def read_question(candidate: Candidate, stated: Conditions) -> Question:
    """Return what is meant, or say which name is unknown."""
    named = stated.electrolyte_class
    group = one_of(named, CLASSES, "electrolyte_class") if named else class_of(candidate.amounts) or ""
    interlayer = one_of(stated.interlayer_type, INTERLAYER_TYPES, "interlayer_type")
    anode = one_of(stated.anode, ANODES, "anode")
    temperature = ROOM_TEMPERATURE_C if stated.temperature_C is None else stated.temperature_C
    return Question(group, bool(named), interlayer, anode, temperature, regime(temperature, interlayer, anode))


def one_of(text: str | None, allowed: Sequence[str], name: str) -> str:
    """Return a name as the vocabulary spells it, "" for None; raises `CandidateError` where it holds no such name."""
    if text is None:
        return ""
    plain = {known.casefold(): known for known in allowed}
    asked = anode_word(text) if allowed is ANODES else text
    found = plain.get(" ".join(asked.split()).casefold())
    if found is None:
        message = f"{name}: received '{shown(text)}', expected one of: {', '.join(allowed)}"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message)
    return found


def numbers_of(
    composition: NDArray[np.float64], sigma_S_per_cm: NDArray[np.float64], beside: Beside | None,
    said: Mapping[str, NDArray[np.float64]],
) -> MaterialNumbers:  # fmt: skip
    """Gather what other models say of each material; a conductivity that was measured on the sample wins.

    Parameters
    ----------
    composition
        Shape (n, 103).
    sigma_S_per_cm
        Measured conductivities, NaN where none was; shape (n,).
    beside, said
        As in `answer_ccd`.
    """
    numbers = MaterialNumbers.unknown(len(composition))
    for name, column in said.items():
        getattr(numbers, name)[:] = column
    # NaN where a conductivity knew the unit cell: those of the reports were predicted from formulas
    without_sigma = np.flatnonzero(np.isnan(numbers.log10_sigma))
    everything = np.arange(0 if "reduction_V" in said else len(composition))
    for name, rows in ((Property.CONDUCTIVITY, without_sigma), (Property.STABILITY, everything)):
        if len(rows):
            _ask(name, composition, rows, numbers, beside)
    measured = np.log10(sigma_S_per_cm)
    return numbers._replace(log10_sigma=np.where(np.isnan(measured), numbers.log10_sigma, measured))


def _known(value: float | None) -> float:
    return np.nan if value is None else value


def _ask(
    name: Property, composition: NDArray[np.float64], rows: NDArray[np.int64], numbers: MaterialNumbers,
    beside: Beside | None,
) -> None:  # fmt: skip
    """Ask one model about some rows, each material once."""
    different, place = np.unique(composition[rows], axis=0, return_inverse=True)
    served = (beside or {}).get(name)
    model = None if served is None else served.model
    of_sigma = name is Property.CONDUCTIVITY
    models = (model, None) if of_sigma else (None, model)
    found = material_numbers(MaterialBatch.from_matrix(different), *models)
    for column in ("log10_sigma",) if of_sigma else ("reduction_V", "energy_above_hull_eV_per_atom"):
        getattr(numbers, column)[rows] = getattr(found, column)[place.reshape(-1)]


def _cells(
    asked: Sequence[Question], composition: NDArray[np.float64], numbers: MaterialNumbers,
    conditions: Sequence[Conditions],
) -> Cells:  # fmt: skip
    def column(name: str) -> NDArray[np.float64]:
        values = [getattr(c, name) for c in conditions]
        return np.array([_known(value) for value in values], dtype=float)

    return Cells.of(
        [q.electrolyte_class for q in asked], composition, numbers,
        interlayer_type=[q.interlayer_type for q in asked], anode=[q.anode for q in asked],
        temperature_C=np.array([q.temperature_C for q in asked]), relative_density=column("relative_density"),
        interfacial_resistance_ohm_cm2=column("interfacial_resistance_ohm_cm2"),
        stack_pressure_MPa=column("stack_pressure_MPa"),
    )  # fmt: skip


def refusal_of(model: CcdModel, asked: Question) -> str | None:
    """Return why no number can be given for any lithium electrolyte, None where one can."""
    if asked.regime == MOLTEN_REGIME:
        return (
            f"lithium is molten above {LITHIUM_MELTS_C:g} C: another regime (voids fill at once), of which the table"
            f" has {int((model.shelf.regime == MOLTEN_REGIME).sum())} report"
        )
    if asked.regime == SCAFFOLD_REGIME:
        own = model.shelf.log10_ccd[model.shelf.regime == SCAFFOLD_REGIME]
        return (
            "3D and mixed-conducting scaffolds are another regime (their true interface is larger than the geometric"
            f" one): the {len(own)} reports span {10 ** own.min():.1g} to {10 ** own.max():.3g} mA/cm2; see the nearest"
        )
    seen = model.shelf.classes
    if asked.electrolyte_class in seen:
        return None
    known = f"the table holds: {', '.join(seen)} (name one as electrolyte_class if the formula misleads)"
    if not asked.electrolyte_class:
        return f"the formula belongs to no class of electrolyte that the rules know; {known}"
    return f"no report of the class {asked.electrolyte_class}; {known}"


def _block(
    support: Support, asked: Question, stated: Conditions, told: Mapping[str, float | None],
    value: dict[str, Any] | None, reason: str | None,
) -> dict[str, Any]:  # fmt: skip
    echoed: dict[str, Any] = {name: getattr(stated, name) for name in USED}
    echoed |= {
        "temperature_C": asked.temperature_C,
        "interlayer_type": asked.interlayer_type or None,
        "anode": asked.anode or None,
    }
    block: dict[str, Any] = {
        "log10_ccd_mA_per_cm2": value,
        "ccd_mA_per_cm2": None if value is None else {end: _power(value[end]) for end in ("value", "lower", "upper")},
        "conditions": echoed,
        "electrolyte_class": asked.electrolyte_class or None,
        "class_from": "caller" if asked.class_is_stated else "formula",
        "material": {**told, "sigma_from": "caller" if stated.sigma_S_per_cm is not None else "conductivity model"},
        "support": support._asdict(),
    }
    return block if reason is None else block | {"reason": reason}


def _power(log10: float | None) -> float | None:
    return None if log10 is None else float(f"{10**log10:.3g}")


def _rounded(numbers: NDArray[np.float64]) -> list[float | None]:
    return [None if number != number else number for number in numbers.round(DECIMALS).tolist()]


def _applicabilities(
    model: CcdModel, behind: Mapping[Question, Support], asked: Sequence[Question], composition: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return what `applicability_of` says of each row; rows that ask about the same cell are looked up together."""
    found: list[dict[str, Any]] = [{}] * len(asked)
    places: dict[Question, list[int]] = {}
    for row, question in enumerate(asked):
        places.setdefault(question, []).append(row)
    for question, rows in places.items():
        together = applicability_of(model, behind[question], question, composition[rows])
        for row, one in zip(rows, together, strict=True):
            found[row] = one
    return found


def applicability_of(
    model: CcdModel, support: Support, asked: Question, composition: NDArray[np.float64], n_nearest: int = N_NEAREST
) -> list[dict[str, Any]]:
    """Return, for n compositions, whether enough papers stand behind an answer, and the nearest reports of its regime.

    Parameters
    ----------
    model, support, asked
        The model, what stands behind the cell that is meant, and that cell.
    composition
        Shape (n, 103).
    n_nearest
        How many reports, nearest first.
    """
    rows, distances = model.shelf.nearest(
        composition, asked.electrolyte_class, asked.interlayer_type, asked.temperature_C, asked.regime, n_nearest
    )
    in_domain = support.class_papers >= FEWEST_PAPERS and asked.regime == REGULAR
    reports = _reports(model.shelf)
    return [
        {
            "in_domain": in_domain,
            "distance": apart[0] if apart else None,
            "nearest": [{**reports[i], "distance": distance} for i, distance in zip(own, apart, strict=True)],
        }
        for own, apart in zip(rows.tolist(), distances.round(DECIMALS).tolist(), strict=True)
    ]


@lru_cache(maxsize=4)
def _reports(shelf: Shelf) -> list[dict[str, Any]]:
    """Return every report of a shelf as JSON, without a distance."""
    degrees, pressures = _rounded(shelf.temperature_C), _rounded(shelf.stack_pressure_MPa)
    return [
        {
            "formula": str(shelf.formula[i]) or str(shelf.material[i]),
            "value": round(float(shelf.log10_ccd[i]), DECIMALS),
            "is_lower_bound": bool(shelf.is_lower_bound[i]),
            "doi": str(shelf.doi[i]) or None,
            "reference": str(shelf.reference[i]) or None,
            "distance": None,
            "material": str(shelf.material[i]),
            "interlayer_type": str(shelf.interlayer_type[i]),
            "anode": str(shelf.anode[i]),
            "temperature_C": degrees[i],
            "stack_pressure_MPa": pressures[i],
            "provenance": str(shelf.provenance[i]),
        }
        for i in range(len(shelf))
    ]


def _remarks(model: CcdModel, support: Support, asked: Question, stated: Conditions) -> list[Remark]:
    remarks = []
    if asked.temperature_C > KELVIN_BY_MISTAKE_C:
        message = f"temperature_C is {asked.temperature_C:g}: was it given in kelvin? degrees Celsius are expected"
        remarks.append(Remark(WarningCode.TEMPERATURE_IN_KELVIN, message))
    elif asked.regime == REGULAR and not TRUSTED_RANGE_C[0] <= asked.temperature_C <= TRUSTED_RANGE_C[1]:
        message = f"ccd: {asked.temperature_C:g} C lies outside the 25 to 100 C of the reports"
        remarks.append(Remark(WarningCode.TEMPERATURE_EXTRAPOLATED, message))
    if 0 < support.class_papers < FEWEST_PAPERS and asked.regime == REGULAR:
        papers = "one paper stands" if support.class_papers == 1 else f"{support.class_papers} papers stand"
        message = f"ccd: {papers} behind the class {asked.electrolyte_class}: believe the interval"
        remarks.append(Remark(WarningCode.OUT_OF_DOMAIN, message))
    given = [name for name in UNUSED if getattr(stated, name) is not None]
    if given:
        remarks.append(Remark(WarningCode.CONDITION_IGNORED, f"ccd does not depend on {', '.join(given)} here"))
    terms, named = model.regression.terms, asked.electrolyte_class
    blind = [name for name, term in TERM_OF.items() if getattr(stated, name) is not None]
    blind = [name for name in blind if named in CLASSES and not terms.knows(named, TERM_OF[name])]
    if blind and asked.regime == REGULAR:
        message = f"ccd of a {named} does not depend on {', '.join(blind)}: too few reports of the class state it"
        remarks.append(Remark(WarningCode.CONDITION_IGNORED, message))
    return remarks
