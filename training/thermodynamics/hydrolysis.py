"""Reaction with moist air: whether a material withstands water, and what gas it gives off.

Two reactions are stated. The first is the one that yields most per molecule of water, when there is little of it (the
figure that Zhu and Mo, Angew. Chem. Int. Ed. 59, 17472 (2020), doi 10.1002/anie.202007621, tabulate): a positive free
energy means that the material withstands this humidity. The second is the state that it ends in when the humidity is
held up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from training.thermodynamics.mixing import Point, kinks, lowest_energies
from training.thermodynamics.moist_air import (
    COMMON_NAMES,
    GASES,
    WATER,
    Air,
    gas_energy_eV,
    moist_table,
    oxidised_anions,
)
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reactant, Reaction, formula_units, net_reaction, read_material

_ANIONS = frozenset({"N", "O", "F", "P", "S", "Cl", "As", "Se", "Br", "Te", "I"})
_GAS_NAMES = frozenset(COMMON_NAMES.get(gas, gas) for gas in GASES)
_SIGNIFICANT_eV = 1e-6
_LEAST = 1e-4  # molecules per water
_WATER_PER_ANION = 0.1  # below, a metastable material mostly decomposes by itself


@dataclass(frozen=True, slots=True)
class Hydrolysis:
    """What moist air does to a material at 300 K.

    Attributes
    ----------
    energy_eV_per_H2O
        Free energy of the reaction that yields most per water; positive: the material withstands this humidity.
    reaction
        That reaction, per formula unit; its `energy_eV` is per formula unit, too.
    final_reaction
        The reaction to the state of lowest free energy in this air, `no reaction` where it is left as it is.
    gases
        Molecules of gas per formula unit that `final_reaction` (else `reaction`) evolves.
    air
        The pressures.
    """

    energy_eV_per_H2O: float
    reaction: Reaction
    final_reaction: Reaction
    gases: Mapping[str, float] = field(default_factory=dict)
    air: Air = field(default_factory=Air)

    @property
    def withstands(self) -> bool:
        """Whether no reaction with this air is downhill."""
        return self.energy_eV_per_H2O >= 0.0

    @property
    def h2s_per_formula_unit(self) -> float:
        """Hydrogen sulfide per formula unit of the reaction that `gases` counts."""
        return self.gases.get("H2S", 0.0)

    @property
    def evolves_h2s(self) -> bool:
        """Whether the material gives off hydrogen sulfide in this air by itself."""
        return not self.withstands and self.h2s_per_formula_unit > 0.0


def hydrolyse(
    table: PhaseTable,
    amounts: Mapping[str, float],
    *,
    air: Air | None = None,
    energy_eV_per_atom: float | None = None,
) -> Hydrolysis:
    """Find the reaction of a material with moist air at 300 K.

    Parameters
    ----------
    table
        Formation energies.
    amounts
        Element symbol to amount of the material.
    air
        Pressures of water and of evolved gases; 0.1 % and 1 ppm where not given.
    energy_eV_per_atom
        Formation energy of the material where it is known from elsewhere.

    Returns
    -------
    Hydrolysis

    Raises
    ------
    CandidateError
        `element_without_energies` where the table does not cover an element.
    """
    air = air or Air()
    # a metal or a hydride reduces water; of the others only their exchange with it is judged
    hydrogen = "H" in amounts or not _ANIONS & amounts.keys()
    moist = moist_table(table, air, oxidised_anions(amounts), hydrogen=hydrogen)
    material = _in_air(moist, table, amounts, energy_eV_per_atom)
    points = _points(moist, material)
    water = gas_energy_eV(WATER, air.humidity_bar)
    steps = [_Step.of(point, material, water) for point in points[1:-1]] or [_Step.of(points[-1], material, water)]
    enough = _WATER_PER_ANION * sum(amount for symbol, amount in material.amounts.items() if symbol in _ANIONS)
    considered = [step for step in steps if step.waters >= enough] or steps
    first = min(considered, key=lambda step: step.energy_eV / step.waters)
    last = min(steps, key=lambda step: step.energy_eV)
    reaction = _written(moist, material, first)
    final = _written(moist, material, last) if last.energy_eV < -_SIGNIFICANT_eV else Reaction({}, {}, 0.0)
    shown = final if final.products else reaction
    gases = {name: amount for name, amount in shown.products.items() if name in _GAS_NAMES}
    return Hydrolysis(first.energy_eV / first.waters, reaction, final, gases, air)


def _in_air(
    moist: PhaseTable, table: PhaseTable, amounts: Mapping[str, float], energy_eV_per_atom: float | None
) -> Reactant:
    """Return the material with its energy above its mixture as in the plain table, on the scale of the moist one."""
    plain = read_material(table, amounts, energy_eV_per_atom=energy_eV_per_atom)
    mended = read_material(moist, amounts)
    above = plain.energy_above_mixture_eV_per_atom
    mixture = mended.mixture_energy_eV_per_atom
    return Reactant(plain.formula, plain.amounts, mixture + above, mixture, plain.basis)


def _points(moist: PhaseTable, material: Reactant) -> list[Point]:
    water = parse_formula(WATER)
    union = sorted({*material.amounts, *water}, key=ATOMIC_NUMBER.__getitem__)
    return kinks(lowest_energies(moist, union, material.amounts, water))


@dataclass(frozen=True, slots=True)
class _Step:
    """The mixture at one amount of water, per formula unit of the material."""

    waters: float
    energy_eV: float
    point: Point
    atoms: float

    @classmethod
    def of(cls, point: Point, material: Reactant, water_eV: float) -> _Step:
        atoms = material.atoms / (1.0 - point.ratio)
        waters = point.ratio * atoms / 3.0
        energy = point.energy * atoms - material.energy_eV_per_atom * material.atoms - waters * water_eV
        return cls(waters, energy, point, atoms)


def _written(moist: PhaseTable, material: Reactant, step: _Step) -> Reaction:
    units = formula_units(moist, step.point.phase, step.point.amount, step.atoms)
    named = [(COMMON_NAMES.get(formula, formula), amount) for formula, amount in units]
    reactants = {material.formula: 1.0, WATER: step.waters}
    return net_reaction(reactants, named, energy_eV=step.energy_eV, gases=_GAS_NAMES, least=_LEAST * step.waters)
