"""Polymer electrolytes in the ledger: the material is named by fields, and is one however it is spelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from training.ledger.intake import Wishes, add_table, correct_entry
from training.ledger.reading import from_records
from training.ledger.report import Outcome, Report
from training.ledger.store import Ledger
from training.measurements.materials import in_any_spelling, material_key
from training.measurements.problems import UnusableTableError

ROW = {
    "polymer": "*OCC(COCCOC)*",
    "salt": "LiTFSI",
    "molality": 1.0,
    "sigma_mS_per_cm": 0.02,
    "temperature_C": 60,
    "reference": "lab:2026-11-03:JD",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def add(ledger: Ledger, *rows: dict[str, Any], **wishes: Any) -> Report:
    return add_table(from_records(rows, "test"), who="a test", wishes=Wishes(**wishes), ledger=ledger)


def codes(report: Report, row: int = 1) -> list[str]:
    return [str(problem.code) for problem in report.problems if problem.row == row]


def test_a_table_with_a_polymer_is_of_polymers_whatever_the_conductivity_is_called(ledger: Ledger) -> None:
    """And one with a formula is not; where both stand somebody has to say which is meant."""
    assert add(ledger, ROW).kind == "polymer"
    told = {name: value for name, value in ROW.items() if name != "sigma_mS_per_cm"}
    assert add(ledger, told | {"log10_polymer_sigma_S_per_cm": -4.0}, dry_run=True).kind == "polymer"
    inorganic = {"formula": "Li3N", "sigma_mS_per_cm": 0.1, "temperature_C": 25, "reference": "lab:2026-11-03:JD"}
    assert add(ledger, inorganic, dry_run=True).kind == "conductivity"
    with pytest.raises(UnusableTableError, match="conductivity and polymer; say which with --kind"):
        add(ledger, ROW | {"formula": "Li3N"}, dry_run=True)


def test_what_was_read_is_told_and_kept(ledger: Ledger) -> None:
    report = add(ledger, ROW)
    assert report.rows[0].formula == "*OCC(COCCOC)*, LiTFSI, molality 1"
    assert report.rows[0].read_as == "*OCC(COCCOC)* with 1 mol/kg LiTFSI"
    (entry,) = ledger.holding("polymer")
    assert entry.read_as == report.rows[0].read_as
    assert entry.refusal == ""
    assert (entry.content or {})["polymer_sigma_S_per_cm"] == pytest.approx(2e-5)


@pytest.mark.parametrize(
    "other",
    [
        {"polymer": "*CC(COCCOC)O*"},
        {"polymer": "[Cu]OCC(COCCOC)[Au]"},
        {"polymer": "*OCC(COCCOC)OCC(COCCOC)*"},
        {"salt": "[Li+].O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"},
        {"salt": "lithium bis(trifluoromethanesulfonyl)imide"},
    ],
)
def test_one_electrolyte_in_two_spellings_is_one(ledger: Ledger, other: dict[str, Any]) -> None:
    twice = add(ledger, ROW, ROW | other, dry_run=True)
    assert codes(twice, 2) == ["duplicate_row"]
    assert add(ledger, ROW).entries == (1,)
    again = add(ledger, ROW | other)
    assert again.rows[0].outcome is Outcome.ALREADY_KNOWN
    assert any("material in another spelling" in str(problem) for problem in again.problems)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 20.0), st.sampled_from(["molality", "salt_wt_percent"]))
def test_an_amount_is_one_in_any_unit(molality: float, name: str) -> None:
    share = 100.0 * molality * 0.287075 / (1.0 + molality * 0.287075)
    given_as = {"molality": molality} if name == "molality" else {"salt_wt_percent": share}
    first = {"polymer": "PEO", "salt": "LiTFSI", "molality": molality}
    other = {"polymer": "PEO", "salt": "LiTFSI", **given_as}
    amounts = [float(material_key(one, 3).split("|")[2]) for one in (first, other)]
    assert amounts[0] == pytest.approx(amounts[1], rel=0.011)  # three digits, and atomic masses
    assert len(in_any_spelling(first | {"temperature_C": 60.0})) == 2


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"polymer": "PEOX"}, "unknown_name", "polymer"),
        ({"polymer": "CCOC"}, "open_ends_not_two", "polymer"),
        ({"polymer": "PVDF-HFP gel"}, "liquid_component", "polymer"),
        ({"salt": "NaTFSI"}, "not_lithium", "polymer"),
        ({"molality": None}, "missing_concentration", "polymer"),
        ({"li_per_O": 3.0}, "contradicting_concentration", "polymer"),
        ({"molality": -1.0}, "not_positive", "molality"),
        ({"molality": 31.0}, "out_of_range", "molality"),
        ({"temperature_C": 300.0}, "out_of_range", "temperature_C"),
        ({"sigma_mS_per_cm": 300.0}, "out_of_range", "sigma_mS_per_cm"),
        ({"polymer": None}, "missing_value", "polymer"),
    ],
)
def test_a_bad_row_is_refused_with_what_was_expected_and_harms_no_other(
    ledger: Ledger, change: dict[str, Any], code: str, column: str
) -> None:
    row = {name: value for name, value in (ROW | change).items() if value is not None}
    report = add(ledger, row, ROW | {"temperature_C": 80}, keep_good=True)
    assert [one.outcome for one in report.rows] == [Outcome.REFUSED, Outcome.STORED]
    refused = [problem for problem in report.problems if problem.row == 1]
    assert (str(refused[0].code), refused[0].column) == (code, column)
    assert refused[0].expected


def test_contradictions_and_thousandfolds_are_held(ledger: Ledger) -> None:
    add(ledger, ROW)
    report = add(ledger, ROW | {"sigma_mS_per_cm": 19.0, "reference": "lab:2026-11-09:JD"})
    assert report.rows[0].outcome is Outcome.HELD
    assert "factor_1000" in report.rows[0].held_for
    both = add(ledger, ROW | {"sigma_mS_per_cm": 0.021}, ROW | {"sigma_mS_per_cm": 0.025}, dry_run=True)
    assert all("conflicting_rows" in row.held_for for row in both.rows)
    pellets = [ROW | {"sigma_mS_per_cm": 0.02 + n / 1e3, "sample": f"film {n}"} for n in (1, 2)]
    assert add(ledger, *pellets).counts["stored"] == 2


def test_entries_are_corrected_and_retracted(ledger: Ledger) -> None:
    add(ledger, ROW)
    report = correct_entry(ledger, 1, {"salt": "LiFSI"}, who="a test", reason="wrong bottle")
    assert report.rows[0].read_as == "*OCC(COCCOC)* with 1 mol/kg LiFSI"
    refused = correct_entry(ledger, 2, {"molality": ""}, who="a test", reason="forgotten")
    assert codes(refused) == ["missing_concentration"]
    ledger.retract(2, who="a test", reason="the film was wet")
    assert ledger.holding("polymer") == []
    assert add(ledger, ROW).rows[0].outcome is Outcome.ALREADY_KNOWN
