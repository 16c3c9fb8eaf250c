"""`elyte serve`: the REST service on this machine."""

from __future__ import annotations

import os
import sys

import click


@click.command(short_help="Serve predictions over REST.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve predictions over REST until interrupted."""
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")
    try:
        import bentoml  # noqa: F401
    except ModuleNotFoundError as error:
        raise click.UsageError("serving needs BentoML; install elyte[serve]") from error
    arguments = [
        sys.executable, "-m", "bentoml", "serve", "serving.service:ElyteService", "--host", host, "--port", str(port),
        "--api-workers", str(workers),
    ]  # fmt: skip
    os.execv(sys.executable, arguments)
