"""The eight tools: what each is for, its arguments, and how it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from serving.agents import requests as ask
from serving.agents import short_answers as short
from serving.agents.errors import ToolError, as_tool_errors, refused
from serving.agents.quoting import clean, doi, formula
from serving.agents.short_answers import Short
from serving.agents.short_rows import row_lines, short_row, short_warnings, warning_lines
from training.properties import registry

if TYPE_CHECKING:
    from serving.answers.request import CandidateInput
    from serving.answers.rows import Results
    from serving.predictor import Predictor

Seen = Callable[[Mapping[str, Any]], None]
_MOST_COMBINATIONS = 20_000


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call of a tool answers: the same as an object and as text."""

    document: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class AgentTool:
    """One tool.

    Attributes
    ----------
    name, title, description
        For the agent.
    arguments
        Model of its arguments.
    work
        Answers a call; the last argument takes the whole document, for counting.
    """

    name: str
    title: str
    description: str
    arguments: type[ask.ToolRequest]
    work: Callable[[Predictor, Any, Seen], Short]

    def answer(self, predictor_of: Callable[[], Predictor], arguments: Mapping[str, Any], seen: Seen) -> ToolAnswer:
        """Answer a call.

        Parameters
        ----------
        predictor_of
            Gives the models, loading them where that has not been done.
        arguments
            As sent.
        seen
            Is told of documents that judge candidates.

        Raises
        ------
        ToolError
            Where the call cannot be answered.
        """
        with as_tool_errors(self.arguments):
            asked = self.arguments.model_validate(dict(arguments))
            document, lines = self.work(predictor_of(), asked, seen)
        return ToolAnswer(clean(document), "\n".join(lines))


def _candidates(asked: ask.CandidatesCall) -> list[CandidateInput]:
    from features.crystal_formats.objects import fields_of_text
    from features.errors import CandidateError
    from serving.answers.request import CandidateInput

    rows = [CandidateInput(formula=text) for text in asked.formulas]
    for text in asked.structures:
        try:
            rows.append(CandidateInput(**fields_of_text(text)))
        except CandidateError:  # said again, and in its row, by what reads candidates
            rows.append(CandidateInput(structure=text))
    return rows


def _predict(predictor: Predictor, asked: ask.PredictCall, seen: Seen) -> Short:
    found = predictor.answer(_candidates(asked), asked.conditions, properties=asked.properties, coverage=asked.coverage)
    seen(found)
    results = [short_row(row) for row in found["results"]]
    lines = [line for row in results for line in row_lines(row)]
    return {"results": results, "models": _versions(found)}, [*lines, _models_line(found)]


def _nearest(predictor: Predictor, asked: ask.NearestCall, seen: Seen) -> Short:
    from serving.answers.nearest_request import NearestRequest

    request = NearestRequest(candidates=_candidates(asked), properties=asked.properties, count=asked.count)
    found = predictor.nearest(request)
    results: list[Mapping[str, object]] = []
    lines: list[str] = []
    for row in found["results"]:
        if row["status"] == "error":
            failed = short_row(row)
            results.append(failed)
            lines += row_lines(failed)
            continue
        near = {name: _known(row.get(name)) for name in registry.names() if row.get(name) is not None}
        warnings = short_warnings(row["warnings"])
        results.append({"index": row["index"], "read_as": row["read_as"], "nearest": near, "warnings": warnings})
        lines.append(f"{row['index'] + 1}. {row['read_as']}")
        for name, known in near.items():
            lines += [f"   {name}: {_known_words(one)}" for one in known]
        lines += warning_lines(warnings, "   ")
    return {"results": results, "models": _versions(found)}, lines


def _known(block: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401
    """Return known materials: formulas written anew, DOIs, distances, and numbers by the names of their quantities."""
    return [
        {"formula": formula(one["formula"]), "distance": one["distance"], "doi": doi(one.get("doi"))}
        | {key: value for key, value in one.items() if isinstance(value, float) and key != "distance"}
        for one in block["nearest"]
    ]


def _known_words(one: Mapping[str, Any]) -> str:
    numbers = ", ".join(f"{key} {value:.4g}" for key, value in one.items() if isinstance(value, float))
    return f"{one['formula']} ({one['doi'] or 'no DOI'}): {numbers}"


def _interface(predictor: Predictor, asked: ask.InterfaceCall, seen: Seen) -> Short:
    from serving.answers.interface_request import InterfaceRequest

    request = InterfaceRequest(formula=asked.formula, against=asked.against, voltage_V=asked.voltage_V)
    document = predictor.interface(request)
    if document["status"] == "error":
        raise refused(document)
    return short.of_interface(document)


def _coatings(predictor: Predictor, asked: ask.CoatingsCall, seen: Seen) -> Short:
    from serving.coatings.request import CoatedSide, CoatingsRequest

    side = CoatedSide.LITHIUM if asked.cathode is None else CoatedSide.CATHODE
    given = {"electrolyte": asked.electrolyte, "cathode": asked.cathode, "cutoff_V": asked.cutoff_V, "top": asked.top}
    document = predictor.coatings(CoatingsRequest(**given, side=side))  # type: ignore[arg-type]
    if document["status"] == "error":
        raise refused(document)
    return short.of_coatings(document)


def _rank(predictor: Predictor, asked: ask.RankCall, seen: Seen) -> Short:
    from serving.answers.request import CandidateInput
    from serving.ranking.constraints import Constraints
    from serving.ranking.request import RankRequest

    request = RankRequest(
        candidates=[CandidateInput(formula=text) for text in asked.formulas],
        objectives=[*asked.objectives],
        preset=asked.preset,
        constraints=Constraints(avoid=asked.avoid) if asked.avoid else None,
        conditions=asked.conditions,
        top=asked.top,
    )
    document = predictor.rank(request)
    seen(document)
    return short.of_ranking(document)


def _generate(predictor: Predictor, asked: ask.GenerateCall, seen: Seen) -> Short:
    from serving.generation.families import Limits
    from serving.generation.output import document
    from serving.generation.request import GenerationRequest, generate
    from serving.generation.table import Selection
    from serving.generation.variables import read_variable

    variables = dict(read_variable(text) for text in asked.variables)
    points = prod(len(values) for values in variables.values())
    for pattern in asked.patterns:
        combinations = points * prod(choice.count(",") + 1 for choice in re.findall(r"\{[^{}]*\}", pattern))
        if combinations > _MOST_COMBINATIONS:
            message = f"{combinations} combinations; at most {_MOST_COMBINATIONS}: take fewer choices or coarser steps"
            raise ToolError("invalid_pattern", message)
    request = GenerationRequest(
        patterns=tuple(asked.patterns),
        variables=variables,
        parents=tuple(asked.parents),
        dope=asked.dope,
        anions=asked.anions,
        swap=asked.swap,
        limits=Limits(exclude=frozenset(asked.exclude)),
    )
    selection = Selection(new_only=asked.new_only, most=asked.most)
    return short.of_candidates(document(generate(request, selection, predictor.known_materials())), asked.most)


def _synthesis(predictor: Predictor, asked: ask.SynthesisCall, seen: Seen) -> Short:
    from serving.synthesis.plan import SynthesisRequest

    document = predictor.synthesis(SynthesisRequest(asked.formula, asked.grams, asked.temperature_C), top=asked.top)
    if document["status"] == "error":
        raise refused(document)
    return short.of_synthesis(document)


def _models(predictor: Predictor, asked: ask.ModelsCall, seen: Seen) -> Short:
    cards = predictor.models()
    if asked.property is not None and asked.property not in cards:
        raise ToolError("not_served", f"no {asked.property} model is served")
    return short.of_models({n: card for n, card in cards.items() if asked.property in (None, n)})


def _versions(document: Results) -> dict[str, str]:
    return {name: str(header["version"]) for name, header in document["models"].items()}


def _models_line(document: Results) -> str:
    return "models: " + ", ".join(f"{name} {version}" for name, version in clean(_versions(document)).items())


TOOLS: tuple[AgentTool, ...] = (
    AgentTool(
        "predict",
        "Predict properties",
        "Predict what decides whether a solid electrolyte is worth making, each value with an interval, its unit and"
        " whether the model knows materials of this kind. Give formulas, or the text of structure files.",
        ask.PredictCall,
        _predict,
    ),
    AgentTool(
        "nearest",
        "Nearest known materials",
        "List the known materials nearest to each candidate, with their values and DOIs: what a prediction stands on.",
        ask.NearestCall,
        _nearest,
    ),
    AgentTool(
        "interface",
        "Reactions at an interface",
        "Tell what an electrolyte becomes where it touches lithium, a cathode, a coating or moist air: reaction,"
        " energy in eV/atom, and whether the layer that forms protects.",
        ask.InterfaceCall,
        _interface,
    ),
    AgentTool(
        "coatings",
        "Find a coating",
        "Screen all known lithium compounds for coatings between an electrolyte and a cathode, or lithium. Takes"
        " some ten seconds.",
        ask.CoatingsCall,
        _coatings,
    ),
    AgentTool(
        "rank",
        "Rank candidates",
        "Rank candidates by the probability that each meets all objectives, and say what limits it.",
        ask.RankCall,
        _rank,
    ),
    AgentTool(
        "generate",
        "Generate candidates",
        "Make charge-balanced candidates from formula patterns, or families of a parent; known materials are marked.",
        ask.GenerateCall,
        _generate,
    ),
    AgentTool(
        "synthesis",
        "Plan a synthesis",
        "Give balanced sets of precursors for a target, what to weigh, driving forces, and what papers reported.",
        ask.SynthesisCall,
        _synthesis,
    ),
    AgentTool(
        "models",
        "Describe the models",
        "Describe the models that answer: versions, what they are for and where they are not to be trusted.",
        ask.ModelsCall,
        _models,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
