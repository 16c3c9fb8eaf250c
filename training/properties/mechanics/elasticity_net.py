"""Nets on the elements of a composition: what they answer, from plain arrays in numpy.

Each element is a vector that depends on what it is and how much there is of it. In every round it is changed by what it
is itself and by the mean of all, so that the answer does not depend on the order of the elements (deep sets: Zaheer et
al., NeurIPS 2017, arXiv 1703.06114). `elasticity_net_fit.ElementNet` is the same in PyTorch, which fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
WAVES = (1, 2, 4, 8)
"""Half periods of an atomic fraction between 0 and 1, as which a net is given it."""
LOG_SCALES = (-5.0, 1.0)
_LAYER_NORM_EPSILON = np.float32(1e-5)
_ROWS_PER_PASS = 512  # activations of one pass stay in the processor's cache


class NetAnswers(NamedTuple):
    """What m nets say of n compositions: values, and the scales of Laplace distributions around them, (m, n, 2)."""

    value: Array
    scale: Array


@dataclass(frozen=True, eq=False)
class ElementNets:
    """Weights of m fitted nets of one shape, each array with a first axis over the nets.

    Parameters
    ----------
    weights
        `element` (m, 103, w) and `fraction` (m, 6, w) make the vectors of the elements; `<layer>.weight` (m, inputs,
        outputs) and `<layer>.bias` (m, outputs) are linear layers, `<layer>.norm_weight` and `<layer>.norm_bias` the
        layer norms before them. Layers: `round_<i>_own`, `round_<i>_mean`, `round_<i>_out`, `pooled`, `hidden`, `last`.
    centre, spread
        Shape (2,), undo the standardisation of the targets.
    """

    weights: dict[str, FloatArray]
    centre: Array
    spread: Array

    def __len__(self) -> int:
        """Return the number of nets."""
        return len(self.weights["element"])

    @cached_property
    def _members(self) -> list[_Member]:
        return [_Member({name: array[net] for name, array in self.weights.items()}) for net in range(len(self))]

    def __call__(self, batch: MaterialBatch) -> NetAnswers:
        """Return what every net says of every row."""
        out = np.empty((len(self), len(batch), 4), dtype=np.float32)
        for start in range(0, len(batch), _ROWS_PER_PASS):
            rows = slice(start, start + _ROWS_PER_PASS)
            given = _Elements.of(batch.element_index[rows], batch.fraction[rows])
            for net, member in enumerate(self._members):
                out[net, rows] = member(given)
        answer = out.astype(np.float64)
        scale = np.exp(np.clip(answer[..., 2:], *LOG_SCALES)) * self.spread
        return NetAnswers(answer[..., :2] * self.spread + self.centre, scale)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what a bundle stores, the weights in half precision."""
        halves = {name: array.astype(np.float16) for name, array in self.weights.items()}
        return {**halves, "target_centre": self.centre, "target_spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> ElementNets:
        """Rebuild from `arrays()`.

        Raises
        ------
        KeyError
            If the arrays do not hold a net.
        """
        of_targets = ("target_centre", "target_spread")
        of_nets = {name: array for name, array in arrays.items() if name not in of_targets}
        weights = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in of_nets.items()}
        centre, spread = (np.asarray(arrays[name], dtype=np.float64) for name in of_targets)
        return cls(weights, centre, spread)


@dataclass(frozen=True, eq=False)
class _Elements:
    """The elements of some compositions one after the other.

    Attributes
    ----------
    index, fraction
        Shape (t,) and (t, 1): atomic number - 1 and atomic fraction.
    row, start
        Which composition an element belongs to, (t,), and where the elements of each composition begin, (n,).
    """

    index: NDArray[np.int64]
    fraction: FloatArray
    row: NDArray[np.int64]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, element_index: NDArray[np.int64], fraction: Array) -> _Elements:
        row, column = np.nonzero(fraction)
        return cls(
            element_index[row, column],
            fraction[row, column].astype(np.float32)[:, None],
            row,
            np.searchsorted(row, np.arange(len(fraction))),
        )

    def mean(self, vectors: FloatArray) -> FloatArray:
        total: FloatArray = np.add.reduceat(vectors * self.fraction, self.start, axis=0)
        return total


@dataclass(frozen=True, eq=False)
class _Member:
    weights: dict[str, FloatArray]

    @property
    def rounds(self) -> int:
        return sum(name.endswith("_own.weight") for name in self.weights)

    def __call__(self, given: _Elements) -> FloatArray:
        """Return two standardised values and two logarithms of scales for each composition, shape (n, 4)."""
        vectors = self.weights["element"][given.index] + _fraction_codes(given.fraction) @ self.weights["fraction"]
        for number in range(self.rounds):
            name = f"round_{number}"
            normal = self.norm(f"{name}_own", vectors)
            inner = self.linear(f"{name}_own", normal)
            inner += (given.mean(normal) @ self.weights[f"{name}_mean.weight"])[given.row]
            vectors += self.linear(f"{name}_out", _silu(inner))
        vectors = self.norm("pooled", vectors)
        pooled = np.concatenate([given.mean(vectors), np.maximum.reduceat(vectors, given.start, axis=0)], axis=1)
        hidden = _silu(self.linear("pooled", pooled))
        hidden += _silu(self.linear("hidden", self.norm("hidden", hidden)))
        return self.linear("last", hidden)

    def linear(self, name: str, x: FloatArray) -> FloatArray:
        y: FloatArray = x @ self.weights[f"{name}.weight"]
        y += self.weights[f"{name}.bias"]
        return y

    def norm(self, name: str, x: FloatArray) -> FloatArray:
        apart: FloatArray = x - x.mean(axis=1, keepdims=True)
        variance = np.einsum("tw,tw->t", apart, apart)[:, None] / np.float32(x.shape[1])
        apart /= np.sqrt(variance + _LAYER_NORM_EPSILON)
        apart *= self.weights[f"{name}.norm_weight"]
        apart += self.weights[f"{name}.norm_bias"]
        return apart


def _fraction_codes(fraction: FloatArray) -> FloatArray:
    """Return smooth functions of atomic fractions (t, 1), shape (t, 6)."""
    waves = [np.sin(np.float32(np.pi * n) * fraction) for n in WAVES]
    return np.concatenate([fraction, np.sqrt(fraction), *waves], axis=1)


def _silu(x: FloatArray) -> FloatArray:
    """Overwrite x, which no one else holds, with x / (1 + exp(-x))."""
    with np.errstate(over="ignore"):
        e = np.negative(x)
        np.exp(e, out=e)
        e += 1
        x /= e
    return x
