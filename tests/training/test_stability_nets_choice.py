"""Whoever asks the pool gets the pool, row by row; what a table lists is the same for both."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from stability_world import fitted, world

from features.candidate import MaterialBatch
from training.properties.stability.ensemble import NetEnsemble
from training.properties.stability.model import StabilityModel
from training.properties.stability.recipe import assemble

FORMULAS = ["Li3YBr6", "Li3AlS3", "Li1.3Al0.3Ti1.7(PO4)3", "Li3YBr6", "Li5.5PS4.5Cl1.5"]
BY_POOL = np.array([True, True, False, False, True])


@cache
def model() -> StabilityModel:
    """Return a model of one net beside the pool of two."""
    alone = NetEnsemble.from_networks(fitted().networks[:1])
    return replace(assemble(alone, world())[0], pool=fitted().model)


def test_each_row_is_answered_by_those_who_were_asked() -> None:
    batch = MaterialBatch.from_formulas(FORMULAS)
    mixed = model().predict(batch, 0.9, BY_POOL)
    pool, student = fitted().model.predict(batch), model().predict(batch)
    for name in ("formation_energy_eV_per_atom", "energy_above_hull_eV_per_atom"):
        said, of_pool, of_student = (getattr(one, name) for one in (mixed, pool, student))
        for ends in zip(said, of_pool, of_student, strict=True):
            np.testing.assert_allclose(ends[0], np.where(BY_POOL, ends[1], ends[2]), atol=1e-12)
    np.testing.assert_array_equal(mixed.in_domain, np.where(BY_POOL, pool.in_domain, student.in_domain))
    assert mixed.formation_energy_eV_per_atom.value[0] != mixed.formation_energy_eV_per_atom.value[3]
    assert mixed.is_reference[1]


def test_taken_rows_remember_whom_they_asked() -> None:
    batch = MaterialBatch.from_formulas(FORMULAS)
    rows = np.array([4, 0])
    taken = model().predict(batch, 0.9, BY_POOL).take(rows)
    again = model().predict(batch.take(rows), 0.9, BY_POOL[rows])
    np.testing.assert_allclose(taken.opinion.residual, again.opinion.residual)
    np.testing.assert_array_equal(taken.by_pool, BY_POOL[rows])


def test_both_come_back_from_the_bundle() -> None:
    again = StabilityModel.from_arrays(model().to_arrays(), model().settings())
    batch = MaterialBatch.from_formulas(FORMULAS)
    assert len(again.ensemble) == 1
    assert len(again.of_pool.ensemble) == 2
    assert again.of_pool.surroundings is again.surroundings
    expected = model().predict(batch, 0.9, BY_POOL).formation_energy_eV_per_atom
    received = again.predict(batch, 0.9, BY_POOL).formation_energy_eV_per_atom
    for one, other in zip(expected, received, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


def test_without_a_student_the_nets_are_the_pool() -> None:
    plain = fitted().model
    assert plain.of_pool is plain
    batch = MaterialBatch.from_formulas(FORMULAS)
    everyone = np.ones(len(batch), dtype=np.bool_)
    asked, not_asked = (plain.predict(batch, 0.9, chosen).opinion for chosen in (everyone, ~everyone))
    assert asked.residual == pytest.approx(not_asked.residual)
