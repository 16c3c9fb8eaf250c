"""The story of a retraining, told with the real tables: before, the lab's data, the gate, the swap, after, and back.

One family of materials is taken out of the tables and a champion is fitted that never saw it. The service is started on
a registry with that champion and asked about the family. Then the family's measured rows enter the ledger as the lab's
own, `retrain` judges them, and the gate decides; where it promotes, the running service takes the new champion over by
itself and is asked again. At the end the champion is rolled back, and the service follows. Prints one JSON line, the
story to standard error.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from retraining_families import REDUCED, Family, Laboratory
from running import Client, post, running_service, say

from training.properties.conductivity.ensemble import EnsembleSettings
from training.retraining.job import RetrainOptions, retrain
from training.retraining.promotion import first_champion, rollback
from training.retraining.rules import load_rules

WHO = "story"
POLL_SECONDS = "0.5"
LONGEST_WAIT_SECONDS = 120.0


def ask(port: int, family: Family) -> dict[str, Any]:
    """Ask the service about every material of the family at the temperature at which it was measured."""
    rows = family.rows()
    candidates = [
        {"formula": formula, "conditions": {"temperature_C": float(degrees)}}
        for formula, degrees in zip(rows["formula"], rows["temperature_C"], strict=True)
    ]
    body = json.dumps({"candidates": candidates, "properties": ["conductivity"]}).encode()
    with Client(port) as client:
        document: Any = client.send(post("/predict", body)).json()
    value = np.array([row["conductivity"]["log10_sigma_S_per_cm"]["value"] for row in document["results"]])
    known = np.array([row["applicability"]["conductivity"]["in_domain"] for row in document["results"]])
    error = np.abs(value - rows["log10_sigma_S_per_cm"].to_numpy(dtype=float))
    bound = rows["is_upper_bound"].to_numpy(dtype=bool)
    return {
        "digest": document["models"]["conductivity"]["digest"][:12],
        "mean_absolute_error_decades": round(float(error[~bound].mean()), 3),
        "share_known": round(float(known.mean()), 3),
    }


def wait_for(port: int, family: Family, digest: str) -> tuple[dict[str, Any], float]:
    """Ask until the model of a digest answers; returns the answer and how long that took."""
    started = time.monotonic()
    while time.monotonic() - started < LONGEST_WAIT_SECONDS:
        answer = ask(port, family)
        if answer["digest"] == digest[:12]:
            return answer, time.monotonic() - started
        time.sleep(0.3)
    raise RuntimeError(f"the service did not take over {digest[:12]}")


def tell(family: Family, settings: EnsembleSettings, work: Path) -> dict[str, Any]:
    """Tell the story of one family."""
    say(f"1. A champion that never saw any {family.name} ...")
    folder = family.champion(work, settings)
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Laboratory(Path(scratch))
        registry = laboratory.registry
        first = first_champion(registry, folder, who=WHO)
        assert first is not None
        environment = {"MLFLOW_TRACKING_URI": registry.uri, "ELYTE_POLL_SECONDS": POLL_SECONDS}
        with running_service(environment=environment) as service:
            before, _ = wait_for(service.port, family, first.digest)
            say(f"2. The service answers with it: {before}")
            ledger = laboratory.ledger(family.records(family.rows()))
            say(f"3. {len(family.rows())} measured rows entered the ledger; retraining ...")
            options = RetrainOptions(WHO, report=work / f"story-{family.name}.html")
            rules = load_rules("conductivity")
            result = retrain(family.job(settings), ledger, registry, rules, laboratory.folder / "work", options)
            say(f"4. The gate: {result.status}; {result.message}")
            told: dict[str, Any] = {"verdict": str(result.status), "before": before}
            if result.decision is not None:  # the honest figure: each source of new rows left out in turn
                told["gates"] = {gate.name: gate.why for gate in result.decision.gates if "new rows" in gate.name}
            promoted = registry.alias()
            if promoted is not None and promoted.digest != first.digest:
                after, seconds = wait_for(service.port, family, str(promoted.digest))
                say(f"5. The service took it over by itself within {seconds:.1f} s: {after}")
                rollback(registry, who=WHO, why="the end of the story")
                back, seconds_back = wait_for(service.port, family, first.digest)
                say(f"6. Rolled back; within {seconds_back:.1f} s the service answers as before: {back}")
                told |= {"after": after, "rolled_back": back, "swap_s": round(seconds, 1)}
                told |= {"rollback_s": round(seconds_back, 1)}
    return told | {"report": str(options.report)}


def main() -> None:
    """Tell and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", default="halide")
    parser.add_argument("--quick", action="store_true", help="smaller ensembles; gates are the same")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "elyte-retraining-benchmark")
    asked = parser.parse_args()
    settings = REDUCED if asked.quick else EnsembleSettings()
    story = tell(Family(asked.family), settings, asked.work)
    print(json.dumps({"benchmark": "retraining_story", "family": asked.family, "quick": asked.quick} | story))


if __name__ == "__main__":
    main()
