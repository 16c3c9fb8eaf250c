"""Whether memory stays flat: one worker under mixed requests for many minutes.

Single formulas, lists, conditions, explanations, interfaces, grids, CSV, bad rows, bad bodies, now and then 10,000 rows
in one request. The memory of the worker is read every few seconds; the first quarter counts as warming up, and growth
is the median of the last quarter over that of the second. Prints one JSON line, progress to standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections import Counter

from running import Client, Service, mixed_formulas, new_formulas, post, predict, running_service, say

MINUTES, QUICK_MINUTES = 20.0, 0.25
SAMPLE_SECONDS = 2.0
HUGE_EVERY = 400


def request_of(turn: int) -> bytes:
    """Return the bytes of one of several kinds of request, in turn."""
    one = new_formulas(1, 104_729 * turn)[0]
    kinds = (
        lambda: predict([one]),
        lambda: predict(mixed_formulas(64, 7919 * turn)),
        lambda: predict(["Xx2", "", one, "NaCl", "Li3(PO4"], conditions={"temperature_C": 60}),
        lambda: predict([one], explain=True),
        lambda: post("/interface", json.dumps({"formula": one, "against": ["lithium", "NMC811"]}).encode()),
        lambda: post("/ccd/grid", json.dumps({"formula": one, "temperatures_C": [25, 60]}).encode()),
        lambda: post("/predict/csv", f"id,formula\n1,{one}\n2,\n".encode(), "text/csv"),
        lambda: post("/predict", b'{"candidates": [}'),
        lambda: predict(mixed_formulas(10_000, turn)) if turn % HUGE_EVERY == HUGE_EVERY - 2 else predict([one] * 3),
    )
    return kinds[turn % len(kinds)]()


def ask(port: int, number: int, until: float, statuses: Counter[int]) -> None:
    """Send requests until the time is over, with a short pause between them."""
    turn = number
    with Client(port) as client:
        while time.monotonic() < until:
            statuses[client.send(request_of(turn)).status] += 1
            turn += 2
            time.sleep(0.002)


def soak(service: Service, minutes: float) -> tuple[list[float], Counter[int]]:
    """Return the memory in MB, sampled while two clients ask, and how many answers had which status."""
    until = time.monotonic() + 60 * minutes
    statuses: Counter[int] = Counter()
    clients = [threading.Thread(target=ask, args=(service.port, n, until, statuses)) for n in range(2)]
    for client in clients:
        client.start()
    memory = []
    while time.monotonic() < until:
        time.sleep(min(SAMPLE_SECONDS, 60 * minutes / 20))
        memory.append(service.memory_MB())
        if len(memory) % 30 == 0:
            say(f"{(until - time.monotonic()) / 60:.1f} min left: {memory[-1]:.0f} MB, {statuses.total()} requests")
    for client in clients:
        client.join()
    return memory, statuses


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--quick", action="store_true", help="a quarter of a minute, for a smoke test")
    arguments = parser.parse_args()
    minutes = QUICK_MINUTES if arguments.quick else arguments.minutes
    with running_service() as service:
        ready = service.memory_MB()
        memory, statuses = soak(service, minutes)
    quarter = len(memory) // 4
    early, late = (statistics.median(part) for part in (memory[quarter : 2 * quarter], memory[-quarter:]))
    unexpected = sum(count for status, count in statuses.items() if status not in (200, 400))
    result = {
        "benchmark": "rest_soak",
        "minutes": minutes,
        "requests": statuses.total(),
        "unexpected_answers": unexpected,
        "memory_ready_MB": round(ready),
        "memory_early_MB": round(early),
        "memory_late_MB": round(late),
        "memory_largest_MB": round(max(memory)),
        "late_over_early": round(late / early, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
