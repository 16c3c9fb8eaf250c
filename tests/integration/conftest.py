"""The real service, started once as a user would start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


@dataclass
class RunningService:
    """The service under test.

    Parameters
    ----------
    url
        Where it listens.
    pid
        Its supervisor process.
    log_file
        Its standard output and standard error.
    probes
        (status of /livez, status of /readyz) in the order seen while it started.
    client
        A client with keep-alive.
    """

    url: str
    pid: int
    log_file: Path
    client: httpx.Client
    probes: list[tuple[int, int]] = field(default_factory=list)

    def log(self) -> str:
        """Return what it has written so far."""
        return self.log_file.read_text()

    def predict(self, *formulas: str, **more: object) -> httpx.Response:
        """Post formulas to /predict."""
        candidates = [{"formula": formula} for formula in formulas]
        return self.client.post("/predict", json={"candidates": candidates, **more})

    def post_raw(self, body: bytes | Iterator[bytes], content_type: str = "application/json") -> httpx.Response:
        """Post bytes to /predict."""
        return self.client.post("/predict", content=body, headers={"Content-Type": content_type})


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(service: RunningService, process: subprocess.Popen[bytes]) -> None:
    """Probe /livez and /readyz until the latter answers 200."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None or "models_not_loaded" in service.log():
            raise RuntimeError(f"the service cannot answer:\n{service.log()}")
        try:
            live = service.client.get("/livez").status_code
            service.probes.append((live, service.client.get("/readyz").status_code))
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if service.probes[-1][1] == 200:
            return
        time.sleep(0.02)
    raise RuntimeError(f"the service was not ready after {START_SECONDS:g} s:\n{service.log()}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Start the service with its defaults (no host given, no telemetry setting) on a free port."""
    home = tmp_path_factory.mktemp("service")
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BENTOML", "MLFLOW", "ELYTE", "PROMETHEUS"))
    } | {"BENTOML_HOME": str(home / "bentoml")}
    command = ["bentoml", "serve", "serving.service:ElyteService", "--port", str(port)]
    log_file = home / "service.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=60.0) as client:
            running = RunningService(url, process.pid, log_file, client)
            wait_until_ready(running, process)
            yield running
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the service and its workers."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
