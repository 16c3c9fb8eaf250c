"""PBE band gaps that a table holds, found by composition.

A table of computed crystals lists polymorphs and does not say which is the stable one, so three numbers are kept for
each composition: the lowest, the middle and the highest gap. The middle one is the answer: of these three it comes
nearest to measured gaps, which are mostly those of stable polymorphs (`gap_evaluation.measured_gaps` prints it). Where
at least half of the polymorphs are metals the composition counts as a metal, since most of those that were measured
are metals. The lowest is the one to be careful with: a layer may crystallise in it.

Compositions are found by a hash of their smallest integer formula, so that no formulas need to be stored. Two
compositions are the same where all atomic fractions agree to `SAME_FRACTION`, as in the table of phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.compiling import kernel
from features.elements import SYMBOLS
from training.crystals import middle_gap
from training.thermodynamics.phases import SAME_FRACTION

Array = NDArray[np.float64]
Amounts = NDArray[np.int64]
Hashes = NDArray[np.uint64]
LARGEST_FORMULA = 300
"""Atoms of the largest integer formula that is looked for; the table's largest has 291. Fractions of so few atoms
differ by more than 1e-5, so at most one formula lies within `SAME_FRACTION`."""
_NO_FORMULA = np.uint64(0)


class IntegerFormulas(NamedTuple):
    """Smallest integer formulas of n compositions.

    Parameters
    ----------
    amount
        Shape (n, k), laid out as the batch; all 0 where no formula of at most `LARGEST_FORMULA` atoms exists.
    key
        Shape (n,), 64-bit hashes; 0 where there is no such formula.
    """

    amount: Amounts
    key: Hashes


@cache
def element_codes() -> Hashes:
    """Return a random number for each amount of each element, shape (103, 301); that of amount 0 is 0.

    The hash of a formula is the sum over its elements, so that of a formula with one element replaced follows by one
    subtraction and one addition. Mixed by splitmix64: Steele, Lea and Flood, OOPSLA 2014, doi 10.1145/2660193.2660195.
    """
    width = LARGEST_FORMULA + 1
    with np.errstate(over="ignore"):
        code = np.arange(1, len(SYMBOLS) * width + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            code = (code ^ (code >> np.uint64(shift))) * np.uint64(factor)
        code ^= code >> np.uint64(31)
    table = code.reshape(len(SYMBOLS), width)
    table[:, 0] = 0
    return table


@kernel
def _smallest_formulas(
    fraction: NDArray[np.float64], tolerance: float, largest: int, amount: NDArray[np.int64]
) -> None:
    for row in range(fraction.shape[0]):
        for atoms in range(1, largest + 1):
            found = True
            for column in range(fraction.shape[1]):
                share = fraction[row, column]
                if share <= 0.0:
                    break
                n = np.rint(share * atoms)
                if n < 1.0 or abs(share - n / atoms) > tolerance:
                    found = False
                    break
            if found:
                for column in range(fraction.shape[1]):
                    amount[row, column] = int(np.rint(fraction[row, column] * atoms))
                break


def integer_formulas(batch: MaterialBatch) -> IntegerFormulas:
    """Return the smallest integer formula of each composition, and its hash."""
    amount = np.zeros(batch.fraction.shape, dtype=np.int64)
    _smallest_formulas(np.ascontiguousarray(batch.fraction), SAME_FRACTION, LARGEST_FORMULA, amount)
    with np.errstate(over="ignore"):
        key = np.add.reduce(element_codes()[batch.element_index, amount], axis=1, dtype=np.uint64)
    return IntegerFormulas(amount, key)


class KnownGaps(NamedTuple):
    """What the table holds of n compositions; NaN where it has none, each of shape (n,).

    Parameters
    ----------
    lowest_eV, middle_eV, highest_eV
        Of the polymorphs of a composition.
    n_polymorphs
        How many the table lists; 0 where the composition is absent.
    """

    lowest_eV: Array
    middle_eV: Array
    highest_eV: Array
    n_polymorphs: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GapLookup:
    """Gaps by composition.

    Attributes
    ----------
    key
        Hashes of integer formulas, ascending, shape (m,).
    lowest_eV, middle_eV, highest_eV
        In half precision (3 digits), widened to doubles, shape (m,).
    n_polymorphs
        Shape (m,).
    """

    key: Hashes
    lowest_eV: Array
    middle_eV: Array
    highest_eV: Array
    n_polymorphs: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of compositions."""
        return len(self.key)

    @classmethod
    def build(cls, batch: MaterialBatch, band_gap_eV: Array, composition: NDArray[np.int64]) -> GapLookup:
        """Group the crystals of a table by composition.

        Parameters
        ----------
        batch
            Compositions of n crystals.
        band_gap_eV
            Shape (n,).
        composition
            Which crystals are of one composition, shape (n,): labels from 0 up.

        Raises
        ------
        ValueError
            If a composition has no integer formula, or two compositions share a hash, or one has two.
        """
        order = np.lexsort((band_gap_eV, composition))
        first = np.flatnonzero(np.diff(composition[order], prepend=-1))
        count = np.diff(np.append(first, len(order)))
        key = integer_formulas(batch).key[order]
        if (key == _NO_FORMULA).any():
            row = int(order[np.argmax(key == _NO_FORMULA)])
            raise ValueError(f"row {row} has no integer formula of at most {LARGEST_FORMULA} atoms; leave it out")
        if len(np.unique(key)) != len(first) or (key != np.repeat(key[first], count)).any():
            raise ValueError("hashes do not tell the compositions apart; change the codes of `element_codes`")
        gap = band_gap_eV[order]
        middle = middle_gap(gap[first + (count - 1) // 2], gap[first + count // 2])
        rising = np.argsort(key[first])
        lowest, middle, highest = (
            part[rising].astype(np.float16).astype(float) for part in (gap[first], middle, gap[first + count - 1])
        )
        return cls(key[first][rising], lowest, middle, highest, count[rising])

    def rows(self, key: Hashes) -> NDArray[np.int64]:
        """Return the row of each hash, -1 where it is absent, shape (n,)."""
        if not len(self):
            return np.full(len(key), -1)
        place = np.minimum(np.searchsorted(self.key, key), len(self) - 1)
        found: NDArray[np.int64] = np.where((self.key[place] == key) & (key != _NO_FORMULA), place, -1)
        return found

    def rows_of(self, batch: MaterialBatch) -> NDArray[np.int64]:
        """Return the row of each composition, -1 where it is absent, shape (n,)."""
        return self.rows(integer_formulas(batch).key)

    def find(self, batch: MaterialBatch) -> KnownGaps:
        """Return what the table holds of each composition."""
        row = self.rows_of(batch)
        known = row >= 0
        lowest, middle, highest = (
            np.where(known, part[row], np.nan) for part in (self.lowest_eV, self.middle_eV, self.highest_eV)
        )
        return KnownGaps(lowest, middle, highest, np.where(known, self.n_polymorphs[row], 0))

    def take(self, rows: NDArray[np.int64]) -> GapLookup:
        """Return some of the compositions, rows ascending."""
        lowest, middle, highest = (part[rows] for part in (self.lowest_eV, self.middle_eV, self.highest_eV))
        return GapLookup(self.key[rows], lowest, middle, highest, self.n_polymorphs[rows])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle stores; lowest and highest gaps only where there are several polymorphs."""
        several = self.n_polymorphs > 1
        return {
            "key": self.key,
            "n_polymorphs": self.n_polymorphs.astype(np.uint16),
            "middle_eV": self.middle_eV.astype(np.float16),
            "lowest_eV": self.lowest_eV[several].astype(np.float16),
            "highest_eV": self.highest_eV[several].astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> GapLookup:
        """Rebuild from `arrays()`.

        Raises
        ------
        ValueError
            If hashes do not rise, or lengths differ.
        """
        key, count = arrays["key"].astype(np.uint64), arrays["n_polymorphs"].astype(np.int64)
        middle = arrays["middle_eV"].astype(float)
        several = np.flatnonzero(count > 1)
        if not len(key) == len(count) == len(middle) or (key[1:] <= key[:-1]).any():
            raise ValueError(f"{len(key)} hashes, {len(count)} counts, {len(middle)} gaps; expected rising, one each")
        ends = []
        for name in ("lowest_eV", "highest_eV"):
            if len(arrays[name]) != len(several):
                raise ValueError(f"{name} has {len(arrays[name])} values; expected {len(several)}")
            end = middle.copy()
            end[several] = arrays[name].astype(float)
            ends.append(end)
        return cls(key, ends[0], middle, ends[1], count)
