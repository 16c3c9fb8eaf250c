"""Families of prototypes are told from formulas, and a net from which they are left out never saw them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from stability_world import table_of, world

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from stability_prototypes import FAMILIES, SPINEL, families_of, fitted, prototype_board

OF_FAMILY = {
    "Li7La3Zr2O12": "garnet",
    "LiTi2P3O12": "NASICON",
    "Li6PS5Cl": "argyrodite",
    "Li10GeP2S12": "LGPS",
    "Li3YCl6": "ternary and trihalides",
    "MgAl2O4": SPINEL,
    "Li2MgCl4": SPINEL,
    "LiFeO2": None,
    "Li3PO4": None,
}


def test_families_are_told_from_formulas() -> None:
    formulas = list(OF_FAMILY)
    table = table_of(formulas, np.full(len(formulas), -1.0), np.zeros(len(formulas), dtype=np.int64))
    families = families_of(table)
    for row, formula in enumerate(table.formula):
        found = [name for name, member in families.items() if member[row]]
        expected = OF_FAMILY[formula]
        if formula == "Li2MgCl4":  # a halide first, if the rules of halides fit
            assert len(found) == 1
        else:
            assert found == ([expected] if expected else []), formula


def test_no_compound_belongs_to_two() -> None:
    families = families_of(world())
    assert set(families) == {*FAMILIES, SPINEL}
    assert np.sum(list(families.values()), axis=0).max() == 1


def test_a_net_without_families_knows_none_of_their_phases() -> None:
    table = world()
    member, train = families_of(table)["argyrodite"], table.rows_of("train")
    assert member[train].any()
    known = fitted(table, train[~member[train]], epochs=1).surroundings
    own = table.phases.row_of_input
    assert not known.usable[own[train[member[train]]]].any()
    assert known.usable[own[train[~member[train]]]].all()


def test_the_board_scores_each_family_by_both_nets() -> None:
    table = world()
    board = prototype_board(table, quick=True)["families"]
    families, rows = families_of(table), np.concatenate([table.rows_of("train"), table.rows_of("val")])
    for name, member in families.items():
        assert board[name]["left_out"]["n"] == board[name]["left_out_but_known"]["n"] == member[rows].sum()
        n = int(member[table.rows_of("val")].sum())
        assert board[name]["validation_left_out"]["n"] == board[name]["validation_fitted"]["n"] == n
    assert board["argyrodite"]["left_out"]["ef_mae"] > 0.0
    others = board["all others, validation"]
    assert (
        others["left_out"]["n"]
        == others["fitted"]["n"]
        == pytest.approx(
            len(table.rows_of("val")) - sum(member[table.rows_of("val")].sum() for member in families.values())
        )
    )
