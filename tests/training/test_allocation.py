"""Long fits keep freed memory: the system is asked for fewer pages."""

from __future__ import annotations

import subprocess
import sys

import pytest

MEASURE = """
import resource
import numpy as np
from training.allocation import keep_freed_memory
asked = {asked}
if asked:
    assert keep_freed_memory()
table = np.ones((1500, 1500))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    np.exp(-((table * table + 2.0 * table - 1.0) ** 2)).sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(*, asked: bool) -> int:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE.format(asked=asked)], capture_output=True, text=True, check=True, timeout=120
    )
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator of glibc")
def test_arrays_that_come_and_go_cost_no_more_pages_than_they_are_large() -> None:
    """40 rounds with temporary arrays of 18 MB: the process may fault in a few of them, not all anew each time."""
    kept, plain = _page_faults(asked=True), _page_faults(asked=False)
    assert kept <= max(plain, 40_000)
    assert kept < 40 * 1500 * 1500 * 8 / 4096
