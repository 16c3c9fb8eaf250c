"""The queue of structures: it keeps its limits, survives processes, and never holds half an answer."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from serving.environment import ConfigurationError
from serving.structures.jobs import (
    DATABASE,
    MOST_KEPT,
    JobQueue,
    JobState,
    QueuedJob,
    QueueFullError,
    QueueLimits,
    QueueUnavailableError,
)
from serving.structures.request import StructureRequest
from serving.structures.worker import StructureWorker, ensure_worker, take_lock

LI3OCL = (
    "data_x\n_cell_length_a 3.9\n_cell_length_b 3.9\n_cell_length_c 3.9\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
    "_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P m -3 m'\nloop_\n_atom_site_label\n_atom_site_fract_x\n"
    "_atom_site_fract_y\n_atom_site_fract_z\nCl1 0 0 0\nO1 0.5 0.5 0.5\nLi1 0.5 0.5 0\n"
)
REQUEST = StructureRequest(cif=LI3OCL)
LONGEST_START_SECONDS = 60.0


@pytest.fixture
def queue(tmp_path: Path) -> JobQueue:
    return JobQueue(tmp_path / "queue")


def submit(queue: JobQueue, name: str = "a", most: int = 16) -> QueuedJob:
    return queue.submit(REQUEST.model_dump_json(), name, most)


def test_a_job_goes_its_way(queue: JobQueue) -> None:
    job = submit(queue)
    assert (job.state, job.attempts, job.answer) == (JobState.QUEUED, 0, None)
    running = queue.claim()
    assert running is not None
    assert (running.id, running.state, running.attempts) == (job.id, JobState.RUNNING, 1)
    assert queue.claim() is None
    assert queue.progress(job.id, 7, 0.25)
    assert (after := queue.get(job.id)) is not None
    assert (after.step, after.force) == (7, 0.25)
    queue.finish(job.id, '{"x": 1}')
    done = queue.get(job.id)
    assert done is not None
    assert (done.state, done.answer) == (JobState.DONE, '{"x": 1}')
    assert done.finished is not None
    assert done.created <= done.finished


def test_the_same_question_is_asked_once(queue: JobQueue) -> None:
    first = submit(queue)
    assert submit(queue).id == first.id
    assert submit(queue, "b").id != first.id
    queue.cancel(first.id)
    assert submit(queue).id != first.id


def test_the_order_is_that_of_asking(queue: JobQueue) -> None:
    ids = [submit(queue, str(n)).id for n in range(5)]
    last = queue.get(ids[-1])
    assert last is not None
    assert queue.ahead_of(last) == 4
    assert [queue.claim().id for _ in ids] == ids  # type: ignore[union-attr]


def test_a_full_queue_refuses_and_forgets_nothing(queue: JobQueue) -> None:
    for n in range(3):
        submit(queue, str(n), most=3)
    with pytest.raises(QueueFullError, match="3 structures wait"):
        submit(queue, "one more", most=3)
    assert submit(queue, "0", most=3).state is JobState.QUEUED  # a known one needs no room
    job = queue.claim()
    assert job is not None
    queue.finish(job.id, "{}")
    assert submit(queue, "one more", most=3).state is JobState.QUEUED


def test_many_at_once_do_not_pass_the_limit(queue: JobQueue) -> None:
    refused: list[int] = []

    def ask(n: int) -> None:
        try:
            submit(queue, str(n), most=4)
        except QueueFullError:
            refused.append(n)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (queue.unfinished(), len(refused)) == (4, 8)


def test_cancelled_is_cancelled(queue: JobQueue) -> None:
    """Whatever the worker still does: no answer, no failure and no second try comes of it."""
    job = submit(queue)
    queue.claim()
    assert (cancelled := queue.cancel(job.id)) is not None
    assert cancelled.state is JobState.CANCELLED
    assert not queue.progress(job.id, 1, 1.0)
    queue.finish(job.id, "{}")
    queue.fail(job.id, "x", "y")
    queue.give_back(job.id)
    queue.recover()
    left = queue.get(job.id)
    assert left is not None
    assert (left.state, left.answer, left.code) == (JobState.CANCELLED, None, None)
    assert queue.cancel("0" * 24) is None


def test_what_a_dead_worker_left_is_tried_once_more(queue: JobQueue) -> None:
    job = submit(queue)
    for attempt in (1, 2):
        claimed = queue.claim()
        assert claimed is not None
        assert claimed.attempts == attempt
        queue.recover()
    failed = queue.get(job.id)
    assert failed is not None
    assert (failed.state, failed.code) == (JobState.FAILED, "worker_crashed")
    assert queue.claim() is None


def test_what_is_given_back_was_never_tried(queue: JobQueue) -> None:
    job = submit(queue)
    for _ in range(5):
        assert queue.claim() is not None
        queue.give_back(job.id)
    assert (left := queue.get(job.id)) is not None
    assert (left.state, left.attempts) == (JobState.QUEUED, 0)


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "none")
    assert queue.get("0" * 24) is None
    assert queue.unfinished() == 0
    assert not (tmp_path / "none").exists()


def test_old_answers_are_forgotten(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.structures.jobs.MOST_KEPT", 3)
    assert MOST_KEPT == 1000
    refused = [queue.refuse(str(n), "unparseable_cif", "no") for n in range(5)]
    submit(queue)
    assert [queue.get(job.id) is not None for job in refused] == [False, False, True, True, True]


def test_a_file_that_is_no_queue_is_said(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"this is no database" * 100)
    with pytest.raises(QueueUnavailableError, match="cannot be used"):
        submit(JobQueue(tmp_path))


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELYTE_STRUCTURES_QUEUE", "3")
    monkeypatch.setenv("ELYTE_STRUCTURES_ATOMS", "40")
    monkeypatch.setenv("ELYTE_STRUCTURES_SECONDS", "20")
    assert QueueLimits.from_environment() == QueueLimits(3, 40, 20.0)
    monkeypatch.setenv("ELYTE_STRUCTURES_ATOMS", "many")
    with pytest.raises(ConfigurationError, match="ELYTE_STRUCTURES_ATOMS"):
        QueueLimits.from_environment()


def state_of(queue: JobQueue, number: str) -> JobState:
    job = queue.get(number)
    assert job is not None
    return job.state


def wait_for(queue: JobQueue, number: str, *states: JobState) -> JobState:
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while (state := state_of(queue, number)) not in states:
        assert time.monotonic() < deadline, f"still {state}"
        time.sleep(0.05)
    return state


def worker_process(queue: JobQueue) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "serving.structures.worker", str(queue.folder)])


def test_a_killed_worker_leaves_no_half_answer(queue: JobQueue) -> None:
    """Killed while it loads, twice: the first time the job is tried again, then it has failed."""
    job = submit(queue)
    for expected in (JobState.QUEUED, JobState.FAILED):
        process = worker_process(queue)
        try:
            wait_for(queue, job.id, JobState.RUNNING)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert state_of(queue, job.id) is JobState.RUNNING  # as it was left
        lock = take_lock(queue.folder)
        assert lock is not None  # the dead hold none
        lock.close()
        queue.recover()
        assert state_of(queue, job.id) is expected
    left = queue.get(job.id)
    assert left is not None
    assert left.answer is None


def test_one_that_is_told_to_end_gives_its_job_back(queue: JobQueue) -> None:
    """While it loads the signal waits; before the first step it is heard."""
    job = submit(queue)
    worker = StructureWorker(queue, QueueLimits())
    claimed = queue.claim()
    assert claimed is not None
    worker.end()
    worker.work(claimed)
    left = queue.get(job.id)
    assert left is not None
    assert (left.state, left.attempts) == (JobState.QUEUED, 0)


def test_one_worker_a_folder(queue: JobQueue) -> None:
    queue.folder.mkdir(parents=True)
    lock = take_lock(queue.folder)
    assert lock is not None
    with lock:
        assert take_lock(queue.folder) is None
        second = worker_process(queue)
        assert second.wait(LONGEST_START_SECONDS) == 0
        ensure_worker(queue.folder)
        assert not (queue.folder / "worker.log").exists()  # none was started


def test_a_worker_ends_with_its_parent(queue: JobQueue) -> None:
    worker = StructureWorker(queue, QueueLimits(), parent=os.getppid() + 1)
    assert worker.ending
    assert not StructureWorker(queue, QueueLimits(), parent=os.getppid()).ending
    submit(queue)
    worker.run(idle_seconds=0.1)
    assert queue.unfinished() == 1


def test_nobody_else_may_read_the_structures(queue: JobQueue) -> None:
    submit(queue)
    with sqlite3.connect(queue.folder / DATABASE) as reader:
        reader.execute("SELECT count(*) FROM jobs").fetchone()  # while one reads, SQLite's own files are there
        submit(queue, "b")
        rights = {path.name: path.stat().st_mode & 0o777 for path in queue.folder.iterdir()}
    assert rights == dict.fromkeys((DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"), 0o600)


def test_answers_are_durable(queue: JobQueue) -> None:
    """Another process sees what was written as soon as the call returns."""
    job = submit(queue)
    with sqlite3.connect(queue.folder / DATABASE) as other:
        assert other.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone() == ("queued",)
