"""Whole atoms for groups of partly filled positions, and lithium that makes the cell neutral."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from features.structures.charges import FormalCharges

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
_WHOLE = 1e-6


def whole_atoms(shares: Array, positions: int) -> Counts:
    """Round the contents of a group of positions to whole atoms by the largest remainder.

    Parameters
    ----------
    shares
        Of each element and, last, of the vacancy; they add up to 1, shape (e + 1,).
    positions
        In the group.
    """
    exact = shares * positions
    counts = np.floor(exact + _WHOLE).astype(np.int64)
    missing = positions - int(counts.sum())
    remainders = np.where(shares > 0, exact - counts, -np.inf)
    counts[np.argsort(-remainders.round(9), kind="stable")[:missing]] += 1
    return counts


def make_neutral(
    counts: Counts, exact: Array, fixed: Mapping[str, float], symbols: tuple[str, ...], charges: FormalCharges
) -> Counts | None:
    """Add or take away lithium where positions are partly filled with it, until the cell can be neutral.

    Parameters
    ----------
    counts
        Atoms of each element and vacancies, last, in each of g groups, shape (g, e + 1).
    exact
        What the occupancies say, shape (g, e + 1).
    fixed
        Atoms in positions that are no group's.
    symbols
        The elements.
    charges
        Of the elements.

    Returns
    -------
    The counts; None where no number of lithium atoms makes the cell neutral.
    """
    counts = counts.copy()
    total = {one: float(amount) + fixed.get(one, 0.0) for one, amount in zip(symbols, counts.sum(axis=0), strict=False)}
    low, high = charges.bounds(total)
    nearest = round(-charges.charge(total))
    most_taken, most_added = ceil(-high - _WHOLE), floor(-low + _WHOLE)
    if most_taken > most_added:
        return None
    change = min(max(nearest, most_taken), most_added)
    if change == 0:
        return counts
    if "Li" not in symbols:
        return None
    lithium, sign = symbols.index("Li"), 1 if change > 0 else -1
    flexible = (exact[:, lithium] > _WHOLE) & (exact[:, -1] > _WHOLE)
    for _ in range(abs(change)):
        room = flexible & (counts[:, -1 if sign > 0 else lithium] > 0)
        if not room.any():
            return None
        gain = np.where(room, sign * (exact[:, lithium] - counts[:, lithium]) / exact.sum(axis=1), -np.inf)
        group = int(gain.argmax())
        counts[group, lithium] += sign
        counts[group, -1] -= sign
    return counts
