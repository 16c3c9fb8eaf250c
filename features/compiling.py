"""Loops over arrays as machine code, where numpy would pass over memory too often."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property, update_wrapper
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., object])
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
    from numba import from_dtype, types

    def array(kind: ArrayType, *, read_only: bool) -> types.Array:
        return types.Array(from_dtype(np.dtype(kind[0])), kind[1], "C", readonly=read_only)

    signature = types.void(*(array(kind, read_only=True) for kind in inputs), array(output, read_only=False))
    return _njit(function, signature, reorders_sums=reorders_sums)


class LoopKernel:
    """A function of plain loops, compiled when it is first called, for whatever it is called with.

    What it has besides is that of numba's dispatcher. Among few questions it may be interpreted; see `interpreting`.

    Parameters
    ----------
    function
        At the top of a module, so that the machine code can be kept; it may call other kernels.
    reorders_sums
        As for `compiled`. Such a function is never interpreted: its last digits would be others.
    """

    def __init__(self, function: Callable[..., object], *, reorders_sums: bool) -> None:
        self.function = function
        self._reorders_sums = reorders_sums
        update_wrapper(self, function)

    @cached_property
    def dispatcher(self) -> Any:  # noqa: ANN401
        """What numba makes of it; imports numba."""
        _let_kernels_call_each_other()
        return _njit(self.function, reorders_sums=self._reorders_sums)

    def __call__(self, *arguments: object) -> object:
        """Call the machine code, or interpret the loops."""
        if _modes and not self._reorders_sums and not compiler_is_loaded():
            with np.errstate(over="ignore"):  # hashes wrap around, in silence where they are compiled
                return self.function(*arguments)
        return self.dispatcher(*arguments)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)


_modes: list[str] = []


@contextmanager
def interpreting() -> Iterator[None]:
    """Interpret kernels meanwhile, unless numba is there already: for a process that answers a question and ends.

    A few compounds take some hundredths of a second so, with the same answers; numba takes half a second before it
    runs the first loop.
    """
    _modes.append("interpreting")
    try:
        yield
    finally:
        _modes.pop()


@cache
def _let_kernels_call_each_other() -> None:
    """Tell numba that a kernel among a function's globals is what numba made of it."""
    from numba import types
    from numba.extending import typeof_impl

    @typeof_impl.register(LoopKernel)
    def _(value: LoopKernel, context: object) -> types.Dispatcher:
        return types.Dispatcher(value.dispatcher)


def kernel(function: Function) -> Function:
    """Compile a function of plain loops on first use, for whatever it is called with; a decorator."""
    return cast("Function", LoopKernel(function, reorders_sums=False))


def summing_kernel(function: Function) -> Function:
    """Compile as `kernel` does, for single precision: sums may be taken in another order, which is faster."""
    return cast("Function", LoopKernel(function, reorders_sums=True))


def _njit(function: Function, *signature: object, reorders_sums: bool = False) -> Function:
    """Compile without the interpreter's lock; keep the machine code where a folder for it can be written."""
    import numba

    njit: Any = numba.njit  # its overloads know no tuple of further arguments
    options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz"} if reorders_sums else False}
    try:
        return cast("Function", njit(*signature, cache=True, **options)(function))
    except RuntimeError:  # no folder to keep it in can be written
        return cast("Function", njit(*signature, **options)(function))
