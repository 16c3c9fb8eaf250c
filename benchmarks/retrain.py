"""What does `elyte retrain conductivity` cost, with four new rows of a laboratory? Processor time of the whole job.

    python benchmarks/retrain.py [--tree FOLDER] [--quick]

The command runs as a user starts it, in a process of its own, with an empty ledger and an empty registry; user and
system time of that process and of those that it starts are counted, for the clock says little on a busy machine.
`--tree` runs the code and the shipped models of another checkout, made by `git worktree add FOLDER COMMIT`. Prints one
JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
ELYTE = "from serving.cli import main; main()"
N_ROWS = 4
ENDINGS = (0, 3, 4)
"""Exit codes of a job that came to a verdict: promoted, kept, a person decides."""


def new_rows() -> str:
    """Return argyrodites with more or less chloride, as CSV."""
    lines = ["formula,sigma_S_per_cm,temperature_C,reference,family"]
    for number in range(N_ROWS):
        x = 0.93 + 0.06 * number
        sigma = 10 ** (-3.2 + 0.9 * (x - 0.9))
        lines.append(f"Li{7 - x:.2f}PS{6 - x:.2f}Cl{x:.2f},{sigma:.3g},25,lab:2026-10-{number + 1:02d}:JD,argyrodite")
    return "\n".join(lines) + "\n"


def measure(tree: Path, scratch: Path, *, quick: bool) -> dict[str, object]:
    """Return processor time, time by the clock, and what became of the job.

    Raises
    ------
    RuntimeError
        If the command ended without a verdict; the message holds what it said.
    """
    measurements = scratch / "new.csv"
    measurements.write_text(new_rows(), encoding="utf-8")
    command = [sys.executable, "-c", ELYTE, "retrain", "conductivity", "--json", "--who", "benchmark"]
    command += ["--input", str(measurements), "--work", str(scratch / "work"), *(["--quick"] if quick else [])]
    own = {
        "PYTHONPATH": str(tree),
        "ELYTE_LEDGER_URL": f"sqlite:///{scratch / 'ledger.db'}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{scratch / 'mlflow.db'}",
    }
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, cwd=tree, env=os.environ | own, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in ENDINGS:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return {
        "processor_s": round(user + system, 1),
        "user_s": round(user, 1),
        "system_s": round(system, 1),
        "clock_s": round(time.perf_counter() - started, 1),
        "cores": len(os.sched_getaffinity(0)),
        "verdict": _status(json.loads(ended.stdout)),
    }


def _status(document: object) -> str:
    """Return how the job of the one property ended."""
    assert isinstance(document, dict)
    return str(document["results"][0]["status"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=HERE, metavar="FOLDER", help="checkout to measure; default: this")
    parser.add_argument("--quick", action="store_true", help="small fits: a smoke test, its figures mean nothing")
    asked = parser.parse_args()
    tree = asked.tree.resolve()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=tree, capture_output=True, text=True, check=False
    )
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(tree, Path(scratch), quick=asked.quick)
    print(json.dumps({"benchmark": "retrain", "commit": commit.stdout.strip(), "quick": asked.quick} | found))


if __name__ == "__main__":
    main()
