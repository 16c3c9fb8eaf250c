"""The threads in which answers are computed, and how long anybody waits for one.

Health checks are answered meanwhile, and a list of 10,000 candidates does not stand before single ones.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.answers.refusals import RequestError
from serving.rest.batching import Batcher

# A body of this size holds about 500 formulas or a dozen CIFs.
SHORT_BODY_BYTES = 32 * 1024

GIVE_BACK_SECONDS = 1.0

T = TypeVar("T")


class Lanes:
    """One lane for small requests, which go together; as many as there are cores for short lists; one for long ones.

    What waits for the ledger has a lane of its own. Threads are started with their first work.

    Parameters
    ----------
    answer_seconds
        Longest time from the complete body to the answer.
    """

    def __init__(self, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self.batcher = Batcher(ThreadPoolExecutor(1, "predict-together"), 1)
        self._short = ThreadPoolExecutor(os.cpu_count(), "predict-short")
        self._long = ThreadPoolExecutor(1, "predict-long")
        self._ledger = ThreadPoolExecutor(1, "ledger")

    async def run(self, work: Callable[[], T], *, short: bool) -> T:
        """Run work that takes the processor; raises as `in_time`.

        Parameters
        ----------
        work
            What is to be done.
        short
            Which lane to take.
        """
        loop = asyncio.get_running_loop()
        if short:
            return await self.in_time(loop.run_in_executor(self._short, work))
        try:
            return await self.in_time(loop.run_in_executor(self._long, work))
        finally:  # once the answer was sent
            loop.call_later(GIVE_BACK_SECONDS, self._long.submit, _give_back_memory)

    async def write(self, work: Callable[[], T]) -> T:
        """Run work that waits for a database, one after the other, in nobody else's way; raises as `in_time`."""
        return await self.in_time(asyncio.get_running_loop().run_in_executor(self._ledger, work))

    async def in_time(self, answer: Awaitable[T]) -> T:
        """Wait for an answer.

        Raises
        ------
        RequestError
            504, when it is not there in time. Work that waits is dropped then; work that runs goes on, unread.
        """
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await answer
        except TimeoutError:
            message = f"no answer within {self.answer_seconds:g} s; send fewer candidates, or the same ones later"
            raise RequestError(504, "timeout", message) from None


def _give_back_memory() -> None:
    """Return what long lists took to the system; glibc by itself gives back only what lies at the end of its heap."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
