"""Gases that precursors give off, with what their free energies and volumes follow from.

Enthalpies of formation and absolute entropies at 298.15 K and 1 bar: Chase, NIST-JANAF Thermochemical Tables, 4th ed.,
J. Phys. Chem. Ref. Data Monogr. 9 (1998), doi 10.18434/T42S31.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from training.thermodynamics.moist_air import BOLTZMANN_eV_PER_K, kJ_PER_MOL_PER_eV

# formation enthalpy in kJ/mol, entropy in J/(mol K)
GASES: Mapping[str, tuple[float, float]] = {
    "CO2": (-393.522, 213.795),
    "H2O": (-241.826, 188.834),
    "NH3": (-45.898, 192.774),
    "NO2": (33.095, 240.034),
    "O2": (0.0, 205.147),
}
BOUND_ENTROPY = 48.0
"""Entropy that the atoms of one gas molecule had in the solid, J/(mol K): the mean of Li2CO3, Na2CO3, MgCO3 and CaCO3
(39 to 64) and of LiOH, Mg(OH)2 and Ca(OH)2 (36 to 48 for each H2O), standard entropies of salt less that of oxide.
Solids carry none here, so it is taken from the gas. O2 is left as it is: it leaves oxides whose metal is reduced."""
DEFAULT_GAS_BAR = 0.01
"""Partial pressure above an open crucible from which gas drifts away."""
OXYGEN_BAR = 0.21
"""Of air; where no oxide is about, it makes no difference."""
ELEMENT_ENTROPY: Mapping[str, float] = {"O": 205.147, "N": 191.609, "H": 130.680, "Cl": 223.079, "F": 202.789}
"""Of the diatomic gases, J/(mol K), same source."""
TABLE_NAMES: Mapping[str, str] = {"NH3": "H3N"}
"""As `features.formula.format_formula` writes them, where it differs."""
MOLAR_VOLUME_L = 24.465
"""Of an ideal gas at 25 C and 1 atm, L/mol."""
TOXIC = frozenset({"NH3", "NO2"})


def gas_energy_eV(gas: str, temperature_K: float, bar: float) -> float:
    """Return `H - T (S - bound entropy) + kT ln p` of a gas relative to the elements' enthalpies, eV per molecule.

    The pressure of O2 is that of air, whatever `bar`.

    Heat capacities are left out, of gases and of solids: what the gas loses by that the solid that it came from loses
    in good part, too.
    """
    enthalpy, entropy = GASES[gas]
    entropy -= 0.0 if gas == "O2" else BOUND_ENTROPY
    standard = (enthalpy - temperature_K * entropy / 1000.0) / kJ_PER_MOL_PER_eV
    return standard + BOLTZMANN_eV_PER_K * temperature_K * log(OXYGEN_BAR if gas == "O2" else bar)


def element_energy_eV(symbol: str, temperature_K: float) -> float:
    """Return `-T S` of an element that is a diatomic gas (O2 at its pressure in air, others at 1 bar), eV per atom."""
    standard = -temperature_K * ELEMENT_ENTROPY[symbol] / 1000.0 / kJ_PER_MOL_PER_eV
    pressure = log(OXYGEN_BAR) if symbol == "O" else 0.0
    return (standard + BOLTZMANN_eV_PER_K * temperature_K * pressure) / 2.0
