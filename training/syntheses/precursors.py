"""Sets of precursors by experience: what laboratories took for each element of similar targets.

For each element that needs a source, every reported use of a bottle that brings it counts with a weight that falls
with the distance of its target; the share of a bottle is its part of these weights, with a small part of what is usual
for the element in all of chemistry. A set's score is the sum of the logarithms of its bottles' shares, a bottle for
several elements counting once. That similar targets are made from similar precursors is the idea of He et al., Sci.
Adv. 9, eadg8180 (2023), doi 10.1126/sciadv.adg8180.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from training.syntheses.library import Array, SynthesisLibrary
from training.syntheses.precursor_names import FROM_THE_AIR, amounts_of, key_of, source_elements, without_water

DISTANCE_SCALE = 0.1
"""Half L1 distance at which the weight of a use falls to 1/e; chosen on the syntheses of 2015 and 2016."""
USUAL_SHARE = 0.3
"""Weight of what is usual for an element, in units of one use for the same target."""
MOST_BOTTLES, BEAM = 15, 30
_BALANCED = 1e-3
NEVER_USED = 1e-4
"""Share of a bottle that nobody took for an element."""


class ReportedSet(NamedTuple):
    """A set of precursors, as texts, and the logarithm of how usual it is."""

    precursors: tuple[str, ...]
    log_share: float


Shares = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True, eq=False)
class PrecursorExperience:
    """What was taken for what."""

    library: SynthesisLibrary

    def shares(self, amounts: Mapping[str, float]) -> Shares:
        """Return for each element that needs a source the bottles and their shares, which sum to 1.

        An element that no reported synthesis brings has no bottle.
        """
        weight = np.exp(-self.library.distances(amounts) / DISTANCE_SCALE)
        return {symbol: self._shares_of(symbol, weight) for symbol in sorted(source_elements(amounts))}

    def _shares_of(self, symbol: str, weight: Array) -> dict[int, float]:
        uses = self.library.uses(symbol)
        if not len(uses):
            return {}
        bottle = self.library.entry_precursor[uses]
        near = np.bincount(bottle, weight[self.library.entry_row[uses]])
        share = near + USUAL_SHARE * np.bincount(bottle) / len(uses)
        share = share / share.sum()
        return {int(n): float(share[n]) for n in np.flatnonzero(share)}

    def rank(self, amounts: Mapping[str, float], most: int = 10) -> list[ReportedSet]:
        """Return the most usual sets that balance, the most usual first; none where an element has no bottle.

        Parameters
        ----------
        amounts
            Of the target.
        most
            How many sets.
        """
        shares = self.shares(amounts)
        if not all(shares.values()):
            return []
        allowed = frozenset(amounts) | FROM_THE_AIR - ({"O"} if "O" not in amounts else set())
        states: dict[frozenset[int], tuple[float, frozenset[str]]] = {frozenset(): (0.0, frozenset())}
        for symbol in sorted(shares, key=lambda s: -max(shares[s].values())):
            states = self._with_source(states, symbol, shares[symbol], allowed)
        states = self._balanced(states, amounts, shares, allowed)
        ranked = sorted(states.items(), key=lambda state: -state[1][0])[:most]
        return [ReportedSet(tuple(self.library.precursors[n] for n in sorted(s)), score) for s, (score, _) in ranked]

    def _with_source(
        self,
        states: Mapping[frozenset[int], tuple[float, frozenset[str]]],
        symbol: str,
        shares: Mapping[int, float],
        allowed: frozenset[str],
    ) -> dict[frozenset[int], tuple[float, frozenset[str]]]:
        """Return the best sets that bring this element too."""
        elements = self.library.precursor_elements
        usable = [n for n in sorted(shares, key=lambda n: -shares[n]) if elements[n] <= allowed][:MOST_BOTTLES]
        grown: dict[frozenset[int], tuple[float, frozenset[str]]] = {}
        for bottles, (score, brought) in states.items():
            if symbol in brought:
                choices = [(bottles, score, brought)]
            else:
                choices = [(bottles | {n}, score + math.log(shares[n]), brought | elements[n]) for n in usable]
            for chosen, total, elements_now in choices:
                if chosen not in grown or total > grown[chosen][0]:
                    grown[chosen] = (total, elements_now)
        best = sorted(grown.items(), key=lambda state: -state[1][0])[:BEAM]
        return dict(best)

    def _balanced(
        self,
        states: Mapping[frozenset[int], tuple[float, frozenset[str]]],
        amounts: Mapping[str, float],
        shares: Shares,
        allowed: frozenset[str],
    ) -> dict[frozenset[int], tuple[float, frozenset[str]]]:
        """Return the sets that balance, those that do not with one bottle more (Li2S beside LiCl and P2S5)."""
        elements = self.library.precursor_elements
        found = {bottles: state for bottles, state in states.items() if self._balances(bottles, amounts)}
        for bottles, (score, brought) in states.items():
            if bottles in found:
                continue
            for n in {n for share in shares.values() for n in share if elements[n] <= allowed and n not in bottles}:
                more = bottles | {n}
                logs = [math.log(share[n]) for share in shares.values() if n in share]
                total = score + sum(logs) / len(logs)
                if (more not in found or total > found[more][0]) and self._balances(more, amounts):
                    found[more] = (total, brought)
        return found

    def _balances(self, bottles: frozenset[int], amounts: Mapping[str, float]) -> bool:
        """Whether amounts of the bottles, none negative, give the target but for what comes and goes as gas."""
        symbols = sorted(source_elements(amounts))
        made = [amounts_of(self.library.precursors[n]) or {} for n in sorted(bottles)]
        brought = np.array([[parts.get(symbol, 0.0) for parts in made] for symbol in symbols])
        wanted = np.array([amounts[symbol] for symbol in symbols])
        taken = np.linalg.lstsq(brought, wanted, rcond=None)[0]
        return bool(taken.min() > -_BALANCED and np.abs(brought @ taken - wanted).max() < _BALANCED * wanted.max())

    @cached_property
    def _dry(self) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for n, formula in enumerate(self.library.precursors):
            found.setdefault(key_of(without_water(formula)), []).append(n)
        return {key: tuple(numbers) for key, numbers in found.items()}

    def log_share(self, shares: Shares, precursors: Collection[str]) -> float:
        """Return how usual a given set is: the sum over bottles of the logarithm of the share, wet and dry alike.

        Parameters
        ----------
        shares
            From `shares` of the target.
        precursors
            Formulas; one that brings several elements counts with the mean of its logarithms.
        """
        total = 0.0
        for formula in precursors:
            numbers = self._dry.get(key_of(without_water(formula)), ())
            brought = [s for s in shares if any(s in self.library.precursor_elements[n] for n in numbers)]
            logs = [math.log(max(sum(shares[s].get(n, 0.0) for n in numbers), NEVER_USED)) for s in brought]
            total += sum(logs) / len(logs) if logs else math.log(NEVER_USED)
        return total
