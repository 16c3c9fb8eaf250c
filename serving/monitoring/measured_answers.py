"""Measurements of the ledger beside what the served models answer at the same conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from training.monitoring.rules import LEVELS
from training.properties.ccd.classes import class_of

if TYPE_CHECKING:
    from training.ledger.entries import Entry

UNCLASSED = "of no class"
WITHOUT_FORMULA = "without a formula"
WITHOUT_ANSWER = "where the model gives no number"
FROM_TABLE = "answered from the reference table, without an interval"


@dataclass(frozen=True, slots=True)
class Quantity:
    """Where one quantity stands in the ledger and in an answer.

    Parameters
    ----------
    column
        Name of the ledger's column.
    is_log10
        Whether the answer holds its logarithm.
    card_metric
        The card's mean absolute error of it, "" where it has none.
    """

    column: str
    is_log10: bool = False
    card_metric: str = ""
    property: str = "conductivity"


QUANTITIES: dict[str, Quantity] = {
    "log10_sigma_S_per_cm": Quantity("sigma_S_per_cm", True, "formula_cv_mae_uncensored"),
    "activation_energy_eV": Quantity("activation_energy_eV", False, "formula_cv_activation_energy_mae_eV"),
    "formation_energy_eV_per_atom": Quantity("formation_energy_eV_per_atom", False, "validation_ef_mae", "stability"),
    "energy_above_hull_eV_per_atom": Quantity("energy_above_hull_eV_per_atom", False, "validation_ed_mae", "stability"),
    "reduction_V": Quantity("reduction_V", False, "esw_reduction_mae_V", "stability"),
    "oxidation_V": Quantity("oxidation_V", False, "esw_oxidation_mae_V", "stability"),
    "log10_ccd_mA_per_cm2": Quantity("ccd_mA_per_cm2", True, "mae_measured", "ccd"),
}
"""Quantities of an answer, by their names there."""
ENERGIES = ("formation_energy_eV_per_atom", "energy_above_hull_eV_per_atom")
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
    found = []
    for quantity, about in QUANTITIES.items():
        if about.property == name:
            compared = _compared(quantity, about, rows, skipped)
            if len(compared):
                found.append(compared)
    return found, skipped


def _asked(name: str, models: Mapping[str, ServedModel], entries: Sequence[Entry], skipped: Counter[str]) -> list[_Row]:
    usable: list[tuple[Entry, Candidate, Conditions]] = []
    for entry in entries:
        cells: dict[str, Any] = {str(column): value for column, value in (entry.content or {}).items()}
        try:
            candidate = Candidate.from_formula(cells.get("formula", ""), lattice=_lattice(cells))
        except CandidateError:
            skipped[WITHOUT_FORMULA] += 1
            continue
        usable.append((entry, candidate, _conditions(name, cells)))
    if not usable:
        return []
    candidates, conditions = [row[1] for row in usable], [row[2] for row in usable]
    by_level = [_blocks(name, models, candidates, conditions, level) for level in LEVELS]
    return [_Row(*row, [blocks[i] for blocks in by_level]) for i, row in enumerate(usable)]


def _conditions(name: str, cells: Mapping[str, Any]) -> Conditions:
    """Return the conditions of a measurement; the conductivity that was measured is no condition of itself."""
    told = {field: cells[field] for field in Conditions.model_fields if field in cells}
    if name != "ccd":
        told = {field: value for field, value in told.items() if field == "temperature_C"}
    return Conditions(**told)


def _lattice(cells: Mapping[str, Any]) -> Lattice:
    if not all(column in cells for column in _LATTICE):
        return NO_LATTICE
    return Lattice(*(float(cells[column]) for column in _LATTICE))


def _blocks(
    name: str, models: Mapping[str, ServedModel], candidates: list[Candidate],
    conditions: list[Conditions], level: float,
) -> list[dict[str, Any] | None]:  # fmt: skip
    blocks: list[dict[str, Any] | None] = [None] * len(candidates)
    found = judge(models, query_of(candidates, conditions, level), [name], write)
    said = found.said.get(name)
    if said is not None and not isinstance(said, Silence):
        for row, block in zip(found.rows.tolist(), said.blocks, strict=True):
            blocks[row] = block
    return blocks


def _compared(quantity: str, about: Quantity, rows: Sequence[_Row], skipped: Counter[str]) -> Compared:
    kept: list[tuple[_Row, float, float, list[float], list[float]]] = []
    for row in rows:
        measured = {str(column): value for column, value in (row.entry.content or {}).items()}.get(about.column)
        if measured is None:
            continue
        answers = [(block or {}).get(quantity) for block in row.blocks]
        centre = next((answer["value"] for answer in answers if answer is not None), None)
        if centre is None:
            skipped[WITHOUT_ANSWER] += 1
            continue
        if quantity in ENERGIES and any((block or {}).get("basis") == "reference" for block in row.blocks):
            skipped[FROM_TABLE] += 1
            continue
        value = log10(float(measured)) if about.is_log10 else float(measured)
        kept.append((row, value, centre, _ends(answers, "lower"), _ends(answers, "upper")))
    return _columns(quantity, about, kept)


def _ends(answers: Sequence[Mapping[str, Any] | None], end: str) -> list[float]:
    found = [None if answer is None else answer[end] for answer in answers]
    return [nan if value is None else float(value) for value in found]


def _columns(
    quantity: str, about: Quantity, kept: Sequence[tuple[_Row, float, float, list[float], list[float]]]
) -> Compared:
    def bound(row: _Row) -> str:
        cells = {str(column): value for column, value in (row.entry.content or {}).items()}
        return str(cells.get("bound", "")) if about.is_log10 else ""  # an energy is never a bound

    shape = (len(kept), len(LEVELS))
    return Compared(
        quantity,
        np.array([value for _, value, *_ in kept], dtype=float),
        np.array([bound(row) == "upper" for row, *_ in kept], dtype=bool),
        np.array([bound(row) == "lower" for row, *_ in kept], dtype=bool),
        np.array([source_of(row.entry) for row, *_ in kept], dtype=np.str_),
        np.array([_group(row) for row, *_ in kept], dtype=np.str_),
        np.array([centre for _, _, centre, *_ in kept], dtype=float),
        np.array([lower for *_, lower, _ in kept], dtype=float).reshape(shape),
        np.array([upper for *_, upper in kept], dtype=float).reshape(shape),
    )


def _group(row: _Row) -> str:
    """Return the family: as stated with the measurement, else read off the formula."""
    cells = {str(column): value for column, value in (row.entry.content or {}).items()}
    stated = cells.get("electrolyte_class") or class_of(row.candidate.amounts)
    return str(stated or UNCLASSED)


def source_of(entry: Entry) -> str:
    """Return where a measurement comes from: its paper, else its reference; its rows count as one."""
    from training.ledger.schema import Column

    content = entry.content or {}
    doi = str(content.get(Column.DOI, "")).split("|")[0].lower()
    return doi or str(content.get(Column.REFERENCE, ""))
