"""Differences among alike compositions are scored as worked out by hand; NASICONs are told from everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stability_world import fitted, world

from features.candidate import MaterialBatch
from training.properties.stability.evaluation import differences, predict_rows
from training.properties.stability.families import Predicted, difference_scores, family_scores, nasicon_scores
from training.properties.stability.nasicon import (
    SOURCE,
    NasiconModel,
    NasiconTable,
    cross_validated,
    is_nasicon,
    read_nasicons,
)
from training.properties.stability.table import compositions
from training.sources import DATA_DIR_VARIABLE, MIRROR_VARIABLE, missing
from training.tables import TableError

METALS = ("Al", "Sc", "In", "Ga", "Y", "La")


def predicted(formulas: list[str], said: list[float], true: list[float], half_width: float = 0.1) -> Predicted:
    z, x = compositions(MaterialBatch.from_formulas(formulas))
    return Predicted(z, x, np.array(said), np.array(true), np.full(len(x), half_width))


def test_groups_share_the_anonymised_formula_and_the_anions() -> None:
    formulas = ["LiCl", "NaCl", "NaBr", "Li2O", "Na2O", "Li2S", "Li2O1"]
    groups = predicted(formulas, [0.0] * 7, [0.0] * 7).groups()
    assert sorted(map(tuple, groups)) == [(0, 1), (2,), (3, 4, 6), (5,)]


def test_pairs_differ_by_one_element_and_their_order_is_scored_where_they_are_apart() -> None:
    formulas = ["LiAlO2", "NaAlO2", "NaScO2", "LiScO2", "LiNaO2"]
    said = predicted(formulas, [0.0, 0.1, 0.3, 0.2, 0.0], [0.0, 0.1, 0.11, 0.5, 0.0], half_width=0.1)
    scores = difference_scores(said)
    # swaps: 0-1 right, 1-2 apart by 0.01 only, 2-3 wrong, 0-3 right, 0-4 not apart, 1-4 right, 2-4 right, 3-4 right
    assert scores["pairs"] == 6
    assert scores["pairs_in_order"] == pytest.approx(5 / 6)
    assert scores["groups"] == 0
    assert np.isnan(scores["spearman"])
    # the interval reaches 0.141: beyond it are 1-2 (0.19), 2-3 (0.49), 0-3 (0.3), 2-4 (0.19) and 3-4 (0.3)
    assert scores["coverage_90_differences"] == pytest.approx(3 / 8)


def test_amounts_exchanged_are_no_swap_of_an_element() -> None:
    assert difference_scores(predicted(["Li2NaO4", "LiNa2O4"], [0.0, 1.0], [1.0, 0.0]))["pairs"] == 0


def test_ranks_are_averaged_over_groups_and_parts_are_parts() -> None:
    rng = np.random.default_rng(0)
    chlorides = [f"{a}{m}Cl4" for a in ("Li", "Na", "K", "Rb") for m in METALS]
    oxides = [f"{a}{m}O2" for a in ("Li", "Na", "K", "Rb") for m in METALS]
    true = rng.normal(size=24)
    scores = family_scores(predicted(chlorides + oxides, [*true, *-true], [*true, *true]))
    assert scores["groups"] == 2
    assert scores["spearman"] == pytest.approx(0.0)
    assert scores["lithium_compounds"]["pairs"] < scores["pairs"]
    assert scores["four_elements_and_more"]["pairs"] == 0


def test_the_board_is_made_of_the_scored_rows() -> None:
    table = world()
    scored = predict_rows(fitted().model, table, ("train",), "test")
    board = differences(fitted().model, table, scored)
    assert 0.0 <= board["pairs_in_order"] <= 1.0
    assert (board["nasicon"] is None) == bool(missing((SOURCE,)))
    np.testing.assert_equal(board["group_spearman"], board["spearman"])
    if board["nasicon"] is not None:
        assert board["nasicon_spearman"] == board["nasicon"]["with_prior"]["spearman"]


@pytest.mark.parametrize(
    ("formula", "is_one"),
    [
        ("NaZr2(PO4)3", True),
        ("Na3Zr2Si2PO12", True),
        ("Na0.5Zr1.5Nb0.5(PO4)3", True),
        ("MgZr(SO4)3", True),
        ("Na3.4Zr2Si2.4P0.6O12", True),
        ("LiTi2(PO4)3", False),  # the source holds no lithium
        ("NaZr1.5Ti0.25Hf0.25(PO4)3", False),  # nor three metals
        ("NaFe2(PO4)3", False),
        ("NaZr2P3O11", False),
        ("NaZr3(PO4)3", False),
        ("Na5Zr2(SiO4)3", False),
        ("ZrO2", False),
    ],
)
def test_nasicons_are_told_from_everything_else(formula: str, is_one: bool) -> None:
    assert is_nasicon(MaterialBatch.from_formulas([formula])).tolist() == [is_one]


def made_family() -> tuple[NasiconTable, np.ndarray]:
    """Return NASICONs of six metals with energies that are quadratic in the fractions and lean on the hull."""
    formulas = [
        f"Na{1 + s:g}{first}{2 * n:g}{second}{2 - 2 * n:g}Si{s:g}P{3 - s:g}O12"
        for first in ("Zr", "Ti", "Hf")
        for second in ("Sn", "Ge")
        for n in (0.5, 0.75)
        for s in (1.0, 1.5, 2.0)
    ]
    batch = MaterialBatch.from_formulas(formulas)
    hull = -2.0 + 0.1 * np.random.default_rng(0).normal(size=len(batch))
    energy = 0.5 * batch.fraction_of("Zr") + 2.0 * batch.fraction_of("Na") * batch.fraction_of("Si") - 0.3 * hull
    return NasiconTable(batch, energy), hull


def test_the_regression_learns_a_law_and_comes_back_from_the_bundle() -> None:
    table, hull = made_family()
    assert is_nasicon(table.batch).all()
    model = NasiconModel.fit(table, hull)
    true = table.decomposition_energy_eV_per_atom
    assert np.abs(model(table.batch, hull) - true).mean() < 0.1 * true.std()
    back = NasiconModel.from_arrays(model.to_arrays())
    np.testing.assert_array_equal(back(table.batch, hull), model(table.batch, hull))


def test_no_metal_set_helps_to_predict_itself() -> None:
    table, hull = made_family()
    folds = table.folds()
    asked = np.flatnonzero(folds == folds[0])
    lies = table.decomposition_energy_eV_per_atom.copy()
    lies[asked] += 1.0
    honest, other = (cross_validated(each, hull)[asked] for each in (table, NasiconTable(table.batch, lies)))
    np.testing.assert_allclose(honest, other)


def test_chances_are_shares_of_errors() -> None:
    model = NasiconModel.fit(*made_family())
    chance = model.probability_stable(np.array([-10.0, 0.0, 10.0]))
    assert chance[0] > 0.95 > chance[1] > chance[2]
    assert chance[2] < 0.05


def test_the_source_is_read_without_its_faults_and_scored_without_listed_rows() -> None:
    if missing((SOURCE,)):
        pytest.skip("the table is not at hand")
    table = read_nasicons()
    assert len(table.batch) == 3090
    assert np.abs(table.decomposition_energy_eV_per_atom).max() <= 0.2
    some = table.take(np.arange(0, 3090, 30))
    scores = nasicon_scores(fitted().model, some)
    assert scores["n"] == len(some.batch)  # the made-up world lists none
    assert scores["second_source"]["mae"] < 0.05
    assert 0 <= scores["never_fitted"]["chance_stable"] <= 1


def test_a_row_that_is_no_nasicon_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.properties.stability import nasicon

    path = tmp_path / "table.csv"
    path.write_text("CompName,NewEhullLst\nNaZr2(PO4)3,10\nNaCl,3\n")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(nasicon, "require", lambda keys, purpose: None)
    monkeypatch.setattr(nasicon, "locate", lambda key: path)
    with pytest.raises(TableError, match="NaCl"):
        read_nasicons()
