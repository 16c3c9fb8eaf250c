"""Decorators of compiled functions: loops of the phase-equilibrium engine, and those around a net's matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


# Sums may be taken in another order, so that they use the processor's vector units.
_REORDERED = {"reassoc", "contract", "nsz"}


def kernel(function: F) -> F:
    """Compile a function of plain loops on first use; machine code is kept, the interpreter's lock let go.

    Where neither the package's folder nor the user's cache can be written, it is compiled anew in every process.
    """
    return _compiled(function)


def summing_kernel(function: F) -> F:
    """Compile as `kernel` does, for single precision: sums may be taken in another order, which is faster."""
    return _compiled(function, fastmath=_REORDERED)


def _compiled(function: F, *, fastmath: bool | set[str] = False) -> F:
    try:
        return cast("F", njit(cache=True, nogil=True, fastmath=fastmath)(function))
    except RuntimeError:  # numba: no locator available
        return cast("F", njit(nogil=True, fastmath=fastmath)(function))
