"""Amounts into formulas: rounding, removal of duplicates and texts, for whole arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.formula import MAX_AMOUNT, MIN_AMOUNT

Array = NDArray[np.float64]
SAME_FRACTION = 1e-6
_NOTHING = 1e-9
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Knuth's multiplicative hashing


def settle(amounts: Array) -> Array:
    """Round the noise of arithmetic away: nine decimals, and nothing where there is almost nothing; same shape."""
    settled = np.round(amounts, 9)
    settled[np.abs(settled) < _NOTHING] = 0.0
    return settled


def possible(amounts: Array) -> NDArray[np.bool_]:
    """Return which rows have no negative amount, none out of range, and at least one element; shape (n,)."""
    held = amounts > 0
    in_range: NDArray[np.bool_] = ((amounts == 0) | (held & (amounts >= MIN_AMOUNT) & (amounts <= MAX_AMOUNT))).all(
        axis=1
    )
    return in_range & held.any(axis=1)


def distinct(fraction: Array) -> NDArray[np.int64]:
    """Return the first row of every distinct composition, in order.

    Parameters
    ----------
    fraction
        Atomic fractions, shape (n, k); rows that agree to `SAME_FRACTION` are the same.
    """
    rounded = np.rint(fraction / SAME_FRACTION).astype(np.int64)
    _, first, group = np.unique(_hashes(rounded), return_index=True, return_inverse=True)
    same = (rounded == rounded[first[group]]).all(axis=1)
    if not same.all():  # two compositions with one hash: once in 10^9 tables of 10^5 rows
        _, first = np.unique(rounded, axis=0, return_index=True)
    return np.sort(first)


def _hashes(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return one number a row, shape (n,)."""
    with np.errstate(over="ignore"):
        total = np.zeros(len(rows), dtype=np.uint64)
        for column in range(rows.shape[1]):
            mixed = (rows[:, column].astype(np.uint64) + np.uint64(column + 1)) * _ODD
            mixed ^= mixed >> np.uint64(29)
            total = (total ^ mixed) * _ODD
            total ^= total >> np.uint64(32)
    return total


def write_formulas(symbols: Sequence[str], amounts: Array) -> list[str]:
    """Return the formula of every row, elements in the order of the columns, amounts to six digits.

    Parameters
    ----------
    symbols
        Of the columns.
    amounts
        Shape (n, len(symbols)); elements of amount 0 are left out.
    """
    row, column = np.nonzero(amounts)
    values, number = np.unique(amounts[row, column], return_inverse=True)
    texts = np.array([_written(value) for value in values.tolist()], dtype=object)
    pieces: list[str] = (np.array(symbols, dtype=object)[column] + texts[number]).tolist()
    ends: list[int] = np.cumsum(np.bincount(row, minlength=len(amounts))).tolist()
    return ["".join(pieces[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def _written(amount: float) -> str:
    text = f"{amount:.6g}"
    if "e" in text:
        text = f"{float(text):.11f}".rstrip("0").rstrip(".")
    return "" if text == "1" else text


def write_values(name: str, values: Array) -> list[str]:
    """Return `x=0.1` for every value."""
    distinct_values, number = np.unique(values, return_inverse=True)
    texts = np.array([f"{name}={value:.6g}" for value in distinct_values.tolist()], dtype=object)
    listed: list[str] = texts[number].tolist()
    return listed


def by_atomic_number(symbols: Sequence[str], amounts: Array) -> tuple[NDArray[np.int64], Array]:
    """Return the elements in ascending order, shape (k,), and the atomic fractions in that order, shape (n, k)."""
    numbers = np.array([ATOMIC_NUMBER[symbol] for symbol in symbols])
    order = np.argsort(numbers, kind="stable")
    sorted_amounts = amounts[:, order]
    return numbers[order], sorted_amounts / sorted_amounts.sum(axis=1, keepdims=True)


def packed_rows(atomic_number: NDArray[np.int64], fraction: Array) -> tuple[NDArray[np.int64], Array]:
    """Return atomic numbers and fractions of what each row holds, in order, padded with 0; shape (n, widest) each.

    Parameters
    ----------
    atomic_number, fraction
        As from `by_atomic_number`.
    """
    row, column = np.nonzero(fraction)
    held = np.bincount(row, minlength=len(fraction))
    place = np.arange(len(row)) - np.repeat(np.cumsum(held) - held, held)
    shape = (len(fraction), int(held.max(initial=1)))
    numbers, packed = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    numbers[row, place], packed[row, place] = atomic_number[column], fraction[row, column]
    return numbers, packed
