"""Kernels say the same interpreted and compiled, and find each other either way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from features.compiling import LoopKernel, kernel, summing_kernel


@kernel
def twice(value: float) -> float:
    """Return twice a value."""
    return 2.0 * value


@kernel
def sum_of_doubles(values: np.ndarray) -> float:
    """Return the sum of doubled values, one after another; calls another kernel."""
    total = 0.0
    for value in values:
        total += twice(value)
    return total


@summing_kernel
def single_sum(values: np.ndarray) -> np.float32:
    """Return a sum in single precision, in any order."""
    total = np.float32(0.0)
    for value in values:
        total += value
    return total


def test_a_kernel_is_what_numba_makes_of_it_and_calls_others() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    assert isinstance(sum_of_doubles, LoopKernel)
    assert sum_of_doubles.__name__ == "sum_of_doubles"
    assert sum_of_doubles.__doc__
    compiled = sum_of_doubles(values)
    assert len(sum_of_doubles.signatures) == 1
    assert compiled == sum_of_doubles.py_func(values)  # to the last bit: sums stay in order


ASK = """
import json, sys
from contextlib import nullcontext
from features.compiling import interpreting
from serving.predictor import Predictor
from serving.answers.request import CandidateInput
rows = [CandidateInput(formula=f) for f in ("Li6PS5Cl", "Li7La3Zr2O12", "LiTi2P3O12")]
with interpreting() if sys.argv[1] == "interpreted" else nullcontext():
    said = Predictor.load("shipped", ["stability", "ccd", "mechanics"]).answer(rows)
print(json.dumps([said, "numba" in sys.modules]))
"""


def test_few_known_compounds_are_answered_alike_without_the_compiler(tmp_path: Path) -> None:
    """Processes of their own: whether numba is loaded is a matter of the whole process.

    The compiled one is first: what checks the bundles, which loads numba, need not be done again (`machine_cache`).
    """
    own = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    said = {
        how: json.loads(
            subprocess.run([sys.executable, "-c", ASK, how], env=own, capture_output=True, text=True, check=True).stdout
        )
        for how in ("compiled", "interpreted")
    }
    assert said["interpreted"][0] == said["compiled"][0]
    assert [said["interpreted"][1], said["compiled"][1]] == [False, True]


def test_sums_in_single_precision_are_never_interpreted() -> None:
    code = (
        "import sys, numpy as np; from features.compiling import interpreting;"
        "from training.properties.stability.net_kernels import add_up\n"
        "x, out = np.ones((3, 4), np.float32), np.empty((1, 4), np.float32)\n"
        "with interpreting(): add_up(x, np.ones(3, np.float32), np.zeros(3, np.int64), out)\n"
        "assert 'numba' in sys.modules; print(out.tolist())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[[3.0, 3.0, 3.0, 3.0]]"
