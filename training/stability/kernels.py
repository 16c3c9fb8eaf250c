"""The decorator of the compiled functions of the phase-equilibrium engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a function of plain loops on first use; machine code is kept, the interpreter's lock let go.

    Where neither the package's folder nor the user's cache can be written, it is compiled anew in every process.
    """
    try:
        return cast("F", njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba: no locator available
        return cast("F", njit(nogil=True)(function))
