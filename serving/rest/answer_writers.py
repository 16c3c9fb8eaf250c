"""How the rows of an answer are written: in parts, while others are still computed, so that long lists stay small.

The answer to 10,000 candidates takes ten times as much memory in Python's objects as in the text that is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from serving.answers.optimade_answers import MEDIA_TYPE, document_of, entry_of
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


def _optimade_part(rows: Rows) -> list[Any]:
    import orjson

    return [orjson.Fragment(orjson.dumps(entry_of(row), option=orjson.OPT_SERIALIZE_NUMPY)) for row in rows]


def _optimade_response(document: Mapping[str, Any]) -> Response:
    import orjson

    entries = document["results"]
    body = orjson.dumps(document_of(entries, len(entries), document["models"]), option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type=MEDIA_TYPE)


AS_JSON = AnswerWriter(_json_part, json_response)
AS_CSV = AnswerWriter(_csv_part, csv_response)
AS_OPTIMADE = AnswerWriter(_optimade_part, _optimade_response)
_WRITERS = {JSON: AS_JSON, CSV: AS_CSV, MEDIA_TYPE: AS_OPTIMADE}


def writer_for(accept: str | None) -> AnswerWriter:
    """Return what writes answers as an Accept header wants them.

    Raises
    ------
    RequestError
        406, when it wants none of JSON, CSV and OPTIMADE's.
    """
    return _WRITERS[chosen_media_type(accept, tuple(_WRITERS))]
