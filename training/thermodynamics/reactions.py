"""Balanced reactions among materials and phases, written the way a chemist writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, SYMBOLS
from features.errors import CandidateError, RowErrorCode
from features.formula import format_formula, parse_formula
from features.formula_terms import plain_amounts
from features.formula_writing import reduced_amounts
from training.thermodynamics.hull import Equilibria, equilibria
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

LARGEST_FORMULA = 1000  # atoms of the largest reduced formula that is looked for
LEAST_AMOUNT = 1e-7  # atoms per atom of the mixture; below is the noise of the solver
ARROW = " -> "
NO_REACTION = "no reaction"
_DIATOMIC = frozenset({"H", "N", "O", "F", "Cl", "Br", "I"})


class EnergyBasis(StrEnum):
    """Where the energy of a material comes from."""

    REFERENCE = "reference"  # the phase table holds the compound
    MIXTURE = "mixture"  # the lowest-energy mixture of table phases at its composition
    GIVEN = "given"  # the caller's, a model's prediction for example


@dataclass(frozen=True, slots=True)
class Reactant:
    """One side of a reaction.

    Attributes
    ----------
    formula
        Reduced formula.
    amounts
        Element symbol to atoms per formula unit.
    energy_eV_per_atom
        Formation energy.
    mixture_energy_eV_per_atom
        The lowest formation energy of any mixture of table phases at the composition.
    basis
        Where `energy_eV_per_atom` comes from.
    """

    formula: str
    amounts: Mapping[str, float]
    energy_eV_per_atom: float
    mixture_energy_eV_per_atom: float
    basis: EnergyBasis

    @property
    def atoms(self) -> float:
        """Atoms per formula unit."""
        return sum(self.amounts.values())

    @property
    def energy_above_mixture_eV_per_atom(self) -> float:
        """Energy set free when the material decomposes by itself, never negative."""
        return max(self.energy_eV_per_atom - self.mixture_energy_eV_per_atom, 0.0)


class Reaction(NamedTuple):
    """A balanced reaction; a species on both sides is netted.

    Attributes
    ----------
    reactants, products
        Formula to coefficient, all above 0, in the order in which they are written.
    energy_eV
        Energy of the reaction as written, None where no energy is stated.
    gases
        Formulas written with `(g)`.
    band_gap_eV
        Computed band gaps of products, as far as they are known.
    """

    reactants: Mapping[str, float]
    products: Mapping[str, float]
    energy_eV: float | None = None
    gases: frozenset[str] = frozenset()
    band_gap_eV: Mapping[str, float] = {}

    @property
    def text(self) -> str:
        """The reaction in words, such as `Li3PS4 + 8 Li -> Li3P + 4 Li2S`."""
        if not self.reactants or not self.products:
            return NO_REACTION
        return f"{self._side(self.reactants)}{ARROW}{self._side(self.products)}"

    def _side(self, species: Mapping[str, float]) -> str:
        terms = []
        for formula, amount in species.items():
            name = f"{formula}(g)" if formula in self.gases else chemists_formula(formula)
            shown = "1" if amount == 1.0 else written_amount(amount)
            terms.append(name if shown == "1" else f"{shown} {name}")
        return " + ".join(terms)

    def imbalance(self) -> float:
        """Return the largest difference of an element's atoms between the sides, relative to all atoms."""
        left, right = (_atoms(side) for side in (self.reactants, self.products))
        total = max(sum(left.values()), 1e-300)
        return max((abs(left.get(e, 0.0) - right.get(e, 0.0)) / total for e in left | right), default=0.0)


def amounts_of_own(formula: str) -> dict[str, float]:
    """Return the atoms of a formula that was written here: the table's PS and CI4 are no slips and no names."""
    return plain_amounts(formula) or parse_formula(formula)


def chemists_formula(formula: str) -> str:
    """Write a hydroxide the usual way, `Al(OH)3` for `AlH3O3`; other formulas stay as they are."""
    return _with_hydroxide(formula) if "H" in formula and "O" in formula else formula


@lru_cache(maxsize=4096)
def _with_hydroxide(formula: str) -> str:
    amounts = amounts_of_own(formula)
    hydroxide = amounts.pop("H", 0.0)
    if not hydroxide or amounts.pop("O", 0.0) != hydroxide or len(amounts) != 1:
        return formula
    ((metal, count),) = amounts.items()
    group = "OH" if hydroxide == 1 else f"(OH){written_amount(hydroxide)}"
    return f"{metal}{'' if count == 1 else written_amount(count)}{group}"


def _atoms(species: Mapping[str, float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for formula, coefficient in species.items():
        for symbol, amount in amounts_of_own(formula).items():
            total[symbol] = total.get(symbol, 0.0) + coefficient * amount
    return total


def written_amount(amount: float) -> str:
    """Write a coefficient to four digits, without exponent and trailing zeros."""
    whole = round(amount)
    if whole > 0 and abs(amount - whole) < 5e-4:
        return str(whole)
    text = f"{amount:.4g}"
    return text if "e" not in text else f"{float(text):.11f}".rstrip("0").rstrip(".")


def net_reaction(
    reactants: Mapping[str, float],
    products: Iterable[tuple[str, float]],
    *,
    energy_eV: float | None = None,
    gases: frozenset[str] = frozenset(),
    band_gap_eV: Mapping[str, float] | None = None,
    least: float = LEAST_AMOUNT,
) -> Reaction:
    """Write a reaction, with what stands on both sides netted and amounts below `least` left out.

    Parameters
    ----------
    reactants, products
        Formulas and coefficients; a negative reactant is a product and the other way round.
    energy_eV
        Energy of the reaction as written.
    gases
        Formulas that are gases.
    band_gap_eV
        Of products, as far as they are known.
    least
        Coefficients up to this size count as none.
    """
    change: dict[str, float] = {}
    for formula, amount in products:
        change[formula] = change.get(formula, 0.0) + amount
    for formula, amount in reactants.items():
        change[formula] = change.get(formula, 0.0) - amount
    consumed = {f: -change[f] for f in reactants if change[f] < -least}
    formed: dict[str, float] = {}
    for formula, amount in change.items():
        if amount > least:
            formed[formula] = amount
        elif amount < -least:  # reactants stand there already, in their order
            consumed[formula] = -amount
    return Reaction(consumed, formed, energy_eV, gases, band_gap_eV or {})


SULFUR_ARTEFACT = "LiS4"
SULFUR_NOTE = (
    "sulfur (S, with Li or Li2S) stands here for LiS4 of the table of energies: no such compound is known, and the"
    " table makes it 1.4 eV per Li too stable, which the energies and limits still hold"
)


def shown_reaction(reaction: Reaction) -> tuple[Reaction, str | None]:
    """Return a reaction as it is to be shown, and a footnote where that is not what the table of energies says.

    LiS4 among the products is an artefact of the table (-0.752 eV/atom, where Li2S and sulfur have 1.4 eV less per Li)
    and is written as sulfur: with lithium where the reaction exchanges lithium, as sulfides are oxidised, else with
    Li2S. The reaction stays balanced, its energy stays that of the table. One of which nothing would be left is shown
    as it is.

    Parameters
    ----------
    reaction
        As computed.
    """
    amount = reaction.products.get(SULFUR_ARTEFACT)
    if amount is None or SULFUR_ARTEFACT in reaction.reactants:
        return reaction, None
    exchanges = "Li" in reaction.reactants or "Li" in reaction.products
    sulfur, lithium = (4.0 * amount, ("Li", amount)) if exchanges else (3.5 * amount, ("Li2S", 0.5 * amount))
    products: list[tuple[str, float]] = []
    for formula, n in reaction.products.items():
        products += [("S", sulfur), lithium] if formula == SULFUR_ARTEFACT else [(formula, n)]
    shown = net_reaction(reaction.reactants, products, energy_eV=reaction.energy_eV, gases=reaction.gases)
    return (shown if shown.reactants and shown.products else reaction), SULFUR_NOTE


@lru_cache(maxsize=32_768)
def phase_amounts(table: PhaseTable, row: int) -> Mapping[str, float]:
    """Return the atoms per formula unit of a phase, with the smallest integers where there are such; do not change."""
    composition = table.composition(row)
    fraction = np.array(list(composition.values()))
    symbols = [SYMBOLS[z - 1] for z in composition]
    if len(symbols) == 1:
        return {symbols[0]: 2.0 if symbols[0] in _DIATOMIC else 1.0}
    smallest = int(np.ceil(1.0 / fraction.max() - 1e-6))
    for atoms in range(max(smallest, len(symbols)), LARGEST_FORMULA + 1):
        count = fraction * atoms
        if np.abs(count - np.rint(count)).max() < 1e-4 and np.rint(count).min() >= 1:
            return dict(zip(symbols, np.rint(count).tolist(), strict=True))
    return dict(zip(symbols, fraction.tolist(), strict=True))


def phase_formula(table: PhaseTable, row: int) -> str:
    """Return the reduced formula of a phase."""
    return _phase_formula(table, row)[0]


@lru_cache(maxsize=32_768)
def _phase_formula(table: PhaseTable, row: int) -> tuple[str, float]:
    amounts = phase_amounts(table, row)
    if len(amounts) == 1:
        return "".join(f"{symbol}{written_amount(n) if n > 1 else ''}" for symbol, n in amounts.items()), sum(
            amounts.values()
        )
    return format_formula(amounts), sum(amounts.values())


def formula_units(
    table: PhaseTable, phase: NDArray[np.int64], amount: NDArray[np.float64], atoms: float = 1.0
) -> list[tuple[str, float]]:
    """Return a mixture as formulas and formula units, the largest part (in atoms) first.

    Parameters
    ----------
    table
        The phases.
    phase, amount
        Rows and their amounts in atoms per atom of the mixture, as in `hull.Equilibria`; shape (k,).
    atoms
        Atoms of the mixture.
    """
    return listed_units(table, phase.tolist(), amount.tolist(), atoms)


def listed_units(
    table: PhaseTable, phase: Sequence[int], amount: Sequence[float], atoms: float
) -> list[tuple[str, float]]:
    """Return what `formula_units` does, of lists: many mixtures are turned into lists at once."""
    parts = [(-share, row) for row, share in zip(phase, amount, strict=True) if row >= 0 and share > LEAST_AMOUNT]
    parts.sort()
    units = []
    for share, row in parts:
        formula, size = _phase_formula(table, row)
        units.append((formula, -share * atoms / size))
    return units


def band_gaps(table: PhaseTable, phase: NDArray[np.int64]) -> dict[str, float]:
    """Return computed band gaps in eV by formula, of those of some rows of the table whose gap is known."""
    gaps = {row: table.band_gap_of(row) for row in phase.tolist() if row >= 0}
    return {phase_formula(table, row): gap for row, gap in gaps.items() if gap is not None}


def reduced(amounts: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
    """Return the reduced formula of a composition and the atoms of each element in it; do not change them."""
    return _reduced(tuple(amounts.items()))


@lru_cache(maxsize=4096)
def _reduced(pairs: tuple[tuple[str, float], ...]) -> tuple[str, Mapping[str, float]]:
    amounts, written = dict(pairs), [amount for _, amount in pairs]
    if (smallest := reduced_amounts(written)) is not written:
        divisor = round(written[0] / smallest[0])
        amounts = {symbol: amount / divisor for symbol, amount in pairs}
    return format_formula(amounts), amounts


def decompositions(
    table: PhaseTable,
    amounts: Sequence[Mapping[str, float]],
    mixtures: Equilibria,
    energy_eV_per_atom: NDArray[np.float64] | None = None,
) -> list[Reaction]:
    """Return, for n compositions, the reaction into the lowest-energy mixture there, per formula unit.

    Parameters
    ----------
    table
        The phases.
    amounts
        Element symbol to amount, one a composition.
    mixtures
        What `hull.equilibria` found there.
    energy_eV_per_atom
        Formation energies of the compositions themselves, shape (n,); without them no energy is stated.

    Returns
    -------
    list
        `text` of one reads `Li6PS5Cl -> Li3PS4 + Li2S + LiCl`, or `no reaction` where the composition is a phase of
        its own mixture.
    """
    reactions = []
    phases, shares = mixtures.phase.tolist(), mixtures.amount.tolist()
    for row, composition in enumerate(amounts):
        formula, per_unit = reduced(composition)
        atoms = sum(per_unit.values())
        energy = None
        if energy_eV_per_atom is not None:
            energy = atoms * float(mixtures.energy_eV_per_atom[row] - energy_eV_per_atom[row])
        units = listed_units(table, phases[row], shares[row], atoms)
        reactions.append(net_reaction({formula: 1.0}, units, energy_eV=energy, least=LEAST_AMOUNT * atoms))
    return reactions


def layout(amounts: Sequence[Mapping[str, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return atomic numbers (ascending, 0 as padding) and atomic fractions of n compositions, shape (n, k)."""
    width = max((len(composition) for composition in amounts), default=1)
    atomic_number = np.zeros((len(amounts), width), dtype=np.int64)
    fraction = np.zeros((len(amounts), width))
    for row, composition in enumerate(amounts):
        pairs = sorted((ATOMIC_NUMBER[symbol], value) for symbol, value in composition.items() if value > 0)
        atomic_number[row, : len(pairs)] = [number for number, _ in pairs]
        fraction[row, : len(pairs)] = [value for _, value in pairs]
    return atomic_number, fraction / fraction.sum(axis=1, keepdims=True)


def require_covered(table: PhaseTable, amounts: Mapping[str, float]) -> None:
    """Refuse a composition with an element of which the table holds no phase.

    Raises
    ------
    CandidateError
        `element_without_energies`, naming the elements.
    """
    unknown = [symbol for symbol in amounts if table.of_element[ATOMIC_NUMBER[symbol]] < 0]
    if unknown:
        raise CandidateError(
            RowErrorCode.ELEMENT_WITHOUT_ENERGIES,
            f"the table of formation energies holds no compound of {', '.join(unknown)}",
        )


def read_material(
    table: PhaseTable, amounts: Mapping[str, float], *, energy_eV_per_atom: float | None = None
) -> Reactant:
    """Find the energy of a material: the given one, else the table's, else that of the mixture at its composition.

    Parameters
    ----------
    table
        The phases.
    amounts
        Element symbol to amount.
    energy_eV_per_atom
        A formation energy from elsewhere.

    Raises
    ------
    CandidateError
        `element_without_energies` where the table does not cover an element.
    """
    require_covered(table, amounts)
    atomic_number, fraction = layout([amounts])
    mixture = float(equilibria(table, atomic_number, fraction).energy_eV_per_atom[0])
    row = int(rows_of_compositions(table, atomic_number, fraction)[0])
    energy, basis = mixture, EnergyBasis.MIXTURE
    if energy_eV_per_atom is not None:
        energy, basis = energy_eV_per_atom, EnergyBasis.GIVEN
    elif row >= 0:
        energy, basis = float(table.energy_eV_per_atom[row]), EnergyBasis.REFERENCE
    return Reactant(*reduced(amounts), energy, mixture, basis)
