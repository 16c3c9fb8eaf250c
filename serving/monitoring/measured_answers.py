"""Measurements of the ledger beside what the served models answer at the same conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log10, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from features.candidate import Candidate
from features.errors import CandidateError
from features.lattice import NO_LATTICE, Lattice
from serving.answers.conditions import Conditions
from serving.answers.documents import write
from serving.answers.judging import Silence, judge, query_of
from serving.models.store import ServedModel
from training.monitoring.coverage import Compared
from training.monitoring.limits import QuantityLimits, monitoring_limits
from training.monitoring.rules import LEVELS
from training.properties import registry
from training.properties.contract import Quantity

if TYPE_CHECKING:
    from training.measurements.columns import Value
    from training.measurements.entries import Entry

UNCLASSED = "of no class"
WITHOUT_FORMULA = "without a formula"
WITHOUT_ANSWER = "where the model gives no number"
FROM_TABLE = "answered from the reference table, without an interval"


_LATTICE = ("a", "b", "c", "alpha", "beta", "gamma", "space_group_number", "atoms_per_cell")


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    candidate: Candidate
    conditions: Conditions
    blocks: Sequence[Mapping[str, Any] | None]  # one a level


def compare(
    name: str, models: Mapping[str, ServedModel], entries: Sequence[Entry]
) -> tuple[list[Compared], Counter[str]]:
    """Ask the served model about measured materials, under the conditions of the measurement.

    Parameters
    ----------
    name
        The property; its model is among `models`, with those that its answers ask.
    entries
        Measurements that the model has not learned from.

    Returns
    -------
    compared, skipped
        One a quantity that was measured; and why and how often there is nothing to compare.
    """
    skipped: Counter[str] = Counter()
    rows = _asked(name, models, entries, skipped)
    limits = monitoring_limits(name).quantities
    quantities = [quantity for quantity in registry.get(name).quantities if quantity.name in limits]
    found = [_compared(quantity, limits[quantity.name], rows, skipped) for quantity in quantities]
    return [compared for compared in found if len(compared)], skipped


def _asked(name: str, models: Mapping[str, ServedModel], entries: Sequence[Entry], skipped: Counter[str]) -> list[_Row]:
    from training.measurements.materials import candidate_of

    usable: list[tuple[Entry, Candidate, Conditions]] = []
    for entry in entries:
        cells = _cells(entry)
        try:
            candidate = candidate_of(cells)
        except CandidateError:
            candidate = None
        if candidate is None:
            skipped[WITHOUT_FORMULA] += 1
            continue
        usable.append((entry, replace(candidate, lattice=_lattice(cells)), _conditions(name, cells)))
    if not usable:
        return []
    candidates, conditions = [row[1] for row in usable], [row[2] for row in usable]
    by_level = [_blocks(name, models, candidates, conditions, level) for level in LEVELS]
    return [_Row(*row, [blocks[i] for blocks in by_level]) for i, row in enumerate(usable)]


def _conditions(name: str, cells: Mapping[str, Value]) -> Conditions:
    """Return the conditions of a measurement: those that the property declares, as others may be what was measured."""
    declared = (condition.name for condition in registry.get(name).conditions)
    return Conditions(**{field: cells[field] for field in declared if field in cells})


def _lattice(cells: Mapping[str, Value]) -> Lattice:
    if not all(column in cells for column in _LATTICE):
        return NO_LATTICE
    return Lattice(*(float(cells[column]) for column in _LATTICE))


def _blocks(
    name: str,
    models: Mapping[str, ServedModel],
    candidates: list[Candidate],
    conditions: list[Conditions],
    level: float,
) -> list[Mapping[str, Any] | None]:
    blocks: list[Mapping[str, Any] | None] = [None] * len(candidates)
    found = judge(models, query_of(candidates, conditions, level), [name], write)
    said = found.said.get(name)
    if said is not None and not isinstance(said, Silence):
        for row, block in zip(found.rows.tolist(), said.blocks, strict=True):
            blocks[row] = block
    return blocks


def _compared(quantity: Quantity, limits: QuantityLimits, rows: Sequence[_Row], skipped: Counter[str]) -> Compared:
    kept: list[tuple[_Row, float, float, list[float], list[float]]] = []
    for row in rows:
        measured = _cells(row.entry).get(quantity.measured_name)
        if measured is None:
            continue
        answers = [(block or {}).get(quantity.name) for block in row.blocks]
        centre = next((answer["value"] for answer in answers if answer is not None), None)
        if centre is None:
            skipped[WITHOUT_ANSWER] += 1
            continue
        if any((block or {}).get("basis", "") == limits.basis_without_interval != "" for block in row.blocks):
            skipped[FROM_TABLE] += 1
            continue
        value = log10(float(measured)) if quantity.is_log10 else float(measured)
        kept.append((row, value, centre, _ends(answers, "lower"), _ends(answers, "upper")))
    return _columns(quantity, kept)


def _cells(entry: Entry) -> dict[str, Value]:
    return {str(column): value for column, value in (entry.content or {}).items()}


def _ends(answers: Sequence[Mapping[str, Any] | None], end: str) -> list[float]:
    found = [None if answer is None else answer[end] for answer in answers]
    return [nan if value is None else float(value) for value in found]


def _columns(quantity: Quantity, kept: Sequence[tuple[_Row, float, float, list[float], list[float]]]) -> Compared:
    # what is measured on a linear scale is never a bound
    bound = [str(_cells(row.entry).get("bound", "")) if quantity.is_log10 else "" for row, *_ in kept]
    shape = (len(kept), len(LEVELS))
    return Compared(
        quantity.name,
        np.array([value for _, value, *_ in kept], dtype=float),
        np.array([word == "upper" for word in bound], dtype=bool),
        np.array([word == "lower" for word in bound], dtype=bool),
        np.array([source_of(row.entry) for row, *_ in kept], dtype=np.str_),
        np.array([_group(row) for row, *_ in kept], dtype=np.str_),
        np.array([centre for _, _, centre, *_ in kept], dtype=float),
        np.array([lower for *_, lower, _ in kept], dtype=float).reshape(shape),
        np.array([upper for *_, upper in kept], dtype=float).reshape(shape),
    )


def _group(row: _Row) -> str:
    """Return the family: as stated with the measurement, else read off the formula."""
    stated = _cells(row.entry).get("electrolyte_class")
    kind = row.candidate.kind
    families = (one.family(row.candidate.amounts) for one in registry.properties() if one.kind == kind)
    return str(stated or next((family for family in families if family), UNCLASSED))


def source_of(entry: Entry) -> str:
    """Return where a measurement comes from: its paper, else its reference; its rows count as one."""
    from training.measurements.columns import DOI, REFERENCE

    content = entry.content or {}
    doi = str(content.get(DOI, "")).split("|")[0].lower()
    return doi or str(content.get(REFERENCE, ""))
