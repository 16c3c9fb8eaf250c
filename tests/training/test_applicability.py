"""The domain index names the right neighbours, and its distance grows as a candidate leaves what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.applicability import N_NEIGHBOURS, DomainIndex

Array = NDArray[np.float64]

KNOWN = [
    ("Li6PS5Cl", -2.7, "10.1/a"),
    ("Li12P2S10Cl2", -2.3, "10.1/b"),
    ("Li6PS5Cl", -2.5, "10.1/c"),
    ("Li6PS5Br", -3.0, "10.1/d"),
    ("Li6PS5I", -6.0, "10.1/e"),
    ("Li3PS4", -3.5, "10.1/f"),
    ("Li7La3Zr2O12", -4.0, "10.1/g"),
    ("Li3YCl6", -3.3, "10.1/h"),
    ("Li4SiO4", -8.0, "ref: a thesis"),
]


def composition_of(*formulas: str) -> Array:
    return MaterialBatch.from_formulas(formulas).matrix()


def index_of(known: list[tuple[str, float, str]] = KNOWN, radius: float = 0.3) -> DomainIndex:
    formulas, values, dois = zip(*known, strict=True)
    room = np.full(len(formulas), 25.0)
    return DomainIndex(composition_of(*formulas), formulas, np.array(values), room, room < 0, dois, radius)


def brute_force(index: DomainIndex, candidate: Array) -> list[float]:
    """Return the distances to the distinct compositions, rising."""
    distinct = np.unique(index.composition.round(4), axis=0)
    return sorted(float(0.5 * np.abs(row - candidate).sum()) for row in distinct)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4).filter(any), min_size=1, max_size=25))
def test_distances_and_nearest_equal_brute_force(amounts: list[list[int]]) -> None:
    formulas = ["".join(f"{e}{n}" for e, n in zip(("Li", "P", "S", "Cl"), row, strict=True) if n) for row in amounts]
    index = index_of([(formula, float(i), f"10.1/{i}") for i, formula in enumerate(formulas)])
    asked = composition_of("Li6PS5Cl", "Li3PS4", "LiCl")
    distance, nearest = index.describe(asked, n_nearest=3)
    for row, mean, neighbours in zip(asked, distance, nearest, strict=True):
        expected = brute_force(index, row)
        k = min(N_NEIGHBOURS, len(expected))
        assert mean == pytest.approx(np.mean(expected[:k]), abs=1e-3)
        np.testing.assert_allclose([n.distance for n in neighbours], expected[:3], atol=1e-3)
        for neighbour in neighbours:
            own = 0.5 * np.abs(composition_of(neighbour.formula)[0] - row).sum()
            assert neighbour.distance == pytest.approx(own, abs=1e-3)
    np.testing.assert_array_equal(index.distances(asked), distance)


def test_distance_grows_on_the_way_out_of_the_known() -> None:
    known, foreign = composition_of("Li6PS5Cl", "BaTiO3")
    path = np.array([(1 - t) * known + t * foreign for t in np.linspace(0.0, 1.0, 21)])
    distance = index_of().distances(path)
    assert (np.diff(distance) > 0).all()
    assert distance[-1] <= 1.0


def test_one_material_is_named_once_with_the_middle_of_its_measurements_and_that_ones_doi() -> None:
    _, (nearest,) = index_of().describe(composition_of("Li6PS5Cl"), n_nearest=3)
    assert (nearest[0].formula, nearest[0].value) == ("Li6PS5Cl", -2.5)
    assert (nearest[0].doi, nearest[0].distance) == ("10.1/c", 0.0)
    assert {n.formula for n in nearest[1:]} <= {"Li6PS5Br", "Li6PS5I"}


def test_measurements_near_room_temperature_stand_for_a_material_where_there_are_any() -> None:
    known = [
        ("Li6PS5Cl", -1.0, "10.1/hot"),
        ("Li6PS5Cl", -2.5, "10.1/room"),
        ("Li6PS5Cl", -6.0, "10.1/cold"),
        ("Li3YCl6", -2.0, "10.1/hot"),
    ]
    index = replace(index_of(known), temperatures_C=np.array([150.0, 27.0, -60.0, 120.0]))
    _, nearest = index.describe(composition_of("Li6PS5Cl", "Li3YCl6"), n_nearest=1)
    assert [(n[0].value, n[0].temperature_C, n[0].doi) for n in nearest] == [
        (-2.5, 27.0, "10.1/room"),
        (-2.0, 120.0, "10.1/hot"),
    ]


def test_a_reference_without_doi_is_kept_as_it_is() -> None:
    _, (nearest,) = index_of().describe(composition_of("Li4SiO4"), n_nearest=1)
    assert nearest[0].doi == "ref: a thesis"


def test_unseen_elements_are_named_and_never_in_domain() -> None:
    index = index_of(radius=1.0)
    asked = composition_of("Li6PS5Cl", "Li6PSe5Cl", "Na3PS4")
    assert index.unseen_elements(asked) == [(), ("Se",), ("Na",)]
    np.testing.assert_array_equal(index.in_domain(index.distances(asked), asked), [True, False, False])


def test_in_domain_is_what_lies_within_the_radius() -> None:
    asked = composition_of("Li6PS5Cl", "LiO")
    distance = index_of().distances(asked)
    for radius, expected in ((distance[0], [True, False]), (distance[1], [True, True]), (0.0, [False, False])):
        index = index_of(radius=float(radius))
        np.testing.assert_array_equal(index.in_domain(distance, asked), expected)


def test_fewer_known_materials_than_neighbours_asked_for() -> None:
    index = index_of(KNOWN[:4])
    distance, (nearest,) = index.describe(composition_of("Li6PS5Cl"), n_nearest=10)
    assert len(nearest) == 2
    assert distance[0] == pytest.approx(nearest[1].distance / 2, abs=1e-4)


def test_no_candidates_no_answers() -> None:
    distance, nearest = index_of().describe(np.empty((0, index_of().composition.shape[1])))
    assert distance.shape == (0,)
    assert nearest == []


def test_arrays_round_trip_without_objects() -> None:
    index = index_of([*KNOWN, ("Li2S", -9.0, "ref: Müller, 日本, 1999")])
    arrays = index.arrays()
    assert not any(array.dtype.hasobject for array in arrays.values())
    again = DomainIndex.from_arrays(arrays)
    assert (again.formulas, again.dois, again.radius) == (index.formulas, index.dois, index.radius)
    asked = composition_of("Li6PS5Cl", "BaTiO3")
    assert again.describe(asked)[1] == index.describe(asked)[1]


def test_a_line_break_in_a_reference_shifts_nobody_else() -> None:
    index = index_of([("Li2S", -9.0, "a\nthesis"), *KNOWN])
    assert DomainIndex.from_arrays(index.arrays()).dois == ("a thesis", *index.dois[1:])
