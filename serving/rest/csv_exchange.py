"""CSV over HTTP: which of JSON and CSV a caller wants, a table as the question, flat rows as the answer.

Tables are read and written as the command line does it (`serving.answers.input_tables`,
`serving.answers.output_tables`), so that a file gets the same answer either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from pydantic import ConfigDict, Field
from starlette.responses import Response

from serving.answers.conditions import Conditions
from serving.answers.input_tables import MAX_NAMED_COLUMNS, InputTableError, read_candidates_csv, with_places
from serving.answers.refusals import RequestError, shown
from serving.answers.request import (
    DEFAULT_COVERAGE,
    MAX_CANDIDATES,
    MAX_COVERAGE,
    MAX_PROPERTIES,
    MIN_COVERAGE,
    PropertyName,
)
from serving.answers.rows import Results
from serving.predictor import same_rows

if TYPE_CHECKING:
    from serving.answers.rows import Results
from serving.predictor import Each, Predictor

CSV = "text/csv"
MODELS_HEADER, IGNORED_HEADER = "X-Elyte-Models", "X-Elyte-Ignored-Columns"
ANSWER_FILE = "elyte-predictions.csv"


class CsvQuery(Conditions):
    """The query parameters of `POST /predict/csv`: what holds for every row that does not say otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False, use_enum_values=True)

    properties: Annotated[list[PropertyName], Field(min_length=1, max_length=MAX_PROPERTIES)] | None = Field(
        None, alias="property"
    )
    coverage: Annotated[float, Field(ge=MIN_COVERAGE, le=MAX_COVERAGE)] = DEFAULT_COVERAGE
    explain: bool = False

    def conditions(self) -> Conditions:
        """Return the conditions alone."""
        stated = self.model_fields_set & Conditions.model_fields.keys()
        return Conditions(**{name: getattr(self, name) for name in stated})


def chosen_media_type(accept: str | None, offered: Sequence[str]) -> str:
    """Return the media type that an Accept header likes best.

    Parameters
    ----------
    accept
        The header; None or blank accepts everything.
    offered
        What can be given. Between equals the more exactly named one wins, then the earlier one.

    Raises
    ------
    RequestError
        406, when the header admits none.
    """
    ranges = [_media_range(part) for part in (accept or "*/*").split(",") if part.strip()] or [("*/*", 1.0)]
    best, liked = "", (0.0, 0)
    for media_type in offered:
        patterns = ("*/*", f"{media_type.split('/')[0]}/*", media_type)
        matches = [(patterns.index(name), weight) for name, weight in ranges if name in patterns]
        if matches:  # the most exact range speaks for a type
            exactness, weight = max(matches)
            if weight > 0 and (weight, exactness) > liked:
                best, liked = media_type, (weight, exactness)
    if not best:
        message = f"Accept: received {shown(accept)}, expected one that admits {' or '.join(offered)}"
        raise RequestError(406, "not_acceptable", message)
    return best


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                break
    return name, 1.0


class TableResults(Results):
    """The document of `POST /predict`, and the columns of the table that were not used."""

    ignored_columns: list[str]


def answer_csv(predictor: Predictor, raw: bytes, query: CsvQuery, each: Each = same_rows) -> TableResults:
    """Answer the table of a request; a row that cannot be read or judged becomes an error row.

    Parameters
    ----------
    predictor
        What answers.
    raw
        The body as received: UTF-8, or what a byte order mark says.
    query
        What holds for every row that does not say otherwise.
    each
        As for `Predictor.answer`.

    Raises
    ------
    RequestError
        400 for a table that cannot be used as a whole, 413 for too many rows.
    """
    if not raw:
        raise RequestError(400, "malformed_csv", "the body is empty, expected a CSV table with a header")
    try:
        # One row more than is answered, to know that there are too many.
        rows, ignored, places = read_candidates_csv(raw, "the body", MAX_CANDIDATES + 1)
    except InputTableError as error:
        raise RequestError(400, "malformed_csv", str(error)) from None
    if len(rows) > MAX_CANDIDATES:
        message = (
            f"the body: received more than {MAX_CANDIDATES} rows, expected at most so many in one request; split the"
            " table, or use `elyte screen` for large ones"
        )
        raise RequestError(413, "too_many_candidates", message)
    document = predictor.answer(
        rows,
        query.conditions(),
        properties=query.properties,
        coverage=query.coverage,
        explain=query.explain,
        each=lambda results: each(with_places(results, places)),
    )
    return {**document, "ignored_columns": ignored}


def csv_response(document: Mapping[str, Any]) -> Response:
    """Return an answer whose results are flat rows; what is not about one row stands in headers."""
    from serving.answers.output_tables import columns_of, csv_text

    models = "; ".join(f"{name}={_header_text(card['version'])}" for name, card in document["models"].items())
    headers = {MODELS_HEADER: models, "Content-Disposition": f'attachment; filename="{ANSWER_FILE}"'}
    ignored = document.get("ignored_columns", [])
    if ignored:
        headers[IGNORED_HEADER] = ", ".join(_header_text(name) for name in ignored[:MAX_NAMED_COLUMNS])
    flat = document["results"]
    return Response(csv_text(columns_of(flat), flat), headers=headers, media_type=CSV)


def _header_text(text: str) -> str:
    """Return a short text as a header can carry it; what is not plain ASCII is percent-encoded."""
    return quote(text[:60], safe=" !#$&'()*+-./:<>?@[]^_`{|}~")
