"""Energies of what may form on the way, on one scale: a small table of phases, mended for gases at a temperature.

Solids carry their formation energies at 0 K, gases `H - T S + kT ln p` (`gases.py`). The table of formation energies
makes oxyanions and hydrogen on oxygen or nitrogen too stable; what heating drives out of them would then cost too much:

- carbonates by 0.81 to 0.95 eV per C, measured on the decomposition of Li2CO3, Na2CO3, K2CO3, MgCO3, CaCO3, SrCO3 and
  BaCO3 into oxide and CO2 against tabulated enthalpies: 0.89 eV per C is added;
- nitrates by 2.4 eV per N (LiNO3, NaNO3, KNO3), sulfates by 2.0 eV per S, protons by 0.45 eV per H, as in
  `training.thermodynamics.moist_air`, measured against Wagman et al., J. Phys. Chem. Ref. Data 11, Suppl. 2 (1982).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, SYMBOLS
from features.formula import parse_formula
from serving.synthesis.gases import (
    DEFAULT_GAS_BAR,
    ELEMENT_ENTROPY,
    GASES,
    TABLE_NAMES,
    element_energy_eV,
    gas_energy_eV,
)
from training.thermodynamics.mixing import Mixing, mix
from training.thermodynamics.moist_air import PROTON_CORRECTION_eV
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import EnergyBasis, Reactant, read_material, reduced, require_covered

OXYANION_CORRECTION_eV: Mapping[str, tuple[float, float]] = {"C": (0.89, 2.0), "N": (2.4, 2.5), "S": (2.0, 3.5)}
"""Energy per atom, and from how many oxygens for each on it counts as an oxyanion (not CO, not SO2)."""
_OUT_OF_REACH_eV = 20.0  # per atom
_VOLATILE = frozenset({"H", "C", "N", "O"})
_PROTON_HOLDERS = frozenset({"O", "N", "S", "Se", "F", "Cl", "Br", "I"})
KELVIN = 273.15


def correction_eV_per_atom(amounts: Mapping[str, float]) -> float:
    """Return what is added to a formation energy of the table, eV per atom of the composition."""
    oxygen = amounts.get("O", 0.0)
    added = PROTON_CORRECTION_eV * amounts.get("H", 0.0) if _PROTON_HOLDERS & amounts.keys() else 0.0
    for symbol, (energy, oxygens) in OXYANION_CORRECTION_eV.items():
        amount = amounts.get(symbol, 0.0)
        if amount and oxygen >= (oxygens - 1e-6) * amount:
            added += energy * amount
    return added / sum(amounts.values())


@dataclass(frozen=True, eq=False)
class SynthesisEnergies:
    """Phases of a few elements, with energies at a temperature.

    Attributes
    ----------
    phases
        All of them but the target.
    with_target
        The same with the target.
    target
        The target with its energy.
    temperature_K, gas_bar
        Of the gases.
    """

    phases: PhaseTable
    with_target: PhaseTable
    target: Reactant
    temperature_K: float
    gas_bar: float
    _pairs: dict[tuple[str, str], Mixing] = field(default_factory=dict, repr=False)
    _materials: dict[str, Reactant] = field(default_factory=dict, repr=False)

    @classmethod
    def build(
        cls,
        table: PhaseTable,
        target: Mapping[str, float],
        energy_eV_per_atom: float,
        bottles: Iterable[Mapping[str, float]],
        temperature_C: float,
        gas_bar: float = DEFAULT_GAS_BAR,
    ) -> SynthesisEnergies:
        """Take from the table the phases of the elements, mend them and add the target.

        Parameters
        ----------
        table
            Formation energies.
        target
            Element symbol to atoms per formula unit.
        energy_eV_per_atom
            Its formation energy on the table's scale.
        bottles
            Compositions of the precursors.
        temperature_C, gas_bar
            At which gases leave, and their partial pressure.

        Raises
        ------
        CandidateError
            `element_without_energies` where the table does not cover an element.
        """
        kept = list(bottles)
        wanted = sorted({*target, *(symbol for bottle in kept for symbol in bottle)}, key=ATOMIC_NUMBER.__getitem__)
        require_covered(table, dict.fromkeys(wanted, 1.0))
        kelvin = temperature_C + KELVIN
        formula, per_unit = reduced(target)
        compounds: list[tuple[Mapping[str, float], float]] = []
        for row in _rows_within(table, wanted):
            amounts = {SYMBOLS[z - 1]: share for z, share in table.composition(int(row)).items()}
            if len(amounts) == 1 or _same(amounts, per_unit):
                continue
            if _plays_a_part(amounts, target) or any(_same(amounts, bottle) for bottle in kept):
                compounds.append((amounts, _mended(amounts, float(table.energy_eV_per_atom[row]), kelvin, gas_bar)))
        atoms = sum(per_unit.values())
        energy = energy_eV_per_atom + correction_eV_per_atom(per_unit)
        own = ({symbol: amount / atoms for symbol, amount in per_unit.items()}, energy)
        phases = _table(compounds, wanted, target, kelvin)
        with_target = _table([*compounds, own], wanted, target, kelvin) if len(per_unit) > 1 else phases
        material = read_material(phases, per_unit)
        material = Reactant(formula, per_unit, energy, material.mixture_energy_eV_per_atom, EnergyBasis.GIVEN)
        return cls(phases, with_target, material, kelvin, gas_bar)

    def material(self, formula: str) -> Reactant:
        """Return a phase or precursor with its energy on this scale."""
        found = self._materials.get(formula)
        if found is None:
            amounts = parse_formula(formula)
            found = self._materials[formula] = read_material(self.with_target, amounts)
        return found

    def gas_eV(self, gas: str) -> float:
        """Return the free energy of a gas, eV per molecule."""
        return gas_energy_eV(gas, self.temperature_K, self.gas_bar)

    def mix(self, first: str, second: str) -> Mixing:
        """Return the reaction of two phases; each pair is computed once."""
        key = (first, second) if first < second else (second, first)
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = mix(self.with_target, self.material(key[0]), self.material(key[1]))
        return found


def _rows_within(table: PhaseTable, elements: Iterable[str]) -> NDArray[np.int64]:
    """Return the rows of all phases made of some elements only."""
    inside = np.zeros(128, dtype=np.bool_)
    inside[[ATOMIC_NUMBER[symbol] for symbol in elements]] = True
    found: NDArray[np.int64] = np.flatnonzero(np.logical_and.reduceat(inside[table.element], table.start[:-1]))
    return found


def _same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    total = sum(second.values())
    return first.keys() == second.keys() and all(abs(first[s] - second[s] / total) < 1e-6 for s in first)


def _plays_a_part(amounts: Mapping[str, float], target: Mapping[str, float]) -> bool:
    """Whether a phase may form: no molecule of light elements but the gases, no nitrogen that the target does not hold.

    Ammonium and nitrates lose their nitrogen as gas before oxynitrides form.
    """
    if any(_same(amounts, parse_formula(gas)) for gas in GASES):
        return True
    if "N" in amounts and "N" not in target:
        return False
    return not amounts.keys() <= _VOLATILE or amounts.keys() <= target.keys()


def _mended(amounts: Mapping[str, float], energy: float, kelvin: float, gas_bar: float) -> float:
    """Return the energy of a phase on the scale used here, eV per atom."""
    for gas in GASES:
        contents = parse_formula(gas)
        if _same(amounts, contents):
            return gas_energy_eV(gas, kelvin, gas_bar) / sum(contents.values())
    return energy + correction_eV_per_atom(amounts)


def _table(
    compounds: list[tuple[Mapping[str, float], float]], elements: list[str], target: Mapping[str, float], kelvin: float
) -> PhaseTable:
    """Lay phases out; H, N and C do not leave as elements unless the target holds them."""
    # an element is known to the table only by its compounds: one that never forms makes sure that each is there
    unreachable = [({first: 0.5, elements[0]: 0.5}, _OUT_OF_REACH_eV) for first in elements[1:]]
    everything = [*compounds, *unreachable]
    table = PhaseTable.build(
        [np.array([ATOMIC_NUMBER[symbol] for symbol in amounts]) for amounts, _ in everything],
        [np.array(list(amounts.values())) for amounts, _ in everything],
        np.array([energy for _, energy in everything]),
    )
    energy = table.energy_eV_per_atom.copy()
    for symbol in elements:
        row = table.of_element[ATOMIC_NUMBER[symbol]]
        if symbol in ("H", "N", "C") and symbol not in target:
            energy[row] = _OUT_OF_REACH_eV
        elif symbol in ELEMENT_ENTROPY:
            energy[row] = element_energy_eV(symbol, kelvin)
    return replace(table, energy_eV_per_atom=energy)


def is_gas(formula: str) -> bool:
    """Return whether a formula, as phases are named, is one of the gases that leave."""
    return formula in GASES or formula in TABLE_NAMES.values()
