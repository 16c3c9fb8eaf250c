"""Compositions that no table lists: nearer to what is listed is lower, and what is listed stays as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from stability_world import fitted, known, world

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.formula import parse_formula
from serving.answers.conditions import shared_conditions
from training.properties.contract import Query
from training.properties.stability.bundling import headline
from training.properties.stability.judgement import BY_REGRESSION, StabilityJudgement
from training.properties.stability.model import StabilityModel
from training.properties.stability.nasicon import NasiconTable, is_nasicon
from training.properties.stability.recipe import with_unlisted
from training.properties.stability.table import compositions
from training.properties.stability.unlisted import (
    EnergyOpinion,
    UNLIKE_eV_PER_ATOM,
    UnlistedPrior,
    distance_to_listed,
    reach_of,
)

LISTED = ("Li3AlS3", "NaAlO2")
NASICON = "Na2Zr2SiP2O12"


def distances(*formulas: str) -> np.ndarray:
    return distance_to_listed(known("train", "val", "test"), *compositions(MaterialBatch.from_formulas(formulas)))


def asking(batch: MaterialBatch) -> Query:
    amounts = [parse_formula(formula) for formula in (NASICON, "Li6AlSCl8", *LISTED)]
    return Query(batch, amounts, shared_conditions(len(amounts)), 0.9, {})


@cache
def corrected() -> StabilityModel:
    """Return the made-up world's model with a family in which everything lies 0.1 eV/atom above what the nets say."""
    formulas = [
        f"Na{1 + s:g}{first}{n:g}{second}{2 - n:g}Si{s:g}P{3 - s:g}O12"
        for first in ("Zr", "Ti", "Hf")
        for second in ("Sn", "Ge")
        for n in (0.5, 1.0, 1.5)
        for s in (1.0, 1.5)
    ]
    batch = MaterialBatch.from_formulas(formulas)
    said, _ = fitted().model.nets_opinion(batch)
    return with_unlisted(fitted().model, NasiconTable(batch, said.residual + 0.1))


def test_listed_compounds_lie_at_distance_zero_and_alike_elements_count_less() -> None:
    table = world()
    row = int(table.rows_of("train")[0])
    here = distance_to_listed(known("train"), table.atomic_number[[row]], table.fraction[[row]])
    assert here == pytest.approx([0.0], abs=1e-9)
    dissimilarity = known("train", "val", "test").prototypes.dissimilarity_eV_per_atom
    found = distances("Li5.9Na0.1YS5Cl")[0]
    exchanged = dissimilarity[ATOMIC_NUMBER["Li"], ATOMIC_NUMBER["Na"]] / UNLIKE_eV_PER_ATOM
    assert found == pytest.approx(0.1 / 13 * min(exchanged, 1.0))


def test_distance_never_exceeds_the_plain_one_and_grows_on_the_way_out() -> None:
    model = fitted().model
    formulas = ("Li6AlS5Cl", "Li5.9AlS4.9Cl1.1", "Li5.5AlS4.5Cl1.5")
    plain = model.predict(MaterialBatch.from_formulas(formulas)).nearest_phases(1)[1][:, 0]
    own = distances(*formulas)
    assert (own <= plain + 1e-12).all()
    assert (np.diff(own) > 0).all()


def test_elements_beyond_the_first_count() -> None:
    surroundings = known("train", "val", "test")
    batch = MaterialBatch.from_formulas(["Li4Cl", "Li2NaK2ClBr"])
    z, x = compositions(batch)
    expected = distance_to_listed(surroundings, z, x) ** 2 * [1, 4]
    np.testing.assert_allclose(reach_of(surroundings, batch), expected)


def test_the_prior_finds_the_height_and_the_odds_it_was_made_with() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    reach, said = rng.uniform(0.0, 0.05, n), rng.normal(0.0, 0.01, n)
    none = np.zeros(n)
    chance = 1.0 / (1.0 + np.exp(said / 0.01))
    nets = EnergyOpinion(said, np.full(n, 0.05), none, chance, none, none > 0)
    made = UnlistedPrior(1.5, 2.0)
    stable = rng.random(n) < made.apply(reach, nets).probability_stable
    true = said + 1.5 * reach
    true = np.where(stable, -np.abs(true), np.abs(true) + 1e-6)
    odds = UnlistedPrior.fit(reach, nets, true).odds_per_scale
    height = UnlistedPrior.fit(reach, nets, said + 1.5 * reach + rng.normal(0.0, 0.01, n)).height_eV_per_atom
    assert height == pytest.approx(1.5, abs=0.02)
    assert odds > 0.5
    raised = made.apply(reach, nets)
    np.testing.assert_allclose(raised.residual - said, raised.raised)
    assert (raised.probability_stable <= chance + 1e-9).all()


def test_a_family_that_lies_lower_than_predicted_lowers_nothing() -> None:
    none = np.zeros(30)
    nets = EnergyOpinion(none, none + 0.05, none, none + 0.5, none, none > 0)
    assert UnlistedPrior.fit(none + 0.01, nets, none - 0.1).height_eV_per_atom == 0.0


def test_what_the_table_lists_stays_as_it_was() -> None:
    batch = MaterialBatch.from_formulas(LISTED)
    plain, other = (headline(model, batch) for model in (fitted().model, corrected()))
    assert plain.keys() == other.keys()
    for name, values in plain.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_what_it_does_not_list_is_raised_and_less_likely_stable() -> None:
    batch = MaterialBatch.from_formulas(["Li6AlSCl8", "Li5Na3AlO5F"])
    plain, other = fitted().model.predict(batch), corrected().predict(batch)
    raised = other.opinion.raised
    assert (raised > 0.0).all()
    for part, before in zip(other.formation_energy_eV_per_atom, plain.formation_energy_eV_per_atom, strict=True):
        np.testing.assert_allclose(part, before + raised)
    assert (other.probability_stable < plain.probability_stable).all()
    np.testing.assert_array_equal(other.spread_eV_per_atom, plain.spread_eV_per_atom)


def test_nasicons_of_the_source_are_answered_by_the_regression_and_say_so() -> None:
    batch = MaterialBatch.from_formulas([NASICON, "Li6AlSCl8", *LISTED])
    assert is_nasicon(batch).tolist() == [True, False, False, False]
    model = corrected()
    said = model.predict(batch)
    assert said.opinion.of_nasicons.tolist() == [True, False, False, False]
    assert model.unlisted is not None
    hull = said.competing.energy_eV_per_atom[:1]
    expected = model.unlisted.nasicon(batch.take(np.array([0])), hull)
    np.testing.assert_allclose(said.decomposition_energy_eV_per_atom.value[:1], expected, atol=1e-5)
    assert said.decomposition_energy_eV_per_atom.lower[0] < expected[0] < said.decomposition_energy_eV_per_atom.upper[0]
    notes = [details.get("energy_note") for details in StabilityJudgement(model, asking(batch)).details()]
    assert notes[0] == BY_REGRESSION
    assert notes[1] is not None
    assert "no table lists" in notes[1]
    assert notes[2:] == [None, None]


def test_the_correction_comes_back_from_the_bundle_and_older_bundles_have_none() -> None:
    batch = MaterialBatch.from_formulas([NASICON, "Li6AlSCl8"])
    for model in (corrected(), replace(corrected(), unlisted=None)):
        back = StabilityModel.from_arrays(model.to_arrays(), model.settings())
        assert (back.unlisted is None) == (model.unlisted is None)
        found, expected = (each.predict(batch).opinion.residual for each in (back, model))
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_chosen_rows_keep_what_was_said_of_them() -> None:
    batch = MaterialBatch.from_formulas([LISTED[0], "Li6AlSCl8", NASICON])
    whole = corrected().predict(batch)
    assert whole.probability_stable.shape == whole.decomposition_energy_eV_per_atom.value.shape
    assert whole.formation_energy_eV_per_atom.value.shape == (3,)
    part = whole.take(np.array([2, 1]))
    np.testing.assert_array_equal(part.opinion.raised, whole.opinion.raised[[2, 1]])
    np.testing.assert_array_equal(part.probability_stable, whole.probability_stable[[2, 1]])
