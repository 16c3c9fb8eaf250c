"""What the service tells its operators: metrics and one JSON log line a request, never a candidate.

Formulas, CIFs and ids belong to the user. They stay out of logs and metric labels, and so do exception
messages (which quote what they choke on) and the paths of unknown routes.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER_NAME = "elyte.service"
RECORD_KEY = "elyte.record"
UNMATCHED_ROUTE = "unmatched"

# From a tenth of the single-request target (20 ms) to the deadline of a long list (60 s).
SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class RequestRecord:
    """What is remembered of one request: counts and codes, no contents.

    Parameters
    ----------
    request_id
        Made by the service; a client's own id could carry a formula.
    method
        HTTP method.
    route
        The route's template, or `UNMATCHED_ROUTE`; never the path that the client sent.
    """

    request_id: str
    method: str
    route: str = UNMATCHED_ROUTE
    status: int = 0
    error_code: str | None = None
    rows: int = 0
    row_errors: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    out_of_domain: Counter[str] = field(default_factory=Counter)
    model_versions: dict[str, str] = field(default_factory=dict)

    def count_rows(self, document: Mapping[str, Any]) -> None:
        """Take the counts from an answer.

        Parameters
        ----------
        document
            Answer of `Predictor.predict`.
        """
        self.rows = len(document["results"])
        for row in document["results"]:
            if row["status"] == "error":
                self.row_errors[str(row["error"]["code"])] += 1
                continue
            for name, applicability in row.get("applicability", {}).items():
                self.judged[name] += 1
                self.out_of_domain[name] += not applicability["in_domain"]
        self.model_versions = {name: str(card["version"]) for name, card in document["models"].items()}

    def as_log(self, seconds: float) -> dict[str, Any]:
        """Return the fields of the log line.

        Parameters
        ----------
        seconds
            How long the request took.
        """
        line: dict[str, Any] = {
            "event": "request",
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "duration_ms": round(1000 * seconds, 3),
        }
        if self.error_code is not None:
            line["error_code"] = self.error_code
        if self.rows:
            line |= {
                "rows": self.rows,
                "row_errors": dict(self.row_errors),
                "out_of_domain": dict(self.out_of_domain),
                "models": self.model_versions,
            }
        return line


class ServiceMetrics:
    """The service's own Prometheus metrics; BentoML's `/metrics` shows them beside its own.

    They live in prometheus_client's default registry, which BentoML collects over all workers. `Info` and
    `Enum` do not exist in that multi-process mode, so the served model version is a gauge that is 1.
    """

    def __init__(self) -> None:
        from prometheus_client import Counter as Count
        from prometheus_client import Gauge, Histogram

        self.requests = Count("elyte_requests", "Requests answered", ["route", "method", "status"])
        self.seconds = Histogram("elyte_request_seconds", "Time to answer", ["route"], buckets=SECONDS_BUCKETS)
        self.rows = Count("elyte_rows", "Candidates judged, by outcome", ["status"])
        self.row_errors = Count("elyte_row_errors", "Candidates that could not be judged, by reason", ["code"])
        self.judged = Count("elyte_predictions", "Answers given, by property", ["property"])
        self.out_of_domain = Count(
            "elyte_predictions_out_of_domain",
            "Answers outside the model's domain; divided by elyte_predictions_total it is the share",
            ["property"],
        )
        self.model = Gauge(
            "elyte_model_info",
            "1 for the served version",
            ["property", "version"],
            multiprocess_mode="livemax",
        )
        self.in_flight = Gauge("elyte_requests_in_flight", "Requests being answered", multiprocess_mode="livesum")

    def observe(self, record: RequestRecord, seconds: float) -> None:
        """Count one finished request.

        Parameters
        ----------
        record
            What is remembered of it.
        seconds
            How long it took.
        """
        self.requests.labels(record.route, record.method, str(record.status)).inc()
        self.seconds.labels(record.route).observe(seconds)
        if not record.rows:
            return
        failed = record.row_errors.total()
        self.rows.labels("ok").inc(record.rows - failed)
        self.rows.labels("error").inc(failed)
        for code, count in record.row_errors.items():
            self.row_errors.labels(code).inc(count)
        for name, count in record.judged.items():
            self.judged.labels(name).inc(count)
            self.out_of_domain.labels(name).inc(record.out_of_domain[name])

    def announce_models(self, versions: Mapping[str, str]) -> None:
        """Show which model version answers.

        Parameters
        ----------
        versions
            Property to version.
        """
        for name, version in versions.items():
            self.model.labels(name, version).set(1)


@lru_cache(maxsize=1)
def service_metrics() -> ServiceMetrics:
    """Return this process's metrics.

    Made at first use: prometheus_client reads `PROMETHEUS_MULTIPROC_DIR` when it is imported, and BentoML
    sets that variable for its workers.
    """
    return ServiceMetrics()


class RequestLog:
    """ASGI middleware: a request id, one log line and the metrics for every request.

    Parameters
    ----------
    app
        The application to observe.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = RequestRecord(uuid.uuid4().hex, known_method(scope["method"]))
        scope[RECORD_KEY] = record
        metrics = service_metrics()
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", record.request_id.encode()),
                ]
            await send(message)

        try:
            with metrics.in_flight.track_inprogress():
                await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            metrics.observe(record, seconds)
            logging.getLogger(LOGGER_NAME).info("request", extra={"fields": record.as_log(seconds)})


def known_method(method: str) -> str:
    """Return the method, or OTHER for one that the client made up (a metric label must have few values)."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} else "OTHER"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a log record; its `fields` attribute is merged in."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = frames_of(record.exc_info[1])
        return json.dumps(line, separators=(",", ":"))


def frames_of(error: BaseException) -> list[str]:
    """Describe where an exception came from, without its message (which may quote a candidate).

    Parameters
    ----------
    error
        The exception; those that caused it come first.

    Returns
    -------
    list of str
        `file:line function` for every frame and the exception's type after the frames that raised it.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    lines: list[str] = []
    for link in reversed(chain):
        lines += [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(link.__traceback__)]
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
    return lines


def configure_logging(level: int = logging.INFO) -> None:
    """Send the log to standard error as JSON lines, and silence uvicorn's access log, which shows paths.

    Parameters
    ----------
    level
        Lowest level that is written.
    """
    logger = logging.getLogger(LOGGER_NAME)
    if not any(isinstance(handler.formatter, JsonLines) for handler in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    # BentoML's dictConfig disables the loggers that exist when it runs.
    logger.disabled = False
    logging.getLogger("uvicorn.access").disabled = True
