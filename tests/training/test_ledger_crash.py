"""Nothing accepted is ever lost: kill -9 at any moment, a full disk, many writers at once, on both databases."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from training.ledger.database import LedgerFullError
from training.ledger.store import Ledger
from training.measurements.entries import NewRow
from training.measurements.problems import LedgerError

if TYPE_CHECKING:
    from postgres_server import PostgresServer

MakeAddress = Callable[[], str]
KILLS = 30
BATCH_ROWS = 20


def rows(name: str, n: int = BATCH_ROWS) -> list[NewRow]:
    """Return measurements that no other name has."""
    cells = {"formula": "Li6PS5Cl", "sigma_S_per_cm": 1e-3, "temperature_C": 25.0}
    return [NewRow("conductivity", {**cells, "reference": f"lab:{name}:{i}"}) for i in range(n)]


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Run work in a forked process with a pipe to tell what was acknowledged; return its id and the reading end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        work(writing)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child must never come back into pytest
        traceback.print_exc()
        os._exit(1)


def acknowledged(reading: int, first: bytes = b"") -> list[str]:
    """Return the whole lines that a child wrote; `first` is what was read of them before."""
    with os.fdopen(reading, "rb") as pipe:
        lines = (first + pipe.read()).decode().split("\n")
    return lines[:-1]


def finish(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def write_for_ever(address: str, name: str) -> Callable[[int], None]:
    def work(pipe: int) -> None:
        ledger = Ledger.open(address)
        for number in count():
            ledger.add(rows(f"{name}-{number}"), who=name)
            os.write(pipe, f"{name}-{number}\n".encode())

    return work


def check_nothing_lost(address: str, told: list[str]) -> Counter[str]:
    """Every acknowledged batch is there, every batch that is there is whole, and each row is there once."""
    ledger = Ledger.open(address)
    ledger.verify()
    references = [str((e.content or {})["reference"]) for e in ledger.holding("conductivity")]
    assert len(references) == len(set(references))
    ledger.close()
    found = Counter(reference.split(":")[1] for reference in references)
    assert set(told) <= set(found)
    assert set(found.values()) <= {BATCH_ROWS}
    return found


def test_kill_9_at_any_moment(address: str) -> None:
    rng = random.Random(1)
    told: list[str] = []
    for kill in range(KILLS):
        child, pipe = in_child(write_for_ever(address, f"k{kill}"))
        first = b"" if kill % 5 == 0 else os.read(pipe, 1)  # most are killed while they write, some as they begin
        time.sleep(rng.uniform(0.0, 0.04))
        os.kill(child, signal.SIGKILL)
        assert finish([child]) == [-signal.SIGKILL]
        told += acknowledged(pipe, first)
    found = check_nothing_lost(address, told)
    assert len(found) >= len(told) >= KILLS * 4 / 5
    after = Ledger.open(address)
    assert after.add(rows("after", 1), who="x")[0].is_new  # and no lock was left behind
    after.close()


def test_kill_9_while_the_tables_are_made(make_empty_address: MakeAddress) -> None:
    rng = random.Random(2)
    for _ in range(5):
        address = make_empty_address()
        for delay in (rng.uniform(0.0, 0.05), rng.uniform(0.0, 0.15)):
            child, pipe = in_child(lambda _pipe, address=address: Ledger.open(address).close())  # type: ignore[misc]
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            finish([child])
            os.close(pipe)
        ledger = Ledger.open(address)
        ledger.add(rows("x"), who="x")
        assert ledger.verify() == BATCH_ROWS
        ledger.close()


def test_a_server_that_dies_keeps_what_it_acknowledged(
    backend: str, make_address: MakeAddress, request: pytest.FixtureRequest
) -> None:
    if backend == "sqlite":
        return  # has no server; see kill -9
    server: PostgresServer = request.getfixturevalue("postgres_server")
    address = make_address()
    told: list[str] = []

    def work(pipe: int) -> None:
        with pytest.raises(LedgerError):
            write_for_ever(address, "s")(pipe)

    child, pipe = in_child(work)
    time.sleep(0.6)
    server.stop("immediate")
    server.start()
    assert finish([child]) == [0]
    told += acknowledged(pipe)
    assert told
    check_nothing_lost(address, told)


def test_eight_writers_at_once(address: str) -> None:
    def writer(name: str) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            ledger = Ledger.open(address)
            for number in range(6):
                for batch in (f"{name}-{number}", f"everybody-{number}"):
                    ledger.add(rows(batch), who=name)
                    os.write(pipe, f"{batch}\n".encode())

        return work

    children = [in_child(writer(f"w{i}")) for i in range(8)]
    told = [name for _, pipe in children for name in acknowledged(pipe)]
    assert finish([child for child, _ in children]) == [0] * 8
    assert len(told) == 8 * 12
    found = check_nothing_lost(address, told)
    assert len(found) == 8 * 6 + 6


def test_corrections_at_once_leave_one_line_of_history(address: str) -> None:
    ledger = Ledger.open(address)
    ledger.add(rows("x", 1), who="x")
    ledger.close()

    def corrector(name: str) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            try:
                number = Ledger.open(address).correct(1, rows(name, 1)[0], who=name, reason="race")
                os.write(pipe, f"{number}\n".encode())
            except LedgerError:
                os.write(pipe, b"refused\n")

        return work

    children = [in_child(corrector(f"c{i}")) for i in range(4)]
    told = sorted(line for _, pipe in children for line in acknowledged(pipe))
    assert finish([child for child, _ in children]) == [0] * 4
    assert told == ["2", "refused", "refused", "refused"]


def test_processes_that_make_the_tables_at_once(make_empty_address: MakeAddress) -> None:
    for _ in range(3):
        address = make_empty_address()

        def work(pipe: int, address: str = address) -> None:
            ledger = Ledger.open(address)
            ledger.add(rows(f"p{os.getpid()}"), who="x")
            os.write(pipe, f"p{os.getpid()}\n".encode())

        children = [in_child(work) for _ in range(4)]
        told = [name for _, pipe in children for name in acknowledged(pipe)]
        assert finish([child for child, _ in children]) == [0] * 4
        assert len(check_nothing_lost(address, told)) == 4


# ---------------------------------------------------------------- a full disk


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="elyte-full-", dir="/tmp"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def fill(ledger: Ledger) -> list[str]:
    """Add batches until the disk is full; return those that were acknowledged."""
    told: list[str] = []
    while len(told) < 20_000:
        try:
            ledger.add(rows(f"b{len(told)}"), who="x")
        except LedgerFullError as error:
            assert "no space left" in str(error)  # noqa: PT017
            assert "nothing was stored" in str(error)  # noqa: PT017
            return told
        told.append(f"b{len(told)}")
    raise AssertionError("the disk was never full")


def test_a_full_disk_stores_nothing_by_halves(
    backend: str, make_empty_address: MakeAddress, request: pytest.FixtureRequest
) -> None:
    with small_disk(2 if backend == "sqlite" else 16) as folder:
        if backend == "sqlite":
            address = f"sqlite:///{folder / 'ledger.db'}"
        else:
            address = _on_small_tablespace(request.getfixturevalue("postgres_server"), folder)
        ledger = Ledger.open(address)
        free = shutil.disk_usage(folder).free
        ballast = folder / "ballast"
        ballast.write_bytes(b"x" * (free - 800_000))
        told = fill(ledger)
        assert told
        ballast.unlink()  # space again: the very call that failed goes through
        assert set(check_nothing_lost(address, told)) == set(told)
        assert all(recorded.is_new for recorded in ledger.add(rows(f"b{len(told)}"), who="x"))
        check_nothing_lost(address, [*told, f"b{len(told)}"])
        ledger.close()
        if backend == "postgresql":
            _drop_small_tablespace(request.getfixturevalue("postgres_server"))


def _on_small_tablespace(server: PostgresServer, folder: Path) -> str:
    from postgres_server import execute

    place = folder / "space"
    place.mkdir()
    status = (server.folder / "data").stat()
    os.chown(place, status.st_uid, status.st_gid)
    execute(server.address("postgres"), f"CREATE TABLESPACE small LOCATION '{place}'")
    execute(server.address("postgres"), "CREATE DATABASE small TABLESPACE small")
    return server.address("small")


def _drop_small_tablespace(server: PostgresServer) -> None:
    from postgres_server import execute

    execute(server.address("postgres"), "DROP DATABASE small WITH (FORCE)")
    execute(server.address("postgres"), "DROP TABLESPACE small")


def test_a_file_that_may_not_grow_stores_nothing_by_halves(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.open(address).close()

    def work(pipe: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        for name in fill(Ledger.open(address)):
            os.write(pipe, f"{name}\n".encode())

    child, pipe = in_child(work)
    told = acknowledged(pipe)
    assert finish([child]) == [0]
    assert told
    assert set(check_nothing_lost(address, told)) == set(told)
