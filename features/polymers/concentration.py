"""How much salt: molality, lithium per oxygen or weight percent become mol of salt per kilogram of polymer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from features.errors import CandidateError, RowErrorCode
from features.polymers.salts import Salt

HIGHEST_MOLALITY = 30.0
HIGHEST_LI_PER_O = 5.0
LARGEST_CONTRADICTION = 0.05
FIELDS = ("molality", "li_per_O", "salt_wt_percent")


@dataclass(frozen=True, slots=True)
class Concentration:
    """What a user says of the amount of salt; None where nothing is said.

    Parameters
    ----------
    molality
        mol of salt per kg of polymer.
    li_per_O
        Lithium of the salt per oxygen atom of the polymer: 0.05 for O:Li = 20.
    salt_wt_percent
        Mass of salt in percent of salt and polymer together.
    li_per_unit
        Lithium of the salt per repeat unit, which text forms such as `PTMC8LiTFSI` mean.
    """

    molality: float | None = None
    li_per_O: float | None = None
    salt_wt_percent: float | None = None
    li_per_unit: float | None = None

    @property
    def is_given(self) -> bool:
        """Whether anything is said."""
        return any(
            value is not None for value in (self.molality, self.li_per_O, self.salt_wt_percent, self.li_per_unit)
        )


@dataclass(frozen=True, slots=True)
class UnitMass:
    """Of the average repeat unit: molar mass in kg/mol, and its number of oxygen atoms."""

    mass_kg: float
    n_oxygen: float


def molality_of(given: Concentration, salt: Salt, unit: UnitMass) -> float:
    """Return mol of salt per kg of polymer.

    Raises
    ------
    CandidateError
        `missing_concentration`, `concentration_out_of_range`, or `contradicting_concentration` where two of what is
        given differ by more than 5 %.
    """
    found = {name: value for name, value in _all(given, salt, unit).items() if value is not None}
    if not found:
        words = "give one of molality (mol salt per kg polymer), li_per_O or salt_wt_percent"
        raise CandidateError(RowErrorCode.MISSING_CONCENTRATION, f"how much {salt.name} is not said: {words}")
    lowest, highest = min(found.values()), max(found.values())
    if highest > lowest * (1.0 + LARGEST_CONTRADICTION):
        each = ", ".join(f"{name} means {value:.4g} mol/kg" for name, value in found.items())
        raise CandidateError(RowErrorCode.CONTRADICTING_CONCENTRATION, f"the amounts of salt contradict: {each}")
    if highest > HIGHEST_MOLALITY:
        words = f"{highest:.4g} mol of salt per kg of polymer; expected at most {HIGHEST_MOLALITY:g}"
        raise CandidateError(RowErrorCode.CONCENTRATION_OUT_OF_RANGE, words)
    return next(iter(found.values()))


def _all(given: Concentration, salt: Salt, unit: UnitMass) -> dict[str, float | None]:
    """Return what each of the given amounts means in mol/kg."""
    li_per_O, percent = given.li_per_O, given.salt_wt_percent
    if given.molality is not None:
        _expect(given.molality, "molality", HIGHEST_MOLALITY, "mol of salt per kg of polymer")
    if li_per_O is not None:
        hint = f"; O:Li = {li_per_O:g} is li_per_O = {1.0 / li_per_O:.3g}" if li_per_O > 1.0 else ""
        _expect(li_per_O, "li_per_O", HIGHEST_LI_PER_O, f"lithium atoms per oxygen atom of the polymer{hint}")
        if unit.n_oxygen == 0:
            words = "the polymer has no oxygen: give molality or salt_wt_percent instead of li_per_O"
            raise CandidateError(RowErrorCode.MISSING_CONCENTRATION, words)
    if percent is not None:
        _expect(percent, "salt_wt_percent", 99.0, "percent of the mass of salt and polymer")
    if given.li_per_unit is not None:
        _expect(given.li_per_unit, "lithium per repeat unit", 1e3, "lithium atoms per repeat unit")
    per_mol = 1.0 / (unit.mass_kg * salt.n_lithium)
    return {
        "molality": given.molality,
        "li_per_O": None if li_per_O is None else li_per_O * unit.n_oxygen * per_mol,
        "salt_wt_percent": None if percent is None else percent / (100.0 - percent) / (salt.mass / 1000.0),
        "the ratio": None if given.li_per_unit is None else given.li_per_unit * per_mol,
    }


def _expect(value: float, name: str, most: float, unit: str) -> None:
    if not math.isfinite(value) or not 0.0 < value <= most:
        words = f"{name} {value:g}; expected more than 0 and at most {most:g} {unit}"
        raise CandidateError(RowErrorCode.CONCENTRATION_OUT_OF_RANGE, words)
