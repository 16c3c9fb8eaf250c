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
_ELEMENTS_PER_PASS = 2048  # activations of one pass stay in the processor's cache


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
        return [_Member.of({name: array[net] for name, array in self.weights.items()}) for net in range(len(self))]

    def __call__(self, batch: MaterialBatch) -> NetAnswers:
        """Return what every net says of every row."""
        out = np.empty((len(self), len(batch), 4), dtype=np.float32)
        size = (batch.fraction > 0).sum(axis=1)
        for k in np.unique(size):  # compositions with the same number of elements: nothing is masked
            same, n_rows = np.flatnonzero(size == k), max(_ELEMENTS_PER_PASS // int(k), 1)
            for start in range(0, len(same), n_rows):
                rows = same[start : start + n_rows]
                fraction = batch.fraction[rows, :k].astype(np.float32)[..., None]
                for net, member in enumerate(self._members):
                    out[net, rows] = member(batch.element_index[rows, :k], fraction)
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
class _Member:
    weights: dict[str, FloatArray]
    rounds: int

    @classmethod
    def of(cls, weights: Mapping[str, FloatArray]) -> _Member:
        """Draw the scales and offsets of layer norms into the linear layers that follow; fractions add up to 1."""
        own, rounds = dict(weights), sum(name.endswith("_own.weight") for name in weights)
        for name, *parts in [
            *((f"round_{i}_own", f"round_{i}_own", f"round_{i}_mean") for i in range(rounds)),
            ("hidden",) * 2,
        ]:
            scale, offset = own.pop(f"{name}.norm_weight"), own.pop(f"{name}.norm_bias")
            for part in parts:
                own[f"{name}.bias"] = own[f"{name}.bias"] + offset @ own[f"{part}.weight"]
                own[f"{part}.weight"] = scale[:, None] * own[f"{part}.weight"]
        return cls(own, rounds)

    def __call__(self, element: NDArray[np.int64], fraction: FloatArray) -> FloatArray:
        """Return two standardised values and two logarithms of scales of (n, k) elements, (n, k, 1), shape (n, 4)."""
        vectors = self.weights["element"][element] + _fraction_codes(fraction) @ self.weights["fraction"]
        for number in range(self.rounds):
            name = f"round_{number}"
            normal = _standardised(vectors)
            inner = self.linear(f"{name}_own", normal)
            inner += (_mean(normal, fraction) @ self.weights[f"{name}_mean.weight"])[:, None]
            vectors += self.linear(f"{name}_out", _silu(inner))
        vectors = _standardised(vectors) * self.weights["pooled.norm_weight"] + self.weights["pooled.norm_bias"]
        hidden = _silu(self.linear("pooled", np.concatenate([_mean(vectors, fraction), vectors.max(axis=1)], axis=1)))
        hidden += _silu(self.linear("hidden", _standardised(hidden)))
        return self.linear("last", hidden)

    def linear(self, name: str, x: FloatArray) -> FloatArray:
        weight = self.weights[f"{name}.weight"]
        y: FloatArray = (x.reshape(-1, len(weight)) @ weight).reshape(*x.shape[:-1], -1)
        y += self.weights[f"{name}.bias"]
        return y


def _standardised(x: FloatArray) -> FloatArray:
    """Return x less its mean over the last axis, divided by its standard deviation."""
    apart: FloatArray = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...w,...w->...", apart, apart)[..., None] / np.float32(x.shape[-1])
    apart /= np.sqrt(variance + _LAYER_NORM_EPSILON)
    return apart


def _mean(vectors: FloatArray, fraction: FloatArray) -> FloatArray:
    """Return means of (n, k, w) over the k elements, weighted by fractions (n, k, 1)."""
    mean: FloatArray = np.einsum("nkw,nk->nw", vectors, fraction[..., 0])
    return mean


def _fraction_codes(fraction: FloatArray) -> FloatArray:
    """Return smooth functions of atomic fractions (n, k, 1), shape (n, k, 6)."""
    waves = [np.sin(np.float32(np.pi * n) * fraction) for n in WAVES]
    return np.concatenate([fraction, np.sqrt(fraction), *waves], axis=-1)


def _silu(x: FloatArray) -> FloatArray:
    """Overwrite x, which no one else holds, with x / (1 + exp(-x))."""
    with np.errstate(over="ignore"):
        e = np.negative(x)
        np.exp(e, out=e)
        e += 1
        x /= e
    return x
