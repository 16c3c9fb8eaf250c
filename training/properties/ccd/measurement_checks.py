"""Is a measured critical current density a likely one? Compared with the literature, else with its class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from training.measurements.comparison import ComparedValue, Others, ValueComparison, compare_with_known
from training.measurements.known import Known, fractions_of, papers_of
from training.measurements.problems import Code
from training.properties.ccd.schema import MOLTEN_ANODE, REGULAR, SCAFFOLD
from training.properties.ccd.table import load_literature

if TYPE_CHECKING:
    from training.measurements.columns import LedgerColumn
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

NOISE_DECADES = 0.45
"""The 90 % half-width of 0.75 decades (docs/science/ccd.md) over 1.645."""
SAME_VALUE_DECADES = 0.002
"""Critical currents are round already."""
HIGHEST_USUAL_CCD = 20.0
CROWD = 5
"""From so many reports on, a class of electrolytes has a median worth comparing with."""
_CLASS = "electrolyte_class"


def suspect_currents(rows: Sequence[Row], known: Known, held: Sequence[Entry], current: LedgerColumn) -> str:
    """Flag what is suspicious about possible rows; return in words what could not be compared with."""
    comparison = ValueComparison(
        current,
        NOISE_DECADES,
        SAME_VALUE_DECADES,
        unit_doubt="is the unit right?",
        has_upper_bounds=False,
        otherwise=_of_its_class,
    )
    return compare_with_known(rows, known, held, comparison, _suspect_row)


def _suspect_row(row: Row) -> None:
    is_flat = row.content.get("interlayer_type") != SCAFFOLD and row.content.get("anode") != MOLTEN_ANODE
    if is_flat and float(row.content["ccd_mA_per_cm2"]) > HIGHEST_USUAL_CCD:
        why = (
            f"above {HIGHEST_USUAL_CCD:g} mA/cm2, far above what is known without a scaffold or molten lithium;"
            " was A/m2 given as mA/cm2, or are columns swapped?"
        )
        row.suspect(Code.FAR_ABOVE_KNOWN, "ccd_mA_per_cm2", why)


def _of_its_class(row: Row, known: Known, near: list[int], temperature_C: float) -> Others:
    name = str(row.content.get(_CLASS, ""))
    alike = known.value[known.beside[_CLASS] == name] if name else np.empty(0)
    values = [ComparedValue(float(value), False, name) for value in alike]
    return Others(values if len(values) >= CROWD else [], f"the class {name}", NOISE_DECADES)


@lru_cache(maxsize=1)
def known_currents() -> Known:
    """Return the embedded literature."""
    table = load_literature()
    return Known(
        fractions_of(list(table["formula"])),
        np.log10(table["ccd_mA_per_cm2"].to_numpy(dtype=float)),
        table["temperature_C"].to_numpy(dtype=float),
        table["is_lower_bound"].to_numpy(dtype=bool),
        tuple(f"CCD literature {row}" for row in table["id"]),
        tuple(table["formula"]),
        papers_of(table, "id", "the CCD table"),
        beside={_CLASS: table[_CLASS].where(table["regime"] == REGULAR, "").to_numpy(dtype=np.str_)},
    )
