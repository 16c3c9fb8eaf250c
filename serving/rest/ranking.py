"""`POST /rank`: from the bytes of a request to the document, and what OpenAPI says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.predictor import Predictor

EXAMPLE: dict[str, Any] = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}, {"formula": "Li3InCl6"}, {"formula": "Li2ZrCl6"}],
    "objectives": ["sigma>=1e-3@25", "hull<=0.05", "window against NMC811", "minimise cost"],
    "constraints": {"avoid": ["Cd", "Hg"], "charge_balanced": True},
    "batch": {"size": 2, "method": "ehvi", "explore": 0.5},
    "top": 3,
}


def answer_rank(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    """Answer a request.

    Parameters
    ----------
    predictor
        What answers.
    raw
        The body as received.

    Raises
    ------
    RequestError
        400 for anything that is not a valid request, objectives that contradict each other included.
    ModelUnavailableError
        If an objective needs a model that is not served.
    """
    from serving.ranking.objectives import ObjectiveError
    from serving.ranking.request import read_rank_request
    from serving.rest.request_body import RequestError

    try:
        return predictor.rank(read_rank_request(raw))
    except ObjectiveError as error:
        raise RequestError(400, "invalid_objective", str(error)) from None


def rank_operation(refusals: dict[str, Any], not_served: dict[str, Any]) -> dict[str, Any]:
    """Return what the OpenAPI document says about `POST /rank`.

    Parameters
    ----------
    refusals
        Of a route that computes.
    not_served
        The answer where a model is missing.
    """
    from serving.rest.openapi_schemas import reference

    def content(name: str, example: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"application/json": {"schema": reference(name)} | ({} if example is None else {"example": example})}

    return {
        "operationId": "rank",
        "summary": "Rank candidates by objectives, with the probability of success and reasons",
        "description": "Who meets all targets with which probability, who is on the Pareto front, what limits each,"
        " and which batch to make next. A candidate that is not ranked is listed with the reason.",
        "requestBody": {"required": True, "content": content("RankRequest", EXAMPLE)},
        "responses": {
            "200": {"description": "The ranking.", "content": content("RankAnswer")},
            "404": not_served,
            **refusals,
        },
    }


def rank_schemas() -> dict[str, Any]:
    """Return the schemas of request and answer."""
    from serving.ranking.request import RankRequest
    from serving.rest.openapi_schemas import (
        CRYSTAL,
        FAILED_MATERIAL,
        ID,
        NOTE,
        READ_MATERIAL,
        SCHEMA_PREFIX,
        WARNINGS,
        object_of,
        reference,
    )

    request = RankRequest.model_json_schema(ref_template=SCHEMA_PREFIX + "{model}")
    parts: dict[str, Any] = request.pop("$defs", {})
    known = {"CandidateInput", "Conditions"}
    number, text = {"type": ["number", "null"]}, {"type": "string"}
    head = {"id": ID, "index": {"type": "integer"}}
    value = object_of({"objective": text, "value": number, "lower": number, "upper": number, "probability": number})
    limiting = object_of({"objective": text, "probability": number, "shortfall": number, "words": text})
    entry = object_of(
        head
        | {
            "rank": {"type": "integer"}, **READ_MATERIAL, "probability_of_success": number, "standard_error": number,
            "on_front": {"type": "boolean"}, "probability_on_front": number, "utility": number,
            "objectives": {"type": "array", "items": value},
            "limiting": {"oneOf": [limiting, {"type": "null"}]},
            "nearest": {"type": "object", "description": "The nearest known material by property."},
            "in_domain": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "warnings": WARNINGS,
        },
        CRYSTAL,
        description="A ranked candidate with its reasons.",
    )  # fmt: skip
    reasons = {"type": "array", "items": NOTE}
    excluded = object_of(head | READ_MATERIAL | {"reasons": reasons, "warnings": WARNINGS}, CRYSTAL)
    failed = object_of(
        head | FAILED_MATERIAL | {"status": {"const": "error"}, "error": NOTE, "warnings": WARNINGS}, CRYSTAL
    )
    texts = {"type": "array", "items": text}
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    answer = object_of(
        {
            "models": {"type": "object"}, "status": {"enum": ["ok", "empty"]},
            "objectives": {"type": "array", "items": {"type": "object"}}, "constraints": {"type": "object"},
            "order": text, "assumptions": texts, "notes": texts, "counts": counts, "scenarios": {"type": "object"},
            "ranking": {"type": "array", "items": reference("RankedCandidate")},
            "batch": {"type": ["object", "null"], "description": "The next batch, where one was asked for."},
            "excluded": {"type": "array", "items": excluded}, "failed": {"type": "array", "items": failed},
        }
    )  # fmt: skip
    own = {name: schema for name, schema in parts.items() if name not in known}
    return own | {"RankRequest": request, "RankAnswer": answer, "RankedCandidate": entry}
