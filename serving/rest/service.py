"""The BentoML service: process and worker model around the REST application.

Start it with `elyte serve`, or `bentoml serve serving.rest.service:ElyteService`.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import bentoml

from serving.agents.settings import agents_are_served
from serving.rest.admission import AdmissionLimits
from serving.rest.http_api import create_app
from serving.rest.observability import (
    LOGGER_NAME,
    METRICS_FOLDER_VARIABLE,
    configure_logging,
    forget_dead_workers,
)
from serving.rest.protection import Protection
from serving.rest.rate_limits import RateLimit, RateLimiter
from serving.rest.request_record import candidates_are_logged
from training.signing import trusted_keys

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.predictor import Predictor

LOOPBACK = "127.0.0.1"
PORT = 3000
# BentoML's own timeout answers in another shape, so it must come after ours (30 s for the body, 60 s for the
# answer). It also keeps a timer that long for every request, so it must not be much longer.
BACKSTOP_SECONDS = 120
# BentoML keeps metrics in the user's home, and every start of any service, a failed one too, empties that folder. Ours
# have one of their own, which the process that starts the workers names to them.
OWN_METRICS_FOLDER_VARIABLE = "ELYTE_METRICS_FOLDER"


def _metrics_folder() -> str:
    named = os.environ.get(OWN_METRICS_FOLDER_VARIABLE)
    if named:
        return named
    folder = tempfile.mkdtemp(prefix="elyte-metrics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# What the workers get where the user sets nothing. One thread a matrix product: requests already share the
# cores, and lists of 64 took twice as long with a pool of threads for each small product.
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BENTOML_DO_NOT_TRACK": "true",
    OWN_METRICS_FOLDER_VARIABLE: _metrics_folder(),
    # glibc keeps what long lists took, in a pool for each thread: a worker grew from 420 to 660 MB. So it keeps little.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}
os.environ[METRICS_FOLDER_VARIABLE] = WORKER_ENVIRONMENT[OWN_METRICS_FOLDER_VARIABLE]

trusted_keys()  # a key that cannot be used stops the start
_protection, _rate = Protection.from_environment(), RateLimit.from_environment()
_folder = Path(WORKER_ENVIRONMENT[OWN_METRICS_FOLDER_VARIABLE])
rest_app = create_app(
    limits=AdmissionLimits.from_environment(),
    protection=_protection,
    limiter=None if _rate is None else RateLimiter(_rate, len(_protection.key_digests), _folder),
    agents=agents_are_served(),
)


class RestFirst:
    """ASGI middleware in front of BentoML's routes: the REST application answers every request, health included.

    BentoML's own routes come before what is mounted, or stand where it has none: health without our error shape,
    headers and keys, and a page that loads a tracker.

    Parameters
    ----------
    app
        BentoML's application.
    rest
        The REST application, which refuses unknown paths in its own shape.
    """

    def __init__(self, app: ASGIApp, rest: ASGIApp) -> None:
        self.app = app
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        await (self.rest if scope["type"] == "http" else self.app)(scope, receive, send)


@bentoml.service(
    name="ElyteService",
    workers=1,
    envs=[{"name": name, "value": value} for name, value in WORKER_ENVIRONMENT.items()],
    http={"host": LOOPBACK, "port": PORT},
    traffic={"timeout": BACKSTOP_SECONDS},
    # Its access log, metrics and traces hold paths as sent, and a formula may stand in one; the REST application
    # writes its own.
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(rest_app, path="/")
class ElyteService:
    """Predicts conductivity, stability and critical current density of solid electrolytes."""

    def __init__(self) -> None:
        configure_logging()
        forget_dead_workers()
        if candidates_are_logged():
            logging.getLogger(LOGGER_NAME).warning("candidates_are_logged")
        from serving.rest.lifecycle import ModelKeeper

        rest_app.state.keeper = ModelKeeper(_publish)
        rest_app.state.keeper.start()


ElyteService.add_asgi_middleware(RestFirst, rest=rest_app)  # type: ignore[attr-defined]  # a bentoml.Service now


def _publish(predictor: Predictor) -> None:
    """Let a predictor answer from the next request on; those that run keep the one they started with."""
    rest_app.state.predictor = predictor
