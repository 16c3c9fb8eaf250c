"""The harness of these tests: a service whose port is taken on purpose is started on another one."""

from __future__ import annotations

import socket
from pathlib import Path

from running_service import running_service

from benchmarks.ports import free_port


def test_a_service_whose_port_was_taken_is_started_on_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        taken = occupant.getsockname()[1]
        ports = iter((taken, free_port()))
        with running_service(tmp_path, choose=ports.__next__) as service:
            assert service.port != taken
            assert service.predict("Li3N").status_code == 200
