"""Checks of doubtful formulas are left out only where they would find nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from features import formula_doubts
from features.formula_doubts import MAY_MISLEAD, doubt_of
from features.formula_terms import plain_amounts

CHECKS = (
    formula_doubts._leading_zero,
    formula_doubts._digit_for_letter,
    formula_doubts._letter_for_chlorine,
    formula_doubts._point_or_adduct,
    formula_doubts._lost_digit,
    formula_doubts._oxidation_state,
    formula_doubts._capitals,
    formula_doubts._doubled,
    formula_doubts._remark,
)
PIECES = (
    *("Li", "Na", "La", "Zr", "P", "S", "Cl", "C", "I", "In", "O", "N", "Ni", "Co", "NI", "CO", "No", "Po", "V", "H"),
    *("(PO4)", "(Ag)", "(III)", "[IV]", "S", "O", "C1", "CI", "SI", "HF"),
)
NUMBERS = ("", "", "", "2", "3", "10", "20", "12", "05", "50", "0.5", "1.5", ".5", "2.", "4.25", "0.250", "5", "1.05")


def formulas(count: int) -> Iterator[str]:
    """Yield made-up formulas of plain terms, many of them slips."""
    random_state = random.Random(23)
    while count:
        terms = (random_state.choice(PIECES) + random_state.choice(NUMBERS) for _ in range(random_state.randint(1, 5)))
        formula = "".join(terms)
        if plain_amounts(formula) is not None:
            count -= 1
            yield formula


def test_no_check_is_left_out_that_would_doubt() -> None:
    doubted = 0
    for formula in formulas(20_000):
        amounts = plain_amounts(formula)
        assert amounts is not None
        expected = None
        if MAY_MISLEAD.search(formula):
            expected = next((str(error) for check in CHECKS if (error := check(formula, amounts))), None)
        found = doubt_of(formula, amounts)
        assert (None if found is None else str(found)) == expected, formula
        doubted += expected is not None
    assert doubted > 2_000, "the formulas hold hardly any slips: they show nothing"


@pytest.mark.parametrize("end", ["(OH)2", "(", "@", "H20", ".1", "No", ""])
@pytest.mark.parametrize("pieces", [["123"], ["12", "1.25", "0.123"], ["1000.0001"]])
def test_no_long_formula_is_looked_at_for_long(pieces: list[str], end: str) -> None:
    """Where an amount can be matched in two ways, nineteen can in half a million, and one text stops a service."""
    symbols = "Li P S Na Mg Al Si K Ca O Ti V Cr Mn Fe Ni Cu Zn Ga".split()
    formula = "".join(symbol + pieces[i % len(pieces)] for i, symbol in enumerate(symbols)) + end
    started = time.process_time()
    doubt_of(formula, plain_amounts(formula) or {"Li": 1.0})
    assert time.process_time() - started < 0.1
