"""The process that relaxes what is queued: `python -m serving.structures.worker FOLDER`, started when there is work.

It holds a lock, so that there is one a folder, loads a potential with the first job that wants it, and ends when there
was no work for a while, when it is told to, or when the service that started it is gone; a running job is queued again
then.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from serving.structures.jobs import JobQueue, QueuedJob, QueueLimits

if TYPE_CHECKING:
    from serving.structures.answer import StructureJudge

LOCK = "worker.lock"
IDLE_SECONDS = 120.0
POLL_SECONDS = 0.5
NICE = 5
_LOGGER = logging.getLogger("elyte")
_starting = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []


def ensure_worker(folder: Path) -> None:
    """Start a worker for a folder unless one runs."""
    with _starting:
        _children[:] = [child for child in _children if child.poll() is None]
        folder.mkdir(parents=True, exist_ok=True)
        lock = take_lock(folder)
        if lock is None or _children:
            return
        lock.close()
        command = [sys.executable, "-m", "serving.structures.worker", str(folder), str(os.getpid())]
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        with (folder / "worker.log").open("ab") as log:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **threads}
            )
        _children.append(started)


def take_lock(folder: Path) -> IO[bytes] | None:
    """Return the lock of a folder, held while the file is open; None where another process holds it."""
    handle = (folder / LOCK).open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


class StructureWorker:
    """Answers jobs until there are none.

    Parameters
    ----------
    queue
        Of which it is the only worker.
    limits
        Of atoms and seconds.
    parent
        Process that started it, None where it shall not end with it.
    """

    def __init__(self, queue: JobQueue, limits: QueueLimits, parent: int | None = None) -> None:
        self._queue, self._limits, self._parent = queue, limits, parent
        self._judges: dict[str, StructureJudge] = {}
        self._told_to_end = False

    def end(self, *_: object) -> None:
        """End after the current step; a handler of signals."""
        self._told_to_end = True

    @property
    def ending(self) -> bool:
        """Whether it was told to end, or its parent is gone."""
        return self._told_to_end or (self._parent is not None and os.getppid() != self._parent)

    def run(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """Work until nothing was queued for a while."""
        self._queue.recover()
        last = time.monotonic()
        while not self.ending and time.monotonic() - last < idle_seconds:
            job = self._queue.claim()
            if job is None:
                time.sleep(POLL_SECONDS)
                continue
            self.work(job)
            last = time.monotonic()

    def work(self, job: QueuedJob) -> None:
        """Answer one job."""
        import orjson

        from serving.structures.request import StructureRequest
        from training.structures.potentials import PotentialNotInstalledError
        from training.structures.relaxation import CancelledError, RelaxationLimits

        def each_step(step: int, force: float) -> bool:
            return not self.ending and self._queue.progress(job.id, step, force)

        try:
            request = StructureRequest.model_validate_json(job.request)
            judge = self._judge(str(request.potential))
            row = judge.judge(
                request,
                limits=RelaxationLimits(most_seconds=self._limits.seconds),
                most_atoms=self._limits.atoms,
                each_step=each_step,
            )
            answer = orjson.dumps(judge.document([row])).decode()
        except CancelledError:
            self._queue.give_back(job.id)  # of a job that was cancelled nothing is left to give back
        except PotentialNotInstalledError as error:
            self._queue.fail(job.id, "potential_not_installed", str(error))
        except Exception:
            _LOGGER.exception("structure_failed")
            self._queue.fail(job.id, "internal_error", "the relaxation failed; the log of the worker has the details")
        else:
            self._queue.finish(job.id, answer)

    def _judge(self, potential: str) -> StructureJudge:
        """Return what answers with the model that is served now; a potential is loaded once."""
        from serving.models.store import RegistryError
        from serving.structures.answer import StructureJudge

        known = self._judges.get(potential)
        try:
            self._judges[potential] = StructureJudge.load(potential, None if known is None else known.pair)
        except RegistryError:
            if known is None:
                raise
        return self._judges[potential]


def main(arguments: list[str]) -> None:
    """Work for a folder, unless another process does."""
    folder, parent = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else None
    lock = take_lock(folder)
    if lock is None:
        return
    with lock:
        os.nice(NICE)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        worker = StructureWorker(JobQueue(folder), QueueLimits.from_environment(), parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.end)
        worker.run()


if __name__ == "__main__":
    main(sys.argv[1:])
