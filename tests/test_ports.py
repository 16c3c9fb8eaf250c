"""Servers of tests and benchmarks: when somebody takes the port before them, they are started on another one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.ports import ATTEMPTS, PortTakenError, expect_alive, free_port, hold_port, on_a_free_port


def server(port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a server of files and return once it listens."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
    while "Serving" not in log.read_text():
        expect_alive(process, log)
        time.sleep(0.02)
    return process


def test_another_port_is_tried_when_the_first_was_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        taken = occupant.getsockname()[1]
        ports = [taken, taken, free_port()]
        tried: list[int] = []

        def start(port: int) -> subprocess.Popen[bytes]:
            tried.append(port)
            return server(port, tmp_path / "log")

        process = on_a_free_port(start, iter(ports).__next__)
    process.terminate()
    process.wait(10)
    assert tried == ports


def test_it_gives_up_after_some_attempts_with_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        taken = occupant.getsockname()[1]
        tried: list[int] = []

        def start(port: int) -> subprocess.Popen[bytes]:
            tried.append(port)
            return server(port, tmp_path / "log")

        with pytest.raises(PortTakenError, match="Address already in use"):
            on_a_free_port(start, lambda: taken)
    assert len(tried) == ATTEMPTS


def test_a_server_that_ends_for_another_reason_is_not_started_again(tmp_path: Path) -> None:
    tried: list[int] = []

    def start(port: int) -> None:
        tried.append(port)
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-c", "exit('broken')"], stderr=output)
        process.wait()
        expect_alive(process, log)

    with pytest.raises(RuntimeError, match="broken"):
        on_a_free_port(start)
    assert len(tried) == 1


def test_a_held_port_is_given_to_nobody_else_and_a_server_may_listen_there(tmp_path: Path) -> None:
    with hold_port() as held:
        port = held.getsockname()[1]
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        process = server(port, tmp_path / "log")
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        process.terminate()
        process.wait(10)
