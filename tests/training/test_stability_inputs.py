"""What a net is told of a compound never holds the compound's own energy, nor one that nobody is to know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from phase_tables import build
from stability_world import known, scaling, training_inputs, world

from features.candidate import MaterialBatch
from training.properties.stability.descriptors import (
    NetInputs,
    Standardisation,
    composition_features,
    hull_inputs,
    neighbour_inputs,
)
from training.properties.stability.inputs import Surroundings, net_inputs
from training.properties.stability.table import EnergyTable, compositions
from training.thermodynamics.hull import NO_PHASE, equilibria

DEPTH = 2  # place among the scalars of a product


def inputs_of(table: EnergyTable, rows: NDArray[np.int64], surroundings: Surroundings) -> NetInputs:
    return net_inputs(surroundings, table.batch(rows), scaling(), table.phases.row_of_input[rows])


def with_energy(table: EnergyTable, rows: NDArray[np.int64], energy_eV_per_atom: object) -> EnergyTable:
    energies = table.formation_energy_eV_per_atom.copy()
    energies[rows] = energy_eV_per_atom
    return replace(table, formation_energy_eV_per_atom=energies)


def arrays_of(inputs: NetInputs) -> dict[str, NDArray[np.generic]]:
    hull, near = inputs.hull, inputs.neighbours
    return {
        "element": inputs.element,
        "fraction": inputs.fraction,
        "composition": inputs.composition,
        "hull": hull.energy_eV_per_atom,
        "potential": hull.potential_eV,
        "products": hull.product_fraction,
        "scalars": hull.product_scalars,
        "relatives": near.element,
        "relative scalars": near.scalars,
    }


def assert_same(one: NetInputs, other: NetInputs) -> None:
    for (name, left), right in zip(arrays_of(one).items(), arrays_of(other).values(), strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


def without_depth_in_own_system(inputs: NetInputs) -> NetInputs:
    """Blank the depth of products that hold every element of the compound: see the expected failure below."""
    scalars = inputs.hull.product_scalars.copy()
    size = (inputs.fraction > 0).sum(axis=1)[:, None]
    own_system = (inputs.hull.product_fraction > 0).sum(axis=2) == size
    scalars[own_system, DEPTH] = 0.0
    return replace(inputs, hull=replace(inputs.hull, product_scalars=scalars))


# ---------------------------------------------------------------- no leak


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(-4.0, 2.0))
def test_the_own_energy_of_a_training_compound_does_not_reach_its_own_inputs(pick: int, energy: float) -> None:
    """Whatever its energy, deep below the hull or far above it: hull, products, relatives and their residuals stay.

    How alike elements are is learned from all training compounds and held fixed here.
    """
    table = world()
    row = table.rows_of("train")[[pick % len(table.rows_of("train"))]]
    other = with_energy(table, row, energy)
    surroundings = Surroundings.of(other, other.rows_of("train"))
    learned = known("train").prototypes.dissimilarity_eV_per_atom
    surroundings = replace(surroundings, prototypes=replace(surroundings.prototypes, dissimilarity_eV_per_atom=learned))
    assert_same(
        without_depth_in_own_system(inputs_of(table, row, known("train"))),
        without_depth_in_own_system(inputs_of(other, row, surroundings)),
    )


def test_the_own_energy_does_not_reach_the_depth_of_its_products() -> None:
    """LiS, taken out, leaves Li2S and LiS4; how deep LiS4 lies must not tell how deep LiS was."""
    depths = []
    for energy in (-1.3, -2.0):
        table = build({"Li2S": -1.5, "LiS4": -0.7, "LiS": energy})
        z, x = compositions(MaterialBatch.from_formulas(["Li2S", "LiS4", "LiS"]))
        own = table.row_of_input
        others = equilibria(table, z, x, excluded=own).energy_eV_per_atom
        depth = np.zeros(len(table))
        depth[own] = table.energy_eV_per_atom[own] - others
        found = hull_inputs(table, depth, z[2:], x[2:], excluded=own[2:])
        depths.append(np.sort(found.product_scalars[0, :, DEPTH]))
    np.testing.assert_allclose(depths[0], depths[1])


@pytest.mark.xfail(strict=True, reason="how alike two elements are is learned from the compound's own energy as well")
def test_the_own_energy_does_not_reach_how_alike_its_relatives_are() -> None:
    table = world()
    row = table.rows_of("train")[[100]]
    other = with_energy(table, row, -4.0)
    changed = inputs_of(other, row, Surroundings.of(other, other.rows_of("train")))
    np.testing.assert_array_equal(changed.neighbours.scalars, inputs_of(table, row, known("train")).neighbours.scalars)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from((("train",), ("train", "val"))))
def test_energies_that_nobody_is_to_know_reach_no_inputs(seed: int, told: tuple[str, ...]) -> None:
    """Of no row: neither those of the untold splits nor those of the told ones."""
    table = world()
    hidden = np.flatnonzero(~np.isin(np.arange(len(table)), table.rows_of(*told)))
    assert len(hidden) > 50
    other = with_energy(table, hidden, np.random.default_rng(seed).uniform(-4.0, 2.0, len(hidden)))
    rows = np.arange(len(table))
    one, two = (inputs_of(t, rows, Surroundings.of(t, t.rows_of(*told))) for t in (table, other))
    assert_same(one, two)


def test_the_energies_of_other_training_compounds_do_reach_the_inputs() -> None:
    """Or the tests above would hold for inputs that hold nothing."""
    table = world()
    rows = table.rows_of("train")
    other = with_energy(table, rows[::2], table.formation_energy_eV_per_atom[rows[::2]] - 0.3)
    changed = inputs_of(other, rows[1::2], Surroundings.of(other, rows))
    plain = inputs_of(table, rows[1::2], known("train"))
    for name in ("hull", "potential", "scalars", "relative scalars"):
        assert (arrays_of(changed)[name] != arrays_of(plain)[name]).mean() > 0.01, name


# ---------------------------------------------------------------- the hull of others


def test_surroundings_are_those_of_a_table_that_holds_nothing_else() -> None:
    """A mask over the whole table does what leaving the other rows out would do."""
    table = world()
    rows = table.rows_of("train")
    alone = table.take(rows)
    whole, part = known("train"), Surroundings.of(alone, np.arange(len(rows)))
    own = table.phases.row_of_input[rows]
    assert set(np.flatnonzero(whole.usable)) == set(own)
    np.testing.assert_allclose(
        whole.depth_eV_per_atom[own], part.depth_eV_per_atom[alone.phases.row_of_input], atol=1e-12
    )
    hull = net_inputs(part, alone.batch(np.arange(len(rows))), scaling(), alone.phases.row_of_input).hull
    np.testing.assert_allclose(training_inputs().hull.energy_eV_per_atom, hull.energy_eV_per_atom, atol=1e-6)
    np.testing.assert_allclose(training_inputs().hull.potential_eV, hull.potential_eV, atol=1e-6)


def test_depth_and_published_energy_agree_when_everything_is_known() -> None:
    table, whole = world(), known("train", "val", "test")
    own = table.phases.row_of_input
    np.testing.assert_allclose(whole.depth_eV_per_atom[own], table.decomposition_energy_eV_per_atom, atol=1e-9)
    assert (whole.depth_eV_per_atom[table.phases.order < 0] == 0).all()
    assert not whole.usable[table.phases.order < 0].any()


def test_products_and_amounts_make_up_the_composition() -> None:
    inputs = training_inputs()
    amount, present = inputs.hull.product_scalars[..., 0], inputs.hull.product_scalars[..., 4]
    rebuilt = np.einsum("np,npk->nk", amount, inputs.hull.product_fraction)
    np.testing.assert_allclose(rebuilt, inputs.fraction, atol=1e-6)
    np.testing.assert_allclose(amount.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(inputs.hull.product_fraction.sum(axis=2), present, atol=1e-6)
    assert set(np.unique(present)) == {0.0, 1.0}


def test_energies_of_the_products_and_potentials_give_the_hull() -> None:
    hull, fraction = training_inputs().hull, training_inputs().fraction
    amount, energy = hull.product_scalars[..., 0], hull.product_scalars[..., 1]
    np.testing.assert_allclose((amount * energy).sum(axis=1), hull.energy_eV_per_atom, atol=1e-6)
    clipped = (hull.potential_eV <= -7.99).any(axis=1)
    np.testing.assert_allclose(
        (fraction * hull.potential_eV).sum(axis=1)[~clipped], hull.energy_eV_per_atom[~clipped], atol=1e-5
    )
    assert clipped.mean() < 0.2


def test_products_are_known_phases_other_than_the_compound() -> None:
    table = world()
    rows = table.rows_of("train")
    own = table.phases.row_of_input[rows]
    rng = np.random.default_rng(1)
    usable = known("train").usable & (rng.random(len(table.phases)) > 0.5)
    found = equilibria(table.phases, table.atomic_number[rows], table.fraction[rows], excluded=own, usable=usable)
    held = (found.phase != NO_PHASE) & (found.amount > 1e-9)
    elemental = table.phases.order[found.phase[held]] < 0
    assert (usable[found.phase[held]] | elemental).all()
    assert not (held & (found.phase == own[:, None])).any()
    inputs = hull_inputs(
        table.phases,
        known("train").depth_eV_per_atom,
        table.atomic_number[rows],
        table.fraction[rows],
        excluded=own,
        usable=usable,
    )
    np.testing.assert_allclose(inputs.energy_eV_per_atom, found.energy_eV_per_atom, atol=1e-6)
    assert (inputs.energy_eV_per_atom >= training_inputs().hull.energy_eV_per_atom - 1e-6).all()  # fewer phases


# ---------------------------------------------------------------- relatives and composition


def test_the_scalars_of_relatives_are_theirs() -> None:
    table, surroundings = world(), known("train")
    z, x = table.atomic_number[:40], table.fraction[:40]
    energy = surroundings.phases.energy_eV_per_atom
    inputs = neighbour_inputs(surroundings.prototypes, surroundings.depth_eV_per_atom, energy, z, x, 3)
    held = inputs.scalars[..., 3] == 1
    assert held.any()
    assert (inputs.scalars[~held] == 0).all()
    assert (inputs.element[~held] == 0).all()
    known_energies = energy[surroundings.usable].astype(np.float32)
    assert np.isin(inputs.scalars[..., 1][held], known_energies).all()


def test_composition_features_are_scaled_by_the_training_rows() -> None:
    features = composition_features(world().batch(world().rows_of("train")))
    scaled = Standardisation.fit(features)(features)
    inside = np.abs(scaled).max(axis=0) < 5
    assert inside.mean() > 0.5
    np.testing.assert_allclose(scaled[:, inside].mean(axis=0), 0.0, atol=1e-5)
    varied = inside & (features.std(axis=0) > 1e-9)
    np.testing.assert_allclose(scaled[:, varied].std(axis=0), 1.0, atol=1e-4)
    constant = features.std(axis=0) < 1e-9
    assert (scaled[:, constant] == 0).all()
    np.testing.assert_array_equal(Standardisation.fit(features)(features + 1e9).max(axis=0), 5.0)


def test_a_part_of_the_inputs_is_what_that_part_would_be_given() -> None:
    table = world()
    two = np.flatnonzero((table.fraction[table.rows_of("train")] > 0).sum(axis=1) == 2)[:20]
    rows = table.rows_of("train")[two]
    batch = MaterialBatch.from_formulas([table.formula[row] for row in rows])
    alone = net_inputs(known("train"), batch, scaling(), table.phases.row_of_input[rows])
    assert alone.element.shape == (20, 2)
    assert_same(training_inputs().take(two, 2), alone)
