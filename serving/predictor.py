"""The Python entrance: candidates in, one answer document out, the same that REST and the command line give."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from features.candidate import Candidate, Conditions, MaterialBatch, RowError, read_candidates
from features.errors import CandidateError
from serving.answers.request import DEFAULT_COVERAGE, CandidateInput, PredictRequest, Property, material_columns
from serving.answers.rows import PropertyAnswers, error_row, head_of, warnings_of
from serving.models.properties import answerer_of, lacking, needed_by, with_needed
from serving.models.store import ModelUnavailableError, ServedModel, load_models

if TYPE_CHECKING:
    from serving.answers.ccd_grid import CcdGridRequest
    from serving.answers.interface_request import InterfaceRequest
    from serving.answers.nearest_request import NearestRequest
    from serving.generation.known import KnownMaterials
    from serving.ranking.request import RankRequest, Wishes
    from serving.suggestions.answer import Wish
    from serving.synthesis.plan import SynthesisRequest
    from serving.synthesis.shelf import Precursor
    from training.thermodynamics.phases import PhaseTable

WARM_FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li6.5La3Zr1.5Ta0.5O12")
_ROWS_PER_PASS = 512

Asker = Callable[[list[Candidate], list[Conditions]], dict[Property, PropertyAnswers]]
Each = Callable[[list[dict[str, Any]]], list[Any]]
Writer = Callable[[Candidate, int, int, dict[Property, PropertyAnswers]], dict[str, Any]]


def same_rows(rows: list[dict[str, Any]]) -> list[Any]:
    """Return rows as they are."""
    return rows


class Predictor:
    """Loaded models that answer requests; safe to share between threads.

    Examples
    --------
    >>> predictor = Predictor.load("shipped")
    >>> document = predictor.predict_formulas(["Li6PS5Cl"])
    >>> sigma = document["results"][0]["conductivity"]["log10_sigma_S_per_cm"]
    >>> sigma["lower"] < sigma["value"] < sigma["upper"]
    True
    """

    def __init__(self, models: dict[Property, ServedModel]) -> None:
        self._models = models

    @classmethod
    def load(cls, source: str = "auto", properties: Sequence[Property] | None = None) -> Predictor:
        """Load the models; see `serving.models.store.load_models`.

        Raises
        ------
        ModelUnavailableError
            If no usable model is found.
        """
        if properties is not None:
            properties = with_needed(properties)
        return cls(load_models(source, properties))

    def warm(self) -> None:
        """Answer once, so that the first caller does not pay for what is computed on first use."""
        self.predict_formulas(list(WARM_FORMULAS))
        if Property.STABILITY in self._models:
            from serving.answers.interface_request import InterfaceRequest

            self.interface(InterfaceRequest(formula=WARM_FORMULAS[0], voltage_V=4.3))

    def models(self) -> dict[str, dict[str, Any]]:
        """Return the card of every served model, with its origin and digest."""
        return {
            str(name): served.header() | served.bundle.card.model_dump(mode="json", exclude={"model", "golden"})
            for name, served in self._models.items()
        }

    def predict_formulas(
        self,
        formulas: Sequence[str],
        *,
        temperature_C: float | None = None,
        coverage: float = DEFAULT_COVERAGE,
        explain: bool = False,
    ) -> dict[str, Any]:
        """Judge formulas under one temperature; a shorthand for `predict`."""
        return self.answer(
            [CandidateInput(formula=formula) for formula in formulas],
            Conditions(temperature_C=temperature_C),
            coverage=coverage,
            explain=explain,
        )

    def predict(self, request: PredictRequest, each: Each = same_rows) -> dict[str, Any]:
        """Answer a request with the document of DESIGN.md: `models`, and `results` in the order of the candidates."""
        return self.answer(
            request.candidates, request.conditions, properties=request.properties, coverage=request.coverage,
            explain=request.explain, each=each,
        )  # fmt: skip

    def phases(self) -> PhaseTable:
        """Return the formation energies on which equilibria are computed.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no stability model.
        """
        served = self._models.get(Property.STABILITY)
        if served is None:
            raise ModelUnavailableError("this installation serves no stability model; run `elyte train stability`")
        phases: PhaseTable = served.model.phases
        return phases

    def interface(self, request: InterfaceRequest) -> dict[str, Any]:
        """Answer what an electrolyte becomes where it touches other materials; see `serving.answers.interface_answers`.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no stability model.
        """
        from serving.answers.interface_answers import answer_interface

        phases = self.phases()
        header = {str(Property.STABILITY): self._models[Property.STABILITY].header()}
        return answer_interface(phases, request.formula, request.against, request.voltage_V, header)

    def ccd_grid(self, request: CcdGridRequest) -> dict[str, Any]:
        """Answer how the critical current density of one material changes with conditions: `serving.answers.ccd_grid`.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no model of it.
        """
        from serving.answers.ccd_grid import answer_grid

        if Property.CCD not in self._models:
            raise ModelUnavailableError("this installation serves no ccd model; run `elyte train ccd`")
        return answer_grid(self.answer, request)

    def answer(
        self,
        rows: Sequence[CandidateInput | RowError],
        conditions: Conditions | None = None,
        *,
        properties: Sequence[Property] | None = None,
        coverage: float = DEFAULT_COVERAGE,
        explain: bool = False,
        each: Each = same_rows,
    ) -> dict[str, Any]:
        """Answer rows, of which some may have failed before they came here.

        Parameters
        ----------
        rows
            Candidates as given, or the error that reading one raised.
        conditions
            What holds for every row that does not say otherwise.
        properties
            What to answer; None means every property that has a model. `models` names those asked for it as well.
        coverage
            Nominal coverage of the intervals, 0.5 to 0.99.
        explain
            Whether each conductivity is to come with an `explanation`: terms that sum to it.
        each
            Takes a block of results as soon as it is there, in one of several threads, and returns what is to stand in
            its place: long answers are written and counted block by block, not kept.
        """
        wanted = list(dict.fromkeys(properties or self._models))
        general = conditions or Conditions()
        starts = range(0, len(rows), _ROWS_PER_PASS)

        def ask(candidates: list[Candidate], own: list[Conditions]) -> dict[Property, PropertyAnswers]:
            return self._answer_properties(candidates, own, wanted, coverage, explain=explain)

        def answer_from(start: int) -> list[Any]:
            return each(_answer_block(rows[start : start + _ROWS_PER_PASS], start, general, ask, _result))

        if len(starts) == 1:
            results = answer_from(0)
        else:  # numpy lets go of the interpreter in all that takes long
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                results = list(chain.from_iterable(threads.map(answer_from, starts)))
        return {"models": self._headers(self._asked(wanted)), "results": results}

    def nearest(self, request: NearestRequest) -> dict[str, Any]:
        """Answer which known materials lie nearest to each candidate; see `serving.answers.nearest_answers`."""
        from serving.answers.nearest_answers import answer_nearest

        wanted = list(dict.fromkeys(request.properties or self._models))

        def of_property(name: Property, candidates: list[Candidate], own: list[Conditions]) -> PropertyAnswers:
            served = self._models.get(name)
            if served is None:
                return _not_served(name, len(candidates))
            return answer_nearest(served, candidates, own, request.count) if candidates else PropertyAnswers([], [], [])

        def ask(candidates: list[Candidate], own: list[Conditions]) -> dict[Property, PropertyAnswers]:
            return {name: of_property(name, candidates, own) for name in wanted}

        results = _answer_block(request.candidates, 0, request.conditions, ask, _nearest_result)
        return {"models": self._headers(wanted), "results": results}

    def rank(self, request: RankRequest) -> dict[str, Any]:
        """Answer which candidates to make next, and why; see `serving.ranking`.

        Raises
        ------
        ModelUnavailableError
            If an objective needs a model that this installation does not serve.
        ObjectiveError
            If objectives contradict each other, or the batch cannot be chosen by the rule asked for.
        """
        from serving.ranking.answer import answer_ranking

        return answer_ranking(
            self, self._models, request.candidates, request.wishes(), conditions=request.conditions,
            order=request.order, top=request.top, batch=request.batch, coverage=request.coverage,
        )  # fmt: skip

    def suggest(self, rows: Sequence[CandidateInput | RowError], wish: Wish) -> dict[str, Any]:
        """Answer which candidates to measure so that a model learns most; see `serving.suggestions.answer`.

        Raises
        ------
        ModelUnavailableError
            If this installation does not serve the model that is to learn.
        """
        from serving.suggestions.answer import suggest

        if wish.property not in self._models:
            name = wish.property
            raise ModelUnavailableError(f"this installation serves no {name} model; run `elyte train {name}`")
        return suggest(self._models, _read_rows(rows, 0), wish)

    def synthesis(
        self, request: SynthesisRequest, shelf: Sequence[Precursor] | None = None, top: int = 5
    ) -> dict[str, Any]:
        """Answer how to make a material, and what to weigh; see `serving.synthesis`.

        Without a stability model there are sets and masses, but no energies. A target that cannot be made from the
        shelf (None: the shipped one) is answered with `status` error and the reason.
        """
        from serving.synthesis.answers import answer_synthesis

        return answer_synthesis(self._models.get(Property.STABILITY), request, shelf, top)

    def known_materials(self) -> KnownMaterials:
        """Return what marks generated candidates as known: the measured materials and phases of the models."""
        from serving.generation.known import KnownMaterials

        return KnownMaterials.of(self._models)

    def rank_rows(
        self,
        rows: Sequence[CandidateInput | RowError],
        wishes: Wishes,
        **how: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Rank rows, of which some may have failed before they came here; see `serving.ranking.answer`."""
        from serving.ranking.answer import answer_ranking

        return answer_ranking(self, self._models, rows, wishes, **how)

    def _asked(self, wanted: Sequence[Property]) -> list[Property]:
        """Return the properties whose models speak in an answer: those wanted, and those that they ask."""
        return with_needed(name for name in wanted if name in self._models and lacking(name, self._models) is None)

    def _headers(self, wanted: Sequence[Property]) -> dict[str, dict[str, str]]:
        return {str(name): served.header() for name, served in self._models.items() if name in wanted}

    def _answer_properties(
        self, candidates: list[Candidate], conditions: list[Conditions], wanted: list[Property], coverage: float, *,
        explain: bool,
    ) -> dict[Property, PropertyAnswers]:  # fmt: skip
        """Answer the properties, those first on whose numbers others build, so that no model is asked twice."""
        answers: dict[Property, PropertyAnswers] = {}
        batch = MaterialBatch.from_candidates(candidates)
        for name in sorted(wanted, key=lambda one: len(needed_by(one))):
            more: dict[str, Any] = {"explain": explain, "batch": batch}
            if needed_by(name):
                given = [answers[other].numbers or {} for other in needed_by(name) if other in answers]
                said = {key: column for numbers in given for key, column in numbers.items()}
                more |= {"beside": self._models, "said": said}
            answers[name] = self._answer_property(name, candidates, conditions, coverage, **more)
        return {name: answers[name] for name in wanted}

    def _answer_property(
        self, name: Property, candidates: list[Candidate], conditions: list[Conditions], coverage: float,
        **more: Any,  # noqa: ANN401
    ) -> PropertyAnswers:  # fmt: skip
        served = self._models.get(name)
        if served is None:
            return _not_served(name, len(candidates))
        if (reason := lacking(name, self._models)) is not None:
            return _unavailable(len(candidates), reason)
        if not candidates:
            return PropertyAnswers([], [], [])
        from training.uncertainty import InsufficientCalibrationError

        try:
            return answerer_of(name)(served, candidates, conditions, coverage, **more)
        except InsufficientCalibrationError as error:
            return _unavailable(len(candidates), str(error))


def _answer_block(
    rows: Sequence[CandidateInput | RowError], offset: int, general: Conditions, ask: Asker, write: Writer
) -> list[dict[str, Any]]:
    """Read rows, ask about those that can be read, and write each answer or error in its row's place."""
    read = _read_rows(rows, offset)
    good = [i for i, row in enumerate(read) if isinstance(row, Candidate)]
    candidates = [row for row in read if isinstance(row, Candidate)]
    own = [_conditions_of(rows[i]).over(general) if _states_conditions(rows[i]) else general for i in good]
    answers = ask(candidates, own)
    results = [error_row(row) if isinstance(row, RowError) else {} for row in read]
    for position, i in enumerate(good):
        error = _first_error(answers, position)
        if error is None:
            results[i] = write(candidates[position], offset + i, position, answers)
        else:
            results[i] = error_row(RowError.of(candidates[position], offset + i, error))
    return results


def _first_error(answers: dict[Property, PropertyAnswers], position: int) -> CandidateError | None:
    given = (answer.errors[position] for answer in answers.values() if answer.errors is not None)
    return next((error for error in given if error is not None), None)


def _read_rows(rows: Sequence[CandidateInput | RowError], offset: int) -> list[Candidate | RowError]:
    given = [row for row in rows if isinstance(row, CandidateInput)]
    read = iter(read_candidates(*material_columns(given)))
    out: list[Candidate | RowError] = []
    for i, row in enumerate(rows):
        result = row if isinstance(row, RowError) else next(read)
        out.append(replace(result, index=offset + i) if isinstance(result, RowError) else result)
    return out


def _states_conditions(row: CandidateInput | RowError) -> bool:
    return isinstance(row, CandidateInput) and bool(row.conditions.model_fields_set)


def _conditions_of(row: CandidateInput | RowError) -> Conditions:
    return row.conditions if isinstance(row, CandidateInput) else Conditions()


def _unavailable(n: int, reason: str) -> PropertyAnswers:
    return PropertyAnswers([None] * n, [{}] * n, [[] for _ in range(n)], [reason] * n)


def _not_served(name: Property, n: int) -> PropertyAnswers:
    return _unavailable(n, f"this installation serves no {name} model")


def _reasons(answers: dict[Property, PropertyAnswers], position: int) -> dict[str, dict[str, str]]:
    given = {str(name): answer.reasons[position] for name, answer in answers.items() if answer.reasons is not None}
    reasons = {name: reason for name, reason in given.items() if reason is not None}
    return {"reasons": reasons} if reasons else {}


def _nearest_result(
    candidate: Candidate, index: int, position: int, answers: dict[Property, PropertyAnswers]
) -> dict[str, Any]:
    blocks = {str(name): answer.blocks[position] for name, answer in answers.items()}
    warnings = {"warnings": warnings_of(candidate.remarks)}
    return head_of(candidate, index, status="ok") | blocks | warnings | _reasons(answers, position)


def _result(
    candidate: Candidate, index: int, position: int, answers: dict[Property, PropertyAnswers]
) -> dict[str, Any]:
    row = head_of(candidate, index, status="ok")
    applicability = {}
    remarks = list(candidate.remarks)
    for name, answer in answers.items():
        row[str(name)] = answer.blocks[position]
        if answer.applicability[position]:
            applicability[str(name)] = answer.applicability[position]
        remarks += [remark for remark in answer.remarks[position] if remark not in remarks]
    row["applicability"] = applicability
    row["warnings"] = warnings_of(remarks)
    return row | _reasons(answers, position)
