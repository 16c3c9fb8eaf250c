"""The REST interface as an ASGI application; `serving.rest.service` lets BentoML host it.

Every refusal of a whole request has one shape, `{"error": {"code", "message"}}`. Bad input never becomes a
5xx, and an exception of ours becomes a 500 without its message. Predicting runs in worker threads
(`serving.rest.lanes`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from serving.models.cards import described, refreshed, refuse_content
from serving.rest.admission import Admission, Limits
from serving.rest.answer_writers import Rows, json_response, writer_for
from serving.rest.batching import is_small
from serving.rest.csv_exchange import CSV, answer_csv, read_query
from serving.rest.lanes import SHORT_BODY_BYTES, Lanes
from serving.rest.observability import LOGGER_NAME, RECORD_KEY, RequestLog, RequestRecord, answered_rows
from serving.rest.page_files import PAGE_ROUTES
from serving.rest.protection import Guard, Protection, key_label, writes
from serving.rest.ranking import answer_rank
from serving.rest.request_body import JSON, RequestError, read_body, read_request, require_media_type

if TYPE_CHECKING:
    from serving.answers.request import PredictRequest
    from serving.predictor import Predictor

DOCS_PATH = "/docs"
NOT_READY_RETRY_SECONDS = 2


def error_response(error: RequestError, record: RequestRecord | None = None) -> Response:
    """Return the one shape of a refused request.

    Parameters
    ----------
    error
        The refusal.
    record
        Where its code is noted for the log.
    """
    import orjson

    if record is not None:
        record.error_code = error.code
    body = orjson.dumps({"error": {"code": error.code, "message": error.message}})
    return Response(body, error.status, error.headers, JSON)


Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(function: Endpoint) -> Endpoint:
    """Note the route for the log, and answer every exception in the one error shape."""

    @wraps(function)
    async def answered(request: Request) -> Response:
        record: RequestRecord = request.scope[RECORD_KEY]
        record.route = request.url.path
        try:
            return await function(request)
        except RequestError as error:
            return error_response(error, record)
        except ClientDisconnect:
            # Nobody reads this; 499 is what logs call a client that went away.
            return error_response(RequestError(499, "client_disconnected", "the client went away"), record)
        except Exception:
            fields = {"request_id": record.request_id, "route": record.route}
            logging.getLogger(LOGGER_NAME).exception("internal_error", extra={"fields": fields})
            message = f"the service failed; its log has the details under request {record.request_id}"
            return error_response(RequestError(500, "internal_error", message), record)

    return answered


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (404, 405, not ready) the one error shape.

    Parameters
    ----------
    request
        The request.
    error
        Starlette's exception.
    """
    assert isinstance(error, HTTPException)
    record: RequestRecord | None = request.scope.get(RECORD_KEY)
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            message = f"no such route; GET {DOCS_PATH} lists what there is"
            refusal = RequestError(404, "not_found", message, headers)
        case 405:
            message = f"method: received {request.method}, expected {headers.get('Allow', 'another method')}"
            refusal = RequestError(405, "method_not_allowed", message, headers)
            if record is not None:
                record.route = request.url.path
        case 503:
            refusal = _not_ready()
        case status:
            refusal = RequestError(status, "internal_error" if status >= 500 else "refused", error.detail, headers)
    return error_response(refusal, record)


def _not_ready() -> RequestError:
    seconds = NOT_READY_RETRY_SECONDS
    message = f"the models are being loaded; try again in {seconds} s, /readyz says when they are"
    return RequestError(503, "not_ready", message, {"Retry-After": str(seconds)})


def _loaded(request: Request) -> Predictor:
    predictor: Predictor | None = request.app.state.predictor
    if predictor is None:
        raise _not_ready()
    return predictor


Answer = Callable[["Predictor", bytes], dict[str, Any]]


async def _answer_body(request: Request, answer: Answer) -> Response:
    """Read a JSON body, answer it in a worker thread, and note how many rows it had."""
    predictor, record = _loaded(request), _record(request)

    def work(raw: bytes) -> Response:
        document = _served(lambda: answer(predictor, raw))
        rows = answered_rows(document)
        if rows is not None:
            record.count_rows(rows)
            record.name_models(document["models"])
        return json_response(document)

    async with _body(request, JSON) as raw:
        return await _lanes(request).run(lambda: work(raw), short=len(raw) <= SHORT_BODY_BYTES)


@asynccontextmanager
async def _body(request: Request, media_type: str) -> AsyncIterator[bytes]:
    """Admit a request and read its body; its memory counts until the answer is there."""
    limits: Limits = request.app.state.limits
    require_media_type(request, media_type)
    with request.app.state.admission.admit() as reserve:
        yield await read_body(request, limits.body_bytes, limits.body_seconds, reserve)


def _record(request: Request) -> RequestRecord:
    record: RequestRecord = request.scope[RECORD_KEY]
    return record


def _lanes(request: Request) -> Lanes:
    lanes: Lanes = request.app.state.lanes
    return lanes


def _served(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from serving.models.store import ModelUnavailableError

    try:
        return answer()
    except ModelUnavailableError as error:
        raise RequestError(404, "not_served", str(error)) from None


class _Prediction:
    """The answer to one request for predictions: rows are counted and written block by block."""

    def __init__(self, request: Request) -> None:
        self.predictor = _loaded(request)
        self._record = _record(request)
        self._writer = writer_for(request.headers.get("accept"))
        self._counting = threading.Lock()

    def take(self, rows: Rows) -> list[Any]:
        """Count rows, and return what stands for them."""
        with self._counting:
            self._record.count_rows(rows)
        return self._writer.part(rows)

    def write(self, document: dict[str, Any]) -> Response:
        """Return the response of a document whose rows were taken."""
        self._record.name_models(document["models"])
        return self._writer.whole(document)

    def take_and_write(self, document: dict[str, Any]) -> Response:
        """Return the response of a document with its rows."""
        return self.write(document | {"results": self.take(document["results"])})


@endpoint
async def predict(request: Request) -> Response:
    """Answer `POST /predict`."""
    asking, lanes = _Prediction(request), _lanes(request)

    def work(asked: PredictRequest) -> Response:
        return asking.write(asking.predictor.predict(asked, asking.take))

    async with _body(request, JSON) as raw:
        if len(raw) > SHORT_BODY_BYTES:
            return await lanes.run(lambda: work(read_request(raw)), short=False)
        asked = read_request(raw)
        if is_small(asked):
            return await lanes.in_time(lanes.batcher.answer(asking.predictor, asked, asking.take_and_write))
        return await lanes.run(lambda: work(asked), short=True)


@endpoint
async def predict_csv(request: Request) -> Response:
    """Answer `POST /predict/csv`."""
    asking, query = _Prediction(request), read_query(request.query_params.multi_items())

    def work(raw: bytes) -> Response:
        return asking.write(answer_csv(asking.predictor, raw, query, asking.take))

    async with _body(request, CSV) as raw:
        return await _lanes(request).run(lambda: work(raw), short=len(raw) <= SHORT_BODY_BYTES)


@endpoint
async def nearest(request: Request) -> Response:
    """Answer `POST /nearest`."""
    return await _answer_body(request, _nearest)


def _nearest(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    from serving.answers.nearest_request import read_nearest_request

    return predictor.nearest(read_nearest_request(raw))


@endpoint
async def interface(request: Request) -> Response:
    """Answer `POST /interface`."""
    return await _answer_body(request, _interface)


def _interface(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    from serving.answers.interface_request import read_interface_request

    return predictor.interface(read_interface_request(raw))


@endpoint
async def ccd_grid(request: Request) -> Response:
    """Answer `POST /ccd/grid`."""
    return await _answer_body(request, _ccd_grid)


def _ccd_grid(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    from serving.answers.ccd_grid import read_grid_request

    return predictor.ccd_grid(read_grid_request(raw))


@endpoint
async def rank(request: Request) -> Response:
    """Answer `POST /rank`."""
    return await _answer_body(request, answer_rank)


@endpoint
async def models(request: Request) -> Response:
    """Answer `GET /models`: the cards of the models that answer now, and how they stand to the registry's."""
    _loaded(request)
    return await _lanes(request).run(lambda: json_response(described(request.app.state)), short=True)


@endpoint
@writes
async def refresh(request: Request) -> Response:
    """Answer `POST /models/refresh`: follow the registry now; the cards say what changed."""
    _loaded(request)
    await refuse_content(request)
    return await _lanes(request).run(lambda: json_response(refreshed(request.app.state)), short=False)


@endpoint
@writes
async def measurements(request: Request) -> Response:
    """Answer `POST /measurements`: rows for the ledger, as JSON or as a CSV table."""
    from serving.rest.measurements import ledger_too_slow, record_measurements

    is_table = request.headers.get("content-type", "").split(";")[0].strip().lower() == CSV
    media_type, lanes = CSV if is_table else JSON, _lanes(request)
    key = key_label(request)
    async with _body(request, media_type) as raw:
        try:
            return await lanes.write(
                lambda: record_measurements(raw, media_type, request.query_params.multi_items(), key)
            )
        except RequestError as error:
            raise ledger_too_slow(lanes.answer_seconds) if error.code == "timeout" else error from None


@endpoint
async def openapi(request: Request) -> Response:
    """Answer the OpenAPI document."""
    from serving.rest.openapi import openapi_document

    return json_response(openapi_document())


@endpoint
async def docs(request: Request) -> Response:
    """Answer the page that shows the OpenAPI document."""
    from serving.rest.openapi import DOCS_PAGE

    return HTMLResponse(DOCS_PAGE)


@lru_cache(maxsize=1)
def _swagger_folder() -> Path:
    bentoml = find_spec("bentoml")
    assert bentoml is not None
    assert bentoml.origin is not None
    return Path(bentoml.origin).parent / "_internal" / "server" / "static_content"


@endpoint
async def docs_asset(request: Request) -> Response:
    """Answer a Swagger file; BentoML carries them, so that the page works without the internet."""
    return FileResponse(_swagger_folder() / Path(request.url.path).name)


@endpoint
async def vocabulary(request: Request) -> Response:
    """Answer `GET /vocabulary`: the names, ranges and potentials that the page offers for choice."""
    from serving.answers.vocabulary import vocabulary_of

    return json_response(vocabulary_of(request.app.state.predictor))


ROUTES: tuple[tuple[str, Endpoint, str], ...] = (
    ("/predict", predict, "POST"),
    ("/predict/csv", predict_csv, "POST"),
    ("/nearest", nearest, "POST"),
    ("/interface", interface, "POST"),
    ("/ccd/grid", ccd_grid, "POST"),
    ("/rank", rank, "POST"),
    ("/models", models, "GET"),
    ("/models/refresh", refresh, "POST"),
    ("/measurements", measurements, "POST"),
    ("/vocabulary", vocabulary, "GET"),
    *((path, endpoint(answer), "GET") for path, answer in PAGE_ROUTES),
    (DOCS_PATH, docs, "GET"),
    (f"{DOCS_PATH}/swagger-ui.css", docs_asset, "GET"),
    (f"{DOCS_PATH}/swagger-ui-bundle.js", docs_asset, "GET"),
    # BentoML's clients look for docs.json, everyone else for openapi.json.
    ("/openapi.json", openapi, "GET"),
    ("/docs.json", openapi, "GET"),
)


def create_app(
    predictor: Predictor | None = None, limits: Limits | None = None, protection: Protection | None = None
) -> Starlette:
    """Make the application.

    Parameters
    ----------
    predictor
        What answers; None until `app.state.predictor` is set, and so long everything is answered 503.
    limits
        What is admitted.
    protection
        What is asked of callers.

    Returns
    -------
    Starlette
        Application with `POST /predict`, `GET /models`, the OpenAPI document and its page.
    """
    app = Starlette(
        routes=[Route(path, function, methods=[method]) for path, function, method in ROUTES],
        middleware=[Middleware(RequestLog), Middleware(Guard, protection or Protection())],
        exception_handlers={HTTPException: answer_http_exception},
    )
    # A redirect from /predict/ would carry the Host header's name; such a path is simply unknown.
    app.router.redirect_slashes = False
    app.state.predictor = predictor
    app.state.keeper = None
    app.state.protection = protection or Protection()
    app.state.limits = limits or Limits()
    app.state.admission = Admission(app.state.limits)
    app.state.lanes = Lanes(app.state.limits.answer_seconds)
    return app
