"""In which units a column of numbers may be written: each unit is stated, none is guessed.

Numbers are converted to the unit of their column and rounded to 12 digits, so that one measurement is one content
whatever unit it was written in.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

SIGNIFICANT_DIGITS = 12
_INVERSE = re.compile(r"[ .·*]?(cm|m|mol|atom)\^?-([12])")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a column: canonical value = value * factor + offset, of 10**value where the value is a logarithm."""

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
class Notation:
    """How a column of numbers may be headed: by which names, in which units.

    Parameters
    ----------
    names
        Lower case, blanks as underscores.
    units
        Written as in a header's brackets (`mS/cm`) to the conversion; "" where a name without a unit will do.
    tolerance
        Relative difference up to which two columns of one row agree.
    is_absolute
        Whether the tolerance is a difference in the column's unit.
    """

    names: tuple[str, ...]
    units: Mapping[str, Unit]
    tolerance: float = 0.02
    is_absolute: bool = False


def rounded(value: float) -> float:
    """Return a value to 12 significant digits, minus zero as zero."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0


def scaled(*factors: tuple[str, float]) -> dict[str, Unit]:
    """Return units that differ by a factor; `Quantity.units` of the contract are such."""
    return {name: Unit(name, factor) for name, factor in factors}


def log10_of(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """Return the same units of numbers that are written as their logarithm."""
    return {name: Unit(f"log10({name})", unit.factor, is_log10=True) for name, unit in units.items()}


CELSIUS = Unit("C")
KELVIN = Unit("K", offset=-273.15)
PLAIN = {"": Unit("")}
LENGTH_um = scaled(("um", 1.0), ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4))
LENGTH_angstrom = {**scaled(("angstrom", 1.0), ("nm", 10.0), ("pm", 0.01)), "": Unit("angstrom"), "A": Unit("angstrom")}
DEGREE = {"": Unit("degree"), "degree": Unit("degree"), "deg": Unit("degree")}
KJ_PER_MOL = Unit("kJ/mol", 1 / 96.485332)
"""In eV: 1 eV per particle is 96.485332 kJ/mol (CODATA 2018)."""
KCAL_PER_MOL = Unit("kcal/mol", 1 / 23.060548)


def plain_unit(text: str) -> str:
    """Return a unit as the tables here spell it: `mS cm⁻¹` and `mS_per_cm` as `mS/cm`, `°C` as `C`.

    Upper and lower case stay: mS is not MS.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u03bc", "u").replace("\u2126", "Ω")
    plain = plain.strip().removeprefix("°").replace("^", "").replace("_per_", "/").replace("_", " ")
    plain = _INVERSE.sub(lambda found: "/" + found[1] + ("2" if found[2] == "2" else ""), plain)
    plain = " ".join(plain.replace("·", " ").replace("*", " ").replace("Ω", "ohm").split())
    return re.sub(r"\s*/\s*", "/", plain)
