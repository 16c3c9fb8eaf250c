"""Measurements that disagree: found, put to their states, and said with their sources."""

from __future__ import annotations

import numpy as np
import pytest
from samples_world import samples_of

from features.candidate import MaterialBatch
from training.applicability import DomainIndex
from training.properties.conductivity.measured_states import disagreement_words, in_state_words
from training.properties.conductivity.samples import symmetry

Row = tuple[str, float, float, bool, str]


def index(*rows: Row) -> DomainIndex:
    """Make an index of formula, log10 value, temperature, bound and DOI."""
    formulas, values, temperatures, bounds, dois = zip(*rows, strict=True)
    composition = MaterialBatch.from_formulas(list(formulas)).matrix()
    return DomainIndex(composition, formulas, np.array(values), np.array(temperatures), np.array(bounds), dois, 0.1)


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


def test_an_index_without_rows_that_repeat_disagrees_nowhere() -> None:
    assert index(("Li3PS4", -3.5, 25.0, False, "10.1/a")).disagreeing == {}


def test_the_words_give_range_states_and_sources() -> None:
    samples = samples_of(
        ("Li7La3Zr2O12", -5.787812, {"doi": "10.1016/j.jssc.2009.05.020", "state": symmetry(142)}),
        ("Li7La3Zr2O12", -3.291579, {"doi": "10.1002/anie.200701144", "state": symmetry(230)}),
        ("Li7La3Zr2O12", -9.0, {"doi": "10.1/own", "is_upper_bound": True}),
    )
    whole, by_state = disagreement_words(samples, [0, 1, 2], "Li7La3Zr2O12")
    assert whole == "3 measurements of Li7La3Zr2O12 near 25 C lie between <1.0e-09 and 5.1e-04 S/cm"
    assert by_state == (
        "cubic (space group 230) 5.1e-04 (10.1002/anie.200701144);"
        " tetragonal (space group 142) 1.6e-06 (10.1016/j.jssc.2009.05.020);"
        " state not stated <1.0e-09 (10.1/own)"
    )


def test_a_stated_state_tells_what_was_measured_in_it() -> None:
    samples = samples_of(
        ("Li3PS4", -3.5, {"doi": "10.1/a", "state": "glass-ceramic, hot-pressed"}),
        ("Li3PS4", -3.7, {"doi": "10.1/b", "state": "amorphous"}),
        ("Li3PS4", -6.0, {"doi": "10.1/c", "state": "crystal"}),
    )
    assert "1 of 3 measurements are glass: 2.0e-04 S/cm (10.1/b)" in in_state_words(samples, [0, 1, 2], "glass")
    assert "no measurement of this material is known to be sintered" in in_state_words(samples, [0, 1, 2], "sintered")
    assert "'crushed' is none" in in_state_words(samples, [0, 1, 2], "crushed")


@pytest.mark.parametrize(("group", "words"), [(142, "tetragonal"), (143, "trigonal"), (1, "triclinic"), (230, "cubic")])
def test_a_space_group_tells_the_crystal_system(group: int, words: str) -> None:
    assert symmetry(group) == f"{words} (space group {group})"


@pytest.mark.parametrize("group", [float("nan"), 0, 231])
def test_no_space_group_tells_nothing(group: float) -> None:
    assert symmetry(group) == ""
