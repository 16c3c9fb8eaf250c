"""The real service and a real SQLite ledger: what was acknowledged is there, whatever happens to the service."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import psutil
from running_service import running_service

from training.ledger.store import Ledger

KEY = "integration key"
HEADERS = {"X-API-Key": KEY}
WRITERS = 3
ENOUGH = 15


def row(writer: int, number: int) -> dict[str, object]:
    """Return a measurement that no other writer and number has, and that nobody would doubt."""
    return {
        "formula": "Li5.7PS4.7Cl1.3",
        "observation": "stable",
        "against": f"cell {writer}-{number}",
        "reference": f"lab:2025-01-02:{writer}-{number}",
    }


def post_until_killed(url: str, writer: int, acknowledged: list[int]) -> None:
    """Post one row after the other, and note the entry of each that the service says is stored."""
    with httpx.Client(base_url=url, headers=HEADERS, timeout=30.0) as client:
        for number in range(10_000):
            document = {"measurements": [row(writer, number)], "who": f"w{writer}"}
            try:
                response = client.post("/measurements", json=document)
            except httpx.TransportError:
                return
            assert response.status_code == 200, response.text
            acknowledged += response.json()["entries"]


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    acknowledged: list[int] = []
    with running_service(tmp_path, ELYTE_API_KEY=KEY, ELYTE_LEDGER_URL=address) as service:
        assert service.client.post("/measurements", json={"measurements": [row(9, 9)]}).status_code == 401
        writers = [
            threading.Thread(target=post_until_killed, args=(service.url, writer, acknowledged))
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 60
        while len(acknowledged) < ENOUGH and time.monotonic() < deadline:
            time.sleep(0.005)
        parts = [psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True)]
        for part in parts:  # the supervisor first, which would start its workers anew
            part.kill()
        for writer in writers:
            writer.join(30)
        assert KEY not in service.log()
    assert len(acknowledged) >= ENOUGH
    ledger = Ledger.open(address)
    stored = {entry.entry for entry in ledger.holding("stability")}
    assert stored >= set(acknowledged)
    assert len(acknowledged) <= ledger.verify() <= len(acknowledged) + WRITERS  # one of each may lack its answer
