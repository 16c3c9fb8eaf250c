"""Compiled loops give what the plain function gives, wherever their machine code can or cannot be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.compiling import compiled

ROOT = Path(__file__).parents[2]


def add_scaled(table: NDArray[np.float64], factor: NDArray[np.int32], total: NDArray[np.float64]) -> None:
    for row in range(len(table)):
        for column in range(table.shape[1]):
            total[row] += table[row, column] * factor[column]


def test_it_computes_what_the_plain_function_does_and_reads_read_only_arrays() -> None:
    fast = compiled(add_scaled, ((np.float64, 2), (np.int32, 1)), (np.float64, 1))
    table, factor = np.arange(6.0).reshape(2, 3), np.array([1, 0, 2], dtype=np.int32)
    table.flags.writeable = False
    slow_total, fast_total = np.ones(2), np.ones(2)
    add_scaled(table, factor, slow_total)
    fast(table, factor, fast_total)
    np.testing.assert_array_equal(fast_total, slow_total)
    assert compiled(add_scaled, ((np.float64, 2), (np.int32, 1)), (np.float64, 1)) is fast


def test_another_kind_of_number_is_refused_instead_of_compiled_again() -> None:
    fast = compiled(add_scaled, ((np.float64, 2), (np.int32, 1)), (np.float64, 1))
    with pytest.raises(TypeError):
        fast(np.ones((2, 3), dtype=np.float32), np.ones(3, dtype=np.int32), np.ones(2))


def test_a_place_where_nothing_can_be_kept_costs_time_only(tmp_path: Path) -> None:
    """As in a container whose packages and home are read-only; root may write anywhere, so the places are files."""
    for name in ("features", "training"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "features" / "__pycache__").write_text("not a folder")
    (tmp_path / "home").write_text("not a folder")
    code = (
        "import numpy as np; import features.similarity as s; s._WORTH_COMPILING = 0;"
        "a = np.eye(3); assert (s.half_l1(a, a) == 1 - a).all(); print(s.__file__)"
    )
    home = {name: str(tmp_path / "home") for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    environment = os.environ | home | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith(str(tmp_path))
