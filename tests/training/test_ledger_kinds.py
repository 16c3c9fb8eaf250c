"""A kind of measurement is what a property declares: another one needs no word in the ledger; old ledgers take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from training.hash_chain import NotedHead
from training.ledger import database, headings, kinds
from training.ledger.export import training_rows
from training.ledger.intake import Wishes, add_table
from training.ledger.reading import from_records
from training.ledger.report import Report, Status
from training.ledger.store import Ledger
from training.measurements.columns import FORMULA, ORIGIN, TEMPERATURE, Contents, LedgerColumn, UnitHint, number
from training.measurements.contract import Measurements, nothing_is_frozen
from training.measurements.entries import NewRow, content_digest, content_text
from training.measurements.problems import Code, Level, UnusableTableError
from training.measurements.units import Notation, scaled
from training.properties import registry

MODULUS = number(
    "shear_modulus_GPa",
    "Shear modulus",
    "GPa",
    Notation(("shear_modulus",), scaled(("GPa", 1.0), ("MPa", 1e-3))),
    low=0.01,
    high=500.0,
    is_positive=True,
    hint=UnitHint(500.0, 500_000.0, "in MPa? name the column shear_modulus_MPa"),
)
ROW: dict[str, Any] = {"formula": "Li5.7PS4.7Cl1.3", "shear_modulus_MPa": 8100, "reference": "lab:1"}


class Moduli(Measurements):
    columns = (FORMULA.but(is_required=True), MODULUS, TEMPERATURE.but(low=-200.0, high=1000.0), *ORIGIN)
    measured = (MODULUS,)

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        return nothing_is_frozen(contents)


@pytest.fixture
def with_moduli(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register a property that measures shear moduli, as a package of its own would."""
    found = {**kinds.kinds(), "mechanics": Moduli()}
    caches = (kinds.all_columns, headings._plain_names, headings._notations, headings._known_names)
    for module in (kinds, headings):
        monkeypatch.setattr(module, "kinds", lambda: found)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def add(ledger: Ledger, *rows: dict[str, Any], **wishes: Any) -> Report:
    return add_table(from_records(rows, "rows"), who="JD", wishes=Wishes(**wishes), ledger=ledger)


@pytest.mark.usefixtures("with_moduli")
def test_a_further_kind_is_read_checked_stored_and_learned_from(sqlite_ledger: Ledger) -> None:
    assert add(sqlite_ledger, ROW).status is Status.STORED  # told by its heading, converted
    refused = add(sqlite_ledger, ROW | {"shear_modulus_MPa": None, "shear_modulus_GPa": 8100})
    (problem,) = refused.problems
    assert (problem.code, problem.level) == (Code.OUT_OF_RANGE, Level.REFUSED)
    assert "0.01 to 500 GPa (in MPa? name the column shear_modulus_MPa)" in str(problem)
    assert add(sqlite_ledger, ROW | {"temperature_C": 300}).rows[0].held_for == ("temperature_in_kelvin",)
    rows = training_rows(sqlite_ledger, "mechanics")
    assert rows.table["shear_modulus_GPa"].tolist() == [8.1]
    assert sqlite_ledger.content_hash("mechanics") == rows.content_hash


def test_a_kind_that_does_not_say_what_is_frozen_cannot_be_made() -> None:
    class Silent(Measurements):
        columns = Moduli.columns
        measured = Moduli.measured

    with pytest.raises(TypeError, match="reasons_to_exclude"):
        Silent()  # type: ignore[abstract]


def test_a_kind_must_answer_for_every_measurement(monkeypatch: pytest.MonkeyPatch, sqlite_ledger: Ledger) -> None:
    monkeypatch.setattr(type(kinds.measurements_of("ccd")), "reasons_to_exclude", lambda self, contents: [])
    row = {
        "formula": "Li6PS5Cl",
        "ccd_mA_per_cm2": 1.13,
        "interlayer_type": "none",
        "anode": "Li",
        "reference": "lab:1",
    }
    with pytest.raises(ValueError, match="ccd says of 0 of 1 measurements whether they leak"):
        add(sqlite_ledger, row | {"temperature_C": 25})


@pytest.mark.parametrize("work", [training_rows, Ledger.current, lambda ledger, kind: add(ledger, ROW, kind=kind)])
def test_a_kind_that_nobody_keeps_is_an_error_that_names_the_others(
    sqlite_ledger: Ledger, work: Callable[[Ledger, str], object]
) -> None:
    with pytest.raises(kinds.UnknownKindError, match="no measurements of 'colour' are kept; expected one of conduct"):
        work(sqlite_ledger, "colour")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (TEMPERATURE.but(unit="K"), "declares the column 'temperature_C' otherwise"),
        (
            LedgerColumn("colour", "Colour", aliases=("t",)),
            "the heading 't' of 'colour' stands for 'temperature_C' too",
        ),
    ],
)
@pytest.mark.usefixtures("with_moduli")
def test_kinds_that_contradict_each_other_are_refused(
    column: LedgerColumn, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Moduli, "columns", (FORMULA, MODULUS, column))
    with pytest.raises(ValueError, match=message):
        kinds.all_columns()


def test_a_quantity_may_be_measured_in_every_unit_in_which_it_may_be_ranked() -> None:
    """But an energy in eV alone: of an atom, or of a formula unit?"""
    columns = kinds.all_columns()
    measured = [one for _, one in registry.quantities().values() if one.measured_name in columns]
    assert len(measured) == 11
    for quantity in measured:
        column = columns[quantity.measured_name]
        factors = {name: unit.factor for name, unit in column.notations[0].units.items()}
        lacking = dict(quantity.units).items() - factors.items()
        assert column.unit == quantity.unit
        assert {name for name, _ in lacking} == ({"eV", "meV"} if quantity.unit == "eV/atom" else set())


def test_a_bound_belongs_to_what_is_measured(sqlite_ledger: Ledger) -> None:
    current = {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": 1.13, "interlayer_type": "none", "anode": "Li"}
    report = add(sqlite_ledger, current | {"temperature_C": 25, "sigma_S_per_cm": ">1e-3", "reference": "lab:1"})
    assert [(p.code, p.column) for p in report.problems] == [(Code.BOUND_NOT_ALLOWED, "sigma_S_per_cm")]


def test_a_table_of_critical_currents_may_hold_what_else_was_measured(sqlite_ledger: Ledger) -> None:
    both = {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": 1, "sigma_S_per_cm": 1e-3, "oxidation_V": 2}
    report = add(sqlite_ledger, both, dry_run=True)
    assert (report.kind, report.ignored_columns) == ("ccd", ("oxidation_V",))
    with pytest.raises(UnusableTableError, match="holds columns of conductivity and stability"):
        add(sqlite_ledger, {key: both[key] for key in both if key != "ccd_mA_per_cm2"})


# ---------------------------------------------------------------- ledgers of an earlier elyte


@pytest.fixture
def old_address(make_empty_address: Callable[[], str]) -> str:
    """Return the address of a ledger as version 0001 made and filled it."""
    address = make_empty_address()
    engine = database.open_engine(address)

    def make(connection: Any) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    database.write(engine, make)
    cells = {"formula": "Li6PS5Cl", "sigma_S_per_cm": 1e-3, "temperature_C": 25.0, "reference": "lab:1"}
    corrected = content_text("conductivity", cells | {"sigma_S_per_cm": 2e-3})
    recorded = [
        (1, "JD", [(1, 1, "add", 1, None, content_text("conductivity", cells), "")]),
        (2, "JD", [(2, 1, "add", 2, None, content_text("ccd", cells), "")]),
        (3, "AB", [(3, 1, "correct", 1, 1, corrected, "typo")]),
        (4, "AB", [(4, 1, "retract", 2, 2, None, "short circuit")]),
    ]
    kinds = {1: "conductivity", 2: "ccd", 3: "conductivity", 4: "ccd"}

    def fill(connection: sa.Connection) -> None:
        for batch, who, new in recorded:
            values = (batch, "2026-01-02T03:04:05.000006+00:00", who, "", "", "", len(new), "0.1.0")
            connection.execute(sa.text("INSERT INTO batches VALUES (:a, :b, :c, :d, :e, :f, :g, :h)"), named(values))
            for entry, row, action, measurement, before, text, reason in new:
                digest = None if text is None else content_digest(text)
                cells = (entry, batch, row, kinds[entry], action, measurement, before, text, digest, reason, "[]", "")
                names = ", ".join(f":{name}" for name in named(cells))
                connection.execute(sa.text(f"INSERT INTO entries VALUES ({names})"), named(cells))

    database.write(engine, fill)
    twin = "INSERT INTO entries SELECT 9, batch, 1, 'mechanics', 'add', 9, NULL, 'x', 'y', '', '[]', '' FROM batches"
    with pytest.raises(database.LedgerError):  # what the old tables do not take
        database.write(engine, lambda connection: connection.exec_driver_sql(f"{twin} WHERE batch = 1"))
    engine.dispose()
    return address


def named(values: Sequence[object]) -> dict[str, object]:
    return dict(zip("abcdefghijkl", values, strict=False))


def test_an_old_ledger_keeps_every_entry_and_takes_new_kinds(old_address: str) -> None:
    engine = database.open_engine(old_address)
    with database.reading(engine) as connection:
        before = connection.exec_driver_sql("SELECT * FROM entries ORDER BY entry").all()
    engine.dispose()
    ledger = Ledger.open(old_address)
    with database.reading(ledger._engine) as connection:
        after = connection.exec_driver_sql("SELECT * FROM entries ORDER BY entry").all()
    assert [row[:-1] for row in after] == [tuple(row) for row in before]
    assert ledger.audit().head == NotedHead(4, OLD_HEAD)
    name = "a kind with a name of more than twenty letters"
    ledger.add([NewRow(name, {"formula": "Li6PS5Cl"})], who="JD")
    assert (ledger.verify(), [entry.kind for entry in ledger.history(name)]) == (5, [name])
    ledger.close()
    assert Ledger.open(old_address).verify() == 5


def test_an_old_ledger_stays_append_only(old_address: str) -> None:
    ledger = Ledger.open(old_address)
    for statement in ("UPDATE entries SET reason = 'x'", "DELETE FROM entries", "DELETE FROM batches"):
        with pytest.raises(DBAPIError, match="append-only"), ledger._engine.begin() as connection:
            connection.exec_driver_sql(statement)
    (again,) = ledger.add([NewRow("conductivity", ledger.find(1).content or {})], who="JD")
    assert (again.is_new, ledger.verify()) == (False, 4)
    with pytest.raises(database.LedgerError, match=r"append-only|content_added_once"):
        database.write(ledger._engine, lambda connection: connection.exec_driver_sql(INSERT_OF_A_TWIN))


INSERT_OF_A_TWIN = (
    "INSERT INTO entries SELECT 9, batch, row_number, kind, action, 9, supersedes, content, content_hash, reason,"
    " warnings, excluded_from_training, chain_hash FROM entries WHERE entry = 1"
)
OLD_HEAD = "d91fe7080026545400c30066235b16626adb96487c076ec0b5c78b1420b4d06b"
"""A golden hash: chains of today must hold tomorrow, whatever computes them."""
