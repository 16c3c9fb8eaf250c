"""Loops over grid points for `percolation` and `site_energy`, as machine code; imported where they are used.

A component of connected points is a tree whose points know the vector in cells from their parent. What a component's
closed paths wind around the cell is kept as up to three independent vectors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@kernel
def root_of(point: int, parent: Labels, shift: Labels, away: Labels) -> int:
    """Return the root of a point and leave the vector from it in `away`, shape (3,); paths are halved on the way."""
    away[:] = 0
    while parent[point] != point:
        up = parent[point]
        if parent[up] != up:
            shift[point] += shift[up]
            parent[point] = parent[up]
        away += shift[point]
        point = parent[point]
    return point


@kernel
def widens(vectors: Labels, rank: int, vector: Labels) -> bool:
    """Return whether a vector is independent of the first `rank` of some others, shape (3, 3)."""
    if rank == 0:
        return bool(vector.any())
    first = vectors[0]
    second = vector if rank == 1 else vectors[1]
    x = first[1] * second[2] - first[2] * second[1]
    y = first[2] * second[0] - first[0] * second[2]
    z = first[0] * second[1] - first[1] * second[0]
    if rank == 1:
        return bool(x != 0 or y != 0 or z != 0)
    return bool(rank == 2 and x * vector[0] + y * vector[1] + z * vector[2] != 0)


@kernel
def join(
    ends: Labels,
    closing: Labels,
    parent: Labels,
    shift: Labels,
    low: Array,
    rank: Labels,
    vectors: Labels,
) -> int:
    """Join the components of two roots, the second of which lies `closing` cells from the first; return the root."""
    root, joined = int(ends[0]), int(ends[1])
    if root == joined:
        if widens(vectors[root], rank[root], closing):
            vectors[root, rank[root]] = closing
            rank[root] += 1
        return root
    if low[joined] < low[root]:
        root, joined = joined, root
        closing[:] = -closing
    parent[joined] = root
    shift[joined] = closing
    for row in range(rank[joined]):
        if widens(vectors[root], rank[root], vectors[joined, row]):
            vectors[root, rank[root]] = vectors[joined, row]
            rank[root] += 1
    return root


@kernel
def flood(heights: Array, order: Labels, shape: Labels, steps: Labels, levels: Array, lowest: Array) -> None:
    """Open points in an order, until a component spans three dimensions.

    `levels` and `lowest`, shape (3,), take the height at which a component first spans so many dimensions and the
    lowest point that it has then.
    """
    n = len(heights)
    parent = np.full(n, -1)
    shift, rank, low = np.zeros((n, 3), dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)
    vectors = np.zeros((n, 3, 3), dtype=np.int64)
    ends, closing = np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64)
    here, there = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    reached = 0
    for point in order:
        parent[point] = point
        low[point] = heights[point]
        i, j, k = point // (shape[1] * shape[2]), point // shape[2] % shape[1], point % shape[2]
        for step in range(len(steps)):
            a, b, c = i + steps[step, 0], j + steps[step, 1], k + steps[step, 2]
            other = ((a % shape[0]) * shape[1] + b % shape[1]) * shape[2] + c % shape[2]
            if parent[other] < 0:
                continue
            ends[0] = root_of(point, parent, shift, here)
            ends[1] = root_of(other, parent, shift, there)
            closing[0], closing[1], closing[2] = a // shape[0], b // shape[1], c // shape[2]
            closing += here - there
            root = join(ends, closing, parent, shift, low, rank, vectors)
            while reached < rank[root]:
                levels[reached] = heights[point]
                lowest[reached] = low[root]
                reached += 1
        if reached == 3:
            return


@kernel
def weighted_table(shares: Array, tables: Array, out: Array) -> None:
    """Write the sum of some tables, weighted with shares, into `out`."""
    out[:] = 0.0
    for element in range(len(shares)):
        if shares[element] > 0:
            out += shares[element] * tables[element]


@kernel
def spread(
    centre: Array, radius_A: float, table: Array, steps: Array, reach: Labels, limits: Array, out: Array, room: Array
) -> None:
    """Add what one ion does to the grid points around it.

    Parameters
    ----------
    centre
        In grid steps, shape (3,).
    radius_A
        Of the ion.
    table
        Its energy over distance.
    steps
        Vectors of the grid as rows in angstrom, shape (3, 3).
    reach
        Grid steps along each axis that hold the cutoff.
    limits
        Cutoff and step of the table in angstrom.
    out, room
        Energies that it adds to, distances to the nearest surface that it lowers, shape (n1, n2, n3).
    """
    cutoff_A, table_step_A = limits[0], limits[1]
    n1, n2, n3 = out.shape
    first = np.floor(centre).astype(np.int64) - reach
    last = first + 2 * reach + 2
    for i in range(first[0], last[0]):
        for j in range(first[1], last[1]):
            start = (i - centre[0]) * steps[0] + (j - centre[1]) * steps[1]
            for k in range(first[2], last[2]):
                x = start[0] + (k - centre[2]) * steps[2, 0]
                y = start[1] + (k - centre[2]) * steps[2, 1]
                z = start[2] + (k - centre[2]) * steps[2, 2]
                squared = x * x + y * y + z * z
                if squared < cutoff_A * cutoff_A:
                    distance_A = np.sqrt(squared)
                    place = distance_A / table_step_A
                    low = int(place)
                    out[i % n1, j % n2, k % n3] += table[low] + (place - low) * (table[low + 1] - table[low])
                    room[i % n1, j % n2, k % n3] = min(room[i % n1, j % n2, k % n3], distance_A - radius_A)
