"""The supervisor of `elyte serve`: BentoML's, which also stops listening at once when it is told to end.

BentoML's workers stop accepting on SIGTERM, but its supervisor (circus) keeps its copy of the listening socket until
the last worker has ended: connections would be taken in for up to 15 s and never answered. Here a thread hears of the
signal besides (`signal.set_wakeup_fd`), waits until the workers have closed their copies, and shuts the socket down.
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
WORKERS_SECONDS = 2.0  # uvicorn looks ten times a second whether it is to end
_LOOK_SECONDS = 0.05


def main(arguments: list[str]) -> None:
    """Run `bentoml` with arguments, among them `--port PORT`, in this process."""
    stop_listening_when_ended(int(arguments[arguments.index("--port") + 1]))
    sys.argv = ["bentoml", *arguments]
    runpy.run_module("bentoml", run_name="__main__", alter_sys=True)


def stop_listening_when_ended(port: int) -> None:
    """From now on, shut the listening sockets of a port down when this process is told to end.

    Parameters
    ----------
    port
        On which this process, once it has begun, and its children listen.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_wait_and_stop, args=(heard, port), name="stop-listening", daemon=True).start()


def _wait_and_stop(heard: int, port: int) -> None:
    while not ENDING & set(os.read(heard, 1)):
        pass
    deadline = time.monotonic() + WORKERS_SECONDS
    while _children_listen(port) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    for descriptor in _listening(os.getpid(), port):
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as listener:  # already closed: that is as well
            listener.shutdown(socket.SHUT_RDWR)


def _children_listen(port: int) -> bool:
    import psutil

    return any(_listening(child.pid, port) for child in psutil.Process().children(recursive=True))


def _listening(process: int, port: int) -> list[int]:
    """Return the descriptors with which a process listens on a port; none if it has ended."""
    import psutil

    try:
        connections = psutil.Process(process).net_connections("tcp")
    except psutil.Error:
        return []
    return [c.fd for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port]


if __name__ == "__main__":
    main(sys.argv[1:])
