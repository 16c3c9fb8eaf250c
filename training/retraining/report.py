"""The report: one HTML file that needs nothing else, for the person who has to decide or wants to know why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from features.kinds import NAMING_FIELDS
from training.pages import filled_in
from training.refitting.comparison import DECADES, ComparisonReport
from training.refitting.held_out import HeldOutPredictions
from training.refitting.training_set import TrainingSet
from training.retraining.gates import Decision, GateOutcome, Verdict
from training.retraining.plots import (
    calibration_picture,
    coverage_by_family,
    differences_picture,
    families_picture,
    new_rows_picture,
)
from training.retraining.rules import Rules

MOST_MOVED = 15
CHEMISTRY = ("family", "electrolyte_class", *NAMING_FIELDS)
"""Columns that say of what chemistry a row is, the first that a table has."""
VERDICT_WORDS = {
    Verdict.PROMOTE: "All gates passed: the challenger may become champion.",
    Verdict.NEEDS_PERSON: "A person has to look at this before the challenger may become champion.",
    Verdict.KEEP: "The champion stays.",
}
_CLASS = {
    GateOutcome.PASSED: "passed",
    GateOutcome.FAILED: "failed",
    GateOutcome.ASKS: "asks",
    GateOutcome.NOT_EXAMINED: "asks",
}


@dataclass(frozen=True, slots=True)
class Pictured:
    """Rows behind the evidence, as far as they were worked out.

    Parameters
    ----------
    new_rows
        New measurements with the champion's answers.
    champion, challenger
        Predictions of left-out papers.
    official
        The challenger's recipe on the official split.
    """

    new_rows: HeldOutPredictions | None = None
    champion: HeldOutPredictions | None = None
    challenger: HeldOutPredictions | None = None
    official: HeldOutPredictions | None = None


def write_report(
    evidence: ComparisonReport,
    decision: Decision,
    rules: Rules,
    pictured: Pictured,
    training_set: TrainingSet,
    champion: str,
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    champion
        Registry version that the challenger is compared with.
    """
    new = training_set.table[training_set.is_new]
    kind = next(name for name in CHEMISTRY if name in new.columns)
    return filled_in(
        Path(__file__).with_name("report.html"),
        evidence=evidence,
        decision=decision,
        rules=rules,
        training_set=training_set,
        champion=champion,
        verdict_words=VERDICT_WORDS,
        gate_class=_CLASS,
        kind=kind,
        new_chemistry=Counter(str(name) or "(not given)" for name in new[kind]).most_common(),
        scale=_scale(evidence),
        new_rows=_new_rows(pictured, _scale(evidence)),
        compared=_comparison(evidence, pictured),
    )


def _scale(evidence: ComparisonReport) -> str:
    """Return of what the values are, in words for headings."""
    return "log10" if evidence.unit == DECADES else evidence.unit


def _new_rows(pictured: Pictured, scale: str) -> Markup:
    new = pictured.new_rows
    if new is None or not len(new):
        return Markup()
    left_out = pictured.challenger.of_rows(new.row_id) if pictured.challenger is not None else None
    return new_rows_picture(new, left_out, scale)


def _comparison(evidence: ComparisonReport, pictured: Pictured) -> dict[str, Any]:
    """Return the pictures and rows of tables that compare champion and challenger; empty without a challenger."""
    champion, challenger = pictured.champion, pictured.challenger
    if champion is None or challenger is None:
        return {}
    named = {
        "official split": evidence.official,
        "cross-validation": evidence.cross_validation,
        "neighbours of new rows": evidence.neighbours,
        "new rows, source left out": evidence.new_sources,
    }
    found = {name: one for name, one in named.items() if one is not None}
    coverage = coverage_by_family(champion, challenger)
    return {
        "differences": differences_picture(found, evidence.unit) if found else "",
        "families": families_picture(champion, challenger, evidence.unit),
        "moved": _moved(champion, challenger),
        "calibration": calibration_picture(champion, challenger),
        "coverage": [(name, n, f"{before:.2f}", f"{after:.2f}") for name, n, before, after in coverage],
    }


def _moved(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> list[tuple[str, ...]]:
    """Return the known rows whose prediction moved most: name, chemistry, measured, champion, challenger."""
    _, ours, theirs = np.intersect1d(champion.row_id, challenger.row_id, return_indices=True)
    before, after = champion.take(ours), challenger.take(theirs)
    farthest = np.argsort(-np.abs(after.value - before.value), kind="stable")[:MOST_MOVED]
    numbers = np.column_stack([after.measured, before.value, after.value])[farthest]
    names = zip(after.row_id[farthest], after.family[farthest], strict=True)
    return [(*name, *(f"{number:.2f}" for number in row)) for name, row in zip(names, numbers.tolist(), strict=True)]
