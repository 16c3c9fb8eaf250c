"""Retraining of critical currents on the embedded table: new reports, leave one source out, golden cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.bundle import load_bundle
from training.ledger.export import training_rows
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.measurements.training_rows import TrainingRows
from training.properties.ccd.retraining import CcdJob
from training.properties.ccd.table import LITERATURE_PATH, load_literature
from training.refitting.champion import Champion
from training.refitting.training_set import is_fitted_on
from training.retraining import pipeline
from training.retraining.gates import Verdict, decide
from training.retraining.loading import load_model
from training.retraining.pipeline import EvaluationPipeline
from training.retraining.rules import load_rules


@pytest.fixture(scope="module")
def literature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a part of the embedded table: papers are left out one by one, and each costs a fit."""
    rows = LITERATURE_PATH.read_text().splitlines(keepends=True)
    chosen = [row for row in rows[1:] if "argyrodite" in row or "garnet" in row][:80]
    path = tmp_path_factory.mktemp("literature") / "some.csv"
    path.write_text("".join([rows[0], *chosen]))
    return path


def nobody() -> tuple[None, None]:
    """Ask no other model: what they would say is unknown."""
    return None, None


def reports(values: list[float]) -> list[dict[str, Any]]:
    return [
        {
            "formula": "Li6PS5Cl",
            "ccd_mA_per_cm2": value,
            "temperature_C": 25.0,
            "interlayer_type": "none",
            "anode": "Li",
            "reference": f"lab:2026-10-{number + 1:02d}:JD",
        }
        for number, value in enumerate(values)
    ]


def ledger_of(folder: Path, records: list[dict[str, Any]]) -> Ledger:
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    table = from_records(records, "test")
    wishes = LedgerWishes("ccd", dry_run=True)
    named = add_table(table, who="a test", wishes=wishes, ledger=ledger).accept_warnings
    add_table(table, who="a test", wishes=LedgerWishes("ccd", accept_warnings=named), ledger=ledger)
    return ledger


def rows_of(ledger: Ledger) -> TrainingRows:
    return training_rows(ledger, "ccd")


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory, literature: Path) -> Champion:
    folder = tmp_path_factory.mktemp("ccd")
    job = CcdJob(nobody, literature=literature)
    empty = job.read(rows_of(Ledger.open(f"sqlite:///{folder / 'empty.db'}")), None)
    fitted = job.fit(empty, folder / "bundle", lambda what: None)
    model, _ = load_model("ccd", folder / "bundle", fitted.digest)
    return Champion("1", fitted.digest, load_bundle(folder / "bundle", expected_property="ccd"), model)


def test_reports_that_agree_are_promoted(
    champion: Champion, literature: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retraining_world import InlineProcess

    monkeypatch.setattr(pipeline, "BackgroundProcess", InlineProcess)
    job, rules = CcdJob(nobody, literature=literature), load_rules("ccd")
    ledger = ledger_of(tmp_path, reports([0.5, 0.6, 0.8, 1.0]))
    training_set = job.read(rows_of(ledger), champion)
    assert (training_set.n_new, training_set.rows_removed) == (4, 0)
    steps: list[str] = []
    gathered = EvaluationPipeline(job, rules, tmp_path, champion, training_set, steps.append)
    evidence, pictured = gathered.first()
    assert evidence.new_rows is not None
    assert evidence.new_rows.n_materials == 4
    gathered.fit()
    evidence, pictured = gathered.full(evidence, pictured)
    found = decide(evidence, rules)
    assert found.verdict is Verdict.PROMOTE, found.reasons
    assert evidence.official is None
    assert evidence.golden is not None
    assert "Li6PS5Cl" in {golden.formula for golden in evidence.golden}
    assert evidence.neighbours is not None
    assert evidence.neighbours.n_rows > 10
    assert len(steps) <= job.n_steps
    bundle = load_bundle(gathered.bundle, expected_property="ccd")
    assert is_fitted_on(bundle.card, training_set, job.recipe())
    later = job.read(rows_of(ledger), Champion("2", bundle.digest, bundle, None))
    assert (later.n_new, later.rows_removed) == (0, 0)
    assert list(later.base["id"]) == list(later.table["id"])


def test_reports_far_from_everything_ask_for_a_person(champion: Champion, literature: Path, tmp_path: Path) -> None:
    job, rules = CcdJob(nobody, literature=literature), load_rules("ccd")
    training_set = job.read(rows_of(ledger_of(tmp_path, reports([80.0, 90.0, 95.0, 99.0]))), champion)
    evidence, _ = EvaluationPipeline(job, rules, tmp_path, champion, training_set, lambda what: None).first()
    gates = {gate.name: gate for gate in decide(evidence, rules).gates}
    assert gates["new rows can be learnt"].outcome == "asks for a person"
    assert evidence.new_rows is not None
    assert evidence.new_rows.n_contradicting == 4


def test_shuffled_reports_are_no_material_to_learn_from(champion: Champion, literature: Path, tmp_path: Path) -> None:
    values = list(10.0 ** np.random.default_rng(1).uniform(-2.0, 2.0, 20))
    job, rules = CcdJob(nobody, literature=literature), load_rules("ccd")
    training_set = job.read(rows_of(ledger_of(tmp_path, reports(values))), champion)
    new = job.examine(training_set, champion, lambda what: None)
    assert new is not None
    assert new.rank_p > rules.largest_rank_p


def test_another_regime_is_shown_and_not_learnt_from(champion: Champion, literature: Path, tmp_path: Path) -> None:
    molten = reports([50.0])[0] | {"temperature_C": 200.0, "anode": "molten Li"}
    training_set = CcdJob(nobody, literature=literature).read(rows_of(ledger_of(tmp_path, [molten])), champion)
    assert training_set.n_new == 0
    assert len(training_set.table) == len(load_literature(literature)) + 1
    assert any("another regime" in remark for remark in training_set.remarks)
