"""The laboratory's own ledger leads answers: a real SQLite file and predictor; the monitor must not hear of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from serving.models.laboratory import NO_LEDGER, ledger_version
from serving.models.store import load_models
from serving.predictor import Predictor
from training.ledger.intake import add_measurements
from training.ledger.store import Ledger

FORMULA, VALUE = "Li3ScBr6", 2.5e-3


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a ledger that does not exist yet, which models of 'auto' ask."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("ELYTE_LEDGER_URL", url)
    monkeypatch.delenv("ELYTE_MODELS", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    return url


def record(address: str, value: float = VALUE) -> None:
    row = {"formula": FORMULA, "sigma_S_per_cm": value, "temperature_C": 25.0, "state": "cold-pressed"}
    document = {"kind": "conductivity", "source": "lab:2026-11-29:JD", "measurements": [row]}
    report = add_measurements(document, "JD", Ledger.open(address))
    assert report.counts["stored"] == 1, report


def measured(predictor: Predictor) -> dict[str, Any] | None:
    """Return what an answer says was measured on the material."""
    found: dict[str, Any] = dict(predictor.predict_formulas([FORMULA])["results"][0])
    block: dict[str, Any] | None = found["conductivity"]["measured"]
    return block


def test_a_ledger_that_does_not_exist_is_not_made(address: str, tmp_path: Path) -> None:
    assert ledger_version() == NO_LEDGER
    assert measured(Predictor.load("auto", ["conductivity"])) is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_recorded_leads_the_next_answer(address: str) -> None:
    record(address)
    assert ledger_version() == 1
    found = measured(Predictor.load("auto", ["conductivity"]))
    assert found is not None
    assert (found["measurements"], found["weight"]) == (1, 0.5)
    (sample,) = found["samples"]
    assert (sample["source"], sample["doi"], sample["state"]) == ("ledger", "lab:2026-11-29:JD", "cold-pressed")


def test_the_models_as_shipped_and_the_monitor_hear_nothing_of_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(address)
    assert load_models("auto", ["conductivity"])["conductivity"].model.laboratory is None
    assert measured(Predictor.load("shipped", ["conductivity"])) is None
    monkeypatch.setenv("ELYTE_MODELS", "shipped")
    assert measured(Predictor.load("auto", ["conductivity"])) is None


def test_a_ledger_that_cannot_be_read_is_said_and_answers_go_on(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database at all, but something else of some length" * 40)
    assert measured(Predictor.load("auto", ["conductivity"])) is None
    assert "the ledger is not read" in caplog.text


def test_a_damaged_entry_is_said_and_what_was_served_stays(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(address)
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DROP TABLE entries")
    assert ledger_version() is None
    assert measured(Predictor.load("auto", ["conductivity"])) is None
    assert "the ledger is not read" in caplog.text
