"""What the conductivity benchmark holds out and how it compares, against values worked out by hand."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from conductivity_boards import LIMITS, is_the_first, log_look, objections, old_recipe
from conductivity_splits import LeftOut, laboratory_scatter

from training.properties.conductivity.ensemble import EnsembleSettings
from training.properties.conductivity.held_out import (
    anion_classes,
    anion_shares,
    without_anion_classes,
    without_families,
)
from training.properties.conductivity.metrics import Truth, honest_error, paired_bootstrap
from training.properties.conductivity.retraining import ConductivityJob

if TYPE_CHECKING:
    from synthetic_world import Fitted

    from training.properties.conductivity.rows import ConductivityRows


def test_a_prediction_below_a_bound_is_no_error() -> None:
    truth = Truth(np.array([-10.0, -10.0, -4.0]), np.array([True, True, False]))
    assert honest_error(truth, np.array([-12.0, -7.0, -5.5])) == pytest.approx([0.0, 3.0, 1.5])


def test_the_gate_holds_the_recipe_against_another_one() -> None:
    """As long as the shipped bundle is of the code's recipe, that is the first."""
    assert is_the_first(old_recipe())
    assert not is_the_first(ConductivityJob().recipe())


def test_scatter_takes_each_paper_once_per_material() -> None:
    value = np.array([-3.0, -3.2, -4.1, -5.0, -2.0])
    material, paper = np.array(["a", "a", "a", "b", "c"]), np.array(["p", "p", "q", "p", "q"])
    scatter = laboratory_scatter(value, material, paper)
    assert scatter["pairs"] == scatter["compositions"] == 1
    assert scatter["mean_pair_difference"] == pytest.approx(1.0)  # -3.1 of paper p, -4.1 of paper q
    assert scatter["expected_mae_of_perfect_model"] == pytest.approx(1.0 / np.sqrt(2.0))
    assert scatter["sd"] == pytest.approx(np.sqrt(0.5))


def test_bootstrap_draws_papers_not_rows() -> None:
    rng = np.random.default_rng(1)
    paper = np.repeat([f"p{i}" for i in range(30)], 10)
    of_paper = np.repeat(rng.normal(0.0, 1.0, 30), 10)
    found = paired_bootstrap(of_paper, paper, 4000)
    width = found["high_95"] - found["low_95"]
    assert width == pytest.approx(2 * 1.96 * of_paper.std() / np.sqrt(30), rel=0.15)
    assert found["low_95"] < found["difference"] < found["high_95"]


def test_left_out_groups_leave_nothing_alike_in_training(synthetic_rows: ConductivityRows) -> None:
    for name, train, judged in without_anion_classes(synthetic_rows):
        assert anion_shares(synthetic_rows)[name][train].max() < 0.2
        assert not np.isin(synthetic_rows.paper[train], synthetic_rows.paper[judged]).any()
    left_out = list(without_families(synthetic_rows))
    assert {name for name, _, _ in left_out} == {"argyrodite", "garnet", "halide"}
    for name, train, judged in left_out:
        assert set(synthetic_rows.family[judged]) == {name}
        assert name not in set(synthetic_rows.family[train])


def test_every_row_has_one_class_of_anions(synthetic_rows: ConductivityRows) -> None:
    assert (np.sum(list(anion_classes(synthetic_rows).values()), axis=0) == 1).all()


def test_factors_of_a_fold_come_from_the_other_folds(fitted: Fitted) -> None:
    settings = EnsembleSettings.quick()
    left_out = LeftOut.of(fitted.left_out["formula"], "formula", settings)
    own = left_out.fold == 0
    moved = replace(left_out.rows, log10_sigma=left_out.rows.log10_sigma + 50.0 * own)
    before, after = left_out.factors([0.9])[0], replace(left_out, rows=moved).factors([0.9])[0]
    assert after[own] == pytest.approx(before[own])
    assert (after[~own] > before[~own]).all()


def test_crps_of_left_out_rows_is_below_their_mean_error(fitted: Fitted) -> None:
    left_out = LeftOut.of(fitted.left_out["formula"], "formula", EnsembleSettings.quick())
    scores = left_out.scores(left_out.judged)
    assert 0.4 * scores["mae_uncensored"] < scores["crps_uncensored"] < scores["mae_uncensored"]


@pytest.mark.parametrize(
    ("forward", "family", "papers", "against"),
    [
        ((-0.05, -0.01), (-0.2, 0.1), 0.009, []),
        ((-0.05, 0.01), (-0.2, -0.1), -0.02, []),
        ((-0.05, 0.01), (-0.2, 0.1), 0.0, ["0 boards are better"]),
        ((0.01, 0.05), (-0.2, -0.1), 0.0, ["forward_all is worse"]),
        ((-0.05, -0.01), (-0.2, -0.1), 0.02, ["left-out papers are worse"]),
    ],
)
def test_a_recipe_passes_where_no_board_is_worse_and_one_is_better(
    forward: tuple[float, float], family: tuple[float, float], papers: float, against: list[str]
) -> None:
    limits = tomllib.loads(LIMITS.read_text(encoding="utf-8"))["recipe"]
    differences = {
        name: {"difference": difference, "high_95": high}
        for name, (difference, high) in (("forward_all", forward), ("family_mean", family))
    }
    found = objections(differences, {"difference": papers}, limits)
    assert len(found) == len(against)
    assert all(said.startswith(start) for said, start in zip(found, against, strict=True))


def test_a_look_at_a_board_is_numbered_and_appended(tmp_path: Path) -> None:
    log = tmp_path / "looks.md"
    other = "# Another log\n\n| no | date |\n| --- | --- |\n| 1 | 2026-11-22 |\n| 2 | 2026-11-22 |\n"
    log.write_text(
        f"{other}\n# Boards\n\n| no | date |\n| --- | --- |\n| 1 | 2026-11-22 | before |\n", encoding="utf-8"
    )
    figures = {name: {"mae": mae} for name, mae in (("recipe", 1.0), ("first_recipe", 1.25))}
    log_look(log, "forward", {"formula": {"all": figures}, "lattice": {"all": figures}})
    *_, formula, lattice = log.read_text(encoding="utf-8").splitlines()
    assert formula.startswith("| 2 | ")
    assert "forward, formula | all 1.000 / 1.250" in formula
    assert lattice.startswith("| 3 | ")


# ---------------------------------------------------------------- stability


def test_the_stability_benchmark_measures_what_it_says() -> None:
    from phase_tables import reference
    from stability import decomposition_energies, hydrolysis_errors, window_errors

    energies = reference()
    rows = np.arange(0, len(energies), 200)
    found = decomposition_energies(energies, rows)
    assert found["rows"] == len(rows)
    assert found["share_within_1_meV"] >= 0.98
    windows = window_errors(energies.phases)
    assert windows["reference_largest_mV"] <= 2.0
    assert windows["oxidation_mae_V"] < windows["oxidation_mae_V_with_unbalanced_formula"]
    hydrolysis = hydrolysis_errors(energies.phases)
    assert hydrolysis["sulfides_at_1_bar"]["n"] == 52
    # the published sulfide energies agree with hydrogen sulfide at 1 bar, not at 1 ppm
    assert hydrolysis["sulfides_at_1_bar"]["mae_eV"] < hydrolysis["sulfides_at_1_ppm"]["mae_eV"]
