"""The real service in its own processes, started as a user would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.ports import expect_alive, free_port, on_a_free_port

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
BENTOML_SERVE = ("-m", "bentoml", "serve", "serving.rest.service:ElyteService")
ELYTE_SERVE = ("-c", "from serving.cli import main; main()", "serve")
LISTENING = "listening on http"  # BentoML says so once it has bound its port; before, a stranger may answer there
CONFIGURING = ("BENTOML", "MLFLOW", "ELYTE", "PROMETHEUS")


@dataclass
class RunningService:
    """The service under test.

    Parameters
    ----------
    url
        Where it listens.
    process
        Its supervisor process.
    log_file
        Its standard output and standard error.
    probes
        (status of /livez, status of /readyz) in the order seen while it started.
    client
        A client with keep-alive.
    """

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path
    client: httpx.Client
    probes: list[tuple[int, int]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The id of its supervisor process."""
        return self.process.pid

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

    def metric(self, name: str) -> float:
        """Return the value of the first line of /metrics that begins so; 0 where there is none."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)), 0.0)

    def stop(self) -> None:
        """End the service and its workers."""
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def wait_until_ready(service: RunningService) -> None:
    """Probe /livez and /readyz until the latter answers 200.

    Raises
    ------
    PortTakenError
        If somebody else took its port before it was bound.
    RuntimeError
        If it ended for another reason, found no models, or was not ready in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        expect_alive(service.process, service.log_file)
        if "models_not_loaded" in service.log():
            raise RuntimeError(f"the service cannot answer:\n{service.log()}")
        if LISTENING not in service.log():
            time.sleep(0.02)
            continue
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


@contextmanager
def running_service(
    home: Path,
    port: int | None = None,
    *,
    arguments: Sequence[str] = BENTOML_SERVE,
    choose: Callable[[], int] = free_port,
    **settings: str,
) -> Iterator[RunningService]:
    """Start the service on a free port with its defaults (no host given, no telemetry setting), and end it.

    Where somebody else takes the port between its choice and the start, another one is chosen.

    Parameters
    ----------
    home
        A folder for its log and BentoML's files.
    port
        Where it listens, instead of a free port.
    choose
        Chooses where it listens, each time that it is started.
    arguments
        What Python is given to start it.
    settings
        Environment variables beside the defaults.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURING)}
    environment = plain | {"BENTOML_HOME": str(home / "bentoml")} | settings

    def start(at: int) -> RunningService:
        return _started([sys.executable, *arguments, "--port", str(at)], at, environment, home / "service.log")

    service = on_a_free_port(start, choose) if port is None else start(port)
    try:
        yield service
    finally:
        service.stop()


def _started(command: Sequence[str], port: int, environment: dict[str, str], log_file: Path) -> RunningService:
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    service = RunningService(url, process, log_file, httpx.Client(base_url=url, timeout=60.0))
    try:
        wait_until_ready(service)
    except BaseException:
        service.stop()
        raise
    return service
