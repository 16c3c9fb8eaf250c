"""Does retraining refuse what is wrong, take what is right, and end in time? One JSON line a question.

    python benchmarks/retraining.py --what poison|family|time|all [--families ...] [--quick] [--work FOLDER]

poison  a family's rows, held out of training, come back with shuffled labels: 20 tries, none to be promoted
family  they come back as they are: the verdict, and the error on left-out papers, before and after
time    seconds of a full retrain of conductivity and of CCD, with twelve new rows each

`--quick` fits smaller ensembles (`retraining_families.REDUCED`); gates and examination of new rows are the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from retraining_families import REDUCED, Family, Laboratory

from training.bundle import load_bundle
from training.ledger.export import training_rows
from training.ledger.store import Ledger
from training.properties.conductivity.ensemble import EnsembleSettings
from training.refitting.champion import Champion
from training.retraining.gates import GateOutcome, decide
from training.retraining.job import RetrainOptions, retrain
from training.retraining.loading import load_model
from training.retraining.pipeline import EvaluationPipeline
from training.retraining.rules import load_rules
from training.sources import MissingSourceError

FAMILIES = ("NASICON", "garnet", "argyrodite", "halide")
SIZES = (None, 40, 20)
"""Rows of a poisoned batch: the whole family, or that many of it."""


def say(text: str) -> None:
    """Write progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def poison(families: tuple[str, ...], tries: int, settings: EnsembleSettings, work: Path) -> dict[str, Any]:
    """Return how many batches with shuffled labels were promoted; the same batches unshuffled for comparison."""
    outcomes: dict[str, int] = {"promoted": 0, "needs a person": 0, "kept": 0}
    told = []
    for number in range(tries):
        family, size = Family(families[number % len(families)]), SIZES[number // len(families) % len(SIZES)]
        rows = family.rows()
        if size is not None:
            rows = rows.sample(min(size, len(rows)), random_state=number).reset_index(drop=True)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            laboratory = Laboratory(Path(scratch))
            ledger = laboratory.ledger(family.records(rows, shuffle=number))
            verdict, why = _verdict(family, ledger, settings, work, laboratory)
        outcomes[verdict] += 1
        told.append(f"{family.name} {len(rows)}: {verdict}")
        say(f"poison {number + 1}/{tries} {told[-1]} in {time.perf_counter() - started:.0f} s: {why}")
    return {"benchmark": "poison", "tries": tries, **outcomes, "batches": told}


def _verdict(
    family: Family, ledger: Ledger, settings: EnsembleSettings, work: Path, laboratory: Laboratory
) -> tuple[str, str]:
    """Return the verdict; the whole job runs only where the new rows pass, since otherwise it cannot promote them."""
    folder, job, rules = family.champion(work, settings), family.job(settings), load_rules("conductivity")
    model, _ = load_model("conductivity", folder, None)
    bundle = load_bundle(folder, expected_property="conductivity")
    champion = Champion("1", bundle.digest, bundle, model)
    training_set = job.read(training_rows(ledger, "conductivity"), champion)
    pipeline = EvaluationPipeline(job, rules, laboratory.folder, champion, training_set, lambda what: None)
    evidence, _ = pipeline.first()
    gate = next(gate for gate in decide(evidence, rules).gates if gate.name == "new rows can be learnt")
    if gate.outcome is not GateOutcome.PASSED:
        return ("kept" if gate.outcome is GateOutcome.FAILED else "needs a person"), gate.why
    options = RetrainOptions("benchmark", shipped=folder)
    result = retrain(job, ledger, laboratory.registry, rules, laboratory.folder / "work", options)
    return {"promoted": "promoted", "kept": "kept"}.get(str(result.status), "needs a person"), result.message


def families(names: tuple[str, ...], settings: EnsembleSettings, work: Path) -> Iterator[dict[str, Any]]:
    """Yield, per family, what became of its true rows and what they did for the family's left-out papers."""
    for name in names:
        family = Family(name)
        say(f"family {name}: champion without it")
        folder = family.champion(work, settings)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            laboratory = Laboratory(Path(scratch))
            ledger = laboratory.ledger(family.records(family.rows()))
            options = RetrainOptions("benchmark", report=work / f"report-{name}.html", shipped=folder)
            job, rules = family.job(settings), load_rules("conductivity")
            result = retrain(job, ledger, laboratory.registry, rules, laboratory.folder / "work", options)
            stored = next((laboratory.folder / "work").rglob("evidence.json")).read_text()
        evidence = json.loads(stored)
        new, official = evidence["new_sources"] or {}, evidence["official"] or {}
        yield {
            "benchmark": "family",
            "family": name,
            "verdict": str(result.status),
            "rows": evidence["rows_to_examine"],
            "sources": evidence["new_rows"]["n_sources"],
            "rank_correlation": round(evidence["new_rows"]["rank_correlation"], 3),
            "rank_p": evidence["new_rows"]["rank_p"],
            "error_before": round(new.get("champion", np.nan), 3),
            "error_after": round(new.get("challenger", np.nan), 3),
            "difference_95": [new.get("low_95"), new.get("high_95")],
            "official_before": round(official.get("champion", np.nan), 3),
            "official_after": round(official.get("challenger", np.nan), 3),
            "reasons": [] if result.decision is None else result.decision.reasons[:4],
            "seconds": round(time.perf_counter() - started),
        }


def seconds(settings: EnsembleSettings, work: Path) -> Iterator[dict[str, Any]]:
    """Yield the seconds of a full retrain of the shipped models, with twelve new rows each."""
    from retraining_times import time_ccd, time_conductivity

    yield time_conductivity(settings, work)
    yield time_ccd(work)


def main() -> None:
    """Answer the questions that were asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("poison", "family", "time", "all"), default="all")
    parser.add_argument("--families", nargs="+", default=FAMILIES)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "elyte-retraining-benchmark")
    asked = parser.parse_args()
    settings, names = REDUCED if asked.quick else EnsembleSettings(), tuple(asked.families)
    if asked.what in ("poison", "all"):
        print(json.dumps(poison(names, asked.tries, settings, asked.work) | {"quick": asked.quick}), flush=True)
    if asked.what in ("family", "all"):
        for line in families(names, settings, asked.work):
            print(json.dumps(line | {"quick": asked.quick}), flush=True)
    if asked.what in ("time", "all"):
        for line in seconds(settings, asked.work):
            print(json.dumps(line | {"quick": asked.quick}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except MissingSourceError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
