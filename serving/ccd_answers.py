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
from serving.answers import DECIMALS, PropertyAnswers, interval_block
from serving.model_store import ModelUnavailableError, ServedModel, load_models
from serving.schema import Property
from training.ccd.cells import Cells, MaterialNumbers, material_numbers
from training.ccd.classes import class_of
from training.ccd.model import CcdModel
from training.ccd.schema import (
    ANODES,
    CLASSES,
    INTERLAYER_TYPES,
    LITHIUM_MELTS_C,
    MOLTEN_REGIME,
    REGULAR,
    SCAFFOLD_REGIME,
    regime,
)
from training.ccd.shelf import Support

KELVIN_BY_MISTAKE_C = 250.0
TRUSTED_RANGE_C = (0.0, 120.0)
FEWEST_PAPERS = 5
UNUSED = ("areal_capacity_mAh_cm2", "thickness_um")
USED = (
    "temperature_C", "stack_pressure_MPa", "interlayer_type", "anode", "relative_density",
    "interfacial_resistance_ohm_cm2", "sigma_S_per_cm",
)  # fmt: skip
Beside = Mapping[Property, ServedModel]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is meant by one row."""

    electrolyte_class: str
    class_is_stated: bool
    interlayer_type: str
    anode: str
    temperature_C: float
    regime: str


def answer_ccd(
    served: ServedModel, candidates: Sequence[Candidate], conditions: Sequence[Conditions], coverage: float, *,
    explain: bool = False, beside: Beside | None = None, said: Mapping[str, NDArray[np.float64]] | None = None,
) -> PropertyAnswers:  # fmt: skip
    """Judge n candidates, each under its own conditions; `explain` changes nothing here.

    Parameters
    ----------
    beside
        Served models of conductivity and stability to ask; one that is missing is replaced by the shipped one.
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
    questions: list[_Question | None] = []
    for i, (candidate, stated) in enumerate(zip(candidates, conditions, strict=True)):
        try:
            questions.append(_read(candidate, stated))
        except CandidateError as error:
            questions.append(None)
            answers.errors[i] = error
    good = [i for i, question in enumerate(questions) if question is not None]
    if not good:
        return answers
    asked = [question for question in questions if question is not None]
    composition = MaterialBatch.from_candidates([candidates[i] for i in good]).matrix()
    already = {name: column[good] for name, column in (said or {}).items()}
    numbers = _numbers(composition, [conditions[i] for i in good], beside, already)
    interval = model.predict(_cells(asked, composition, numbers, [conditions[i] for i in good]), coverage)
    behind = {question: _support(model, question) for question in dict.fromkeys(asked)}
    for row, i in enumerate(good):
        reason = _refusal(model, candidates[i], asked[row])
        support = behind[asked[row]]
        value = interval_block(interval, row, coverage) if reason is None else None
        told = MaterialNumbers(*(part[[row]] for part in numbers))
        answers.blocks[i] = _block(support, asked[row], conditions[i], told, value, reason)
        answers.applicability[i] = _applicability(model, support, asked[row], composition[row])
        answers.remarks[i] = _remarks(support, asked[row], conditions[i])
        answers.reasons[i] = reason
    return answers


def _support(model: CcdModel, asked: _Question) -> Support:
    return model.shelf.support(asked.electrolyte_class, asked.interlayer_type, asked.temperature_C)


def _read(candidate: Candidate, stated: Conditions) -> _Question:
    """Return what is meant, or say which name is unknown."""
    named = stated.electrolyte_class
    group = _one_of(named, CLASSES, "electrolyte_class") if named else class_of(candidate.amounts) or ""
    interlayer = _one_of(stated.interlayer_type, INTERLAYER_TYPES, "interlayer_type")
    anode = _one_of(stated.anode, ANODES, "anode")
    temperature = ROOM_TEMPERATURE_C if stated.temperature_C is None else stated.temperature_C
    return _Question(group, bool(named), interlayer, anode, temperature, regime(temperature, interlayer, anode))


def _one_of(text: str | None, allowed: Sequence[str], name: str) -> str:
    if text is None:
        return ""
    plain = {known.casefold(): known for known in allowed}
    found = plain.get(" ".join(text.split()).casefold())
    if found is None:
        message = f"{name}: received '{shown(text)}', expected one of: {', '.join(allowed)}"
        raise CandidateError(RowErrorCode.INVALID_CONDITION, message)
    return found


def _numbers(
    composition: NDArray[np.float64], conditions: Sequence[Conditions], beside: Beside | None,
    said: Mapping[str, NDArray[np.float64]],
) -> MaterialNumbers:  # fmt: skip
    """Gather what other models say of each material; a conductivity that was measured on the sample wins."""
    numbers = MaterialNumbers.unknown(len(composition))
    for name, column in said.items():
        getattr(numbers, name)[:] = column
    # NaN where a conductivity knew the unit cell: those of the reports were predicted from formulas
    without_sigma = np.flatnonzero(np.isnan(numbers.log10_sigma))
    everything = np.arange(0 if "reduction_V" in said else len(composition))
    for name, rows in ((Property.CONDUCTIVITY, without_sigma), (Property.STABILITY, everything)):
        if len(rows):
            _ask(name, composition, rows, numbers, beside)
    measured = np.array([np.nan if c.sigma_S_per_cm is None else c.sigma_S_per_cm for c in conditions])
    return numbers._replace(log10_sigma=np.where(np.isnan(measured), numbers.log10_sigma, np.log10(measured)))


def _ask(
    name: Property, composition: NDArray[np.float64], rows: NDArray[np.int64], numbers: MaterialNumbers,
    beside: Beside | None,
) -> None:  # fmt: skip
    """Ask one model about some rows, each material once."""
    different, place = np.unique(composition[rows], axis=0, return_inverse=True)
    model = _model_of(name, beside)
    of_sigma = name is Property.CONDUCTIVITY
    models = (model, None) if of_sigma else (None, model)
    found = material_numbers(MaterialBatch.from_matrix(different), *models)
    for column in ("log10_sigma",) if of_sigma else ("reduction_V", "energy_above_hull_eV_per_atom"):
        getattr(numbers, column)[rows] = getattr(found, column)[place.reshape(-1)]


def _model_of(name: Property, beside: Beside | None) -> Any:  # noqa: ANN401
    served = (beside or {}).get(name)
    return served.model if served is not None else _shipped(name)


@lru_cache(maxsize=2)
def _shipped(name: Property) -> Any:  # noqa: ANN401
    try:
        return load_models("shipped", [name])[name].model
    except ModelUnavailableError:
        return None


def _cells(
    asked: Sequence[_Question], composition: NDArray[np.float64], numbers: MaterialNumbers,
    conditions: Sequence[Conditions],
) -> Cells:  # fmt: skip
    def column(name: str) -> NDArray[np.float64]:
        values = [getattr(c, name) for c in conditions]
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    return Cells.of(
        [q.electrolyte_class for q in asked], composition, numbers,
        interlayer_type=[q.interlayer_type for q in asked], anode=[q.anode for q in asked],
        temperature_C=np.array([q.temperature_C for q in asked]), relative_density=column("relative_density"),
        interfacial_resistance_ohm_cm2=column("interfacial_resistance_ohm_cm2"),
        stack_pressure_MPa=column("stack_pressure_MPa"),
    )  # fmt: skip


def _refusal(model: CcdModel, candidate: Candidate, asked: _Question) -> str | None:
    """Return why no number can be given, None where one can."""
    if "Li" not in candidate.amounts:
        return "no lithium: critical current densities of lithium cells only are known"
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
    seen = model.shelf.classes()
    if asked.electrolyte_class in seen:
        return None
    known = f"the table holds: {', '.join(seen)} (name one as electrolyte_class if the formula misleads)"
    if not asked.electrolyte_class:
        return f"the formula belongs to no class of electrolyte that the rules know; {known}"
    return f"no report of the class {asked.electrolyte_class}; {known}"


def _block(
    support: Support, asked: _Question, stated: Conditions, told: MaterialNumbers, value: dict[str, Any] | None,
    reason: str | None,
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
        "material": {name: _rounded(part[0]) for name, part in told._asdict().items()}
        | {"sigma_from": "caller" if stated.sigma_S_per_cm is not None else "conductivity model"},
        "support": support._asdict(),
    }
    return block if reason is None else block | {"reason": reason}


def _power(log10: float | None) -> float | None:
    return None if log10 is None else float(f"{10**log10:.3g}")


def _rounded(number: float) -> float | None:
    return None if np.isnan(number) else round(float(number), DECIMALS)


def _applicability(
    model: CcdModel, support: Support, asked: _Question, composition: NDArray[np.float64]
) -> dict[str, Any]:
    shelf = model.shelf
    nearest = shelf.nearest(
        composition, asked.electrolyte_class, asked.interlayer_type, asked.temperature_C, asked.regime
    )
    return {
        "in_domain": support.class_papers >= FEWEST_PAPERS and asked.regime == REGULAR,
        "distance": round(nearest[0][1], DECIMALS) if nearest else None,
        "nearest": [
            {
                "formula": str(shelf.formula[i]) or str(shelf.material[i]),
                "value": round(float(shelf.log10_ccd[i]), DECIMALS),
                "is_lower_bound": bool(shelf.is_lower_bound[i]),
                "doi": str(shelf.doi[i]) or None,
                "reference": str(shelf.reference[i]) or None,
                "distance": round(distance, DECIMALS),
                "material": str(shelf.material[i]),
                "interlayer_type": str(shelf.interlayer_type[i]),
                "anode": str(shelf.anode[i]),
                "temperature_C": _rounded(shelf.temperature_C[i]),
                "stack_pressure_MPa": _rounded(shelf.stack_pressure_MPa[i]),
                "provenance": str(shelf.provenance[i]),
            }
            for i, distance in nearest
        ],
    }


def _remarks(support: Support, asked: _Question, stated: Conditions) -> list[Remark]:
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
    return remarks
