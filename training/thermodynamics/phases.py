"""The table of phases on which equilibria are computed: compositions, formation energies, and a quick way in.

Phases are sorted by their set of elements (their chemical system), each system a pair of 64-bit masks, so that the
phases that can take part in a mixture are found by looking up the subsets of the mixture's elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

N_MASKED_ELEMENTS = 128  # atomic numbers 1 to 127 fit into two masks
LARGEST_ENUMERATED_SYSTEM = 10  # elements; above, all systems are looked through
SAME_FRACTION = 1e-6


class PhaseArrays(NamedTuple):
    """What compiled loops read of a `PhaseTable`, and which of its phases may take part, shape (n,)."""

    start: NDArray[np.int64]
    element: NDArray[np.int64]
    fraction: NDArray[np.float64]
    energy_eV_per_atom: NDArray[np.float64]
    system_high: NDArray[np.uint64]
    system_low: NDArray[np.uint64]
    system_start: NDArray[np.int64]
    usable: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PhaseTable:
    """Phases with their formation energies; the pure elements, at 0 eV, are among them.

    Attributes
    ----------
    start
        Where each phase's elements begin in `element`; shape (n + 1,).
    element, fraction
        Atomic numbers and atomic fractions of all phases one after the other.
    energy_eV_per_atom
        Formation energies, shape (n,).
    system_high, system_low, system_start
        Masks of the distinct chemical systems, ascending, and where their phases begin, shape (s,), (s,), (s + 1,).
    of_element
        Row of each pure element by atomic number, -1 if the table does not cover it; shape (128,).
    band_gap_eV
        Computed (PBE) band gaps, NaN where none is known, shape (n,); None where none are known at all.
    """

    start: NDArray[np.int64]
    element: NDArray[np.int64]
    fraction: NDArray[np.float64]
    energy_eV_per_atom: NDArray[np.float64]
    system_high: NDArray[np.uint64] = field(repr=False)
    system_low: NDArray[np.uint64] = field(repr=False)
    system_start: NDArray[np.int64] = field(repr=False)
    of_element: NDArray[np.int64] = field(repr=False)
    order: NDArray[np.int64] = field(repr=False)
    band_gap_eV: NDArray[np.float64] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of phases, elements included."""
        return len(self.energy_eV_per_atom)

    @classmethod
    def build(
        cls,
        elements: Sequence[NDArray[np.int64]],
        amounts: Sequence[NDArray[np.float64]],
        energy_eV_per_atom: NDArray[np.float64],
    ) -> PhaseTable:
        """Sort phases into a table and add the pure elements that occur.

        Parameters
        ----------
        elements, amounts
            Atomic numbers and amounts of each compound (two or more elements).
        energy_eV_per_atom
            Their formation energies, shape (n,).

        Returns
        -------
        PhaseTable
            `order[i]` is the place in the input of row i, -1 for a pure element.
        """
        width = max(len(numbers) for numbers in elements)
        atomic_number = np.zeros((len(elements), width), dtype=np.int64)
        amount = np.zeros((len(elements), width))
        for row, (numbers, given) in enumerate(zip(elements, amounts, strict=True)):
            ascending = np.argsort(numbers)
            atomic_number[row, : len(numbers)] = np.asarray(numbers)[ascending]
            amount[row, : len(numbers)] = np.asarray(given, float)[ascending]
        return cls.from_padded(atomic_number, amount, energy_eV_per_atom)

    @classmethod
    def from_padded(
        cls,
        atomic_number: NDArray[np.int64],
        amount: NDArray[np.float64],
        energy_eV_per_atom: NDArray[np.float64],
    ) -> PhaseTable:
        """Sort phases into a table and add the pure elements that occur; as `build`, from padded arrays.

        Parameters
        ----------
        atomic_number, amount
            Elements, ascending, and amounts of each compound, shape (n, k), padded with amount 0 at the end.
        energy_eV_per_atom
            Their formation energies, shape (n,).
        """
        n = len(atomic_number)
        held = amount > 0
        covered = np.unique(atomic_number[held])
        counts = np.concatenate([held.sum(axis=1), np.ones(len(covered), dtype=np.int64)])
        flat = np.concatenate([atomic_number[held], covered])
        weight = np.concatenate([amount[held], np.ones(len(covered))])
        begin = np.cumsum(counts) - counts
        bit = np.left_shift(np.uint64(1), (flat % 64).astype(np.uint64))
        high, low = (
            np.bitwise_or.reduceat(np.where(part, bit, np.uint64(0)), begin) for part in (flat > 63, flat < 64)
        )
        order = np.lexsort((low, high))
        high, low, sizes = high[order], low[order], counts[order]
        new = np.concatenate([[True], (high[1:] != high[:-1]) | (low[1:] != low[:-1])])
        start = np.concatenate([[0], np.cumsum(sizes)])
        taken = np.repeat(begin[order] - start[:-1], sizes) + np.arange(start[-1])
        fraction = weight[taken] / np.repeat(np.add.reduceat(weight[taken], start[:-1]), sizes)
        place = np.where(order < n, order, -1)
        of_element = np.full(N_MASKED_ELEMENTS, -1, dtype=np.int64)
        elemental = np.flatnonzero(place < 0)
        of_element[flat[taken][start[elemental]]] = elemental
        return cls(
            start=start.astype(np.int64),
            element=flat[taken].astype(np.int64),
            fraction=fraction,
            energy_eV_per_atom=np.concatenate([np.asarray(energy_eV_per_atom, float), np.zeros(len(covered))])[order],
            system_high=high[new],
            system_low=low[new],
            system_start=np.append(np.flatnonzero(new), len(order)).astype(np.int64),
            of_element=of_element,
            order=place.astype(np.int64),
        )

    def with_band_gaps(self, band_gap_eV: NDArray[np.float64]) -> PhaseTable:
        """Return the table with the band gaps of the compounds given to `build`, NaN where unknown, shape (n,)."""
        return replace(self, band_gap_eV=np.where(self.order >= 0, band_gap_eV[self.order], np.nan))

    def band_gap_of(self, row: int) -> float | None:
        """Return the band gap of a phase in eV, None where it is not known."""
        if self.band_gap_eV is None or np.isnan(self.band_gap_eV[row]):
            return None
        return float(self.band_gap_eV[row])

    @cached_property
    def row_of_input(self) -> NDArray[np.int64]:
        """Row of each compound given to `build`, shape (n_compounds,)."""
        rows = np.flatnonzero(self.order >= 0)
        out = np.empty(len(rows), dtype=np.int64)
        out[self.order[rows]] = rows
        return out

    @cached_property
    def systems_of_element(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Chemical systems by atomic number: where each element's begin, shape (129,), and the systems."""
        first = self.system_start[:-1]
        count = self.start[first + 1] - self.start[first]
        place = np.repeat(self.start[first] - (np.cumsum(count) - count), count) + np.arange(count.sum())
        number, system = self.element[place], np.repeat(np.arange(len(first)), count)
        order = np.argsort(number, kind="stable")
        return np.searchsorted(number[order], np.arange(N_MASKED_ELEMENTS + 1)), system[order]

    @cached_property
    def _arrays(self) -> PhaseArrays:
        return PhaseArrays(
            self.start,
            self.element,
            self.fraction,
            self.energy_eV_per_atom,
            self.system_high,
            self.system_low,
            self.system_start,
            np.ones(len(self), np.bool_),
        )

    def arrays(
        self, usable: NDArray[np.bool_] | None = None, energy_eV_per_atom: NDArray[np.float64] | None = None
    ) -> PhaseArrays:
        """Return the table for compiled loops: all phases and the table's energies unless others are given."""
        found = self._arrays
        if usable is not None:
            found = found._replace(usable=usable)
        if energy_eV_per_atom is not None:
            found = found._replace(energy_eV_per_atom=np.asarray(energy_eV_per_atom, float))
        return found

    def compounds_of(self, atomic_number: int) -> NDArray[np.int64]:
        """Return the rows of all compounds that hold an element."""
        begin, systems = self.systems_of_element
        held = systems[begin[atomic_number] : begin[atomic_number + 1]]
        in_system = np.zeros(len(self.system_start) - 1, dtype=np.bool_)
        in_system[held] = True
        rows: NDArray[np.int64] = np.flatnonzero(np.repeat(in_system, np.diff(self.system_start)) & (self.order >= 0))
        return rows

    def compositions(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return elements (ascending) and fractions of some phases, padded with 0 at the end, shape (n, k) each."""
        count = self.start[rows + 1] - self.start[rows]
        place = np.arange(int(count.max(initial=1)))
        taken = np.minimum(self.start[rows][:, None] + place, len(self.element) - 1)
        held = place < count[:, None]
        return np.where(held, self.element[taken], 0), np.where(held, self.fraction[taken], 0.0)

    def composition(self, row: int) -> dict[int, float]:
        """Return atomic number to atomic fraction of a phase."""
        span = slice(self.start[row], self.start[row + 1])
        return dict(zip(self.element[span].tolist(), self.fraction[span].tolist(), strict=True))


@kernel
def _find(high: NDArray[np.uint64], low: NDArray[np.uint64], wanted_high: np.uint64, wanted_low: np.uint64) -> int:
    """Return the place of a mask among the ascending ones, -1 if it is not there."""
    left, right = 0, high.shape[0] - 1
    while left <= right:
        middle = (left + right) // 2
        if high[middle] < wanted_high or (high[middle] == wanted_high and low[middle] < wanted_low):
            left = middle + 1
        elif high[middle] == wanted_high and low[middle] == wanted_low:
            return int(middle)
        else:
            right = middle - 1
    return -1


@kernel
def _masks(components: NDArray[np.int64], subset: int) -> tuple[np.uint64, np.uint64]:
    """Return the masks of those components whose bit is set in `subset`."""
    one = np.uint64(1)
    high, low = np.uint64(0), np.uint64(0)
    for i in range(components.shape[0]):
        if subset >> i & 1:
            z = components[i]
            if z >= 64:
                high |= one << np.uint64(z - 64)
            else:
                low |= one << np.uint64(z)
    return high, low


@kernel
def systems_within(
    high: NDArray[np.uint64], low: NDArray[np.uint64], components: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the chemical systems that hold no element outside `components` (atomic numbers)."""
    k = components.shape[0]
    found = np.empty(high.shape[0] if k > LARGEST_ENUMERATED_SYSTEM else 2**k, dtype=np.int64)
    count = 0
    if k > LARGEST_ENUMERATED_SYSTEM:
        all_high, all_low = _masks(components, 2**k - 1)
        for s in range(high.shape[0]):
            if (high[s] & ~all_high) == 0 and (low[s] & ~all_low) == 0:
                found[count] = s
                count += 1
        return found[:count]
    for subset in range(1, 2**k):
        part_high, part_low = _masks(components, subset)
        place = _find(high, low, part_high, part_low)
        if place >= 0:
            found[count] = place
            count += 1
    return found[:count]


@kernel
def _rows_of_compositions(
    phases: PhaseArrays, atomic_number: NDArray[np.int64], fraction: NDArray[np.float64], out: NDArray[np.int64]
) -> None:
    for row in range(fraction.shape[0]):
        k = 0
        while k < fraction.shape[1] and fraction[row, k] > 0:
            k += 1
        high, low = _masks(atomic_number[row, :k], 2**k - 1)
        system = _find(phases.system_high, phases.system_low, high, low)
        if system < 0:
            continue
        for phase in range(phases.system_start[system], phases.system_start[system + 1]):
            same = True
            for i in range(k):
                same = same and abs(phases.fraction[phases.start[phase] + i] - fraction[row, i]) < SAME_FRACTION
            if same:
                out[row] = phase
                break


def rows_of_compositions(
    table: PhaseTable, atomic_number: NDArray[np.int64], fraction: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the row of the phase of each composition (elements ascending), -1 where the table has none; shape (n,)."""
    out = np.full(len(fraction), -1)
    _rows_of_compositions(table.arrays(), np.ascontiguousarray(atomic_number), np.ascontiguousarray(fraction), out)
    return out
