"""A second process for the second core: it works beside the caller, and dies with it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from training.allocation import keep_freed_memory

Result = TypeVar("Result")


class BackgroundProcessError(RuntimeError):
    """The other process failed or died; the message holds its traceback."""


class BackgroundProcess(Generic[Result]):
    """One call of a function of a module in a fresh process.

    Parameters
    ----------
    work, arguments
        What is called; both must be picklable, and so must what it returns.
    """

    def __init__(self, work: Callable[..., Result], *arguments: Any) -> None:  # noqa: ANN401
        context = multiprocessing.get_context("spawn")
        theirs, self._alive = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, context, _end_with, (theirs,))
        self._future = self._pool.submit(work, *arguments)
        theirs.close()

    def result(self) -> Result:
        """Wait for the result.

        Raises
        ------
        BackgroundProcessError
            If the process failed or died.
        """
        try:
            return self._future.result()
        except BrokenProcessPool as error:
            raise BackgroundProcessError(f"the second process died: {error}") from error
        except Exception as error:
            told = "".join(traceback.format_exception(error))
            raise BackgroundProcessError(f"the second process failed:\n{told}") from error

    def stop(self) -> None:
        """End the process, whatever it is doing; nothing happens where it ended."""
        self._alive.close()
        self._pool.shutdown()


def _end_with(caller: Connection) -> None:
    """End this process as soon as the caller closes its end of a pipe, by will or by dying; it is for long fits."""
    keep_freed_memory()

    def wait() -> None:
        caller.poll(None)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
