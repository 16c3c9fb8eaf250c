"""Measured critical current densities: their columns and rules, and how they join the CCD table.

Models are scored by leaving out one source at a time: nothing is frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from features.formula import parse_formula
from training.measurements.columns import (
    BOUND,
    DOI,
    FORMULA,
    ORIGIN,
    REFERENCE,
    ROOM_TEMPERATURE,
    TEMPERATURE,
    Assumed,
    Contents,
    LedgerColumn,
    RowRule,
    UnitHint,
    number,
    word,
)
from training.measurements.contract import Measurements, cells_of, nothing_is_frozen
from training.measurements.problems import Code
from training.measurements.units import LENGTH_um, Notation, Unit, scaled
from training.properties.ccd import quantities
from training.properties.ccd.classes import class_of
from training.properties.ccd.schema import (
    ANODES,
    CLASSES,
    INTERLAYER_TYPES,
    LITHIUM_MELTS_C,
    MOLTEN_ANODE,
    PLAIN_ANODE,
    RANGES,
    literature_schema,
    regime,
)
from training.properties.conductivity.measurements import SIEMENS, SIGMA
from training.tables import validate

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.entries import Entry
    from training.measurements.known import Known
    from training.measurements.rows import Row


def _within(column: LedgerColumn, **more: Any) -> LedgerColumn:  # noqa: ANN401
    """Return a column with the range of the CCD table."""
    low, high, _ = RANGES[column]
    return column.but(low=low, high=high, **more)


def _number(name: str, label: str, unit: str, notation: Notation, **more: Any) -> LedgerColumn:  # noqa: ANN401
    return _within(number(name, label, unit, notation, is_positive=True, **more))


MATERIAL = LedgerColumn("material", "Name of the sample's material")
ELECTROLYTE_CLASS = word("electrolyte_class", "Class of the electrolyte", CLASSES, aliases=("class",))
CURRENT = _number(
    quantities.CURRENT.measured_name,
    "Critical current density",
    quantities.CURRENT.unit,
    Notation(
        ("ccd", "critical_current_density", "critical_current"),
        scaled(*quantities.CURRENT.units, ("A/m2", 0.1)),
    ),
    is_required=True,
    takes_bound=True,
)
INTERLAYER = word("interlayer_type", "Interlayer", INTERLAYER_TYPES, is_required=True, aliases=("interlayer",))
ANODE = word("anode", "Anode", ANODES)
FORM = LedgerColumn("form", "Form of the electrolyte")
_FRACTION = {name: Unit("fraction") for name in ("", "fraction")} | {
    n: Unit("%", 0.01) for n in ("%", "pct", "percent")
}
_CONDITIONS = (
    _within(TEMPERATURE),
    _number(
        "relative_density",
        "Relative density",
        "fraction",
        Notation(("relative_density",), _FRACTION),
        hint=UnitHint(1.0, 100.0, "in per cent? name the column relative_density_pct"),
    ),
    _number("thickness_um", "Thickness", "um", Notation(("thickness",), LENGTH_um)),
    _number("grain_size_um", "Grain size", "um", Notation(("grain_size",), LENGTH_um)),
    _within(SIGMA, takes_bound=False),
    _number(
        "electronic_sigma_S_per_cm",
        "Electronic conductivity",
        "S/cm",
        Notation(("electronic_sigma", "electronic_conductivity"), SIEMENS),
    ),
    _number(
        "interfacial_resistance_ohm_cm2",
        "Interfacial resistance",
        "ohm cm2",
        Notation(
            ("interfacial_resistance", "resistance", "asr", "area_specific_resistance"),
            {"ohm cm2": Unit("ohm cm2"), "kohm cm2": Unit("kohm cm2", 1e3), "Ω cm2": Unit("ohm cm2")},
        ),
    ),
    _number(
        "stack_pressure_MPa",
        "Stack pressure",
        "MPa",
        Notation(("stack_pressure", "pressure"), scaled(("MPa", 1.0), ("kPa", 1e-3), ("GPa", 1e3), ("bar", 0.1))),
    ),
    _number(
        "areal_capacity_mAh_cm2",
        "Capacity per half cycle",
        "mAh/cm2",
        Notation(("areal_capacity", "capacity"), scaled(("mAh cm2", 1.0), ("mAh/cm2", 1.0))),
    ),
    _number(
        "step_time_h",
        "Time per half cycle",
        "h",
        Notation(("step_time",), scaled(("h", 1.0), ("min", 1 / 60), ("s", 1 / 3600))),
    ),
)


def _names_its_material(content: Contents) -> bool:
    return FORMULA in content or (MATERIAL in content and ELECTROLYTE_CLASS in content)


class CcdMeasurements(Measurements):
    """Critical current densities with the conditions under which they were found."""

    columns = (
        FORMULA,
        MATERIAL,
        ELECTROLYTE_CLASS,
        CURRENT,
        BOUND.but(words=("lower",)),
        INTERLAYER,
        ANODE,
        *_CONDITIONS,
        FORM,
        *ORIGIN,
    )
    measured = (CURRENT,)
    decides_kind = True
    across = (
        RowRule(
            FORMULA, Code.MISSING_VALUE, "a formula, or a material with its electrolyte_class", _names_its_material
        ),
    )
    assumed = (
        ROOM_TEMPERATURE,
        Assumed(ANODE, PLAIN_ANODE, Code.ANODE_ASSUMED, "no anode is given; plain lithium metal (Li) would be assumed"),
    )

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)

    def known(self) -> Known:
        """See `Measurements.known`."""
        from training.properties.ccd.measurement_checks import known_currents

        return known_currents()

    def suspect_temperature(self, row: Row) -> None:
        """Flag solid lithium above its melting point, besides what is unlikely of every kind."""
        before = len(row.problems)
        super().suspect_temperature(row)
        temperature = float(row.content[TEMPERATURE])
        if len(row.problems) == before and temperature > LITHIUM_MELTS_C and row.content.get(ANODE) != MOLTEN_ANODE:
            why = f"lithium melts at {LITHIUM_MELTS_C} C; is the anode molten, or the temperature in kelvin?"
            row.suspect(Code.TEMPERATURE_IN_KELVIN, TEMPERATURE, why)

    def suspect(self, rows: Sequence[Row], held: Sequence[Entry]) -> str:
        """See `Measurements.suspect`."""
        from training.properties.ccd.measurement_checks import suspect_currents

        return suspect_currents(rows, self.known(), held, CURRENT)

    def training_table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return the rows as the CCD table has them; a class that is not given is read off the formula."""
        import pandas as pd

        cells: dict[str, list[Any]] = {column.name: cells_of(entries, column) for column in self.columns}
        formulas = cells[FORMULA]
        dois = [doi.split("|")[0] for doi in cells[DOI]]
        papers = [doi or f"ref:{text.lower()}" for doi, text in zip(dois, cells[REFERENCE], strict=True)]
        classes = zip(cells[ELECTROLYTE_CLASS], formulas, strict=True)
        cells |= {
            "id": [f"ledger{entry.entry}" for entry in entries],
            "material": [name or formula for name, formula in zip(cells[MATERIAL], formulas, strict=True)],
            "doi": dois,
            "electrolyte_class": [stated or _class_of(formula) for stated, formula in classes],
            "is_lower_bound": [int(bound == "lower") for bound in cells[BOUND]],
            "paper": papers,
            "provenance": ["primary"] * len(entries),
        }
        columns = list(literature_schema().columns)
        frame = pd.DataFrame({name: cells[name] for name in columns}, columns=columns)
        if not entries:
            return frame.assign(regime=[])
        table = validate(frame, literature_schema(), table="the ledger's CCDs", id_column="id")
        found = zip(table["temperature_C"], table["interlayer_type"], table["anode"], strict=True)
        return table.assign(regime=[regime(*one) for one in found])


def _class_of(formula: str) -> str:
    found = class_of(parse_formula(formula)) if formula else None
    return found if found in CLASSES else "unspecified"


MEASUREMENTS = CcdMeasurements()
