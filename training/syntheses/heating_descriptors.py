"""What the heating model sees: the target, what it is made from, and which step is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.featurizers import FEATURIZERS
from training.syntheses.precursor_names import amounts_of, key_of, without_water
from training.syntheses.table import HeatingStep

Array = NDArray[np.float64]
BLOCKS = ("stoichiometry", "chemistry", "magpie")
_HALIDES, _CHALCOGENIDES = frozenset({"F", "Cl", "Br", "I"}), frozenset({"S", "Se", "Te"})
CLASSES = (
    "element",
    "carbonate",
    "nitrate",
    "organic",
    "hydroxide",
    "oxide",
    "chalcogenide",
    "halide",
    "phosphate",
    "other",
)


def precursor_class(formula: str) -> str:
    """Return the kind of a precursor, which decides when it gives off gas and melts.

    Examples
    --------
    >>> [precursor_class(f) for f in ("Li2CO3", "LiOH·H2O", "Al(NO3)3·9H2O", "NH4H2PO4", "P2S5", "CH3COOLi")]
    ['carbonate', 'hydroxide', 'nitrate', 'phosphate', 'chalcogenide', 'organic']
    """
    elements = frozenset(amounts_of(without_water(formula)) or ())
    carbon, hydrogen, oxygen, nitrogen = (symbol in elements for symbol in "CHON")
    rules = (
        ("element", len(elements) == 1),
        ("carbonate", carbon and oxygen and not hydrogen),
        ("nitrate", nitrogen and oxygen and not hydrogen),
        ("organic", carbon and hydrogen),
        ("hydroxide", hydrogen and oxygen and not nitrogen and "P" not in elements),
        ("oxide", oxygen and len(elements) == 2),
        ("chalcogenide", bool(elements & _CHALCOGENIDES)),
        ("halide", bool(elements & _HALIDES)),
        ("phosphate", "P" in elements),
    )
    return next((name for name, holds in rules if holds), "other")


def bottle_key(formula: str) -> str:
    """Return by which name a precursor is known here: its composition without water."""
    return key_of(without_water(formula))


def describe(batch: MaterialBatch, precursors: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> Array:
    """Return descriptors, shape (n, d).

    Parameters
    ----------
    batch
        n targets.
    precursors
        What each is made from, as formulas.
    vocabulary
        Bottles, by `bottle_key`, that have a column.
    """
    column = {key: n for n, key in enumerate(vocabulary)}
    bottles = np.zeros((len(batch), len(vocabulary)))
    kinds = np.zeros((len(batch), len(CLASSES) + 1))
    for row, formulas in enumerate(precursors):
        for key, formula in {bottle_key(formula): formula for formula in formulas}.items():
            if key in column:
                bottles[row, column[key]] = 1.0
            kinds[row, CLASSES.index(precursor_class(formula))] += 1.0
            kinds[row, -1] += 1.0
    return np.hstack([*(FEATURIZERS[block](batch) for block in BLOCKS), batch.matrix(), bottles, kinds])


def with_step(descriptors: Array, step: HeatingStep) -> Array:
    """Return descriptors with a column that names the step."""
    return np.hstack([descriptors, np.full((len(descriptors), 1), float(step))])
