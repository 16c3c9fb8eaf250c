"""Latency and throughput of the real REST service, against a trivial BentoML endpoint measured in the same run.

Starts both services on free ports and prints one JSON line, progress to standard error. `new` formulas are in no
table, so that every model has to answer; of `mixed` ones half are well known. Lists are measured with two clients, as
one worker answers two at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource

from running import (
    ELYTE,
    TRIVIAL,
    Service,
    mixed_formulas,
    new_formulas,
    post,
    predict,
    quantile,
    running_service,
    say,
    throughput,
    timed,
)

ROWS = 64
QUESTIONS: dict[str, list[str] | None] = {"all": None, "conductivity": ["conductivity"], "stability": ["stability"]}


def single(number: int) -> bytes:
    """Return a request for one new formula and all properties."""
    return predict(new_formulas(1, 7919 * number))


def trivial(number: int) -> bytes:
    """Return the request of the trivial endpoint."""
    return post("/count", json.dumps({"candidates": [{"formula": f} for f in new_formulas(1, number)]}).encode())


def lists(number: int, properties: list[str] | None, *, known: bool) -> bytes:
    """Return a request of a list for some properties."""
    formulas = (mixed_formulas if known else new_formulas)(ROWS, 7919 * number)
    return predict(formulas) if properties is None else predict(formulas, properties=properties)


def measure_trivial(seconds: float) -> dict[str, float]:
    """Measure the reference."""
    with running_service(TRIVIAL) as service:
        timed(service.port, [trivial(i) for i in range(20)])
        alone = timed(service.port, [trivial(i) for i in range(int(60 * seconds))])
        rate, _ = throughput(service.port, 8, seconds, trivial)
    say(f"trivial endpoint: p50 {quantile(alone, 0.5)} ms, {rate:.0f} requests/s from 8 clients")
    return {"trivial_p50_ms": quantile(alone, 0.5), "trivial_8_clients_per_s": round(rate, 1)}


def measure_single(service: Service, seconds: float) -> dict[str, float]:
    """Measure single formulas, all properties."""
    timed(service.port, [single(i) for i in range(20)])
    alone = timed(service.port, [single(20 + i) for i in range(int(30 * seconds))])
    rate, together = throughput(service.port, 8, seconds, single)
    say(f"single: p50 {quantile(alone, 0.5)} ms, p99 {quantile(alone, 0.99)} ms; 8 clients {rate:.0f} requests/s")
    return {
        "single_p50_ms": quantile(alone, 0.5),
        "single_p99_ms": quantile(alone, 0.99),
        "single_8_clients_per_s": round(rate, 1),
        "single_8_clients_p99_ms": quantile(together, 0.99),
    }


def measure_lists(service: Service, seconds: float) -> dict[str, float]:
    """Measure lists of 64 by question, and one list of 10,000 by question."""
    found: dict[str, float] = {}
    for kind, known in (("new", False), ("mixed", True)):
        for name, properties in QUESTIONS.items():
            rate, _ = throughput(service.port, 2, seconds, lambda i, p=properties, k=known: lists(i, p, known=k))  # type: ignore[misc]
            found[f"list_64_{kind}_{name}_rows_per_s"] = round(rate * ROWS)
            say(f"lists of 64, {kind}, {name}: {rate * ROWS:.0f} rows/s")
    for kind, of in (("new", new_formulas), ("mixed", mixed_formulas)):
        found[f"list_10000_{kind}_s"] = round(timed(service.port, [predict(of(10_000))])[0] / 1000, 2)
    found["list_10000_conductivity_s"] = round(
        timed(service.port, [predict(new_formulas(10_000), properties=["conductivity"])])[0] / 1000, 2
    )
    say(f"10,000 in one request: {found['list_10000_mixed_s']} s mixed, {found['list_10000_new_s']} s new")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests, for a smoke test")
    seconds = 1.0 if parser.parse_args().quick else 10.0
    result = measure_trivial(seconds)
    with running_service(ELYTE) as service:
        result |= {"ready_s": round(service.ready_seconds, 2), "memory_ready_MB": round(service.memory_MB())}
        result |= measure_single(service, seconds)
        result["memory_after_singles_MB"] = round(service.memory_MB())
        result |= measure_lists(service, seconds)
        result["memory_after_lists_MB"] = round(service.memory_MB())
    result["single_p50_over_trivial"] = round(result["single_p50_ms"] / result["trivial_p50_ms"], 2)
    result["throughput_over_trivial"] = round(result["single_8_clients_per_s"] / result["trivial_8_clients_per_s"], 3)
    result["client_processor_s"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_utime, 1)
    print(json.dumps({"benchmark": "rest", "cores": os.cpu_count()} | result))


if __name__ == "__main__":
    main()
