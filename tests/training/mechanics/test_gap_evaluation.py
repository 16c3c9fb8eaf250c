"""Scores of left-out systems are those of the predictions, by group and by row; measured gaps are only compared."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from gap_world import made_table

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.properties.mechanics.gap_evaluation import N_WORST, GapScores, evaluate_gap, measured_gaps
from training.properties.mechanics.gap_fit import GapSettings, LeftOutGaps, predict_left_out
from training.properties.mechanics.gap_lookup import GapLookup


@cache
def predicted() -> LeftOutGaps:
    return predict_left_out(made_table(), GapSettings.quick())


@cache
def scores() -> GapScores:
    return evaluate_gap(made_table(), predicted())


def batch_of(*formulas: str) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])


def test_groups_are_parts_of_all() -> None:
    groups = scores().groups
    assert groups["all"].n == len(predicted().compositions)
    assert groups["metals"].n + groups["non_metals"].n == groups["all"].n
    assert groups["metals"].n == groups["metals"].n_metals == groups["all"].n_metals
    assert groups["lithium_non_metals"].n == groups["lithium"].n - groups["lithium"].n_metals
    assert 0 < groups["lithium"].n < groups["all"].n


def test_metals_and_others_are_told_apart() -> None:
    assert scores().groups["all"].auc_metal > 0.95
    assert math.isnan(scores().groups["metals"].auc_metal)


def test_nine_of_ten_are_covered() -> None:
    groups = scores().groups
    assert groups["non_metals"].coverage_90 > 0.85
    assert groups["metals"].coverage_90 > 0.85
    assert 0.0 < groups["all"].mean_half_width_eV < 3.0


def test_errors_are_those_of_the_groups() -> None:
    groups = scores().groups
    metals, others, everything = groups["metals"], groups["non_metals"], groups["all"]
    both = (metals.mae_eV * metals.n + others.mae_eV * others.n) / everything.n
    assert everything.mae_eV == pytest.approx(both)
    assert metals.bias_eV == pytest.approx(metals.mae_eV)


def test_the_spread_of_polymorphs_is_a_floor() -> None:
    assert 0.0 < scores().rows_floor_eV < scores().rows_mae_eV
    assert 0.0 < scores().rows_lithium_floor_eV < scores().rows_lithium_mae_eV


def test_the_worst_are_named_with_what_the_table_says() -> None:
    worst = scores().worst
    misses = [abs(miss.predicted_eV - miss.middle_eV) for miss in worst]
    assert len(worst) == N_WORST
    assert misses == sorted(misses, reverse=True)
    for miss in worst:
        assert miss.formula in predicted().compositions.formula
        assert miss.lowest_eV <= miss.middle_eV <= miss.highest_eV
        assert miss.interval_eV[0] <= miss.predicted_eV <= miss.interval_eV[1]
        assert 0.0 <= miss.p_metal <= 1.0


def test_measured_gaps_are_compared_with_each_statistic() -> None:
    batch = batch_of("Li2S", "Li4S2", "LiCl", "TiN", "NaCl")
    lookup = GapLookup.build(batch, np.array([2.0, 4.0, 6.0, 0.0, 5.0]), np.array([0, 0, 1, 2, 3]))
    found = measured_gaps(lookup, batch_of("Li2S", "LiCl", "TiN", "NaCl", "KCl"), np.array([4.5, 9.0, 0.0, 0.0, 8.0]))
    assert found.n == 2
    assert found.ratio_quartiles[1] == pytest.approx(1.5)
    assert found.offset_eV == pytest.approx(1.5)
    assert found.mae_eV["middle"] == pytest.approx(0.0)
    assert found.mae_eV["lowest"] == pytest.approx(0.5)
    assert found.metals_right == {"lowest": 1.0, "middle": 1.0, "highest": 1.0}


def test_nothing_to_compare_is_refused() -> None:
    batch = batch_of("TiN")
    lookup = GapLookup.build(batch, np.zeros(1), np.zeros(1, dtype=np.int64))
    with pytest.raises(ValueError, match="none of 1 compounds has a measured gap and one in the table"):
        measured_gaps(lookup, batch, np.array([2.0]))
