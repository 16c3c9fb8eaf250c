"""What each property says of many materials, as columns: the arrays behind the JSON blocks of the answerers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.errors import CandidateError, WarningCode
from serving.answers.ccd_answers import (
    FEWEST_PAPERS,
    KELVIN_BY_MISTAKE_C,
    TERM_OF,
    TRUSTED_RANGE_C,
    UNUSED,
    Beside,
    Question,
    numbers_of,
    one_of,
    refusal_of,
    support_of,
)
from serving.answers.ccd_answers import WITHOUT_LITHIUM as NO_CCD_WITHOUT_LITHIUM
from serving.answers.condition_columns import ConditionColumns
from serving.answers.conductivity_answers import IGNORED_CONDITIONS
from serving.answers.rows import DECIMALS
from serving.answers.stability_answers import NARROWEST_WINDOW_V, without_energies
from training.properties.ccd.cells import Cells
from training.properties.ccd.classes import class_of
from training.properties.ccd.model import CcdModel
from training.properties.ccd.schema import ANODES, CLASSES, INTERLAYER_TYPES, REGULAR, regime
from training.properties.conductivity.arrhenius import TRUSTED_RANGE_C as CONDUCTIVITY_RANGE_C
from training.properties.conductivity.familiarity import is_familiar
from training.properties.conductivity.model import ConductivityModel
from training.properties.conductivity.phase_changes import crossed
from training.properties.stability.model import StabilityModel
from training.uncertainty import Interval

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Materials:
    """n readable materials with their amounts and conditions."""

    batch: MaterialBatch
    amounts: Sequence[Mapping[str, float]]
    conditions: ConditionColumns

    def __len__(self) -> int:
        return len(self.amounts)


@dataclass(frozen=True, slots=True)
class Block:
    """What one property says of n materials.

    Attributes
    ----------
    columns
        Names of the flat tables to arrays of shape (n,).
    warnings
        Codes in the order of the answers, and which rows carry them; a code may come twice.
    errors
        Rows that fail.
    said
        What other properties build on, unrounded, as `serving.answers.rows.PropertyAnswers.numbers`.
    """

    columns: dict[str, NDArray[Any]]
    warnings: list[tuple[str, Flags]] = field(default_factory=list)
    errors: dict[int, CandidateError] = field(default_factory=dict)
    said: dict[str, Array] = field(default_factory=dict)


def conductivity_block(model: ConductivityModel, materials: Materials, coverage: float) -> Block:
    """Judge conductivity; columns as `serving.answers.output_tables.FLAT_COLUMNS`.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    batch, temperature = materials.batch, _temperature(materials)
    said = model.predict(batch, temperature, coverage, thresholds=())
    composition = batch.matrix()
    apart, nearest = model.domain.describe(composition)
    inside = model.domain.in_domain(apart, composition)
    inside = inside & is_familiar(said.distance, said.domain_radius, said.novelty)
    columns: dict[str, NDArray[Any]] = {
        **_ends(said.log10_sigma_S_per_cm, "log10_sigma_S_per_cm", "log10_sigma_lower", "log10_sigma_upper"),
        **_ends(
            said.activation_energy_eV, "activation_energy_eV", "activation_energy_lower_eV",
            "activation_energy_upper_eV",
        ),
        "coverage": np.full(len(batch), coverage),
        "temperature_C": temperature,
        "in_domain": inside,
        "distance": said.distance.round(DECIMALS),
        "nearest_formula": _texts([known[0].formula for known in nearest]),
        "nearest_log10_sigma": np.array([known[0].value for known in nearest]),
        "nearest_doi": _texts([known[0].doi for known in nearest]),
    }  # fmt: skip
    new: Flags = np.asarray(((composition > 0) & ~model.domain.known_elements).any(axis=1))
    low, high = CONDUCTIVITY_RANGE_C
    disagreeing = np.array([model.domain.disagreement_at(known[0]) is not None for known in nearest], dtype=bool)
    changes = np.array([len(found) for found in crossed(composition, temperature)])
    warnings = [
        (str(WarningCode.NOT_CHARGE_BALANCED), _unbalanced(batch)),
        (str(WarningCode.TEMPERATURE_EXTRAPOLATED), (temperature < low) | (temperature > high)),
        *((str(WarningCode.PHASE_CHANGE), np.asarray(changes > i)) for i in range(int(changes.max(initial=0)))),
        (str(WarningCode.MEASUREMENTS_DISAGREE), disagreeing),
        (str(WarningCode.UNSEEN_ELEMENT), new),
        (str(WarningCode.OUT_OF_DOMAIN), ~new & ~inside),
        (str(WarningCode.CONDITION_IGNORED), materials.conditions.stated(IGNORED_CONDITIONS)),
    ]
    of_formula = np.where(said.used_lattice, np.nan, said.log10_sigma_25C)
    return Block(columns, warnings, said={"log10_sigma": of_formula})


def stability_block(model: StabilityModel, materials: Materials, coverage: float) -> Block:
    """Judge stability; columns as `serving.answers.stability_tables.STABILITY_COLUMNS`, without products.

    Raises
    ------
    InsufficientCalibrationError
        If the model was calibrated on too few rows for this coverage.
    """
    batch, n = materials.batch, len(materials)
    uncovered = model.uncovered_elements(batch)
    errors = {i: error for i, elements in enumerate(uncovered) if (error := without_energies(elements)) is not None}
    good = np.array([i for i in range(n) if i not in errors], dtype=np.int64)
    assign_ions(batch)  # remembered by the batch, and by the part taken of it
    if not len(good):
        return Block({}, errors=errors)
    chosen = batch.take(good) if errors else batch
    said = model.numbers(chosen, coverage)
    no_window = (chosen.fraction_of("Li") == 0) | ((chosen.fraction > 0).sum(axis=1) == 1)
    no_window |= np.abs(assign_ions(chosen).charge_imbalance) > NEUTRALITY_TOLERANCE
    no_window |= np.isnan(said.reduction_V.value)
    width = said.oxidation_V.value.round(DECIMALS) - said.reduction_V.value.round(DECIMALS)
    columns: dict[str, NDArray[Any]] = {"probability_stable": said.probability_stable.round(DECIMALS)}
    for name in ("formation_energy", "decomposition_energy", "energy_above_hull"):
        columns |= _named_ends(getattr(said, f"{name}_eV_per_atom"), name, "eV_per_atom")
    for name in ("reduction", "oxidation"):
        ends = _named_ends(getattr(said, f"{name}_V"), name, "V")
        columns |= {key: np.where(no_window, np.nan, values) for key, values in ends.items()}
    columns["stability_basis"] = np.where(said.is_reference, "reference", "model").astype(object)
    warnings = [
        (str(WarningCode.NOT_CHARGE_BALANCED), _unbalanced(chosen)),
        (str(WarningCode.WINDOW_CLOSED), ~no_window & ~(width > NARROWEST_WINDOW_V)),
        (str(WarningCode.OUT_OF_DOMAIN), ~said.in_domain),
    ]
    built_on = {
        "reduction_V": said.reduction_V.value, "energy_above_hull_eV_per_atom": said.energy_above_hull_eV_per_atom.value
    }  # fmt: skip
    return Block(
        {name: _spread_out(values, good, n) for name, values in columns.items()},
        [(code, _spread_out(where, good, n)) for code, where in warnings],
        errors,
        {name: _spread_out(values, good, n) for name, values in built_on.items()},
    )


def ccd_block(
    model: CcdModel, materials: Materials, coverage: float, beside: Beside, said: Mapping[str, Array]
) -> Block:
    """Judge critical current densities; columns as `serving.answers.ccd_tables.CCD_COLUMNS`.

    Parameters
    ----------
    beside, said
        Models of the other properties, and what they have said of the same materials in this call.

    Raises
    ------
    InsufficientCalibrationError
        If the table holds too few rows for this coverage.
    """
    n, conditions = len(materials), materials.conditions
    questions, errors = _questions(materials)
    good = np.array([i for i in range(n) if i not in errors], dtype=np.int64)
    if not len(good):
        return Block({}, errors=errors)
    asked = [questions[i] for i in good]
    composition = materials.batch.matrix()[good]
    cell = {name: column[good] for name, column in conditions.numbers.items()}
    numbers = numbers_of(composition, cell["sigma_S_per_cm"], beside, {name: c[good] for name, c in said.items()})
    cells = Cells.of(
        [q.electrolyte_class for q in asked], composition, numbers, interlayer_type=[q.interlayer_type for q in asked],
        anode=[q.anode for q in asked], temperature_C=np.array([q.temperature_C for q in asked]),
        relative_density=cell["relative_density"], stack_pressure_MPa=cell["stack_pressure_MPa"],
        interfacial_resistance_ohm_cm2=cell["interfacial_resistance_ohm_cm2"],
    )  # fmt: skip
    interval = model.predict(cells, coverage)
    known = _of_questions(model, asked, composition)
    without = _texts([None if "Li" in materials.amounts[i] else NO_CCD_WITHOUT_LITHIUM for i in good])
    reason = np.where(without == None, known["ccd_reason"], without)  # noqa: E711, by element
    silent = reason != None  # noqa: E711
    ends = _ends(interval, "log10_ccd_mA_per_cm2", "log10_ccd_lower", "log10_ccd_upper")
    columns: dict[str, NDArray[Any]] = {name: np.where(silent, np.nan, values) for name, values in ends.items()}
    columns |= known | {"ccd_reason": reason, "stack_pressure_MPa": cell["stack_pressure_MPa"]}
    papers, degrees = known["ccd_class_papers"], cells.temperature_C
    regular = np.array([q.regime == REGULAR for q in asked])
    kelvin = degrees > KELVIN_BY_MISTAKE_C
    outside = (degrees < TRUSTED_RANGE_C[0]) | (degrees > TRUSTED_RANGE_C[1])
    warnings = [
        (str(WarningCode.TEMPERATURE_IN_KELVIN), kelvin),
        (str(WarningCode.TEMPERATURE_EXTRAPOLATED), ~kelvin & regular & outside),
        (str(WarningCode.OUT_OF_DOMAIN), regular & (papers > 0) & (papers < FEWEST_PAPERS)),
        (str(WarningCode.CONDITION_IGNORED), conditions.stated(UNUSED)[good]),
        (str(WarningCode.CONDITION_IGNORED), regular & _without_effect(model, asked, cell)),
    ]
    return Block(
        {name: _spread_out(values, good, n) for name, values in columns.items()},
        [(code, _spread_out(where, good, n)) for code, where in warnings],
        errors,
    )


def _without_effect(model: CcdModel, asked: Sequence[Question], cell: Mapping[str, Array]) -> Flags:
    """Return which rows state a number that moves nothing in their class."""
    group = np.array([q.electrolyte_class for q in asked])
    blind: Flags = np.zeros(len(asked), dtype=bool)
    for name, term in TERM_OF.items():
        unknown = [known for known in CLASSES if not model.regression.terms.knows(known, term)]
        blind |= ~np.isnan(cell[name]) & np.isin(group, unknown)
    return blind


def _questions(materials: Materials) -> tuple[dict[int, Question], dict[int, CandidateError]]:
    """Return what is meant by each row that can be understood, and what is wrong with the others."""
    texts, degrees = materials.conditions.texts, _temperature(materials).tolist()
    vocabularies = {"electrolyte_class": CLASSES, "interlayer_type": INTERLAYER_TYPES, "anode": ANODES}
    known: dict[tuple[str, str | None], str | CandidateError] = {}
    questions: dict[int, Question] = {}
    errors: dict[int, CandidateError] = {}
    for row, amounts in enumerate(materials.amounts):
        found = []
        for name, allowed in vocabularies.items():
            asked = (name, texts[name][row])
            if asked not in known:
                known[asked] = _named(asked[1], allowed, name)
            found.append(known[asked])
        wrong = next((each for each in found if isinstance(each, CandidateError)), None)
        if wrong is not None:
            errors[row] = wrong
            continue
        stated, interlayer, anode = (str(each) for each in found)
        group = stated or class_of(amounts) or ""
        where = regime(degrees[row], interlayer, anode)
        questions[row] = Question(group, bool(stated), interlayer, anode, degrees[row], where)
    return questions, errors


def _named(text: str | None, allowed: Sequence[str], name: str) -> str | CandidateError:
    try:
        return one_of(text, allowed, name)
    except CandidateError as error:
        return error


def _of_questions(model: CcdModel, asked: Sequence[Question], composition: Array) -> dict[str, NDArray[Any]]:
    """Return the columns that follow from what is asked and from the reports nearest to it."""
    places: dict[Question, list[int]] = {}
    for row, question in enumerate(asked):
        places.setdefault(question, []).append(row)
    n, shelf = len(asked), model.shelf
    out: dict[str, NDArray[Any]] = {
        name: np.full(n, None, dtype=object)
        for name in ("electrolyte_class", "interlayer_type", "ccd_reason", "nearest_ccd_formula", "nearest_ccd_doi")
    }
    out |= {
        name: np.full(n, np.nan) for name in ("ccd_class_papers", "ccd_interlayer_papers", "nearest_log10_ccd")
    }  # fmt: skip
    for question, rows in places.items():
        support = support_of(model, question)
        nearest, _ = shelf.nearest(
            composition[rows], question.electrolyte_class, question.interlayer_type, question.temperature_C,
            question.regime, 1,
        )  # fmt: skip
        out["electrolyte_class"][rows] = question.electrolyte_class or None
        out["interlayer_type"][rows] = question.interlayer_type or None
        out["ccd_reason"][rows] = refusal_of(model, question)
        out["ccd_class_papers"][rows] = support.class_papers
        out["ccd_interlayer_papers"][rows] = support.interlayer_papers
        if nearest.shape[1]:
            first = nearest[:, 0]
            out["nearest_log10_ccd"][rows] = shelf.log10_ccd[first].round(DECIMALS)
            out["nearest_ccd_formula"][rows] = [str(shelf.formula[i]) or str(shelf.material[i]) for i in first]
            out["nearest_ccd_doi"][rows] = [str(shelf.doi[i]) or str(shelf.reference[i]) or None for i in first]
    return out


def _temperature(materials: Materials) -> Array:
    stated = materials.conditions.numbers["temperature_C"]
    return np.where(np.isnan(stated), ROOM_TEMPERATURE_C, stated)


def _unbalanced(batch: MaterialBatch) -> Flags:
    several = (batch.fraction > 0).sum(axis=1) > 1
    imbalanced: Flags = several & (np.abs(assign_ions(batch).charge_imbalance) > NEUTRALITY_TOLERANCE)
    return imbalanced


def _ends(interval: Interval, value: str, lower: str, upper: str) -> dict[str, Array]:
    names = (value, lower, upper)
    return {name: part.round(DECIMALS) for name, part in zip(names, interval, strict=True)}


def _named_ends(interval: Interval, name: str, unit: str) -> dict[str, Array]:
    return _ends(interval, f"{name}_{unit}", f"{name}_lower_{unit}", f"{name}_upper_{unit}")


def _texts(values: Sequence[str | None]) -> NDArray[np.object_]:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _spread_out(values: NDArray[Any], rows: NDArray[np.int64], n: int) -> NDArray[Any]:
    """Put values of some rows into n rows, unknown elsewhere."""
    if len(rows) == n:
        return values
    unknown = {"f": np.nan, "b": False, "O": None}[values.dtype.kind]
    out = np.full(n, unknown, dtype=values.dtype)
    out[rows] = values
    return out
