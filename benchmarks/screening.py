"""Screening: candidates per second from Parquet to Parquet, scaling, memory, kills, a cluster; one JSON line each.

    python benchmarks/screening.py --what speed|scale|kill|ray [--rows N] [--quick]

`speed` and `scale` screen made-up doped conductors, nearly all unknown to the tables, with all three properties and
intervals; `kill` kills a run three times and compares every part with those of an undisturbed run; `ray` compares two
nodes of a local cluster with two processes. Rates are of the command, start included, and of its steady part.
Much of the time is linear algebra: where the environment pins older kernels (`OPENBLAS_CORETYPE`), take that away to
see what the processor can.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from screening_input import write_candidates

from serving.screening.plan import ROWS_PER_UNIT

ROOT = Path(__file__).parents[1]
ELYTE = (sys.executable, "-c", "from serving.cli import main; main()", "screen")
ROWS = {"speed": 200_000, "scale": 100_000, "kill": 1_000_000, "ray": 100_000}
QUICK_ROWS = 20_000
KILLS = 3
ON_TWO_NODES = """
import os, sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
sys.argv += ["--address", cluster.address]
try:
    from serving.cli import main
    main()
finally:
    cluster.shutdown()
"""


@dataclass(frozen=True)
class Run:
    """One finished run: what it said, wall and processor seconds, largest memory of all its processes together."""

    summary: dict[str, object]
    wall_s: float
    cpu_s: float
    memory_MB: float


class MemoryWatch(threading.Thread):
    """Adds up the memory of a process and its children, shared pages counted once, and keeps the largest sum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.largest_MB, self.over = pid, 0.0, threading.Event()

    def run(self) -> None:
        """Look every half second."""
        import psutil

        while not self.over.wait(0.5):
            total = 0
            with suppress(psutil.Error):
                main = psutil.Process(self.pid)
                for process in (main, *main.children(recursive=True)):
                    with suppress(psutil.Error):
                        total += process.memory_full_info().pss
            self.largest_MB = max(self.largest_MB, total / 1e6)


def screen(source: Path, output: Path, *more: str, command: tuple[str, ...] = ELYTE) -> Run:
    """Run `elyte screen` to its end."""
    before = os.times()
    started = time.perf_counter()
    arguments = [*command, "--input", str(source), "--output", str(output), "--json", *more]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT)
    watch = MemoryWatch(process.pid)
    watch.start()
    answer, _ = process.communicate()
    watch.over.set()
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(json.loads(answer), wall, cpu, watch.largest_MB)


def parts_of(folder: Path) -> dict[str, str]:
    """Return name and digest of every part."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("part-*.parquet"))}


def steady_rate(folder: Path) -> float:
    """Return rows per second between the first and the last part, the first one's rows not counted."""
    import pyarrow.parquet as pq

    done = sorted((path.stat().st_mtime, pq.read_metadata(path).num_rows) for path in folder.glob("part-*.parquet"))
    seconds = done[-1][0] - done[0][0]
    return sum(rows for _, rows in done[1:]) / seconds if seconds > 0 else float("nan")


def speed(source: Path, work: Path, rows: int, repeats: int) -> dict[str, object]:
    """Two processes, all properties; the best of some runs, as the machine has other users."""
    runs = []
    for number in range(repeats):
        run = screen(source, work / f"speed-{number}", "--processes", "2")
        runs.append((rows / run.wall_s, steady_rate(work / f"speed-{number}"), run))
    best = max(runs, key=lambda one: one[1])
    return {
        "rows": rows,
        "processes": 2,
        "rows_per_s_with_start": round(max(r for r, _, _ in runs)),
        "rows_per_s_steady": round(best[1]),
        "cpu_ms_per_row": round(1e3 * min(r.cpu_s for _, _, r in runs) / rows, 3),
        "memory_MB_peak": round(max(r.memory_MB for _, _, r in runs)),
        "repeats": repeats,
    }


def scale(source: Path, work: Path, rows: int, repeats: int) -> dict[str, object]:
    """One process against two, in turns; the best steady rate of each."""
    rates: dict[int, float] = {1: 0.0, 2: 0.0}
    for number in range(repeats):
        for processes in rates:
            folder = work / f"scale-{processes}-{number}"
            screen(source, folder, "--processes", str(processes))
            rates[processes] = max(rates[processes], steady_rate(folder))
    same = parts_of(work / "scale-1-0") == parts_of(work / "scale-2-0")
    return {
        "rows": rows,
        "rows_per_s_steady": {n: round(rate) for n, rate in rates.items()},
        "share_of_linear": round(rates[2] / (2 * rates[1]), 3),
        "parts_identical": same,
    }


def kill(source: Path, work: Path, rows: int, seed: int = 5) -> dict[str, object]:
    """Kill a run three times at random moments, let a fourth end, and compare with an undisturbed one."""
    calm = screen(source, work / "calm", "--processes", "2")
    chance, killed = random.Random(seed), 0
    at = sorted(chance.uniform(0.1, 0.9) for _ in range(KILLS))
    arguments = [*ELYTE, "--input", str(source), "--output", str(work / "killed"), "--processes", "2"]
    n_parts = len(parts_of(work / "calm"))
    for share in at:
        process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list((work / "killed").glob("part-*.parquet"))) < share * n_parts:
            time.sleep(0.02)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = screen(source, work / "killed", "--processes", "2")
    return {
        "rows": rows,
        "kills": killed,
        "identical": parts_of(work / "killed") == parts_of(work / "calm"),
        "parts_left_for_the_last_run": n_parts - int(str(last.summary["parts_before"])),
        "memory_MB_peak": round(max(calm.memory_MB, last.memory_MB)),
        "rows_per_s_with_start": round(rows / calm.wall_s),
        "rows_per_s_steady": round(steady_rate(work / "calm")),
    }


def ray(source: Path, work: Path, rows: int) -> dict[str, object]:
    """Two nodes of a local cluster, one processor each, against two processes."""
    here = screen(source, work / "here", "--processes", "2")
    there = screen(source, work / "there", command=(sys.executable, "-c", ON_TWO_NODES, "screen"))
    rates = {name: steady_rate(work / name) for name in ("here", "there")}
    return {
        "rows": rows,
        "identical": parts_of(work / "here") == parts_of(work / "there"),
        "rows_per_s_steady": {name: round(rate) for name, rate in rates.items()},
        "share_of_processes": round(rates["there"] / rates["here"], 3),
        "wall_s": {"here": round(here.wall_s, 1), "there": round(there.wall_s, 1)},
        "memory_MB_peak": {"here": round(here.memory_MB), "there": round(there.memory_MB)},
        "to_1e9_rows": to_a_billion(rates["there"] / 2, bytes_of(source) / rows, bytes_of(work / "there") / rows),
    }


def bytes_of(folder: Path) -> int:
    """Return the size of the Parquet files of a folder."""
    return sum(path.stat().st_size for path in folder.glob("*.parquet"))


def to_a_billion(rows_per_core_and_s: float, bytes_in: float, bytes_out: float) -> dict[str, float]:
    """Return what a billion rows would take if a large cluster were as many times two cores as it has pairs of them."""
    return {
        "core_hours": round(1e9 / rows_per_core_and_s / 3600),
        "GB_in": round(bytes_in),
        "GB_out": round(bytes_out),
        "parts": round(1e9 / ROWS_PER_UNIT),
    }


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", choices=sorted(ROWS), default="speed")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, one repeat")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rows = given.rows or (QUICK_ROWS if given.quick else ROWS[given.what])
    repeats = 1 if given.quick else given.repeats
    with tempfile.TemporaryDirectory(prefix="elyte-screening-") as folder:
        work = Path(folder)
        write_candidates(work / "in", rows, np.random.default_rng(7))
        measures = {
            "speed": lambda: speed(work / "in", work, rows, repeats),
            "scale": lambda: scale(work / "in", work, rows, repeats),
            "kill": lambda: kill(work / "in", work, rows),
            "ray": lambda: ray(work / "in", work, rows),
        }
        machine = {
            "load_average_before": round(os.getloadavg()[0], 1),
            "openblas_kernels": os.environ.get("OPENBLAS_CORETYPE", "OpenBLAS's own choice"),
        }
        print(json.dumps({"benchmark": f"screening {given.what}", **measures[given.what](), **machine}), flush=True)


if __name__ == "__main__":
    main()
