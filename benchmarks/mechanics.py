"""Time of mechanics for 10,000 formulas that no table holds, beside conductivity for the same ones in the same run.

Values, intervals and domain of all quantities, through the property's judgement with the shipped bundle; formulas
are read before. One thread; the processor time counts, the median of the rounds. Prints one JSON line.
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

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.answers.judging import query_of
from serving.models.store import ServedModel, load_models
from training.properties import registry
from training.properties.contract import Query

ASKED_s = 1.5
REFERENCE = "conductivity"
METALS = ("Y", "In", "Sc", "Zr", "Al", "La", "Ti", "Ge", "Ta", "Nb")
ANIONS = ("Cl", "Br", "S", "O", "F")


def formulas(count: int) -> list[str]:
    """Return different formulas of four to six elements."""
    rng = np.random.default_rng(5)
    out: dict[str, None] = {}
    while len(out) < count:
        first, second = rng.choice(METALS, 2, replace=False)
        anions = rng.choice(ANIONS, 2, replace=False)
        share, lithium, part = rng.integers(5, 95) / 100, rng.integers(100, 700) / 100, rng.integers(10, 90) / 10
        text = f"Li{lithium:g}{first}{share:g}{second}{1 - share:.2f}{anions[0]}{part:g}{anions[1]}{10 - part:.1f}"
        out[text] = None
    return list(out)


def seconds(name: str, models: dict[str, ServedModel], query: Query, rounds: int) -> float:
    """Return the median processor time of one property's judgement."""
    spent = []
    for _ in range(rounds + 1):
        asked = query.take(np.arange(len(query)))
        started = time.process_time()
        judged = registry.get(name).judge(models[name].model, asked)
        _ = judged.intervals, judged.in_domain
        spent.append(time.process_time() - started)
    return statistics.median(spent[1:])  # the first compiles


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the formulas, one round")
    parser.add_argument("--strict", action="store_true", help="exit 1 above the time that is asked for")
    given = parser.parse_args()
    count = 1_000 if given.quick else 10_000
    models = load_models("shipped", ["mechanics", REFERENCE])
    candidates = [Candidate.from_formula(formula) for formula in formulas(count)]
    query = query_of(candidates, [Conditions()] * count, 0.9)
    own, reference = (seconds(name, models, query, 1 if given.quick else 3) for name in ("mechanics", REFERENCE))
    result = {
        "benchmark": "mechanics",
        "formulas": count,
        "seconds": round(own, 3),
        "asked_s": ASKED_s,
        f"seconds_of_{REFERENCE}": round(reference, 3),
        "ratio": round(own / reference, 2),
    }
    print(json.dumps(result))
    return 1 if given.strict and own > ASKED_s * count / 10_000 else 0


if __name__ == "__main__":
    sys.exit(main())
