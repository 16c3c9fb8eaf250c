"""Conductivity of polymer electrolytes: errors on the three splits beside plain baselines, times, and worst answers.

`--what splits` fits and scores the ten folds of each split; `--what times` the full fit and 1,000 new polymers;
`--what worst` lists the polymers that cost most on one split. Prints one JSON line.
"""

from __future__ import annotations

import os

# before numpy is imported: one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from training.properties.polymer.auxiliary import ChainMobility
from training.properties.polymer.evaluation import SPLITS, evaluate, splits
from training.properties.polymer.fit import Points, PolymerSettings, PolymerTables, fit_polymer, leave_out

N_NEW = 1_000
N_WORST = 20


def new_polymers(count: int) -> list[PolymerFields]:
    """Return polymers that no table holds: ethers, esters and carbonates with side chains."""
    rng = np.random.default_rng(5)
    links, sides = ("O", "OC(=O)", "OC(=O)O", "N(C)"), ("C", "OCCOC", "C#N", "C(=O)OC", "COCCOCCOC")
    found: dict[str, None] = {}
    while len(found) < count:
        link, side = links[rng.integers(len(links))], sides[rng.integers(len(sides))]
        first, second, third = rng.integers(1, 9, 3)
        found[f"*{link}{'C' * first}C({side}){'C' * second}{'OCC' * third}*"] = None
    return [PolymerFields(text, "LiTFSI", molality=1.0) for text in found]


def times(settings: PolymerSettings) -> dict[str, Any]:
    """Return processor seconds of the full fit and of 1,000 new polymers, and the size of the bundle's arrays."""
    tables = PolymerTables.read()
    started = time.process_time()
    model = fit_polymer(tables, settings).model
    fitted = time.process_time()
    spent = []
    for _ in range(2):
        before = time.process_time()
        batch = PolymerBatch.from_candidates([read_polymer(fields) for fields in new_polymers(N_NEW)])
        model.interval(model.predict(batch, np.full(N_NEW, 60.0)), 0.9)
        spent.append(time.process_time() - before)
    size = sum(array.nbytes for array in model.arrays().values())
    return {
        "fit_s": round(fitted - started, 1),
        "new_polymers": N_NEW,
        "new_polymers_s": round(spent[0], 2),
        "again_s": round(spent[1], 2),
        "arrays_MB": round(size / 1e6, 2),
    }


def worst(settings: PolymerSettings, split: str) -> dict[str, Any]:
    """Return the polymers that cost most on one split."""
    tables = PolymerTables.read()
    mobility = ChainMobility.fit(tables.glass, tables.simulated, settings.n_mobility_rounds)
    points = Points.of(tables.conductivities, mobility)
    left_out = leave_out(points, splits(points.table, settings)[split][0], settings, lambda what: None)
    error = left_out.log10_sigma - points.table.log10_sigma
    keys, total = points.table.batch.polymer_keys, np.nansum(np.abs(error))
    rows = []
    for key in np.unique(keys):
        of_key = error[(keys == key) & np.isfinite(error)]
        if len(of_key):
            share, bias = np.abs(of_key).sum() / total, of_key.mean()
            rows.append((round(float(share), 4), str(key), len(of_key), round(float(bias), 2)))
    named = ("share_of_error", "polymer", "n", "bias")
    return {"worst": [dict(zip(named, row, strict=True)) for row in sorted(rows, reverse=True)[:N_WORST]]}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("splits", "times", "worst"), default="splits")
    parser.add_argument("--split", choices=SPLITS, action="append", help="only this one; worst: new_polymer by default")
    parser.add_argument("--quick", action="store_true", help="small models and three folds")
    given = parser.parse_args()
    settings = PolymerSettings.quick() if given.quick else PolymerSettings()
    if given.what == "times":
        found = times(settings)
    elif given.what == "worst":
        found = worst(settings, (given.split or [SPLITS[1]])[0])
    else:
        names = tuple(given.split or SPLITS)
        found = evaluate(PolymerTables.read(), settings, lambda what: print(what, file=sys.stderr, flush=True), names)
    print(json.dumps({"benchmark": "polymer", "what": given.what, "quick": given.quick} | found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
