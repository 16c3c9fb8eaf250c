from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.structures.percolation import percolation

STEPS = [step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)]


def dimension_below(landscape: NDArray[np.float64], level: float) -> int:
    """Walk from every open point through the unfolded lattice, and span what leads back to it."""
    shape = np.array(landscape.shape)
    best = 0
    for start in np.argwhere(landscape <= level):
        at = {tuple(start.tolist()): np.zeros(3, dtype=int)}
        todo, loops = [tuple(start.tolist())], [np.zeros(3, dtype=int)]
        while todo:
            here = todo.pop()
            for step in STEPS:
                there = np.array(here) + step
                cell, inside = there // shape, tuple((there % shape).tolist())
                if landscape[inside] > level:
                    continue
                moved = at[here] + cell
                if inside not in at:
                    at[inside] = moved
                    todo.append(inside)
                elif (at[inside] != moved).any():
                    loops.append(moved - at[inside])
        best = max(best, int(np.linalg.matrix_rank(np.array(loops))))
    return best


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), shape=st.tuples(*[st.integers(3, 5)] * 3), power=st.sampled_from([1, 4]))
def test_levels_are_those_of_a_walk_through_the_unfolded_lattice(
    seed: int, shape: tuple[int, int, int], power: int
) -> None:
    landscape = np.random.default_rng(seed).random(shape) ** (1 / power)
    levels = percolation(landscape).levels
    for dimension, level in enumerate(levels.tolist(), start=1):
        assert dimension_below(landscape, level) >= dimension
        assert dimension_below(landscape, np.nextafter(level, -1)) < dimension


def channels(*axes: int) -> NDArray[np.float64]:
    """Return walls of height 1 with a channel of height 0.1 along each of some axes, through the origin."""
    landscape = np.ones((6, 6, 6))
    for axis in axes:
        index: list[int | slice] = [0, 0, 0]
        index[axis] = slice(None)
        landscape[tuple(index)] = 0.1
    landscape[0, 0, 0] = 0.0
    return landscape


@pytest.mark.parametrize(("axes", "dimension"), [((0,), 1), ((2,), 1), ((0, 1), 2), ((0, 1, 2), 3)])
def test_channels_percolate_along_their_axes(axes: tuple[int, ...], dimension: int) -> None:
    flooded = percolation(channels(*axes))
    assert flooded.levels.tolist() == [0.1] * dimension + [1.0] * (3 - dimension)
    assert flooded.lowest[0] == 0.0


def test_separate_channels_in_different_directions_do_not_add_up() -> None:
    landscape = np.ones((6, 6, 6))
    landscape[:, 0, 0] = 0.1
    landscape[3, :, 3] = 0.2  # never meets the other
    assert percolation(landscape).levels.tolist() == [0.1, 1.0, 1.0]


def test_a_helix_percolates_in_one_dimension() -> None:
    landscape = np.ones((4, 8, 8))
    for k, (i, j) in enumerate([(2, 3), (2, 4), (3, 5), (4, 5), (5, 4), (5, 3), (4, 2), (3, 2)]):
        landscape[k % 4, i, j] = 0.0
    levels = percolation(landscape).levels
    assert (levels[0], levels[1]) == (0.0, 1.0)


def test_walls_above_the_limit_are_never_passed() -> None:
    assert np.isinf(percolation(channels(0), highest=0.5).levels[1:]).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), axes=st.permutations([0, 1, 2]))
def test_origin_and_axes_do_not_matter(seed: int, axes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    landscape = rng.random((5, 6, 7))
    moved = np.roll(landscape, rng.integers(0, 5, 3).tolist(), axis=(0, 1, 2)).transpose(axes)
    np.testing.assert_array_equal(percolation(moved).levels, percolation(landscape).levels)
    np.testing.assert_array_equal(percolation(landscape + 2.0).levels, percolation(landscape).levels + 2.0)
