"""Swapping the champion under load: how many requests fail (none may), and what a swap costs those that run meanwhile.

Starts the service on a registry with two conductivity models that answer differently, lets several clients ask without
pause while the alias moves back and forth, and checks every answer against the version that it names. Prints one JSON
line, progress to standard error.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from running import quantile, running_service, say  # noqa: E402

NAME = "conductivity"
FORMULAS = ("Li6PS5Cl", "Li3YCl6", "Li7La3Zr2O12", "Li10GeP2S12")
TOLERANCE = 1e-6
POLL_SECONDS = 0.5
FULL, QUICK = (5000, 6), (100, 2)  # requests, swaps


@dataclass(frozen=True)
class Version:
    """One of the two models: its number in the registry and what it answers for `FORMULAS`."""

    number: str
    sigma: list[float]


def register_two(folder: Path, client: Any) -> dict[str, Version]:  # noqa: ANN401
    """Register the shipped model under two names, the second with another bias and golden predictions of its own."""
    from serving.models.store import SHIPPED
    from serving.predictor import Predictor
    from training.bundle import load_bundle, save_bundle
    from training.properties.conductivity.bundling import golden_predictions
    from training.properties.conductivity.model import ConductivityModel
    from training.tracking import DIGEST_TAG, model_name

    shipped = load_bundle(SHIPPED / NAME, expected_property=NAME)
    client.create_registered_model(model_name(NAME))
    versions: dict[str, Version] = {}
    for name, shift in (("first", 0.0), ("second", 1.0)):
        lever = "formula/nets/last_biases"
        arrays = shipped.arrays | {lever: shipped.arrays[lever] + shift}
        golden = golden_predictions(ConductivityModel.from_arrays(arrays, shipped.card.model))
        card = shipped.card.model_copy(update={"version": name, "golden": golden, "files": {}})
        digest = save_bundle(folder / name / NAME, card, arrays)
        added = client.create_model_version(model_name(NAME), str(folder / name / NAME), tags={DIGEST_TAG: digest})
        rows = Predictor.load(str(folder / name)).predict_formulas(list(FORMULAS))["results"]
        sigma = [row[NAME]["log10_sigma_S_per_cm"]["value"] for row in rows]
        versions[name] = Version(str(added.version), sigma)
    return versions


@dataclass
class Load:
    """Clients that ask without pause."""

    port: int
    versions: dict[str, Version]
    asked: list[tuple[float, float, str]] = field(default_factory=list)  # end, milliseconds, version that answered
    failures: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        """Send one request after another until told to stop."""
        formulas = FORMULAS[: 1 + number % len(FORMULAS)]
        body = json.dumps({"candidates": [{"formula": formula} for formula in formulas], "properties": [NAME]})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.done.is_set():
            started = time.perf_counter()
            try:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
                version = self._checked(response.status, content)
            except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            ended = time.perf_counter()
            self.asked.append((ended, 1000 * (ended - started), version))
        connection.close()

    def _checked(self, status: int, content: bytes) -> str:
        """Return the version that an answer names, if its numbers are that version's."""
        if status != 200:
            raise ValueError(f"{status}: {content[:200]!r}")
        document = json.loads(content)
        version = str(document["models"][NAME]["version"])
        for row, expected in zip(document["results"], self.versions[version].sigma, strict=False):
            if abs(row[NAME]["log10_sigma_S_per_cm"]["value"] - expected) > TOLERANCE:
                raise ValueError(f"an answer names {version} and holds another one's numbers")
        return version


@contextmanager
def clients(load: Load, count: int) -> Iterator[None]:
    """Let clients ask while the block runs."""
    threads = [threading.Thread(target=load.ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        load.done.set()
        for thread in threads:
            thread.join()


def served_version(port: int) -> str:
    """Return which version the service says that it serves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/models")
    version = str(json.loads(connection.getresponse().read())[NAME]["version"])
    connection.close()
    return version


def swap(client: Any, version: str, load: Load) -> tuple[float, float]:  # noqa: ANN401
    """Move the alias and wait until the service follows; returns when it moved and when it had followed."""
    from training.tracking import CHAMPION, model_name

    started = time.perf_counter()
    client.set_registered_model_alias(model_name(NAME), CHAMPION, load.versions[version].number)
    while served_version(load.port) != version:
        if time.perf_counter() - started > 60:
            raise RuntimeError(f"the service did not follow to {version} within 60 s")
        time.sleep(0.05)
    return started, time.perf_counter()


def swap_under_load(load: Load, client: Any, n_clients: int, quick: bool) -> list[tuple[float, float]]:  # noqa: ANN401
    """Swap back and forth until there were enough swaps and enough requests; returns the span of each swap."""
    n_requests, n_swaps = QUICK if quick else FULL
    spans: list[tuple[float, float]] = []
    with clients(load, n_clients):
        while len(spans) < n_swaps or len(load.asked) < n_requests:
            if len(spans) < n_swaps:
                spans.append(swap(client, "second" if len(spans) % 2 == 0 else "first", load))
                say(f"swap {len(spans)} after {spans[-1][1] - spans[-1][0]:.2f} s, {len(load.asked)} requests so far")
            time.sleep(0.5)
    return spans


def summary(load: Load, spans: list[tuple[float, float]]) -> dict[str, Any]:
    """Return the line that is printed."""
    during = sorted(ms for end, ms, _ in load.asked if any(start <= end <= stop for start, stop in spans))
    outside = sorted(ms for end, ms, _ in load.asked if not any(start <= end <= stop for start, stop in spans))
    return {
        "benchmark": "rest_swap",
        "requests": len(load.asked) + len(load.failures),
        "failed": len(load.failures),
        "swaps_seen": len(spans),
        "swap_seconds": round(sum(stop - start for start, stop in spans) / len(spans), 2),
        "answered_by": {name: sum(version == name for _, _, version in load.asked) for name in load.versions},
        "p50_ms_during_swap": quantile(during, 0.5),
        "p99_ms_during_swap": quantile(during, 0.99),
        "worst_ms_during_swap": round(during[-1], 3),
        "p50_ms_otherwise": quantile(outside, 0.5),
        "p99_ms_otherwise": quantile(outside, 0.99),
    }


def main() -> None:
    """Measure and print; fails where a request did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two swaps, for a smoke test")
    parser.add_argument("--clients", type=int, default=4, help="clients that ask at the same time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        os.environ |= {
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "ELYTE_POLL_SECONDS": str(POLL_SECONDS),
            "OMP_NUM_THREADS": "1",
        }
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        say("registering two models ...")
        versions = register_two(folder, client)
        with running_service(environment={"MLFLOW_TRACKING_URI": uri}) as service:
            say(f"ready after {service.ready_seconds:.1f} s")
            load = Load(service.port, versions)
            swap(client, "first", load)
            before = service.memory_MB()
            spans = swap_under_load(load, client, arguments.clients, arguments.quick)
            memory = {"worker_MB_before": round(before), "worker_MB_after": round(service.memory_MB())}
    print(json.dumps(summary(load, spans) | memory))
    if load.failures:
        say(f"first failure: {load.failures[0]}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
