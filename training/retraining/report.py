"""The report: one HTML file that needs nothing else, for the person who has to decide or wants to know why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from training.retraining.comparison import Comparison, ComparisonReport
from training.retraining.gates import Decision, GateOutcome, Verdict
from training.retraining.held_out import HeldOutPredictions
from training.retraining.plots import (
    calibration_picture,
    coverage_by_family,
    differences_picture,
    families_picture,
    new_rows_picture,
)
from training.retraining.rules import Rules
from training.retraining.training_set import TrainingSet

MOST_MOVED = 15
VERDICT_WORDS = {
    Verdict.PROMOTE: "All gates passed: the challenger may become champion.",
    Verdict.NEEDS_PERSON: "A person has to look at this before the challenger may become champion.",
    Verdict.KEEP: "The champion stays.",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .2rem .7rem; text-align: left;
border-bottom: 1px solid #ddd; vertical-align: top } td.number { text-align: right; font-variant-numeric: tabular-nums }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem } .verdict { padding: .6rem 1rem;
border-left: .4rem solid }
.promote { border-color: #1a7f37 } .needs_person { border-color: #b8860b } .keep { border-color: #b42318 }
.passed::before { content: "\\2713  " } .failed, .asks { font-weight: 600 } .failed { color: #b42318 }
.asks { color: #8a6100 }
svg { max-width: 100%; height: auto } .hash { font-family: monospace; font-size: .85em; word-break: break-all }
"""
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
    title = f"Retraining of {escape(evidence.property)}"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="verdict {decision.verdict}"><b>{escape(str(decision.verdict)).replace("_", " ")}</b>:'
        f" {VERDICT_WORDS[decision.verdict]}</p>",
        _gates(decision),
        _what_changed(evidence, training_set, champion),
        *_new_rows(pictured),
        *_comparison(evidence, pictured),
        _golden(evidence),
        _small_print(evidence, rules),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _gates(decision: Decision) -> str:
    rows = [
        (escape(gate.name), f'<span class="{_CLASS[gate.outcome]}">{gate.outcome}</span>', escape(gate.why))
        for gate in decision.gates
    ]
    return "<h2>Gates</h2>" + _table(("gate", "outcome", "numbers"), rows)


def _what_changed(evidence: ComparisonReport, training_set: TrainingSet, champion: str) -> str:
    new = training_set.table[training_set.is_new]
    kind = "family" if "family" in new.columns else "electrolyte_class"
    counts = Counter(str(name) or "(not given)" for name in new[kind])
    told = [
        f"{evidence.rows_added} rows added to the training set of champion version {escape(champion)},"
        f" {evidence.rows_removed} removed; {len(training_set.table)} rows in all.",
        *training_set.remarks,
    ]
    chemistry = _table((kind, "new rows"), [(escape(name), str(n)) for name, n in counts.most_common()])
    return "<h2>What changed in the data</h2>" + _paragraphs(told) + (chemistry if counts else "")


def _new_rows(pictured: Pictured) -> list[str]:
    new = pictured.new_rows
    if new is None or not len(new):
        return []
    said = pictured.challenger.of_rows(new.row_id) if pictured.challenger is not None else None
    return ["<h2>The new measurements</h2>", new_rows_picture(new, said)]


def _comparison(evidence: ComparisonReport, pictured: Pictured) -> list[str]:
    if pictured.champion is None or pictured.challenger is None:
        return ["<p>The new rows did not pass, so no challenger was fitted.</p>"]
    named: dict[str, Comparison | None] = {
        "official split": evidence.official,
        "cross-validation": evidence.cross_validation,
        "neighbours of new rows": evidence.neighbours,
        "new rows, source left out": evidence.new_sources,
    }
    found = {name: one for name, one in named.items() if one is not None}
    coverage = coverage_by_family(pictured.champion, pictured.challenger)
    rows = [(escape(name), str(n), f"{before:.2f}", f"{after:.2f}") for name, n, before, after in coverage]
    return [
        "<h2>Better or worse</h2>",
        "<p>Each row is predicted by models that had not seen its source. The champion was fitted on the official split"
        " as well, so it is its recipe on its data without that split that is compared there.</p>",
        differences_picture(found) if found else "",
        "<h2>For which chemistry</h2>",
        families_picture(pictured.champion, pictured.challenger),
        _moved(pictured.champion, pictured.challenger),
        "<h2>Calibration, before and after</h2>",
        calibration_picture(pictured.champion, pictured.challenger),
        _table(("chemistry", "rows", "inside 90 %, champion", "challenger"), rows),
    ]


def _moved(champion: HeldOutPredictions, challenger: HeldOutPredictions) -> str:
    both = np.intersect1d(champion.row_id, challenger.row_id)
    before, after = (
        {str(name): float(value) for name, value in zip(judged.row_id, judged.value, strict=True)}
        for judged in (champion.of_rows(both), challenger.of_rows(both))
    )
    shown = challenger.of_rows(both)
    rows = sorted(
        zip(shown.row_id, shown.family, shown.measured, strict=True),
        key=lambda r: -abs(after[str(r[0])] - before[str(r[0])]),
    )
    cells = [
        (
            escape(str(name)),
            escape(str(family)),
            f"{measured:.2f}",
            f"{before[str(name)]:.2f}",
            f"{after[str(name)]:.2f}",
        )
        for name, family, measured in rows[:MOST_MOVED]
    ]
    return "<p>Known rows whose prediction moved most:</p>" + _table(
        ("row", "chemistry", "measured", "champion", "challenger"), cells
    )


def _golden(evidence: ComparisonReport) -> str:
    if not evidence.golden:
        return ""
    rows = [
        (escape(g.formula), f"{g.accepted:.2f}", f"{g.champion:.2f}", f"{g.challenger:.2f}") for g in evidence.golden
    ]
    return "<h2>Golden materials</h2>" + _table(("material", "accepted", "champion", "challenger"), rows)


def _small_print(evidence: ComparisonReport, rules: Rules) -> str:
    hashes = (
        ("training set", evidence.training_set),
        ("ledger", evidence.ledger_hash),
        ("champion", evidence.champion_digest),
        ("rules", rules.sha256),
    )
    licences = sorted(evidence.licences.items())
    return (
        "<h2>Sources and hashes</h2>"
        + _table(("source", "licence"), [(escape(name), escape(licence)) for name, licence in licences])
        + _table(("what", "SHA-256"), [(name, f'<span class="hash">{escape(text)}</span>') for name, text in hashes])
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)
