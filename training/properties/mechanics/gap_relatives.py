"""Gaps of related compounds: the same formula with one element replaced, and the binaries of its pairs of elements.

A relative never lies in the chemical system of the compound itself, so a model that is given relatives may be scored
on systems that were left out. How alike two elements are is learned from the table: the mean change of the gap where
one replaces the other alone, compounds that are metals with both left out (in alloys everything replaces everything).
Its signed mean corrects the relative's gap: chlorides have larger gaps than the bromides of the same formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.compiling import kernel
from features.elements import SYMBOLS, element_table, magpie_matrix
from training.properties.mechanics.gap_lookup import GapLookup, IntegerFormulas, element_codes, integer_formulas

Array = NDArray[np.float64]
N_NEAREST = 5
PRIOR_PAIRS = 5.0
"""Pairs that the law in chemical distance counts for beside those that were seen."""
SMALLEST_DISSIMILARITY_eV = 0.05
STEEPNESS = 5
"""Power of the dissimilarity with which a relative's weight falls."""
_NONE, _FARTHEST_eV, _NO_WEIGHT = -1.0, 9.0, -8.0
_POLAR = 0.9
"""Difference of Pauling electronegativities from which a pair counts as cation and anion."""
_BUCKET_BITS = np.uint64(48)

LABELS = (
    *("relatives_gap_eV", "relatives_shifted_gap_eV", "relatives_metal_share", "relatives_gap_spread_eV"),
    *("relatives_log_weight", "n_relatives"),
    *(
        f"relative_{place}_{what}_eV"
        for place in range(1, N_NEAREST + 1)
        for what in ("dissimilarity", "gap", "shifted_gap")
    ),
    *("binaries_gap_eV", "binaries_lowest_polar_gap_eV", "binaries_highest_gap_eV", "binaries_most_polar_gap_eV"),
    "binaries_weight",
)


@kernel
def _find(key: NDArray[np.uint64], start: NDArray[np.int32], wanted: np.uint64) -> int:
    """Return the row of a hash, -1 if it is absent; `start` says where those with each value of the top bits begin."""
    bucket = np.int64(wanted >> np.uint64(48))
    for row in range(start[bucket], start[bucket + 1]):
        if key[row] == wanted:
            return int(row)
    return -1


@kernel
def _holds(elements: NDArray[np.int64], wanted: int) -> bool:
    held = False
    for place in range(elements.shape[0]):
        held = held or elements[place] == wanted
    return held


@kernel
def _insert(nearest: NDArray[np.float64], dissimilarity: float, gap: float, shifted: float) -> None:
    """Keep the nearest relatives in order; rows are dissimilarity, gap and shifted gap."""
    place = nearest.shape[0] - 1
    if dissimilarity >= nearest[place, 0]:
        return
    while place > 0 and nearest[place - 1, 0] > dissimilarity:
        nearest[place] = nearest[place - 1]
        place -= 1
    nearest[place, 0], nearest[place, 1], nearest[place, 2] = dissimilarity, gap, shifted


@kernel
def _search(
    formulas: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]],
    codes: NDArray[np.uint64],
    known: tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.float64]],
    rules: tuple[NDArray[np.float64], NDArray[np.float64]],
    sums: NDArray[np.float64],
    nearest: NDArray[np.float64],
) -> None:
    """Add up what relatives say of each formula (hash, elements, amounts); shapes (n, 6) and (n, N_NEAREST, 3)."""
    hashes, element, amount = formulas
    key, start, gap = known
    dissimilarity, shift = rules
    for row in range(hashes.shape[0]):
        k = 0
        while k < amount.shape[1] and amount[row, k] > 0:
            k += 1
        if k < 2:
            continue
        for slot in range(k):
            own, n = element[row, slot], amount[row, slot]
            rest = hashes[row] - codes[own, n]
            for other in range(codes.shape[0]):
                found = _find(key, start, rest + codes[other, n])
                if found < 0 or _holds(element[row, :k], other):
                    continue
                apart, theirs = dissimilarity[own, other], gap[found]
                shifted = theirs + shift[own, other] if theirs > 0.0 else 0.0
                weight = apart**-STEEPNESS
                sums[row, 0] += weight
                sums[row, 1] += weight * theirs
                sums[row, 2] += weight * shifted
                sums[row, 3] += weight * (theirs <= 0.0)
                sums[row, 4] += weight * theirs * theirs
                sums[row, 5] += 1.0
                _insert(nearest[row], apart, theirs, shifted)


@kernel
def _add_pairs(
    bounds: NDArray[np.int64],
    element: NDArray[np.int64],
    gap: NDArray[np.float64],
    change: NDArray[np.float64],
    signed: NDArray[np.float64],
    count: NDArray[np.float64],
) -> None:
    """Add up how gaps differ within each group of formulas that differ in one element."""
    for group in range(bounds.shape[0] - 1):
        for i in range(bounds[group], bounds[group + 1]):
            for j in range(bounds[group], i):
                if gap[i] <= 0.0 and gap[j] <= 0.0:
                    continue
                a, b, difference = element[i], element[j], gap[i] - gap[j]
                change[a, b] += abs(difference)
                change[b, a] += abs(difference)
                signed[a, b] += difference
                signed[b, a] -= difference
                count[a, b] += 1.0
                count[b, a] += 1.0


@dataclass(frozen=True, eq=False)
class Relatives:
    """Compounds of a table as relatives of others.

    Attributes
    ----------
    lookup
        Gaps by composition.
    dissimilarity_eV
        Mean change of the gap where one element replaces another, shape (103, 103).
    shift_eV
        Mean gap with the element of the row minus that with the element of the column, shape (103, 103).
    binary_gap_eV
        Highest gap among the binaries of two elements, -1 where there is none, shape (103, 103).
    """

    lookup: GapLookup
    dissimilarity_eV: Array
    shift_eV: Array
    binary_gap_eV: Array

    @classmethod
    def learn(cls, lookup: GapLookup, batch: MaterialBatch) -> Relatives:
        """Learn from a table; row i of the batch is row i of the look-up."""
        formulas = integer_formulas(batch)
        dissimilarity, shift = _replacements(formulas, batch.element_index, lookup.middle_eV)
        binary = np.full((len(SYMBOLS), len(SYMBOLS)), _NONE)
        rows = np.flatnonzero((formulas.amount > 0).sum(axis=1) == 2)
        if len(rows):
            a, b = batch.element_index[rows, 0], batch.element_index[rows, 1]
            for pair in ((a, b), (b, a)):
                np.maximum.at(binary, pair, lookup.middle_eV[rows])
        return cls(lookup, *(_half_precision(part) for part in (dissimilarity, shift, binary)))

    @cached_property
    def _start(self) -> NDArray[np.int32]:
        buckets = np.arange(2**16 + 1, dtype=np.uint64)
        return np.searchsorted(self.lookup.key >> _BUCKET_BITS, buckets).astype(np.int32)

    def __call__(self, batch: MaterialBatch) -> Array:
        """Return what the relatives of each composition say, columns as `LABELS`, shape (n, 26)."""
        formulas, n = integer_formulas(batch), len(batch)
        sums, nearest = np.zeros((n, 6)), np.zeros((n, N_NEAREST, 3))
        nearest[:, :, 0], nearest[:, :, 1:] = _FARTHEST_eV, _NONE
        _search(
            (formulas.key, batch.element_index, formulas.amount),
            element_codes(),
            (self.lookup.key, self._start, self.lookup.middle_eV),
            (self.dissimilarity_eV, self.shift_eV),
            sums,
            nearest,
        )
        weight, any_of_them = sums[:, 0], sums[:, 0] > 0
        mean = sums[:, 1:5] / np.where(any_of_them, weight, 1.0)[:, None]
        said = np.column_stack([mean[:, :3], np.sqrt(np.maximum(mean[:, 3] - mean[:, 0] ** 2, 0.0))])
        said = np.where(any_of_them[:, None], said, _NONE)
        log_weight = np.log(np.where(any_of_them, weight, np.exp(_NO_WEIGHT)))
        return np.column_stack([said, log_weight, sums[:, 5], nearest.reshape(n, -1), self._binaries(batch)])

    def _binaries(self, batch: MaterialBatch) -> Array:
        """Return what the binaries of each compound of three or more elements say, shape (n, 5)."""
        n, k = batch.fraction.shape
        chi = element_table()["pauling_electronegativity"]
        total, weight, largest = np.zeros(n), np.zeros(n), np.full(n, _NONE)
        highest, lowest, polar = np.full(n, _NONE), np.full(n, np.inf), np.full(n, _NONE)
        compound = (batch.fraction > 0).sum(axis=1) > 2
        for i in range(k):
            for j in range(i + 1, k):
                a, b = batch.element_index[:, i], batch.element_index[:, j]
                gap, apart = self.binary_gap_eV[a, b], np.abs(chi[a] - chi[b])
                there = compound & (batch.fraction[:, j] > 0) & (gap > _NONE)
                share = np.where(there, batch.fraction[:, i] * batch.fraction[:, j] * apart**2, 0.0)
                total, weight = total + share * gap, weight + share
                highest = np.where(there, np.maximum(highest, gap), highest)
                lowest = np.where(there & (apart > _POLAR), np.minimum(lowest, gap), lowest)
                more_polar = there & (apart > largest)
                polar, largest = np.where(more_polar, gap, polar), np.where(more_polar, apart, largest)
        mean = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), _NONE)
        return np.column_stack([mean, np.where(np.isfinite(lowest), lowest, _NONE), highest, polar, weight])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle stores beside the look-up."""
        parts = {"dissimilarity": self.dissimilarity_eV, "shift": self.shift_eV, "binary_gap": self.binary_gap_eV}
        return {f"{name}_eV": part.astype(np.float16) for name, part in parts.items()}

    @classmethod
    def from_arrays(cls, lookup: GapLookup, arrays: Mapping[str, NDArray[np.generic]]) -> Relatives:
        """Rebuild from `arrays()`.

        Raises
        ------
        ValueError
            If a table of pairs of elements has another shape.
        """
        tables = []
        for name in ("dissimilarity_eV", "shift_eV", "binary_gap_eV"):
            if arrays[name].shape != (len(SYMBOLS), len(SYMBOLS)):
                raise ValueError(f"{name} has shape {arrays[name].shape}; expected one row and column an element")
            tables.append(np.ascontiguousarray(arrays[name].astype(float)))
        return cls(lookup, *tables)


def _half_precision(values: Array) -> Array:
    """Round as a bundle does, so that a model answers alike before and after it was stored."""
    return values.astype(np.float16).astype(float)


def _replacements(formulas: IntegerFormulas, element_index: NDArray[np.int64], gap_eV: Array) -> tuple[Array, Array]:
    """Return dissimilarity and shift by pair of elements."""
    row, slot = np.nonzero((formulas.amount > 0) & ((formulas.amount > 0).sum(axis=1) > 1)[:, None])
    element, amount = element_index[row, slot], formulas.amount[row, slot]
    codes = element_codes()
    with np.errstate(over="ignore"):  # what is left of the formula, and how much of the element belongs to it
        rest = formulas.key[row] - codes[element, amount] + amount.astype(np.uint64) * codes[-1, -1]
    order = np.argsort(rest, kind="stable")
    bounds = np.append(np.flatnonzero(np.diff(rest[order], prepend=rest[order[:1]] + np.uint64(1))), len(order))
    change, signed, count = (np.zeros((len(SYMBOLS), len(SYMBOLS))) for _ in range(3))
    _add_pairs(bounds, element[order], gap_eV[row[order]], change, signed, count)
    expected = _expected_change(change, count)
    return (change + PRIOR_PAIRS * expected) / (count + PRIOR_PAIRS), signed / (count + PRIOR_PAIRS)


def _expected_change(change: Array, count: Array) -> Array:
    """Return what a linear law in chemical distance expects of pairs that were seldom or never seen."""
    table = magpie_matrix()
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    distance: Array = np.sqrt(((table[:, None] - table[None]) ** 2).mean(axis=2))
    seen = count > 0
    if seen.sum() < 2:
        return SMALLEST_DISSIMILARITY_eV + distance
    weight = np.sqrt(count[seen])
    design = np.column_stack([np.ones(seen.sum()), distance[seen]]) * weight[:, None]
    at_zero, slope = np.linalg.lstsq(design, change[seen] / count[seen] * weight, rcond=None)[0]
    expected: Array = np.maximum(at_zero + max(slope, 0.0) * distance, SMALLEST_DISSIMILARITY_eV)
    return expected
