"""Rate of the Magpie features from formula strings, against matminer in the same run on one core.

Both sides start from text: elyte parses, lays out and featurizes the batch; matminer gets pymatgen's `Composition` and
is called without its data-frame wrapper, which would only slow it down. Rounds alternate between the two, the median
of the processor times counts, so that waiting for a shared machine does not. Prints one JSON line; exits 1 where the
numbers differ.
"""

from __future__ import annotations

import os

# before numpy is imported: neither side may use more than one thread
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import csv
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.composition import MagpieFeaturizer
from training import sources

ROOT = Path(__file__).parents[1]
COMMITTED_LIST = ROOT / "tests" / "features" / "diverse_formulas.txt"
REQUIRED_RATIO = 100.0
LARGEST_DIFFERENCE = 1e-9
CALLS_PER_ROUND = 5  # of elyte, whose single call is too short for a steady figure


def read_formulas() -> tuple[str, list[str]]:
    """Return the OBELiX compositions, or the committed list repeated to the same length where they are absent."""
    try:
        table = sources.locate("obelix_all")
    except sources.MissingSourceError:
        return COMMITTED_LIST.name, COMMITTED_LIST.read_text(encoding="utf-8").split() * 8
    with table.open(encoding="utf-8", newline="") as handle:
        return "obelix_all", [row["Reduced Composition"] for row in csv.DictReader(handle)]


def by_elyte(formulas: list[str]) -> NDArray[np.float64]:
    """Return the features as elyte computes them, parsing included."""
    return MagpieFeaturizer()(MaterialBatch.from_formulas(formulas))


def matminer_featurizer() -> Callable[[list[str]], NDArray[np.float64]]:
    """Return a function that computes the features with matminer, parsing included."""
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core.composition import Composition

    preset = ElementProperty.from_preset("magpie", impute_nan=True)
    return lambda formulas: np.array([preset.featurize(Composition(formula)) for formula in formulas])


def seconds(work: Callable[[list[str]], object], formulas: list[str]) -> float:
    """Return the processor time of one call, all threads of the process together."""
    started = time.process_time()
    work(formulas)
    return time.process_time() - started


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and matminer on fewer compositions")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    source, formulas = read_formulas()
    by_matminer = matminer_featurizer()
    # pymatgen takes no blanks at the ends and no adduct signs
    plain = ["".join(formula.split()).replace("*", "") for formula in formulas][: 100 if quick else None]
    difference = np.abs(by_elyte(plain) - by_matminer(plain)).max()
    by_elyte(formulas)  # both sides have read their tables and are warm now
    rounds = 3 if quick else 7
    elyte_s: list[float] = []
    matminer_s: list[float] = []
    for _ in range(rounds):
        elyte_s += [seconds(by_elyte, formulas) for _ in range(CALLS_PER_ROUND)]
        matminer_s.append(seconds(by_matminer, plain))
    elyte_rate = len(formulas) / statistics.median(elyte_s)
    matminer_rate = len(plain) / statistics.median(matminer_s)
    result = {
        "benchmark": "featurization",
        "source": source,
        "compositions": len(formulas),
        "rounds": rounds,
        "elyte_per_s": round(elyte_rate),
        "matminer_per_s": round(matminer_rate),
        "ratio": round(elyte_rate / matminer_rate, 1),
        "required_ratio": REQUIRED_RATIO,
        "max_abs_difference": float(difference),
    }
    print(json.dumps(result))
    return 0 if difference < LARGEST_DIFFERENCE else 1  # the ratio is for the reader: a busy machine is no error


if __name__ == "__main__":
    sys.exit(main())
