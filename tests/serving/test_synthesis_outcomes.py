"""Batches of the laboratory in the ledger, what they change in a plan, and that a retraction undoes it."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from serving.models.laboratory import synthesis_outcomes
from serving.predictor import Predictor
from serving.synthesis.answers import SynthesisDocument
from serving.synthesis.plan import SynthesisRequest
from training.ledger.intake import add_measurements
from training.ledger.report import Report
from training.ledger.store import Ledger
from training.syntheses.outcomes import bottle_keys

TARGET = "Li1.3Al0.3Ti1.7(PO4)3"
USUAL = "Li2CO3 + NH4H2PO4 + Al2O3 + TiO2"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty ledger, which answers read."""
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("ELYTE_LEDGER_URL", address)
    monkeypatch.delenv("ELYTE_MODELS", raising=False)
    return address


@cache
def predictor() -> Predictor:
    return Predictor.load("shipped")


def planned() -> SynthesisDocument:
    return predictor().synthesis(SynthesisRequest(TARGET), top=50)


def add(address: str, **cells: object) -> Report:
    row = {"formula": TARGET, "precursors": USUAL, "temperature_C": 900, "reference": "lab:1"} | cells
    with closing(Ledger.open(address)) as opened:
        return add_measurements({"measurements": [row]}, "JD", opened)


def bottles(document: SynthesisDocument, place: int = 0) -> set[str]:
    return {one["formula"] for one in document["routes"][place]["precursors"]}


def test_a_failed_set_goes_behind_those_not_tried_and_a_retraction_brings_it_back(ledger: str) -> None:
    before = planned()
    assert bottles(before) == {"Li2CO3", "NH4H2PO4", "Al2O3", "TiO2"}
    assert before["routes"][0]["batches"] == []
    report = add(ledger, phases_found=f"{TARGET} + AlPO4")
    assert len(report.entries) == 1
    after = planned()
    assert bottles(after) != bottles(before)
    assert bottles(after, -1) == bottles(before)
    assert [(one["phases_found"], one["pure"]) for one in after["routes"][-1]["batches"]] == [
        (f"{TARGET} + AlPO4", False)
    ]
    assert any("AlPO4" in note for note in after["routes"][-1]["notes"])
    with closing(Ledger.open(ledger)) as opened:
        [entry] = opened.holding("synthesis")
        opened.retract(entry.entry, who="JD", reason="another powder")
    assert planned()["routes"] == before["routes"]


def test_a_set_that_worked_leads_however_unusual(ledger: str) -> None:
    other = planned()["routes"][3]["precursors"]
    made = " + ".join(one["formula"] for one in other)
    add(ledger, precursors=made, phases_found="Li1.3Al0.3Ti1.7P3O12")
    document = planned()
    assert bottle_keys(list(bottles(document))) == bottle_keys([one["formula"] for one in other]), "wet or dry alike"
    assert document["routes"][0]["batches"][0]["pure"] is True


def test_a_phase_that_was_left_over_counts_against_every_way_through_it(ledger: str) -> None:
    add(ledger, formula="LiTi2(PO4)3", precursors="Li2CO3 + TiO2 + NH4H2PO4", phases_found="LiTi2(PO4)3 + TiP2O7")
    routes = planned()["routes"]
    passed = [any("left over in a batch of yours" in note for note in route["notes"]) for route in routes]
    assert any(passed)
    assert passed == sorted(passed), "ways that avoid it stand first"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"precursors": "Li2CO3 + Ti!O2", "phases_found": TARGET}, "unreadable_formulas"),
        ({"phases_found": "rubbish and more"}, "unreadable_formulas"),
        ({"precursors": "", "phases_found": TARGET}, "missing_value"),
        ({"phases_found": TARGET, "temperature_C": 5000}, "out_of_range"),
        ({"phases_found": TARGET, "time_h": -1}, "not_positive"),
        ({"phases_found": TARGET, "formula": ""}, "missing_value"),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused(ledger: str, cells: dict[str, object], code: str) -> None:
    report = add(ledger, **cells)
    assert report.entries == ()
    assert code in str(report.as_dict())


def test_without_a_ledger_there_is_no_batch(ledger: str) -> None:
    assert synthesis_outcomes() == ()


def test_a_ledger_that_cannot_be_read_is_no_reason_to_plan_nothing(ledger: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 100)
    assert synthesis_outcomes() == ()
    assert planned()["status"] == "ok"
