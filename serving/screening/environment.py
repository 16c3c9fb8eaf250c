"""The environment of a worker process: one thread of linear algebra, the widest kernels that the processor has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_WIDE = frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"))


def worker_environment() -> dict[str, str]:
    """Return the variables that a worker must be born with; what the user has set stays.

    A virtual machine often hides the model of its processor, and OpenBLAS then takes kernels for an old one, half as
    fast as those for the vector units that are there.
    """
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    if _has_wide_vectors():
        wanted["OPENBLAS_CORETYPE"] = "SkylakeX"
    # memory that a pass gives back is wanted again by the next: keep it, or the kernel zeroes the same pages for ever
    wanted |= {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
    wanted |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "RAY_USAGE_STATS_ENABLED": "0"}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def _has_wide_vectors() -> bool:
    try:
        flags = next(line for line in _CPU_INFO.read_text(encoding="utf-8").splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return False
    return set(flags.split()) >= _WIDE


@contextmanager
def born_with(variables: dict[str, str]) -> Iterator[None]:
    """Give processes that start within the block these variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
