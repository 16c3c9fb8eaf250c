"""What the benchmarks of the REST service share: starting it for real, a lean client, quantiles, memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ports import HOST, expect_alive, on_a_free_port

ROOT = Path(__file__).parents[1]
LISTENING = "listening on http"
START_SECONDS = 90.0
ELYTE = "serving.rest.service:ElyteService"
TRIVIAL = "trivial_service:TrivialService"
FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12", "Li3YCl6", "Li1.3Al0.3Ti1.7P3O12", "Li3N", "LiCoO2")


def say(text: str) -> None:
    """Write progress to standard error."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Service:
    """A running service: its port, the process that supervises its workers, and how long it took to be ready."""

    port: int
    process: subprocess.Popen[bytes]
    ready_seconds: float

    def workers(self) -> list[int]:
        """Return the process numbers of its workers, those that answer requests."""
        import psutil

        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # a zombie is none
                found += [child.pid] if "worker.service" in " ".join(child.cmdline()) else []
        return found

    def memory_MB(self) -> float:
        """Return the resident memory of the largest worker."""
        import psutil

        return max(psutil.Process(pid).memory_info().rss for pid in self.workers()) / 1e6

    def processor_s(self) -> float:
        """Return the processor time that its workers have taken, which other users of the machine stretch less."""
        import psutil

        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.workers())


@contextmanager
def running_service(
    target: str = ELYTE,
    *,
    workers: int = 1,
    ready: str = "/readyz",
    environment: Mapping[str, str] | None = None,
    tree: Path = ROOT,
) -> Iterator[Service]:
    """Run a BentoML service on a free port until the block ends; on another one where somebody else takes it first.

    Parameters
    ----------
    target
        Module and class, importable from the repository's root or from this folder.
    workers
        Worker processes.
    ready
        The path that answers 200 when it is ready.
    environment
        More variables for its processes.
    tree
        The checkout whose code runs; the benchmarks' own services come from this one.
    """
    with tempfile.TemporaryDirectory() as home:
        variables = {
            "BENTOML_HOME": home,
            "BENTOML_DO_NOT_TRACK": "true",
            "BENTOML_CONFIG_OPTIONS": f"services.{target.rpartition(':')[2]}.workers={workers}",
            "PYTHONPATH": os.pathsep.join((str(tree), str(ROOT / "benchmarks"))),
        }
        given = dict(environment or {})
        if "MLFLOW_TRACKING_URI" not in given:  # not what was promoted on this account
            variables["ELYTE_MODELS"] = "shipped"
        everything = os.environ | variables | given

        def start(port: int) -> Service:
            return _started(target, port, ready, everything, (tree, Path(home) / "service.log"))

        service = on_a_free_port(start)
        try:
            yield service
        finally:
            _end(service.process)


def _started(target: str, port: int, ready: str, environment: dict[str, str], places: tuple[Path, Path]) -> Service:
    tree, log = places
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", HOST, "--port", str(port)]
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        # before it says so, whoever answers on the port is a stranger
        while LISTENING not in log.read_text(errors="replace") or not answers_200(port, ready):
            expect_alive(process, log)
            if time.perf_counter() - started > START_SECONDS:
                raise RuntimeError(f"{target} did not become ready:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)
    except BaseException:
        _end(process)
        raise
    return Service(port, process, time.perf_counter() - started)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers_200(port: int, path: str) -> bool:
    """Say whether a path answers 200 now."""
    try:
        with Client(port, timeout_s=5.0) as client:
            return client.send(get(path)).status == 200
    except OSError:
        return False


@dataclass(frozen=True)
class Answer:
    """One answer: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """Return the body as an object."""
        document: dict[str, object] = json.loads(self.body)
        return document


class Client:
    """One connection that is kept; a general client would take more time than the service that is measured."""

    def __init__(self, port: int, timeout_s: float = 120.0) -> None:
        self._socket = socket.create_connection((HOST, port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def send(self, request: bytes) -> Answer:
        """Send the bytes of one request and read its answer; raises `ConnectionError` when the other side hangs up."""
        self._socket.sendall(request)
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers["content-length"])
        parts, size = [body], len(body)
        while size < length:
            parts.append(self._more())
            size += len(parts[-1])
        body = b"".join(parts)
        self._rest = body[length:]
        return Answer(int(lines[0].split()[1]), headers, body[:length])

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the service closed the connection")
        return data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get(path: str) -> bytes:
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def post(path: str, body: bytes, content_type: str = "application/json", accept: str = "") -> bytes:
    """Return the bytes of a POST request."""
    fields = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    fields += [f"Accept: {accept}"] if accept else []
    return "\r\n".join((*fields, "", "")).encode() + body


def predict(formulas: list[str], **more: object) -> bytes:
    """Return the bytes of a prediction request."""
    return post("/predict", json.dumps({"candidates": [{"formula": f} for f in formulas], **more}).encode())


def new_formulas(count: int, offset: int = 0) -> list[str]:
    """Return argyrodites that no table holds, all different: no cache and no table answers for the models."""
    steps = (((i + offset) % 99_991) / 200_000 for i in range(count))
    return [f"Li{6 - x:.6f}PS{5 - x:.6f}Cl{1 + x:.6f}" for x in (0.000003 + step for step in steps)]


def mixed_formulas(count: int, offset: int = 0) -> list[str]:
    """Return formulas of which half are well known and half are new."""
    return [FORMULAS[i % len(FORMULAS)] if i % 2 == 0 else f for i, f in enumerate(new_formulas(count, offset))]


def timed(port: int, requests: list[bytes]) -> list[float]:
    """Send requests one after another over one connection and return the milliseconds of each, sorted."""
    milliseconds = []
    with Client(port) as client:
        for request in requests:
            started = time.perf_counter()
            answer = client.send(request)
            milliseconds.append(1000 * (time.perf_counter() - started))
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}: {answer.body[:300]!r}")
    return sorted(milliseconds)


def throughput(
    port: int, n_clients: int, seconds: float, request_of: Callable[[int], bytes]
) -> tuple[float, list[float]]:
    """Let clients send as fast as they can.

    Parameters
    ----------
    port
        Where.
    n_clients
        Connections, each in a thread of its own.
    seconds
        How long.
    request_of
        From a running number to the bytes to send.

    Returns
    -------
    requests_per_s, milliseconds
        Answered with 200, and the time of each, sorted.
    """
    done: list[list[float]] = [[] for _ in range(n_clients)]
    refused: list[int] = []
    stop = time.perf_counter() + seconds

    def work(number: int) -> None:
        turn = number
        with Client(port) as client:
            while time.perf_counter() < stop:
                request = request_of(turn)
                turn += n_clients
                started = time.perf_counter()
                status = client.send(request).status
                (done[number] if status == 200 else refused).append(1000 * (time.perf_counter() - started))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise RuntimeError(f"{len(refused)} requests were not answered with 200")
    answered = sorted(ms for one in done for ms in one)
    return len(answered) / seconds, answered


def quantile(ordered: list[float], share: float) -> float:
    """Return a quantile of sorted values."""
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
