"""The environment of a worker process: one thread of linear algebra, and memory that is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def worker_environment() -> dict[str, str]:
    """Return the variables that a worker must be born with; what the user has set stays."""
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    # memory that a pass gives back is wanted again by the next: keep it, or the kernel zeroes the same pages for ever
    wanted |= {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
    wanted |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "RAY_USAGE_STATS_ENABLED": "0"}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


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
