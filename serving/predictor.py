"""The Python entrance: candidates in, one answer document out, the same that REST and the command line give."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any

from features.candidate import INORGANIC, RowError
from serving.answers.conditions import Conditions
from serving.answers.documents import answer_rows, nearest_rows, read_rows
from serving.answers.judging import lacking, said_of_rows
from serving.answers.notebook import shown
from serving.answers.request import DEFAULT_COVERAGE, CandidateInput, PredictRequest, rows_of
from serving.models.laboratory import leading_with_ledger
from serving.models.store import ModelUnavailableError, ServedModel, load_models
from training.properties import registry
from training.properties.registry import with_needed

if TYPE_CHECKING:
    from features.crystal_formats.objects import Material
    from serving.answers.condition_grid import ConditionGridRequest, GridDocument
    from serving.answers.interface_answers import InterfaceDocument
    from serving.answers.interface_request import InterfaceRequest
    from serving.answers.nearest_request import NearestRequest
    from serving.answers.rows import ModelHeaders, ResultRow, Results
    from serving.cells.document import RateDocument
    from serving.cells.request import RateRequest
    from serving.coatings.document import CoatingsDocument
    from serving.coatings.request import CoatingsRequest
    from serving.generation.asked import GenerateRequest
    from serving.generation.known import KnownMaterials
    from serving.pathways.document import PathwaysDocument
    from serving.pathways.request import PathwaysRequest
    from serving.ranking.document import RankingDocument
    from serving.ranking.pair_answer import PairOptions, PairsDocument
    from serving.ranking.request import RankingSpec, RankRequest
    from serving.suggestions.answer import SuggestOptions
    from serving.suggestions.effect import EffectDocument, EffectRequest
    from serving.synthesis.answers import SynthesisDocument
    from serving.synthesis.plan import SynthesisRequest
    from serving.synthesis.shelf import Precursor
    from serving.synthesis.shopping import BatchesDocument
    from training.thermodynamics.phases import PhaseTable

WARM_FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li6.5La3Zr1.5Ta0.5O12")
_ROWS_PER_PASS = 512

Each = Callable[["list[ResultRow]"], list[Any]]


def same_rows(rows: list[ResultRow]) -> list[Any]:
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

    def __init__(self, models: dict[str, ServedModel]) -> None:
        self._models = models

    @classmethod
    def load(cls, source: str = "auto", properties: Sequence[str] | None = None) -> Predictor:
        """Load the models; see `serving.models.store.load_models`. Those of 'auto' lead with what the ledger holds.

        Raises
        ------
        ModelUnavailableError
            If no usable model is found.
        """
        if properties is not None:
            properties = with_needed(properties)
        models = load_models(source, properties)
        return cls(leading_with_ledger(models) if source == "auto" else models)

    def warm(self) -> None:
        """Answer once, so that the first caller does not pay for what is computed on first use."""
        self.predict_formulas(list(WARM_FORMULAS))
        if registry.of_phases().name in self._models:
            from serving.answers.interface_request import InterfaceRequest
            from serving.coatings.warming import warm_screen

            self.interface(InterfaceRequest(formula=WARM_FORMULAS[0], voltage_V=4.3))
            warm_screen(self.phases())

    def models(self) -> dict[str, dict[str, Any]]:
        """Return the card of every served model, with its origin and digest."""
        return {
            str(name): served.header() | served.bundle.card.model_dump(mode="json", exclude={"model", "golden"})
            for name, served in self._models.items()
        }

    def predict_formulas(
        self,
        formulas: Sequence[Material],
        *,
        temperature_C: float | None = None,
        coverage: float = DEFAULT_COVERAGE,
        explain: bool = False,
    ) -> Results:
        """Judge formulas, files or objects of pymatgen and ASE under one temperature; a shorthand for `predict`."""
        return self.answer(
            rows_of(formulas),
            Conditions(temperature_C=temperature_C),
            coverage=coverage,
            explain=explain,
        )

    def predict(self, request: PredictRequest, each: Each = same_rows) -> Results:
        """Answer a request with the document of DESIGN.md: `models`, and `results` in the order of the candidates."""
        return self.answer(
            request.candidates,
            request.conditions,
            properties=request.properties,
            coverage=request.coverage,
            explain=request.explain,
            each=each,
        )

    def phases(self) -> PhaseTable:
        """Return the formation energies on which equilibria are computed.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no stability model.
        """
        one = registry.of_phases()
        return one.phases(self._served(one.name).model).phases

    def _served(self, name: str) -> ServedModel:
        if name not in self._models:
            raise ModelUnavailableError(f"this installation serves no {name} model; run `elyte train {name}`")
        return self._models[name]

    def interface(self, request: InterfaceRequest) -> InterfaceDocument:
        """Answer what an electrolyte becomes where it touches other materials; see `serving.answers.interface_answers`.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no stability model.
        """
        from serving.answers.interface_answers import answer_interface

        phases = self.phases()
        header = self.headers([registry.of_phases().name])
        return answer_interface(phases, request.formula, request.against, request.voltage_V, header)

    def rate(self, request: RateRequest) -> RateDocument:
        """Answer which rate a cell of two electrolytes reaches, and what limits it; see `serving.cells`."""
        from serving.cells.answer import answer_rate

        return answer_rate(self._models, request)

    def coatings(self, request: CoatingsRequest) -> CoatingsDocument:
        """Answer which coatings last between an electrolyte and a cathode, or lithium; see `serving.coatings`.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no stability model.
        """
        from serving.coatings.answer import answer_coatings
        from serving.coatings.predicted import properties_asked

        self._served(registry.of_phases().name)
        return answer_coatings(self._models, request, self.headers(properties_asked()))

    def pathways(self, request: PathwaysRequest) -> PathwaysDocument:
        """Describe lithium's ways through a crystal structure, without any model; see `serving.pathways`."""
        from serving.pathways.answer import answer_pathways

        return answer_pathways(request)

    def condition_grid(self, request: ConditionGridRequest) -> GridDocument:
        """Answer how a property of one material changes with conditions: `serving.answers.condition_grid`.

        Raises
        ------
        ModelUnavailableError
            If this installation serves no model of it.
        """
        from serving.answers.condition_grid import answer_grid

        self._served(registry.of_grid().name)
        return answer_grid(self.answer, request)

    ccd_grid = condition_grid  # the name by which users know it

    def answer(
        self,
        rows: Sequence[CandidateInput | RowError],
        conditions: Conditions | None = None,
        *,
        properties: Sequence[str] | None = None,
        coverage: float = DEFAULT_COVERAGE,
        explain: bool = False,
        each: Each = same_rows,
    ) -> Results:
        """Answer rows, of which some may have failed before they came here.

        Parameters
        ----------
        rows
            Candidates as given, or the error that reading one raised.
        conditions
            What holds for every row that does not say otherwise.
        properties
            What to answer; None means every property that has a model. `models` names those that speak of a kind of
            material among the rows, and those asked for it as well.
        coverage
            Nominal coverage of the intervals, 0.5 to 0.99.
        explain
            Whether properties that can explain themselves are to come with an `explanation`: terms that sum to a value.
        each
            Takes a block of results as soon as it is there, in one of several threads, and returns what is to stand in
            its place: long answers are written and counted block by block, not kept.
        """
        wanted = list(dict.fromkeys(properties or self._models))
        general = conditions or Conditions()
        starts = range(0, len(rows), _ROWS_PER_PASS)

        kinds: set[str] = set()

        def answer_from(start: int) -> list[Any]:
            block = rows[start : start + _ROWS_PER_PASS]
            found = answer_rows(self._models, block, start, general, wanted, coverage, explain=explain, kinds=kinds)
            return each(found)

        if len(starts) == 1:
            results = answer_from(0)
        else:  # numpy lets go of the interpreter in all that takes long
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                results = list(chain.from_iterable(threads.map(answer_from, starts)))
        spoken = [name for name in wanted if registry.get(name).kind in (kinds or {INORGANIC})]
        return shown(self.headers(self._asked(spoken)), results)

    def nearest(self, request: NearestRequest) -> Results:
        """Answer which known materials lie nearest to each candidate; see `serving.answers.documents.nearest_rows`."""
        wanted = list(dict.fromkeys(request.properties or self._models))
        results = nearest_rows(self._models, request.candidates, request.conditions, wanted, request.count)
        return {"models": self.headers(said_of_rows(results, wanted)), "results": results}

    def rank(self, request: RankRequest) -> RankingDocument:
        """Answer which candidates to make next, and why; see `serving.ranking`.

        Raises
        ------
        ModelUnavailableError
            If an objective needs a model that this installation does not serve.
        ObjectiveError
            If objectives contradict each other, or the batch cannot be chosen by the rule asked for.
        """
        return self.rank_rows(
            request.candidates,
            request.spec(),
            conditions=request.conditions,
            order=request.order,
            top=request.top,
            batch=request.batch,
            coverage=request.coverage,
        )

    def suggest(self, rows: Sequence[CandidateInput | RowError], options: SuggestOptions) -> dict[str, Any]:
        """Answer which candidates to measure so that a model learns most; see `serving.suggestions.answer`.

        Raises
        ------
        ModelUnavailableError
            If this installation does not serve the model that is to learn.
        """
        from serving.suggestions.answer import suggest

        self._served(options.property)
        return suggest(self._models, read_rows(rows), options)

    def effect(self, request: EffectRequest) -> EffectDocument:
        """Answer what measured values would change in what a model says; see `serving.suggestions.effect`.

        Raises
        ------
        ModelUnavailableError
            If this installation does not serve the model.
        """
        from serving.suggestions.effect import effect

        self._served(request.property)
        return effect(self._models, request)

    def generate(self, request: GenerateRequest) -> dict[str, object]:
        """Answer candidates from patterns or parents, as `elyte generate --json` writes them; see `serving.generation`.

        Raises
        ------
        GenerationError
            If the call cannot be understood or has no answer.
        CandidateError
            If a parent cannot be read.
        """
        from serving.generation.output import document
        from serving.generation.request import generate

        return document(generate(request.read(), request.selection(), self.known_materials()))

    def synthesis(
        self, request: SynthesisRequest, shelf: Sequence[Precursor] | None = None, top: int = 5
    ) -> SynthesisDocument:
        """Answer how to make a material, and what to weigh; see `serving.synthesis`.

        Without a stability model there are sets and masses, but no energies. A target that cannot be made from the
        shelf (None: the shipped one) is answered with `status` error and the reason.
        """
        from serving.models.laboratory import synthesis_outcomes
        from serving.synthesis.answers import answer_synthesis
        from serving.synthesis.experience import shipped_syntheses

        phases = self._models.get(registry.of_phases().name)
        return answer_synthesis(phases, request, shelf, top, shipped_syntheses(), synthesis_outcomes())

    def syntheses(
        self, requests: Sequence[SynthesisRequest], shelf: Sequence[Precursor] | None = None, top: int = 5
    ) -> BatchesDocument:
        """Answer how to make several materials, and what to fetch for the best route of each."""
        from serving.synthesis.shopping import batches_document

        return batches_document([self.synthesis(request, shelf, top) for request in requests])

    def rank_pairs(
        self,
        anolytes: Sequence[CandidateInput | RowError],
        catholytes: Sequence[CandidateInput | RowError],
        options: PairOptions,
    ) -> PairsDocument:
        """Rank pairs of electrolytes for one cell; see `serving.ranking.pair_answer`.

        Raises
        ------
        ModelUnavailableError
            If this installation lacks a model that pairs need.
        ObjectiveError
            If an objective names no side, has no target or cannot be understood.
        """
        from serving.cells.answer import ANOLYTE, CATHOLYTE
        from serving.ranking.pair_answer import answer_pairs

        return answer_pairs(self._models, {ANOLYTE: anolytes, CATHOLYTE: catholytes}, options)

    def known_materials(self) -> KnownMaterials:
        """Return what marks generated candidates as known: the measured materials and phases of the models."""
        from serving.generation.known import KnownMaterials

        return KnownMaterials.of(self._models)

    def rank_rows(
        self,
        rows: Sequence[CandidateInput | RowError],
        spec: RankingSpec,
        **how: Any,  # noqa: ANN401
    ) -> RankingDocument:
        """Rank rows, of which some may have failed before they came here; see `serving.ranking.answer`.

        `how` are the fields of `serving.ranking.answer.RankingOptions`.
        """
        from serving.ranking.answer import RankingOptions, answer_ranking

        return answer_ranking(self._models, rows, spec, RankingOptions(**how))

    def _asked(self, wanted: Sequence[str]) -> list[str]:
        """Return the properties whose models speak in an answer: those wanted, and those that they ask."""
        return with_needed(name for name in wanted if name in self._models and lacking(name, self._models) is None)

    def headers(self, wanted: Sequence[str]) -> ModelHeaders:
        """Return what every answer says of the models of some properties."""
        return {str(name): served.header() for name, served in self._models.items() if name in wanted}
