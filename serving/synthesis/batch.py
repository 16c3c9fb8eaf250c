"""What to weigh: masses of precursors for a batch, lithium in excess, and the gas that comes off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.elements import molar_mass_g_per_mol
from serving.synthesis.balance import BalancedSet, ElementSource
from serving.synthesis.gases import MOLAR_VOLUME_L

_ONLY_LITHIUM = frozenset({"Li", "O"})


@dataclass(frozen=True, slots=True)
class Weighing:
    """One precursor of a batch.

    Attributes
    ----------
    formula
        Of the precursor.
    millimoles
        Of its formula units, excess included.
    mass_g
        To weigh, purity and excess included.
    excess
        Share added to the stoichiometric amount.
    """

    formula: str
    millimoles: float
    mass_g: float
    excess: float


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of n grams.

    Attributes
    ----------
    grams
        Of the target.
    weighings
        One a precursor, in the order of the set.
    gas_volume_L
        By gas, at 25 C and 1 atm, excess included.
    lithium_excess
        Share of the target's lithium that is added.
    excess_source
        Precursor that brings it; None without.
    """

    grams: float
    weighings: tuple[Weighing, ...]
    gas_volume_L: Mapping[str, float]
    lithium_excess: float
    excess_source: str | None


def lithium_source(made: BalancedSet) -> ElementSource | None:
    """Return the precursor that brings lithium and nothing else but oxygen: an excess of lithium is taken from it."""
    return next((s for s in made.sources if "Li" in s.contents and s.contents.keys() <= _ONLY_LITHIUM), None)


def weigh(made: BalancedSet, target: Mapping[str, float], grams: float, lithium_excess: float = 0.0) -> Batch:
    """Return what to weigh for a batch.

    Parameters
    ----------
    made
        A balanced set; its coefficients make one formula unit of the target.
    target
        Element symbol to atoms per formula unit.
    grams
        Of the target.
    lithium_excess
        Share of the target's lithium to add, 0.1 for ten percent; only where a precursor brings lithium (and oxygen)
        alone, as carbonates and hydroxides do: an excess of Li2S or LiCl would add sulfur or chlorine, too.
    """
    moles = grams / molar_mass_g_per_mol(target)
    source = lithium_source(made) if lithium_excess > 0 else None
    weighings: list[Weighing] = []
    gases: dict[str, float] = {}
    for one, coefficient in zip(made.sources, made.coefficients, strict=True):
        excess = lithium_excess * target["Li"] / (coefficient * one.contents["Li"]) if one is source else 0.0
        amount = moles * coefficient * (1.0 + excess)
        mass = amount * one.precursor.molar_mass_g / one.precursor.purity
        weighings.append(Weighing(one.precursor.formula, 1000.0 * amount, mass, excess))
        for gas, molecules in one.precursor.gases.items() if one.heated else ():
            gases[gas] = gases.get(gas, 0.0) + amount * molecules * MOLAR_VOLUME_L
    brought = None if source is None else source.precursor.formula
    return Batch(grams, tuple(weighings), gases, lithium_excess if source else 0.0, brought)
