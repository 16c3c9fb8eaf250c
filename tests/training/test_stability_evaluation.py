"""Scores can be worked out by hand, and the truth never helps a prediction of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stability_world import fitted, world

from training.properties.stability.calibration import Pooled
from training.properties.stability.evaluation import Scored, _with_lithium, evaluate, predict_rows, split_scores
from training.properties.stability.literature import literature_windows
from training.uncertainty import ConformalScale

DESIGNED = {
    "ef_mae",
    "ed_mae",
    "accuracy",
    "f1",
    "auc",
    "coverage_90",
    "n_test",
    "esw_reduction_mae",
    "esw_oxidation_mae",
    "ef_mae_tv",
    "ed_mae_tv",
}


def scored() -> Scored:
    """Return ten rows: errors of 0.01 eV/atom to 0.1 eV/atom on a hull at -1 eV/atom, four of them called wrongly."""
    error = np.arange(1, 11) / 100
    decomposition = np.array([-0.1, -0.1, -0.1, -0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0])
    log_odds = np.array([3.0, 2.0, 1.0, -1.0, -3.0, -2.0, 1.5, 0.5, 1.2, -0.5])
    pooled = Pooled(
        residual_eV_per_atom=decomposition + error,
        decomposition_eV_per_atom=decomposition - 2 * error,
        scale_residual_eV_per_atom=np.full(10, 0.05),
        scale_decomposition_eV_per_atom=np.full(10, 0.05),
        spread_eV_per_atom=np.zeros(10),
        log_odds_stable=log_odds,
    )
    return Scored(np.arange(10), pooled, np.full(10, -1.0), decomposition - 1.0, decomposition)


def test_scores_are_what_they_say() -> None:
    conformal = ConformalScale(np.full(19, 1.5))  # intervals of 0.075 eV/atom to either side
    plain = replace(
        fitted().model.calibration,
        residual=conformal,
        decomposition=conformal,
        published_weights=np.array([1.0, 0, 0, 0]),
        decision=0.5,
    )
    scores = split_scores(replace(fitted().model, calibration=plain), scored())
    assert scores["ef_mae"] == pytest.approx(0.055)
    assert scores["ed_mae"] == pytest.approx(0.11)
    # stable are rows 0-3 and 9; called so are 0, 1, 2, 6, 7, 8
    assert scores["accuracy"] == pytest.approx(0.5)
    assert scores["f1"] == pytest.approx(2 * 3 / (2 * 3 + 3 + 2))
    pairs = [(3.0, 2.0, 1.0, -1.0, -0.5), (-3.0, -2.0, 1.5, 0.5, 1.2)]
    assert scores["auc"] == pytest.approx(np.mean([s > u for s in pairs[0] for u in pairs[1]]))
    assert scores["coverage_90"] == pytest.approx(0.7)
    assert scores["coverage_90_ed"] == pytest.approx(0.3)
    assert scores["mean_half_width_90"] == pytest.approx(0.075)


def test_the_scores_of_lithium_compounds_are_those_of_lithium_compounds() -> None:
    table = world()
    every = predict_rows(fitted().model, table, ("train",), "test")
    part = _with_lithium(every, table)
    assert 0 < len(part.rows) < len(every.rows)
    assert all("Li" in table.formula[row] for row in part.rows)
    keep = np.isin(every.rows, part.rows)
    np.testing.assert_array_equal(part.formation_error, every.formation_error[keep])
    np.testing.assert_array_equal(part.pooled.log_odds_stable, every.pooled.log_odds_stable[keep])


@pytest.mark.parametrize("told", [("train",), ("train", "val")])
def test_predictions_of_the_test_split_do_not_see_its_energies(told: tuple[str, ...]) -> None:
    """Scores from a hull that holds the truth would be void."""
    table, rng = world(), np.random.default_rng(0)
    rows = np.flatnonzero(~np.isin(np.arange(len(table)), table.rows_of(*told)))
    energies = table.formation_energy_eV_per_atom.copy()
    energies[rows] = rng.uniform(-4, 2, len(rows))
    lies = replace(
        table, formation_energy_eV_per_atom=energies, decomposition_energy_eV_per_atom=rng.uniform(-1, 1, len(table))
    )
    honest, other = (predict_rows(fitted().model, t, told, "test") for t in (table, lies))
    np.testing.assert_array_equal(honest.rows, table.rows_of("test"))
    np.testing.assert_array_equal(honest.hull, other.hull)
    for name in Pooled.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(honest.pooled, name), getattr(other.pooled, name), err_msg=name)
    assert (honest.formation != other.formation).all()  # the truth that scores it is the table's


def test_the_model_that_serves_is_not_asked_what_it_knows_when_it_is_scored() -> None:
    """Its surroundings hold the test split; the score must not use them."""
    model = fitted().model
    blind = replace(model, surroundings=replace(model.surroundings, usable=np.zeros_like(model.surroundings.usable)))
    one, other = (predict_rows(each, world(), ("train",), "test") for each in (model, blind))
    np.testing.assert_array_equal(one.pooled.residual_eV_per_atom, other.pooled.residual_eV_per_atom)


def test_more_known_phases_lower_the_hull() -> None:
    told = (("train",), ("train", "val"))
    from_train, from_both = (predict_rows(fitted().model, world(), each, "test") for each in told)
    assert (from_both.hull <= from_train.hull + 1e-6).all()
    assert (from_both.hull < from_train.hull - 1e-3).any()


def test_the_evaluation_has_the_keys_of_the_design() -> None:
    scores = evaluate(fitted().model, world())
    assert set(scores) >= DESIGNED
    assert scores["n_test"] == len(world().rows_of("test"))
    assert scores["ef_mae_tv"] == scores["with_validation_phases"]["ef_mae"]
    assert scores["ef_mae"] != scores["ef_mae_tv"]
    assert 0 < scores["n_esw"] <= len(literature_windows())
    assert set(scores["peers"]) == {"crabnet", "roost", "random_forest"}
    for part in (scores, scores["with_validation_phases"], scores["lithium_compounds"]):
        assert 0 <= part["coverage_90"] <= 1
        assert 0.3 < part["auc"] <= 1
