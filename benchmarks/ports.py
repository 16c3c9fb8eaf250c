"""A port for a server that is started for a test or a benchmark, and another one when somebody else takes it first."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

HOST = "127.0.0.1"
ATTEMPTS = 5
TAKEN = "address already in use"
"""What Linux says, and so every server, some with a capital."""

Started = TypeVar("Started")


class PortTakenError(RuntimeError):
    """A server ended because its port was taken before it could bind it; the message is its log."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on; until it is bound, somebody else may take it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def hold_port() -> socket.socket:
    """Return a socket that keeps a free port from being given to others, while a server may listen on it.

    Linux lets a second socket bind a port where both allow it (SO_REUSEADDR, which servers set) and one listens.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder


def on_a_free_port(start: Callable[[int], Started], choose: Callable[[], int] = free_port) -> Started:
    """Start a server on a free port, on another one when that was taken meanwhile.

    Parameters
    ----------
    start
        From a port to what is running there; raises `PortTakenError` where the server could not bind it.
    choose
        Names a port for each attempt.

    Raises
    ------
    PortTakenError
        If that happened `ATTEMPTS` times.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return start(choose())
        except PortTakenError:
            continue
    return start(choose())


def expect_alive(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise what is fitting if a server has ended.

    Raises
    ------
    PortTakenError
        If its log says that its port was taken.
    RuntimeError
        If it ended for another reason; the message holds the end of its log.
    """
    if process.poll() is None:
        return
    said = log.read_text(errors="replace")
    kind = PortTakenError if TAKEN in said.lower() else RuntimeError
    raise kind(f"the server ended with status {process.returncode}:\n{said[-4000:]}")
