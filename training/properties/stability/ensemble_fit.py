"""Fitting the nets of the ensemble side by side, each in a process of its own, from where an earlier run stopped."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from training.properties.stability.descriptors import Standardisation, composition_features
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.fit import FitSettings, fit_member
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.network import load_network
from training.properties.stability.student_settings import StudentSettings
from training.properties.stability.table import EnergyTable, read_energies

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class NetSettings:
    """What is fitted.

    Attributes
    ----------
    seeds
        One net each.
    largest_split
        Rows taken of each split at most, None for all: a quick setting for tests.
    fit
        Of each net.
    student
        Of the pool of all nets.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3)
    largest_split: int | None = None
    fit: FitSettings = field(default_factory=FitSettings)
    student: StudentSettings = field(default_factory=StudentSettings)

    @classmethod
    def quick(cls) -> NetSettings:
        """Return a setting that runs in seconds: the path is the same, the figures mean nothing."""
        return cls(seeds=(0, 1), largest_split=1500, fit=FitSettings.quick(), student=StudentSettings.quick())

    @property
    def n_epochs(self) -> int:
        """Epochs of all nets together."""
        return len(self.seeds) * self.fit.epochs

    @property
    def n_steps(self) -> int:
        """Epochs of all nets together, and the steps of the student."""
        return self.n_epochs + self.student.n_steps()

    def fingerprint(self) -> str:
        """Return a short text that differs for settings which fit different nets, whatever their number or student."""
        content = asdict(replace(self, seeds=()))
        del content["student"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def load_table(settings: NetSettings) -> EnergyTable:
    """Read the energies, or the part of them that the settings take."""
    table = read_energies()
    if settings.largest_split is None:
        return table
    random = np.random.default_rng(0)
    rows = [table.rows_of(name) for name in ("train", "val", "test")]
    parts = [random.choice(part, min(len(part), settings.largest_split), replace=False) for part in rows]
    return table.take(np.sort(np.concatenate(parts)))


def fit_scaling(table: EnergyTable) -> Standardisation:
    """Measure the composition features of the training rows."""
    return Standardisation.fit(composition_features(table.batch(table.rows_of("train"))))


def fit_ensemble(
    settings: NetSettings, work: Path, *, on_epoch: Callable[[str], None] = lambda what: None
) -> NetEnsemble:
    """Fit all nets, as many at once as there are cores (one at a time on a GPU).

    Parameters
    ----------
    settings
        What to fit.
    work
        Folder for checkpoints; nets of the same settings found there are continued or taken as they are.
    on_epoch
        Called once for every epoch of every net, those of an earlier run included.
    """
    work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(_workers(settings), mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_fit_one, settings, seed, work) for seed in settings.seeds]
        try:
            _report(jobs, settings, work, on_epoch)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return NetEnsemble.from_networks(
        [load_network(_checkpoint(work, seed), settings.fit.network) for seed in settings.seeds]
    )


def _workers(settings: NetSettings) -> int:
    import torch

    return 1 if torch.cuda.is_available() else min(len(settings.seeds), os.cpu_count() or 1)


def _report(jobs: list[Future[None]], settings: NetSettings, work: Path, on_epoch: Callable[[str], None]) -> None:
    """Follow the nets by what they leave in the folder; raise what a net raised."""
    told = 0
    while True:
        finished = all(job.done() for job in jobs)
        done = {seed: _epochs_done(work, seed) for seed in settings.seeds}
        for _ in range(sum(done.values()) - told):
            on_epoch("nets " + " ".join(f"{seed}:{epochs}" for seed, epochs in done.items()))
        told = max(told, sum(done.values()))
        for job in jobs:
            if job.done():
                job.result()
        if finished:
            return
        time.sleep(POLL_SECONDS)


def _checkpoint(work: Path, seed: int) -> Path:
    return work / f"net-{seed}.pt"


def _epochs_done(work: Path, seed: int) -> int:
    try:
        return int((work / f"net-{seed}.epochs").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _fit_one(settings: NetSettings, seed: int, work: Path) -> None:
    """Fit one net in a process of its own."""
    import torch

    torch.set_num_threads(1)
    parent = os.getppid()
    progress = work / f"net-{seed}.epochs"

    def on_epoch(epochs: int, losses: dict[str, float]) -> None:
        if os.getppid() != parent:
            raise SystemExit("the process that wanted this net is gone")  # the checkpoint is written: nothing is lost
        part = progress.with_suffix(".part")
        part.write_text(str(epochs))
        os.replace(part, progress)
        with (work / f"net-{seed}.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"epochs": epochs} | losses) + "\n")

    table = load_table(settings)
    rows = table.rows_of("train")
    surroundings = Surroundings.of(table, rows)
    own = table.phases.row_of_input[rows]
    inputs = net_inputs(surroundings, table.batch(rows), fit_scaling(table), own)
    fit_member(
        table, surroundings, inputs, rows, seed, settings.fit, checkpoint=_checkpoint(work, seed), on_epoch=on_epoch
    )
