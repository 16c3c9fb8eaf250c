"""Freed memory is kept for the next array during long fits.

A fit makes and frees arrays of some ten megabytes thousands of times. By default glibc returns each to the system,
which clears its pages anew for the next: a third of the processor time of a fit of conductivity was spent on that.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of `mallopt` (malloc.h of glibc)."""
_SETTINGS = ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, (1 << 31) - 1), (_TOP_PAD, 64 << 20))


def keep_freed_memory() -> bool:
    """Ask the allocator of this process to keep what is freed; returns whether it can.

    Other C libraries than glibc are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl has none
        return False
    return all(mallopt(parameter, value) == 1 for parameter, value in _SETTINGS)
