"""How long ranking takes once models have answered: probabilities of success, front and order of many candidates.

Prints one JSON line: seconds of the ranking (asked: 2 s for 10,000 candidates with probability of success and Pareto
front), of a batch of ten by each rule, and of the predictions before, as wall and processor time of the best of a few
runs. The candidates are random charge-balanced lithium compounds of one or two cations and anions. `--quick` ranks 500.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any

from features.candidate import Candidate
from serving.answers.conditions import Conditions
from serving.models.store import load_models
from serving.ranking.acquisition import Acquisition
from serving.ranking.batch import choose_batch
from serving.ranking.constraints import Constraints
from serving.ranking.core import rank
from serving.ranking.objectives import parse_objective
from serving.ranking.predictions import ObjectivePredictions
from serving.ranking.request import BatchRequest

ASKED_SECONDS = 2.0
OBJECTIVES = ("sigma>=1e-3@25", "hull<=0.05", "oxidation>=4", "minimise cost")
CATIONS = {
    "P": 5,
    "La": 3,
    "Zr": 4,
    "Ta": 5,
    "Y": 3,
    "In": 3,
    "Ge": 4,
    "Si": 4,
    "Al": 3,
    "Sn": 4,
    "Nb": 5,
    "B": 3,
    "Sc": 3,
    "Ga": 3,
    "Hf": 4,
    "Mg": 2,
}
ANIONS = {"S": 2, "O": 2, "Cl": 1, "F": 1, "Br": 1, "I": 1}


def formulas(count: int, seed: int = 1) -> list[str]:
    """Return random charge-balanced formulas."""
    chosen, out = random.Random(seed), []
    while len(out) < count:
        (x, y), (a, b) = chosen.sample(list(CATIONS), 2), chosen.sample(list(ANIONS), 2)
        share, first, second = chosen.randint(1, 9) / 10, chosen.randint(2, 12), chosen.randint(0, 4)
        lithium = first * ANIONS[a] + second * ANIONS[b] - share * CATIONS[x] - (1 - share) * CATIONS[y]
        if lithium >= 0.5:
            tail = f"{b}{second}" if second else ""
            out.append(f"Li{lithium:.2f}{x}{share:.1f}{y}{1 - share:.1f}{a}{first}{tail}")
    return out


def best_of(work: Callable[[], Any], runs: int = 3) -> tuple[dict[str, float], Any]:
    """Return the best wall and processor time of a few runs, and what the last returned."""
    wall, processor, result = [], [], None
    for _ in range(runs):
        began = time.perf_counter(), time.process_time()
        result = work()
        wall.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {"wall_s": round(min(wall), 3), "processor_s": round(min(processor), 3)}, result


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 candidates")
    parser.add_argument("--candidates", type=int, default=10_000)
    arguments = parser.parse_args()
    count = 500 if arguments.quick else arguments.candidates
    models = {name: served for name, served in load_models("shipped", None).items()}
    candidates = [Candidate.from_formula(formula) for formula in formulas(count)]
    objectives = [parse_objective(text) for text in OBJECTIVES]
    small = ObjectivePredictions.of_candidates(candidates[:20], [Conditions()] * 20, models)
    choose_batch(rank(small, objectives, Constraints()), small, objectives, BatchRequest(size=2))  # compiles

    predictions = ObjectivePredictions.of_candidates(candidates, [Conditions()] * count, models)
    predicted, _ = best_of(lambda: [predictions.of(objective) for objective in objectives], 1)
    ranked, ranking = best_of(lambda: rank(predictions, objectives, Constraints()))
    batches = {
        str(method): best_of(
            lambda method=method: choose_batch(  # type: ignore[misc]
                ranking, predictions, objectives, BatchRequest(size=10, method=method)
            ),
            1,
        )[0]
        for method in Acquisition
    }
    line = {
        "benchmark": "ranking",
        "candidates": count,
        "objectives": list(OBJECTIVES),
        "asked_wall_s": ASKED_SECONDS,
        "ranking": ranked,
        "predictions_before": predicted,
        "batch_of_10": batches,
        "ranked": len(ranking.rows),
        "on_front": int(ranking.on_front.sum()),
        "scenarios": len(ranking.samples),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
