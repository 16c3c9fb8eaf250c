"""The database under the ledger: how it is opened, migrated and locked, on SQLite and on PostgreSQL.

One writer at a time: SQLite by BEGIN IMMEDIATE, PostgreSQL by an advisory lock that ends with the transaction.
What was committed is on the disk: SQLite in WAL mode with synchronous=FULL, PostgreSQL with synchronous_commit=on.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from training.ledger.place import default_url
from training.measurements.problems import LedgerError

HEAD = "0003"
"""The version of the tables that this code reads and writes: the newest of `migrations/versions`."""
BUSY_TIMEOUT_S = 20.0
ATTEMPTS = 4
_LOCK_KEY = 0x656C797465  # "elyte"
_WRITING = "elyte_writing"
_FULL_STATES = frozenset({"53100"})  # PostgreSQL: disk_full
_BUSY_STATES = frozenset({"55P03", "40001", "40P01"})  # lock_not_available, serialization_failure, deadlock_detected

Result = TypeVar("Result")


class LedgerBusyError(LedgerError):
    """Another writer held the ledger for longer than one may wait; nothing was stored."""


class LedgerFullError(LedgerError):
    """There is no space left; nothing of the batch was stored."""


def open_engine(address: str | None = None) -> sa.Engine:
    """Return an engine for an address, a path meaning a SQLite file; its folder is made if it is not there.

    Raises
    ------
    LedgerError
        If the address is no SQLite or PostgreSQL address, or its driver is not installed.
    """
    text = address or default_url()
    text = text if "://" in text else f"sqlite:///{Path(text).expanduser().absolute()}"
    try:
        url = sa.make_url(text)
        name = url.get_backend_name()
    except (sa.exc.ArgumentError, NoSuchModuleError) as error:
        raise LedgerError(f"the ledger's address cannot be read: {error}") from None
    if name == "sqlite":
        return _sqlite_engine(url)
    if name in ("postgresql", "postgres"):
        return _postgresql_engine(url.set(drivername="postgresql+psycopg"))
    raise LedgerError(f"a ledger on '{name}' is not supported; expected sqlite:///FILE or postgresql://...")


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise LedgerError("a ledger in memory would be lost; expected sqlite:///FILE")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"the folder of the ledger {url.database} cannot be made: {error}") from error
    # isolation_level None: Python's sqlite3 leaves transactions alone, and `begin` below opens them as it should.
    arguments = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401
        _set_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_writing = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    return engine


def _set_wal(connection: Any) -> None:  # noqa: ANN401
    """Turn WAL mode on, once and for all; the change does not wait for other processes by itself."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url, pool_pre_ping=True, pool_size=4, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise LedgerError("a ledger on PostgreSQL needs psycopg; install elyte[postgres]") from error


def write(engine: sa.Engine, work: Callable[[sa.Connection], Result]) -> Result:
    """Run work as the only writer, in one transaction: all of it is stored, or none.

    A locked ledger is tried again `ATTEMPTS` times, with growing pauses; work may therefore run more than once.

    Raises
    ------
    LedgerBusyError, LedgerFullError, LedgerError
        If the database does not take it; then nothing was stored.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _translated(engine), engine.connect() as plain:
                connection = plain.execution_options(**{_WRITING: True})
                with connection.begin():
                    if engine.dialect.name == "postgresql":
                        _lock_postgresql(connection)
                    return work(connection)
        except LedgerBusyError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0.5, 1.0) * 0.1 * 2**attempt)
    raise AssertionError("unreachable")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that sees one state of the ledger and keeps no writer waiting.

    Raises
    ------
    LedgerError
        As `write`.
    """
    with _translated(engine), engine.connect() as plain:
        connection = plain
        if engine.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _lock_postgresql(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S:g}s'")
    connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    """Turn what the driver says into what a user can do about it."""
    try:
        yield
    except DBAPIError as error:
        place = engine.url.render_as_string(hide_password=True)
        said = str(error.orig).strip().split("\n")[0]
        state = getattr(error.orig, "sqlstate", None)
        lower = said.lower()
        if state in _BUSY_STATES or "database is locked" in lower or "database table is locked" in lower:
            raise LedgerBusyError(f"the ledger {place} is in use by another writer; nothing was stored") from error
        if state in _FULL_STATES or "disk is full" in lower or "disk i/o error" in lower:
            message = f"no space left for the ledger {place} ({said}); nothing was stored. Free space and do it again"
            raise LedgerFullError(message) from error
        raise LedgerError(f"the ledger {place} cannot do that: {said}") from error


def migrate(engine: sa.Engine) -> None:
    """Bring the tables to the version of this code; two processes at once are kept apart by the writer's lock.

    Raises
    ------
    LedgerError
        If the ledger was written by a newer elyte, or cannot be written.
    """
    with reading(engine) as connection:
        found = _version(connection)
    if found == HEAD:
        return

    def upgrade(connection: sa.Connection) -> None:
        here = _version(connection)
        if here == HEAD:
            return
        from alembic import command
        from alembic.config import Config
        from alembic.util.exc import CommandError

        config = Config()
        scripts = Path(__file__).with_name("migrations")
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            message = f"the ledger's tables have version '{here}', this elyte knows '{HEAD}'; is elyte too old?"
            raise LedgerError(f"{message} ({error})") from error

    write(engine, upgrade)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
