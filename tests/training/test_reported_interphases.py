"""What papers report stands beside answers and never in them; the list is whole; the rule still finds it."""

from __future__ import annotations

import re

import pytest
from phase_tables import reference

from benchmarks.interphases import rows
from features.formula import parse_formula
from training.thermodynamics.interface import SolidContact, interface
from training.thermodynamics.interphase import Interphase
from training.thermodynamics.reactions import reduced
from training.thermodynamics.reported import practical_windows, reported_layer

DOI = re.compile(r"10\.\d{4,9}/\S+")


def key(formula: str) -> str:
    """Return a formula as the lists are asked for it."""
    return reduced(parse_formula(formula))[0]


def test_every_row_of_the_list_can_be_asked_and_has_its_source() -> None:
    known = rows()
    assert len(known) >= 30
    assert len({(row["formula"], row["against"]) for row in known}) == len(known)
    for row in known:
        assert DOI.fullmatch(row["doi"])
        assert row["interphase"] in tuple(Interphase)
        assert row["evidence"] in ("measured", "review", "computed")


@pytest.mark.parametrize("row", [row for row in rows() if row["named_by_review"]], ids=lambda row: row["formula"])
def test_the_eleven_that_the_review_names_are_judged_as_found(row: dict[str, str]) -> None:
    """More than the ten that were asked for; all rows: `python benchmarks/interphases.py`."""
    contact = interface(reference().phases, parse_formula(row["formula"]), [row["against"]]).contacts[0]
    assert isinstance(contact, SolidContact)
    assert str(contact.verdict.interphase) == row["interphase"], contact.verdict.why


def test_a_reported_layer_is_found_by_any_spelling_of_the_partner() -> None:
    for name in ("lithium", "Li metal", "Li", "lithium metal"):
        found = reported_layer(key("Li6PS5Cl"), name)
        assert found is not None
        assert found.interphase == "protective"
    assert reported_layer(key("Li6PS5Cl"), "NMC811") is None
    assert reported_layer(key("LiF"), "lithium") is None, "what was only computed is no report"


def test_a_practical_window_has_its_method() -> None:
    (window,) = practical_windows(key("Li6PS5Cl"))
    assert (window.low_V, window.high_V) == (1.08, 2.24)
    assert "indirect" in window.method
    assert DOI.fullmatch(window.doi)
    assert practical_windows(key("LiF")) == ()
