"""Loops over arrays as machine code, where numpy would pass over memory too often."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

import numpy as np

ArrayType = tuple[type[np.generic], int]
"""Kind of number and number of dimensions."""


def compiler_is_loaded() -> bool:
    """Whether numba's import was paid for already, as in every service that is warm."""
    return "numba" in sys.modules


def is_worth_compiling(size: int, threshold: int) -> bool:
    """Whether compiled loops are worth it: for so many elements, or for any number once the compiler is there."""
    return size >= threshold or compiler_is_loaded()


@cache
def compiled(
    function: Callable[..., None], inputs: tuple[ArrayType, ...], output: ArrayType, *, reorders_sums: bool = False
) -> Callable[..., None]:
    """Compile a function of plain loops with numba, once; it then runs without the interpreter's lock.

    Numba is imported only here and now: it takes 400 ms, and the first compilation of a function up to one
    second more. The machine code is kept beside the module or, where that cannot be written, in the user's cache.

    Parameters
    ----------
    function
        Reads its first arguments and writes into its last; at the top of a module, so that it can be kept.
    inputs, output
        What it reads (C order, may be read-only) and what it writes.
    reorders_sums
        Whether sums may be taken in another order, which uses the processor's vector units and changes the last digit.
    """
    from numba import from_dtype, njit, types

    def array(kind: ArrayType, *, read_only: bool) -> types.Array:
        return types.Array(from_dtype(np.dtype(kind[0])), kind[1], "C", readonly=read_only)

    signature = types.void(*(array(kind, read_only=True) for kind in inputs), array(output, read_only=False))
    fastmath = {"reassoc", "contract", "nsz"} if reorders_sums else False
    try:
        fast: Callable[..., None] = njit(signature, cache=True, nogil=True, fastmath=fastmath)(function)
    except RuntimeError:  # no folder to keep it in can be written
        fast = njit(signature, nogil=True, fastmath=fastmath)(function)
    return fast
