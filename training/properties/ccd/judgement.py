"""What the model says of the critical current density of many cells, computed as far as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.errors import CandidateError, WarningCode
from training.properties.ccd.cells import Cells, MaterialNumbers, material_numbers
from training.properties.ccd.model import CcdModel
from training.properties.ccd.questions import (
    FEWEST_PAPERS,
    VOCABULARIES,
    WITHOUT_LITHIUM,
    Question,
    one_of,
    refusal_of,
    support_of,
)
from training.properties.ccd.schema import CLASSES, REGULAR
from training.properties.ccd.shelf import Shelf, Support
from training.properties.ccd.slopes import uncarried, without_uncarried, words_of
from training.properties.conditions import refused_words
from training.properties.contract import DECIMALS, Array, Beside, Flags, Judgement, Query, Warn, rounded_columns
from training.uncertainty import Interval

KELVIN_BY_MISTAKE_C = 250.0
TRUSTED_RANGE_C = (0.0, 120.0)
TERM_OF = {
    "stack_pressure_MPa": "log10_pressure_MPa",
    "relative_density": "relative_density",
    "interfacial_resistance_ohm_cm2": "log10_resistance_ohm_cm2",
    "sigma_S_per_cm": "log10_sigma",
}
ECHOED = ("stack_pressure_MPa", "relative_density", "interfacial_resistance_ohm_cm2", "sigma_S_per_cm")


def refusals(query: Query) -> dict[int, CandidateError]:
    """Return the rows whose conditions hold a word that no vocabulary has."""
    wrong: dict[int, CandidateError] = {}
    for name, allowed in VOCABULARIES.items():
        column = query.conditions.texts[name]
        wrong = refused_words(column, partial(one_of, allowed=allowed, name=name)) | wrong
    return wrong


class CcdJudgement(Judgement):
    """Critical current densities of n cells, each under its own conditions.

    Parameters
    ----------
    model
        What judges.
    query
        Materials whose conditions can be read (`refusals`), with the models of conductivity and stability beside.
    ignored
        Names of the conditions on which critical current density does not depend.
    """

    def __init__(self, model: CcdModel, query: Query, ignored: Sequence[str]) -> None:
        super().__init__(query)
        self._model = model
        self._ignored = ignored

    @cached_property
    def questions(self) -> list[Question]:
        """Which cell is meant by each row."""
        stated, words = self.query.conditions, []
        for name, allowed in VOCABULARIES.items():
            texts = stated.texts[name].tolist()
            spelled = {text: one_of(text, allowed, name) for text in set(texts)}
            words.append([spelled[text] for text in texts])
        rows = zip(self.query.amounts, stated.temperature_C().tolist(), *words, strict=True)
        return [Question.of(*row) for row in rows]

    @cached_property
    def _places(self) -> dict[Question, list[int]]:
        """Different cells, and the rows that ask about each."""
        places: dict[Question, list[int]] = {}
        for row, question in enumerate(self.questions):
            places.setdefault(question, []).append(row)
        return places

    @cached_property
    def _supports(self) -> dict[Question, Support]:
        return {question: support_of(self._model, question) for question in self._places}

    @cached_property
    def support(self) -> list[Support]:
        """How many reports and papers stand behind each answer."""
        return [self._supports[question] for question in self.questions]

    @cached_property
    def _class_papers(self) -> NDArray[np.int64]:
        return np.array([support.class_papers for support in self.support], dtype=np.int64)

    @cached_property
    def _is_regular(self) -> Flags:
        return np.array([question.regime == REGULAR for question in self.questions], dtype=bool)

    @cached_property
    def _composition(self) -> Array:
        return self.query.batch.matrix()

    @cached_property
    def material(self) -> MaterialNumbers:
        """What other models say of each material."""
        measured = self.query.conditions.numbers["sigma_S_per_cm"]
        return numbers_of(self._composition, measured, self.query.beside)

    @cached_property
    def cells(self) -> Cells:
        """The cells as the model takes them, without numbers whose slope the reports do not carry."""
        asked, stated = self.questions, self.query.conditions.numbers
        cells = Cells.of(
            [question.electrolyte_class for question in asked],
            self._composition,
            self.material,
            interlayer_type=[question.interlayer_type for question in asked],
            anode=[question.anode for question in asked],
            temperature_C=self.query.conditions.temperature_C(),
            relative_density=stated["relative_density"],
            interfacial_resistance_ohm_cm2=stated["interfacial_resistance_ohm_cm2"],
            stack_pressure_MPa=stated["stack_pressure_MPa"],
        )
        return without_uncarried(self._model.regression, cells)

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """See `contract.Judgement`."""
        found = self._model.predict(self.cells, self.query.coverage)
        silent = np.array([reason is not None for reason in self.reasons], dtype=bool)
        return {"log10_ccd_mA_per_cm2": Interval(*(np.where(silent, np.nan, end) for end in found))}

    @cached_property
    def reasons(self) -> Sequence[str | None]:
        """See `contract.Judgement`."""
        refused = {question: refusal_of(self._model, question) for question in self._places}
        return [
            refused[question] if "Li" in amounts else WITHOUT_LITHIUM
            for question, amounts in zip(self.questions, self.query.amounts, strict=True)
        ]

    @cached_property
    def in_domain(self) -> Flags:
        """Whether enough papers stand behind each answer."""
        inside: Flags = (self._class_papers >= FEWEST_PAPERS) & self._is_regular
        return inside

    @cached_property
    def distance(self) -> Array:
        """To the nearest report of the same regime, NaN where there is none."""
        return np.array([known.get("distance", np.nan) for known in self.first_nearest], dtype=float)

    def nearest(self, count: int) -> list[list[dict[str, Any]]]:
        """Return the nearest reports of the same regime."""
        found: list[list[dict[str, Any]]] = [[] for _ in range(len(self))]
        reports = _reports(self._model.shelf)
        for question, rows in self._places.items():
            numbers, distances = self.nearest_reports(question, rows, count)
            for row, own, apart in zip(rows, numbers.tolist(), distances.round(DECIMALS).tolist(), strict=True):
                found[row] = [{**reports[i], "distance": distance} for i, distance in zip(own, apart, strict=True)]
        return found

    def applicability(self, count: int) -> list[dict[str, Any]]:
        """See `contract.Judgement`."""
        return [
            {"in_domain": inside, "distance": known[0]["distance"] if known else None, "nearest": known}
            for inside, known in zip(self.in_domain.tolist(), self.nearest(count), strict=True)
        ]

    def nearest_reports(self, question: Question, rows: Sequence[int], count: int) -> tuple[NDArray[np.int64], Array]:
        """Return numbers and distances of the reports nearest to one cell of some materials, (len(rows), count)."""
        return self._model.shelf.nearest(
            self._composition[rows],
            question.electrolyte_class,
            question.interlayer_type,
            question.temperature_C,
            question.regime,
            count,
        )

    @cached_property
    def warnings(self) -> Sequence[Warn]:
        """See `contract.Judgement`."""
        degrees, regular, papers = self.query.conditions.temperature_C(), self._is_regular, self._class_papers
        low, high = TRUSTED_RANGE_C
        kelvin = degrees > KELVIN_BY_MISTAKE_C
        outside = ~kelvin & regular & ((degrees < low) | (degrees > high))
        few = regular & (papers > 0) & (papers < FEWEST_PAPERS)
        blind = regular & np.logical_or.reduce([np.zeros(len(self), dtype=bool), *self._blind.values()])
        ignored, unused = WarningCode.CONDITION_IGNORED, self.query.conditions.stated(self._ignored)

        def kelvin_words(row: int) -> str:
            return f"temperature_C is {degrees[row]:g}: was it given in kelvin? degrees Celsius are expected"

        def outside_words(row: int) -> str:
            return f"ccd: {degrees[row]:g} C lies outside the 25 to 100 C of the reports"

        return (
            Warn(WarningCode.TEMPERATURE_IN_KELVIN, kelvin, kelvin_words),
            Warn(WarningCode.TEMPERATURE_EXTRAPOLATED, outside, outside_words),
            Warn(WarningCode.OUT_OF_DOMAIN, few, self._few_words),
            Warn(ignored, unused, self._unused_words),
            Warn(ignored, blind, self._blind_words),
            *self._uncarried_warnings(),
        )

    def _uncarried_warnings(self) -> list[Warn]:
        """Return one warning for each condition that is stated and whose slope the reports do not carry."""
        numbers, found = self.query.conditions.numbers, []
        for name, slope in uncarried(self._model.regression).items():
            stated = ~np.isnan(numbers[name]) & self._is_regular
            found.append(Warn(WarningCode.CONDITION_IGNORED, stated, partial(_said_alike, words_of(name, slope))))
        return found

    def _few_words(self, row: int) -> str:
        n = self._class_papers[row]
        papers = "one paper stands" if n == 1 else f"{n} papers stand"
        return f"ccd: {papers} behind the class {self.questions[row].electrolyte_class}: believe the interval"

    def _unused_words(self, row: int) -> str:
        given = [name for name in self._ignored if self.query.conditions.stated([name])[row]]
        return f"ccd does not depend on {', '.join(given)} here"

    @cached_property
    def _blind(self) -> dict[str, Flags]:
        """Which rows state a number that moves nothing in their class, by its name."""
        group = np.array([question.electrolyte_class for question in self.questions])
        terms, stated = self._model.regression.terms, self.query.conditions.numbers
        blind, told = {}, uncarried(self._model.regression)
        for name, term in TERM_OF.items():
            if name in told:  # warned of by itself
                continue
            blind[name] = ~np.isnan(stated[name])
            if blind[name].any():
                unknown = [known for known in CLASSES if not terms.knows(known, term)]
                blind[name] &= np.isin(group, unknown)
        return blind

    def _blind_words(self, row: int) -> str:
        names = ", ".join(name for name, rows in self._blind.items() if rows[row])
        group = self.questions[row].electrolyte_class
        return f"ccd of a {group} does not depend on {names}: too few reports of the class state it"

    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return the number in mA/cm2, the conditions meant, and what stands behind it."""
        ends = zip(*rounded_columns(self.intervals["log10_ccd_mA_per_cm2"]), strict=True)
        stated = {name: _or_none(self.query.conditions.numbers[name]) for name in ECHOED}
        material = zip(*rounded_columns(self.material), strict=True)
        return [
            self._details(row, log10, dict(zip(MaterialNumbers._fields, numbers, strict=True)), stated)
            for row, (log10, numbers) in enumerate(zip(ends, material, strict=True))
        ]

    def _details(
        self,
        row: int,
        log10: Sequence[float | None],
        material: dict[str, Any],
        stated: Mapping[str, Sequence[float | None]],
    ) -> dict[str, Any]:
        asked, reason = self.questions[row], self.reasons[row]
        powers = [None if end is None else float(f"{10**end:.3g}") for end in log10]
        measured = stated["sigma_S_per_cm"][row] is not None
        details = {
            "log10_ccd_mA_per_cm2": None,
            "ccd_mA_per_cm2": dict(zip(("value", "lower", "upper"), powers, strict=True)) if reason is None else None,
            "conditions": {
                "temperature_C": asked.temperature_C,
                "stack_pressure_MPa": stated["stack_pressure_MPa"][row],
                "interlayer_type": asked.interlayer_type or None,
                "anode": asked.anode or None,
                **{name: stated[name][row] for name in ECHOED[1:]},
            },
            "electrolyte_class": asked.electrolyte_class or None,
            "class_from": "caller" if asked.class_is_stated else "formula",
            "material": {**material, "sigma_from": "caller" if measured else "conductivity model"},
            "support": self.support[row]._asdict(),
        }
        return details if reason is None else details | {"reason": reason}


def _said_alike(words: str, row: int) -> str:
    """Return what is said of every row alike."""
    return words


def _or_none(values: Array) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


@lru_cache(maxsize=4)
def _reports(shelf: Shelf) -> list[dict[str, Any]]:
    """Return every report of a shelf as JSON, without a distance."""
    degrees, pressures = rounded_columns([shelf.temperature_C, shelf.stack_pressure_MPa])
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


def numbers_of(composition: Array, sigma_S_per_cm: Array, beside: Mapping[str, Beside]) -> MaterialNumbers:
    """Gather what other models say of each material; a conductivity that was measured on the sample wins.

    Parameters
    ----------
    composition
        Shape (n, 103).
    sigma_S_per_cm
        Measured conductivities, NaN where none was; shape (n,).
    beside
        The models of conductivity and stability; what they have said is not asked again, and what one that is not
        there would say is NaN.
    """
    numbers = MaterialNumbers.unknown(len(composition))
    for other in beside.values():
        for name, column in other.numbers.items():
            getattr(numbers, name)[:] = column
    # NaN where a conductivity knew the unit cell: those of the reports were predicted from formulas
    without_sigma = np.flatnonzero(np.isnan(numbers.log10_sigma))
    _ask(composition, without_sigma, numbers, conductivity=_model("conductivity", beside))
    if not _said("stability", beside):
        _ask(composition, np.arange(len(composition)), numbers, stability=_model("stability", beside))
    measured = np.log10(sigma_S_per_cm)
    return numbers._replace(log10_sigma=np.where(np.isnan(measured), numbers.log10_sigma, measured))


def _model(name: str, beside: Mapping[str, Beside]) -> Any:  # noqa: ANN401
    return beside[name].model if name in beside else None


def _said(name: str, beside: Mapping[str, Beside]) -> bool:
    return name in beside and bool(beside[name].numbers)


def _ask(composition: Array, rows: NDArray[np.int64], numbers: MaterialNumbers, **models: Any) -> None:  # noqa: ANN401
    """Ask one model about some rows, each material once, and fill in what it says."""
    if not len(rows):
        return
    different, place = np.unique(composition[rows], axis=0, return_inverse=True)
    found = material_numbers(MaterialBatch.from_matrix(different), **models)
    for column, different_said in zip(numbers, found, strict=True):
        said = different_said[place.reshape(-1)]
        column[rows] = np.where(np.isnan(said), column[rows], said)
