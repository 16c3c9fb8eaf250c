"""The hash chain of the ledger, on SQLite and PostgreSQL: whoever gets past the guards of the database is noticed."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from serving.commands.data import data
from training.hash_chain import GENESIS, ChainFault, NotedHead, compare_heads, link
from training.ledger.audit import COVERED, GUARDS, entry_hash
from training.ledger.store import Ledger
from training.ledger.tables import batches, entries
from training.measurements.entries import LedgerDamagedError, NewRow, content_digest


def row(sigma: float, number: int = 1) -> NewRow:
    cells = {"formula": "Li6PS5Cl", "sigma_S_per_cm": sigma, "temperature_C": 25.0, "reference": "lab:1"}
    return NewRow("conductivity", cells, number)


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """A ledger of five entries in four batches."""
    ledger.add([row(1e-3), row(2e-3, 2)], who="JD", source="notebook")
    ledger.add([row(3e-3)], who="AB")
    ledger.correct(1, row(1.1e-3), who="JD", reason="wrong thickness")
    ledger.retract(2, who="AB", reason="short circuit")
    return ledger


@contextmanager
def unguarded(ledger: Ledger, *, restored: bool = True) -> Iterator[sa.Connection]:
    """Write as somebody does who owns the database, takes its guards away, and puts them back."""
    with ledger._engine.begin() as connection:
        if ledger._engine.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            made = connection.exec_driver_sql(query).tuples().all()
            away, back = [f"DROP TRIGGER {name}" for name, _ in made], [text for _, text in made]
        else:
            away, back = (
                [f"ALTER TABLE {table} {verb} TRIGGER ALL" for table in ("entries", "batches")]
                for verb in ("DISABLE", "ENABLE")
            )
        for statement in away:
            connection.exec_driver_sql(statement)
        yield connection
        for statement in back if restored else ():
            connection.exec_driver_sql(statement)


def change_content(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE entries SET content = replace(content, '0.003', '0.03') WHERE entry = 3")


def change_content_and_its_hash(connection: sa.Connection) -> None:
    change_content(connection)
    text = connection.execute(sa.select(entries.c.content).where(entries.c.entry == 3)).scalar_one()
    assert text is not None
    digest = content_digest(text)
    connection.execute(entries.update().where(entries.c.entry == 3).values(content_hash=digest))


def change_a_reason(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE entries SET reason = 'another' WHERE entry = 4")


def change_who(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE batches SET who = 'XY' WHERE batch = 1")


def change_the_link(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"UPDATE entries SET chain_hash = '{'a' * 64}' WHERE entry = 2")


def remove_one(connection: sa.Connection) -> None:
    connection.exec_driver_sql("DELETE FROM entries WHERE entry = 3")
    connection.exec_driver_sql("DELETE FROM batches WHERE batch = 2")


def remove_half_a_batch(connection: sa.Connection) -> None:
    """Take the last word on both measurements of batch 1 away, then its second entry; numbers end without a gap."""
    connection.exec_driver_sql("DELETE FROM entries WHERE entry IN (2, 3, 4, 5)")
    connection.exec_driver_sql("DELETE FROM batches WHERE batch > 1")


@pytest.mark.parametrize(
    ("tamper", "code", "record", "place"),
    [
        (change_content, ChainFault.CONTENT_CHANGED, 3, 1),
        (change_content_and_its_hash, ChainFault.CHAIN_BROKEN, 3, 1),
        (change_a_reason, ChainFault.CHAIN_BROKEN, 4, 1),
        (change_who, ChainFault.CHAIN_BROKEN, 1, 1),
        (change_the_link, ChainFault.CHAIN_BROKEN, 2, 2),
        (remove_one, ChainFault.RECORD_MISSING, 3, None),
        (remove_half_a_batch, ChainFault.RECORD_MISSING, 2, None),
    ],
)
def test_the_first_entry_that_is_not_what_was_recorded_is_named(
    filled: Ledger, tamper: Callable[[sa.Connection], None], code: ChainFault, record: int, place: int | None
) -> None:
    assert filled.audit().fault is None
    filled._engine.dispose()
    with unguarded(filled) as connection:
        tamper(connection)
    fault = filled.audit().fault
    assert fault is not None
    assert (fault.code, fault.record, fault.row) == (code, record, place)
    with pytest.raises(LedgerDamagedError):
        filled.verify()


def test_an_entry_whose_batch_was_taken_away_is_noticed(filled: Ledger) -> None:
    """The last batch: its entry would be in no list any more, with nothing missing among the others."""
    if filled._engine.dialect.name == "sqlite":
        with unguarded(filled, restored=False):
            pass
        with closing(sqlite3.connect(str(filled._engine.url.database))) as plain, plain:  # minds no foreign keys
            plain.execute("DELETE FROM batches WHERE batch = 4")
    else:
        with unguarded(filled) as connection:
            connection.exec_driver_sql("DELETE FROM batches WHERE batch = 4")
    fault = filled.audit().fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.CHAIN_BROKEN, 5)


def test_guards_that_are_gone_are_named(filled: Ledger) -> None:
    names = sorted(GUARDS[filled._engine.dialect.name])
    with unguarded(filled, restored=False):
        pass
    fault = filled.audit().fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.UNGUARDED, 5)
    assert fault.message.endswith(f": {', '.join(names)}")


def test_a_guard_that_was_put_back_without_its_teeth_is_named(filled: Ledger) -> None:
    with filled._engine.begin() as connection:
        if filled._engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER entries_no_update")
            connection.exec_driver_sql("CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT 1; END")
        else:
            connection.exec_driver_sql(
                "CREATE OR REPLACE FUNCTION elyte_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NULL; END $$"
            )
    fault = filled.audit().fault
    assert fault is not None
    assert (fault.code, "entries_" in fault.message) == (ChainFault.UNGUARDED, True)


def test_a_tail_that_was_cut_off_is_noticed_by_a_head_that_was_noted(filled: Ledger) -> None:
    noted = filled.audit().head
    assert noted is not None
    early = NotedHead(3, filled.history()[2].chain_hash)
    with unguarded(filled) as connection:
        connection.exec_driver_sql("DELETE FROM entries WHERE entry > 3")
        connection.exec_driver_sql("DELETE FROM batches WHERE batch > 2")
    assert filled.audit().fault is None  # it agrees with itself
    assert filled.audit([early]).fault is None
    fault = filled.audit([early, noted]).fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.HEAD_MISSING, 5)


def test_a_chain_that_was_computed_anew_is_noticed_by_a_head_that_was_noted(filled: Ledger) -> None:
    noted = filled.audit().head
    assert noted is not None
    with unguarded(filled) as connection:
        change_content_and_its_hash(connection)
        previous = GENESIS
        query = sa.select(entries, *[c for c in batches.columns if c.name != "batch"]).join(batches)
        for found in connection.execute(query.order_by(entries.c.entry)).mappings().all():
            previous = entry_hash(previous, found)
            connection.execute(entries.update().where(entries.c.entry == found["entry"]).values(chain_hash=previous))
    assert filled.audit().fault is None
    fault = filled.audit([noted]).fault
    assert fault is not None
    assert (fault.code, fault.record) == (ChainFault.HEAD_DIFFERS, 5)


def test_an_entry_without_a_link_is_not_let_in(filled: Ledger) -> None:
    """An elyte that opened the ledger before its tables were changed cannot write past the chain."""
    columns = ", ".join(column.name for column in entries.columns if column.name != "chain_hash")
    values = columns.replace("entry,", "entry + 9,", 1).replace("content_hash", "'c'").replace("measurement", "entry+9")
    statement = f"INSERT INTO entries ({columns}) SELECT {values} FROM entries WHERE entry = 1"
    with pytest.raises(sa.exc.DBAPIError, match="chain"), filled._engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert filled.verify() == 5


def _write(address: str, name: int) -> None:
    ledger = Ledger.open(address)
    for number in range(6):
        ledger.add([row(1e-3 + name * 1e-5 + number * 1e-7), row(2e-3 + name * 1e-5 + number * 1e-7)], who=f"w{name}")
    ledger.close()


def test_writers_at_once_keep_one_chain(address: str) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(address, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = Ledger.open(address).audit()
    assert (found.records, found.fault) == (48, None)


def test_what_a_link_covers_does_not_change() -> None:
    assert set(COVERED) == {c.name for table in (entries, batches) for c in table.columns} - {"chain_hash"}
    told: dict[str, Any] = {name: name for name in COVERED} | {"entry": 1, "supersedes": None, "content": "Müller"}
    golden = "49fdd4c5c9bb301da9087be47db52830068cf94419c8b279f79d1933eb51b80a"
    assert entry_hash(GENESIS, told) == golden
    assert link(GENESIS, told) != link("1" * 64, told)


@pytest.mark.parametrize("text", ["", "3", "0:" + "a" * 64, "3:" + "g" * 64, "3:abc", "-1:" + "a" * 64])
def test_a_head_is_read_as_it_is_printed(text: str) -> None:
    head = NotedHead(3, "a" * 64)
    assert NotedHead.read(f" {str(head).upper()}\n") == head
    assert compare_heads(["b" * 64, "c" * 64, "a" * 64], [head]) is None
    with pytest.raises(ValueError, match="expected NUMBER:HASH"):
        NotedHead.read(text)


# ---------------------------------------------------------------- elyte data verify


@pytest.fixture
def home(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("ELYTE_LEDGER_URL", raising=False)


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(data, ["verify", *arguments])


@pytest.mark.usefixtures("home")
def test_the_command_prints_the_head_and_takes_it_back(filled: Ledger, address: str) -> None:
    whole = verify("--ledger", address, "--json")
    assert (whole.exit_code, whole.stderr) == (0, "")
    document = json.loads(whole.stdout)
    assert (document["ok"], document["ledger"]["status"], document["ledger"]["records"]) == (True, "whole", 5)
    assert document["promotions"]["status"] == "absent"
    head = document["ledger"]["head"]
    assert f"ledger head: {head}" in verify("--ledger", address, "--ledger-head", head).stdout
    with unguarded(filled) as connection:
        change_a_reason(connection)
    broken = verify("--ledger", address, "--ledger-head", head)
    assert broken.exit_code == 1
    assert "ledger: record 4, row 1: " in broken.stderr
    assert "[chain_broken]" in broken.stderr
    fault = json.loads(verify("--ledger", address, "--json").stdout)["ledger"]["fault"]
    assert (fault["code"], fault["record"], fault["row"]) == ("chain_broken", 4, 1)


@pytest.mark.usefixtures("home")
def test_where_there_is_nothing_the_command_says_so_and_makes_nothing(tmp_path: Any) -> None:
    nothing = verify()
    assert nothing.exit_code == 0
    assert "ledger: none at sqlite:///" in nothing.stdout
    assert not list(tmp_path.iterdir())
    head = "7:" + "a" * 64  # of a ledger that is gone
    assert verify("--ledger-head", head).exit_code == verify("--promotions-head", head).exit_code == 1
    assert "[head_missing]" in verify("--ledger-head", head).stderr
    assert verify("--ledger-head", "7").exit_code == 2
