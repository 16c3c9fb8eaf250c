"""A laboratory's polymers: rows of the ledger join the table, are examined, fitted on, and judged by the gates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra `polymer` is not installed")

from polymer_world import SETTINGS, rows, tables, true_sigma

from features.polymers.candidate import PolymerBatch, PolymerFields, read_polymer
from training.bundle import load_bundle
from training.ledger.export import training_rows
from training.ledger.intake import Wishes, add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.measurements.training_rows import TrainingRows
from training.properties.polymer.retraining import PolymerJob
from training.properties.polymer.tables import ROWS
from training.refitting.champion import Champion
from training.refitting.training_set import is_fitted_on
from training.retraining import pipeline
from training.retraining.gates import Verdict, decide
from training.retraining.loading import load_model
from training.retraining.pipeline import EvaluationPipeline
from training.retraining.rules import load_rules

UNITS = [f"*OCC(OC{'C' * n})C*" for n in range(1, 8)] + [f"*OC(=O)CC(OC{'C' * n})C*" for n in range(1, 8)]


def job_of_world() -> PolymerJob:
    """Return the job on the tables of the small world."""
    made = tables(noise=0.2)
    return PolymerJob(SETTINGS, lambda: rows(noise=0.2), lambda: (made.glass, made.simulated))


def measured(offset: float = 0.0, *, shuffled: bool = False) -> list[dict[str, Any]]:
    """Return a laboratory's measurements of polymers that the table lacks, by the law of the world."""
    read = [read_polymer(PolymerFields(unit, "LiTFSI", molality=1.0)) for unit in UNITS]
    sigma = [true_sigma(PolymerBatch.from_candidates(read), np.full(len(read), t)) for t in (30.0, 60.0)]
    found = np.array(sigma) + offset
    if shuffled:
        found = np.random.default_rng(3).uniform(-12.0, -3.0, found.shape)
    return [
        {
            "polymer": unit,
            "salt": "LiTFSI",
            "molality": 1.0,
            "temperature_C": t,
            "sigma_S_per_cm": 10.0 ** found[i, n],
            "reference": f"lab:2026-10-{n % 5 + 1:02d}:JD",
        }
        for n, unit in enumerate(UNITS)
        for i, t in enumerate((30.0, 60.0))
    ]


def rows_of(folder: Path, records: list[dict[str, Any]]) -> TrainingRows:
    """Return what a ledger with these measurements gives to learn from."""
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    if records:
        table = from_records(records, "test")
        named = add_table(table, who="a test", wishes=Wishes(dry_run=True), ledger=ledger).accept_warnings
        report = add_table(table, who="a test", wishes=Wishes(accept_warnings=named), ledger=ledger)
        assert (report.kind, report.counts["stored"]) == ("polymer", len(records))
    return training_rows(ledger, "polymer")


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    folder = tmp_path_factory.mktemp("polymer")
    job = job_of_world()
    fitted = job.fit(job.read(rows_of(folder, []), None), folder / "bundle", lambda what: None)
    model, _ = load_model("polymer", folder / "bundle", fitted.digest)
    return Champion("1", fitted.digest, load_bundle(folder / "bundle", expected_property="polymer"), model)


def test_measurements_that_agree_pass_every_gate(
    champion: Champion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retraining_world import InlineProcess

    monkeypatch.setattr(pipeline, "BackgroundProcess", InlineProcess)
    job, rules = job_of_world(), load_rules("polymer")
    from_ledger = rows_of(tmp_path, measured())
    training_set = job.read(from_ledger, champion)
    assert (training_set.n_new, training_set.rows_removed) == (28, 0)
    steps: list[str] = []
    gathered = EvaluationPipeline(job, rules, tmp_path, champion, training_set, steps.append)
    evidence, pictured = gathered.first()
    assert evidence.new_rows is not None
    assert (evidence.new_rows.n_materials, evidence.new_rows.n_sources) == (14, 5)
    gathered.fit()
    evidence, pictured = gathered.full(evidence, pictured)
    decision = decide(evidence, rules)
    # The world is small: its intervals may miss the band of the real table, and nothing else is in the way.
    against = {gate.name for gate in decision.gates if gate.outcome != "passed"}
    assert against <= {"coverage, left-out papers"}, decision.reasons
    assert evidence.golden is not None
    assert evidence.official is None
    bundle = load_bundle(gathered.bundle, expected_property="polymer")
    assert is_fitted_on(bundle.card, training_set, job.recipe())
    later = job.read(from_ledger, Champion("2", bundle.digest, bundle, None))
    assert (later.n_new, later.rows_removed) == (0, 0)
    retracted = job.read(rows_of(tmp_path / "..", []), Champion("2", bundle.digest, bundle, None))
    assert retracted.rows_removed == 28


def test_noise_is_not_learnt(champion: Champion, tmp_path: Path) -> None:
    job, rules = job_of_world(), load_rules("polymer")
    training_set = job.read(rows_of(tmp_path, measured(shuffled=True)), champion)
    evidence, _ = EvaluationPipeline(job, rules, tmp_path, champion, training_set, lambda what: None).first()
    decision = decide(evidence, rules)
    assert decision.verdict is not Verdict.PROMOTE
    gates = {gate.name: gate for gate in decision.gates}
    assert gates["new rows can be learnt"].outcome != "passed"


def test_the_table_of_a_ledger_is_that_of_the_recipe(tmp_path: Path) -> None:
    copolymer = {
        "polymer": "PPO 20; PEO 80",
        "salt": "LiTFSI",
        "li_per_O": 0.05,
        "molar_mass_kg_per_mol": 20.0,
        "polymer_sigma_mS_per_cm": 0.02,
        "temperature_K": 333.15,
        "doi": "10.1000/XYZ",
    }
    table = rows_of(tmp_path, [copolymer]).table
    assert tuple(table.columns) == ROWS
    row = table.iloc[0]
    assert row["polymer"] == "*CCO* 0.8;*OCC(C)* 0.2" or sorted(p.split()[1] for p in row["polymer"].split(";")) == [
        "0.2",
        "0.8",
    ]
    assert (row["paper"], row["doi"], row["molar_mass"]) == ("10.1000/xyz", "10.1000/xyz", 20_000.0)
    assert row["temperature_C"] == pytest.approx(60.0)
    assert row["log10_sigma"] == pytest.approx(np.log10(2e-5))
