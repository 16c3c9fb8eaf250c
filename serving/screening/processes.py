"""Workers on this machine: one process each, models loaded once; they end when their parent does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from serving.screening.environment import born_with, worker_environment
from serving.screening.plan import WorkUnit
from serving.screening.work import Job, UnitReport, Worker, WorkerError

_UNITS_WAITING = 2  # for each process, so that none waits for its next one
_LOOK_AFTER_PARENT_SECONDS = 0.5

_worker: Worker | None = None


def run_on_processes(job: Job, units: Iterable[WorkUnit], n_processes: int) -> Iterator[UnitReport]:
    """Yield a report for each unit, in the order in which they end.

    Raises
    ------
    WorkerError
        If a worker cannot start, or dies.
    """
    context = multiprocessing.get_context("spawn")
    with born_with(worker_environment()):
        pool = ProcessPoolExecutor(n_processes, context, _start, (job, os.getpid()))
        try:
            yield from _reports(pool, iter(units), _UNITS_WAITING * n_processes)
        except BrokenProcessPool as error:
            raise WorkerError("a worker died: out of memory, killed, or it could not load the models") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _reports(pool: ProcessPoolExecutor, units: Iterator[WorkUnit], most: int) -> Iterator[UnitReport]:
    running: set[Future[UnitReport]] = {pool.submit(_do, unit) for unit in islice(units, most)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            running |= {pool.submit(_do, unit) for unit in islice(units, 1)}
            yield future.result()


def _start(job: Job, parent: int) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _worker = Worker(job)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_AFTER_PARENT_SECONDS)
    os._exit(1)


def _do(unit: WorkUnit) -> UnitReport:
    assert _worker is not None, "the pool starts every process with `_start`"
    return _worker.do(unit)
