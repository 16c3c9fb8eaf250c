"""What forms on the way from precursors to the target, and how much driving force it leaves.

After ARROWS3 (Szymanski et al., Nat. Commun. 14, 6956 (2023), doi 10.1038/s41467-023-42329-9): of all pairs of phases
in the vessel the one reacts whose reaction sets most free per atom of the two; what it forms takes its place. The way
ends where the strongest reaction of a pair forms the target, or where no pair reacts any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import combinations

from serving.synthesis.balance import BalancedSet
from serving.synthesis.energies import SynthesisEnergies, is_gas
from serving.synthesis.gases import TABLE_NAMES
from training.thermodynamics.hull import equilibria
from training.thermodynamics.reactions import Reaction, formula_units, layout, net_reaction

LEAST_STEP_eV_PER_ATOM = 0.001
MOST_STEPS = 8
_LEAST_AMOUNT = 1e-7
_GAS_FORMULAS = frozenset({"CO2", "H2O", "NO2", "O2", *TABLE_NAMES.values()})


@dataclass(frozen=True, slots=True)
class Step:
    """One reaction of two phases in the vessel.

    Attributes
    ----------
    pair
        The phases.
    reaction
        As it is written per formula unit of the first.
    energy_eV_per_atom
        Set free by it per atom of the two; negative.
    released_eV
        Of all that reacts, per formula unit of the target; negative.
    left_eV_per_atom
        Driving force to the target that is left afterwards, per atom of the target; negative: none.
    forms_target
        Whether the target is among the products; the way ends here.
    """

    pair: tuple[str, str]
    reaction: Reaction
    energy_eV_per_atom: float
    released_eV: float
    left_eV_per_atom: float
    forms_target: bool


@dataclass(frozen=True, slots=True)
class Pathway:
    """The way from one set of precursors.

    Attributes
    ----------
    driving_force_eV
        Set free from precursors to target and gases, per formula unit; negative: the reaction is uphill.
    heated
        What precursors become before they react with each other, by formula.
    start_left_eV_per_atom
        Driving force left after that.
    steps
        Reactions of pairs, in order.
    atoms
        Of the target's formula unit.
    """

    driving_force_eV: float
    heated: Mapping[str, Reaction]
    start_left_eV_per_atom: float
    steps: tuple[Step, ...]
    atoms: float

    @property
    def driving_force_eV_per_atom(self) -> float:
        """Per atom of the target."""
        return self.driving_force_eV / self.atoms

    @property
    def strongest(self) -> Step | None:
        """The step to competing phases that consumes most; None where the target forms at once or nothing reacts."""
        competing = [step for step in self.steps if not step.forms_target]
        return min(competing, key=lambda step: step.released_eV, default=None)

    @property
    def left_eV_per_atom(self) -> float:
        """Driving force that is left for the target when it forms: after the last competing step."""
        competing = [step for step in self.steps if not step.forms_target]
        return competing[-1].left_eV_per_atom if competing else self.start_left_eV_per_atom


class _Vessel:
    """Solids in the vessel, gases that have left, and the energy of both."""

    def __init__(self, energies: SynthesisEnergies, goal_eV: float) -> None:
        self.solids: dict[str, float] = {}
        self.energies = energies
        self.gas_eV = 0.0
        self._goal_eV = goal_eV

    def add(self, formula: str, amount: float) -> None:
        if is_gas(formula):
            self.gas_eV += amount * self.energy_of(formula)
            return
        name = reduced_formula(self.energies, formula)
        self.solids[name] = self.solids.get(name, 0.0) + amount * _units(self.energies, formula)
        if self.solids[name] < _LEAST_AMOUNT:
            del self.solids[name]

    def energy_of(self, formula: str) -> float:
        material = self.energies.material(formula)
        atoms = material.atoms * _units(self.energies, formula)
        return material.energy_eV_per_atom * atoms

    def left_eV(self) -> float:
        """Return what is set free from here to the target and its gases."""
        return self.gas_eV + sum(n * self.energy_of(formula) for formula, n in self.solids.items()) - self._goal_eV


def reduced_formula(energies: SynthesisEnergies, formula: str) -> str:
    """Return the formula by which phases are known."""
    return energies.material(formula).formula


def _units(energies: SynthesisEnergies, formula: str) -> float:
    """Return how many reduced formula units a formula is, 2 for P4S10."""
    from features.formula import parse_formula

    return sum(parse_formula(formula).values()) / energies.material(formula).atoms


def follow(energies: SynthesisEnergies, made: BalancedSet, units: float = 1.0) -> Pathway:
    """Follow the way from a balanced set of precursors.

    Parameters
    ----------
    energies
        Of all that may form.
    made
        The set; its coefficients make one formula unit of the target.
    units
        Reduced formula units of the target in that.
    """
    target = energies.target
    atoms = target.atoms * units
    goal = target.energy_eV_per_atom * atoms + sum(n * energies.gas_eV(gas) for gas, n in made.gases.items())
    vessel = _Vessel(energies, goal)
    for source, amount in zip(made.sources, made.coefficients, strict=True):
        vessel.add(source.precursor.formula, amount)
    total = vessel.left_eV()
    heated = _heat(energies, made, vessel)
    start = vessel.left_eV() / atoms
    steps: list[Step] = []
    seen: set[tuple[str, ...]] = set()
    while len(steps) < MOST_STEPS and (step := _react(energies, vessel, atoms, seen)) is not None:
        steps.append(step)
        seen.add(step.pair)
        if step.forms_target:
            break
    return Pathway(total, heated, start, tuple(steps), atoms)


def _heat(energies: SynthesisEnergies, made: BalancedSet, vessel: _Vessel) -> dict[str, Reaction]:
    """Let what gives off gases come to its own equilibrium, if that is downhill at this temperature."""
    heated = {}
    for source in made.sources:
        if not source.heated:
            continue
        formula = reduced_formula(energies, source.precursor.formula)
        material = energies.material(formula)
        if material.energy_above_mixture_eV_per_atom < LEAST_STEP_eV_PER_ATOM or formula not in vessel.solids:
            continue
        found = equilibria(energies.phases, *layout([material.amounts]))
        units = formula_units(energies.phases, found.phase[0], found.amount[0], material.atoms)
        amount = vessel.solids.pop(formula)
        for product, n in units:
            vessel.add(product, n * amount)
        heated[formula] = net_reaction({formula: 1.0}, units, gases=_GAS_FORMULAS)
    return heated


def _react(energies: SynthesisEnergies, vessel: _Vessel, atoms: float, seen: Set[tuple[str, ...]]) -> Step | None:
    """Let the pair react that sets most free per atom; None where no pair does.

    The first time it forms what that strongest reaction forms; a pair that meets again goes to its end, lest two pairs
    take turns for ever.
    """
    best = None
    for pair in combinations(sorted(vessel.solids), 2):
        found = energies.mix(*pair)
        if best is None or found.mutual_energy_eV_per_atom < best[1].mutual_energy_eV_per_atom - 1e-9:
            best = (pair, found)
    if best is None or best[1].mutual_energy_eV_per_atom > -LEAST_STEP_eV_PER_ATOM:
        return None
    pair, found = best
    reaction = _to_the_end(energies, vessel, pair) if pair in seen else found.mutual_reaction
    if not reaction.reactants or not reaction.reactants.keys() <= vessel.solids.keys():
        return None
    extent = min(vessel.solids[formula] / n for formula, n in reaction.reactants.items())
    before = vessel.left_eV()
    for formula, n in reaction.reactants.items():
        vessel.add(formula, -extent * n)
    for formula, n in reaction.products.items():
        vessel.add(formula, extent * n)
    left = vessel.left_eV()
    forms = energies.target.formula in reaction.products
    shown = Reaction(reaction.reactants, reaction.products, reaction.energy_eV, _GAS_FORMULAS)
    return Step(pair, shown, found.mutual_energy_eV_per_atom, left - before, left / atoms, forms)


def _to_the_end(energies: SynthesisEnergies, vessel: _Vessel, pair: tuple[str, str]) -> Reaction:
    """Return the reaction of all that there is of two phases, per formula unit of the first."""
    present = {formula: vessel.solids[formula] / vessel.solids[pair[0]] for formula in pair}
    amounts: dict[str, float] = {}
    for formula in pair:
        for symbol, n in energies.material(formula).amounts.items():
            amounts[symbol] = amounts.get(symbol, 0.0) + n * present[formula]
    found = equilibria(energies.with_target, *layout([amounts]))
    units = formula_units(energies.with_target, found.phase[0], found.amount[0], sum(amounts.values()))
    return net_reaction(present, units)
