"""What the service does when it is flooded, and when a worker is killed.

Flood: ten times as many requests at once as it admits, for some seconds; every answer must be 2xx, or 429 or 503 with
Retry-After, and a request after the flood must be answered within 5 s. Kill: of two workers one is killed with SIGKILL
while clients ask and ask again after an error; the service must go on, and both workers must be back. Prints one JSON
line, progress to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter

from running import HOST, Client, Service, new_formulas, predict, running_service, say

IN_FLIGHT = 256
FLOOD = 10


async def one_of_the_flood(port: int, number: int, until: float, seen: Counter[str]) -> None:
    """Ask without pause over a connection of one's own; counts statuses, and refusals without Retry-After."""
    turn = number
    while time.monotonic() < until:
        writer = None
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
            while time.monotonic() < until:
                writer.write(predict(new_formulas(16, 7919 * turn)))
                turn += 1
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
                await reader.readexactly(length)
                status = head.split()[1]
                seen[status] += 1
                if status in ("429", "503") and "retry-after:" not in head:
                    seen["without Retry-After"] += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            seen["connection lost"] += 1
        finally:
            if writer is not None:
                writer.close()


async def flood(port: int, seconds: float) -> Counter[str]:
    """Return what the clients of the flood saw."""
    seen: Counter[str] = Counter()
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(FLOOD * IN_FLIGHT):
            group.create_task(one_of_the_flood(port, number, until, seen))
    return seen


def seconds_to_a_good_answer(port: int) -> float:
    """Return how long it takes until a prediction is answered with 200."""
    started = time.monotonic()
    while time.monotonic() - started < 60:
        try:
            with Client(port) as client:
                if client.send(predict(["Li6PS5Cl"])).status == 200:
                    break
        except OSError:
            pass
        time.sleep(0.02)
    return time.monotonic() - started


def measure_flood(seconds: float) -> dict[str, object]:
    """Flood one worker."""
    with running_service(environment={"ELYTE_MAX_IN_FLIGHT": str(IN_FLIGHT)}) as service:
        seen = asyncio.run(flood(service.port, seconds))
        recovery = seconds_to_a_good_answer(service.port)
        memory = service.memory_MB()
    say(f"flood: {dict(seen)}, a good answer {recovery:.2f} s after it")
    allowed = sum(count for status, count in seen.items() if status[0] == "2" or status in ("429", "503"))
    return {
        "flood_connections": FLOOD * IN_FLIGHT,
        "flood_requests": sum(seen.values()) - seen["without Retry-After"],
        "flood_statuses": dict(sorted(seen.items())),
        "flood_recovery_s": round(recovery, 2),
        "flood_other_answers": sum(seen.values()) - seen["without Retry-After"] - allowed,
        "flood_refused_without_retry_after": seen["without Retry-After"],
        "memory_after_flood_MB": round(memory),
    }


def ask_on(port: int, until: float, seen: Counter[str], gaps: list[float]) -> None:
    """Ask until the time is over, once more after each lost connection; notes the longest time without an answer."""
    last, turn = time.monotonic(), 0
    while time.monotonic() < until:
        try:
            with Client(port, 10.0) as client:
                while time.monotonic() < until:
                    turn += 1
                    seen[str(client.send(predict(new_formulas(1, turn))).status)] += 1
                    gaps.append(time.monotonic() - last)
                    last = time.monotonic()
        except OSError:
            seen["connection lost"] += 1
            time.sleep(0.01)


def two_workers_are_back(service: Service, killed: int, seconds: float) -> bool:
    """Wait until two workers run, the killed one not among them."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        workers = service.workers()
        if len(workers) == 2 and killed not in workers:
            return True
        time.sleep(0.1)
    return False


def measure_kill(seconds: float) -> dict[str, object]:
    """Kill one of two workers while four clients ask."""
    seen: Counter[str] = Counter()
    gaps: list[float] = []
    with running_service(workers=2) as service:
        time.sleep(2.0)  # the second worker is ready a little later
        until = time.monotonic() + seconds
        clients = [threading.Thread(target=ask_on, args=(service.port, until, seen, gaps)) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(seconds / 4)
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        back = two_workers_are_back(service, killed, 30.0)
        for client in clients:
            client.join()
        recovery = seconds_to_a_good_answer(service.port)
    say(f"kill -9: {dict(seen)}, longest time without an answer {max(gaps):.2f} s, two workers again: {back}")
    return {
        "kill_statuses": dict(sorted(seen.items())),
        "kill_longest_silence_s": round(max(gaps), 2),
        "kill_two_workers_again": back,
        "kill_recovery_s": round(recovery, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds, for a smoke test")
    seconds = 3.0 if parser.parse_args().quick else 15.0
    print(json.dumps({"benchmark": "rest_faults"} | measure_flood(seconds) | measure_kill(3 * seconds)))


if __name__ == "__main__":
    main()
