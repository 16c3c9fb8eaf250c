"""Sets of precursors by experience: they balance, they follow similar targets, the usual wins where nothing is near."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_syntheses import reported

from features.formula import parse_formula
from training.syntheses.evaluation import family_of, precursor_hits, rows_once
from training.syntheses.library import SynthesisLibrary
from training.syntheses.precursor_names import key_of
from training.syntheses.precursors import PrecursorExperience

ROWS = [
    *[reported("Li2ZrO3", ("Li2CO3", "ZrO2"), doi=f"10.1/{n}") for n in range(2)],
    reported("Li2TiO3", ("LiOH·H2O", "TiO2"), doi="10.1/ti"),
    reported("Li4Ti5O12", ("LiOH·H2O", "TiO2"), doi="10.1/ti5"),
    reported("Li6PS5Cl", ("Li2S", "P2S5", "LiCl"), doi="10.1/arg"),
    reported("Li3PS4", ("Li2S", "P2S5"), doi="10.1/lps"),
    reported("Li3PO4", ("Li2CO3", "NH4H2PO4"), doi="10.1/lpo"),
    reported("LiCl", ("LiCl·H2O",), doi="10.1/salt"),
]
LIBRARY = SynthesisLibrary.build(ROWS)
EXPERIENCE = PrecursorExperience(LIBRARY)


def _first(formula: str) -> set[str]:
    return set(EXPERIENCE.rank(parse_formula(formula), 1)[0].precursors)


def test_what_similar_targets_were_made_from_leads() -> None:
    assert _first("Li2Ti0.9Zr0.1O3") == {"LiOH·H2O", "TiO2", "ZrO2"}
    assert _first("Li2.1Zr0.9Ti0.1O3") == {"Li2CO3", "ZrO2", "TiO2"}


def test_a_set_that_covers_every_element_but_cannot_balance_gets_one_more() -> None:
    """LiCl and P2S5 hold every element of an argyrodite, yet too little lithium for its sulfur."""
    assert _first("Li5.5PS4.5Cl1.5") == {"Li2S", "P2S5", "LiCl"}


def test_no_oxide_is_made_from_for_a_target_without_oxygen() -> None:
    sets = EXPERIENCE.rank(parse_formula("Li4PS4Cl"), 10)
    assert sets
    assert all("O" not in (parse_formula(p.split("·")[0])) for one in sets for p in one.precursors)


def test_an_element_that_nobody_brought_has_no_set() -> None:
    assert EXPERIENCE.rank(parse_formula("Li3YCl6")) == []


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.95))
def test_shares_of_an_element_sum_to_one_and_sets_are_ordered(share: float) -> None:
    amounts = {"Li": 2.0, "Zr": share, "Ti": 1.0 - share, "O": 3.0}
    for bottles in EXPERIENCE.shares(amounts).values():
        assert sum(bottles.values()) == pytest.approx(1.0)
    scores = [one.log_share for one in EXPERIENCE.rank(amounts)]
    assert scores == sorted(scores, reverse=True)


def test_a_given_set_is_scored_wet_or_dry_and_a_stranger_is_punished() -> None:
    shares = EXPERIENCE.shares(parse_formula("Li2TiO3"))
    assert EXPERIENCE.log_share(shares, ["LiOH", "TiO2"]) == EXPERIENCE.log_share(shares, ["LiOH·H2O", "TiO2"])
    assert EXPERIENCE.log_share(shares, ["LiOH", "TiO2"]) > EXPERIENCE.log_share(shares, ["Li2CO3", "TiO2"])
    assert EXPERIENCE.log_share(shares, ["Li2CO3", "TiCl4"]) < math.log(1e-3)


def test_the_nearest_are_one_a_paper_and_no_salts() -> None:
    found = [LIBRARY.targets[row] for row, _ in LIBRARY.nearest(parse_formula("Li6PS5Cl"), 3)]
    assert found[0] == "Li6PS5Cl"
    assert "LiCl" not in found
    near = LIBRARY.nearest(parse_formula("Li2ZrO3"), 10)
    assert len({LIBRARY.dois[row] for row, distance in near if distance == 0.0}) == 2


def test_a_library_survives_its_arrays() -> None:
    again = SynthesisLibrary.from_arrays(LIBRARY.arrays())
    assert (again.targets, again.dois, again.precursors) == (LIBRARY.targets, LIBRARY.dois, LIBRARY.precursors)
    np.testing.assert_array_equal(again.heating, LIBRARY.heating)
    first, second = (PrecursorExperience(one).rank(parse_formula("Li2.1Ti0.9Al0.1O3")) for one in (again, LIBRARY))
    assert first == second


def test_taking_rows_keeps_their_bottles() -> None:
    some = LIBRARY.take(np.array([2, 4]))
    assert [some.targets[n] for n in range(2)] == ["Li2TiO3", "Li6PS5Cl"]
    assert set(map(key_of, some.precursors_of(1))) == set(map(key_of, ("Li2S", "P2S5", "LiCl")))


def test_hits_count_whole_sets() -> None:
    asked = SynthesisLibrary.build([*ROWS, reported("Li2Zr0.9Ti0.1O3", ("Li2CO3", "ZrO2", "TiO2"), doi="10.1/new")])
    hits = precursor_hits(LIBRARY, asked, [len(asked) - 1])
    assert hits["experience"].share[1] == 1.0
    assert rows_once(asked, np.ones(len(asked), dtype=bool))[:2] == [0, 2]


def test_families_are_told_by_elements() -> None:
    assert family_of("Li6.4La3Zr1.4Ta0.6O12") == "garnets"
    assert family_of("LiFePO4") is None
