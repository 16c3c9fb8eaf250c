"""Which precursors are the same, and which elements need one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.syntheses.precursor_names import composition_key, key_of, source_elements, without_water

AMOUNTS = st.dictionaries(st.sampled_from(["Li", "P", "S", "O", "Cl", "Zr"]), st.integers(1, 12), min_size=1)


@given(AMOUNTS, st.integers(1, 5))
def test_a_composition_has_one_key_whatever_its_order_and_size(amounts: dict[str, int], times: int) -> None:
    other = {symbol: times * amounts[symbol] for symbol in sorted(amounts, reverse=True)}
    assert composition_key(amounts) == composition_key(other)


@given(AMOUNTS)
def test_another_composition_has_another_key(amounts: dict[str, int]) -> None:
    assert composition_key(amounts) != composition_key({**amounts, "Ta": 1})


@pytest.mark.parametrize(
    ("first", "second"), [("P2S5", "P4S10"), ("H3BO3", "B(OH)3"), ("NH4H2PO4", "H6NPO4"), ("LiHO", "LiOH")]
)
def test_bottles_of_one_composition_are_one(first: str, second: str) -> None:
    assert key_of(first) == key_of(second)


def test_water_is_told_from_the_salt() -> None:
    assert without_water("Al(NO3)3·9H2O") == "Al(NO3)3"
    assert key_of("LiOH·H2O") != key_of("LiOH") == key_of(without_water("LiOH·H2O"))


def test_a_text_that_is_no_formula_keeps_its_name() -> None:
    assert key_of("Mn(ac)2") == "Mn(ac)2"


def test_elements_of_the_air_need_no_bottle_unless_nothing_else_is_there() -> None:
    assert source_elements({"Li": 2, "C": 1, "O": 3}) == {"Li"}
    assert source_elements({"C": 3, "N": 4}) == {"C", "N"}
