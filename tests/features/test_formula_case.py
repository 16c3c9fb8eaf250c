"""A formula in capitals or small letters alone is refused, and the refusal names what was meant."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.elements import SYMBOLS
from features.errors import CandidateError, RowErrorCode
from features.formula import parse_formula
from features.formula_case import hint_of_case, other_cases

DIVERSE = (Path(__file__).parent / "diverse_formulas.txt").read_text(encoding="utf-8").split()
FOLDS = (str.upper, str.lower, str.swapcase)


def message_of(text: str) -> str:
    with pytest.raises(CandidateError) as caught:
        parse_formula(text)
    return caught.value.message


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text)).lower()


def is_read(text: str) -> bool:
    try:
        return bool(parse_formula(text))
    except CandidateError:
        return False


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("LI6PS5CL", "Li6PS5Cl"),
        ("li6ps5cl", "Li6PS5Cl"),
        ("Li6PS5cl", "Li6PS5Cl"),
        ("NaCL", "NaCl"),
        ("LICOO2", "LiCoO2"),
        ("lifepo4", "LiFePO4"),
        ("LI3YBCL6", "Li3YbCl6"),
        ("LI1.3AL0.3TI1.7(PO4)3", "Li1.3Al0.3Ti1.7(PO4)3"),
        ("75LI2S-25P2S5", "75Li2S-25P2S5"),
        (" LI₃PS₄ ", "Li3PS4"),
    ],
)
def test_the_refusal_names_the_formula_that_was_meant(typed: str, meant: str) -> None:
    assert other_cases(typed) == [meant]
    assert f"; write {meant}: the first letter" in message_of(typed)


@pytest.mark.parametrize("typed", ["Li3PS4cubic", "LLTOX", "LIXCL6", "<sub>LI</sub>", "L", "Licl", "", "{}", "LI{0}CL"])
def test_nothing_is_proposed_where_nothing_can_be_meant(typed: str) -> None:
    assert other_cases(typed) == []
    assert hint_of_case(typed) == ""


def test_a_variable_is_not_taken_for_an_element() -> None:
    assert message_of("Li6yPS5Cl").endswith("give a number in place of the variable")
    assert message_of("LiDCL").endswith("write every hydrogen as H")


@pytest.mark.parametrize("fold", FOLDS)
def test_most_formulas_of_the_list_are_found_again(fold: Callable[[str], str]) -> None:
    """Measured: of those refused in the wrong case, all but a few come back as they were."""
    refused = [(formula, fold(formula)) for formula in DIVERSE if is_read(formula) and not is_read(fold(formula))]
    again = [other_cases(typed) == [formula] for formula, typed in refused]
    assert len(again) > 0.8 * len(DIVERSE)
    assert sum(again) >= 0.97 * len(again)


@given(
    st.lists(st.sampled_from([*SYMBOLS, "2", "0.5", "12", "(", ")", "-", "·", "."]), max_size=12),
    st.sampled_from(FOLDS),
)
def test_a_proposal_has_the_letters_of_the_text_and_is_read(pieces: list[str], fold: Callable[[str], str]) -> None:
    typed = fold("".join(pieces))
    for proposed in other_cases(typed):
        assert proposed.lower() == typed.lower()
        assert proposed != typed
        assert is_read(proposed) or "first letter" not in message_of(proposed)


@given(st.text(max_size=40))
def test_no_text_breaks_the_search(text: str) -> None:
    assert all(letters(proposed) == letters(text) for proposed in other_cases(text))


@pytest.mark.parametrize("text", ["NI" * 150, "COSNHF" * 50, "c" * 300, "(" * 300, "S1" * 150])
def test_no_text_within_the_limit_takes_long(text: str) -> None:
    started = time.process_time()
    other_cases(text)
    assert time.process_time() - started < 0.1


def test_a_column_of_what_is_read_in_many_ways_does_not_take_long() -> None:
    started = time.process_time()
    for count in range(2, 102):
        other_cases(f"nisnnisn{count}insibhfhf")
    assert time.process_time() - started < 1.0  # 2.5 s where every reading is looked at for doubts


def test_the_code_of_the_refusal_stays() -> None:
    for typed, code in (("LI6PS5CL", RowErrorCode.UNKNOWN_ELEMENT), ("li3ps4", RowErrorCode.UNPARSEABLE_FORMULA)):
        with pytest.raises(CandidateError) as caught:
            parse_formula(typed)
        assert caught.value.code is code
