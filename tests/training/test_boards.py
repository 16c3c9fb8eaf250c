"""The boards: what is held out is unknown, every model is asked the same, and figures are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_world import Fitted, synthetic_table

from features.similarity import half_l1
from training.properties.conductivity.boards import (
    CONSTANT,
    PLAIN,
    Answers,
    Board,
    Model,
    Recipe,
    board_of,
    constant,
    difference,
    figures,
    group_mean_difference,
    group_means,
    plain_ensemble,
    scopes_of,
)
from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.evaluation import forward_figures, n_forward_steps
from training.properties.conductivity.held_out import (
    WINDOWS,
    distance_to_learnt,
    forward_cuts,
    without_each,
    without_families,
)
from training.properties.conductivity.metrics import Truth
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows
from training.properties.conductivity.schema import TableColumn


@pytest.fixture(scope="module")
def dated() -> ConductivityRows:
    """Return the made-up world, each paper of one year from 2006 on, at room temperature."""
    table = synthetic_table()
    number = table[TableColumn.DOI].str.rsplit(".", n=1).str[1].astype(int)
    return ConductivityRows.from_table(
        table.assign(**{TableColumn.YEAR: 2006.0 + number // 2, TableColumn.TEMPERATURE: 25.0})
    )


def test_windows_follow_each_other_without_a_gap() -> None:
    assert [first for first, _ in WINDOWS[1:]] == [last + 1 for _, last in WINDOWS[:-1]]


def test_a_cut_asks_each_new_material_once_and_knows_nothing_later(dated: ConductivityRows) -> None:
    composition, asked = dated.descriptors.composition, []
    for cut, (first, last) in zip(forward_cuts(dated), WINDOWS, strict=False):
        assert (dated.year[cut.learnt] < first).all()
        assert ((dated.year[cut.asked] >= first) & (dated.year[cut.asked] <= last)).all()
        assert not set(dated.paper[cut.learnt]) & set(dated.paper[cut.asked])
        others = composition[cut.learnt]
        assert half_l1(composition[cut.asked], others).min() >= SAME_MATERIAL_DISTANCE
        between = half_l1(composition[cut.asked], composition[cut.asked])
        np.fill_diagonal(between, 1.0)
        assert between.min() >= SAME_MATERIAL_DISTANCE
        assert cut.known_before == first
        np.testing.assert_allclose(distance_to_learnt(dated, cut), half_l1(composition[cut.asked], others).min(axis=1))
        asked += list(cut.asked)
    assert len(asked) == len(set(asked)) > 30


def test_doubtful_warm_and_undated_rows_are_not_asked(dated: ConductivityRows) -> None:
    n = np.arange(len(dated))
    spoilt = replace(
        dated,
        is_doubtful=n % 4 == 0,
        temperature_C=np.where(n % 4 == 1, 60.0, 25.0),
        year=np.where(n % 4 == 2, np.nan, dated.year),
    )
    asked = np.concatenate([cut.asked for cut in forward_cuts(spoilt)])
    assert len(asked)
    assert set(asked % 4) == {3}
    learnt = np.concatenate([cut.learnt for cut in forward_cuts(spoilt)])
    assert np.isfinite(spoilt.year[learnt]).all()


def test_the_lattice_board_asks_about_materials_with_a_cell(dated: ConductivityRows) -> None:
    asked = np.concatenate([cut.asked for cut in forward_cuts(dated, with_cell=True)])
    assert dated.descriptors.has_lattice[asked].all()


def test_every_model_is_asked_the_same_and_a_recipe_gives_an_interval(dated: ConductivityRows) -> None:
    settings, hyper = EnsembleSettings.quick(), None
    from training.properties.conductivity.ensemble import Ensemble

    hyper = Ensemble.fit(dated, "formula", settings).process.hyper
    models: dict[str, Model] = {
        "recipe": Recipe(dated, "formula", settings, hyper),
        CONSTANT: constant,
        PLAIN: plain_ensemble,
    }
    cuts = list(forward_cuts(dated))[-1:]
    seen: list[str] = []
    board = board_of(dated, cuts, models, on_step=seen.append)
    assert seen == [cut.name for cut in cuts]
    n = sum(len(cut.asked) for cut in cuts)
    assert {len(a.value) for a in board.answers.values()} == {n} == {len(board.year)}
    own = board.answers["recipe"]
    assert (own.lower < own.value).all()
    assert (own.value < own.upper).all()
    assert (own.above[0] >= own.above[1]).all()  # above 1e-4 is likelier than above 1e-3
    every = np.ones(n, dtype=bool)
    assert figures(board, "recipe", every, 50)["mae"] < 1.5
    assert "coverage_90" not in figures(board, CONSTANT, every, 50)
    learnt = dated.take(cuts[0].learnt)
    np.testing.assert_allclose(board.answers[CONSTANT].value, np.median(learnt.log10_sigma[learnt.has_sigma]))


def test_the_scores_of_a_cut_are_of_before(dated: ConductivityRows) -> None:
    """Move the values of the asked years: intervals and centres of an earlier cut stay as they are."""
    settings = EnsembleSettings.quick()
    from training.properties.conductivity.ensemble import Ensemble

    hyper = Ensemble.fit(dated, "formula", settings).process.hyper
    cut = next(iter(forward_cuts(dated)))
    recipe = Recipe(dated, "formula", settings, hyper)
    later = recipe.left_out.rows.year >= cut.known_before
    rows = replace(recipe.left_out.rows, log10_sigma=recipe.left_out.rows.log10_sigma + 5.0 * later)
    before = recipe(dated, cut)
    recipe.left_out = replace(recipe.left_out, rows=rows)
    after = recipe(dated, cut)
    np.testing.assert_array_equal(before.lower, after.lower)
    np.testing.assert_array_equal(before.above, after.above)


def test_families_are_left_out_whole(dated: ConductivityRows) -> None:
    for held_out in without_each(dated, without_families(dated)):
        assert set(dated.family[held_out.asked]) == {held_out.name}
        assert held_out.name not in set(dated.family[held_out.learnt])
        assert np.isinf(held_out.known_before)


def made_board() -> Board:
    """Return six materials of two groups, of which one is a bound and two are insulators."""
    value = np.array([-3.0, -4.0, -9.0, -10.0, -3.5, -5.0])
    bound = np.array([False, False, False, True, False, False])
    said = value + np.array([0.5, -0.5, 2.0, -1.0, 1.0, 0.0])
    above = np.array([[0.9, 0.4, 0.0, 0.0, 0.8, 0.1], [0.5, 0.1, 0.0, 0.0, 0.4, 0.0]])
    known = np.array([True, True, False, False, True, True])
    return Board(
        Truth(value, bound),
        np.array(["p", "p", "q", "q", "r", "s"]),
        np.array([2010.0, 2012.0, 2015.0, 2018.0, 2019.0, 2024.0]),
        np.array([0.01, 0.05, 0.12, 0.3, 0.02, 0.2]),
        np.array(["a", "a", "a", "b", "b", "b"]),
        {
            "one": Answers(said, said - 1.0, said + 1.0, above, known),
            "two": Answers(said + 1.0, said, said + 2.0, above, known),
        },
    )


def test_figures_are_what_they_say() -> None:
    board, every = made_board(), np.ones(6, dtype=bool)
    found = figures(board, "one", every, 200)
    assert found["mae"] == pytest.approx((0.5 + 0.5 + 2.0 + 0.0 + 1.0 + 0.0) / 6)  # below the bound is no error
    assert found["mae_low_95"] <= found["mae"] <= found["mae_high_95"]
    assert found["bias"] == pytest.approx((0.5 - 0.5 + 2.0 + 1.0 + 0.0) / 5)
    assert found["bias_of_conductors"] == pytest.approx(0.25)
    assert found["bias_of_insulators"] == pytest.approx(2.0)
    assert found["coverage_90"] == pytest.approx(5 / 6)
    assert found["known_share"] == pytest.approx(4 / 6)
    assert found["known_mae"] == pytest.approx(0.5)
    reached = np.array([1, 1, 0, 0, 1, 0])
    assert found["brier_1e-4"] == pytest.approx(((np.array([0.9, 0.4, 0, 0, 0.8, 0.1]) - reached) ** 2).mean())


def test_scopes_part_the_board_by_year_and_by_distance() -> None:
    scopes = scopes_of(made_board())
    assert {name: int(keep.sum()) for name, keep in scopes.items()} == {
        "all": 6,
        "before_2019": 4,
        "since_2019": 2,
        "near": 2,
        "between": 1,
        "far": 3,
        "far_before_2019": 2,
        "far_since_2019": 1,
    }


def test_differences_are_paired_and_groups_count_once() -> None:
    board, every = made_board(), np.ones(6, dtype=bool)
    one, two = (figures(board, name, every, 100)["mae"] for name in ("one", "two"))
    assert difference(board, "two", "one", every, 100)["difference"] == pytest.approx(two - one)
    assert difference(board, "one", "one", every, 100)["high_95"] == 0.0
    means = group_means(board, "one")
    assert means == {"mae_rows": pytest.approx(4 / 6), "mae_mean": pytest.approx((1.0 + 1 / 3) / 2), "groups": 2.0}
    apart = group_mean_difference(board, "two", "one", 100)
    assert apart["difference"] == pytest.approx(group_means(board, "two")["mae_mean"] - means["mae_mean"])


def test_the_first_recipe_forgets_nothing_and_still_stands(fitted: Fitted) -> None:
    first = EnsembleSettings.of_the_first_recipe()
    assert np.isinf(first.half_life_years)
    assert (first.pull, first.pull_with_cell, first.added_width) == (0.0, 0.0, 0.0)
    assert first.forest_hears_process
    small = first.sized_as(EnsembleSettings.quick())
    assert small.forest_trees == EnsembleSettings.quick().forest_trees
    assert small.weights == first.weights
    from training.properties.conductivity.model import calibration_weights

    np.testing.assert_array_equal(calibration_weights(fitted.rows, np.inf), fitted.rows.has_sigma)


def test_evaluate_prints_both_variants_by_scope_and_the_families(fitted: Fitted, dated: ConductivityRows) -> None:
    steps: list[str] = []
    found = forward_figures(fitted.model, dated, EnsembleSettings.quick(), on_step=steps.append)
    assert len(steps) == n_forward_steps(dated, fitted.model.variants)  # what the progress bar promises
    assert sum(step.startswith("without ") for step in steps) == 3
    assert {"all", "before_2019", "family_out", "lattice"} <= set(found)
    assert {"mae", "bias", "coverage_90", "mean_half_width_90", "n", "mae_of_constant"} <= set(found["all"])
    assert found["lattice"]["all"]["n"] < found["all"]["n"]
    assert set(found["family_out"]) == {"mae_rows", "mae_mean", "groups"}
    assert found["family_out"]["groups"] == 3.0
