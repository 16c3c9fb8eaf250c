"""How the rows of an answer are written: in parts, while others are still computed, so that long lists stay small.

The answer to 10,000 candidates takes ten times as much memory in Python's objects as in the text that is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from serving.answers.rows import ResultRow
from serving.rest.csv_exchange import CSV, chosen_media_type, csv_response
from serving.rest.request_body import JSON

Rows = list[ResultRow]


class AnswerWriter(NamedTuple):
    """Writes some rows into the items that stand for them, and a document of such items into a response."""

    part: Callable[[Rows], list[Any]]
    whole: Callable[[Mapping[str, object]], Response]


def json_response(document: Mapping[str, object]) -> Response:
    """Return a document as JSON."""
    import orjson

    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type=JSON)


def _json_part(rows: Rows) -> list[Any]:
    import orjson

    inside_brackets = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return [orjson.Fragment(inside_brackets)] if rows else []


def _csv_part(rows: Rows) -> list[Any]:
    from serving.answers.output_tables import flat_rows

    return flat_rows(rows)[1]


AS_JSON = AnswerWriter(_json_part, json_response)
AS_CSV = AnswerWriter(_csv_part, csv_response)


def writer_for(accept: str | None) -> AnswerWriter:
    """Return what writes answers as an Accept header wants them.

    Raises
    ------
    RequestError
        406, when it wants neither JSON nor CSV.
    """
    return AS_CSV if chosen_media_type(accept, (JSON, CSV)) == CSV else AS_JSON
