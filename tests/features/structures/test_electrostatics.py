from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.structures.annealing import Interactions, anneal
from features.structures.cells import distances_A
from features.structures.electrostatics import COULOMB_eV_A, ewald_matrix
from features.structures.lattices import lattice_points_inside, most_compact_supercell, primitive, reduced

FACES = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2.0

# Madelung constants for the shortest distance, as textbooks give them
CRYSTALS = {
    "NaCl": (FACES, [[0, 0, 0], [0.5, 0.5, 0.5]], 0.5, 1.7475645946),
    "CsCl": (np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], np.sqrt(3) / 2, 1.7626747731),
    "ZnS": (FACES, [[0, 0, 0], [0.25, 0.25, 0.25]], np.sqrt(3) / 4, 1.6380550534),
}


def energy_eV(lattice_A: NDArray[np.float64], places: object, charges: list[float], **options: float) -> float:
    held = np.array(charges)
    return 0.5 * float(held @ ewald_matrix(lattice_A, np.array(places, dtype=float), **options) @ held)


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("edge_A", [3.0, 6.0, 14.0])
def test_madelung_constants(name: str, edge_A: float) -> None:
    vectors, places, nearest, constant = CRYSTALS[name]
    expected = -COULOMB_eV_A * constant / (nearest * edge_A)
    assert energy_eV(vectors * edge_A, places, [1.0, -1.0]) == pytest.approx(expected, rel=2e-7)


@pytest.mark.parametrize("cutoff_A", [3.0, 4.0, 7.0])
def test_the_cutoff_does_not_matter(cutoff_A: float) -> None:
    rng = np.random.default_rng(3)
    lattice_A = np.diag([5.0, 6.0, 7.0]) + rng.normal(0, 0.5, (3, 3))
    places = rng.random((7, 3))
    difference = ewald_matrix(lattice_A, places, cutoff_A) - ewald_matrix(lattice_A, places)
    assert np.abs(difference).max() < 1e-5


def test_a_supercell_has_as_many_times_the_energy() -> None:
    vectors, places, *_ = CRYSTALS["ZnS"]
    one = energy_eV(vectors * 5.4, places, [2.0, -2.0])
    large = most_compact_supercell(vectors * 5.4, 3)
    base = np.array(places) @ (vectors * 5.4) @ np.linalg.inv(large)
    repeated = (base[:, None, :] + lattice_points_inside(vectors * 5.4, large)[None, :, :]).reshape(-1, 3)
    assert energy_eV(large, repeated, [2.0] * 3 + [-2.0] * 3) == pytest.approx(3 * one, rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 8))
def test_order_and_origin_of_charges_do_not_matter(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    lattice_A = np.diag(rng.uniform(4, 8, 3)) + rng.normal(0, 0.6, (3, 3))
    places, order = rng.random((n, 3)), rng.permutation(n)
    matrix = ewald_matrix(lattice_A, places)
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(ewald_matrix(lattice_A, places[order]), matrix[np.ix_(order, order)], atol=1e-9)
    np.testing.assert_allclose(ewald_matrix(lattice_A, places + rng.random(3)), matrix, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_reduced_lattice_is_the_same_lattice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lattice_A = np.diag(rng.uniform(2, 9, 3)) + rng.normal(0, 1.5, (3, 3))
    turned = np.array([[1, rng.integers(-3, 4), rng.integers(-3, 4)], [0, 1, rng.integers(-3, 4)], [0, 0, 1]])
    short = reduced(turned @ lattice_A)
    whole = short @ np.linalg.inv(lattice_A)
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-6)
    assert abs(np.linalg.det(short)) == pytest.approx(abs(np.linalg.det(lattice_A)))
    assert np.linalg.det(short) > 0
    steps = np.stack(np.meshgrid(*[range(-3, 4)] * 3), axis=-1).reshape(-1, 3)
    lengths = np.sort(np.linalg.norm(steps @ short, axis=1))
    assert np.linalg.norm(short[0]) == pytest.approx(lengths[1])


@pytest.mark.parametrize("translations", [1, 2, 4])
def test_centred_lattices_have_their_primitive_volume(translations: int) -> None:
    centring = {1: np.zeros((1, 3)), 2: np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), 4: np.vstack([np.zeros(3), FACES])}
    vectors = primitive(np.diag([4.0, 5.0, 6.0]), centring[translations])
    assert np.linalg.det(vectors) == pytest.approx(120.0 / translations)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 8])
def test_supercells_hold_so_many_points_and_are_compact(size: int) -> None:
    cube = np.eye(3) * 4.0
    large = most_compact_supercell(cube, size)
    assert np.linalg.det(large) == pytest.approx(64.0 * size)
    points = lattice_points_inside(cube, large)
    assert len(points) == size
    assert size == 1 or distances_A(large, points)[0, 1:].min() == pytest.approx(4.0)
    expected = {1: 4.0, 2: 4.0 * np.sqrt(2), 4: 4.0 * np.sqrt(3), 8: 8.0}
    if size in expected:
        assert np.linalg.norm(large, axis=1).min() >= min(expected[size], 4.0 * np.sqrt(2)) - 1e-9


def test_annealing_finds_rock_salt() -> None:
    """Eight charges on a cubic grid: the lowest energy is the chequerboard's."""
    places = np.stack(np.meshgrid(*[[0.0, 0.5]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    matrix = ewald_matrix(np.eye(3) * 5.0, places)
    chequerboard = (places.sum(axis=1) * 2).astype(int) % 2 + 1
    charges = np.array([0.0, 1.0, -1.0])
    best = 0.5 * charges[chequerboard] @ matrix @ charges[chequerboard]
    start, nothing = np.array([1, 1, 1, 1, 2, 2, 2, 2]), np.zeros((8, 8))
    for seed in range(3):
        kind, energy = anneal(start, np.zeros(8, dtype=np.int64), Interactions(charges, matrix, nothing), seed=seed)
        assert sorted(kind) == sorted(start)
        assert energy == pytest.approx(best, rel=1e-9)
    assert list(start) == [1, 1, 1, 1, 2, 2, 2, 2]


def test_annealing_moves_within_groups_only() -> None:
    rng = np.random.default_rng(0)
    places, group = rng.random((12, 3)), np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1])
    start = np.array([1, 1, 0, 0, 2, 2, 0, 0, 1, 2, 0, 1])
    matrix = ewald_matrix(np.eye(3) * 9.0, places)
    kind, _ = anneal(
        start, group, Interactions(np.array([0.0, 1.0, -1.0]), matrix, np.zeros((12, 12))), seed=1, swaps=300
    )
    for one in (0, 1):
        assert sorted(kind[group == one]) == sorted(start[group == one])
    assert (kind[group < 0] == start[group < 0]).all()
