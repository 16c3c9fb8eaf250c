"""Rows of the table as the arrays that the members learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_world import synthetic_table

from training.properties.conductivity.arrhenius import to_temperature
from training.properties.conductivity.rows import UNDATED_YEAR, ConductivityRows
from training.properties.conductivity.schema import TableColumn


def rows_of(**changes: object) -> ConductivityRows:
    return ConductivityRows.from_table(synthetic_table().iloc[:12].assign(**changes))


def test_a_row_is_what_stands_in_the_table(synthetic_rows: ConductivityRows) -> None:
    table = synthetic_table()
    assert len(synthetic_rows) == len(table)
    np.testing.assert_array_equal(synthetic_rows.log10_sigma, table[TableColumn.LOG10_SIGMA])
    np.testing.assert_array_equal(synthetic_rows.formula, table[TableColumn.FORMULA])
    np.testing.assert_array_equal(synthetic_rows.doi, table[TableColumn.DOI])
    np.testing.assert_array_equal(synthetic_rows.descriptors.has_lattice, table[TableColumn.A].notna())
    np.testing.assert_allclose(synthetic_rows.descriptors.composition.sum(axis=1), 1.0)


def test_observations_are_the_arrhenius_law(synthetic_rows: ConductivityRows) -> None:
    """With a = log10 sigma(25 C) and E of a material, of_sigma a + of_energy E is what was measured on it."""
    a, energy = -3.0, 0.35
    measured = to_temperature(np.full(len(synthetic_rows), a), energy, synthetic_rows.temperature_C)
    rows = replace(
        synthetic_rows, log10_sigma=measured, activation_energy_eV=np.where(synthetic_rows.has_energy, energy, np.nan)
    )
    o = rows.observations()
    np.testing.assert_allclose(o.of_sigma * a + o.of_energy * energy, o.value, atol=1e-12)
    assert len(o.value) == rows.has_sigma.sum() + rows.has_energy.sum()
    is_sigma = o.of_sigma > 0
    np.testing.assert_array_equal(o.material[is_sigma], np.flatnonzero(rows.has_sigma))
    np.testing.assert_array_equal(o.material[~is_sigma], np.flatnonzero(rows.has_energy))
    np.testing.assert_array_equal(o.is_upper_bound[is_sigma], rows.is_upper_bound[rows.has_sigma])
    assert not o.is_upper_bound[~is_sigma].any()


def test_a_row_with_an_activation_energy_only_is_one_observation() -> None:
    rows = rows_of(**{TableColumn.LOG10_SIGMA: np.nan, TableColumn.ACTIVATION_ENERGY: 0.3})
    assert not rows.has_sigma.any()
    o = rows.observations()
    np.testing.assert_array_equal(o.of_sigma, 0.0)
    np.testing.assert_array_equal(o.value, 0.3)


def test_rows_of_a_large_paper_weigh_less_each_and_more_together() -> None:
    paper = ["10.1/a"] * 9 + ["10.1/b", "10.1/c", "10.1/d"]
    weights = rows_of(**{TableColumn.DOI: paper}).weights()
    assert weights.mean() == pytest.approx(1.0)
    assert len(set(weights[:9])) == len(set(weights[9:])) == 1
    assert weights[0] < weights[9] < weights[:9].sum()


def test_papers_are_joined_by_doi_but_a_review_joins_nobody() -> None:
    doi = ["10.1/a", "10.1/A|10.1/b", "10.1/b", "10.1/c"] + ["10.1/review"] * 8
    provenance = ["primary"] * 4 + ["review"] * 8
    rows = rows_of(**{TableColumn.DOI: doi, TableColumn.PROVENANCE: provenance})
    assert len(set(rows.paper[:3])) == 1
    assert len(set(rows.paper)) == 1 + 1 + 8


def test_folds_leave_out_every_row_once_whatever_the_number() -> None:
    rows = rows_of()
    for n_folds in (2, 4):
        left_out = np.concatenate([test for _, test in rows.folds(n_folds, seed=1)])
        assert sorted(left_out) == list(range(12))


def test_a_copy_of_a_left_out_material_is_not_learnt_from() -> None:
    table = synthetic_table().iloc[:12].copy()
    table.loc[11, TableColumn.FORMULA] = table.loc[0, TableColumn.FORMULA]  # measured again by another paper
    rows = ConductivityRows.from_table(table)
    for train, test in rows.folds(4, seed=1):
        assert not {0, 11} & set(train) or not {0, 11} & set(test)


def test_take_keeps_rows_together(synthetic_rows: ConductivityRows) -> None:
    order = np.random.default_rng(0).permutation(len(synthetic_rows))[:20]
    taken = synthetic_rows.take(order)
    assert len(taken) == 20
    np.testing.assert_array_equal(taken.formula, synthetic_rows.formula[order])
    np.testing.assert_array_equal(taken.descriptors.chemistry, synthetic_rows.descriptors.chemistry[order])
    assert len(synthetic_rows.take(np.zeros(len(synthetic_rows), dtype=bool))) == 0


def test_a_year_is_the_tables_or_else_the_dois() -> None:
    doi = ["10.1016/j.ssi.2012.03.045", "10.1039/c3ta15264b", "10.9999/untold", *["10.1/x"] * 9]
    stated = [2019.0, *[np.nan] * 11]
    rows = rows_of(**{TableColumn.DOI: doi, TableColumn.YEAR: stated})
    np.testing.assert_array_equal(rows.year[:3], [2019.0, 2013.0, np.nan])
    assert np.isnan(rows.year[3:]).all()


def test_a_row_counts_half_after_the_half_life_and_the_recent_median_follows() -> None:
    year, sigma = [2020.0] * 6 + [2014.0] * 6, [-3.0] * 6 + [-9.0] * 6
    doi = [f"10.1/{i}" for i in range(12)]
    rows = rows_of(
        **{
            TableColumn.YEAR: year,
            TableColumn.LOG10_SIGMA: sigma,
            TableColumn.IS_UPPER_BOUND: False,
            TableColumn.DOI: doi,
        }
    )
    weights = rows.weights(6.0)
    np.testing.assert_allclose(weights[:6] / weights[6:], 2.0)
    np.testing.assert_allclose(rows.weights(), 1.0)
    assert rows.recent_median(1.0) == pytest.approx(-3.0, abs=0.1)
    assert -9.0 < rows.recent_median(np.inf) < -3.0


def test_an_undated_row_is_taken_for_an_old_one() -> None:
    rows = rows_of(**{TableColumn.YEAR: np.nan})
    assert np.isnan(rows.year).all()
    np.testing.assert_array_equal(rows.dated(), UNDATED_YEAR)
