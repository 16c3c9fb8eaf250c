"""What has become faster since another commit: both measured in turn, by the same questions, on this machine.

    python benchmarks/against.py COMMIT [--what rest|screening|command]... [--rounds N] [--quick]

The commit is checked out into a temporary folder and run by this interpreter, whose packages must be those that it
pins; where they are not, what differs is said. Machines differ, and so do their hours: figures are ratios within a
round (other, this, other, this ...), of which the median is printed, in one JSON line. `rest` asks both for the same
three properties and measures the trivial endpoint in every round; ratios of processor time stand beside those by the
clock, as other users of the machine stretch the clock. `command` is `elyte predict Li6PS5Cl` as a user types it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rest import ROWS, trivial
from retrain import ELYTE as COMMAND
from running import ELYTE, ROOT, TRIVIAL, Service, new_formulas, predict, quantile, running_service, say
from running import throughput as answered_per_s
from running import timed as sorted_ms
from screening import steady_rate
from screening_input import write_candidates

PROPERTIES = ["conductivity", "stability", "ccd"]
"""Those that every commit since the first release serves."""
SERVICES = {"serving/rest/service.py": ELYTE, "serving/service.py": "serving.service:ElyteService"}
WARM = "from serving.predictor import Predictor; Predictor.load('shipped').warm()"
"""As `make serve` does once, so that what is compiled on first use is in no figure."""
OLDER_KERNELS = {"OPENBLAS_CORETYPE": "Haswell"}
OTHER, THIS = "other", "this"
Figures = dict[str, float]
Measure = Callable[[Path, bool], Figures]


def questions(count: int, offset: int) -> bytes:
    """Return a request for formulas that no table holds."""
    return predict(new_formulas(count, offset), properties=PROPERTIES)


def service_of(tree: Path) -> str:
    """Return module and class of the service of a checkout."""
    return next(target for place, target in SERVICES.items() if (tree / place).is_file())


def measure_rest(tree: Path, quick: bool) -> Figures:
    """Measure lists of 64, one of 10,000, single requests and the worker's memory, with and without a registry."""
    seconds, long = (1.0, 1_000) if quick else (6.0, 10_000)
    with running_service(service_of(tree), tree=tree) as service:
        sorted_ms(service.port, [questions(1, 7919 * i) for i in range(20)])
        alone = sorted_ms(service.port, [questions(1, 7919 * (20 + i)) for i in range(int(30 * seconds))])
        singles, _ = answered_per_s(service.port, 8, seconds, lambda i: questions(1, 7919 * i))
        found = lists_of(service, seconds) | {"single_p50_ms": quantile(alone, 0.5), "single_8_clients_per_s": singles}
        before = service.processor_s()
        found["long_s"] = sorted_ms(service.port, [questions(long, 0)])[0] / 1000
        found["long_processor_s"] = service.processor_s() - before
        found["memory_MB"] = service.memory_MB()
    with empty_registry() as uri, running_service(service_of(tree), tree=tree, environment=uri) as service:
        answered_per_s(service.port, 2, seconds, lambda i: questions(ROWS, 7919 * i))
        found["memory_with_registry_MB"] = service.memory_MB()
    return found


def lists_of(service: Service, seconds: float) -> Figures:
    """Measure lists of 64 from two clients, as one worker answers two at a time."""
    before = service.processor_s()
    rate, answered = answered_per_s(service.port, 2, seconds, lambda i: questions(ROWS, 7919 * i))
    per_row = (service.processor_s() - before) / (ROWS * len(answered))
    return {"list_rows_per_s": rate * ROWS, "list_rows_per_processor_s": 1 / per_row}


def measure_trivial(quick: bool) -> Figures:
    """Measure what a service can do at all here and now."""
    seconds = 1.0 if quick else 6.0
    with running_service(TRIVIAL) as service:
        sorted_ms(service.port, [trivial(i) for i in range(20)])
        alone = sorted_ms(service.port, [trivial(i) for i in range(int(60 * seconds))])
        rate, _ = answered_per_s(service.port, 8, seconds, trivial)
    return {"trivial_p50_ms": quantile(alone, 0.5), "trivial_8_clients_per_s": rate}


@contextmanager
def empty_registry() -> Iterator[dict[str, str]]:
    """Run MLflow's server on a free port until the block ends; yields the variable that names it."""
    from ports import HOST, free_port
    from running import answers_200

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        own = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        place = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--host", HOST, "--port", str(port)]
        command = [sys.executable, "-m", "mlflow", "server", *place, "--workers", "1"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, cwd=folder, env=os.environ | own, start_new_session=True, **quiet)
        try:
            deadline = time.perf_counter() + 120.0
            while not answers_200(port, "/health"):
                if server.poll() is not None or time.perf_counter() > deadline:
                    raise RuntimeError("MLflow's server did not become ready")
                time.sleep(0.2)
            yield {"MLFLOW_TRACKING_URI": f"http://{HOST}:{port}"}
        finally:
            os.killpg(server.pid, 15)
            server.wait()


def measure_screening(tree: Path, quick: bool) -> Figures:
    """Screen from Parquet to Parquet by two processes, with this processor's kernels and with older ones."""
    rows = 4_000 if quick else 40_000
    found: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_candidates(work / "in", rows, np.random.default_rng(7))
        for kernels, variables in (("", {}), ("_older_kernels", OLDER_KERNELS)):
            to = ["--input", str(work / "in"), "--output", str(work / f"out{kernels}"), "--processes", "2"]
            wall, processor = run(tree, ["screen", *to, *(f"--property={name}" for name in PROPERTIES)], variables)
            found[f"screened_per_s{kernels}"] = rows / wall
            found[f"screened_per_processor_s{kernels}"] = rows / processor
            steady = steady_rate(work / f"out{kernels}")
            found |= {f"screened_steadily_per_s{kernels}": steady} if np.isfinite(steady) else {}
    return found


def measure_command(tree: Path, quick: bool) -> Figures:
    """Time `elyte predict Li6PS5Cl`; the first run of a commit, which compiles, does not count."""
    runs = [run(tree, ["predict", "Li6PS5Cl"]) for _ in range(2 if quick else 6)][1:]
    wall, processor = (statistics.median(column) for column in zip(*runs, strict=True))
    return {"predict_s": wall, "predict_processor_s": processor}


def run(
    tree: Path, arguments: list[str], variables: Mapping[str, str] | None = None, code: str = COMMAND
) -> tuple[float, float]:
    """Run a command of a checkout and return its seconds by the clock and those of the processors."""
    environment = os.environ | {"PYTHONPATH": str(tree), "ELYTE_MODELS": "shipped"} | dict(variables or {})
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in (0, 1):  # 1: some row cannot be answered
        raise RuntimeError(f"{[*arguments, code][0]} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out into a temporary folder, and forget it afterwards."""
    with tempfile.TemporaryDirectory(prefix="elyte-against-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def differing_pins(other: str, this: str) -> list[str]:
    """Return the pins of another commit that this one has not: what its figures owe to other packages."""
    have = set(this.splitlines())
    return [line for line in other.splitlines() if line and not line.startswith("#") and line not in have]


def in_turn(trees: Mapping[str, Path], measure: Measure, rounds: int, quick: bool) -> dict[str, list[Figures]]:
    """Measure the checkouts one after the other, again and again."""
    found: dict[str, list[Figures]] = {name: [] for name in trees}
    for number in range(rounds):
        for name, tree in trees.items():
            found[name].append(measure(tree, quick))
            say(f"round {number + 1}, {name}: {rounded(found[name][-1])}")
    return found


def of_this_to_other(found: Mapping[str, list[Figures]]) -> Figures:
    """Return the median over rounds of each figure of this tree over the other's."""
    names = found[THIS][0].keys() & found[OTHER][0].keys()
    rounds = list(zip(found[THIS], found[OTHER], strict=True))
    return {f"{n}_ratio": statistics.median(mine[n] / theirs[n] for mine, theirs in rounds) for n in sorted(names)}


def over_trivial(found: list[Figures], trivials: list[Figures]) -> Figures:
    """Return what a service does in units of what the trivial endpoint did in the same round."""
    of = {
        "list_rows_over_trivial": ("list_rows_per_s", "trivial_8_clients_per_s"),
        "single_p50_over_trivial": ("single_p50_ms", "trivial_p50_ms"),
        "throughput_over_trivial": ("single_8_clients_per_s", "trivial_8_clients_per_s"),
    }
    pairs = list(zip(found, trivials, strict=True))
    return {name: statistics.median(own[a] / ground[b] for own, ground in pairs) for name, (a, b) in of.items()}


def medians(found: list[Figures]) -> Figures:
    """Return the median of each figure."""
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def rounded(figures: Figures) -> Figures:
    """Return figures as they are printed, with four digits."""
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


MEASURES: dict[str, Measure] = {"rest": measure_rest, "screening": measure_screening, "command": measure_command}


def compare(trees: Mapping[str, Path], what: str, rounds: int, quick: bool) -> dict[str, Figures]:
    """Measure one thing in turn and return ratios, and what was found of each."""
    trivials: list[Figures] = []

    def measure(tree: Path, quick: bool) -> Figures:
        if what == "rest" and len(trivials) % len(trees) == 0:
            trivials.append(measure_trivial(quick))
        elif what == "rest":
            trivials.append(trivials[-1])
        return MEASURES[what](tree, quick)

    found = in_turn(trees, measure, rounds, quick)
    result = {"ratios": rounded(of_this_to_other(found))} | {name: rounded(medians(found[name])) for name in trees}
    if what == "rest":
        of_round = trivials[:: len(trees)]
        result["trivial"] = rounded(medians(of_round))
        for name in trees:
            result[name] |= rounded(over_trivial(found[name], of_round))
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--what", choices=sorted(MEASURES), action="append", help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short round, a smoke test: its figures mean little")
    asked = parser.parse_args()
    rounds = 1 if asked.quick else asked.rounds
    with checked_out(asked.commit) as tree:
        trees = {OTHER: tree, THIS: ROOT}
        pins = differing_pins(*((place / "constraints.txt").read_text() for place in trees.values()))
        if pins:
            say(f"the commit pins other packages, these here answer: {', '.join(pins)}")
        for place in trees.values():
            run(place, [], code=WARM)
        found = {what: compare(trees, what, rounds, asked.quick) for what in asked.what or MEASURES}
    head = {"benchmark": "against", "commit": asked.commit, "rounds": rounds, "quick": asked.quick}
    machine = {"cores": os.cpu_count(), "other_pins": pins, "load_average": round(os.getloadavg()[0], 1)}
    print(json.dumps(head | machine | found))


if __name__ == "__main__":
    main()
