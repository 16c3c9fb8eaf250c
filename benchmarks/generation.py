"""Rate of candidate generation on one core: from patterns and parents to unique, charge-checked formulas.

Three tasks, each from text to a table with formulas, duplicates removed and charges checked: a pattern of three
variables and a choice, co-doping of a garnet, high-entropy halides on a grid. The processor time counts, the median
of the rounds. Where the models of this repository can be loaded, the same with known materials marked and the nearest
one named. Prints one JSON line; with --strict it exits 1 where a rate is below the required one.
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import statistics
import sys
import time

import numpy as np

from serving.generation.families import Limits
from serving.generation.known import KnownMaterials
from serving.generation.request import GenerationRequest, Mixture, generate
from serving.generation.variables import read_variable
from serving.models.store import ModelUnavailableError

REQUIRED_PER_S = 50_000


def tasks(quick: bool) -> dict[str, GenerationRequest]:
    """Return what is generated, a smaller share of it where it has to be quick."""
    step = 0.02 if quick else 0.015
    values = dict(read_variable(f"{name}=0:0.6:{step}") for name in "xya"[: 2 if quick else 3])
    pattern = (
        "Li{6-x-y}P{1}S{5-x-y}{Cl,Br}{1+x}{Br,I}{y}" if quick else "Li{6-x-y+a}P{1-a}{Si,Ge}{a}S{5-x-y}Cl{1+x}Br{y}"
    )
    steps = tuple(np.arange(1, 6 if quick else 11) * 0.025)
    return {
        "pattern": GenerationRequest((pattern,), values),
        "doping": GenerationRequest(parents=("Li7La3Zr2O12",), dope=True, limits=Limits(steps=steps, together=2)),
        "high_entropy": GenerationRequest(
            parents=("Li3YCl6",),
            mixture=Mixture(("Y", "In", "Sc", "Er", "Yb", "Zr", "Ho"), 4, 0.1 if quick else 0.03125),
        ),
    }


def measure(request: GenerationRequest, known: KnownMaterials | None, rounds: int) -> tuple[int, float]:
    """Return the number of candidates and the median processor time."""
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        candidates = generate(request, known=known)
        seconds.append(time.process_time() - started)
        if len(set(candidates.formula)) != len(candidates):
            raise RuntimeError("a formula was generated twice")
    return len(candidates), statistics.median(seconds)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer candidates, one round")
    parser.add_argument("--strict", action="store_true", help="exit 1 below the required rate")
    options = parser.parse_args()
    rounds = 1 if options.quick else 3
    generate(GenerationRequest(("Li{6-x}PS{5-x}Cl{1+x}",), {"x": np.array([0.1])}))  # tables are read
    try:
        known = KnownMaterials.of_served_models("shipped")
    except ModelUnavailableError:
        known = None
    result: dict[str, object] = {"benchmark": "generation", "cores": 1, "rounds": rounds}
    rates = []
    for name, request in tasks(options.quick).items():
        count, seconds = measure(request, None, rounds)
        rates.append(count / seconds)
        result |= {f"{name}_candidates": count, f"{name}_per_s": round(rates[-1])}
        if known is not None:
            measure(GenerationRequest(("Li{6-x}PS{5-x}Cl{1+x}",), {"x": np.linspace(0, 0.9, 10)}), known, 1)  # compiles
            marked, seconds = measure(request, known, rounds)
            result[f"{name}_marked_per_s"] = round(marked / seconds)
    result |= {"slowest_per_s": round(min(rates)), "required_per_s": REQUIRED_PER_S}
    print(json.dumps(result))
    return 1 if options.strict and min(rates) < REQUIRED_PER_S else 0


if __name__ == "__main__":
    sys.exit(main())
