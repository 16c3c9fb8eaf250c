"""What two materials become when they touch: the most exothermic reaction over all mixing ratios.

Along the line between two compositions the lowest energy of any mixture is convex and piecewise linear, so the most
negative reaction energy lies at one of its kinks. These are found exactly: supporting lines from both ends meet at a
ratio that is either a kink or lies on a line not seen yet. Method as in Richards et al., Chem. Mater. 28, 266 (2016),
doi 10.1021/acs.chemmater.5b04082.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from training.thermodynamics.hull import equilibria, open_equilibria
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import Reactant, Reaction, band_gaps, formula_units, layout, net_reaction

ENDS = 1e-6  # mixing ratios closer to an end than this are the pure material
SAME_ENERGY_eV = 1e-8
LONGEST_SEARCH = 400  # evaluated ratios; a dozen are usual


class MixingError(RuntimeError):
    """The solver or the search reached its bound; the message names the materials."""


@dataclass(frozen=True, slots=True)
class MixingKink:
    """One ratio at which the products change.

    Attributes
    ----------
    ratio
        Share of the second material: of all atoms in a closed system, of all but lithium in an open one.
    energy_eV_per_atom
        Reaction energy per atom of the mixture (per atom without lithium in an open system).
    """

    ratio: float
    energy_eV_per_atom: float


@dataclass(frozen=True, slots=True)
class Mixing:
    """The reaction of two materials.

    Attributes
    ----------
    energy_eV_per_atom
        The most negative reaction energy over all ratios, per atom of the mixture (per atom without lithium in an
        open system); 0 or below.
    mutual_energy_eV_per_atom
        The most negative reaction energy over all ratios of what the two become each for itself (by decomposing, or by
        giving lithium to the reservoir); 0 or below, 0 if neither minds the other.
    ratio
        Where `energy_eV_per_atom` is; as in `MixingKink`.
    reaction
        What happens there, per formula unit of the first material, of the second where that reacts alone.
    mutual_reaction
        What happens where `mutual_energy_eV_per_atom` is.
    kinks
        All ratios at which products change, both ends included.
    voltage_V
        Potential of the lithium reservoir, None for a closed system.
    """

    energy_eV_per_atom: float
    mutual_energy_eV_per_atom: float
    ratio: float
    reaction: Reaction
    mutual_reaction: Reaction
    kinks: tuple[MixingKink, ...]
    voltage_V: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """The lowest-energy mixture at one ratio, and a line that supports the curve there.

    Attributes
    ----------
    ratio
        As in `MixingKink`.
    energy, slope
        Energy (grand potential) per counted atom in eV, and its change with the ratio along the line.
    phase, amount
        The mixture, as in `hull.Equilibria`.
    lithium
        Lithium atoms in it per counted atom, in an open system.
    """

    ratio: float
    energy: float
    slope: float
    phase: NDArray[np.int64]
    amount: NDArray[np.float64]
    lithium: float

    def line(self, ratio: float) -> float:
        """Return the height of the supporting line at another ratio."""
        return self.energy + self.slope * (ratio - self.ratio)


Curve = Callable[[float], Point]


def kinks(curve: Curve) -> list[Point]:
    """Return the kinks of a convex, piecewise linear curve on [0, 1], between its ends (also returned).

    Raises
    ------
    MixingError
        After `LONGEST_SEARCH` ratios.
    """
    first, last = curve(ENDS), curve(1.0 - ENDS)
    found = [first]
    open_spans = [(first, last)]
    for _ in range(LONGEST_SEARCH):
        if not open_spans:
            return [*found, last]
        left, right = open_spans.pop()
        if abs(left.line(right.ratio) - right.energy) < SAME_ENERGY_eV:  # one line joins them
            if left is not found[-1]:
                found.append(left)
            continue
        ratio = _meeting(left, right)
        middle = curve(ratio)
        if middle.energy - left.line(ratio) < SAME_ENERGY_eV:
            found += [point for point in (left, middle) if point is not found[-1]]
        else:
            open_spans += [(middle, right), (left, middle)]
    raise MixingError(f"no end of the search for kinks after {LONGEST_SEARCH} ratios")


def _meeting(left: Point, right: Point) -> float:
    gap = (right.energy - right.slope * right.ratio) - (left.energy - left.slope * left.ratio)
    meeting = gap / min(left.slope - right.slope, -1e-300)
    inside = left.ratio + 1e-9 < meeting < right.ratio - 1e-9
    return meeting if inside else 0.5 * (left.ratio + right.ratio)


def mix(table: PhaseTable, first: Reactant, second: Reactant, *, voltage_V: float | None = None) -> Mixing:
    """Find the most exothermic reaction of two materials over all mixing ratios.

    Parameters
    ----------
    table
        The phases that may form.
    first, second
        The materials with their energies, from `reactions.read_material`.
    voltage_V
        Potential against Li/Li+ of a reservoir with which lithium is exchanged; None for a closed system.

    Returns
    -------
    Mixing

    Raises
    ------
    ValueError
        For an open system with a material of lithium alone: the reservoir is that lithium.
    MixingError
        If the solver does not come to an end.
    """
    union = sorted({*first.amounts, *second.amounts}, key=ATOMIC_NUMBER.__getitem__)
    if voltage_V is not None:
        union = [symbol for symbol in union if symbol != "Li"]
        if {"Li"} in (set(first.amounts), set(second.amounts)):
            raise ValueError("lithium metal in a system open to lithium: ask for `lithiation` at 0 V")
    sizes = [sum(m.amounts.get(symbol, 0.0) for symbol in union) for m in (first, second)]  # atoms that count
    own = [_energy_per_counted_atom(m, n, voltage_V) for m, n in zip((first, second), sizes, strict=True)]
    points = kinks(lowest_energies(table, union, first.amounts, second.amounts, voltage_V))

    alone = [points[0].line(0.0), points[-1].line(1.0)]

    def lowest(ends: list[float]) -> tuple[float, Reaction, Point]:
        energies = [point.energy - _between(ends, point.ratio) for point in points]
        place = min(range(len(points)), key=lambda i: (round(energies[i], 9), points[i].ratio))
        if energies[place] > -10 * SAME_ENERGY_eV:
            return 0.0, Reaction({}, {}, 0.0), points[0]
        point = points[place]
        total = point.energy - _between(own, point.ratio)
        written = _written(table, point, total, first, second, sizes, exchanging=voltage_V is not None)
        return energies[place], written, point

    energy, reaction, best = lowest(own)
    mutual, mutual_reaction, _ = lowest(alone)
    all_kinks = tuple(MixingKink(_rounded_end(p.ratio), min(p.energy - _between(own, p.ratio), 0.0)) for p in points)
    return Mixing(energy, mutual, _rounded_end(best.ratio), reaction, mutual_reaction, all_kinks, voltage_V)


def _between(ends: list[float], ratio: float) -> float:
    return (1.0 - ratio) * ends[0] + ratio * ends[1]


def _rounded_end(ratio: float) -> float:
    return 0.0 if ratio <= ENDS else 1.0 if ratio >= 1.0 - ENDS else ratio


def _energy_per_counted_atom(material: Reactant, counted: float, voltage_V: float | None) -> float:
    """Return the energy per atom, or the grand potential per atom without lithium (which is `counted`)."""
    energy = material.energy_eV_per_atom * material.atoms
    if voltage_V is not None:
        energy += voltage_V * material.amounts.get("Li", 0.0)
    return energy / counted


def lowest_energies(
    table: PhaseTable,
    symbols: Sequence[str],
    first: Mapping[str, float],
    second: Mapping[str, float],
    voltage_V: float | None = None,
) -> Curve:
    """Return the lowest energy per atom along the line from one composition to another.

    Parameters
    ----------
    table
        The phases.
    symbols
        All elements of both, by atomic number; without lithium where the system is open to it.
    first, second
        Element symbol to amount.
    voltage_V
        Of a system open to lithium, whose grand potential per atom other than lithium is returned.
    """
    numbers, start, change = _line(symbols, first, second)

    def at(ratio: float) -> Point:
        composition = (start + ratio * change)[None]
        if voltage_V is None:
            found = equilibria(table, numbers, composition)
        else:
            found = open_equilibria(table, numbers, composition, np.array([voltage_V]))
        _require_converged(found.steps[0])
        slope = float(found.potential_eV[0] @ change)
        energy, lithium = float(found.energy_eV_per_atom[0]), float(found.lithium[0])
        return Point(ratio, energy, slope, found.phase[0], found.amount[0], lithium)

    return at


def _line(
    symbols: Sequence[str], first: Mapping[str, float], second: Mapping[str, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return atomic numbers (1, k), the fractions at the start and their change up to the end (k,)."""
    ends = [np.array([amounts.get(symbol, 0.0) for symbol in symbols]) for amounts in (first, second)]
    start, end = (amounts / amounts.sum() for amounts in ends)
    return np.array([[ATOMIC_NUMBER[symbol] for symbol in symbols]]), start, end - start


def _require_converged(steps: int) -> None:
    if steps < 0:
        raise MixingError("the equilibrium solver reached its bound of steps")


def _written(
    table: PhaseTable,
    point: Point,
    energy: float,
    first: Reactant,
    second: Reactant,
    sizes: list[float],
    *,
    exchanging: bool,
) -> Reaction:
    """Write the reaction at a kink per formula unit of the first material (of the second where it stands alone)."""
    ratio = _rounded_end(point.ratio)
    parts = [(first, (1.0 - ratio) / sizes[0]), (second, ratio / sizes[1])]
    scale = 1.0 / next(amount for _, amount in parts if amount > 0)  # counted atoms of the mixture per formula unit
    reactants: dict[str, float] = {}
    before = 0.0
    for material, amount in parts:
        if amount > 0:
            reactants[material.formula] = reactants.get(material.formula, 0.0) + amount * scale
            before += amount * scale * material.amounts.get("Li", 0.0)
    if exchanging:
        reactants["Li"] = point.lithium * scale - before
    units = formula_units(table, point.phase, point.amount, scale)
    gaps = band_gaps(table, point.phase)
    return net_reaction(reactants, units, energy_eV=energy * scale, band_gap_eV=gaps, least=10 * ENDS * scale)


@dataclass(frozen=True, slots=True)
class Lithiation:
    """What a material becomes in contact with a lithium reservoir.

    Attributes
    ----------
    energy_eV_per_atom
        Change of the grand potential per atom without lithium, 0 or below.
    lithium
        Lithium atoms taken up per formula unit, negative where given up.
    reaction
        Per formula unit.
    voltage_V
        Potential of the reservoir against Li/Li+.
    """

    energy_eV_per_atom: float
    lithium: float
    reaction: Reaction
    voltage_V: float


def lithiation(table: PhaseTable, material: Reactant, voltage_V: float = 0.0) -> Lithiation:
    """Find what a material becomes when lithium comes and goes freely at a potential; 0 V is lithium metal.

    Parameters
    ----------
    table
        The phases that may form.
    material
        With its energy, from `reactions.read_material`.
    voltage_V
        Potential against Li/Li+, at least 0.

    Raises
    ------
    MixingError
        If the solver reaches its bound of steps.
    """
    others = {symbol: amount for symbol, amount in material.amounts.items() if symbol != "Li"}
    if not others:
        return Lithiation(0.0, 0.0, Reaction({}, {}, 0.0), voltage_V)
    counted = sum(others.values())
    found = open_equilibria(table, *layout([others]), np.array([voltage_V]))
    if found.steps[0] < 0:
        raise MixingError(f"{material.formula}: the equilibrium solver reached its bound of steps")
    change = float(found.energy_eV_per_atom[0]) - _energy_per_counted_atom(material, counted, voltage_V)
    if change > -SAME_ENERGY_eV * 10:
        return Lithiation(0.0, 0.0, Reaction({}, {}, 0.0), voltage_V)
    taken = float(found.lithium[0]) * counted - material.amounts.get("Li", 0.0)
    units = formula_units(table, found.phase[0], found.amount[0], counted)
    gaps = band_gaps(table, found.phase[0])
    consumed = {material.formula: 1.0, "Li": taken}
    reaction = net_reaction(consumed, units, energy_eV=change * counted, band_gap_eV=gaps)
    return Lithiation(change, taken, reaction, voltage_V)
