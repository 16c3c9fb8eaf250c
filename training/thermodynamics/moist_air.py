"""The phase table as moist air sees it: gases at their pressures, water as a reactant only.

Gases carry `H - T S + kT ln(p)` (formation enthalpy and absolute entropy), solids their formation energy: the entropies
of the solids on both sides cancel to a good part, those of the gases do not. Enthalpies and entropies at 298.15 K from
Chase, NIST-JANAF Thermochemical Tables, 4th ed., J. Phys. Chem. Ref. Data Monogr. 9 (1998), doi 10.18434/T42S31; of
H2Se and AsH3 from Wagman et al., J. Phys. Chem. Ref. Data 11, Suppl. 2 (1982).

Three faults of the table of formation energies would decide hydrolysis if left alone; they were measured against
formation enthalpies of known solids (Wagman et al.):

- hydrogen bound to O, S or N is too stable by 0.40-0.56 eV per H (LiOH, NaOH, Mg(OH)2, Ca(OH)2, Al(OH)3, AlOOH,
  Y(OH)3, La(OH)3, Zn(OH)2, NaHS, KHS, LiNH2, NH4Cl; hydrides are not): 0.45 eV per H is added;
- sulfates are too stable by 1.9-2.1, nitrates by 2.4, perchlorates by 2.8 eV per S, N, Cl, so that water would seem to
  oxidise sulfides: oxidised anions do not count as products unless the material itself holds them;
- hydrates inherit the first fault with every water; what is wanted is hydrolysis, so they do not count as products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from training.thermodynamics.phases import PhaseTable, rows_of_compositions
from training.thermodynamics.reactions import layout

BOLTZMANN_eV_PER_K = 8.617333262e-5
kJ_PER_MOL_PER_eV = 96.48533212
TEMPERATURE_K = 300.0
WATER = "H2O"
# formation enthalpy in kJ/mol, entropy in J/(mol K), both at 298.15 K and 1 bar
GASES: Mapping[str, tuple[float, float]] = {
    "H2O": (-241.826, 188.834),
    "H2S": (-20.502, 205.757),
    "HF": (-272.546, 173.780),
    "HCl": (-92.312, 186.901),
    "HBr": (-36.443, 198.699),
    "HI": (26.359, 206.589),
    "H3N": (-45.898, 192.774),
    "H3P": (22.886, 210.243),
    "CH4": (-74.873, 186.251),
    "SeH2": (29.7, 219.02),
    "AsH3": (66.44, 222.78),
    "H2": (0.0, 130.680),
}
COMMON_NAMES: Mapping[str, str] = {"H3N": "NH3", "H3P": "PH3", "SeH2": "H2Se"}
PROTON_CORRECTION_eV = 0.45
_PROTON_HOLDERS = ("O", "S", "Se", "N", "F", "Cl", "Br", "I")
_OXIDISABLE = ("S", "Se", "N", "Cl", "Br", "I")
_OXYGEN_PER_OXIDISED = 2.5
_OUT_OF_REACH_eV = 20.0  # per atom: such a phase never forms


@dataclass(frozen=True, slots=True)
class Air:
    """What the material stands in.

    Attributes
    ----------
    humidity_bar
        Partial pressure of water; 0.001 is 0.1 %, a dew point of -20 C.
    gas_bar
        Partial pressure up to which each evolved gas gathers; 1e-6 is 1 ppm.
    """

    humidity_bar: float = 1e-3
    gas_bar: float = 1e-6

    def __post_init__(self) -> None:
        for name, value in (("humidity_bar", self.humidity_bar), ("gas_bar", self.gas_bar)):
            if not 0.0 < value <= 100.0:
                raise ValueError(f"{name}: received {value:g}, expected above 0 and at most 100 bar")


def gas_energy_eV(formula: str, pressure_bar: float) -> float:
    """Return the free energy of a gas at 300 K relative to the elements' enthalpies, eV per molecule."""
    enthalpy, entropy = GASES[formula]
    standard = (enthalpy - TEMPERATURE_K * entropy / 1000.0) / kJ_PER_MOL_PER_eV
    return float(standard + BOLTZMANN_eV_PER_K * TEMPERATURE_K * np.log(pressure_bar))


@lru_cache(maxsize=16)
def moist_table(table: PhaseTable, air: Air, oxidised: frozenset[str], *, hydrogen: bool) -> PhaseTable:
    """Return the table with gases at their pressures, water out of reach and the faults named above mended.

    Parameters
    ----------
    table
        Formation energies.
    air
        Pressures.
    oxidised
        Elements that may be oxidised anions (S of sulfates).
    hydrogen
        Whether H2 may be evolved; without it water does not oxidise.
    """
    fraction = _Fractions(table)
    energy = table.energy_eV_per_atom + PROTON_CORRECTION_eV * np.where(fraction.protonic(), fraction["H"], 0.0)
    energy[fraction.not_formed(oxidised)] = _OUT_OF_REACH_eV
    for gas in GASES:
        if gas in ("H2", WATER):
            continue
        row = _row_of(table, gas)
        if row >= 0:
            energy[row] = gas_energy_eV(gas, air.gas_bar) / sum(parse_formula(gas).values())
    element = table.of_element[ATOMIC_NUMBER["H"]]
    energy[element] = gas_energy_eV("H2", air.gas_bar) / 2.0 if hydrogen else _OUT_OF_REACH_eV
    return replace(table, energy_eV_per_atom=energy)


def _row_of(table: PhaseTable, formula: str) -> int:
    atomic_number, fraction = layout([parse_formula(formula)])
    return int(rows_of_compositions(table, atomic_number, fraction)[0])


class _Fractions:
    """Atomic fractions of single elements over all phases."""

    def __init__(self, table: PhaseTable) -> None:
        self._table = table
        self._row = np.repeat(np.arange(len(table)), np.diff(table.start))

    def __getitem__(self, symbol: str) -> NDArray[np.float64]:
        here = self._table.element == ATOMIC_NUMBER[symbol]
        shares = np.zeros(len(self._table))
        shares[self._row[here]] = self._table.fraction[here]
        return shares

    def protonic(self) -> NDArray[np.bool_]:
        holders = sum(self[symbol] for symbol in _PROTON_HOLDERS)
        found: NDArray[np.bool_] = (self["H"] > 0) & (np.asarray(holders) > 0)
        return found

    def not_formed(self, oxidised: frozenset[str]) -> NDArray[np.bool_]:
        """Return which phases are hydrates, acids, oxidised anions or oxides of non-metals."""
        hydrogen, oxygen = self["H"], self["O"]
        out = (hydrogen > oxygen + 1e-9) & (oxygen > 0)
        out |= self.protonic() & (oxygen == 0)
        non_metal = oxygen.copy()
        for symbol in _OXIDISABLE:
            share = self[symbol]
            non_metal += share
            if symbol not in oxidised:
                out |= (share > 0) & (oxygen >= (1.0 - 1e-9) * _OXYGEN_PER_OXIDISED * share)
        out |= (non_metal > 1.0 - 1e-9) & (oxygen > 0) & (oxygen < 1.0 - 1e-9)
        return np.asarray(out)


def oxidised_anions(amounts: Mapping[str, float]) -> frozenset[str]:
    """Return the elements that a material itself holds as oxidised anions."""
    oxygen = amounts.get("O", 0.0)
    return frozenset(s for s in _OXIDISABLE if 0.0 < _OXYGEN_PER_OXIDISED * amounts.get(s, 0.0) <= oxygen + 1e-9)
