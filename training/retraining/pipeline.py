"""Working the evidence out, each stage once: what is cheap first, what is dear on two cores at once."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from training.bundle import BundleError
from training.refitting.champion import Champion
from training.refitting.comparison import Comparison, ComparisonReport, Fitness, RecipeChange
from training.refitting.held_out import HeldOutPredictions, compare, compare_coverage
from training.refitting.property_job import Baseline, PropertyJob
from training.refitting.training_set import TrainingSet
from training.retraining.background import BackgroundProcess
from training.retraining.loading import is_sound, load_model, time_to_load
from training.retraining.report import Pictured
from training.retraining.rules import Rules
from training.retraining.stages import Stages

N_ANSWERS = 7
_DIGEST, _LEFT_OUT, _OFFICIAL = "digest.txt", "left_out.npz", "official.npz"
_NONE_NEAR = Comparison(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class EvaluationPipeline:
    """The stages of one job.

    Parameters
    ----------
    job, rules
        What is judged, and by which limits.
    work
        Folder of the property, in which baselines outlive a training set.
    champion, training_set
        What it is held against, and what it is fitted on.
    on_step
        For a progress bar.
    """

    job: PropertyJob
    rules: Rules
    work: Path
    champion: Champion
    training_set: TrainingSet
    on_step: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where the results of this training set lie."""
        return self.work / self.training_set.hash[:16]

    @property
    def stages(self) -> Stages:
        """Results of this training set against this champion."""
        return Stages(self.folder, f"{self.training_set.hash} {self.champion.digest}")

    @property
    def bundle(self) -> Path:
        """Folder of the challenger's bundle."""
        return self.stages.folder / "bundle"

    @cached_property
    def recipe_change(self) -> RecipeChange | None:
        """How the recipe differs from the champion's; asked anew by every job, for a verdict may be new."""
        return self.job.recipe_change(self.champion)

    def first(self) -> tuple[ComparisonReport, Pictured]:
        """Return what is known before any fit, in seconds."""
        answers = self.job.new_rows(self.training_set, self.champion)

        def compute() -> dict[str, Any]:
            new = self.job.examine(self.training_set, self.champion, self.on_step)
            return ComparisonReport(
                property=self.job.name,
                training_set=self.training_set.hash,
                ledger_hash=self.training_set.ledger_hash,
                champion_digest=self.champion.digest,
                rows_added=self.training_set.n_new,
                rows_to_examine=0 if answers is None else len(answers),
                rows_removed=self.training_set.rows_removed,
                new_rows=new,
                licences={source.name: source.licence for source in self.training_set.sources},
                unit=self.job.unit,
            ).as_dict()

        evidence = ComparisonReport.from_dict(self.stages.once_json("new_rows.json", compute))
        return replace(evidence, recipe_change=self.recipe_change), Pictured(new_rows=answers)

    def fit(self) -> str:
        """Fit the challenger, and beside it the champion's recipe, where they are not done; return the digest."""
        background = None
        if self._baseline() is None:
            work, arguments = self.job.baseline(self.training_set, self.champion)
            background = BackgroundProcess(work, *arguments)
        try:
            digest = self._fit()
            if background is not None:
                self._store_baseline(background.result())
        finally:
            if background is not None:
                background.stop()
        return digest

    def full(self, evidence: ComparisonReport, pictured: Pictured) -> tuple[ComparisonReport, Pictured]:
        """Return the whole evidence of a challenger that was fitted."""
        digest, baseline = self.stages.find(_DIGEST), self._baseline()
        left_out = self.stages.find(_LEFT_OUT)
        if digest is None or left_out is None or baseline is None:
            raise RuntimeError(f"{self.stages.folder}: results of this job were removed while it ran; start it again")
        challenger, official = HeldOutPredictions.from_bytes(left_out), self._official(digest.decode())
        known, new = baseline.left_out, pictured.new_rows
        near = known.of_rows(self.job.neighbours(self.training_set, self.rules.neighbour_distance))
        fitness, model = self._fitness(digest.decode())
        whole = replace(
            evidence,
            cross_validation=compare(known, challenger),
            neighbours=compare(near, challenger) or _NONE_NEAR if new is not None else None,
            new_sources=None if new is None else compare(new, challenger),
            left_out_coverage=compare_coverage(known, challenger),
            golden=None if model is None else tuple(self.job.golden(self.champion, model)),
            fitness=fitness,
        )
        if official is not None and baseline.official is not None:
            coverage = compare_coverage(baseline.official, official)
            whole = replace(whole, official=compare(baseline.official, official), official_coverage=coverage)
        return whole, replace(pictured, champion=known, challenger=challenger, official=official)

    def _fit(self) -> str:
        digest = self.stages.find(_DIGEST)
        is_whole = digest is not None and self.stages.find(_LEFT_OUT) is not None
        if digest is not None and is_whole and is_sound(self.job.name, self.bundle, digest.decode()):
            return digest.decode()
        shutil.rmtree(self.bundle, ignore_errors=True)
        fitted = self.job.fit(self.training_set, self.bundle, self.on_step)
        self.stages.store(_LEFT_OUT, fitted.left_out.to_bytes())
        self.stages.store(_DIGEST, fitted.digest.encode())
        return fitted.digest

    @property
    def _baselines(self) -> Stages:
        """Results that depend on the champion and its data alone."""
        rows = self.training_set.base.to_csv(index=False)
        told = json.dumps([rows, self.job.recipe(), self.champion.digest], sort_keys=True, default=str)
        key = hashlib.sha256(told.encode()).hexdigest()
        return Stages(self.work / "baselines" / key[:16], key)

    def _baseline(self) -> Baseline | None:
        left_out, official = (self._baselines.find(name) for name in (_LEFT_OUT, _OFFICIAL))
        if left_out is None or official is None:
            return None
        return Baseline(
            HeldOutPredictions.from_bytes(left_out), HeldOutPredictions.from_bytes(official) if official else None
        )

    def _store_baseline(self, baseline: Baseline) -> None:
        self._baselines.store(_LEFT_OUT, baseline.left_out.to_bytes())
        self._baselines.store(_OFFICIAL, b"" if baseline.official is None else baseline.official.to_bytes())

    def _official(self, digest: str) -> HeldOutPredictions | None:
        def compute() -> bytes:
            found = self.job.official(self.training_set, self.bundle, digest, self.on_step)
            return b"" if found is None else found.to_bytes()

        stored = self.stages.once(_OFFICIAL, compute)
        return HeldOutPredictions.from_bytes(stored) if stored else None

    def _fitness(self, digest: str) -> tuple[Fitness, Any]:
        """Load the bundle as the service will, and time it."""
        try:
            load_model(self.job.name, self.bundle, digest)  # before the clock runs: compiled loops, file cache
            model, load_seconds, size_MB = time_to_load(self.job.name, self.bundle, digest)
        except BundleError:
            return Fitness(False, 0.0, 0.0, 0.0), None
        times = []
        for _ in range(N_ANSWERS):
            started = time.perf_counter()
            self.job.answer_once(model)
            times.append(time.perf_counter() - started)
        return Fitness(True, size_MB, load_seconds, 1e3 * min(times)), model
