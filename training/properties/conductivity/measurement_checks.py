"""Is a measured conductivity a likely one? Compared with the tables, at other temperatures along Arrhenius.

Two laboratories that measure one composition differ by 0.5 to 0.8 decades of conductivity (mean difference 0.73 to
0.75, a perfect model would miss by 0.52: docs/science/benchmark.md, "The noise floor"); 0.65 is the middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from training.measurements.comparison import ComparedValue, Others, ValueComparison, compare_with_known
from training.measurements.known import Known, fractions_of, papers_of
from training.measurements.problems import Code
from training.properties.conductivity.arrhenius import inverse_temperature, prefactor_shift
from training.properties.conductivity.schema import TableColumn
from training.properties.conductivity.table import load_literature, load_training_table
from training.sources import MissingSourceError

if TYPE_CHECKING:
    from training.measurements.columns import LedgerColumn
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

NOISE_DECADES = 0.65
SAME_VALUE_DECADES = 0.02
"""Conductivities are rounded when they are copied (`repeats`)."""
MOVABLE_C = 100.0
MOVING_DECADES = 0.3
"""How far a known value is moved along its Arrhenius line, and what that adds to the noise."""
TYPICAL_ENERGY_eV = 0.36
"""Median activation energy of the training table."""
HIGHEST_USUAL_SIGMA = 0.05
USUAL_ENERGY_eV = (0.08, 1.5)
_ENERGY = "activation_energy_eV"


def suspect_conductivities(rows: Sequence[Row], known: Known, held: Sequence[Entry], sigma: LedgerColumn) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with."""
    comparison = ValueComparison(
        sigma,
        NOISE_DECADES,
        SAME_VALUE_DECADES,
        unit_doubt="mS/cm given as S/cm, or the reverse?",
        has_upper_bounds=True,
        otherwise=_moved,
    )
    return compare_with_known(rows, known, held, comparison, _suspect_row)


def _suspect_row(row: Row) -> None:
    sigma, energy = row.content.get("sigma_S_per_cm"), row.content.get(_ENERGY)
    if sigma is not None and float(sigma) > HIGHEST_USUAL_SIGMA:
        why = f"above {HIGHEST_USUAL_SIGMA:g} S/cm, far above what is known; was mS/cm given as S/cm?"
        row.suspect(Code.FAR_ABOVE_KNOWN, "sigma_S_per_cm", why)
    low, high = USUAL_ENERGY_eV
    if energy is not None and not low <= float(energy) <= high:
        why = f"outside the usual {low:g} to {high:g} eV; is the unit right, or are columns swapped?"
        row.suspect(Code.UNUSUAL_VALUE, _ENERGY, why)


def _moved(row: Row, known: Known, near: list[int], temperature_C: float) -> Others:
    """Return known values at other temperatures, moved to this one along their line: log10(sigma T) against 1/T."""
    moved = []
    for i in near:
        if abs(known.temperature_C[i] - temperature_C) > MOVABLE_C:
            continue
        energies = (float(known.beside[_ENERGY][i]), float(row.content.get(_ENERGY, math.nan)))
        energy = next((e for e in energies if math.isfinite(e)), TYPICAL_ENERGY_eV)
        slope = inverse_temperature([known.temperature_C[i], temperature_C])
        shift = prefactor_shift([known.temperature_C[i], temperature_C])
        value = float(known.value[i] + energy * (slope[0] - slope[1]) + shift[1] - shift[0])
        moved.append(ComparedValue(value, bool(known.is_bound[i]), known.label[i]))
    what = f"the same composition, moved to {temperature_C:g} C by Arrhenius"
    return Others(moved, what, NOISE_DECADES + MOVING_DECADES)


@lru_cache(maxsize=2)
def known_conductivities(_places: tuple[str, str]) -> Known:
    """Return the training table; without the public tables the embedded one, and `lacking` says so."""
    lacking = ""
    literature = load_literature()
    try:
        table = load_training_table(with_obelix_test=True)
    except MissingSourceError:
        table = literature
        lacking = "the public tables are not here (`elyte data fetch`); compared with the embedded literature only"
    papers = papers_of(literature, "row_id", "the literature table") | papers_of(table, "row_id", "the training table")
    return Known(
        fractions_of(list(table[TableColumn.FORMULA])),
        table[TableColumn.LOG10_SIGMA].to_numpy(dtype=float),
        table[TableColumn.TEMPERATURE].to_numpy(dtype=float),
        table[TableColumn.IS_UPPER_BOUND].to_numpy(dtype=bool),
        tuple(
            f"{source} {row}" for source, row in zip(table[TableColumn.SOURCE], table[TableColumn.ROW_ID], strict=True)
        ),
        tuple(table[TableColumn.FORMULA]),
        papers,
        lacking,
        {_ENERGY: table[TableColumn.ACTIVATION_ENERGY].to_numpy(dtype=float)},
    )
