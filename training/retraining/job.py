"""The retraining job: stages that are each done once, cheap ones first, and a decision at the end.

    lock, recover > training set (hash) > new rows (seconds) > challenger | baseline > official split > golden
    materials, bundle > decision > report > MLflow > promotion

A stage's result lies in the work folder under the hash of what it depends on, so a killed job goes on where it stopped
and a finished one is not repeated. Nothing that is served changes before the last step, and that is one statement.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from training.bundle import BundleError
from training.ledger.export import training_rows
from training.ledger.store import Ledger
from training.refitting.comparison import ComparisonReport
from training.refitting.property_job import PropertyJob
from training.refitting.training_set import is_fitted_on
from training.retraining.gates import Decision, GateOutcome, Verdict, decide
from training.retraining.locks import only_one, stamp
from training.retraining.pipeline import EvaluationPipeline
from training.retraining.promotion import first_champion, log_of, move
from training.retraining.promotion_log import MoveKind, State, state_folder
from training.retraining.registry import (
    LEDGER_TAG,
    REASONS_TAG,
    SET_TAG,
    VERDICT_TAG,
    ModelRegistry,
    RunRecord,
)
from training.retraining.report import Pictured, write_report
from training.retraining.rules import Rules
from training.retraining.stages import Stages
from training.whole_files import write_whole

FINISHED, REPORT = "finished.json", "report.html"


class JobStatus(StrEnum):
    """How a job ended."""

    PROMOTED = "promoted"
    NOTHING_TO_DO = "nothing to do"
    KEPT = "kept"
    NEEDS_PERSON = "needs a person"


@dataclass(frozen=True, slots=True)
class RetrainOptions:
    """Who starts a job, and what they want of it.

    Parameters
    ----------
    who
        Goes into the promotion log.
    promote_anyway
        Why the challenger is to be promoted against the gates, None to obey them.
    force
        Judge anew although this training set was judged before.
    dry_run
        Judge and report; register and promote nothing.
    report
        Where the report goes besides the work folder.
    shipped
        Bundle that stands for the champion where the registry has none.
    """

    who: str
    promote_anyway: str | None = None
    force: bool = False
    dry_run: bool = False
    report: Path | None = None
    shipped: Path | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job; `version` is that of the registered challenger, None where none was."""

    property: str
    status: JobStatus
    message: str
    training_set: str
    version: str | None = None
    decision: Decision | None = None
    report: Path | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "property": self.property,
            "status": str(self.status),
            "message": self.message,
            "training_set": self.training_set,
            "version": self.version,
            "decision": None if self.decision is None else self.decision.as_dict(),
            "report": None if self.report is None else str(self.report),
            "seconds": round(self.seconds, 1),
        }


class NoChampionError(RuntimeError):
    """There is nothing to compare a challenger with; the message says what to do."""


def retrain(
    job: PropertyJob,
    ledger: Ledger,
    registry: ModelRegistry,
    rules: Rules,
    work: Path,
    options: RetrainOptions,
    *,
    on_step: Callable[[str], None] = lambda what: None,
) -> JobResult:
    """Judge what the ledger holds, and promote, keep or ask.

    Parameters
    ----------
    job
        The property.
    work
        Folder for results of stages, reports and baselines.
    options
        Who asks, and for what.
    on_step
        Called with what was done, `job.n_steps` times at most.

    Raises
    ------
    JobRunningError
        If another job of this property is at work on this registry.
    NoChampionError
        If there is neither a champion nor a shipped bundle.
    MissingSourceError
        If a public table that the job needs is not on this machine.
    RegistryUnreachableError
        If the registry does not answer.
    """
    started = time.perf_counter()
    job.check_tables()
    with only_one(state_folder(registry.uri), f"retrain-{job.name}", options.who):
        champion = first_champion(registry, options.shipped, who=options.who, look_only=options.dry_run, of_elyte=True)
        if champion is None:
            raise NoChampionError(f"no champion of {job.name} and no shipped bundle; run `elyte train {job.name}`")
        training_set = job.read(training_rows(ledger, job.name), champion)
        pipeline = EvaluationPipeline(job, rules, work / job.name, champion, training_set, on_step)
        run = Run(registry, options, pipeline)
        result = run.earlier_result() or run.judge()
    return replace(result, seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class Run:
    """One job at work; see `retrain`."""

    registry: ModelRegistry
    options: RetrainOptions
    pipeline: EvaluationPipeline

    @property
    def verdicts(self) -> Stages:
        """What was finished for this training set under these rules, against whichever champion of the same recipe."""
        change = self.pipeline.recipe_change
        key = f"{self.pipeline.training_set.hash} {self.pipeline.rules.sha256}"
        return Stages(self.pipeline.folder, key if change is None else f"{key} {change}")

    # ------------------------------------------------------------ what was done before

    def earlier_result(self) -> JobResult | None:
        """Return what is known of this very training set already; None if it is to be judged."""
        if self.options.force:
            self.pipeline.stages.forget()
            return None
        if is_fitted_on(self.pipeline.champion.bundle.card, self.pipeline.training_set, self.pipeline.job.recipe()):
            version = self.pipeline.champion.version
            return self._nothing_to_do(f"version {version}, the champion, was fitted on exactly this data")
        stored = self.verdicts.find(FINISHED)
        if stored is None:
            return self._promoted_before()
        told = json.loads(stored)
        decision = Decision.from_dict(told["decision"])
        if self.options.promote_anyway and told["version"] is not None:
            return self._promote(told["version"], decision, self._evidence_then(), anyway=True)
        message = f"this data was judged on {told['when']}: {told['status']}; nothing has changed since"
        return replace(self._nothing_to_do(message), decision=decision, version=told["version"])

    def _promoted_before(self) -> JobResult | None:
        """Return what the promotion log knows of this training set: what a person rolled back stays rolled back."""
        moves, ours = log_of(self.registry).read(self.pipeline.job.name), self.pipeline.training_set.hash
        made = [m for m in moves if m.state is State.DONE and m.evidence.get("training_set") == ours]
        if not made:
            return None
        message = f"version {made[-1].version}, fitted on this data, was promoted on {made[-1].when} and replaced since"
        return self._nothing_to_do(message)

    def _result(self, status: JobStatus, message: str, version: str | None, decision: Decision | None) -> JobResult:
        report, work = self.pipeline.folder / REPORT, self.pipeline
        found = report if report.exists() else None
        return JobResult(work.job.name, status, message, work.training_set.hash, version, decision, found)

    def _nothing_to_do(self, message: str) -> JobResult:
        return self._result(JobStatus.NOTHING_TO_DO, message, None, None)

    def _evidence_then(self) -> ComparisonReport | None:
        stored = self.pipeline.stages.find("evidence.json")
        return None if stored is None else ComparisonReport.from_dict(json.loads(stored))

    # ------------------------------------------------------------ the judgement

    def judge(self) -> JobResult:
        """Run every stage that is not done."""
        evidence, pictured = self.pipeline.first()
        decision = decide(evidence, self.pipeline.rules)
        digest = None
        if not any(gate.outcome is GateOutcome.FAILED for gate in decision.gates):
            digest = self.pipeline.fit()
            evidence, pictured = self.pipeline.full(evidence, pictured)
            decision = decide(evidence, self.pipeline.rules)
        self.pipeline.stages.store("evidence.json", _json(evidence.as_dict()))
        self.pipeline.stages.store("decision.json", _json(decision.as_dict() | {"rules": self.pipeline.rules.sha256}))
        report = self._report(evidence, decision, pictured)
        self.pipeline.on_step("report")
        return self._conclude(evidence, decision, digest, report)

    # ------------------------------------------------------------ the end

    def _report(self, evidence: ComparisonReport, decision: Decision, pictured: Pictured) -> Path:
        path = self.pipeline.folder / REPORT
        work = self.pipeline
        html = write_report(evidence, decision, work.rules, pictured, work.training_set, work.champion.version)
        write_whole(path, html.encode())
        if self.options.report is not None:
            write_whole(self.options.report, html.encode())
        return path

    def _conclude(self, evidence: ComparisonReport, decision: Decision, digest: str | None, report: Path) -> JobResult:
        status = {Verdict.KEEP: JobStatus.KEPT, Verdict.NEEDS_PERSON: JobStatus.NEEDS_PERSON}.get(decision.verdict)
        if self.options.dry_run:
            message = f"dry run: the verdict is {decision.verdict}; nothing was registered or promoted"
            return self._result(status or JobStatus.NOTHING_TO_DO, message, None, decision)
        judgement = self._judgement(evidence, decision, report)
        if digest is None:
            self.pipeline.stages.once("noted.txt", partial(self._note, judgement))
            version = None
        else:
            version = self.registry.register(self.pipeline.bundle, digest, judgement).version
        anyway = self.options.promote_anyway is not None and version is not None
        if version is not None and (status is None or anyway):
            return self._promote(version, decision, evidence, anyway=status is not None)
        result = self._result(status or JobStatus.KEPT, "; ".join(decision.reasons), version, decision)
        self._finish(result)
        return result

    def _note(self, judgement: RunRecord) -> bytes:
        self.registry.note_judgement(judgement)
        return b"noted"

    def _judgement(self, evidence: ComparisonReport, decision: Decision, report: Path) -> RunRecord:
        rows = self.pipeline.folder / "ledger_rows.csv"
        write_whole(rows, self.pipeline.training_set.ledger_rows.to_csv(index=False).encode())
        tags = {
            VERDICT_TAG: str(decision.verdict),
            REASONS_TAG: "; ".join(decision.reasons),
            SET_TAG: self.pipeline.training_set.hash,
            LEDGER_TAG: self.pipeline.training_set.ledger_hash,
            "elyte.champion": self.pipeline.champion.version,
            "elyte.who": self.options.who,
            "elyte.rules": self.pipeline.rules.sha256,
        }
        files = (report, self.pipeline.folder / "evidence.json", self.pipeline.folder / "decision.json", rows)
        return RunRecord(tags, _numbers(evidence.as_dict()), files)

    def _promote(
        self, version: str, decision: Decision, evidence: ComparisonReport | None, *, anyway: bool
    ) -> JobResult:
        target = self.registry.by_version(version)
        if target is None:
            raise BundleError(f"{self.pipeline.job.name}: the registry has no version {version} any more")
        why = f"against the gates: {self.options.promote_anyway}" if anyway else "all gates passed"
        told = {
            "verdict": str(decision.verdict),
            "training_set": self.pipeline.training_set.hash,
            "ledger": self.pipeline.training_set.ledger_hash,
            "champion_digest": self.pipeline.champion.digest,
            "rules": self.pipeline.rules.sha256,
            "metrics": {} if evidence is None else _numbers(evidence.as_dict()),
        }
        move(
            self.registry,
            target,
            MoveKind.PROMOTE,
            who=self.options.who,
            why=why,
            expected=self.pipeline.champion.version,
            evidence=told,
        )
        message = f"version {version} is champion in place of {self.pipeline.champion.version}: {why}"
        result = self._result(JobStatus.PROMOTED, message, version, decision)
        self._finish(result)
        return result

    def _finish(self, result: JobResult) -> None:
        self.verdicts.store(FINISHED, _json(result.as_dict() | {"when": stamp()}))


def _json(value: Any) -> bytes:  # noqa: ANN401
    return json.dumps(value, sort_keys=True, indent=1).encode()


def _numbers(document: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers of nested evidence, flat, as MLflow's metrics."""
    flat: dict[str, float] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat |= _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{name}"] = float(value)
    return flat
