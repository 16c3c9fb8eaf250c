"""Latency of the real REST service: single requests, lists, and the ratio to a trivial endpoint.

Starts the service on a free port, measures with one client, prints one JSON line, progress to standard error.
`GET /livez` goes through the same server, framework and middleware without predicting anything: what a single
request costs beyond it is ours.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li10GeP2S12", "Li3YCl6", "Li1.3Al0.3Ti1.7P3O12", "Li3N", "LiCoO2")


def say(text: str) -> None:
    """Write progress."""
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_service(port: int) -> Iterator[float]:
    """Run the service; yields the seconds until it was ready."""
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:ElyteService", "--port", str(port)]
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"BENTOML_HOME": home}
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=sys.stderr,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not is_ready(port):
                if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                    raise RuntimeError("the service did not become ready")
                time.sleep(0.05)
            yield time.perf_counter() - started
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def is_ready(port: int) -> bool:
    """Say whether the service answers /readyz with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def varied_formulas(count: int, offset: int = 0) -> list[str]:
    """Return formulas that differ, so that no cache answers for the model."""
    return [
        f"Li{6 - x:.6f}PS{5 - x:.6f}Cl{1 + x:.6f}" if i % 2 else FORMULAS[i % len(FORMULAS)]
        for i, x in ((i, ((i + offset) % 99991) / 200_000) for i in range(count))
    ]


def measure(port: int, method: str, path: str, bodies: list[bytes | None]) -> list[float]:
    """Send the bodies one after another over one connection.

    Returns
    -------
    list of float
        Milliseconds of each, sorted.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    milliseconds: list[float] = []
    for body in bodies:
        started = time.perf_counter()
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        response.read()
        milliseconds.append(1000 * (time.perf_counter() - started))
        if response.status != 200:
            raise RuntimeError(f"{method} {path} answered {response.status}")
    connection.close()
    return sorted(milliseconds)


def quantile(ordered: list[float], share: float) -> float:
    """Return a quantile of sorted values."""
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


def predict_bodies(size: int, repeats: int) -> list[bytes | None]:
    """Return request bodies of `size` candidates each."""
    return [
        json.dumps({"candidates": [{"formula": f} for f in varied_formulas(size, 7919 * turn)]}).encode()
        for turn in range(repeats)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests, for a smoke test")
    repeats = 30 if parser.parse_args().quick else 300
    port = free_port()
    say("starting the service ...")
    with running_service(port) as ready_seconds:
        say(f"ready after {ready_seconds:.1f} s")
        measure(port, "POST", "/predict", predict_bodies(1, 20))
        trivial = measure(port, "GET", "/livez", [None] * repeats)
        single = measure(port, "POST", "/predict", predict_bodies(1, repeats))
        say(f"single request p50 {quantile(single, 0.5)} ms, /livez {quantile(trivial, 0.5)} ms")
        list_64 = measure(port, "POST", "/predict", predict_bodies(64, max(3, repeats // 10)))
        say(f"64 candidates p50 {quantile(list_64, 0.5)} ms")
        list_1000 = measure(port, "POST", "/predict", predict_bodies(1000, max(3, repeats // 30)))
        say(f"1,000 candidates p50 {quantile(list_1000, 0.5)} ms")
    result = {
        "benchmark": "rest",
        "ready_seconds": round(ready_seconds, 2),
        "single_p50_ms": quantile(single, 0.5),
        "single_p99_ms": quantile(single, 0.99),
        "list_64_p50_ms": quantile(list_64, 0.5),
        "list_1000_p50_ms": quantile(list_1000, 0.5),
        "livez_p50_ms": quantile(trivial, 0.5),
        "single_over_livez": round(quantile(single, 0.5) / quantile(trivial, 0.5), 2),
        "repeats": repeats,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
