"""How long a full retrain takes: the shipped champions, the real tables, and twelve new rows of a laboratory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from retraining_families import Laboratory

from serving.commands.train import shipped_model
from serving.models.store import SHIPPED
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.properties.ccd.declaration import CCD
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.retraining import ConductivityJob
from training.refitting.property_job import PropertyJob
from training.retraining.job import RetrainOptions, retrain
from training.retraining.registry import ModelRegistry
from training.retraining.rules import load_rules

N_ROWS = 12


def time_conductivity(settings: EnsembleSettings, work: Path) -> dict[str, Any]:
    """Return the seconds of a retrain of conductivity: argyrodites with more or less chloride, as a laboratory has."""
    records = [
        {
            "formula": f"Li{7 - x:.2f}PS{6 - x:.2f}Cl{x:.2f}",
            "sigma_S_per_cm": 10 ** (-3.2 + 0.9 * (x - 0.9)),
            "temperature_C": 25.0,
            "family": "argyrodite",
            "reference": f"lab:2026-10-{number + 1:02d}:JD",
        }
        for number, x in enumerate(0.93 + 0.06 * i for i in range(N_ROWS))
    ]
    return _timed(ConductivityJob(settings), "conductivity", records, work)


def time_ccd(work: Path) -> dict[str, Any]:
    """Return the seconds of a retrain of CCD."""
    records = [
        {
            "formula": "Li6PS5Cl",
            "ccd_mA_per_cm2": round(0.6 + 0.1 * number, 2),
            "temperature_C": 25.0,
            "interlayer_type": "none" if number % 2 else "fluoride/halide",
            "anode": "Li",
            "reference": f"lab:2026-10-{number + 1:02d}:JD",
        }
        for number in range(N_ROWS)
    ]
    return _timed(CCD.retraining(seed=None, quick=False, model_of=shipped_model), "ccd", records, work)


def _timed(job: PropertyJob, kind: str, records: list[dict[str, Any]], work: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Laboratory(Path(scratch))
        ledger = Ledger.open(f"sqlite:///{laboratory.folder / 'ledger.db'}")
        table = from_records(records, "benchmark")
        trial = add_table(table, who="benchmark", wishes=LedgerWishes(kind, dry_run=True), ledger=ledger)
        wishes = LedgerWishes(kind, accept_warnings=trial.accept_warnings)
        add_table(table, who="benchmark", wishes=wishes, ledger=ledger)
        registry = ModelRegistry(job.name, laboratory.registry.uri)
        started, used = time.perf_counter(), time.process_time()
        report = work / f"report-time-{job.name}.html"
        options = RetrainOptions("benchmark", report=report, shipped=SHIPPED / job.name)
        result = retrain(job, ledger, registry, load_rules(job.name), laboratory.folder / "work", options)
        return {
            "benchmark": "time",
            "property": job.name,
            "seconds": round(time.perf_counter() - started, 1),
            "processor_seconds_of_this_process": round(time.process_time() - used, 1),
            "verdict": str(result.status),
            "reasons": [] if result.decision is None else result.decision.reasons[:4],
        }
