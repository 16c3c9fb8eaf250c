"""What lies between the matrix products of a net, in loops that pass over memory once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.stability.kernels import summing_kernel

Array = NDArray[np.float32]
LAYER_NORM_EPSILON = np.float32(1e-5)


@summing_kernel
def normalise(x: Array, weight: Array, bias: Array, out: Array) -> None:
    """Write the layer norm of each row of x, shape (n, width), into `out`."""
    width = x.shape[1]
    for row in range(x.shape[0]):
        mean = np.float32(0.0)
        for i in range(width):
            mean += x[row, i]
        mean /= np.float32(width)
        variance = np.float32(0.0)
        for i in range(width):
            apart = x[row, i] - mean
            variance += apart * apart
        scale = np.float32(1.0) / np.sqrt(variance / np.float32(width) + LAYER_NORM_EPSILON)
        for i in range(width):
            out[row, i] = (x[row, i] - mean) * scale * weight[i] + bias[i]


@summing_kernel
def mix_tokens(qkv: Array, heads: int, out: Array) -> None:
    """Write the attention of k tokens to each other into `out`, shape (n, k, width); qkv is (n, k, 3 * width)."""
    n, k, width = out.shape
    depth = width // heads
    steepness = np.float32(1.0) / np.sqrt(np.float32(depth))
    weight = np.empty(k, dtype=np.float32)
    for row in range(n):
        for head in range(heads):
            first = head * depth
            for token in range(k):
                largest = np.float32(-np.inf)
                for other in range(k):
                    likeness = np.float32(0.0)
                    for i in range(first, first + depth):
                        likeness += qkv[row, token, i] * qkv[row, other, width + i]
                    weight[other] = likeness * steepness
                    largest = max(largest, weight[other])
                total = np.float32(0.0)
                for other in range(k):
                    weight[other] = np.exp(weight[other] - largest)
                    total += weight[other]
                for i in range(first, first + depth):
                    out[row, token, i] = np.float32(0.0)
                for other in range(k):
                    share = weight[other] / total
                    for i in range(first, first + depth):
                        out[row, token, i] += share * qkv[row, other, 2 * width + i]


@summing_kernel
def replacement(
    vectors: Array, element: NDArray[np.int64], fraction: Array, relative: NDArray[np.int64], out: Array
) -> None:
    """Write what changes from each relative to the compound into `out`, shape (n, relatives, 2 * depth).

    The differences of the elements' vectors, place by place and weighted by their fractions: their mean, then the mean
    of their squares. `element` has shape (n, k), `relative` (n, relatives, k).
    """
    depth = vectors.shape[1]
    out[:] = np.float32(0.0)
    for row in range(element.shape[0]):
        for other in range(relative.shape[1]):
            for place in range(element.shape[1]):
                share = fraction[row, place]
                if share <= 0:
                    continue
                own, theirs = element[row, place], relative[row, other, place]
                for i in range(depth):
                    change = vectors[own, i] - vectors[theirs, i]
                    out[row, other, i] += share * change
                    out[row, other, depth + i] += share * change * change
