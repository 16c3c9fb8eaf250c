"""Measured energies, limits of stability and observations: their columns and rules, and what is frozen.

Frozen are the CritExam test split (energies) and the published windows that computed ones are scored by (limits).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from training.measurements.columns import (
    DOI,
    FORMULA,
    ORIGIN,
    TEMPERATURE,
    Contents,
    LedgerColumn,
    RowRule,
    UnitHint,
    number,
    word,
)
from training.measurements.contract import LEAKS, NOT_CHECKED, Measurements
from training.measurements.problems import Code
from training.measurements.units import KJ_PER_MOL, Notation, scaled
from training.properties.contract import Quantity
from training.properties.stability import quantities
from training.properties.stability.literature import scored_papers, windows_by_composition
from training.sources import MissingSourceError, locate, places
from training.splits import composition_key, paper_keys

if TYPE_CHECKING:
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

_PER_ATOM = scaled(*quantities.PER_ATOM, ("kJ/mol atoms", KJ_PER_MOL.factor))
FORMATION_ENERGY = number(
    quantities.FORMATION_ENERGY.measured_name,
    "Formation energy",
    quantities.FORMATION_ENERGY.unit,
    Notation(("formation_energy",), _PER_ATOM),
    low=-6.0,
    high=3.0,
    hint=UnitHint(-6000.0, -6.0, "in meV or kJ/mol? name the unit in the header"),
)
ENERGY_ABOVE_HULL = number(
    quantities.ABOVE_HULL.measured_name,
    "Energy above the hull",
    quantities.ABOVE_HULL.unit,
    Notation(("energy_above_hull", "e_above_hull", "ehull"), _PER_ATOM),
    low=0.0,
    high=3.0,
    hint=UnitHint(3.0, 3000.0, "in meV? name the column energy_above_hull_meV_per_atom"),
)


def _limit(quantity: Quantity, label: str) -> LedgerColumn:
    stem = quantity.stem
    return number(
        quantity.measured_name,
        f"{label} limit against Li/Li+",
        quantity.unit,
        Notation((stem, f"{stem}_limit", f"{stem}_potential"), scaled(*quantity.units)),
        low=0.0,
        high=10.0,
        hint=UnitHint(10.0, 10_000.0, f"in mV? name the column {stem}_mV"),
    )


REDUCTION, OXIDATION = _limit(quantities.REDUCTION, "Reduction"), _limit(quantities.OXIDATION, "Oxidation")
OBSERVATION = word("observation", "What was seen", ("stable", "decomposes"))
AGAINST = LedgerColumn("against", "In contact with what")
METHOD = LedgerColumn("method", "How it was found")


def _is_open(content: Contents) -> bool:
    return float(content.get(REDUCTION, "-inf")) <= float(content.get(OXIDATION, "inf"))


class StabilityMeasurements(Measurements):
    """Formation energies, energies above the hull, limits of the window, and what was seen."""

    columns = (
        FORMULA.but(is_required=True),
        FORMATION_ENERGY,
        ENERGY_ABOVE_HULL,
        REDUCTION,
        OXIDATION,
        OBSERVATION,
        AGAINST,
        METHOD,
        TEMPERATURE.but(low=-200.0, high=1000.0),
        *ORIGIN,
    )
    measured = (FORMATION_ENERGY, ENERGY_ABOVE_HULL, REDUCTION, OXIDATION, OBSERVATION)
    across = (
        RowRule(
            REDUCTION,
            Code.SWAPPED_COLUMNS,
            "a reduction limit below the oxidation limit (are the columns swapped?)",
            _is_open,
        ),
    )

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return [_leak(content) for content in contents]

    def is_known_material(self, formula: str) -> bool:
        """Whether the public tables hold a calculated energy of this composition; False where they are not here."""
        from training.properties.stability.measurement_checks import reference_energies

        try:
            return composition_key(formula) in reference_energies(places())
        except MissingSourceError:
            return False

    def suspect(self, rows: Sequence[Row], held: Sequence[Entry]) -> str:
        """See `Measurements.suspect`."""
        from training.properties.stability.measurement_checks import suspect_stability

        return suspect_stability(rows, held)


def _leak(content: Contents) -> str:
    composition = composition_key(str(content[FORMULA]))
    if FORMATION_ENERGY in content or ENERGY_ABOVE_HULL in content:
        try:
            frozen = _critexam_test(places())
        except MissingSourceError:
            return f"{NOT_CHECKED} (CritExam test split: `elyte data fetch critexam_ef_test`)"
        if composition in frozen:
            return f"{LEAKS} (CritExam test split: same composition)"
    if REDUCTION in content or OXIDATION in content:
        same_paper = paper_keys(str(content.get(DOI, ""))) & scored_papers()
        if same_paper or composition in windows_by_composition():
            return f"{LEAKS} (published windows: same composition or paper)"
    return ""


@lru_cache(maxsize=2)
def _critexam_test(_places: tuple[str, str]) -> frozenset[str]:
    from training.tables import read_csv_as_text

    table = read_csv_as_text(locate("critexam_ef_test"))
    return frozenset(composition_key(formula) for formula in table.iloc[:, 0])


MEASUREMENTS = StabilityMeasurements()
