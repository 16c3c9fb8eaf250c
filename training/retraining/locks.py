"""One job at a time: a lock of the operating system, which the kernel releases when its holder dies."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from training.whole_files import write_whole


class JobRunningError(RuntimeError):
    """Another job holds the lock; the message says which."""


@contextmanager
def only_one(folder: Path, name: str, who: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock until the block ends or the process dies.

    Parameters
    ----------
    folder
        Where the lock file lies; on a network share only if that carries locks.
    name
        Of the lock.
    who
        Written beside it, for whoever finds it held.
    wait_seconds
        How long to wait for it.

    Raises
    ------
    JobRunningError
        If it is held by another, after waiting.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=wait_seconds, poll_interval=0.05)
    except Timeout:
        raise JobRunningError(f"{name}: {_holder(folder, name)} is at work; only one at a time may be") from None
    try:
        told = {"who": who, "pid": os.getpid(), "host": socket.gethostname(), "since": stamp()}
        write_whole(folder / f"{name}.holder.json", json.dumps(told).encode())
        yield
    finally:
        (folder / f"{name}.holder.json").unlink(missing_ok=True)
        lock.release()


def stamp() -> str:
    """Return the time now, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _holder(folder: Path, name: str) -> str:
    try:
        told = json.loads((folder / f"{name}.holder.json").read_bytes())
        return f"{told['who']} (process {told['pid']} on {told['host']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another job"
