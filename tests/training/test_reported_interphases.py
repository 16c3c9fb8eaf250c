"""What papers report stands beside answers and never in them; the list is whole; the rule still finds it."""

from __future__ import annotations

import re

import pytest
from phase_tables import reference

from benchmarks.interphases import rows
from features.formula import parse_formula
from training.thermodynamics.interface import SolidContact, interface
from training.thermodynamics.interphase import Interphase
from training.thermodynamics.partners import find_partners
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
        (partner,) = find_partners([name])
        found = reported_layer(key("Li6PS5Cl"), partner)
        assert found is not None
        assert (found.interphase, found.voltage_V) == ("protective", None)
        assert reported_layer(key("LiF"), partner) is None, "what was only computed is no report"
    assert all(reported_layer(key("Li6PS5Cl"), partner) is None for partner in find_partners(["NMC811", "Li-In"]))


def test_a_layer_at_a_cathode_stands_beside_the_charged_one_with_its_voltage() -> None:
    discharged, charged, typed = find_partners(["LCO", "Li0.50CoO2"])
    assert reported_layer(key("Li3YCl6"), discharged) is None
    for partner in (charged, typed):
        found = reported_layer(key("Li3YCl6"), partner)
        assert found is not None
        assert (found.interphase, found.voltage_V, found.doi) == ("stable", 4.2, "10.1002/adma.201803075")
    measured = [row for row in rows() if row["voltage_V"] and row["evidence"] == "measured"]
    assert len(measured) >= 4
    for row in measured:
        shown = [reported_layer(key(row["formula"]), partner) for partner in find_partners([row["against"]])]
        assert [found is not None for found in shown] == [False, True], row["against"]


def test_a_practical_window_has_its_method() -> None:
    (window,) = practical_windows(key("Li6PS5Cl"))
    assert (window.low_V, window.high_V) == (1.08, 2.24)
    assert "indirect" in window.method
    assert DOI.fullmatch(window.doi)
    assert practical_windows(key("LiF")) == ()
