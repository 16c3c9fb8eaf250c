"""Memory, start and speed of one and two workers, with a model registry or none: the table of docs/operate/deploy.md.

Starts the real service anew for each line and prints one JSON line, progress to standard error. Memory is that of the
workers alone: `rss` counts what processes share in each of them, `uss` what ending that worker would give back. The
registry is an MLflow store on SQLite whose champions are the shipped bundles. Clients run on the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

from running import Service, answers_200, mixed_formulas, new_formulas, predict, running_service, say, throughput, timed

ROWS = 64
LONG_LIST = 10_000
WORKERS = (1, 2)


def memory(service: Service) -> dict[str, int]:
    """Return resident and unique memory of the largest worker, and what all of them take together.

    The total counts what they share once: the sum of proportional shares (PSS).
    """
    import psutil

    full = [psutil.Process(pid).memory_full_info() for pid in service.workers()]
    supervisor = psutil.Process(service.process.pid).memory_full_info()
    return {
        "rss_worker_MB": round(max(one.rss for one in full) / 1e6),
        "uss_worker_MB": round(max(one.uss for one in full) / 1e6),
        "total_MB": round((sum(one.pss for one in full) + supervisor.pss) / 1e6),
    }


def single(number: int) -> bytes:
    """Return a request for one new formula."""
    return predict(new_formulas(1, 7919 * number))


def short_list(number: int) -> bytes:
    """Return a request of a list, half of it well known."""
    return predict(mixed_formulas(ROWS, 7919 * number))


def every_worker_ready(service: Service) -> float:
    """Wait until no connection meets a worker that is not ready; return the seconds since the start."""
    in_a_row, seconds = 0, service.ready_seconds
    started = time.perf_counter()
    while in_a_row < 40:  # the operating system hands connections to whichever worker is idle
        if answers_200(service.port, "/readyz"):
            in_a_row += 1
        else:
            time.sleep(0.1)
            in_a_row, seconds = 0, service.ready_seconds + time.perf_counter() - started
    return seconds


def settle(service: Service, workers: int) -> None:
    """Ask until every worker has compiled and loaded what it ever will."""
    throughput(service.port, 4 * workers, 2.0, single)
    throughput(service.port, 2 * workers, 2.0, short_list)


def long_lists(service: Service, workers: int) -> list[float]:
    """Send lists of 10,000, enough that each worker has had one; return the seconds of each."""
    requests = [predict(mixed_formulas(LONG_LIST, 101 * number)) for number in range(3 * workers)]
    # one connection each: which worker accepts it is up to the operating system
    return [timed(service.port, [request])[0] / 1000 for request in requests]


def measure(workers: int, registry: str | None, seconds: float) -> dict[str, object]:
    """Start the service and return one line of the table."""
    environment = {} if registry is None else {"MLFLOW_TRACKING_URI": registry}
    with running_service(workers=workers, environment=environment) as service:
        found: dict[str, object] = {"workers": workers, "registry": registry is not None}
        found["ready_s"] = round(every_worker_ready(service), 1)
        settle(service, workers)
        found["ready"] = memory(service)
        rate, _ = throughput(service.port, 8, seconds, single)
        lists, _ = throughput(service.port, 4, seconds, short_list)
        found |= {"single_8_clients_per_s": round(rate), "list_64_rows_per_s": round(ROWS * lists)}
        found["list_10000_s"] = round(mean(long_lists(service, workers)), 1)
        found["after_10000"] = memory(service)
    say(json.dumps(found))
    return found


@contextmanager
def shipped_registry() -> Iterator[str]:
    """Give the address of a registry whose champions are the shipped bundles, until the block ends."""
    import mlflow

    from serving.models.store import DIGESTS_FILE, SHIPPED
    from training.tracking import CHAMPION, DIGEST_TAG, model_name

    digests = json.loads((SHIPPED / DIGESTS_FILE).read_text())
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        client = mlflow.MlflowClient(tracking_uri=uri)
        for name, digest in digests.items():
            client.create_registered_model(model_name(name))
            made = client.create_model_version(model_name(name), str(SHIPPED / name), tags={DIGEST_TAG: digest})
            client.set_registered_model_alias(model_name(name), CHAMPION, made.version)
        yield uri


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two workers without a registry only, short, a smoke test")
    quick = parser.parse_args().quick
    lines: list[dict[str, object]] = []
    if quick:
        lines.append(measure(2, None, 1.0))
    else:
        lines += [measure(workers, None, 10.0) for workers in WORKERS]
        with shipped_registry() as uri:
            lines += [measure(workers, uri, 10.0) for workers in WORKERS]
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"benchmark": "sizing", "cores": os.cpu_count(), "load_1_min_after": load, "lines": lines}))


if __name__ == "__main__":
    main()
