"""What the service tells its operators: metrics and one JSON log line a request, no candidate unless asked.

Formulas, CIFs and ids belong to the user. They stay out of logs and metric labels, and so do exception
messages (which quote what they choke on) and the paths of unknown routes.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.rest.request_file import RequestFile
from serving.rest.request_record import RequestRecord

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER_NAME = "elyte.service"
RECORD_KEY = "elyte.record"
# Asked every few seconds by supervisors, balancers and Prometheus: neither logged nor counted.
PROBES = frozenset(("/livez", "/readyz", "/healthz", "/metrics"))
# Where the workers keep their metrics together.
METRICS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# From a tenth of the single-request target (20 ms) to the deadline of a long list (60 s).
SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


def answered_rows(document: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the rows of an answer that count as questions, None where it has none.

    Of a ranking these are the candidates that it lists, with what each model knows of them, and those that could not be
    read.
    """
    if "ranking" in document:
        return [*({"status": "ok"} | entry for entry in document["ranking"]), *document["failed"]]
    rows: list[Mapping[str, Any]] | None = document.get("results")
    return rows


class ServiceMetrics:
    """The service's own Prometheus metrics.

    They live in prometheus_client's default registry, and `metrics_text` collects them over all workers. `Info` and
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
        self.refusals = Count("elyte_model_refusals", "Champions that were not served", ["property", "reason"])
        self.swaps = Count("elyte_model_swaps", "Champions that took over while the service ran", ["property"])
        # The worst of the workers; labelled, so that they are absent where no registry is followed.
        self.registry_reachable = Gauge(
            "elyte_registry_reachable", "1 while the model registry answers", ["alias"], multiprocess_mode="livemin"
        )
        self.last_poll = Gauge(
            "elyte_registry_last_poll_timestamp_seconds",
            "When the registry last answered",
            ["alias"],
            multiprocess_mode="livemin",
        )
        self.unauthorized = Count("elyte_requests_refused_by_protection", "Requests without the right", ["reason"])
        self._announced: dict[str, str] = {}

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
        """Show which model version answers; a former one drops to 0, as labels cannot be removed over processes.

        Parameters
        ----------
        versions
            Property to version.
        """
        for name, version in versions.items():
            former = self._announced.get(name, version)
            if former != version:
                self.model.labels(name, former).set(0)
            self.model.labels(name, version).set(1)
            self._announced[name] = version

    def announce_registry(self, alias: str, answered: float | None) -> None:
        """Show whether the registry answers.

        Parameters
        ----------
        alias
            The alias that is followed.
        answered
            When it answered, in seconds since the epoch; None when it did not.
        """
        self.registry_reachable.labels(alias).set(answered is not None)
        if answered is not None:
            self.last_poll.labels(alias).set(answered)


def forget_dead_workers() -> None:
    """Remove the gauges of workers that were killed: nobody else does, and `live` gauges would show them for ever."""
    folder = os.environ.get(METRICS_FOLDER_VARIABLE)
    if not folder:
        return
    from prometheus_client.multiprocess import mark_process_dead

    for pid in {path.stem.rsplit("_", 1)[-1] for path in Path(folder).glob("gauge_live*.db")}:
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid), folder)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def service_metrics() -> ServiceMetrics:
    """Return this process's metrics.

    Made at first use: prometheus_client reads `PROMETHEUS_MULTIPROC_DIR` when it is imported, and
    `serving.rest.service` sets that variable for the workers.
    """
    return ServiceMetrics()


def metrics_text() -> tuple[bytes, str]:
    """Return the metrics of all workers as Prometheus reads them, and the media type of that."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = REGISTRY
    if os.environ.get(METRICS_FOLDER_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


class RequestLog:
    """ASGI middleware: a request id, one log line and the metrics for every request but `PROBES`.

    Parameters
    ----------
    app
        The application to observe.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.file = RequestFile.from_environment()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = RequestRecord(f"{random.getrandbits(128):032x}", known_method(scope["method"]))
        # FastAPI's routes know no HEAD: it is answered as GET is, and the server drops the body.
        scope = {**scope, RECORD_KEY: record, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
        if scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
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
            if record.rows:
                self.file.append(record)


def known_method(method: str) -> str:
    """Return the method, or OTHER for one that the client made up (a metric label must have few values)."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} else "OTHER"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a log record; its `fields` attribute is merged in."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
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
