"""Blocks of rows become one table of candidates: impossible ones dropped, duplicates removed, charges checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from serving.generation.block import Block, Labels
from serving.generation.compositions import (
    by_atomic_number,
    distinct,
    packed_rows,
    possible,
    settle,
    write_formulas,
    write_values,
)
from serving.generation.known import KnownMaterials, Marks

Array = NDArray[np.float64]
ROWS_AT_A_TIME = 16_384
"""Of the check of charges: what is computed at a time stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which candidates are kept.

    Attributes
    ----------
    balanced_only
        Drop what no common oxidation states can balance.
    most_elements
        Largest number of elements; None for any.
    lithium_only
        Drop what holds no lithium.
    new_only
        Drop known materials.
    most
        Largest number of candidates; None for all.
    seed
        With one, `most` candidates are drawn at random, else the first are taken; the order stays.
    """

    balanced_only: bool = False
    most_elements: int | None = None
    lithium_only: bool = False
    new_only: bool = False
    most: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The table, one entry a candidate in every column.

    Attributes
    ----------
    formula, parent, rule, variables
        Texts.
    charge_imbalance
        Elementary charges per atom that no listed oxidation state can balance.
    marks
        What is known; None if not asked for.
    dropped
        Reason to number of candidates left out.
    made
        Rows before any was left out.
    """

    formula: list[str]
    parent: list[str]
    rule: list[str]
    variables: list[str]
    charge_imbalance: Array
    marks: Marks | None
    made: int
    dropped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.formula)

    @property
    def balanced(self) -> NDArray[np.bool_]:
        """Which candidates common oxidation states balance."""
        balanced: NDArray[np.bool_] = np.abs(self.charge_imbalance) <= NEUTRALITY_TOLERANCE
        return balanced


class _Rows:
    """The rows of all blocks that are still in, with why others are not."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.symbols = tuple(dict.fromkeys(symbol for block in blocks for symbol in block.symbols))
        column = {symbol: i for i, symbol in enumerate(self.symbols)}
        self.amounts = np.zeros((sum(map(len, blocks)), len(self.symbols)))
        start = 0
        for block in blocks:
            self.amounts[start : start + len(block), [column[symbol] for symbol in block.symbols]] = block.amounts
            start += len(block)
        self.amounts = settle(self.amounts)
        self.row = np.arange(start)
        self.dropped: dict[str, int] = {}

    def keep(self, which: NDArray[np.bool_] | NDArray[np.int64], reason: str) -> None:
        before = len(self.row)
        self.row, self.amounts = self.row[which], self.amounts[which]
        if before > len(self.row):
            self.dropped[reason] = before - len(self.row)

    def composition(self) -> tuple[NDArray[np.int64], Array]:
        return by_atomic_number(self.symbols, self.amounts)


def collect(
    blocks: Sequence[Block], selection: Selection | None = None, known: KnownMaterials | None = None
) -> Candidates:
    """Make one table of all blocks; of equal compositions the first stays.

    Parameters
    ----------
    blocks
        In the order in which their candidates are to stand.
    selection
        What is kept.
    known
        Where to look candidates up; None leaves them unmarked.

    Returns
    -------
    Candidates
        The same for the same arguments, always.
    """
    selection = selection or Selection()
    rows = _Rows(blocks)
    made = len(rows.row)
    rows.keep(possible(rows.amounts), "an amount is negative or out of range")
    held = rows.amounts > 0
    if selection.lithium_only:
        rows.keep(held[:, [symbol == "Li" for symbol in rows.symbols]].sum(axis=1) > 0, "no lithium")
        held = rows.amounts > 0
    if selection.most_elements is not None:
        rows.keep(held.sum(axis=1) <= selection.most_elements, f"more than {selection.most_elements} elements")
    rows.keep(distinct(rows.composition()[1]), "the same composition as another")
    imbalance = charge_imbalance(*rows.composition())
    if selection.balanced_only:
        balanced = np.abs(imbalance) <= NEUTRALITY_TOLERANCE
        rows.keep(balanced, "no common oxidation states balance it")
        imbalance = imbalance[balanced]
    if selection.new_only and known is not None:
        new = np.array([not word for word in known.mark(*rows.composition()).known], dtype=np.bool_)
        rows.keep(new, "known already")
        imbalance = imbalance[new]
    if selection.most is not None and len(rows.row) > selection.most:
        kept = _some(len(rows.row), selection.most, selection.seed)
        rows.keep(kept, f"beyond the {selection.most} asked for")
        imbalance = imbalance[kept]
    marks = None if known is None else known.mark(*rows.composition())
    return Candidates(*_texts(blocks, rows.row), imbalance, marks, made, rows.dropped)


def _some(n: int, most: int, seed: int | None) -> NDArray[np.int64]:
    if seed is None:
        return np.arange(most)
    return np.sort(np.random.default_rng(seed).choice(n, size=most, replace=False))


def charge_imbalance(atomic_number: NDArray[np.int64], fraction: Array) -> Array:
    """Return elementary charges per atom that no listed oxidation state can balance, shape (n,).

    Parameters
    ----------
    atomic_number
        In ascending order, shape (k,).
    fraction
        Atomic fractions, shape (n, k).
    """
    out = np.zeros(len(fraction))
    numbers, packed = packed_rows(atomic_number, fraction)
    index = np.maximum(numbers - 1, 0)
    for start in range(0, len(fraction), ROWS_AT_A_TIME):
        part = packed[start : start + ROWS_AT_A_TIME]
        batch = MaterialBatch(index[start : start + ROWS_AT_A_TIME], part, np.full((len(part), 8), np.nan))
        out[start : start + ROWS_AT_A_TIME] = assign_ions(batch).charge_imbalance
    return out


def _texts(blocks: Sequence[Block], row: NDArray[np.int64]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return formulas, parents, rules and variables of the rows that are left."""
    formula: list[str] = []
    parent: list[str] = []
    rule: list[str] = []
    variables: list[str] = []
    start = 0
    for block in blocks:
        own = row[(row >= start) & (row < start + len(block))] - start
        start += len(block)
        left = block.take(own)
        formula += write_formulas(left.symbols, settle(left.amounts))
        parent += [block.parent] * len(own)
        rule += left.rule.listed()
        variables += _variable_texts(left)
    return formula, parent, rule, variables


def _variable_texts(block: Block) -> list[str]:
    columns = []
    for name, values in block.variables.items():
        if isinstance(values, Labels):
            texts = tuple(f"{name}={text}" for text in values.texts)
            columns.append(Labels(texts, values.number).listed())
        else:
            columns.append(write_values(name, values))
    if len(columns) == 1:
        return columns[0]
    return list(map("; ".join, zip(*columns, strict=True))) if columns else [""] * len(block)
