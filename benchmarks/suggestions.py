"""Next-measurement suggestions: how fast, and whether they teach more than chance does.

Prints one JSON line. `seconds_10000` and `cpu_seconds_10000`: five suggestions of 10,000 candidates by the shipped
model, loading aside. The proof is retrospective, on the conductivity table (`--mirror`): a Gaussian process that knows
a few papers may measure k of the other papers' materials, chosen by suggestion, by largest predictive sd, at random, or
at random with a new paper each time while there are any; then it predicts held-out papers, no material of which it was
allowed to choose. `gain_k` is the mean absolute error (decades) by random choice less that by suggestion, positive
where suggestions teach more, with a 95 % bootstrap interval over repeats (they share the table: the interval is about
the luck of the draw, not about other tables).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.properties.conductivity.gaussian_process import ArrheniusProcess, Hyperparameters
from training.properties.conductivity.joint_uncertainty import ProcessUncertainty
from training.properties.conductivity.kernels import COMPOSITION_KERNELS, TrainingMaterials
from training.properties.conductivity.process_fit import condition, fit_process
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows
from training.suggestions.greedy import choose

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

BUDGETS = (10, 20, 40)
START_PAPERS = 20
TEST_SHARE = 0.3
RANDOM_DRAWS = 4
REPEATS, QUICK_REPEATS = 20, 2
ROOM_C = (15.0, 35.0)


def say(text: str) -> None:
    """Write progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def candidates(n: int, seed: int = 0) -> list[str]:
    """Return n formulas of four families."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.02, 0.98, (2, n))
    families = (
        "Li{0:.4f}PS{1:.4f}Cl{2:.4f}",
        "Li{3:.4f}La3Zr{4:.4f}Ta{5:.4f}O12",
        "Li{6:.4f}Y{7:.4f}Zr{8:.4f}Cl6",
        "Li{9:.4f}Ge{7:.4f}Sn{8:.4f}P2S12",
    )
    cells = (5 + a, 4 + b, 0.5 + a, 6 + a, 1 + b, 1 - b, 2 + a, b, 1 - b, 9 + a)
    return [families[i % 4].format(*(column[i] for column in cells)) for i in range(n)]


def speed(n: int) -> dict[str, float]:
    """Time five suggestions of n candidates."""
    from features.candidate import Candidate
    from serving.models.store import load_models
    from serving.suggestions.answer import SuggestOptions, suggest

    models = load_models("shipped", ["conductivity"])
    rows = [Candidate.from_formula(formula) for formula in candidates(n)]
    suggest(models, rows[:300], SuggestOptions())
    started, busy = time.perf_counter(), time.process_time()
    found = suggest(models, rows, SuggestOptions())
    assert len(found["suggestions"]) == 5
    return {
        f"seconds_{n}": round(time.perf_counter() - started, 2),
        f"cpu_seconds_{n}": round(time.process_time() - busy, 2),
    }


def learn(rows: ConductivityRows, hyper: Hyperparameters | None) -> ArrheniusProcess:
    """Return the process of some rows; without hyperparameters they are fitted."""
    distinct, material = rows.descriptors.distinct(with_lattice=False)
    materials, observed = TrainingMaterials.of(distinct), rows.observations().of_materials(material)
    if hyper is None:
        return fit_process(materials, observed, COMPOSITION_KERNELS)
    return condition(materials, observed, hyper)


def error(process: ArrheniusProcess, test: ConductivityRows) -> float:
    """Return the mean absolute error in decades; below a bound there is none."""
    miss = process.predict(test.descriptors).log10_sigma - test.log10_sigma
    return float(np.where(test.is_upper_bound, np.maximum(miss, 0.0), np.abs(miss)).mean())


def split(rows: ConductivityRows, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
    """Return rows to start from, one row of every other material that may be measured, and rows held out."""
    papers = rng.permutation(np.unique(rows.paper))
    n_test = int(TEST_SHARE * len(papers))
    at_room = (rows.temperature_C >= ROOM_C[0]) & (rows.temperature_C <= ROOM_C[1])
    test = np.flatnonzero(np.isin(rows.paper, papers[:n_test]) & at_room)
    start = np.flatnonzero(np.isin(rows.paper, papers[n_test : n_test + START_PAPERS]))
    rest = np.flatnonzero(np.isin(rows.paper, papers[n_test + START_PAPERS :]) & at_room)
    composition = rows.descriptors.composition
    start = start[_apart(composition, start, test)]
    rest = rest[_apart(composition, rest, test)]
    rest = rest[_apart(composition, rest, start)]
    _, first = np.unique(composition[rest].round(4), axis=0, return_index=True)
    return start, rest[np.sort(first)], test


def _apart(composition: Array, rows: Rows, others: Rows) -> NDArray[np.bool_]:
    apart: NDArray[np.bool_] = half_l1(composition[rows], composition[others]).min(axis=1) >= SAME_MATERIAL_DISTANCE
    return apart


def one_repeat(rows: ConductivityRows, seed: int) -> dict[str, float]:
    """Return the errors of one start: as it is, and after k measurements chosen in three ways."""
    rng = np.random.default_rng(seed)
    start, pool, test_rows = split(rows, rng)
    test = rows.take(test_rows)
    process = learn(rows.take(start), None)
    about = ProcessUncertainty(process, rows.descriptors.take(pool))
    everything = np.arange(len(pool))
    picks = choose(about, max(BUDGETS), allowed=np.ones(len(pool), dtype=bool), reference=everything)
    suggested = np.array([pick.point for pick in picks])
    uncertain = np.argsort(-about.variance())
    draws = [rng.permutation(len(pool)) for _ in range(RANDOM_DRAWS)]
    spread = [draw[np.argsort(_turn(rows.paper[pool[draw]]), kind="stable")] for draw in draws]
    found = {"start": error(process, test), "all": error(learn(rows.take(np.r_[start, pool]), process.hyper), test)}
    for k in BUDGETS:

        def after(chosen: Rows, k: int = k) -> float:
            return error(learn(rows.take(np.r_[start, pool[chosen[:k]]]), process.hyper), test)

        found[f"suggested_{k}"], found[f"largest_sd_{k}"] = after(suggested), after(uncertain)
        found[f"random_{k}"] = float(np.mean([after(draw) for draw in draws]))
        found[f"random_papers_{k}"] = float(np.mean([after(draw) for draw in spread]))
    return found


def _turn(papers: NDArray[np.str_]) -> Rows:
    """Return how many rows of the same paper stand before each."""
    seen: dict[str, int] = {}
    turns = []
    for paper in papers.tolist():
        turns.append(seen.get(paper, 0))
        seen[paper] = turns[-1] + 1
    return np.array(turns)


def interval(values: Array) -> list[float]:
    """Return mean, and 2.5 and 97.5 % points of the bootstrapped mean."""
    drawn = np.random.default_rng(0).integers(0, len(values), (4000, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), (2.5, 97.5))
    return [round(float(part), 4) for part in (values.mean(), low, high)]


def retrospective(rows: ConductivityRows, repeats: int) -> dict[str, Any]:
    """Repeat the choice from many starts."""
    found: list[dict[str, float]] = []
    for seed in range(repeats):
        found.append(one_repeat(rows, seed))
        say(f"repeat {seed + 1} of {repeats}")
    columns = {name: np.array([one[name] for one in found]) for name in found[0]}
    out: dict[str, Any] = {"repeats": repeats, "start_papers": START_PAPERS}
    out |= {f"mae_{name}": round(float(values.mean()), 4) for name, values in columns.items()}
    for k in BUDGETS:
        gain = columns[f"random_{k}"] - columns[f"suggested_{k}"]
        out[f"gain_{k}"] = interval(gain)
        out[f"share_of_repeats_better_{k}"] = round(float((gain > 0).mean()), 3)
        for other in ("random_papers", "largest_sd"):
            out[f"gain_over_{other}_{k}"] = interval(columns[f"{other}_{k}"] - columns[f"suggested_{k}"])
    return out


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats and candidates: to try the path")
    parser.add_argument("--repeats", type=int, default=None)
    parser.add_argument("--mirror", type=Path, default=None, help="folder with the public tables")
    arguments = parser.parse_args()
    if arguments.mirror is not None:
        os.environ["ELYTE_DATA_MIRROR"] = str(arguments.mirror)
    from training.properties.conductivity.table import load_literature, load_training_table
    from training.sources import MissingSourceError

    try:
        table, which = load_training_table(with_obelix_test=True), "all tables"
    except MissingSourceError:
        table, which = load_literature(), "embedded literature only"
    rows = ConductivityRows.from_table(table)
    rows = rows.take(rows.has_sigma)
    repeats = arguments.repeats or (QUICK_REPEATS if arguments.quick else REPEATS)
    out = {"benchmark": "suggestions", "table": which, **speed(1_000 if arguments.quick else 10_000)}
    print(json.dumps(out | retrospective(rows, repeats)))


if __name__ == "__main__":
    main()
