"""A second process for the second core: it works beside the caller, and dies with it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
_LOOK_EVERY_S = 0.5


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
        self._ours, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(theirs, os.getpid(), work, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def result(self) -> Result:
        """Wait for the result.

        Raises
        ------
        BackgroundProcessError
            If the process failed or died.
        """
        try:
            succeeded, told = self._ours.recv()
        except EOFError:
            self._process.join()
            raise BackgroundProcessError(f"the second process died with exit code {self._process.exitcode}") from None
        self._process.join()
        if not succeeded:
            raise BackgroundProcessError(f"the second process failed:\n{told}")
        found: Result = told
        return found

    def stop(self) -> None:
        """End the process, whatever it is doing; nothing happens where it ended."""
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, parent: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    try:
        pipe.send((True, work(*arguments)))
    except Exception:
        pipe.send((False, traceback.format_exc()))
        raise


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)
