"""Runs that are broken on purpose: `structures.py --what batch|queue`.

`batch`: `elyte relax` over the smallest CIFs of OBELiX in a process of its own, killed (SIGKILL) three times while it
works, then left to end; its `results.jsonl` is compared byte for byte with that of a run that nobody killed. `queue`:
a service with a queue of two is flooded with structures by several threads; which statuses it answers, how long the
slowest took, and that every job that was taken in can be followed and cancelled. One JSON line.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from structure_records import obelix_cells

from features.structures.cells import to_cif

KILLS = 3
COMMAND = [sys.executable, "-c", "from serving.cli import main; main()"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
READY_SECONDS = 180.0
ALLOWED = {202, 429, 503}


def batch(work: Path, count: int) -> dict[str, Any]:
    """Compare a run that was killed three times with one that was not."""
    source = work / "cifs"
    shutil.rmtree(work, ignore_errors=True)
    source.mkdir(parents=True)
    for name, cell in sorted(obelix_cells(), key=lambda one: len(one[1]))[:count]:
        (source / f"{name}.cif").write_text(to_cif(cell, name))
    seconds = _relax(source, work / "whole", None)
    killed = [_relax(source, work / "killed", after) for after in (count // 4, count // 2, 3 * count // 4)]
    _relax(source, work / "killed", None)
    whole, broken = ((work / name / "results.jsonl").read_bytes() for name in ("whole", "killed"))
    rows = [json.loads(line) for line in whole.splitlines()]
    return {
        "files": count,
        "killed": len(killed),
        "identical": whole == broken,
        "answered": sum(row["status"] == "ok" for row in rows),
        "seconds": round(seconds, 1),
    }


def _relax(source: Path, target: Path, kill_after: int | None) -> float:
    """Run the command; kill it once so many parts are there. Return the seconds it took."""
    started = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, "relax", str(source), "--output", str(target), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    ) as process:
        while process.poll() is None:
            time.sleep(0.05)
            if kill_after is not None and len(list((target / "parts").glob("*.json"))) >= kill_after:
                process.send_signal(signal.SIGKILL)
                break
    return time.monotonic() - started


def queue(work: Path, port: int, threads: int, each: int) -> dict[str, Any]:
    """Flood a service with structures that differ, so that none is known."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    settings = {"ELYTE_STRUCTURES_DIR": str(work / "jobs"), "ELYTE_STRUCTURES_QUEUE": "2", "ELYTE_MODELS": "shipped"}
    name, cell = next(obelix_cells(("fft",)))
    statuses: collections.Counter[int] = collections.Counter()
    slowest, taken, without_retry = [0.0], [], [0]
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port)],
        env={**ENVIRONMENT, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as service:
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(base)

            def flood(place: int) -> None:
                with httpx.Client(base_url=base, timeout=60.0) as client:
                    for n in range(each):
                        started = time.monotonic()
                        said = client.post("/structures", json={"cif": to_cif(cell, f"{name} {place} {n}")})
                        slowest[0] = max(slowest[0], time.monotonic() - started)
                        statuses[said.status_code] += 1
                        if said.status_code == 202:
                            taken.append(said.json()["id"])
                        elif "Retry-After" not in said.headers:
                            without_retry[0] += 1

            workers = [threading.Thread(target=flood, args=(place,)) for place in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            with httpx.Client(base_url=base, timeout=60.0) as client:
                ended = [client.delete(f"/structures/{number}").json()["state"] for number in taken]
                ready = client.get("/readyz").status_code
        finally:
            service.send_signal(signal.SIGTERM)
    return {
        "requests": threads * each,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "only_202_429_503": set(statuses) <= ALLOWED,
        "refused_without_retry_after": without_retry[0],
        "slowest_seconds": round(slowest[0], 2),
        "cancelled_or_done": sum(state in ("cancelled", "done") for state in ended) == len(taken),
        "ready_after": ready == 200,
    }


def _wait(base: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base}/readyz", timeout=5.0).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("the service did not become ready")


def main(arguments: list[str] | None = None) -> int:
    """Print one JSON line; exit 1 where a run did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("batch", "queue"), required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder that is emptied and used")
    parser.add_argument("--count", type=int, default=20, help="CIFs of the batch")
    parser.add_argument("--port", type=int, default=3917)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--each", type=int, default=25, help="structures a thread sends")
    asked = parser.parse_args(arguments)
    if asked.what == "batch":
        said = batch(asked.work / "batch", asked.count)
        good = said["identical"]
    else:
        said = queue(asked.work / "queue", asked.port, asked.threads, asked.each)
        good = said["only_202_429_503"] and said["ready_after"] and not said["refused_without_retry_after"]
    print(json.dumps({"benchmark": "structures", "what": asked.what} | said))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
