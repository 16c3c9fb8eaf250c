"""The way in: units converted, known values compared with, leaks marked, corrections checked; the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.commands.data import data
from training.ledger.export import training_rows
from training.ledger.headings import understand
from training.ledger.intake import Wishes, add_measurements, add_table, correct_entry
from training.ledger.kinds import all_columns, kinds
from training.ledger.reading import from_records, read_measurements_file
from training.ledger.report import Report, Status
from training.ledger.store import Ledger
from training.measurements.contract import LEAKS, NOT_CHECKED
from training.measurements.problems import Code, Level, UnusableTableError
from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE, missing

ROW: dict[str, Any] = {"formula": "Li5.7PS4.7Cl1.3", "sigma_S_per_cm": 2e-3, "temperature_C": 25, "reference": "lab:1"}
needs_tables = pytest.mark.skipif(bool(missing(["obelix_test"])), reason="needs the public tables (elyte data fetch)")


def add(ledger: Ledger, *rows: dict[str, Any], **wishes: Any) -> Report:
    return add_table(from_records(rows, "rows"), who="JD", wishes=Wishes(**wishes), ledger=ledger)


def add_accepting(ledger: Ledger, *rows: dict[str, Any]) -> Report:
    """Add rows, every warning that a dry run lists accepted by name."""
    named = add(ledger, *rows, dry_run=True).accept_warnings
    return add(ledger, *rows, accept_warnings=named)


def codes(report: Report, level: Level = Level.SUSPICIOUS) -> set[Code]:
    return {problem.code for problem in report.problems if problem.level is level}


# ---------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("header", "value", "column", "expected"),
    [
        ("sigma_mS_per_cm", 2.0, "sigma_S_per_cm", 2e-3),
        ("sigma (mS/cm)", 2.0, "sigma_S_per_cm", 2e-3),
        ("Ionic conductivity [S cm⁻¹]", 2e-3, "sigma_S_per_cm", 2e-3),
        ("σ / S m^-1", 0.2, "sigma_S_per_cm", 2e-3),
        ("conductivity_uS_per_cm", 2.0, "sigma_S_per_cm", 2e-6),
        ("log10_sigma_S_per_cm", -3.0, "sigma_S_per_cm", 1e-3),
        ("log10(sigma / S cm-1)", -3.0, "sigma_S_per_cm", 1e-3),
        ("log10(sigma (mS/cm))", 0.0, "sigma_S_per_cm", 1e-3),
        ("T / K", 298.15, "temperature_C", 25.0),
        ("Temperature (°C)", 25.0, "temperature_C", 25.0),
        ("temperature_K", 333.15, "temperature_C", 60.0),
        ("Ea (kJ/mol)", 96.485332, "activation_energy_eV", 1.0),
        ("activation_energy_meV", 300.0, "activation_energy_eV", 0.3),
        ("ccd_A_per_m2", 10.0, "ccd_mA_per_cm2", 1.0),
        ("CCD (mA cm-2)", 1.0, "ccd_mA_per_cm2", 1.0),
        ("relative_density_pct", 95.0, "relative_density", 0.95),
        ("Relative density (%)", 95.0, "relative_density", 0.95),
        ("ASR (Ω cm²)", 5.0, "interfacial_resistance_ohm_cm2", 5.0),
        ("pressure_bar", 50.0, "stack_pressure_MPa", 5.0),
        ("areal_capacity_mAh_cm2", 0.5, "areal_capacity_mAh_cm2", 0.5),
        ("thickness (µm)", 30.0, "thickness_um", 30.0),
        ("oxidation_mV", 2100.0, "oxidation_V", 2.1),
        ("energy_above_hull_meV_per_atom", 25.0, "energy_above_hull_eV_per_atom", 0.025),
        ("a_nm", 0.99, "a", 9.9),
        ("step_time_min", 30.0, "step_time_h", 0.5),
    ],
)
def test_units_are_converted_as_the_header_says(header: str, value: float, column: str, expected: float) -> None:
    heading = understand(header, frozenset([header]))
    assert heading is not None
    assert heading.unit is not None
    assert heading.column == column
    assert heading.unit.convert(value) == pytest.approx(expected, rel=1e-9)


def test_every_canonical_column_is_understood_as_it_is() -> None:
    for measurements in kinds().values():
        for column in measurements.columns:
            heading = understand(str(column), frozenset([str(column)]))
            assert heading is not None
            assert heading.column == column
            assert heading.unit is None or (heading.unit.factor, heading.unit.offset) == (1.0, 0.0)


@settings(max_examples=200, deadline=None)
@given(value=st.floats(1e-12, 0.9), name=st.sampled_from(["S/cm", "mS/cm", "S/m", "uS/cm"]))
def test_one_measurement_is_one_content_in_any_unit(value: float, name: str) -> None:
    value = float(f"{value:.6g}")
    units = all_columns()["sigma_S_per_cm"].notations[0].units
    written = float(f"{value / units[name].factor:.9g}")
    assert units[name].convert(written) == pytest.approx(value, rel=1e-8)
    assert units[name].convert(float(f"{value / units[name].factor:.15g}")) == units["S/cm"].convert(value)


def test_the_unit_may_stand_in_a_column_of_its_own(sqlite_ledger: Ledger) -> None:
    base = {"formula": "Li5.7PS4.7Cl1.3", "reference": "lab:1"}
    add(
        sqlite_ledger,
        {**base, "sigma": 2, "sigma_unit": "mS/cm", "temperature": 298.15, "temperature_unit": "K"},
        {**base, "sigma": 0.004, "sigma_unit": "S/cm", "temperature": 60, "temperature_unit": "°C"},
    )
    table = sqlite_ledger.current("conductivity")
    assert table["sigma_S_per_cm"].tolist() == [2e-3, 4e-3]
    assert table["temperature_C"].tolist() == [25.0, 60.0]


def test_columns_that_agree_are_one(sqlite_ledger: Ledger) -> None:
    row = {**ROW, "log10_sigma_S_per_cm": -2.699, "temperature_K": 298}
    assert add(sqlite_ledger, row).status is Status.STORED
    assert sqlite_ledger.current("conductivity")["sigma_S_per_cm"].tolist() == [2e-3]  # the canonical one


# ---------------------------------------------------------------- what is stored


def test_bounds(sqlite_ledger: Ledger) -> None:
    report = add_accepting(sqlite_ledger, ROW | {"sigma_S_per_cm": "<1e-9", "formula": "Li9Y3Te5N"})
    assert report.status is Status.STORED
    row = sqlite_ledger.current("conductivity").iloc[0]
    assert (row["sigma_S_per_cm"], row["bound"]) == (1e-9, "upper")
    ccd = {"formula": "Li6PS5Cl", "ccd_mA_per_cm2": ">2", "interlayer_type": "None", "anode": "li", "temperature_C": 25}
    add_accepting(sqlite_ledger, ccd | {"reference": "lab:1"})
    row = sqlite_ledger.current("ccd").iloc[0]
    assert (row["bound"], row["interlayer_type"], row["anode"]) == ("lower", "none", "Li")


def test_a_file_added_twice_changes_nothing(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("formula,sigma_mS_per_cm,doi\nLi5.7PS4.7Cl1.3,2,10.1234/abc\n")
    wishes = Wishes(accept_warnings="1:temperature_assumed")
    first = add_table(read_measurements_file(path), who="JD", wishes=wishes, ledger=sqlite_ledger)
    before = sqlite_ledger.content_hash("conductivity")
    again = add_table(read_measurements_file(path), who="AB", ledger=sqlite_ledger)  # its warning was accepted then
    assert (first.status, again.status) == (Status.STORED, Status.NOTHING_NEW)
    assert "entry 1" in str(again.problems[0])
    assert sqlite_ledger.content_hash("conductivity") == before
    (entry,) = sqlite_ledger.history()
    assert (entry.who, entry.origin, entry.warnings) == ("JD", "new.csv", ("temperature_assumed",))
    assert len(entry.origin_sha256) == 64


def test_jsonl_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame([ROW, ROW | {"temperature_C": 60, "sigma_S_per_cm": 8e-3}])
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    hashes = set()
    for suffix in ("csv", "parquet", "jsonl"):
        ledger = Ledger.open(str(tmp_path / f"{suffix}.db"))
        add_table(read_measurements_file(tmp_path / f"t.{suffix}"), who="JD", ledger=ledger)
        hashes.add(ledger.content_hash("conductivity"))
    assert len(hashes) == 1


def test_the_ledger_itself_is_known(sqlite_ledger: Ledger) -> None:
    formula = "Li8SnN4"
    add(sqlite_ledger, ROW | {"formula": formula, "sigma_S_per_cm": 1e-3})
    otherwise = {"formula": "Li16Sn2N8", "temperature_C": 27, "reference": "lab:2"}
    report = add(sqlite_ledger, ROW | otherwise | {"sigma_S_per_cm": 1e-6})
    assert codes(report) == {Code.FACTOR_1000}
    assert "entry 1 of the ledger" in str(report.problems[0])
    assert Code.REPEATS_KNOWN in codes(add(sqlite_ledger, ROW | otherwise | {"sigma_S_per_cm": 1.01e-3}))
    observed = {"formula": formula, "observation": "stable", "against": "Li", "reference": "lab:1"}
    add(sqlite_ledger, observed)
    contrary = add(sqlite_ledger, observed | {"observation": "decomposes", "reference": "lab:2"})
    assert codes(contrary) == {Code.DEVIATES_FROM_KNOWN}


def test_keeping_the_good_and_dry_runs(sqlite_ledger: Ledger) -> None:
    rows = [ROW, ROW | {"sigma_S_per_cm": -1}, ROW | {"temperature_C": 300}]
    dry = add(sqlite_ledger, *rows, dry_run=True)
    assert [str(row.outcome) for row in dry.rows] == ["storable", "refused", "held"]
    assert sqlite_ledger.history() == []
    kept = add(sqlite_ledger, *rows, keep_good=True)
    assert (kept.status, kept.entries, kept.all_accepted) == (Status.PARTLY_STORED, (1,), False)
    assert "1 stored, 1 held, 1 refused" in kept.summary()


def test_corrections_are_checked_like_new_rows(sqlite_ledger: Ledger) -> None:
    add(sqlite_ledger, ROW | {"formula": "Li8SnN4"})
    wrong = correct_entry(sqlite_ledger, 1, {"sigma_mS_per_cm": "-3"}, who="JD", reason="typo")
    assert wrong.status is Status.REFUSED
    held = correct_entry(sqlite_ledger, 1, {"temperature_C": "298.15"}, who="JD", reason="typo")
    assert held.status is Status.HELD
    right = correct_entry(sqlite_ledger, 1, {"sigma_mS_per_cm": "3", "state": "pellet"}, who="JD", reason="typo")
    assert right.entries == (2,)
    row = sqlite_ledger.current("conductivity").iloc[0]
    assert (row["sigma_S_per_cm"], row["state"], row["measurement"]) == (3e-3, "pellet", 1)
    gone = sqlite_ledger.retract(2, who="JD", reason="short circuit")
    again = add(sqlite_ledger, ROW | {"formula": "Li8SnN4"})
    assert again.status is Status.NOTHING_NEW
    assert "corrected since by entry 2" in str(again.problems[0])
    back = correct_entry(sqlite_ledger, gone, {"state": ""}, who="JD", reason="was no short circuit")
    assert back.entries == (4,)
    assert sqlite_ledger.current("conductivity")["sigma_S_per_cm"].tolist() == [3e-3]
    with pytest.raises(UnusableTableError, match="'colour' is not known"):
        correct_entry(sqlite_ledger, 4, {"colour": "red"}, who="JD", reason="x")


def test_documents(sqlite_ledger: Ledger) -> None:
    report = add_measurements({"measurements": [ROW], "kind": "conductivity"}, "key 7", sqlite_ledger)
    document = json.loads(json.dumps(report.as_dict()))
    assert (document["status"], document["entries"]) == ("stored", [1])
    assert sqlite_ledger.history()[0].who == "key 7"
    for wrong, message in [
        ({}, "expected a list of objects"),
        ({"measurements": []}, "holds no rows"),
        ({"measurements": [1]}, "expected a list of objects"),
        ({"measurements": [ROW], "knid": "ccd"}, "unknown key 'knid'"),
        ({"measurements": [ROW], "kind": "colour"}, "expected one of conductivity"),
        ({"measurements": [ROW], "accept_warnings": True}, "received 'True', expected ROW:code"),
        ({"measurements": [ROW], "source": 1}, "expected a text"),
        ({"measurements": [ROW], "source": "lab:2999-01-01"}, "source: received.*future"),
    ]:
        with pytest.raises(UnusableTableError, match=message):
            add_measurements(wrong, "key 7", sqlite_ledger)
    refused = (
        add_measurements({"measurements": [ROW | {"sigma_S_per_cm": v}]}, "k", sqlite_ledger) if (v := True) else None
    )
    assert refused is not None
    assert codes(refused, Level.REFUSED) == {Code.NOT_A_NUMBER}


# ---------------------------------------------------------------- leakage


@needs_tables
def test_what_leaks_is_stored_but_never_learned_from(sqlite_ledger: Ledger) -> None:
    from training.properties.conductivity.schema import table_schema
    from training.properties.conductivity.table import load_obelix

    test = load_obelix("test")
    formula = test["formula"].iloc[0]
    doi = next(doi for doi in test["doi"] if doi).split("|")[0]
    report = add_accepting(
        sqlite_ledger,
        ROW,
        ROW | {"formula": formula},
        {"formula": "Li7Ta1Sn2P9N4", "sigma_S_per_cm": 1e-4, "temperature_C": 25, "doi": doi},
    )
    assert report.status is Status.STORED
    assert [bool(row.excluded_from_training) for row in report.rows] == [False, True, True]
    assert codes(report, Level.NOTE) == {Code.LEAKS_INTO_EVALUATION}
    assert "no model will learn from it" in str(report.problems[-1])
    assert sqlite_ledger.current("conductivity")["excluded_from_training"].str.startswith(LEAKS).sum() == 2
    rows = training_rows(sqlite_ledger, "conductivity")
    assert rows.table["formula"].tolist() == [ROW["formula"]]
    assert rows.table["log10_sigma_S_per_cm"].tolist() == [pytest.approx(math.log10(2e-3))]
    assert set(rows.left_out) == {2, 3}
    table_schema().validate(rows.table)
    alone = Ledger.open(str(Path(sqlite_ledger.place.removeprefix("sqlite:///")).with_name("b.db")))
    add(alone, ROW)
    assert rows.content_hash == alone.content_hash("conductivity")


@needs_tables
def test_stability_leaks_by_energies_and_by_windows(sqlite_ledger: Ledger) -> None:
    from training.sources import locate

    frozen = locate("critexam_ef_test").read_text().splitlines()
    formula = next(line.split(",")[0] for line in frozen[1:] if line.startswith("Li"))
    base = {"reference": "lab:1"}
    report = add_accepting(
        sqlite_ledger,
        {**base, "formula": formula, "formation_energy_eV_per_atom": -1.0, "oxidation_V": None},
        {**base, "formula": "Li10GeP2S12", "formation_energy_eV_per_atom": None, "oxidation_V": 2.2},
        {**base, "formula": "Li9Ta1Sn2P9N4", "formation_energy_eV_per_atom": -1.0, "oxidation_V": 2.2},
    )
    assert [bool(row.excluded_from_training) for row in report.rows] == [True, True, False]
    assert training_rows(sqlite_ledger, "stability").table["formula"].tolist() == ["Li9Ta1Sn2P9N4"]


def test_what_cannot_be_checked_is_not_learned_from(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "nothing"))
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    report = add(sqlite_ledger, ROW)
    assert report.status is Status.STORED
    assert codes(report, Level.NOTE) == {Code.LEAKAGE_NOT_CHECKED}
    assert "embedded literature only" in report.remarks[0]
    rows = training_rows(sqlite_ledger, "conductivity")
    assert (len(rows.table), rows.left_out[1][: len(NOT_CHECKED)]) == (0, NOT_CHECKED)


def test_currents_become_rows_of_the_ccd_table(sqlite_ledger: Ledger) -> None:
    from training.properties.ccd.table import load_literature

    ccd = {"ccd_mA_per_cm2": 1.13, "interlayer_type": "none", "anode": "Li", "temperature_C": 25, "reference": "lab:1"}
    add(sqlite_ledger, ccd | {"formula": "Li6PS5Cl"}, ccd | {"material": "LLZTO", "electrolyte_class": "garnet"})
    table = training_rows(sqlite_ledger, "ccd").table
    assert table["electrolyte_class"].tolist() == ["argyrodite", "garnet"]
    assert set(table.columns) == set(load_literature().columns)
    assert len(training_rows(sqlite_ledger, "stability").table) == 0


# ---------------------------------------------------------------- the command line


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELYTE_LEDGER_URL", f"sqlite:///{tmp_path / 'deep' / 'folder' / 'ledger.db'}")
    (tmp_path / "good.csv").write_text("formula,sigma_S_per_cm,temperature_C,note\nLi5.7PS4.7Cl1.3,2e-3,25,nice\n")
    (tmp_path / "bad.csv").write_text("formula,sigma_S_per_cm,temperature_C\nLi5.7PS4.7Cl1.3,-2e-3,25\n")
    (tmp_path / "useless.csv").write_text("formula;sigma\n")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(data, [str(argument) for argument in arguments])


def test_the_command_line_adds_corrects_retracts_and_tells(home: Path) -> None:
    added = run("add", "--input", home / "good.csv", "--source", "lab:2026-01-05:JD", "--who", "JD", "--json")
    assert added.exit_code == 0, added.output
    document = json.loads(added.stdout)
    assert (document["status"], document["ignored_columns"]) == ("stored", ["note"])
    assert "not stored: note" in added.stderr
    again = run("add", "--input", home / "good.csv", "--source", "lab:2026-01-05:JD")
    assert (again.exit_code, "nothing new" in again.stdout) == (0, True)
    corrected = run("correct", "1", "--set", "sigma_mS_per_cm=3", "--reason", "typo", "--who", "AB")
    assert corrected.exit_code == 0, corrected.output
    retracted = run("retract", "2", "--reason", "short circuit", "--json")
    assert json.loads(retracted.stdout) == {"entry": 3, "retracts": 2}
    told = json.loads(run("history", "--json").stdout)
    assert [(e["action"], e["who"], e["holds"]) for e in told["entries"][:2]] == [
        ("add", "JD", False),
        ("correct", "AB", False),
    ]
    assert len(told["content_hash"]["conductivity"]) == 64
    plain = run("history", "--kind", "conductivity")
    assert "corrects 1 (typo)" in plain.stdout
    assert "retracts 2 (short circuit)" in plain.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("add", "--input", "bad.csv", "--source", "lab:1"), 1, "row 1 (line 2), sigma_S_per_cm: received '-2e-3'"),
        (("add", "--input", "useless.csv"), 2, "semicolons"),
        (("add", "--input", "absent.csv"), 2, "does not exist"),
        (("add", "--input", "good.csv", "--ledger", "mysql://x/y"), 2, "not supported"),
        (("add", "--input", "good.csv", "--source", "x"), 2, "source: received 'x'"),
        (("retract", "7", "--reason", "x"), 2, "no entry 7"),
        (("correct", "7", "--set", "sigma", "--reason", "x"), 2, "COLUMN=VALUE"),
        (("history", "--entry", "9"), 2, "no entry 9"),
    ],
)
def test_exit_status_and_message(home: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    result = run(*(home / word if word.endswith(".csv") else word for word in arguments))
    assert result.exit_code == status, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
