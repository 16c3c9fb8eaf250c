"""Databases for the ledger: SQLite files, and a PostgreSQL server of our own that ends with the session."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, execute, server_binaries

from training.ledger.store import Ledger

BACKENDS = ("sqlite", "postgresql")
MakeAddress = Callable[[], str]
_number = itertools.count()


def _absent(reason: str) -> None:
    """Fail in CI, where PostgreSQL must be tested, and skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    binaries = server_binaries()
    if binaries is None:
        _absent("no PostgreSQL server binaries on this machine (initdb)")
        return
    memory = Path("/dev/shm")  # a database in memory starts and ends at once; the code waits for its disk all the same
    place = memory if os.access(memory, os.W_OK) else Path("/tmp")  # short paths: sockets allow 107 characters
    folder = Path(tempfile.mkdtemp(prefix="elyte-pg-", dir=place))
    server = PostgresServer(binaries, folder)
    try:
        server.create()
        server.start()
    except (RuntimeError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        _absent(f"the PostgreSQL server does not start: {error}")
        return
    yield server
    server.stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def make_empty_address(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> MakeAddress:
    """Return what makes the address of a database without tables."""
    if backend == "sqlite":
        folder = tmp_path_factory.mktemp("empty")
        return lambda: f"sqlite:///{folder / f'{next(_number)}.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")

    def make() -> str:
        name = f"empty{next(_number)}"
        execute(server.address("postgres"), f"CREATE DATABASE {name}")
        return server.address(name)

    return make


@pytest.fixture(scope="session")
def make_address(
    backend: str,
    make_empty_address: MakeAddress,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeAddress:
    """Return what makes the address of a fresh ledger, copied from one that was migrated once."""
    template = make_empty_address()
    Ledger.open(template).close()
    if backend == "sqlite":
        folder = tmp_path_factory.mktemp("ledgers")
        origin = Path(template.removeprefix("sqlite:///"))

        def copy() -> str:
            place = folder / f"{next(_number)}.db"
            shutil.copyfile(origin, place)
            return f"sqlite:///{place}"

        return copy
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = template.split("/")[-1 - str(server.folder).count("/")].split("?")[0]

    def clone() -> str:
        database = f"ledger{next(_number)}"
        execute(server.address("postgres"), f"CREATE DATABASE {database} TEMPLATE {name}")
        return server.address(database)

    return clone


@pytest.fixture
def address(make_address: MakeAddress) -> str:
    return make_address()


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    found = Ledger.open(address)
    yield found
    found.close()


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
