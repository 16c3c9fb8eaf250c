"""`POST /predict` and `POST /predict/csv`."""

from __future__ import annotations

import threading
from typing import Any

from fastapi import APIRouter, Request, Response

from serving.answers.optimade_answers import MEDIA_TYPE
from serving.answers.request import PredictRequest
from serving.answers.rows import Results
from serving.predictor import Predictor
from serving.rest.answer_models import Answer
from serving.rest.answer_writers import Rows, writer_for
from serving.rest.batching import is_small
from serving.rest.csv_exchange import CSV, IGNORED_HEADER, MODELS_HEADER, CsvQuery, answer_csv
from serving.rest.errors import AnsweringRoute
from serving.rest.lanes import SHORT_BODY_BYTES
from serving.rest.openapi import Responses, body_of, query_of, refusals
from serving.rest.request_body import JSON, MANY_CANDIDATES, read_query, read_request
from serving.rest.routes.answering import Loaded, admitted_body, lanes_of, record_of
from training.properties import registry

EXAMPLE = {
    "candidates": [{"id": "argyrodite", "formula": "Li6PS5Cl"}, {"formula": "Li7La3Zr2O12"}],
    "conditions": {"temperature_C": 25},
    "properties": [*registry.names()[:3]],
    "coverage": 0.9,
}
EXAMPLE_CSV = "id,formula,temperature_C\nargyrodite,Li6PS5Cl,60\ngarnet,Li7La3Zr2O12,\n"
NOT_ACCEPTABLE = (
    "The Accept header admits none of JSON, CSV and OPTIMADE's JSON:API.",
    "not_acceptable",
    'Accept: received "text/html", expected one that admits application/json or text/csv or application/vnd.api+json',
)
MALFORMED_TABLE = (
    "A table that cannot be used as a whole, or a query parameter that is unknown or out of range.",
    "malformed_csv",
    "the body: column 'formulae' is not known (did you mean 'formula'?)",
)
HEADERS = {
    MODELS_HEADER: "Of a CSV answer: `property=version` of each model that answered.",
    IGNORED_HEADER: "Of a CSV answer to a table: its columns that were not used.",
}
# The answer of both routes, besides JSON.
AS_CSV: Responses = {
    200: {
        "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()},
        "content": {
            CSV: {"schema": {"type": "string", "description": "A header and one flat row a candidate."}},
            MEDIA_TYPE: {"schema": {"type": "object", "description": "An OPTIMADE document with `_elyte_` fields."}},
        },
    }
}
TABLE: dict[str, Any] = {
    "parameters": query_of(CsvQuery),
    "requestBody": {"required": True, "content": {CSV: {"schema": {"type": "string"}, "example": EXAMPLE_CSV}}},
}

router = APIRouter(route_class=AnsweringRoute)


class _Prediction:
    """The answer to one request for predictions: rows are counted and written block by block."""

    def __init__(self, request: Request, predictor: Predictor) -> None:
        self.predictor = predictor
        self._record = record_of(request)
        self._writer = writer_for(request.headers.get("accept"))
        self._counting = threading.Lock()

    def take(self, rows: Rows) -> list[Any]:
        """Count rows, and return what stands for them."""
        with self._counting:
            self._record.count_rows(rows)
        return self._writer.part(rows)

    def write(self, document: Results) -> Response:
        """Return the response of a document whose rows were taken."""
        self._record.name_models(document["models"])
        return self._writer.whole(document)

    def take_and_write(self, document: Results) -> Response:
        """Return the response of a document with its rows."""
        return self.write({"models": document["models"], "results": self.take(document["results"])})


@router.post(
    "/predict",
    summary="Predict conductivity, stability and critical current density",
    response_model=Answer,
    response_description="One row a candidate.",
    responses=AS_CSV | refusals({406: NOT_ACCEPTABLE}),
    openapi_extra=body_of(PredictRequest, EXAMPLE, MANY_CANDIDATES),
)
async def predict(request: Request, predictor: Loaded) -> Response:
    """Judge every candidate: one that cannot be judged becomes a row of status `error`, and the others stand."""
    asking, lanes = _Prediction(request, predictor), lanes_of(request)

    def work(asked: PredictRequest) -> Response:
        return asking.write(predictor.predict(asked, asking.take))

    async with admitted_body(request, JSON) as raw:
        if len(raw) > SHORT_BODY_BYTES:
            return await lanes.run(lambda: work(read_request(raw)), short=False)
        asked = read_request(raw)
        if is_small(asked):
            response: Response = await lanes.in_time(lanes.batcher.answer(predictor, asked, asking.take_and_write))
            return response
        return await lanes.run(lambda: work(asked), short=True)


@router.post(
    "/predict/csv",
    summary="Predict the rows of a CSV table",
    response_model=Answer,
    response_description="One row a candidate.",
    responses=AS_CSV | refusals({400: MALFORMED_TABLE, 406: NOT_ACCEPTABLE}),
    openapi_extra=TABLE,
)
async def predict_csv(request: Request, predictor: Loaded) -> Response:
    """Read columns `id`, `formula`, `cif`, `block` and conditions; a row's conditions win over those of the query.

    The answer is JSON, or CSV where the Accept header wants it.
    """
    asking = _Prediction(request, predictor)
    query = read_query(CsvQuery, request.query_params.multi_items(), several="property")

    def work(raw: bytes) -> Response:
        return asking.write(answer_csv(predictor, raw, query, asking.take))

    async with admitted_body(request, CSV) as raw:
        return await lanes_of(request).run(lambda: work(raw), short=len(raw) <= SHORT_BODY_BYTES)
