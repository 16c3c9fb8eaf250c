"""What `elyte monitor` says: requests against the domain, new measurements against the intervals that are served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from serving.models.store import ServedModel
from serving.monitoring.measured_answers import compare, source_of
from serving.rest.request_history import RequestHistory
from training.monitoring.coverage import Compared, Reference, judge_quantities
from training.monitoring.drift import TrafficReport, judge_traffic
from training.monitoring.limits import monitoring_limits
from training.monitoring.rules import (
    ALARM_RATE_OF_MEASUREMENTS,
    ALARM_RATE_OF_REQUESTS,
    PAYING_MATERIALS,
    PAYING_SOURCES,
    Advice,
)
from training.properties import registry

if TYPE_CHECKING:
    from training.ledger.store import Ledger
    from training.measurements.entries import Entry


@dataclass(frozen=True)
class NewMeasurements:
    """What the ledger holds that a served model has not learned from.

    Parameters
    ----------
    entries
        Usable ones.
    left_out
        Why others are not judged, and how many.
    n_sources, n_materials
        Of the entries.
    """

    entries: tuple[Entry, ...]
    left_out: dict[str, int]
    n_sources: int
    n_materials: int


@dataclass(frozen=True)
class Monitoring:
    """The document of `elyte monitor` and its verdict."""

    document: dict[str, Any]
    verdict: Advice
    lines: list[str] = field(default_factory=list)


def monitor(
    models: Mapping[str, ServedModel], requests: RequestHistory | None, ledger: Ledger | None, since: float
) -> Monitoring:
    """Judge requests and measurements.

    Parameters
    ----------
    models
        What is served.
    requests
        Lines of the request log; None where none is kept.
    ledger
        None where none is kept.
    since
        From when on requests are recent, in seconds since 1970.
    """
    asked = {} if requests is None else _traffic(requests, since)
    measured, verdict = _measurements(models, ledger) if ledger is not None else ({}, Advice.FINE)
    verdict = max([verdict, *(report.verdict for report, is_newest in asked.values() if is_newest)])
    document = {
        "verdict": verdict.word,
        "exit_status": int(verdict),
        "models": {str(name): served.header() for name, served in models.items()},
        "requests": None if requests is None else _requests_document(requests, asked),
        "measurements": None if ledger is None else measured,
    }
    return Monitoring(document, verdict, _lines(document))


def _traffic(requests: RequestHistory, since: float) -> dict[tuple[str, str], tuple[TrafficReport, bool]]:
    """Judge every version that answered; the newest ones are what a verdict can be about."""
    newest = requests.newest_versions()
    expected = {name: monitoring_limits(name).expected_outside for name in registry.names()}
    share = ALARM_RATE_OF_REQUESTS / max(sum(expected.get(name) is not None for name in newest), 1)
    return {
        (name, version): (
            judge_traffic(requests.of(name, version, since), expected.get(name), share),
            newest[name] == version,
        )
        for name, version in sorted(requests.traffic)
    }


def _requests_document(
    requests: RequestHistory, asked: Mapping[tuple[str, str], tuple[TrafficReport, bool]]
) -> dict[str, Any]:
    properties = [
        {"property": name, "version": version, "is_newest": is_newest, **report.as_dict()}
        for (name, version), (report, is_newest) in asked.items()
    ]
    return {"n_lines": requests.n_lines, "n_unreadable": requests.n_unreadable, "properties": properties}


def _measurements(models: Mapping[str, ServedModel], ledger: Ledger) -> tuple[dict[str, Any], Advice]:
    """Judge all quantities of all properties together, so that the false alarms of a run are bounded."""
    new = {name: new_measurements(served, ledger) for name, served in models.items()}
    pairs: list[tuple[str, Compared]] = []
    skipped: dict[str, Counter[str]] = {}
    for name in models:
        found, reasons = compare(name, models, new[name].entries)
        pairs += [(name, compared) for compared in found]
        skipped[name] = reasons
    references = [_reference(models[name], compared.quantity) for name, compared in pairs]
    reports = judge_quantities([compared for _, compared in pairs], ALARM_RATE_OF_MEASUREMENTS, references)
    document, verdict = {}, Advice.FINE
    for name in models:
        own = [report for (other, _), report in zip(pairs, reports, strict=True) if other == name]
        pays = new[name].n_sources >= PAYING_SOURCES and new[name].n_materials >= PAYING_MATERIALS
        mine = max([Advice.RETRAIN if pays else Advice.FINE, *(report.verdict for report in own)])
        words = [word for report in own for word in report.words]
        if pays:
            words.append(
                f"retrain would pay: {new[name].n_materials} new materials of {new[name].n_sources} sources that the"
                " model has not seen"
            )
        document[str(name)] = {
            "verdict": mine.word,
            "n_new": len(new[name].entries),
            "n_sources": new[name].n_sources,
            "n_materials": new[name].n_materials,
            "not_judged": new[name].left_out | dict(skipped[name]),
            "quantities": [report.as_dict() for report in own],
            "words": words,
        }
        verdict = max(verdict, mine)
    return document, verdict


def _reference(served: ServedModel, quantity: str) -> Reference:
    limits = monitoring_limits(served.property).quantities[quantity]
    return Reference(served.bundle.card.metrics.get(limits.card_metric), limits.smallest_bias)


def new_measurements(served: ServedModel, ledger: Ledger) -> NewMeasurements:
    """Return what was first recorded after a model was trained, without papers and values that it learned from."""
    from training.measurements.columns import DOI
    from training.measurements.materials import material_key
    from training.measurements.problems import Code
    from training.splits import COMPOSITION_DECIMALS, paper_keys

    about, kind = registry.get(served.property), served.property
    first: dict[int, str] = {}
    for entry in ledger.history(kind):
        first.setdefault(entry.measurement, entry.recorded_at)
    trained_on = datetime.fromisoformat(served.bundle.card.trained_on)
    learnt = {key for doi in set(about.papers(served.model)) for key in paper_keys(doi)}
    kept: list[Entry] = []
    left_out: Counter[str] = Counter()
    for entry in ledger.holding(kind):
        content = entry.content or {}
        if datetime.fromisoformat(first[entry.measurement]) <= trained_on:
            left_out["recorded before the model was trained"] += 1
        elif entry.refusal:
            left_out["with a formula that is refused now"] += 1
        elif paper_keys(str(content.get(DOI, ""))) & learnt:
            left_out["of a paper that the model has learned from"] += 1
        # a paper of the tables was decided on above: a model that is fitted without it does not know its values
        elif Code.REPEATS_KNOWN in entry.warnings and Code.PAPER_ALREADY_KNOWN not in entry.warnings:
            left_out["a value that the training tables hold already"] += 1
        elif "published windows" in entry.excluded_from_training:
            left_out["of a published window by which the intervals were made"] += 1
        else:
            kept.append(entry)
    materials = {material_key(entry.content or {}, COMPOSITION_DECIMALS) for entry in kept} - {""}
    return NewMeasurements(tuple(kept), dict(left_out), len({source_of(e) for e in kept}), len(materials))


def _lines(document: Mapping[str, Any]) -> list[str]:
    """Return the document in words, the verdict first."""
    lines = [f"verdict: {document['verdict']}"]
    requests, measured = document["requests"], document["measurements"]
    if requests is None:
        lines.append("requests: none are logged (ELYTE_REQUEST_LOG, or --log FILE)")
    else:
        bad = f", {requests['n_unreadable']} lines unreadable" if requests["n_unreadable"] else ""
        lines.append(f"requests: {requests['n_lines']}{bad}")
        for told in requests["properties"]:
            former = "" if told["is_newest"] else " (a former version)"
            lines += [f"  {told['property']} {told['version']}{former}: {word}" for word in told["words"]]
    if measured is None:
        lines.append("measurements: no ledger (elyte data add)")
        return lines
    lines.append("measurements:")
    for name, own in measured.items():
        lines.append(f"  {name}: {own['n_new']} new ones of {own['n_sources']} sources")
        lines += [f"    {word}" for word in own["words"]]
        lines += [f"    not judged: {count} {reason}" for reason, count in own["not_judged"].items()]
    return lines
