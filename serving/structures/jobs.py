"""The queue of structures to relax: one SQLite file, which any process of the service may open.

A job is queued, running, done, failed or cancelled. It stays on disk: a service that starts again goes on with it, and
one whose worker died is tried once more, then failed. An answer is written in one transaction with the state: there is
none that is half there.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from serving.environment import read_number, read_whole_number

FOLDER_VARIABLE = "ELYTE_STRUCTURES_DIR"
DATABASE = "jobs.sqlite"
LONGEST_WAIT_SECONDS = 5.0
MOST_ATTEMPTS = 2
KEPT_SECONDS = 30 * 86_400.0
MOST_KEPT = 1_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL,
    created REAL NOT NULL, started REAL, finished REAL, attempts INTEGER NOT NULL DEFAULT 0,
    step INTEGER, force REAL, answer TEXT, code TEXT, message TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created);
CREATE INDEX IF NOT EXISTS jobs_by_digest ON jobs (digest);
"""
_COLUMNS = "id, digest, state, request, created, started, finished, attempts, step, force, answer, code, message"


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


class QueueFullError(Exception):
    """As many jobs wait as may; try again later."""


class QueueUnavailableError(Exception):
    """The file cannot be read or written now."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What the service takes on.

    Parameters
    ----------
    waiting
        Most jobs that are queued or running.
    atoms
        Most atoms in the primitive cell.
    seconds
        Longest time for one relaxation; it ends as it is then.
    """

    waiting: int = 16
    atoms: int = 100
    seconds: float = 300.0

    @classmethod
    def from_environment(cls) -> QueueLimits:
        """Return what the environment names; raises `ConfigurationError` where it cannot be meant."""
        usual = cls()
        return cls(
            waiting=read_whole_number("ELYTE_STRUCTURES_QUEUE", usual.waiting, 1, 10_000),
            atoms=read_whole_number("ELYTE_STRUCTURES_ATOMS", usual.atoms, 2, 500),
            seconds=read_number("ELYTE_STRUCTURES_SECONDS", usual.seconds, 1.0, 86_400.0),
        )


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One job as it stands; times in seconds since the epoch, `answer` is JSON."""

    id: str
    digest: str
    state: JobState
    request: str
    created: float
    started: float | None
    finished: float | None
    attempts: int
    step: int | None
    force: float | None
    answer: str | None
    code: str | None
    message: str | None


def jobs_folder() -> Path:
    """Return the folder of the queue: `ELYTE_STRUCTURES_DIR`, else in the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("elyte", appauthor=False) / "structures"


class JobQueue:
    """The queue in a folder; safe to use from several threads and processes.

    Parameters
    ----------
    folder
        Made where it does not exist, with the first job.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def submit(self, request: str, digest: str, most_waiting: int) -> QueuedJob:
        """Queue a request, or return the job of the same one that was not cancelled and did not fail.

        Raises
        ------
        QueueFullError
            If `most_waiting` jobs wait.
        QueueUnavailableError
            If the file cannot be written.
        """
        with self._writing() as connection:
            alive = (JobState.QUEUED, JobState.RUNNING, JobState.DONE)
            known = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE digest = ? AND state IN (?, ?, ?) ORDER BY created DESC",
                (digest, *alive),
            ).fetchone()
            if known is not None:
                return _job(known)
            self._forget_old(connection)
            waiting = connection.execute(
                "SELECT count(*) FROM jobs WHERE state IN (?, ?)", (JobState.QUEUED, JobState.RUNNING)
            ).fetchone()[0]
            if waiting >= most_waiting:
                raise QueueFullError(f"{waiting} structures wait, as many as may; try again later")
            number = secrets.token_hex(12)
            connection.execute(
                "INSERT INTO jobs (id, digest, state, request, created) VALUES (?, ?, ?, ?, ?)",
                (number, digest, JobState.QUEUED, request, time.time()),
            )
            return self._one(connection, number)

    def refuse(self, digest: str, code: str, message: str) -> QueuedJob:
        """Note a request that cannot be done; the job has failed from the start, and keeps nothing of it."""
        with self._writing() as connection:
            self._forget_old(connection)
            number, now = secrets.token_hex(12), time.time()
            connection.execute(
                "INSERT INTO jobs (id, digest, state, request, created, finished, code, message)"
                " VALUES (?, ?, ?, '', ?, ?, ?, ?)",
                (number, digest, JobState.FAILED, now, now, code, message),
            )
            return self._one(connection, number)

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM jobs WHERE finished < ? OR id IN (SELECT id FROM jobs WHERE finished IS NOT NULL"
            " ORDER BY finished DESC LIMIT -1 OFFSET ?)",
            (time.time() - KEPT_SECONDS, MOST_KEPT),
        )

    def get(self, number: str) -> QueuedJob | None:
        """Return a job, None where there is none."""
        if not (self.folder / DATABASE).exists():
            return None
        with self._writing(immediate=False) as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (number,)).fetchone()
            return None if row is None else _job(row)

    def ahead_of(self, job: QueuedJob) -> int:
        """Return how many jobs come before one that is queued."""
        with self._writing(immediate=False) as connection:
            found = connection.execute(
                "SELECT count(*) FROM jobs WHERE state = ? OR (state = ? AND created < ?)",
                (JobState.RUNNING, JobState.QUEUED, job.created),
            ).fetchone()
            return int(found[0])

    def cancel(self, number: str) -> QueuedJob | None:
        """Cancel a job that is not over; return it as it is then, None where there is none."""
        if not (self.folder / DATABASE).exists():
            return None
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ? WHERE id = ? AND state IN (?, ?)",
                (JobState.CANCELLED, time.time(), number, JobState.QUEUED, JobState.RUNNING),
            )
            row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (number,)).fetchone()
            return None if row is None else _job(row)

    def unfinished(self) -> int:
        """Return how many jobs are queued or running."""
        if not (self.folder / DATABASE).exists():
            return 0
        with self._writing(immediate=False) as connection:
            found = connection.execute(
                "SELECT count(*) FROM jobs WHERE state IN (?, ?)", (JobState.QUEUED, JobState.RUNNING)
            ).fetchone()
            return int(found[0])

    # ------------------------------------------------------------ what only the worker does, which is alone

    def recover(self) -> None:
        """Take up what a worker left that died: queue it once more, or fail it when that was tried."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ?, code = 'worker_crashed',"
                " message = 'the process that relaxed it ended twice before it was done'"
                " WHERE state = ? AND attempts >= ?",
                (JobState.FAILED, time.time(), JobState.RUNNING, MOST_ATTEMPTS),
            )
            connection.execute("UPDATE jobs SET state = ? WHERE state = ?", (JobState.QUEUED, JobState.RUNNING))

    def claim(self) -> QueuedJob | None:
        """Return the oldest queued job, which runs from now on; None where none is."""
        with self._writing() as connection:
            row = connection.execute(
                "SELECT id FROM jobs WHERE state = ? ORDER BY created, rowid LIMIT 1", (JobState.QUEUED,)
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = ?, started = ?, attempts = attempts + 1, step = NULL, force = NULL"
                " WHERE id = ?",
                (JobState.RUNNING, time.time(), row[0]),
            )
            return self._one(connection, row[0])

    def progress(self, number: str, step: int, force: float) -> bool:
        """Note how far a job is; return whether it is still wanted."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET step = ?, force = ? WHERE id = ? AND state = ?",
                (step, force, number, JobState.RUNNING),
            )
            return changed.rowcount == 1

    def give_back(self, number: str) -> None:
        """Queue a running job again, as if it had never been tried."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, attempts = attempts - 1 WHERE id = ? AND state = ?",
                (JobState.QUEUED, number, JobState.RUNNING),
            )

    def finish(self, number: str, answer: str) -> None:
        """Store the answer of a running job; one that was cancelled meanwhile stays so."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ?, answer = ? WHERE id = ? AND state = ?",
                (JobState.DONE, time.time(), answer, number, JobState.RUNNING),
            )

    def fail(self, number: str, code: str, message: str) -> None:
        """Say that a running job cannot be done."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ?, code = ?, message = ? WHERE id = ? AND state = ?",
                (JobState.FAILED, time.time(), code, message, number, JobState.RUNNING),
            )

    def _one(self, connection: sqlite3.Connection, number: str) -> QueuedJob:
        return _job(connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (number,)).fetchone())

    @contextmanager
    def _writing(self, *, immediate: bool = True) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which is undone where it raises."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / DATABASE).touch(mode=0o600)  # unpublished structures; SQLite's own files get the same rights
            with closing(
                sqlite3.connect(self.folder / DATABASE, LONGEST_WAIT_SECONDS, isolation_level=None)
            ) as connection:
                connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_SCHEMA}")
                connection.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError) as error:
            raise QueueUnavailableError(f"the queue of structures cannot be used now: {error}") from error


def _job(row: tuple[object, ...]) -> QueuedJob:
    values = list(row)
    values[2] = JobState(str(values[2]))
    return QueuedJob(*values)  # type: ignore[arg-type]
