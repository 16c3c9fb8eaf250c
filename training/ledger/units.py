"""How columns may be called and in which units they may be: each unit is stated, none is guessed.

A header names its quantity and its unit (`sigma_mS_per_cm`, `sigma (mS/cm)`, `T / K`), or a neighbour column does
(`sigma` beside `sigma_unit`). Numbers are converted to the unit of `schema.Column` and rounded to 12 digits, so that
one measurement is one content whatever unit it was written in.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from training.ledger.schema import Column

SIGNIFICANT_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a quantity: canonical value = value * factor + offset, of 10**value where the value is a logarithm."""

    name: str
    factor: float = 1.0
    offset: float = 0.0
    is_log10: bool = False

    def convert(self, value: float) -> float:
        """Return a value in the canonical unit; infinite where it overflows."""
        try:
            plain = 10.0**value if self.is_log10 else value
        except OverflowError:
            return math.inf
        return rounded(plain * self.factor + self.offset)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of numbers, by its names and the units it may be in.

    Parameters
    ----------
    column
        Where it goes.
    names
        Lower case, blanks as underscores.
    units
        Written as in a header's brackets (`mS/cm`) to the conversion.
    tolerance
        Relative difference, or absolute one for a temperature, up to which two columns agree.
    """

    column: Column
    names: tuple[str, ...]
    units: dict[str, Unit]
    tolerance: float = 0.02


def rounded(value: float) -> float:
    """Return a value to 12 significant digits, minus zero as zero."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0


def _units(**factors: float) -> dict[str, Unit]:
    spelled = {name.replace("_per_", "/").replace("_", " "): factor for name, factor in factors.items()}
    return {name: Unit(name, factor) for name, factor in spelled.items()}


_PLAIN = {"": Unit("")}
_SIEMENS = _units(S_per_cm=1.0, mS_per_cm=1e-3, uS_per_cm=1e-6, S_per_m=1e-2, mS_per_m=1e-5)
_LOG_SIEMENS = {name: Unit(f"log10({name})", unit.factor, is_log10=True) for name, unit in _SIEMENS.items()}
_CELSIUS = Unit("C")
_KELVIN = Unit("K", offset=-273.15)
_LENGTHS_UM = _units(um=1.0, nm=1e-3, mm=1e3, cm=1e4)
_LENGTHS_A = {**_units(angstrom=1.0, nm=10.0, pm=0.01), "": Unit("angstrom"), "A": Unit("angstrom")}
_DEGREES = {"": Unit("degree"), "degree": Unit("degree"), "deg": Unit("degree")}
_VOLTS = _units(V=1.0, mV=1e-3)
_PER_ATOM = {**_units(eV_per_atom=1.0, meV_per_atom=1e-3), "kJ/mol atoms": Unit("kJ/mol atoms", 1 / 96.485332)}
"""1 eV per particle is 96.485332 kJ/mol (CODATA 2018)."""

QUANTITIES: tuple[Quantity, ...] = (
    Quantity(Column.SIGMA, ("sigma", "ionic_sigma", "conductivity", "ionic_conductivity", "σ"), _SIEMENS),
    Quantity(Column.SIGMA, ("log10_sigma", "log10_conductivity", "log10_ionic_conductivity"), _LOG_SIEMENS),
    Quantity(
        Column.CCD, ("ccd", "critical_current_density", "critical_current"),
        _units(mA_per_cm2=1.0, uA_per_cm2=1e-3, A_per_cm2=1e3, A_per_m2=0.1),
    ),
    Quantity(
        Column.TEMPERATURE, ("temperature", "t", "temp"),
        {"C": _CELSIUS, "degC": _CELSIUS, "Celsius": _CELSIUS, "celsius": _CELSIUS, "K": _KELVIN, "Kelvin": _KELVIN,
         "kelvin": _KELVIN},
        tolerance=0.5,
    ),
    Quantity(
        Column.ACTIVATION_ENERGY, ("activation_energy", "ea", "e_a"),
        {**_units(eV=1.0, meV=1e-3), "kJ/mol": Unit("kJ/mol", 1 / 96.485332),
         "kcal/mol": Unit("kcal/mol", 1 / 23.060548)},
    ),
    Quantity(
        Column.RELATIVE_DENSITY, ("relative_density",),
        {"": Unit("fraction"), "fraction": Unit("fraction"), "%": Unit("%", 0.01), "pct": Unit("%", 0.01),
         "percent": Unit("%", 0.01)},
    ),
    Quantity(Column.THICKNESS, ("thickness",), _LENGTHS_UM),
    Quantity(Column.GRAIN_SIZE, ("grain_size",), _LENGTHS_UM),
    Quantity(Column.ELECTRONIC_SIGMA, ("electronic_sigma", "electronic_conductivity"), _SIEMENS),
    Quantity(
        Column.RESISTANCE, ("interfacial_resistance", "resistance", "asr", "area_specific_resistance"),
        {"ohm cm2": Unit("ohm cm2"), "kohm cm2": Unit("kohm cm2", 1e3), "Ω cm2": Unit("ohm cm2")},
    ),
    Quantity(
        Column.STACK_PRESSURE, ("stack_pressure", "pressure"),
        _units(MPa=1.0, kPa=1e-3, GPa=1e3, bar=0.1),
    ),
    Quantity(Column.AREAL_CAPACITY, ("areal_capacity", "capacity"), _units(mAh_cm2=1.0, mAh_per_cm2=1.0)),
    Quantity(Column.STEP_TIME, ("step_time",), _units(h=1.0, min=1 / 60, s=1 / 3600)),
    Quantity(Column.FORMATION_ENERGY, ("formation_energy",), _PER_ATOM),
    Quantity(Column.ENERGY_ABOVE_HULL, ("energy_above_hull", "e_above_hull", "ehull"), _PER_ATOM),
    Quantity(Column.REDUCTION, ("reduction", "reduction_limit", "reduction_potential"), _VOLTS),
    Quantity(Column.OXIDATION, ("oxidation", "oxidation_limit", "oxidation_potential"), _VOLTS),
    *(Quantity(column, (str(column),), _LENGTHS_A) for column in (Column.A, Column.B, Column.C)),
    *(Quantity(column, (str(column),), _DEGREES) for column in (Column.ALPHA, Column.BETA, Column.GAMMA)),
    *(
        Quantity(column, (str(column),), _PLAIN)
        for column in (Column.SPACE_GROUP, Column.ATOMS_PER_CELL, Column.YEAR)
    ),
)  # fmt: skip

TEXT_NAMES: dict[str, Column] = {
    **{
        str(column): column
        for column in Column
        if column not in {quantity.column for quantity in QUANTITIES}
    },
    "composition": Column.FORMULA, "source": Column.REFERENCE, "notebook": Column.REFERENCE,
    "space_group": Column.SPACE_GROUP, "interlayer": Column.INTERLAYER_TYPE, "class": Column.ELECTROLYTE_CLASS,
    "date": Column.MEASURED_ON,
}  # fmt: skip

_BRACKETED = re.compile(r"(.+?)\s*[(\[]\s*(.*?)\s*[)\]]")
_LOG_OF = re.compile(r"log_?10\s*[(\[]\s*(.+?)\s*[)\]]", re.IGNORECASE)
_INVERSE = re.compile(r"[ .·*]?(cm|m|mol|atom)\^?-([12])")
_UNIT_SUFFIX = "_unit"


class HeaderError(ValueError):
    """One header cannot be understood; the message says what was found and what is understood."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a header means.

    Parameters
    ----------
    header
        As it was written.
    column
        Where its cells go.
    quantity
        None for a column of text.
    unit
        None for text, and for numbers whose unit stands in the column `unit_header`.
    unit_header
        Header of the column that names the unit of each row.
    """

    header: str
    column: Column
    quantity: Quantity | None = None
    unit: Unit | None = None
    unit_header: str | None = None


def plain_unit(text: str) -> str:
    """Return a unit as the tables here spell it: `mS cm⁻¹` and `mS_per_cm` as `mS/cm`, `°C` as `C`.

    Upper and lower case stay: mS is not MS.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u03bc", "u").replace("\u2126", "Ω")
    plain = plain.strip().removeprefix("°").replace("^", "").replace("_per_", "/").replace("_", " ")
    plain = _INVERSE.sub(lambda found: "/" + found[1] + ("2" if found[2] == "2" else ""), plain)
    plain = " ".join(plain.replace("·", " ").replace("*", " ").replace("Ω", "ohm").split())
    return re.sub(r"\s*/\s*", "/", plain)


def understand(header: str, all_headers: frozenset[str]) -> Heading | None:
    """Return what a header means, None if it means nothing here.

    Parameters
    ----------
    header
        As written.
    all_headers
        Every header of the table, in which `NAME_unit` may stand.

    Raises
    ------
    HeaderError
        If the quantity is known and its unit is missing or unknown, or a name is nearly a known one.
    """
    name, unit = _split(header)
    if unit is None and name in TEXT_NAMES:
        return Heading(header, TEXT_NAMES[name], _quantity_of(TEXT_NAMES[name]), None)
    for quantity in QUANTITIES:
        for known in quantity.names:
            if name == known:
                return _with_unit(header, quantity, unit, all_headers)
            if unit is None and name.startswith(known + "_") and name != known + _UNIT_SUFFIX:
                suffix = plain_unit(_normal(header)[len(known) + 1 :])
                if suffix in quantity.units:
                    return Heading(header, quantity.column, quantity, quantity.units[suffix])
    _complain_of_near_miss(header, name, unit)
    return None


def _with_unit(header: str, quantity: Quantity, unit: str | None, all_headers: frozenset[str]) -> Heading:
    known = ", ".join(filter(None, quantity.units))
    if unit is not None:
        found = quantity.units.get(plain_unit(unit))
        if found is None:
            raise HeaderError(f"column '{header}': unit '{unit}' is not known; expected one of: {known}")
        return Heading(header, quantity.column, quantity, found)
    unit_header = next((other for other in all_headers if _split(other)[0] == _split(header)[0] + _UNIT_SUFFIX), None)
    if unit_header is not None:
        return Heading(header, quantity.column, quantity, None, unit_header)
    if "" in quantity.units:
        return Heading(header, quantity.column, quantity, quantity.units[""])
    raise HeaderError(
        f"column '{header}' names no unit; expected '{quantity.column}', another of the units {known} in brackets"
        f" after the name, or a column '{header}{_UNIT_SUFFIX}'"
    )


def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()
    return re.sub(r"\s+", "_", plain)


def _split(header: str) -> tuple[str, str | None]:
    """Return name (lower case) and unit (None where none is set apart) of a header."""
    text = unicodedata.normalize("NFKC", header).strip()
    log = _LOG_OF.fullmatch(text)
    if log:
        inner, unit = _split(log[1])
        return f"log10_{inner}", unit
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        return _normal(bracketed[1]).lower(), bracketed[2]
    name, slash, unit_text = text.partition(" / ")
    if slash:
        return _normal(name).lower(), unit_text.strip()
    return _normal(text).lower(), None


@cache
def _quantity_of(column: Column) -> Quantity | None:
    return next((quantity for quantity in QUANTITIES if quantity.column is column), None)


@cache
def _known_names() -> dict[str, str]:
    """Every accepted canonical name in lower case, and as it is written."""
    return {str(column).lower(): str(column) for column in Column if len(column) > 2} | {
        name: name for name in ("sigma_mS_per_cm", "log10_sigma_S_per_cm", "temperature_K") if name
    }


def _complain_of_near_miss(header: str, name: str, unit: str | None) -> None:
    if name.endswith(_UNIT_SUFFIX):
        return
    near = difflib.get_close_matches(name, _known_names(), n=1, cutoff=0.85)
    for quantity in QUANTITIES:
        for known in quantity.names:
            if len(known) > 2 and unit is None and name.startswith(known + "_"):
                rest = _normal(header)[len(known) + 1 :]
                units = ", ".join(filter(None, quantity.units))
                hint = f" (did you mean '{_known_names()[near[0]]}'?)" if near else ""
                raise HeaderError(f"column '{header}': unit '{rest}' is not known; expected one of: {units}{hint}")
    if near:
        raise HeaderError(f"column '{header}' is not known (did you mean '{_known_names()[near[0]]}'?)")
