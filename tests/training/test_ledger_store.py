"""The append-only ledger on SQLite and on PostgreSQL: nothing is lost, nothing is changed, order does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from training.ledger import database
from training.ledger.store import Ledger
from training.ledger.tables import entries
from training.measurements.entries import LedgerConflictError, LedgerDamagedError, NewRow, content_digest, content_text
from training.measurements.problems import LedgerError

MakeAddress = Callable[[], str]
WHO = "J. D."
KINDS = ("conductivity", "ccd", "stability")

sigmas = st.floats(1e-18, 0.9).map(lambda value: float(f"{value:.12g}"))
formulas = st.sampled_from(["Li6PS5Cl", "Li3PS4", "Li1.3Al0.3Ti1.7(PO4)3", "Li7La3Zr2O12", "75Li2S-25P2S5"])
contents = st.fixed_dictionaries(
    {
        "formula": formulas,
        "sigma_S_per_cm": sigmas,
        "temperature_C": st.sampled_from([25.0, 60.0, -10.5]),
        "reference": st.text("äβ 'x\";", min_size=3, max_size=8),
    },
    optional={"activation_energy_eV": st.floats(0.1, 1.0), "year": st.integers(1990, 2020)},
)
rows = st.builds(NewRow, st.just("conductivity"), contents)
batches = st.lists(rows, min_size=1, max_size=6, unique_by=lambda row: content_text(row.kind, row.content))
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(sigma: float = 1e-3, formula: str = "Li6PS5Cl") -> NewRow:
    cells = {"formula": formula, "sigma_S_per_cm": sigma, "temperature_C": 25.0, "reference": "lab:1"}
    return NewRow("conductivity", cells)


@contextmanager
def fresh(make_address: MakeAddress) -> Iterator[Ledger]:
    ledger = Ledger.open(make_address())
    try:
        yield ledger
    finally:
        ledger.close()


def held(ledger: Ledger) -> list[str]:
    return sorted(content_text(e.kind, e.content or {}) for e in ledger.holding("conductivity"))


@few
@given(batch=batches)
def test_what_was_added_is_what_is_current(make_address: MakeAddress, batch: list[NewRow]) -> None:
    with fresh(make_address) as ledger:
        ledger.add(batch, who=WHO, source="notebook", origin="a.csv")
        assert held(ledger) == sorted(content_text(one.kind, one.content) for one in batch)
        table = ledger.current("conductivity")
        assert list(table["sigma_S_per_cm"]) == [one.content["sigma_S_per_cm"] for one in batch]
        assert list(table["reference"]) == [one.content["reference"] for one in batch]
        assert ledger.verify() == len(batch)
        assert {(e.who, e.source, e.origin) for e in ledger.history()} == {(WHO, "notebook", "a.csv")}


@few
@given(batch=batches, seed=st.randoms(use_true_random=False), cut=st.integers(0, 6))
def test_order_and_batches_do_not_change_the_hash(
    make_address: MakeAddress, batch: list[NewRow], seed: object, cut: int
) -> None:
    shuffled = list(batch)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    with fresh(make_address) as one, fresh(make_address) as other:
        one.add(batch, who=WHO)
        other.add(shuffled[:cut], who="somebody")
        other.add(shuffled[cut:], who="else")
        assert one.content_hash("conductivity") == other.content_hash("conductivity")


@few
@given(batch=batches, again=batches)
def test_adding_twice_changes_nothing(make_address: MakeAddress, batch: list[NewRow], again: list[NewRow]) -> None:
    with fresh(make_address) as ledger:
        first = ledger.add(batch, who=WHO)
        assert all(recorded.is_new for recorded in first)
        ledger.add(again, who=WHO)
        before, size = ledger.content_hash("conductivity"), len(ledger.history())
        second = ledger.add(batch, who="somebody else")
        assert [recorded.entry for recorded in second] == [recorded.entry for recorded in first]
        assert not any(recorded.is_new for recorded in second)
        assert (ledger.content_hash("conductivity"), len(ledger.history())) == (before, size)
        assert ledger.verify() == size


@few
@given(first=contents, second=contents, third=contents)
def test_corrections_and_retractions(make_address: MakeAddress, first: dict, second: dict, third: dict) -> None:  # type: ignore[type-arg]
    kind = "conductivity"
    a, b, c = (content_text(kind, content) for content in (first, second, third))
    if len({a, b, c}) < 3:
        return
    with fresh(make_address) as ledger:
        ledger.add([NewRow(kind, first)], who=WHO)
        alone = ledger.content_hash(kind)
        two = ledger.correct(1, NewRow(kind, second), who=WHO, reason="typo")
        assert held(ledger) == [b]
        back = ledger.correct(two, NewRow(kind, first), who=WHO, reason="was right")
        assert held(ledger) == [a]
        assert ledger.content_hash(kind) == alone  # a correction undone leaves what there was
        gone = ledger.retract(back, who=WHO, reason="short circuit")
        assert held(ledger) == []
        (recorded,) = ledger.add([NewRow(kind, first)], who=WHO)  # a script run again does not bring it back
        assert (recorded.is_new, held(ledger)) == (False, [])
        ledger.correct(gone, NewRow(kind, third), who=WHO, reason="measured again")
        assert held(ledger) == [c]
        assert [e.action for e in ledger.history()] == ["add", "correct", "correct", "retract", "correct"]
        assert {e.measurement for e in ledger.history()} == {1}
        assert ledger.verify() == 5


def test_only_the_last_word_can_be_changed(ledger: Ledger) -> None:
    ledger.add([row(1e-3), row(2e-3)], who=WHO)
    ledger.correct(1, row(3e-3), who=WHO, reason="typo")
    for change in (
        lambda: ledger.correct(1, row(4e-3), who=WHO, reason="typo"),
        lambda: ledger.retract(1, who=WHO, reason="typo"),
    ):
        with pytest.raises(LedgerConflictError, match="entry 1 was corrected by entry 3; change that one"):
            change()
    with pytest.raises(LedgerConflictError, match="entry 2 says exactly that; retract entry 3 instead"):
        ledger.correct(3, row(2e-3), who=WHO, reason="typo")
    with pytest.raises(LedgerConflictError, match="says exactly that already"):
        ledger.correct(3, row(3e-3), who=WHO, reason="typo")
    with pytest.raises(LedgerConflictError, match="no entry 99"):
        ledger.retract(99, who=WHO, reason="x")
    gone = ledger.retract(3, who=WHO, reason="x")
    with pytest.raises(LedgerConflictError, match="is a retraction"):
        ledger.retract(gone, who=WHO, reason="x")
    with pytest.raises(ValueError, match="reason"):
        ledger.retract(2, who=WHO, reason=" ")
    with pytest.raises(ValueError, match="who"):
        ledger.add([row()], who=" ")
    assert ledger.verify() == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET content = '{}'",
        "UPDATE entries SET reason = 'x' WHERE entry = 1",
        "DELETE FROM entries",
        "UPDATE batches SET who = 'x'",
        "DELETE FROM batches",
    ],
)
def test_the_database_itself_forbids_changes(ledger: Ledger, statement: str) -> None:
    ledger.add([row()], who=WHO)
    before = ledger.history()
    with pytest.raises(DBAPIError, match="append-only"), ledger._engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert ledger.history() == before


def test_replacing_and_truncating_are_forbidden_too(ledger: Ledger) -> None:
    ledger.add([row()], who=WHO)
    is_sqlite = ledger._engine.dialect.name == "sqlite"
    columns = ", ".join(column.name for column in entries.columns)
    statements = ["TRUNCATE entries", "TRUNCATE batches CASCADE"]
    if is_sqlite:
        changed = columns.replace("content_hash", "content_hash || 'x'")
        new_number = columns.replace("entry,", "entry + 1,", 1).replace("measurement", "measurement + 1")
        statements = [
            f"INSERT OR REPLACE INTO entries ({columns}) SELECT {changed} FROM entries",
            f"INSERT OR REPLACE INTO entries ({columns}) SELECT {new_number} FROM entries",
            "INSERT OR REPLACE INTO batches SELECT * FROM batches",
        ]
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), ledger._engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert ledger.verify() == 1


def test_a_damaged_entry_is_noticed(ledger: Ledger) -> None:
    ledger.add([row()], who=WHO)
    with ledger._engine.begin() as connection:
        if ledger._engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE entries DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE entries SET content = replace(content, '0.001', '0.01')")
    for look in (ledger.verify, ledger.history, lambda: ledger.current("conductivity")):
        with pytest.raises(LedgerDamagedError, match="entry 1 is damaged"):
            look()


def test_a_missing_entry_and_a_torn_batch_are_noticed(ledger: Ledger) -> None:
    ledger.add([row(1e-3), row(2e-3)], who=WHO)
    with ledger._engine.begin() as connection:
        if ledger._engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER entries_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE entries DISABLE TRIGGER ALL")
        connection.exec_driver_sql("DELETE FROM entries WHERE entry = 2")
    with pytest.raises(LedgerDamagedError, match="batches are not whole: 1"):
        ledger.verify()


def test_content_is_hashed_by_value_not_by_order() -> None:
    cells = dict(row().content)
    backwards = dict(reversed(cells.items()))
    assert content_text("conductivity", cells) == content_text("conductivity", backwards)
    expected = (
        '{"formula":"Li6PS5Cl","kind":"conductivity","reference":"lab:1","sigma_S_per_cm":0.001,"temperature_C":25.0}'
    )
    assert content_text("conductivity", cells) == expected
    # a golden hash: ledgers of today must be readable tomorrow
    assert content_digest(expected) == "d266ade2dd81ac21b564d83cb3460d884a96070cf38766a2169dadfda8a0ed7a"


def test_migrations_lead_to_the_version_of_the_code(ledger: Ledger) -> None:
    from pathlib import Path

    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from training.ledger.tables import metadata

    scripts = ScriptDirectory(str(Path(database.__file__).with_name("migrations")))
    assert scripts.get_heads() == [database.HEAD]
    with ledger._engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    changes = [change[0] for change in found if isinstance(change, tuple)]
    assert {"remove_index", "remove_constraint"} >= set(changes)  # the tables agree; indices stand in the migration


def test_a_ledger_of_a_newer_elyte_is_refused(address: str) -> None:
    ledger = Ledger.open(address)
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(LedgerError, match="is elyte too old"):
        Ledger.open(address)


@pytest.mark.parametrize(
    ("url", "message"),
    [("mysql://x/y", "not supported"), ("sqlite://", "in memory"), ("no://x", "not supported|cannot be read")],
)
def test_addresses_that_cannot_be_used(url: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        Ledger.open(url)


def test_a_server_that_does_not_answer_is_an_error_without_the_password() -> None:
    with pytest.raises(LedgerError, match="postgresql") as caught:
        Ledger.open("postgresql://me:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in str(caught.value)


def test_two_ledgers_see_each_other(address: str) -> None:
    one, other = Ledger.open(address), Ledger.open(address)
    one.add([row()], who=WHO)
    assert len(other.history()) == 1
    other.retract(1, who=WHO, reason="x")
    assert held(one) == []
    one.close()
    other.close()


def test_kinds_are_kept_apart(ledger: Ledger) -> None:
    ccd = NewRow("ccd", {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": 1.0, "reference": "lab:1"})
    ledger.add([row(), ccd], who=WHO)
    assert [len(ledger.current(kind)) for kind in KINDS] == [1, 1, 0]
    assert len({ledger.content_hash(kind) for kind in KINDS}) == 3
    assert [e.kind for e in ledger.history("ccd")] == ["ccd"]
    with pytest.raises(LedgerConflictError, match="is a measurement of ccd"):
        ledger.correct(2, row(5e-3), who=WHO, reason="x")
