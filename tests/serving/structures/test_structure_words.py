"""Which of structure and formula to believe, and the difference in words."""

from __future__ import annotations

import pytest

from serving.structures.words import SideBySide, believe, difference

ARGYRODITE = SideBySide(0.041, 0.008, 0.083, 0.0, True, -0.042, ())


def test_the_difference_is_one_sentence() -> None:
    assert difference(ARGYRODITE) == (
        "as drawn in your CIF 41 meV/atom above the hull (within 8 meV/atom); the formula alone 83 meV/atom above the"
        " hull (from the table): the structure has 42 meV/atom less than the cell that the table lists"
    )
    unlisted = SideBySide(-0.0104, 0.03, 0.0, 0.07, False, None, ())
    assert difference(unlisted) == (
        "as drawn in your CIF 10 meV/atom below the hull (within 30 meV/atom); the formula alone on the hull (by the"
        " nets, within 70 meV/atom)"
    )
    assert difference(ARGYRODITE._replace(formula=None)).endswith("the formula alone cannot be judged")
    assert "41 meV/atom more than" in difference(ARGYRODITE._replace(relative_to_listed=0.041))
    assert "has the energy that the table lists" in difference(ARGYRODITE._replace(relative_to_listed=0.0001))


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({}, "structure", "below the cell"),
        ({"structure": 0.079}, "both", "agree"),
        ({"structure": -0.958, "formula": -0.971}, "structure", "this arrangement"),
        ({"structure": -0.958, "formula": -0.962}, "both", "agree"),
        ({"listed": False, "structure": -0.3, "formula": 0.0, "formula_half_width": 0.005}, "both", "agree"),
        ({"structure": 0.15}, "structure", "this arrangement"),
        ({"doubts": ("not relaxed",)}, "formula", "not relaxed"),
        ({"formula": None}, None, "nothing to set beside"),
        ({"formula": None, "doubts": ("not relaxed",)}, None, "not relaxed"),
        ({"listed": False, "formula_half_width": 0.05}, "structure", "narrower"),
        ({"listed": False, "formula_half_width": 0.005, "structure": 0.09}, "both", "within their errors"),
        ({"listed": False, "formula_half_width": 0.005}, "formula", "know such compositions better"),
    ],
)
def test_the_verdict_follows_widths_and_doubts(change: dict[str, object], verdict: str | None, words: str) -> None:
    said, because = believe(ARGYRODITE._replace(**change))  # type: ignore[arg-type]
    assert said == verdict
    assert words in because
