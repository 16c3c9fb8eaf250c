"""Compositions that are glasses when they are made: what tables of crystals say of them is a crystal's number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER

_MODIFIERS = ("Li", "Na")
_NETWORK_FORMERS = ("B", "Si", "P", "Ge")
_ANIONS = ("O", "N")
_LARGEST_WHOLE_NUMBER = 4
_TOLERANCE = 0.02


def usually_glass(batch: MaterialBatch) -> NDArray[np.bool_]:
    """Return which compositions are lithium or sodium oxynitrides of a network former, as LiPON is, shape (n,).

    Those of a simple formula (whole numbers with up to `_LARGEST_WHOLE_NUMBER` network formers, such as Li2PO2N) are
    crystals. Sulfide and oxide glasses have the compositions of crystals: a formula does not tell them.
    """
    matrix = batch.matrix()
    held = matrix > 0
    modifiers, formers, anions = (
        held[:, [ATOMIC_NUMBER[symbol] - 1 for symbol in part]] for part in (_MODIFIERS, _NETWORK_FORMERS, _ANIONS)
    )
    network = matrix[:, [ATOMIC_NUMBER[symbol] - 1 for symbol in _NETWORK_FORMERS]].sum(axis=1)
    nothing_else = held.sum(axis=1) == sum(part.sum(axis=1) for part in (modifiers, formers, anions))
    oxynitride = modifiers.any(axis=1) & formers.any(axis=1) & anions.all(axis=1)
    usual: NDArray[np.bool_] = oxynitride & nothing_else & ~_is_simple(batch, network)
    return usual


def _is_simple(batch: MaterialBatch, network: NDArray[np.float64]) -> NDArray[np.bool_]:
    simple = np.zeros(len(batch), dtype=np.bool_)
    for number in range(1, _LARGEST_WHOLE_NUMBER + 1):
        amounts = batch.fraction / np.maximum(network, 1e-12)[:, None] * number
        simple |= (np.abs(amounts - np.round(amounts)) < _TOLERANCE).all(axis=1)
    return simple
