"""Small requests that wait at the same time are answered in one pass, each as if it were alone.

A pass over one candidate costs nearly as much as one over ten. While a pass runs, requests gather; the next pass takes
them together. A request that finds nobody else asking goes at once. After a pass of several, callers that ask one
question after another are about to be back: the next pass waits two milliseconds for them, or else callers would split
into two halves that wait for each other. Rows fail by themselves, so a bad one touches no stranger; should a whole pass
fail, each of its requests is answered alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from serving.answers.judging import said_of_rows
from serving.answers.request import CandidateInput, PredictRequest
from serving.answers.rows import Results

if TYPE_CHECKING:
    from serving.predictor import Predictor

MOST_ROWS_TOGETHER = 128
MOST_ROWS_OF_ONE = 32
"""Longer lists fill a pass by themselves."""

LINGER_SECONDS = 0.002


def is_small(request: PredictRequest) -> bool:
    """Whether a request gains from company."""
    return len(request.candidates) <= MOST_ROWS_OF_ONE and not request.explain


@dataclass(frozen=True, eq=False)
class _Waiting:
    """One request: who is to answer it, what writes its answer (in the worker thread), and who waits for that."""

    predictor: Predictor
    request: PredictRequest
    write: Callable[[Results], Any]
    answer: asyncio.Future[Any]

    def kind(self) -> Hashable:
        """Return what requests must share to be answered together."""
        asked = self.request
        return id(self.predictor), tuple(asked.properties or ()), asked.coverage, asked.explain


class Batcher:
    """Gathers small requests into passes; lives on one event loop.

    Parameters
    ----------
    lane
        Where passes run.
    n_lanes
        How many run at one time.
    """

    def __init__(self, lane: Executor, n_lanes: int) -> None:
        self._lane = lane
        self._free = n_lanes
        self._waiting: deque[_Waiting] = deque()
        self._expected = 0
        self._linger: asyncio.TimerHandle | None = None

    async def answer(self, predictor: Predictor, request: PredictRequest, write: Callable[[Results], Any]) -> Any:  # noqa: ANN401
        """Answer a request, with others where there are some.

        Parameters
        ----------
        predictor
            What answers.
        request
            The request.
        write
            From the answer's document to what is returned; called in the worker thread.
        """
        waiting = _Waiting(predictor, request, write, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._linger is None or len(self._waiting) >= self._expected:
            self._start()
        return await waiting.answer

    def _start(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        while self._free and self._waiting:
            together = self._take()
            if together:
                self._free -= 1
                task = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(self._lane, _pass, together))
                task.add_done_callback(lambda done, together=together: self._end(together, done))

    def _take(self) -> list[_Waiting]:
        """Take the longest waiting request and those that can go with it; given up ones are dropped."""
        together: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        rows = 0
        for one in self._waiting:
            if one.answer.done():
                continue
            size = len(one.request.candidates)
            if not together or (one.kind() == together[0].kind() and rows + size <= MOST_ROWS_TOGETHER):
                together.append(one)
                rows += size
            else:
                left.append(one)
        self._waiting = left
        return together

    def _end(self, together: Sequence[_Waiting], done: asyncio.Future[list[Any]]) -> None:
        self._free += 1
        for one, outcome in zip(together, done.result(), strict=True):
            if one.answer.done():
                continue
            if isinstance(outcome, Exception):
                one.answer.set_exception(outcome)
            else:
                one.answer.set_result(outcome)
        self._expected = len(together) + len(self._waiting)
        if self._expected == 1 or len(self._waiting) >= MOST_ROWS_TOGETHER:
            self._start()
        elif self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._start)


def _pass(together: Sequence[_Waiting]) -> list[Any]:
    """Return what each request gets: its written answer, or the exception that it alone raises."""
    try:
        documents = predict_together(together[0].predictor, [one.request for one in together])
        return [one.write(document) for one, document in zip(together, documents, strict=True)]
    except Exception as error:  # noqa: BLE001 - handed to the one whose it is, who raises it
        return [error] if len(together) == 1 else [outcome for one in together for outcome in _pass([one])]


def predict_together(predictor: Predictor, requests: Sequence[PredictRequest]) -> list[Results]:
    """Return the answers to requests of one kind, equal to `predictor.predict` of each.

    Parameters
    ----------
    predictor
        What answers.
    requests
        Requests with the same properties, coverage and wish for explanations.
    """
    if len(requests) == 1:
        return [predictor.predict(requests[0])]
    rows = [_stand_alone(row, request) for request in requests for row in request.candidates]
    first = requests[0]
    document = predictor.answer(rows, properties=first.properties, coverage=first.coverage, explain=first.explain)
    documents: list[Results] = []
    start = 0
    for request in requests:
        results = document["results"][start : start + len(request.candidates)]
        for place, row in enumerate(results):
            row["index"] = place
            if "error" in row:
                row["error"]["index"] = place
        models = {name: document["models"][name] for name in said_of_rows(results, document["models"])}
        documents.append({"models": models, "results": results})
        start += len(request.candidates)
    return documents


def _stand_alone(row: CandidateInput, request: PredictRequest) -> CandidateInput:
    """Return the row with what holds for its whole request."""
    if not request.conditions.model_fields_set:
        return row
    own: CandidateInput = row.model_copy(update={"conditions": row.conditions.over(request.conditions)})
    return own
