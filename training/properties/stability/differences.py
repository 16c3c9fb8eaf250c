"""A loss on differences among alike compositions, beside the one on the energies themselves.

A batch is made of handfuls of rows of one group (one anonymised formula with one set of anions). The loss holds the
errors of the differences inside a handful: an offset that all of them share costs nothing there, and what is left is
what somebody asks who exchanges one element for another.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def difference_loss(error: Tensor, handful: Tensor) -> Tensor:
    """Return the mean absolute error of the differences of all pairs of a handful; 0 without a pair.

    Parameters
    ----------
    error
        Of each energy (eV/atom), shape (n, m); errors of several energies are added up.
    handful
        To which each row belongs, shape (n,).
    """
    same = (handful[:, None] == handful[None, :]) & ~torch.eye(len(handful), dtype=torch.bool)
    apart = (error[:, None] - error[None, :]).abs().sum(dim=-1)
    return (apart * same).sum() / same.sum().clamp(min=1)


def handfuls(label: NDArray[np.int64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Part rows at random into handfuls of at most `most` rows of one group each.

    Parameters
    ----------
    label
        Group of each row, shape (n,).

    Returns
    -------
    ndarray
        Handful of each row, in random order of the handfuls, shape (n,).
    """
    mixed = random.permutation(len(label))
    mixed = mixed[np.argsort(label[mixed], kind="stable")]
    of = label[mixed]
    changes = np.concatenate([[True], of[1:] != of[:-1]])
    begin = np.flatnonzero(changes)
    place = np.arange(len(of)) - np.repeat(begin, np.diff(np.append(begin, len(of))))
    opens = changes | (place % most == 0)
    out = np.empty(len(label), dtype=np.int64)
    out[mixed] = random.permutation(int(opens.sum()))[np.cumsum(opens) - 1]
    return out


def batches_of_handfuls(
    groups: list[NDArray[np.int64]], handful: NDArray[np.int64], size: int, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Cut the rows of every group into batches in which handfuls stay together as far as they fit, in random order."""
    parts = []
    for group in groups:
        rows = group[np.argsort(handful[group], kind="stable")]
        parts += [rows[start : start + size] for start in range(0, len(rows), size)]
    return [parts[i] for i in random.permutation(len(parts))]
