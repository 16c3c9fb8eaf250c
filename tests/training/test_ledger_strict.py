"""What predict would only warn of is held, row by row, until somebody names it; what is held is never learnt from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from features.candidate import MaterialBatch
from serving.commands.data import data
from training.ledger.acceptance import read_accepted, write_accepted
from training.ledger.export import training_rows
from training.ledger.intake import Wishes, add_table, correct_entry
from training.ledger.material_checks import suspect_materials
from training.ledger.reading import from_records, read_measurements_file
from training.ledger.report import Outcome, Report, Status
from training.ledger.sanity import known_materials
from training.ledger.store import Ledger
from training.measurements.entries import NewRow
from training.measurements.known import MeasuredMaterials
from training.measurements.problems import Code, Level, UnusableTableError
from training.measurements.rows import Row
from training.properties.conductivity.table import load_literature

HEADER = "formula,sigma_S_per_cm,temperature_C"
GOOD = "Li5.7PS4.7Cl1.3,2e-3,25"
DOUBTFUL = [
    ("Li6PS5Cl2,1e-3,25", "not_charge_balanced"),
    ("Li5PS5Cl,1e-3,25", "not_charge_balanced"),
    ("Li5.8PS5Cl,1e-3,25", "not_charge_balanced"),  # 0.2 charges a formula, though less than 0.02 an atom
    ("Li7La3Zr2O13,1e-4,25", "not_charge_balanced"),
    ("Li3PS5,1e-4,25", "not_charge_balanced"),
    ("Li1.3Al0.3Ti1.7P3O13,1e-4,25", "not_charge_balanced"),
    ("LiCoO2,1e-8,25", "out_of_domain"),
    ("LiC6,1e-4,25", "out_of_domain"),
    ("Li2CN2,1e-7,25", "out_of_domain"),
    ("LiCl,1e-9,25", "out_of_domain"),
    ("LiRuO2,1e-6,25", "out_of_domain"),
    ("Li3AcCl6,1e-4,25", "unseen_element"),
    ("Li7PuO6,1e-7,25", "unseen_element"),
    ("name:LLZTO,3e-4,25", "name_taken"),
    ("Li2O-TaCl5,1e-3,25", "mixture_without_amounts"),
    ("Li6PS5Cl(s),2e-3,25", "text_ignored"),
    ("Li6PS4.98Cl1.04,2e-3,298", "temperature_in_kelvin"),
    ("Li6.01PS5.01Cl0.99,2e-3,", "temperature_assumed"),
    ("Li6PS5Cl,0.9,25", "factor_1000"),
    ("Li9.9Sn1.1P1.9S12,0.06,25", "far_above_known"),
]


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    path = tmp_path / "doubtful.csv"
    path.write_text("\n".join([HEADER, *(row for row, _ in DOUBTFUL)]) + "\n", encoding="utf-8")
    return path


def add_file(path: Path, ledger: Ledger, **wishes: Any) -> Report:
    given = Wishes(source="lab:2026-01-05:JD", **wishes)
    return add_table(read_measurements_file(path), who="JD", wishes=given, ledger=ledger)


def add(ledger: Ledger, *rows: dict[str, Any], **wishes: Any) -> Report:
    return add_table(from_records(rows, "rows"), who="JD", wishes=Wishes(**wishes), ledger=ledger)


def row(formula: str, **cells: Any) -> dict[str, Any]:
    given = {"formula": formula, "sigma_S_per_cm": 2e-3, "temperature_C": 25, "reference": "lab:1"}
    return given | cells


# ---------------------------------------------------------------- what is held


def test_twenty_doubtful_rows_are_held_each_by_its_reason(doubtful: Path, sqlite_ledger: Ledger) -> None:
    report = add_file(doubtful, sqlite_ledger)
    assert report.status is Status.HELD
    assert [(r.row, r.line, r.outcome) for r in report.rows] == [(i, i + 1, Outcome.HELD) for i in range(1, 21)]
    assert [code for told, (_, code) in zip(report.rows, DOUBTFUL, strict=True) if code not in told.held_for] == []
    assert sqlite_ledger.history() == []
    assert len(training_rows(sqlite_ledger, "conductivity").table) == 0


def test_a_row_is_stored_once_its_own_warnings_are_accepted_and_no_other(doubtful: Path, sqlite_ledger: Ledger) -> None:
    for stored in range(1, len(DOUBTFUL) + 1):
        held = add_file(doubtful, sqlite_ledger, dry_run=True).rows[stored - 1].held_for
        report = add_file(doubtful, sqlite_ledger, accept_warnings=[f"{stored}:{code}" for code in held])
        assert report.rows[stored - 1].outcome is Outcome.STORED, report.rows[stored - 1]
        (*_, entry) = sqlite_ledger.history()
        assert (len(sqlite_ledger.history()), entry.row_number, entry.who) == (stored, stored, "JD")
        assert set(entry.warnings) == set(held)
        assert entry.recorded_at
    assert add_file(doubtful, sqlite_ledger).status is Status.NOTHING_NEW


def test_what_is_held_reaches_no_training_table(doubtful: Path, sqlite_ledger: Ledger) -> None:
    add_file(doubtful, sqlite_ledger, accept_warnings="3:not_charge_balanced")
    held = training_rows(sqlite_ledger, "conductivity")
    assert set(held.table["formula"]) | {sqlite_ledger.find(e).read_as for e in held.left_out} == {"Li5.8PS5Cl"}


def test_all_warnings_of_a_row_must_be_named(sqlite_ledger: Ledger) -> None:
    odd = row("LiC6", temperature_C=300)
    report = add(sqlite_ledger, odd, accept_warnings="1:out_of_domain,1:temperature_in_kelvin")
    assert (report.status, report.rows[0].held_for) == (Status.HELD, ("not_charge_balanced",))
    assert report.accept_warnings == "1:not_charge_balanced,1:out_of_domain,1:temperature_in_kelvin"
    assert add(sqlite_ledger, odd, accept_warnings=report.accept_warnings).status is Status.STORED
    again = add(sqlite_ledger, odd, accept_warnings=report.accept_warnings)  # a client that repeats itself
    assert again.status is Status.NOTHING_NEW


def test_what_is_accepted_and_what_is_good_is_stored_unless_a_row_is_refused(sqlite_ledger: Ledger) -> None:
    rows = [row("Li5.7PS4.7Cl1.3"), row("Li6PS5Cl2"), row("LiCoO2")]
    refused = add(sqlite_ledger, *rows, row("Li6PS5Cl)"), accept_warnings="2:not_charge_balanced")
    assert (refused.status, sqlite_ledger.history()) == (Status.REFUSED, [])
    report = add(sqlite_ledger, *rows, accept_warnings="2:not_charge_balanced")
    assert [str(told.outcome) for told in report.rows] == ["stored", "stored", "held"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("2:out_of_domain", r"'2:out_of_domain' \(row 2 is held for not_charge_balanced\)"),
        ("1:not_charge_balanced", "row 1 is held for nothing"),
        ("9:not_charge_balanced", "there is no row 9; expected 1 to 3"),
        ("3:unparseable_formula", "row 3 is refused, not held: correct it"),
        ("2:no_such_code", "row 2 is held for not_charge_balanced"),
        ("all", "received 'all', expected ROW:code pairs"),
        ("2", "received '2', expected ROW:code pairs"),
        ("2:not_charge_balanced,*", r"received '\*'"),
        (True, "received 'True'"),
        (["2:not_charge_balanced", 3], "expected ROW:code pairs"),
    ],
)
def test_a_wrong_row_or_code_is_refused_and_nothing_is_stored(
    sqlite_ledger: Ledger, named: object, message: str
) -> None:
    rows = [row("Li5.7PS4.7Cl1.3"), row("Li6PS5Cl2"), row("Li6PS5Cl)")]
    with pytest.raises(UnusableTableError, match=message):
        add(sqlite_ledger, *rows, accept_warnings=named, keep_good=True)
    assert sqlite_ledger.history() == []


def test_pairs_are_written_as_they_are_read() -> None:
    pairs = frozenset({(3, "out_of_domain"), (20, "not_charge_balanced")})
    assert write_accepted(pairs) == "3:out_of_domain,20:not_charge_balanced"
    assert read_accepted(write_accepted(pairs)) == read_accepted(["20:not_charge_balanced 3:out_of_domain"]) == pairs
    assert read_accepted("") == read_accepted([]) == frozenset()


def test_no_known_material_is_far_from_the_known_and_few_have_charges_left() -> None:
    formulas = [*load_literature()["formula"]]
    rows = [Row(number, None, {"formula": formula}) for number, formula in enumerate(formulas)]
    suspect_materials(rows, known_materials([]))
    held = [code for one in rows for code in one.codes(Level.SUSPICIOUS)]
    assert not {"out_of_domain", "unseen_element"} & set(held)
    assert 0 < held.count("not_charge_balanced") < 0.05 * len(rows)


def test_the_nearest_material_is_found_near_and_far() -> None:
    formulas = ("Li6PS5Cl", "Li7La3Zr2O12", "Li3N")
    known = MeasuredMaterials(MaterialBatch.from_formulas(formulas).matrix(), formulas)
    distance, nearest = known.nearest(MaterialBatch.from_formulas(["Li6PS5Br", "Li2O", "Na"]).matrix(), 0.15)
    assert distance == pytest.approx([1 / 13, 1 / 3, 1.0])
    assert nearest[:2] == ["Li6PS5Cl", "Li3N"]


def test_a_compound_of_the_reference_table_is_no_stranger_to_stability(sqlite_ledger: Ledger) -> None:
    from training.sources import missing

    if missing(["critexam_ef_train"]):
        pytest.skip("needs the public tables (elyte data fetch)")
    seen = {"formula": "LiCoO2", "observation": "stable", "against": "Li3PS4", "reference": "lab:1"}
    assert add(sqlite_ledger, seen).status is Status.STORED
    assert add(sqlite_ledger, seen | {"formula": "LiRu3O7N"}).status is Status.HELD


# ---------------------------------------------------------------- what was read


def test_each_row_says_what_was_read_beside_what_was_typed(sqlite_ledger: Ledger) -> None:
    report = add(sqlite_ledger, row("Li₅.₇PS₄.₇Cl₁.₃"), row("75Li2S-25P2S5"), {"sigma_S_per_cm": 1, "formula": "x"})
    told = [(one["formula"], one["read_as"]) for one in report.as_dict()["rows"]]  # type: ignore[attr-defined]
    assert told == [("Li₅.₇PS₄.₇Cl₁.₃", "Li5.7PS4.7Cl1.3"), ("75Li2S-25P2S5", "Li3PS4"), ("x", None)]


@pytest.mark.parametrize("word", ["NaN", "No", "NA", "None", "-", "TRUE", "n/a"])
def test_a_word_for_nothing_is_an_empty_cell_and_no_sodium_nitride(sqlite_ledger: Ledger, word: str) -> None:
    report = add(sqlite_ledger, row(word))
    assert [(p.code, p.column) for p in report.problems if p.level is Level.REFUSED] == [("empty_formula", "formula")]
    assert f"'{word}'" in str(report.problems[0])


def test_words_for_nothing_leave_other_cells_empty_but_for_words_of_the_list(sqlite_ledger: Ledger) -> None:
    report = add(sqlite_ledger, row("Li5.7PS4.7Cl1.3", activation_energy_eV="NaN", sample="n/a", state="-"))
    assert report.status is Status.STORED
    assert (sqlite_ledger.find(1).content or {}).keys() == {"formula", "sigma_S_per_cm", "temperature_C", "reference"}
    current = {
        "formula": "NaN",
        "material": "LPSCl",
        "electrolyte_class": "argyrodite",
        "ccd_mA_per_cm2": 1.13,
        "interlayer_type": "None",
        "anode": "Li",
    }
    assert add(sqlite_ledger, current | {"temperature_C": 25, "reference": "lab:1"}).status is Status.STORED


@pytest.mark.parametrize("spelling", ["Li₃N", "2Li3N", "Li6N2", "NLi3", "Li3 N"])
def test_another_spelling_is_the_same_measurement(sqlite_ledger: Ledger, spelling: str) -> None:
    both = add(sqlite_ledger, row("Li3N"), row(spelling), dry_run=True)
    assert Code.DUPLICATE_ROW in {problem.code for problem in both.problems if problem.row == 2}
    named = add(sqlite_ledger, row("Li3N"), dry_run=True).accept_warnings
    add(sqlite_ledger, row("Li3N"), accept_warnings=named)
    assert add(sqlite_ledger, row(spelling)).rows[0].entry == 1
    sqlite_ledger.retract(1, who="JD", reason="short circuit")
    again = add(sqlite_ledger, row(spelling))
    assert again.status is Status.NOTHING_NEW
    assert "retracted since by entry 2" in str(again.problems[0])


# ---------------------------------------------------------------- corrections and old entries


def test_a_correction_keeps_what_was_accepted_of_the_formula_and_the_paper(sqlite_ledger: Ledger) -> None:
    paper = "10.1016/j.jallcom.2022.166731"  # of the embedded literature table
    add(sqlite_ledger, row("Li6PS5Cl2", doi=paper), accept_warnings="1:not_charge_balanced,1:paper_already_known")
    report = correct_entry(sqlite_ledger, 1, {"state": "pellet"}, who="AB", reason="state forgotten")
    assert report.entries == (2,)
    assert sqlite_ledger.find(2).warnings == ("not_charge_balanced", "paper_already_known")
    held = correct_entry(sqlite_ledger, 2, {"formula": "Li5PS5Cl"}, who="AB", reason="misread")
    assert held.rows[0].held_for == ("not_charge_balanced",)
    accepted = correct_entry(
        sqlite_ledger, 2, {"formula": "Li5PS5Cl"}, who="AB", reason="x", accept_warnings="1:not_charge_balanced"
    )
    assert accepted.entries == (3,)


def test_an_old_entry_whose_formula_is_refused_now_is_left_out_and_stops_nothing(sqlite_ledger: Ledger) -> None:
    cells = {"formula": "LiPON", "sigma_S_per_cm": 2e-6, "temperature_C": 25.0, "reference": "lab:1"}
    sqlite_ledger.add([NewRow("conductivity", cells)], who="an earlier elyte")
    assert add(sqlite_ledger, row("Li5.7PS4.7Cl1.3")).status is Status.STORED
    old = sqlite_ledger.find(1)
    assert (old.read_as, "is refused now" in old.refusal) == (None, True)
    assert training_rows(sqlite_ledger, "conductivity").left_out[1] == old.refusal
    right = correct_entry(sqlite_ledger, 1, {"formula": "Li2.9PO3.3N0.46"}, who="JD", reason="a name")
    assert right.rows[0].outcome in (Outcome.STORED, Outcome.HELD)


# ---------------------------------------------------------------- the command line


def run(*arguments: object) -> Result:
    return CliRunner().invoke(data, [str(argument) for argument in arguments])


def test_the_command_that_is_printed_stores_what_was_held(doubtful: Path, tmp_path: Path) -> None:
    where = ("--source", "lab:2026-01-05:JD", "--ledger", tmp_path / "lab.db")
    checked = run("check", "--input", doubtful, *where, "--json")
    added = run("add", "--input", doubtful, *where, "--who", "JD", "--json")
    assert (checked.exit_code, added.exit_code) == (1, 1)
    said, told = json.loads(checked.stdout), json.loads(added.stdout)
    assert (said["status"], told["status"]) == ("checked", "held")
    assert [said[part] for part in ("rows", "problems", "accept_warnings")] == [
        told[part] for part in ("rows", "problems", "accept_warnings")
    ]
    assert "row 15 (line 16) is held: 'Li2O-TaCl5' read as Li2TaOCl5" in added.stderr
    assert run("history", "--ledger", tmp_path / "lab.db", "--json").stdout.count('"entry"') == 0
    command = told["accept_command"].split()
    assert command[:4] == ["elyte", "data", "add", "--input"]
    done = run(*command[2:])
    assert (done.exit_code, "20 stored" in done.stdout) == (0, True)
    assert "JD accepted name_taken" in run("history", "--ledger", tmp_path / "lab.db").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "--accept-warnings"), "requires an argument"),
        (("add", "--accept-warnings", "all"), "expected ROW:code pairs"),
        (("add", "--accept-warnings", "1:not_charge_balanced,2:out_of_domain"), "row 2 is held for not_charge"),
        (("check", "--accept-warnings", "21:out_of_domain"), "there is no row 21"),
    ],
)
def test_a_wrong_acceptance_exits_2(doubtful: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    where = ("--source", "lab:2026-01-05:JD", "--ledger", tmp_path / "lab.db")
    found = run(arguments[0], "--input", doubtful, *where, *arguments[1:])
    assert found.exit_code == 2
    assert message in found.output
    assert Ledger.open(str(tmp_path / "lab.db")).history() == []


def test_options_about_measurements_need_a_file_to_check() -> None:
    found = run("check", "--source", "lab:1")
    assert (found.exit_code, "expected --input FILE" in found.output) == (2, True)
