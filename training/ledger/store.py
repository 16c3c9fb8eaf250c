"""The ledger: measurements that are never changed, only corrected and retracted by new entries."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from training.hash_chain import Audit, NotedHead
from training.ledger.audit import audit, chained, last_hash
from training.ledger.database import migrate, open_engine, reading, write
from training.ledger.kinds import measurements_of
from training.ledger.place import default_url, may_exist
from training.ledger.tables import batches, entries
from training.measurements.entries import (
    Action,
    Entry,
    LedgerConflictError,
    LedgerDamagedError,
    NewRow,
    Recorded,
    as_entry,
    content_digest,
    digest_of,
)

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 500


class Ledger:
    """Measurements and their history; open one with `Ledger.open`.

    Every change is one transaction that is on the disk when the call returns, or did not happen. Calls from several
    threads and processes are safe.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, address: str | None = None) -> Ledger:
        """Open a ledger, making or migrating its tables where needed.

        Parameters
        ----------
        address
            `sqlite:///FILE`, a path, or `postgresql://...`; None means `ELYTE_LEDGER_URL`, else a file of the user's.

        Raises
        ------
        LedgerError
            If it cannot be opened.
        """
        engine = open_engine(address)
        migrate(engine)
        return cls(engine)

    @classmethod
    def open_existing(cls, address: str | None = None) -> Ledger | None:
        """Open a ledger as `open` does, unless it is a file that does not exist: None, and none is made."""
        place = address or default_url()
        if not may_exist(place):
            return None
        return cls.open(place)

    @property
    def last_entry(self) -> int:
        """Number of the last entry, 0 of an empty ledger: it changes with every change."""
        with reading(self._engine) as connection:
            return _last(connection, entries.c.entry)

    @property
    def place(self) -> str:
        """The address, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    def add(
        self, rows: Sequence[NewRow], *, who: str, source: str = "", origin: str = "", origin_sha256: str = ""
    ) -> list[Recorded]:
        """Record measurements in one transaction; those that the ledger has already are left as they are.

        Parameters
        ----------
        rows
            Checked measurements.
        who
            Who records them.
        source
            Where they come from, in words.
        origin, origin_sha256
            The file and its digest, where there is one.

        Returns
        -------
        list of Recorded
            One per row, in order.

        Raises
        ------
        LedgerError
            If the database does not take them; then none is stored.
        ValueError
            If `who` is blank.
        """
        digests = [content_digest(row.text) for row in rows]
        batch = _batch(who, source, origin, origin_sha256)

        def work(connection: sa.Connection) -> list[Recorded]:
            known = _known(connection, set(digests))
            number = _last(connection, entries.c.entry)
            new: list[dict[str, Any]] = []
            recorded: list[Recorded] = []
            for row, digest in zip(rows, digests, strict=True):
                if digest not in known:
                    number += 1
                    entry = _entry(number, Action.ADD, number, None, row.kind, row.text, digest)
                    new.append(entry | _remarks(row))
                    known[digest] = Recorded(number, is_new=False)
                    recorded.append(Recorded(number, is_new=True))
                else:
                    recorded.append(known[digest])
            _insert(connection, batch, new)
            return recorded

        return write(self._engine, work)

    def correct(self, entry: int, row: NewRow, *, who: str, reason: str, source: str = "") -> int:
        """Put a new row in the place of an entry, which may also be a retraction, and return the new entry's number.

        Raises
        ------
        LedgerConflictError
            If the entry does not exist, is not the last word on its measurement, is of another kind, says the same
            already, or another measurement does.
        LedgerError
            If the database does not take it.
        ValueError
            If `who` or `reason` is blank.
        """
        batch = _batch(who, source, "", "")
        reason = _said(reason, "reason")
        digest = content_digest(row.text)

        def work(connection: sa.Connection) -> int:
            last = _last_word(connection, entry)
            if last.kind != row.kind:
                raise LedgerConflictError(f"entry {entry} is a measurement of {last.kind}, not of {row.kind}")
            if last.content_hash == digest:
                raise LedgerConflictError(f"entry {entry} says exactly that already")
            twin = _holding(connection, digest, last.measurement)
            if twin is not None:
                raise LedgerConflictError(f"entry {twin} says exactly that; retract entry {entry} instead")
            number = _last(connection, entries.c.entry) + 1
            new = _entry(number, Action.CORRECT, last.measurement, entry, row.kind, row.text, digest)
            _insert(connection, batch, [new | _remarks(row) | {"reason": reason}])
            return number

        return write(self._engine, work)

    def retract(self, entry: int, *, who: str, reason: str) -> int:
        """Take a measurement back: it no longer holds, and stays in the history; return the new entry's number.

        Raises
        ------
        LedgerConflictError
            If the entry does not exist, is not the last word on its measurement, or is a retraction.
        LedgerError
            If the database does not take it.
        ValueError
            If `who` or `reason` is blank.
        """
        batch = _batch(who, "", "", "")
        reason = _said(reason, "reason")

        def work(connection: sa.Connection) -> int:
            last = _last_word(connection, entry)
            if last.action == Action.RETRACT:
                raise LedgerConflictError(f"entry {entry} is a retraction; bring its measurement back by a correction")
            number = _last(connection, entries.c.entry) + 1
            new = _entry(number, Action.RETRACT, last.measurement, entry, last.kind, None, None)
            _insert(connection, batch, [new | {"reason": reason}])
            return number

        return write(self._engine, work)

    def lookup(self, rows: Sequence[NewRow]) -> list[Recorded | None]:
        """Return, per row, where the ledger has it already; None where it does not."""
        digests = [content_digest(row.text) for row in rows]
        with reading(self._engine) as connection:
            known = _known(connection, set(digests))
        return [known.get(digest) for digest in digests]

    def find(self, entry: int) -> Entry:
        """Return one entry.

        Raises
        ------
        LedgerConflictError
            If there is none of this number.
        """
        found = self._entries(entries.c.entry == entry)
        if not found:
            raise LedgerConflictError(f"the ledger has no entry {entry}")
        return found[0]

    def history(self, kind: str | None = None, measurement: int | None = None) -> list[Entry]:
        """Return every entry in the order of recording, of one kind or one measurement where asked."""
        wanted = [] if kind is None else [entries.c.kind == kind]
        if measurement is not None:
            wanted.append(entries.c.measurement == measurement)
        return self._entries(*wanted)

    def holding(self, kind: str) -> list[Entry]:
        """Return the entries that hold now: the last word on each measurement that is not retracted."""
        return self._entries(entries.c.kind == kind, _is_last_word(), entries.c.action != str(Action.RETRACT))

    def current(self, kind: str) -> pd.DataFrame:
        """Return what holds now, in the order of the entries.

        Returns
        -------
        DataFrame
            `entry`, `measurement`, `recorded_at`, `who`, `excluded_from_training`, then the columns of the kind in
            their units; numbers not given are NaN, texts "".

        Raises
        ------
        LedgerDamagedError
            If an entry is not what was recorded.
        """
        return measurements_of(kind).table(self.holding(kind))

    def content_hash(self, kind: str) -> str:
        """Return the SHA-256 of what holds now, whatever the order in which it was recorded."""
        return digest_of(entry.content_hash or "" for entry in self.holding(kind))

    def audit(self, noted: Sequence[NotedHead] = ()) -> Audit:
        """Walk along the hash chain of the entries; say where it breaks first, and its head.

        Parameters
        ----------
        noted
            Heads that were noted elsewhere; a chain that was cut or computed anew does not hold them.
        """
        with reading(self._engine) as connection:
            return audit(connection, noted)

    def verify(self) -> int:
        """Check that every entry is what was recorded and none is missing; return how many there are.

        Raises
        ------
        LedgerDamagedError
            If a content does not have its hash, a number is missing, a link does not hold, or a batch is not whole.
        """
        found = self.audit()
        if found.fault is not None:
            raise LedgerDamagedError(found.fault.message)
        return found.records

    def _entries(self, *wanted: sa.ColumnElement[bool]) -> list[Entry]:
        of_batch = (batches.c.recorded_at, batches.c.who, batches.c.source, batches.c.origin, batches.c.origin_sha256)
        query = sa.select(entries, *of_batch).join(batches).where(*wanted).order_by(entries.c.entry)
        with reading(self._engine) as connection:
            return [as_entry(row) for row in connection.execute(query).mappings()]


def _said(text: str, what: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        raise ValueError(f"{what}: received nothing, expected a text")
    return plain


def _batch(who: str, source: str, origin: str, origin_sha256: str) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "who": _said(who, "who"),
        "source": source,
        "origin": origin,
        "origin_sha256": origin_sha256,
        "elyte_version": version("elyte"),
    }


def _entry(
    number: int,
    action: Action,
    measurement: int,
    supersedes: int | None,
    kind: str,
    text: str | None,
    digest: str | None,
) -> dict[str, Any]:
    return {
        "entry": number,
        "row_number": 1,
        "kind": kind,
        "action": str(action),
        "measurement": measurement,
        "supersedes": supersedes,
        "content": text,
        "content_hash": digest,
        "reason": "",
        "warnings": "[]",
        "excluded_from_training": "",
    }


def _remarks(row: NewRow) -> dict[str, Any]:
    return {
        "row_number": row.number,
        "warnings": json.dumps(row.warnings),
        "excluded_from_training": row.excluded_from_training,
    }


def _insert(connection: sa.Connection, batch: dict[str, Any], new: list[dict[str, Any]]) -> None:
    if not new:
        return
    number = _last(connection, batches.c.batch) + 1
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    whole = batch | {"batch": number, "recorded_at": now, "n_entries": len(new)}
    linked = chained(last_hash(connection), whole, new)
    connection.execute(batches.insert(), whole)
    connection.execute(entries.insert(), [entry | {"batch": number} for entry in linked])


def _last(connection: sa.Connection, column: sa.Column[int]) -> int:
    """Return the largest number given so far; the writer's lock makes the next one ours."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one())


def _known(connection: sa.Connection, digests: set[str]) -> dict[str, Recorded]:
    """Return, of the digests that the ledger has ever seen, the entry and what has become of it."""
    later = entries.alias()
    found: dict[str, Recorded] = {}
    ordered = sorted(digests)
    for start in range(0, len(ordered), _CHUNK):
        query = (
            sa.select(entries.c.content_hash, entries.c.entry, later.c.entry, later.c.action)
            .outerjoin(later, later.c.supersedes == entries.c.entry)
            .where(entries.c.content_hash.in_(ordered[start : start + _CHUNK]))
            .order_by(entries.c.entry)
        )
        for digest, entry, successor, action in connection.execute(query):
            found[digest] = Recorded(entry, is_new=False, superseded_by=successor, superseded_how=action or "")
    return found


def _is_last_word() -> sa.ColumnElement[bool]:
    later = entries.alias()
    return ~sa.exists().where(later.c.supersedes == entries.c.entry)


def _last_word(connection: sa.Connection, entry: int) -> sa.Row[Any]:
    later = entries.alias()
    query = (
        sa.select(entries, later.c.entry.label("successor"), later.c.action.label("how"))
        .outerjoin(later, later.c.supersedes == entries.c.entry)
        .where(entries.c.entry == entry)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise LedgerConflictError(f"the ledger has no entry {entry}")
    if found.successor is not None:
        did = "retracted" if found.how == Action.RETRACT else "corrected"
        raise LedgerConflictError(f"entry {entry} was {did} by entry {found.successor}; change that one")
    return found


def _holding(connection: sa.Connection, digest: str, but_measurement: int) -> int | None:
    """Return the entry of another measurement that holds now and says the same, None if none does."""
    query = sa.select(entries.c.entry).where(
        entries.c.content_hash == digest, entries.c.measurement != but_measurement, _is_last_word()
    )
    return connection.execute(query).scalars().first()
