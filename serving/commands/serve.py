"""`elyte serve`: the REST service on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys

import click


@click.command(short_help="Serve predictions over REST.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve predictions over REST until interrupted."""
    if importlib.util.find_spec("bentoml") is None:
        raise click.UsageError("serving needs BentoML; install elyte[serve]")
    environment = os.environ | {"BENTOML_DO_NOT_TRACK": os.environ.get("BENTOML_DO_NOT_TRACK", "true")}
    if workers > 1:  # BentoML 1.4 reads the number from here only; its --api-workers does nothing
        environment["BENTOML_CONFIG_OPTIONS"] = f"services.ElyteService.workers={workers}"
    address = "127.0.0.1" if host == "localhost" else host  # BentoML wants an address, not a name
    arguments = [
        sys.executable, "-m", "bentoml", "serve", "serving.service:ElyteService", "--host", address,
        "--port", str(port), "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "15",
    ]  # fmt: skip
    os.execve(sys.executable, arguments, environment)
