"""The threads in which answers are computed, and how long anybody waits for one.

Health checks are answered meanwhile, and a list of 10,000 candidates does not stand before single ones.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.batching import Batcher
from serving.request_body import RequestError

# A body of this size holds about 500 formulas or a dozen CIFs.
SHORT_BODY_BYTES = 32 * 1024

T = TypeVar("T")


class Lanes:
    """One lane for small requests, which go together; as many as there are cores for short lists; one for long ones.

    Threads are started with their first work.

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

    async def run(self, work: Callable[[], T], *, short: bool) -> T:
        """Run work that takes the processor; raises as `in_time`.

        Parameters
        ----------
        work
            What is to be done.
        short
            Which lane to take.
        """
        lane = self._short if short else self._long
        return await self.in_time(asyncio.get_running_loop().run_in_executor(lane, work))

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
