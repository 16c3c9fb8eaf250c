"""Compositions written back: one spelling a composition, the one that papers use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.candidate import Candidate
from features.elements import SYMBOLS
from features.formula import parse_formula, read_formula
from features.formula_writing import write_formula

AS_PAPERS_WRITE_IT = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li6.5La3Zr1.5Ta0.5O12",
    "Li10GeP2S12",
    "Li1.3Al0.3Ti1.7P3O12",
    "Li3YCl6",
    "LiTaOCl4",
    "Li2ZrCl6",
    "Li3OCl",
    "Li2OHCl",
    "LiOH",
    "H2O",
    "NH3",
    "H2S",
    "HCl",
    "LiNH2",
    "LiBH4",
    "LiCB11H12",
    "LiAlH4",
    "Li4BN3H10",
    "LiNO3",
    "LiClO4",
    "Li2CO3",
    "LiHCO3",
    "LiH2PO4",
    "Li2SO4",
    "LiPF6",
    "LiBF4",
    "LiPO2F2",
    "Li2PO2N",
    "Li2.9PO3.3N0.46",
    "Li6PS4.5O0.5Cl",
    "Li9N2Cl3",
    "Li3YCl3Br3",
    "Na3Zr2Si2PO12",
    "LiNi0.8Co0.1Mn0.1O2",
    "LiFePO4",
    "LiNbO3",
    "Li4Ti5O12",
    "LiAlSiO4",
)


@pytest.mark.parametrize("formula", AS_PAPERS_WRITE_IT)
def test_a_composition_is_written_as_papers_write_it_whatever_order_was_typed(formula: str) -> None:
    backwards = dict(reversed(parse_formula(formula).items()))

    assert write_formula(backwards) == formula


@pytest.mark.parametrize("typed", [*AS_PAPERS_WRITE_IT, "NaN", "Li1P1O1N1", "Li20.0", "LiOH·H2O", "2Li3N"])
def test_naming_the_text_that_was_read_changes_nothing_that_is_written(typed: str) -> None:
    reading = read_formula(typed)
    assert write_formula(reading.amounts, sound=reading.formula) == write_formula(reading.amounts)
    assert write_formula(reading.amounts, sound=typed) == write_formula(reading.amounts)


@given(st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 40), min_size=1, max_size=6), st.integers(2, 5))
def test_multiples_of_a_composition_are_written_alike(amounts: dict[str, int], times: int) -> None:
    assert write_formula(amounts) == write_formula({symbol: amount * times for symbol, amount in amounts.items()})


def test_what_was_read_as_it_is_written_is_not_doubted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    candidate, other = Candidate.from_formula("Li10GeP2S12"), Candidate.from_formula("GeLi10P2S12")

    def refuse(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("features.formula_writing.doubt_of", refuse)
    assert candidate.read_as == "Li10GeP2S12"
    with pytest.raises(AssertionError, match="asked again"):
        assert other.read_as


@pytest.mark.parametrize("text", ["NaN", "Li6PS5Cl", "LiOH"])
def test_a_word_or_a_name_is_written_out_although_it_was_read(text: str) -> None:
    amounts = parse_formula(text)
    assert write_formula(amounts, sound=text) == write_formula(amounts)
