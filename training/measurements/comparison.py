"""A possible measurement compared with what is known, against the noise between laboratories."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from training.measurements.columns import BOUND, DOI, ROOM_TEMPERATURE_C, TEMPERATURE, LedgerColumn
from training.measurements.entries import Entry
from training.measurements.known import Known
from training.measurements.problems import Code
from training.measurements.rows import Row
from training.splits import paper_keys

FACTOR_1000_TOLERANCE = 0.3
SAME_TEMPERATURE_C = 5.0


class ComparedValue(NamedTuple):
    """One known value (log10) that a new one is compared with."""

    value: float
    is_upper_bound: bool
    label: str


class Others(NamedTuple):
    """Known values to compare with, of what they are in words, and one standard deviation between laboratories."""

    values: list[ComparedValue]
    what: str
    noise_decades: float


Otherwise = Callable[[Row, Known, list[int], float], Others]
"""From a row, what is known, which of it is of its composition and has a value, and the row's temperature."""


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """How a quantity that spans decades is compared with what is known of it.

    Parameters
    ----------
    column
        Of the measured quantity.
    noise_decades
        One standard deviation between laboratories; twice that is called a deviation.
    same_value_decades
        Up to this difference two values are one that was copied.
    unit_doubt
        What a factor of 1000 may be, in words.
    has_upper_bounds
        Whether a known bound means that the value lies below; else bounds are taken as values.
    otherwise
        What to compare with where nothing of this composition is known near this temperature.
    """

    column: LedgerColumn
    noise_decades: float
    same_value_decades: float
    unit_doubt: str
    has_upper_bounds: bool
    otherwise: Otherwise


def compare_with_known(
    rows: Sequence[Row],
    known: Known,
    held: Sequence[Entry],
    comparison: ValueComparison,
    suspect_row: Callable[[Row], None],
) -> str:
    """Flag known papers and values that deviate from what is known; return what could not be compared with.

    Parameters
    ----------
    rows
        Possible ones, flagged in place.
    known, held
        Of the training tables, and of the ledger.
    suspect_row
        Flags what is unlikely of a row by itself.
    """
    everything = known.and_ledger(held, comparison.column)
    neighbours = everything.neighbours([row.content for row in rows])
    for row, near in zip(rows, neighbours, strict=True):
        suspect_paper(row, everything.papers)
        suspect_row(row)
        if comparison.column in row.content:
            _compare(row, comparison, everything, near)
    return known.lacking


def suspect_paper(row: Row, papers: dict[str, str]) -> None:
    """Flag a row whose paper is known; `papers` says from where, by paper key."""
    for key in sorted(paper_keys(str(row.content.get(DOI, "")))):
        if key in papers:
            why = f"this paper is known already ({papers[key]}); is the measurement new?"
            row.suspect(Code.PAPER_ALREADY_KNOWN, DOI, why)
            return


def _compare(row: Row, comparison: ValueComparison, known: Known, near: list[int]) -> None:
    """Compare a value with what others found for the same composition, else with what the kind knows otherwise."""
    value = math.log10(float(row.content[comparison.column]))
    temperature = float(row.content.get(TEMPERATURE, ROOM_TEMPERATURE_C))
    with_value = [i for i in near if math.isfinite(known.value[i])]
    same = [i for i in with_value if abs(known.temperature_C[i] - temperature) <= SAME_TEMPERATURE_C]
    for i in same:
        if abs(known.value[i] - value) <= comparison.same_value_decades:
            why = f"the same material, temperature and value are known already ({known.label[i]})"
            row.suspect(Code.REPEATS_KNOWN, comparison.column, why)
            break
    reports = [ComparedValue(float(known.value[i]), bool(known.is_bound[i]), known.label[i]) for i in same]
    others = Others(reports, "the same composition", comparison.noise_decades)
    if not reports:
        others = comparison.otherwise(row, known, with_value, temperature)
    if others.values:
        _weigh(row, value, others, comparison)


def _weigh(row: Row, value: float, others: Others, comparison: ValueComparison) -> None:
    """Flag a value beyond twice the noise from the median of the others, and say so if it is a factor of 1000.

    The median, because single entries of every table are wrong by decades. Where only bounds are known, a value
    far above the lowest of them is odd.
    """
    column, (reports, what, noise) = comparison.column, others
    is_upper = row.content.get(BOUND) == "upper"
    bounds = [one.value for one in reports if one.is_upper_bound] if comparison.has_upper_bounds else []
    values = [one.value for one in reports if not (one.is_upper_bound and bounds)]
    middle = median(values) if values else min(bounds)
    if abs(value - middle) <= 2.0 * noise or (is_upper and value > middle) or (not values and value < middle):
        return
    thousand = next((one for one in reports if abs(abs(value - one.value) - 3.0) <= FACTOR_1000_TOLERANCE), None)
    if thousand is not None:
        times = "1000 times" if value > thousand.value else "1/1000 of"
        known = f"{10.0**thousand.value:.3g} {column.unit} of {thousand.label} ({what})"
        row.suspect(Code.FACTOR_1000, column, f"about {times} the {known}; {comparison.unit_doubt}")
        return
    apart = f"{abs(value - middle):.2f} decades from {10.0**middle:.3g} {column.unit}"
    which = f"the median of {len(values)} known" if values else "the known bound"
    row.suspect(Code.DEVIATES_FROM_KNOWN, column, f"{apart}, {which} ({what}); laboratories differ by {noise:g}")
