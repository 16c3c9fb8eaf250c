"""How fast the command line answers from cold: `elyte --help` and `elyte predict Li6PS5Cl --json`.

Prints one JSON line; seconds are medians of wall time over fresh processes, the reference is `python -c pass`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ELYTE = str(Path(sys.executable).with_name("elyte"))
COMMANDS = {
    "python_start_s": [sys.executable, "-c", "pass"],
    "help_s": [ELYTE, "--help"],
    "predict_s": [ELYTE, "predict", "Li6PS5Cl", "--json"],
}


def seconds(command: list[str]) -> float:
    """Return the wall time of one run; a failing command raises."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each command")
    repeats = 1 if parser.parse_args().quick else 7
    for command in COMMANDS.values():  # byte code and disk cache
        seconds(command)
    result = {
        name: round(statistics.median(seconds(command) for _ in range(repeats)), 3)
        for name, command in COMMANDS.items()
    }
    result["help_over_python_start"] = round(result["help_s"] / result["python_start_s"], 1)
    result["asked"] = {"help_s": 0.6, "predict_s": 3.0}  # type: ignore[assignment]
    print(json.dumps({"benchmark": "command_line", "repeats": repeats} | result))


if __name__ == "__main__":
    main()
