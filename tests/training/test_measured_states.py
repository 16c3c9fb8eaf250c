"""Measurements that disagree: found, put to their states, and said with their sources."""

from __future__ import annotations

import re

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.applicability import DomainIndex
from training.properties.conductivity.measured_states import (
    NOT_STATED,
    disagreement_words,
    measured_states,
    state_of,
    states_of,
)
from training.sources import missing


def index(*rows: tuple[str, float, float, bool, str]) -> DomainIndex:
    """Make an index of formula, log10 value, temperature, bound and DOI."""
    formulas, values, temperatures, bounds, dois = zip(*rows, strict=True)
    composition = MaterialBatch.from_formulas(list(formulas)).matrix()
    return DomainIndex(composition, formulas, np.array(values), np.array(temperatures), np.array(bounds), dois, 0.1)


def test_every_row_has_a_formula_a_state_a_value_and_a_source() -> None:
    rows = measured_states()
    assert len(set(rows)) == len(rows) > 100
    for row in rows:
        assert "Li" in parse_formula(row.formula)
        assert row.state
        assert len(row.state) < 60
        assert -20.0 < row.log10_sigma_S_per_cm < 0.0
        assert re.match(r"10\.\d{4,}/\S+$", row.doi) or row.source == "literature" or len(row.doi) > 10


def test_the_embedded_table_is_what_the_public_tables_say() -> None:
    if absent := missing(("obelix_train", "obelix_test", "laskowski", "laskowski_dois")):
        pytest.skip(f"public tables are absent: {', '.join(absent)}; run `elyte data fetch` or set a mirror")
    from training.properties.conductivity.table import load_training_table

    assert states_of(load_training_table(with_obelix_test=True)) == list(measured_states())


@pytest.mark.parametrize(
    ("formula", "value", "doi", "state"),
    [
        ("Li7La3Zr2O12", -5.7878, "10.1016/j.jssc.2009.05.020", "tetragonal (space group 142)"),
        ("La3Li7O12Zr2", -3.2916, "10.1002/anie.200701144", "cubic (space group 230)"),
        ("Li3PS4", -3.5071, "10.1002/adfm.202205998", "glass-ceramic"),
        ("Li3PS4", -3.5071, "10.1/other", NOT_STATED),
        ("Li3PS4", -2.0, "10.1002/adfm.202205998", NOT_STATED),
        ("Li2S", -8.0, "", NOT_STATED),
    ],
)
def test_a_state_belongs_to_one_value_of_one_paper(formula: str, value: float, doi: str, state: str) -> None:
    assert state_of(formula, value, doi) == state


def test_a_decade_apart_near_room_temperature_disagrees() -> None:
    domain = index(
        ("Li3PS4", -6.0, 25.0, False, "10.1/a"),
        ("Li6P2S8", -3.5, 20.0, False, "10.1/b"),
        ("LiCl", -8.0, 25.0, False, "10.1/c"),
        ("LiCl", -7.1, 25.0, False, "10.1/d"),  # less than a decade
        ("LiI", -7.0, 25.0, False, "10.1/e"),
        ("LiI", -3.0, 120.0, False, "10.1/f"),  # warm
        ("LiF", -12.0, 25.0, False, "10.1/g"),
        ("LiF", -10.0, 25.0, True, "10.1/h"),  # a bound above says nothing
        ("Li2O", -8.0, 25.0, False, "10.1/i"),
        ("Li2O", -10.0, 25.0, True, "10.1/j"),  # a bound below does
    )
    assert {formula: len(rows) for formula, rows in domain.disagreeing.items()} == {"Li3PS4": 2, "Li2O": 2}
    _, nearest = domain.describe(MaterialBatch.from_formulas(["Li12P4S16", "Li3.1PS4.05", "LiCl"]).matrix())
    assert [domain.disagreement_at(known[0]) for known in nearest] == ["Li3PS4", None, None]


def test_the_words_give_range_states_and_sources() -> None:
    domain = index(
        ("Li7La3Zr2O12", -5.787812, 25.0, False, "10.1016/j.jssc.2009.05.020"),
        ("Li7La3Zr2O12", -3.291579, 25.0, False, "10.1002/anie.200701144"),
        ("Li7La3Zr2O12", -9.0, 25.0, True, "10.1/own"),
    )
    whole, by_state = disagreement_words(domain, "Li7La3Zr2O12")
    assert whole == "3 measurements of Li7La3Zr2O12 near 25 C lie between <1.0e-09 and 5.1e-04 S/cm"
    assert by_state == (
        "cubic (space group 230) 5.1e-04 (10.1002/anie.200701144);"
        " tetragonal (space group 142) 1.6e-06 (10.1016/j.jssc.2009.05.020);"
        " state not stated <1.0e-09 (10.1/own)"
    )


def test_an_index_without_rows_that_repeat_disagrees_nowhere() -> None:
    assert index(("Li3PS4", -3.5, 25.0, False, "10.1/a")).disagreeing == {}
