"""In which state conductivities were measured that disagree by more than a decade: an embedded table, a DOI per row.

One formula may stand for several materials (cubic and tetragonal Li7La3Zr2O12, glass and crystal of Li3PS4), and a
model of formulas answers one value for all. `measured_states.csv` holds what OBELiX (doi 10.1039/D5DD00441A), the
Laskowski table (doi 10.1039/d2ee03499a) and the literature table say of the state of such measurements near 25 C: the
words of the literature table, or crystal system and space group. `states_of` makes it from the assembled table.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from training.applicability import DECADES_APART, ROOM_TEMPERATURE_SPAN_C
from training.properties.conductivity.schema import TableColumn
from training.splits import composition_key

if TYPE_CHECKING:
    import pandas as pd

    from training.applicability import DomainIndex

TABLE_PATH = Path(__file__).with_name("measured_states.csv")
COLUMNS = ("formula", "state", "log10_sigma_S_per_cm", "doi", "source")
NOT_STATED = "state not stated"
MOST_SOURCES = 3
SAME_VALUE = 0.006  # decades; the table rounds to two decimals
ROOM_TEMPERATURE_C = 25.0
_CRYSTAL_SYSTEMS = {
    2: "triclinic",
    15: "monoclinic",
    74: "orthorhombic",
    142: "tetragonal",
    167: "trigonal",
    194: "hexagonal",
    230: "cubic",
}
"""The last space group of each."""


class MeasuredState(NamedTuple):
    """One row of the table."""

    formula: str
    state: str
    log10_sigma_S_per_cm: float
    doi: str
    source: str


@cache
def measured_states() -> tuple[MeasuredState, ...]:
    """Return the table."""
    with TABLE_PATH.open(encoding="utf-8", newline="") as handle:
        return tuple(
            MeasuredState(row["formula"], row["state"], float(row["log10_sigma_S_per_cm"]), row["doi"], row["source"])
            for row in csv.DictReader(handle)
        )


@cache
def _by_composition() -> dict[str, list[MeasuredState]]:
    found: dict[str, list[MeasuredState]] = {}
    for row in measured_states():
        found.setdefault(composition_key(row.formula), []).append(row)
    return found


def state_of(formula: str, log10_sigma_S_per_cm: float, doi: str) -> str:
    """Return the state in which a value was measured, `NOT_STATED` where the table does not know it."""
    for row in _by_composition().get(composition_key(formula), ()):
        if row.doi == doi and abs(row.log10_sigma_S_per_cm - log10_sigma_S_per_cm) < SAME_VALUE:
            return row.state
    return NOT_STATED


def disagreement_words(domain: DomainIndex, formula: str) -> tuple[str, str]:
    """Return the range of the measurements of a material near 25 C, and what belongs to which state, in words.

    Parameters
    ----------
    domain
        What was measured.
    formula
        A key of `domain.disagreeing`.
    """
    rows = domain.disagreeing[formula]
    by_state: dict[str, list[int]] = {}
    for i in rows:
        by_state.setdefault(state_of(formula, float(domain.values[i]), domain.dois[i]), []).append(i)
    states = sorted(by_state, key=lambda state: (state == NOT_STATED, -max(domain.values[by_state[state]])))
    spans = [f"{state} {_span(domain, by_state[state])} ({_sources(domain, by_state[state])})" for state in states]
    whole = f"{len(rows)} measurements of {formula} near 25 C lie between {_span(domain, rows, ' and ')} S/cm"
    return whole, "; ".join(spans)


def _span(domain: DomainIndex, rows: Sequence[int], between: str = " to ") -> str:
    order = sorted(rows, key=lambda i: float(domain.values[i]))
    ends = [f"{'<' if domain.are_upper_bounds[i] else ''}{10 ** domain.values[i]:.1e}" for i in (order[0], order[-1])]
    return between.join(dict.fromkeys(ends))


def _sources(domain: DomainIndex, rows: Sequence[int]) -> str:
    named = list(dict.fromkeys(domain.dois[i] for i in rows if domain.dois[i])) or ["no source"]
    more = f" and {len(named) - MOST_SOURCES} more" if len(named) > MOST_SOURCES else ""
    return ", ".join(named[:MOST_SOURCES]) + more


def states_of(table: pd.DataFrame) -> list[MeasuredState]:
    """Return the rows of the embedded table from the assembled table of all measurements.

    Parameters
    ----------
    table
        From `table.load_training_table(with_obelix_test=True)`.
    """
    near = (table[TableColumn.TEMPERATURE] - ROOM_TEMPERATURE_C).abs() <= ROOM_TEMPERATURE_SPAN_C
    rows = table[near & table[TableColumn.LOG10_SIGMA].notna()]
    keys = rows[TableColumn.FORMULA].map(composition_key)
    lowest = rows[TableColumn.LOG10_SIGMA].groupby(keys).transform("min")
    measured = rows[TableColumn.LOG10_SIGMA].where(~rows[TableColumn.IS_UPPER_BOUND])  # a bound may lie above anything
    rows = rows[measured.groupby(keys).transform("max") - lowest > DECADES_APART]
    found = []
    for _, row in rows.iterrows():
        state = row[TableColumn.STATE] or _symmetry(row[TableColumn.SPACE_GROUP])
        if state:
            value = round(float(row[TableColumn.LOG10_SIGMA]), 2)
            source = row[TableColumn.DOI] or row[TableColumn.REFERENCE]
            found.append(MeasuredState(row[TableColumn.FORMULA], state, value, source, row[TableColumn.SOURCE]))
    return sorted(set(found))


def _symmetry(space_group: float) -> str:
    if not 1 <= space_group <= 230:
        return ""
    system = next(name for last, name in _CRYSTAL_SYSTEMS.items() if space_group <= last)
    return f"{system} (space group {int(space_group)})"
