"""What a reaction gives off per gram of what reacts: heat and gas.

Heat is the difference of formation energies at 0 K, which is taken for the enthalpy of reaction: heat capacities and
the work of the gas are left out (some kJ/mol of gas). Formation energies are those of the table of phases, whose
elements are the zero. Gas is an ideal one: `V = n R T / p` with R = 8.314462618 J/(mol K) (CODATA 2018, Tiesinga et
al., Rev. Mod. Phys. 93, 025010 (2021), doi 10.1103/RevModPhys.93.025010). Which compounds are gases at 25 C and 1 bar
is by their boiling points; what boils higher counts as condensed.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from features.elements import molar_mass_g_per_mol
from features.formula import parse_formula
from training.constants import FARADAY_C_PER_mol, GAS_J_PER_mol_K
from training.thermodynamics.reactions import Reaction, amounts_of_own, reduced

GAS_TEMPERATURE_K = 298.15
GAS_PRESSURE_Pa = 1e5
MILLILITRES_PER_MOL = 1e6 * GAS_J_PER_mol_K * GAS_TEMPERATURE_K / GAS_PRESSURE_Pa

_GASES = (
    *("H2", "N2", "O2", "F2", "Cl2", "CO", "CO2", "NO", "N2O", "NO2", "SO2", "H2S", "H2Se", "NH3", "PH3", "CH4"),
    *("HF", "HCl", "HBr", "HI", "BF3", "BCl3", "CF4", "SiF4", "SiH4", "NF3", "PF3", "PF5", "SF4", "SF6", "OF2", "COF2"),
    *("GeF4", "GeH4", "B2H6", "AsF5", "SeF6", "TeF6", "WF6", "ClF", "ClF3", "ClF5", "IF7", "N2F4", "NOF", "NOCl"),
    *("SO2F2", "SOF2", "SO2ClF", "Cl2O", "ClO2", "BrCl", "COCl2", "CNCl"),
)
"""Molecules as they are. Larger hydrocarbons are left out: reduced, ethyne and benzene are both CH."""


class HeatAndGas(NamedTuple):
    """Per gram of reactants: heat given off (negative where it is taken up), and gas at 25 C and 1 bar."""

    heat_J_per_g: float
    gas_mL_per_g: float
    gases: tuple[str, ...]


def _key(formula: str) -> str:
    return reduced(amounts_of_own(formula))[0]


@cache
def _atoms_per_molecule() -> dict[str, float]:
    """Return the atoms of a molecule by the reduced formula that the table has for it (NF2 for N2F4)."""
    return {_key(gas): sum(parse_formula(gas).values()) for gas in _GASES}


def heat_and_gas(reaction: Reaction) -> HeatAndGas | None:
    """Return what a reaction gives off per gram of its reactants; None where nothing reacts or no energy is stated.

    Parameters
    ----------
    reaction
        Of a closed system. With a reservoir of lithium the energy is no heat: such reactions are not to be given.

    Examples
    --------
    >>> found = heat_and_gas(Reaction({"Li2O2": 2.0}, {"Li2O": 2.0, "O2": 1.0}, energy_eV=1.0))
    >>> round(found.heat_J_per_g), round(found.gas_mL_per_g), found.gases
    (-1051, 270, ('O2',))
    """
    if not reaction.products or reaction.energy_eV is None:
        return None
    grams = sum(n * molar_mass_g_per_mol(amounts_of_own(formula)) for formula, n in reaction.reactants.items())
    gases = tuple(formula for formula in reaction.products if _key(formula) in _atoms_per_molecule())
    moles = sum(reaction.products[formula] * _molecules(formula) for formula in gases)
    heat = -reaction.energy_eV * FARADAY_C_PER_mol / grams
    return HeatAndGas(heat, moles * MILLILITRES_PER_MOL / grams, gases)


def _molecules(formula: str) -> float:
    """Return how many molecules a formula unit of a gas is."""
    return sum(amounts_of_own(formula).values()) / _atoms_per_molecule()[_key(formula)]
