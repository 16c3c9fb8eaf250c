"""Lattices: reduced and primitive vectors, compact supercells."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_NEAR = np.stack(np.meshgrid(*[(-1, 0, 1)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
_AROUND = np.stack(np.meshgrid(*[(-2, -1, 0, 1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
_SHORTER = 1.0 - 1e-9
_MOST_STEPS = 1_000


def reduced(lattice_A: Array) -> Array:
    """Return short vectors of the same lattice (Minkowski-reduced), right-handed, the shortest first; rows, (3, 3).

    Semaev's algorithm for three dimensions: the longest vector is shortened by the nearest combination of the others
    until nothing gets shorter.
    """
    vectors = np.array(lattice_A, dtype=np.float64)
    for _ in range(_MOST_STEPS):
        vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")]
        first, second, third = vectors
        nearer = second - np.rint(second @ first / (first @ first)) * first
        if nearer @ nearer < _SHORTER * (second @ second):
            vectors[1] = nearer
            continue
        plane = vectors[:2]
        whole = np.rint(np.linalg.solve(plane @ plane.T, plane @ third))
        candidates = third - (whole + _NEAR) @ plane
        squares = np.einsum("ij,ij->i", candidates, candidates)
        best = int(squares.argmin())
        if squares[best] >= _SHORTER * (third @ third):
            break
        vectors[2] = candidates[best]
    return vectors if np.linalg.det(vectors) > 0 else -vectors


def primitive(lattice_A: Array, centring: Array) -> Array:
    """Return the reduced vectors of a centred lattice.

    Parameters
    ----------
    lattice_A
        Vectors as rows, shape (3, 3).
    centring
        Fractional translations that leave the crystal as it is, the null included, shape (c, 3).

    Raises
    ------
    ValueError
        Where the translations are no group of their own.
    """
    short = reduced(lattice_A)
    points = (centring @ lattice_A)[:, None, :] + (_AROUND @ short)[None, :, :]
    points = points.reshape(-1, 3)
    lengths = np.linalg.norm(points, axis=1)
    points = points[(lengths > 1e-3) & (lengths < lengths[lengths > 1e-3].min() + 2.0 * np.linalg.norm(short[2]))]
    points = points[np.argsort(np.linalg.norm(points, axis=1), kind="stable")]
    volume_A3 = abs(np.linalg.det(lattice_A)) / len(centring)
    first = points[0]
    second = next(p for p in points if np.linalg.norm(np.cross(first, p)) > 1e-6 * (p @ p))
    normal = np.cross(first, second)
    third = next(p for p in points if abs(normal @ p) > 0.5 * volume_A3)
    vectors = np.array([first, second, third])
    if abs(abs(np.linalg.det(vectors)) / volume_A3 - 1.0) > 1e-3:
        raise ValueError("the translations of the group form no lattice")
    return reduced(vectors)


def most_compact_supercell(primitive_A: Array, size: int) -> Array:
    """Return the supercell of so many primitive cells whose shortest vector is the longest; reduced rows, (3, 3)."""
    best, best_score = primitive_A, (-np.inf, -np.inf)
    for transformation in _hermite_forms(size):
        candidate = reduced(transformation @ primitive_A)
        lengths = np.linalg.norm(candidate, axis=1)
        score = (round(float(lengths.min()), 6), -round(float(lengths.max()), 6))
        if score > best_score:
            best, best_score = candidate, score
    return best


def lattice_points_inside(primitive_A: Array, supercell_A: Array) -> Array:
    """Return the lattice points of primitive cells in a supercell, in its fractions, shape (k, 3)."""
    size = round(abs(np.linalg.det(supercell_A) / np.linalg.det(primitive_A)))
    steps = np.stack(np.meshgrid(*[range(size)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.rint(size * (steps @ primitive_A @ np.linalg.inv(supercell_A))).astype(np.int64) % size
    points: Array = np.unique(inside, axis=0) / size
    if len(points) != size:
        raise ValueError(f"{len(points)} lattice points in a supercell of {size}")
    return points


@cache
def _hermite_forms(size: int) -> tuple[NDArray[np.int64], ...]:
    """Return every sublattice of an index, as upper triangular integer matrices."""
    forms = []
    for a in (a for a in range(1, size + 1) if size % a == 0):
        for d in (d for d in range(1, size // a + 1) if size // a % d == 0):
            f = size // a // d
            forms += [np.array([[a, b, c], [0, d, e], [0, 0, f]]) for b in range(d) for c in range(f) for e in range(f)]
    return tuple(forms)
