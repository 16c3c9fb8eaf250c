"""Formula patterns: read as a chemist means them, refused with the place, expanded to what arithmetic says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.formula import parse_formula
from serving.generation.block import expand
from serving.generation.compositions import write_formulas
from serving.generation.errors import GenerationError, PatternError
from serving.generation.pattern import read_pattern
from serving.generation.request import GenerationRequest, generate
from serving.generation.variables import grid, read_variable


def formulas(*patterns: str, **values: str) -> list[str]:
    variables = dict(read_variable(f"{name}={text}") for name, text in values.items())
    return generate(GenerationRequest(patterns, variables)).formula


@pytest.mark.parametrize(
    "pattern", ["Li{6-x}PS{5-x}Cl{1+x}", "Li6-xPS5-xCl1+x", "Li(6-x)PS(5-x)Cl(1+x)", "Li₆−xPS5-xCl1+x"]
)
def test_argyrodites_in_every_spelling(pattern: str) -> None:
    assert formulas(pattern, x="0:0.5:0.25") == ["Li6PS5Cl", "Li5.75PS4.75Cl1.25", "Li5.5PS4.5Cl1.5"]


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        ("Li7-3xAlxLa3Zr2O12", {"x": "0.2"}, ["Li6.4Al0.2La3Zr2O12"]),
        ("Li{7-3x}Al{x}La3Zr2O12", {"x": "0,0.25"}, ["Li7La3Zr2O12", "Li6.25Al0.25La3Zr2O12"]),
        ("Li1+xAlxTi2-x(PO4)3", {"x": "0.3"}, ["Li1.3Al0.3Ti1.7P3O12"]),
        ("Li3{Y,In,Sc}Cl6", {}, ["Li3YCl6", "Li3InCl6", "Li3ScCl6"]),
        ("Li3(Y{1-a}In{a})Cl6", {"a": "0.25"}, ["Li3Y0.75In0.25Cl6"]),
        ("Li2Zr{Cl,Br}6", {}, ["Li2ZrCl6", "Li2ZrBr6"]),
        ("xLi2S-(1-x)P2S5", {"x": "0.75"}, ["Li1.5P0.5S2"]),
        ("75Li2S-25P2S5", {}, ["Li150P50S200"]),
        ("{x}Li2S·{1-x}P2S5", {"x": "0.5"}, ["LiPS3"]),
        ("Li3{PS4,SbS4}", {}, ["Li3PS4", "Li3SbS4"]),
        ("Li{6-x-y}PS{5-x-y}Cl{1+x}Br{y}", {"x": "0,0.1", "y": "0.2"}, ["Li5.8PS4.8ClBr0.2", "Li5.7PS4.7Cl1.1Br0.2"]),
        ("Lix/2O", {"x": "4"}, ["Li2O"]),
        ("Li{2(1-x)/4}O", {"x": "-1"}, ["LiO"]),
    ],
)
def test_patterns_say_what_they_mean(pattern: str, values: dict[str, str], expected: list[str]) -> None:
    assert formulas(pattern, **values) == expected


@pytest.mark.parametrize(
    ("pattern", "position", "word"),
    [
        ("Li{6-x}PS{5-", 9, "closes"),
        ("Li{6-x}Qq5", 7, "element"),
        ("Li{6-x}PS5)", 10, "not opened"),
        ("li6ps5cl", 8, "element is missing"),
        ("Li{1+}S", 5, "missing"),
        ("Li3(Y,In)Cl6", 5, "braces"),
        ("Li{}S", 2, "empty"),
        ("", 0, "empty"),
        ("Li{x..2}S", 4, "missing"),
        ("Li{1..9}Cl", 5, "two numbers"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(pattern: str, position: int, word: str) -> None:
    with pytest.raises(PatternError, match=word) as caught:
        generate(GenerationRequest((pattern,), {"x": np.array([0.1])}))
    assert caught.value.position == position
    assert f"character {position + 1}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x=0:1", "first:last:step"),
        ("x=0:1:0", "step above 0"),
        ("x=a", "not a number"),
        ("X=1", "small letters"),
        ("x=0:1e9:1e-3", "at most"),
        ("x=nan", "not a number"),
        ("site1=0", "choices"),
    ],
)
def test_values_are_checked(text: str, word: str) -> None:
    with pytest.raises(GenerationError, match=word):
        read_variable(text)


def test_missing_and_unused_variables_are_named() -> None:
    with pytest.raises(GenerationError, match="no values for x"):
        formulas("Li{6-x}PS5Cl")
    with pytest.raises(GenerationError, match="no pattern holds the variable y"):
        formulas("Li{6-x}PS5Cl", x="0", y="1")
    with pytest.raises(GenerationError, match="division by zero"):
        formulas("Li{1/x}O", x="0")
    with pytest.raises(GenerationError, match="nothing to generate"):
        generate(GenerationRequest())


def test_ranges_include_both_ends_without_noise() -> None:
    _, values = read_variable("x=0:0.8:0.1")
    assert values.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    points, n = grid({"x": np.array([1.0, 2.0]), "y": np.array([3.0, 4.0, 5.0])}, ["x", "y"])
    assert n == 6
    assert points["x"].tolist() == [1, 1, 1, 2, 2, 2]
    assert points["y"].tolist() == [3, 4, 5, 3, 4, 5]


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, float]]:
    """Draw a pattern of x and the amounts at x = 0.25, worked out here."""
    elements = draw(
        st.lists(st.sampled_from(["Li", "P", "S", "Cl", "La", "Zr", "O", "Y"]), min_size=1, max_size=6, unique=True)
    )
    pieces, amounts = [], {}
    for symbol in elements:
        base, slope = draw(st.integers(2, 9)), draw(st.sampled_from([-2, -1, 0, 1, 3]))
        braces = draw(st.booleans())
        term = f"{base}{'+' if slope > 0 else '-'}{abs(slope) if abs(slope) != 1 else ''}x" if slope else str(base)
        pieces.append(f"{symbol}{{{term}}}" if braces else f"{symbol}{term}")
        amounts[symbol] = base + 0.25 * slope
    return "".join(pieces), amounts


@settings(max_examples=150, deadline=None)
@given(texts())
def test_patterns_and_formulas_agree(drawn: tuple[str, dict[str, float]]) -> None:
    pattern, amounts = drawn
    (formula,) = formulas(pattern, **({"x": "0.25"} if "x" in pattern else {}))
    assert parse_formula(formula) == pytest.approx(amounts)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="LiPSClxy0123456789.+-*/(){},[] ", max_size=25))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        pattern = read_pattern(text)
        block = expand(pattern, {name: np.array([0.3]) for name in pattern.variables})
    except GenerationError:
        return
    assert block.amounts.shape[1] == len(pattern.symbols)


def _five_digits(value: float) -> float:
    return float(f"{value:.5g}")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.just(0.0), st.floats(0.001, 900.0).map(_five_digits)), min_size=4, max_size=4),
        min_size=1,
        max_size=30,
    ).filter(lambda rows: all(any(row) for row in rows))
)
def test_written_formulas_read_back(rows: list[list[float]]) -> None:
    symbols = ("Li", "P", "S", "Cl")
    for formula, row in zip(write_formulas(symbols, np.array(rows)), rows, strict=True):
        expected: dict[str, Any] = {symbol: amount for symbol, amount in zip(symbols, row, strict=True) if amount}
        assert parse_formula(formula) == pytest.approx(expected, rel=1e-5)


def test_what_an_existing_formula_means_it_means_as_a_pattern() -> None:
    for text in ("Li10GeP2S12", "Li1.3Al0.3Ti1.7(PO4)3", "Li3{PO4}", "Ca(OH)2", "LiOH·H2O", "[Li3]PS4"):
        (formula,) = formulas(text)
        assert parse_formula(formula) == pytest.approx(parse_formula(text))
