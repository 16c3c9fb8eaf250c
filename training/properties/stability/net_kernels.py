"""What lies between the matrix products of a net, in loops that pass over memory once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import summing_kernel

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
        for first in range(0, width, depth):
            for token in range(k):
                own = qkv[row, token, first : first + depth]  # slices let the loops over them run in vector units
                largest = np.float32(-np.inf)
                for other in range(k):
                    theirs = qkv[row, other, width + first : width + first + depth]
                    likeness = np.float32(0.0)
                    for i in range(depth):
                        likeness += own[i] * theirs[i]
                    weight[other] = likeness * steepness
                    largest = max(largest, weight[other])
                total = np.float32(0.0)
                for other in range(k):
                    weight[other] = np.exp(weight[other] - largest)
                    total += weight[other]
                mixed = out[row, token, first : first + depth]
                mixed[:] = np.float32(0.0)
                for other in range(k):
                    told = qkv[row, other, 2 * width + first : 2 * width + first + depth]
                    share = weight[other] / total
                    for i in range(depth):
                        mixed[i] += share * told[i]


@summing_kernel
def replacement(
    vectors: Array, element: NDArray[np.int64], fraction: Array, relative: NDArray[np.int64], out: Array
) -> None:
    """Write what changes from each relative to its compound into `out`, shape (m, 2 * depth).

    The differences of the elements' vectors, place by place and weighted by their fractions: their mean, then the mean
    of their squares. Row by row a compound, `element` and `fraction`, and a relative of it, all of shape (m, k).
    """
    depth = vectors.shape[1]
    out[:] = np.float32(0.0)
    for row in range(element.shape[0]):
        mean, square = out[row, :depth], out[row, depth:]
        for place in range(element.shape[1]):
            share = fraction[row, place]
            if share <= 0:
                continue
            own, theirs = vectors[element[row, place]], vectors[relative[row, place]]
            for i in range(depth):
                change = own[i] - theirs[i]
                mean[i] += share * change
                square[i] += share * change * change


@summing_kernel
def describe_products(
    tokens: Array, fraction: Array, scalars: Array, of: NDArray[np.int64], place: NDArray[np.int64], out: Array
) -> None:
    """Write what is told of each competing product into `out`, shape (m, width + scalars).

    The tokens of its elements, shape (n, k, width), weighted by their fractions in it, shape (n, k, k), then its own
    scalars, shape (n, k, scalars). Product j is number `place[j]` of composition `of[j]`.
    """
    width = tokens.shape[2]
    for row in range(len(of)):
        told = out[row, :width]
        told[:] = np.float32(0.0)
        for column in range(tokens.shape[1]):
            share = fraction[of[row], place[row], column]
            if share <= 0:
                continue
            token = tokens[of[row], column]
            for i in range(width):
                told[i] += share * token[i]
        out[row, width:] = scalars[of[row], place[row]]


@summing_kernel
def add_up(x: Array, share: Array, of: NDArray[np.int64], out: Array) -> None:
    """Write the sum of the rows of x that belong to each composition into `out`, weighted by their shares."""
    out[:] = np.float32(0.0)
    for row in range(len(of)):
        total, weight = out[of[row]], share[row]
        for i in range(x.shape[1]):
            total[i] += weight * x[row, i]
