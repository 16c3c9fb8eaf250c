"""The REST interface as an ASGI application; `serving.service` lets BentoML host it.

Every refusal of a whole request has one shape, `{"error": {"code", "message"}}`. Bad input never becomes a
5xx, and an exception of ours becomes a 500 without its message. Predicting runs in worker threads, so that
health checks are answered meanwhile; short and long requests have lanes of their own, so that a list of
10,000 candidates does not stand before single ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from serving.admission import Admission, Limits
from serving.observability import LOGGER_NAME, RECORD_KEY, RequestLog, RequestRecord
from serving.request_body import RequestError, read_body, read_request, require_json

if TYPE_CHECKING:
    from serving.predictor import Predictor

DOCS_PATH = "/docs"
NOT_READY_RETRY_SECONDS = 2
# A body of this size holds about 500 formulas or a dozen CIFs.
SHORT_BODY_BYTES = 32 * 1024


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
    return Response(body, error.status, error.headers, "application/json")


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


async def in_lane(request: Request, work: Callable[[], bytes], *, short: bool) -> Response:
    """Run CPU-bound work in a worker thread and answer its JSON.

    Parameters
    ----------
    request
        The request, whose application holds the lanes.
    work
        Returns the body of the answer.
    short
        Which lane to take.

    Raises
    ------
    RequestError
        504, when the answer is not there in time. Work that waits is dropped then; work that runs goes on,
        unread.
    """
    state = request.app.state
    seconds = state.limits.answer_seconds
    lane = state.short_lane if short else state.long_lane
    try:
        async with asyncio.timeout(seconds):
            body = await asyncio.get_running_loop().run_in_executor(lane, work)
    except TimeoutError:
        message = f"no answer within {seconds:g} s; send fewer candidates, or the same ones later"
        raise RequestError(504, "timeout", message) from None
    return Response(body, media_type="application/json")


def _loaded(request: Request) -> Predictor:
    predictor: Predictor | None = request.app.state.predictor
    if predictor is None:
        raise _not_ready()
    return predictor


async def _answer_body(request: Request, answer: Callable[[Predictor, bytes], dict[str, Any]]) -> Response:
    """Read the body, answer it in a worker thread, and note how many rows it had."""
    limits: Limits = request.app.state.limits
    require_json(request)
    predictor = _loaded(request)
    record: RequestRecord = request.scope[RECORD_KEY]

    with request.app.state.admission.admit() as reserve:
        raw = await read_body(request, limits.body_bytes, limits.body_seconds, reserve)

        def work() -> bytes:
            document = answer(predictor, raw)
            if "results" in document:
                record.count_rows(document)
            return _json(document)

        return await in_lane(request, work, short=len(raw) <= SHORT_BODY_BYTES)


@endpoint
async def predict(request: Request) -> Response:
    """Answer `POST /predict`."""
    return await _answer_body(request, lambda predictor, raw: predictor.predict(read_request(raw)))


@endpoint
async def interface(request: Request) -> Response:
    """Answer `POST /interface`."""
    return await _answer_body(request, _interface)


def _interface(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    from serving.interface_request import read_interface_request
    from serving.model_store import ModelUnavailableError

    asked = read_interface_request(raw)
    try:
        return predictor.interface(asked)
    except ModelUnavailableError as error:
        raise RequestError(404, "not_served", str(error)) from None


@endpoint
async def ccd_grid(request: Request) -> Response:
    """Answer `POST /ccd/grid`."""
    return await _answer_body(request, _ccd_grid)


def _ccd_grid(predictor: Predictor, raw: bytes) -> dict[str, Any]:
    from serving.ccd_grid import read_grid_request
    from serving.model_store import ModelUnavailableError

    asked = read_grid_request(raw)
    try:
        return predictor.ccd_grid(asked)
    except ModelUnavailableError as error:
        raise RequestError(404, "not_served", str(error)) from None


@endpoint
async def models(request: Request) -> Response:
    """Answer `GET /models`: the cards of the models that answer now."""
    predictor = _loaded(request)
    return await in_lane(request, lambda: _json(predictor.models()), short=True)


def _json(document: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


@endpoint
async def openapi(request: Request) -> Response:
    """Answer the OpenAPI document."""
    from serving.openapi import openapi_document

    return Response(_json(openapi_document()), media_type="application/json")


@endpoint
async def docs(request: Request) -> Response:
    """Answer the page that shows the OpenAPI document."""
    from serving.openapi import DOCS_PAGE

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
async def index(request: Request) -> Response:
    """Lead from `/` to the documentation."""
    return RedirectResponse("docs")


ROUTES: tuple[tuple[str, Endpoint, str], ...] = (
    ("/predict", predict, "POST"),
    ("/interface", interface, "POST"),
    ("/ccd/grid", ccd_grid, "POST"),
    ("/models", models, "GET"),
    ("/", index, "GET"),
    (DOCS_PATH, docs, "GET"),
    (f"{DOCS_PATH}/swagger-ui.css", docs_asset, "GET"),
    (f"{DOCS_PATH}/swagger-ui-bundle.js", docs_asset, "GET"),
    # BentoML's clients look for docs.json, everyone else for openapi.json.
    ("/openapi.json", openapi, "GET"),
    ("/docs.json", openapi, "GET"),
)


def create_app(predictor: Predictor | None = None, limits: Limits | None = None) -> Starlette:
    """Make the application.

    Parameters
    ----------
    predictor
        What answers; None until `app.state.predictor` is set, and so long everything is answered 503.
    limits
        What is admitted.

    Returns
    -------
    Starlette
        Application with `POST /predict`, `GET /models`, the OpenAPI document and its page.
    """
    app = Starlette(
        routes=[Route(path, function, methods=[method]) for path, function, method in ROUTES],
        middleware=[Middleware(RequestLog)],
        exception_handlers={HTTPException: answer_http_exception},
    )
    # A redirect from /predict/ would carry the Host header's name; such a path is simply unknown.
    app.router.redirect_slashes = False
    app.state.predictor = predictor
    app.state.limits = limits or Limits()
    app.state.admission = Admission(app.state.limits)
    # Executors start their threads with their first work.
    app.state.short_lane = ThreadPoolExecutor(2, "predict-short")
    app.state.long_lane = ThreadPoolExecutor(1, "predict-long")
    return app
