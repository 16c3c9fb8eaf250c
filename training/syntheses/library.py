"""Reported syntheses as arrays, and which of them made the like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.similarity import half_l1
from training.syntheses.precursor_names import FROM_THE_AIR, amounts_of, key_of
from training.syntheses.table import Heating, ReportedSynthesis

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
ANIONS = ("N", "O", "F", "P", "S", "Cl", "Se", "Br", "Te", "I")
OTHER_ANIONS = 0.5
"""Added to the distance of a material of other anions: an oxide is made otherwise than a sulfide."""
SAME = 1e-6
_LINE = "\n"


@dataclass(frozen=True, eq=False)
class SynthesisLibrary:
    """Reported syntheses; row i of every array is synthesis i.

    Attributes
    ----------
    targets, dois, atmospheres
        n texts each, as the tables spell them.
    batch
        The targets as n materials.
    precursors
        The bottles that occur, under the name that most papers give them.
    entry_row, entry_precursor
        Shape (m,): synthesis and bottle of each use of a bottle, rising by row.
    heating
        Shape (n, 3, 2), degrees Celsius and hours by `HeatingStep`, NaN where not reported.
    year
        Shape (n,), 0 where unknown.
    """

    targets: tuple[str, ...]
    batch: MaterialBatch
    precursors: tuple[str, ...]
    entry_row: Integers
    entry_precursor: Integers
    heating: Array
    atmospheres: tuple[str, ...]
    dois: tuple[str, ...]
    year: Integers

    @classmethod
    def build(cls, rows: Sequence[ReportedSynthesis]) -> SynthesisLibrary:
        """Lay out rows, those left out whose precursors do not bring all elements."""
        rows = [row for row in rows if row.has_all_sources]
        names: dict[str, Counter[str]] = {}
        for row in rows:
            for formula in row.precursors:
                names.setdefault(key_of(formula), Counter())[formula] += 1
        number = {key: n for n, key in enumerate(names)}
        entries = [(n, number[key]) for n, row in enumerate(rows) for key in sorted(row.precursor_keys)]
        entry = np.array(entries, dtype=np.int64).reshape(-1, 2)
        return cls(
            tuple(row.target for row in rows),
            MaterialBatch.from_formulas([row.target for row in rows]),
            tuple(count.most_common(1)[0][0] for count in names.values()),
            entry[:, 0],
            entry[:, 1],
            np.array([row.heating for row in rows], dtype=float).reshape(-1, 3, 2),
            tuple(row.atmosphere for row in rows),
            tuple(row.doi for row in rows),
            np.array([row.year for row in rows], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: Integers) -> SynthesisLibrary:
        """Return the chosen syntheses, in rising order of rows, with all bottles."""
        kept = np.isin(self.entry_row, rows)
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        return SynthesisLibrary(
            tuple(self.targets[r] for r in rows),
            self.batch.take(rows),
            self.precursors,
            place[self.entry_row[kept]],
            self.entry_precursor[kept],
            self.heating[rows],
            tuple(self.atmospheres[r] for r in rows),
            tuple(self.dois[r] for r in rows),
            self.year[rows],
        )

    @cached_property
    def fractions(self) -> Array:
        """Atomic fractions over all elements, shape (n, 103)."""
        return self.batch.matrix()

    @cached_property
    def precursor_elements(self) -> tuple[frozenset[str], ...]:
        """The elements of each bottle."""
        return tuple(frozenset(amounts_of(formula) or ()) for formula in self.precursors)

    def uses(self, symbol: str) -> Integers:
        """Return the uses of bottles that bring an element to a target that needs it, shape (k,)."""
        if symbol not in self._uses:
            needs = self.fractions[:, ATOMIC_NUMBER[symbol] - 1] > 0
            if symbol in FROM_THE_AIR:
                solid = [z - 1 for other, z in ATOMIC_NUMBER.items() if other not in FROM_THE_AIR]
                needs &= ~(self.fractions[:, solid] > 0).any(axis=1)
            brings = np.array([symbol in elements for elements in self.precursor_elements])
            self._uses[symbol] = np.flatnonzero(needs[self.entry_row] & brings[self.entry_precursor])
        return self._uses[symbol]

    @cached_property
    def _uses(self) -> dict[str, Integers]:
        return {}

    @cached_property
    def _is_bottle(self) -> NDArray[np.bool_]:
        bottles = set(map(key_of, self.precursors))
        return np.array([key_of(target) in bottles for target in self.targets])

    def distances(self, amounts: Mapping[str, float]) -> Array:
        """Return half the L1 distance of atomic fractions to every target, shape (n,); 0 equal, 1 disjoint."""
        distance: Array = half_l1(fractions_of(amounts), self.fractions)[0]
        return distance

    def nearest(self, amounts: Mapping[str, float], most: int) -> list[tuple[int, float]]:
        """Return the syntheses of the likest targets, one a paper and target.

        Those of other anions stand behind, those of what is itself a precursor last: a salt is nothing like an
        electrolyte of the same elements.

        Returns
        -------
        list of (int, float)
            Row and distance, the nearest first; of equally near ones the one with more heating reported.
        """
        distance = self.distances(amounts)
        here, columns = fractions_of(amounts)[0] > 0, [ATOMIC_NUMBER[symbol] - 1 for symbol in ANIONS]
        other = (self.fractions[:, columns] > 0) != here[columns]
        shift = OTHER_ANIONS * other.any(axis=1) + (self._is_bottle & (distance > SAME))
        reported = np.isfinite(self.heating[:, :, 0]).sum(axis=1)
        found: list[tuple[int, float]] = []
        seen: set[tuple[str, str]] = set()
        for row in np.lexsort((-reported, np.round(distance + shift, 6)))[: 20 * most]:
            said = (self.dois[row], key_of(self.targets[row]))
            if said not in seen:
                seen.add(said)
                found.append((int(row), round(float(distance[row]), 6)))
        return found[:most]

    def precursors_of(self, row: int) -> tuple[str, ...]:
        """Return the bottles of a synthesis."""
        first, last = np.searchsorted(self.entry_row, (row, row + 1))
        return tuple(self.precursors[n] for n in self.entry_precursor[first:last])

    def heating_of(self, row: int) -> tuple[Heating, ...]:
        """Return the heating of a synthesis, one for each `HeatingStep`."""
        return tuple(Heating(float(t), float(h)) for t, h in self.heating[row])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {
            "targets": _packed(self.targets),
            "element": self.batch.element_index.astype(np.uint8),
            "fraction": self.batch.fraction,
            "precursors": _packed(self.precursors),
            "entry_row": self.entry_row.astype(np.int32),
            "entry_precursor": self.entry_precursor.astype(np.int16),
            "heating": self.heating.astype(np.float32),
            "atmospheres": _packed(self.atmospheres),
            "dois": _packed(self.dois),
            "year": self.year.astype(np.int16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SynthesisLibrary:
        """Rebuild from `arrays()`."""
        fraction = arrays["fraction"].astype(float)
        lattice = np.full((len(fraction), 8), np.nan)
        return cls(
            _unpacked(arrays["targets"]),
            MaterialBatch(arrays["element"].astype(np.int64), fraction, lattice),
            _unpacked(arrays["precursors"]),
            arrays["entry_row"].astype(np.int64),
            arrays["entry_precursor"].astype(np.int64),
            arrays["heating"].astype(float),
            _unpacked(arrays["atmospheres"]),
            _unpacked(arrays["dois"]),
            arrays["year"].astype(np.int64),
        )


def anions_of(amounts: Mapping[str, float]) -> frozenset[str]:
    """Return the elements of a material that are anions in most of their solids."""
    return frozenset(amounts).intersection(ANIONS)


def fractions_of(amounts: Mapping[str, float]) -> Array:
    """Return atomic fractions over all elements, shape (1, 103)."""
    row = np.zeros((1, len(ATOMIC_NUMBER)))
    for symbol, amount in amounts.items():
        row[0, ATOMIC_NUMBER[symbol] - 1] = amount
    row /= row.sum()
    return row


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(_LINE.join(texts).encode(), dtype=np.uint8)


def _unpacked(array: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(array.tobytes().decode().split(_LINE))
