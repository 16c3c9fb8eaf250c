"""Formal charges of the elements of one crystal, by the oxidation states that `features.chemistry` chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.candidate import Candidate, MaterialBatch
from features.chemistry import assign_ions
from features.elements import ATOMIC_NUMBER, element_table

_HYDROGEN_PER_CAGE_BORON = 1.5  # below, boron shares electrons: B12H12 2-


@dataclass(frozen=True)
class FormalCharges:
    """What each element can and does carry, in units of e.

    Attributes
    ----------
    lowest, highest
        By the common oxidation states of cations; one number for anions.
    chosen
        Between them: those that bring the composition nearest to neutral. Fractions stand for mixed valence.
    """

    lowest: dict[str, float]
    highest: dict[str, float]
    chosen: dict[str, float]

    def bounds(self, amounts: Mapping[str, float]) -> tuple[float, float]:
        """Return the least and the most charge that some atoms can have together."""
        low = sum(self.lowest[symbol] * amount for symbol, amount in amounts.items())
        return low, sum(self.highest[symbol] * amount for symbol, amount in amounts.items())

    def charge(self, amounts: Mapping[str, float]) -> float:
        """Return the charge of some atoms by the chosen oxidation states."""
        return sum(self.chosen[symbol] * amount for symbol, amount in amounts.items())


def formal_charges(amounts: Mapping[str, float]) -> FormalCharges:
    """Choose oxidation states for a composition.

    Parameters
    ----------
    amounts
        Element symbol to amount, above 0.
    """
    batch = MaterialBatch.from_candidates([Candidate("", dict(amounts))])
    ions = assign_ions(batch)
    is_anion = {
        symbol: bool(ions.anions[0, batch.element_index[0] == ATOMIC_NUMBER[symbol] - 1].sum() > 0)
        for symbol in amounts
    }
    table = element_table()
    lowest, highest = {}, {}
    for symbol, anion in is_anion.items():
        row = ATOMIC_NUMBER[symbol] - 1
        names = ("anion_charge",) * 2 if anion else ("cation_charge_min", "cation_charge_max")
        lowest[symbol], highest[symbol] = (float(table[name][row]) for name in names)
    if is_anion.get("H"):  # as `features.chemistry` counts ammoniates and cages
        if "N" in amounts:
            highest["H"] = 1.0
        if amounts["H"] < _HYDROGEN_PER_CAGE_BORON * amounts.get("B", 0.0):
            lowest["B"] -= highest["B"]
    both = FormalCharges(lowest, highest, lowest)
    low, high = both.bounds(amounts)
    share = min(max(-low / (high - low), 0.0), 1.0) if high > low else 0.0
    return FormalCharges(lowest, highest, {one: lowest[one] + share * (highest[one] - lowest[one]) for one in lowest})
