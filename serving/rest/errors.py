"""The one shape of a refused request, `{"error": {"code", "message"}}`, whoever refuses it.

Bad input never becomes a 5xx, and an exception of ours becomes a 500 without its message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from serving.answers.refusals import RequestError
from serving.rest.observability import LOGGER_NAME, RECORD_KEY
from serving.rest.request_body import JSON
from serving.rest.request_record import RequestRecord

DOCS_PATH = "/docs"
NOT_READY_RETRY_SECONDS = 2
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def error_response(error: RequestError, record: RequestRecord | None = None) -> Response:
    """Return the one shape of a refused request.

    Parameters
    ----------
    error
        The refusal.
    record
        Where its code is noted for the log.
    """
    if record is not None:
        record.error_code = error.code
    body = orjson.dumps({"error": {"code": error.code, "message": error.message}})
    return Response(body, error.status, error.headers, JSON)


def not_ready() -> RequestError:
    """Return the refusal of a service whose models are still being loaded."""
    seconds = NOT_READY_RETRY_SECONDS
    message = f"the models are being loaded; try again in {seconds} s, /readyz says when they are"
    return RequestError(503, "not_ready", message, {"Retry-After": str(seconds)})


class AnsweringRoute(APIRoute):
    """A route that notes itself for the log, and answers every exception in the one error shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            record: RequestRecord = request.scope[RECORD_KEY]
            record.route = self.path_format  # never what a client wrote into it
            try:
                return await handle(request)
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


def _methods_of_path(request: Request) -> list[str]:
    """Return the methods that a route of the path has; the framework names those of its first route alone."""
    found = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return [*found, *(["HEAD"] if "GET" in found else [])]


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (404, 405) the one error shape.

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
            refused = RequestError(404, "not_found", message, headers)
        case 405:
            headers["Allow"] = ", ".join(_methods_of_path(request))
            message = f"method: received {request.method}, expected {headers['Allow']}"
            refused = RequestError(405, "method_not_allowed", message, headers)
            if record is not None:
                route = request.scope.get("route")
                record.route = route.path if isinstance(route, APIRoute) else request.url.path
        case status:
            refused = RequestError(status, "internal_error" if status >= 500 else "refused", error.detail, headers)
    return error_response(refused, record)
