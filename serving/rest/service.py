"""The BentoML service: process and worker model, health, readiness and metrics around the REST application.

Start it with `elyte serve`, or `bentoml serve serving.rest.service:ElyteService`.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.utils.analytics import usage_stats
from starlette.exceptions import HTTPException
from starlette.routing import Route

from serving.rest.admission import Limits
from serving.rest.http_api import answer_http_exception, create_app
from serving.rest.observability import LOGGER_NAME, candidates_are_logged, configure_logging, forget_dead_workers
from serving.rest.openapi import openapi_document
from serving.rest.protection import Guard, Protection

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.predictor import Predictor

LOOPBACK = "127.0.0.1"
PORT = 3000
# BentoML's own timeout answers in another shape, so it must come after ours (30 s for the body, 60 s for the
# answer). It also keeps a timer that long for every request, so it must not be much longer.
BACKSTOP_SECONDS = 120
# BentoML sets it for its workers.
METRICS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# What the workers get where the user sets nothing. One thread a matrix product: requests already share the
# cores, and lists of 64 took twice as long with a pool of threads for each small product.
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BENTOML_DO_NOT_TRACK": "true",
    # glibc keeps what long lists took, in a pool for each thread: a worker grew from 420 to 660 MB. So it keeps little.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}
# BentoML's page loads a tracker and shows a specification without our statuses; ours is in the REST
# application.
BENTOML_PAGE_ROUTES = {"index", "openapi-spec", "static_content"}

# BentoML reports usage, with the paths of requests, unless told otherwise; `bentoml serve` has asked and
# remembered the answer before it imports this module.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")
usage_stats.do_not_track.cache_clear()

protection = Protection.from_environment()
rest_app = create_app(limits=Limits.from_environment(), protection=protection)


class OwnPathsOnly:
    """Passes on BentoML's own paths, health and metrics; the REST application answers all others itself.

    BentoML labels its metrics with the path as sent: whoever walks random paths would fill its memory, and formulas in
    paths would show in `/metrics`. Its layers around a mounted application also take as long as a trivial answer.

    Parameters
    ----------
    app
        BentoML's application.
    rest
        The REST application, which refuses unknown paths in its own shape.
    """

    def __init__(self, app: Starlette, rest: ASGIApp) -> None:
        self.app = app
        self.rest = rest
        self.own = {route.path for route in app.routes if isinstance(route, Route)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        other = scope["type"] == "http" and scope["path"] not in self.own
        await (self.rest if other else self.app)(scope, receive, send)


@lru_cache(maxsize=1)
def _metrics_folder() -> str:
    folder = tempfile.mkdtemp(prefix="elyte-metrics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class RestService(bentoml.Service[Any]):  # type: ignore[misc]
    """A BentoML service that speaks as the REST interface: its errors and documentation, not BentoML's."""

    def inject_config(self) -> None:
        """Read the configuration, and give this service's metrics a folder of their own.

        BentoML keeps them in the user's home, and every start of any service, a failed one too, empties it.
        """
        super().inject_config()
        if METRICS_FOLDER_VARIABLE not in os.environ:
            BentoMLContainer.prometheus_multiproc_dir.set(_metrics_folder())

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """Return BentoML's application, with our error shape for its 404, 405 and 503."""
        app: Starlette = super().to_asgi(is_main)
        app.router.routes[:] = [r for r in app.routes if getattr(r, "name", None) not in BENTOML_PAGE_ROUTES]
        app.router.redirect_slashes = False
        app.add_exception_handler(HTTPException, answer_http_exception)
        for route in app.routes:  # BentoML's own: health and metrics; the REST application is a mount and has a guard
            if isinstance(route, Route):
                route.app = Guard(route.app, protection)
        return OwnPathsOnly(app, rest_app)

    @property
    def openapi_spec(self) -> dict[str, Any]:
        """Return the OpenAPI document that `bentoml build` stores."""
        return openapi_document()


@bentoml.service(
    name="ElyteService",
    service_class=RestService,
    workers=1,
    envs=[{"name": name, "value": value} for name, value in WORKER_ENVIRONMENT.items()],
    http={"host": LOOPBACK, "port": PORT},
    traffic={"timeout": BACKSTOP_SECONDS},
    # BentoML's access log holds paths; the REST application writes its own.
    logging={"access": {"enabled": False}},
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

    async def __is_ready__(self) -> bool:
        return rest_app.state.predictor is not None


def _publish(predictor: Predictor) -> None:
    """Let a predictor answer from the next request on; those that run keep the one they started with."""
    rest_app.state.predictor = predictor
