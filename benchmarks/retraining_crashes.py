"""Does anything break when retraining is killed at any moment? 200 kill -9 over add, retrain with promotion, rollback.

    python benchmarks/retraining_crashes.py [--kills 200] [--quick]

Each life is a process of its own that is killed after a random time. After each, another process checks that the
champion loads and passes its golden check, that every row whose adding was confirmed is in the ledger, that no lock is
held, and that promotion log and alias agree. Models are of a few trees on a part of the embedded literature table, and
the second process of a fit runs inside the first, so that 200 lives take minutes; ledger, stages, registry and log are
the real ones.
Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.figure  # noqa: F401 - before any fork, so that a life need not wait for it
import mlflow.pyfunc  # noqa: F401
import numpy as np

from training.bundle import DataSource
from training.catalogue import source
from training.ledger import export
from training.ledger.intake import Wishes as LedgerWishes
from training.ledger.intake import add_table
from training.ledger.reading import from_records
from training.ledger.store import Ledger
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.residual_net import ResidualNetSettings
from training.properties.conductivity.retraining import ConductivityJob
from training.properties.conductivity.table import load_literature
from training.refitting.training_set import TrainingSet
from training.retraining import pipeline
from training.retraining.job import RetrainOptions, retrain
from training.retraining.locks import only_one
from training.retraining.promotion import first_champion, log_of, recover, rollback
from training.retraining.promotion_log import State
from training.retraining.registry import ModelRegistry
from training.retraining.rules import load_rules
from training.sources import MissingSourceError

if TYPE_CHECKING:
    import pandas as pd

N_ROWS = 60
SETTINGS = EnsembleSettings(
    process_iterations=1,
    forest_trees=5,
    boosting_rounds=10,
    boosting_seeds=1,
    nets=ResidualNetSettings(n_nets=1, hidden=4, epochs=3),
    explainer_trees=5,
    explainer_neighbours=60,
    n_folds=2,
)
BEYOND = 1.2
"""Lives are killed at a random moment up to this multiple of what the work took when it was left alone."""


def tables() -> tuple[pd.DataFrame, list[DataSource], list[str]]:
    """Return a part of the embedded literature table."""
    literature = DataSource(
        name="literature", rows=N_ROWS, licence="facts with sources", attribution="", sha256="0" * 64
    )
    return load_literature().iloc[:N_ROWS].reset_index(drop=True), [literature], []


def no_split() -> pd.DataFrame:
    """There is no official split here, so that every promotion is one against the gates."""
    raise MissingSourceError(source("obelix_test"), "left out of the crash test")


class Inside:
    """The second process of a fit, in the first."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401
        self.result = partial(work, *arguments)

    def stop(self) -> None:
        """End; there is nothing to."""


class World:
    """A folder with ledger, registry, work and receipts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = ModelRegistry("conductivity", f"sqlite:///{folder / 'registry' / 'mlflow.db'}")
        self.receipts = folder / "receipts.jsonl"

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened anew."""
        return Ledger.open(f"sqlite:///{self.folder / 'ledger.db'}")

    def fit(self) -> None:
        """Fit the first champion."""
        table, sources, lacking = tables()
        nothing = np.zeros(len(table), dtype=bool)
        first = TrainingSet("0" * 64, table, nothing, table, table.iloc[:0], "0" * 64, sources, lacking, 0, ())
        ConductivityJob(SETTINGS, tables, no_split).fit(first, self.folder / "shipped", lambda what: None)

    def begin(self) -> None:
        """Register the first champion."""
        first_champion(self.registry, self.folder / "shipped", who="crash test")

    def add(self, number: int) -> None:
        """Add two rows and, once that is confirmed, write a receipt."""
        draw = random.Random(number)
        records = [
            {
                "formula": f"Li{6 - x:.3f}PS{5 - x:.3f}Cl{1 + x:.3f}",
                "sigma_S_per_cm": 10 ** draw.uniform(-3.5, -2.0),
                "temperature_C": 25.0,
                "reference": f"lab:life {number}",
            }
            for x in (draw.uniform(0.0, 0.8), draw.uniform(0.0, 0.8))
        ]
        table = from_records(records, "life")
        wishes = LedgerWishes("conductivity", dry_run=True)
        named = add_table(table, who="crash test", wishes=wishes, ledger=self.ledger).accept_warnings
        wishes = LedgerWishes("conductivity", accept_warnings=named)
        report = add_table(table, who="crash test", wishes=wishes, ledger=self.ledger)
        assert report.all_accepted, report.problems
        descriptor = os.open(self.receipts, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, json.dumps([r["reference"] for r in records]).encode() + b"\n")
        os.fsync(descriptor)

    def retrain(self, number: int) -> None:
        """Judge and promote."""
        options = RetrainOptions("crash test", promote_anyway=f"life {number}", shipped=self.folder / "shipped")
        job, rules = ConductivityJob(SETTINGS, tables, no_split), load_rules("conductivity")
        retrain(job, self.ledger, self.registry, rules, self.folder / "work", options)

    def rollback(self, number: int) -> None:
        """Go back, where there is something to go back to."""
        if len(log_of(self.registry).champions("conductivity")) > 1:
            rollback(self.registry, who="crash test", why=f"life {number}")

    def check(self) -> None:
        """Raise where anything is not as promised."""
        for name in ("retrain-conductivity", "promotion-conductivity", "promotion-log"):
            with only_one(self.folder / "registry", name, "check"):
                pass
        recover(self.registry)
        alias = self.registry.alias()
        assert alias is not None, "no champion"
        self.registry.load(alias)  # raises unless whole and golden
        log = log_of(self.registry)
        assert not log.open_moves("conductivity"), "open moves after recovery"
        done = [move for move in log.read("conductivity") if move.state is State.DONE]
        assert done[-1].version == alias.version, f"log says {done[-1].version}, alias {alias.version}"
        ledger = self.ledger
        ledger.verify()
        held = Counter(str(entry.content["reference"]) for entry in ledger.holding("conductivity") if entry.content)
        for line in self.receipts.read_text().splitlines():
            for reference in json.loads(line):
                assert held[reference] == 2, f"{reference}: {held[reference]} of 2 accepted rows"


def life(work: Callable[[], None], seconds: float | None) -> str:
    """Run work in a process of its own, killed after some seconds; return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            with open(os.devnull, "w") as quiet:
                os.dup2(quiet.fileno(), 1)
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child that goes on as its parent would run the benchmark twice
            traceback.print_exc()
            os._exit(1)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return "ended" if os.waitstatus_to_exitcode(status) == 0 else "failed"
        if deadline is not None and time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "killed"
        time.sleep(0.002)


def main() -> None:
    """Kill, check, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="five kills")
    asked = parser.parse_args()
    wanted = 5 if asked.quick else asked.kills
    pipeline.BackgroundProcess = Inside  # type: ignore[misc,assignment]
    export.reasons_to_exclude = lambda kind, contents: [""] * len(contents)
    draw, counts, during, broken = random.Random(11), Counter[str](), Counter[str](), []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch))
        world.fit()  # here, so that every life finds libraries and compiled loops in memory
        assert life(world.begin, None) == "ended", "the world did not begin"
        longest: dict[str, float] = {}
        for name in ("add", "retrain", "rollback"):
            began = time.monotonic()
            assert life(partial(getattr(world, name), 0), None) == "ended", f"{name} did not end"
            longest[name] = BEYOND * (time.monotonic() - began)
        number = 0
        while counts["killed"] < wanted:
            number += 1
            name = draw.choices(("add", "retrain", "rollback"), (2, 6, 2))[0]
            end = life(partial(getattr(world, name), number), draw.uniform(0.0, longest[name]))
            counts[end] += 1
            during[name] += end == "killed"
            if end == "failed" or life(world.check, None) != "ended":
                broken.append(f"life {number}: {name} {end}")
            sys.stderr.write(f"{counts['killed']}/{wanted} {name} {end}; broken {len(broken)}\n")
        assert life(partial(world.retrain, number + 1), None) == "ended", "the last retrain did not end"
        last = life(world.check, None)
        read = log_of(world.registry).read("conductivity")
        moves = Counter(str(move.state) for move in read)
        promotions = Counter(str(move.action) for move in read if move.state is State.DONE)
    line = {
        "benchmark": "crashes",
        "kills": counts["killed"],
        "killed_during": dict(during),
        "ended_before": counts["ended"],
        "promotions": promotions,
        "broken": broken,
        "sound_at_the_end": last == "ended",
        "log": dict(moves),
        "seconds": round(time.perf_counter() - started),
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
