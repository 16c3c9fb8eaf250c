from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from features.elements import ATOMIC_NUMBER, SYMBOLS
from features.errors import CandidateError, RowErrorCode
from features.formula import (
    MAX_AMOUNT,
    MAX_ELEMENTS,
    MAX_FORMULA_LENGTH,
    MIN_AMOUNT,
    format_formula,
    parse_formula,
    read_formula,
)
from features.formula_terms import MAX_BRACKET_DEPTH, plain_amounts

LLZO = {"Li": 7, "La": 3, "Zr": 2, "O": 12}


def code_of(text: object) -> RowErrorCode:
    with pytest.raises(CandidateError) as caught:
        parse_formula(text)  # type: ignore[arg-type]
    assert caught.value.message
    caught.value.message.encode("utf-8")
    assert "\n" not in caught.value.message
    return caught.value.code


def message_of(text: str) -> str:
    with pytest.raises(CandidateError) as caught:
        parse_formula(text)
    return caught.value.message


def clean(text: str) -> str:
    return read_formula(text).formula


def read_or_skip(text: str) -> dict[str, float]:
    """Read a formula made up at random; what is refused as ambiguous is another test's matter."""
    try:
        return parse_formula(text)
    except CandidateError as error:
        assume(error.code not in (RowErrorCode.AMBIGUOUS_FORMULA, RowErrorCode.NAME_NOT_FORMULA))
        raise


def fractions(amounts: dict[str, float]) -> dict[str, float]:
    total = sum(amounts.values())
    return {symbol: amount / total for symbol, amount in amounts.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li7La3Zr2O12", LLZO),
        ("Li₇La₃Zr₂O₁₂", LLZO),
        ("Ｌｉ７Ｌａ３Ｚｒ２Ｏ１２", LLZO),
        (" Li7 La3\tZr2 O12\n", LLZO),
        ('"Li7La3Zr2O12"', LLZO),
        ("\ufeffLi7\u200bLa3Zr2O12", LLZO),
        ("Li1.3Al0.3Ti1.7(PO4)3", {"Li": 1.3, "Al": 0.3, "Ti": 1.7, "P": 3, "O": 12}),
        ("Li1.3Al.3Ti1.7[PO4]3", {"Li": 1.3, "Al": 0.3, "Ti": 1.7, "P": 3, "O": 12}),
        ("Li₁.₃Al₀.₃Ti₁.₇(PO₄)₃", {"Li": 1.3, "Al": 0.3, "Ti": 1.7, "P": 3, "O": 12}),
        ("{Li[La(OH)2]3}2", {"Li": 2, "La": 6, "O": 12, "H": 12}),
        ("Li2.0O", {"Li": 2, "O": 1}),
        ("Li2O1.", {"Li": 2, "O": 1}),
        ("2LiCl", {"Li": 2, "Cl": 2}),
        ("0.5Li2(OH)Br", {"Li": 1, "O": 0.5, "H": 0.5, "Br": 0.5}),
        ("CO", {"C": 1, "O": 1}),
        ("Co", {"Co": 1}),
        ("LiCLi", {"Li": 2, "C": 1}),
    ],
)
def test_formulas_are_read_as_chemists_write_them(text: str, expected: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LiOH·H2O", {"Li": 1, "O": 2, "H": 3}),
        ("LiOH•H2O", {"Li": 1, "O": 2, "H": 3}),
        ("LiOH*H2O", {"Li": 1, "O": 2, "H": 3}),
        ("LiOH.H2O", {"Li": 1, "O": 2, "H": 3}),
        ("LiI·3H2O", {"Li": 1, "I": 1, "H": 6, "O": 3}),
        ("CaSO4·0.5H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("CaSO4.2H2O", {"Ca": 1, "S": 1, "O": 6, "H": 4}),
        ("MoO3.0.5H2O", {"Mo": 1, "O": 3.5, "H": 1}),
        ("Ba(OH)2.8H2O", {"Ba": 1, "O": 10, "H": 18}),
        ("LiBH4.0.5NH3", {"Li": 1, "B": 1, "H": 5.5, "N": 0.5}),
        ("Li3(Mo8S8O8(OH)8(HWO5(H2O)))*(H2O)18", {"Li": 3, "Mo": 8, "S": 8, "O": 40, "H": 47, "W": 1}),
    ],
)
def test_hydrates_and_adducts_add_up(text: str, expected: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(expected)


def test_a_decimal_point_before_hydrogen_and_oxygen_is_no_hydrate_without_a_salt() -> None:
    assert parse_formula("Li1.5H2O") == {"Li": 1.5, "H": 2, "O": 1}
    assert parse_formula("Cl0.5H2O") == {"Cl": 0.5, "H": 2, "O": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("75Li2S-25P2S5", {"Li": 150, "S": 200, "P": 50}),
        ("75Li₂S–25P₂S₅", {"Li": 150, "S": 200, "P": 50}),
        ("0.7Li2S-0.2P2S5-0.1LiI", {"Li": 1.5, "S": 1.7, "P": 0.4, "I": 0.1}),
        ('"(Li2S)0.5 ((P2S5)0.4 (Sb2S3)0.6)0.5"', {"Li": 1, "S": 2.4, "P": 0.4, "Sb": 0.6}),
    ],
)
def test_mixtures_of_the_glass_literature_add_up(text: str, expected: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", " ", "\t\n", '""', "''", "\u200b"])
def test_nothing_is_an_empty_formula(text: str) -> None:
    assert code_of(text) is RowErrorCode.EMPTY_FORMULA


@pytest.mark.parametrize(
    "text",
    [
        "lithia",
        "li6ps5cl",
        "5",
        "Li(PO4",
        "LiPO4)3",
        "Li(PO4]3",
        "Li()3",
        "((Li))((",
        "(2LiCl)",
        "Li7-3xAlx",
        "Li1+xAlx",
        "Lix",
        "Li1,3Al",
        "PO4-3",
        "PF6-",
        "Li1..3",
        "Li1.2.3",
        "Li.",
        "·Li",
        "Li·",
        "Li··Cl",
        "Li-",
        "½Li",
        "Li5.5□0.5P",
        "Li\x00Cl",
        "Li\ud800",
        "💎",
        "Li=Cl",
        "Li1e3",
        "-2LiCl",
        "LiCl?",
        "١Li",
        "Li٣",
    ],
)
def test_what_is_not_a_formula_is_refused(text: str) -> None:
    assert code_of(text) is RowErrorCode.UNPARSEABLE_FORMULA


@pytest.mark.parametrize("value", [None, 3, math.nan, b"LiCl", ["LiCl"]])
def test_what_is_not_text_is_refused(value: object) -> None:
    assert code_of(value) is RowErrorCode.UNPARSEABLE_FORMULA


@pytest.mark.parametrize("text", ["Xx2", "LiX", "LI6PS5CL", "Li(Qq)2", "LiBT4", "Rf", "LiOx"])
def test_symbols_that_are_no_element_are_named(text: str) -> None:
    assert code_of(text) is RowErrorCode.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    "text", ["Li0", "Li0.0Cl", "Li-1Cl", "Li(PO4)0", "Li-0.5", "Li0Li1", "0LiCl", "Li(PO0)2", "O-2"]
)
def test_amounts_at_or_below_zero_are_refused(text: str) -> None:
    assert code_of(text) is RowErrorCode.NON_POSITIVE_AMOUNT


@pytest.mark.parametrize(
    "text",
    [
        "Li10000000",
        "Li0.0000001Cl",
        "Li" + "9" * 298,
        "((Li1000)1000)1000",
        "1000000Li2",
        f"((Li{'9' * 90}){'9' * 90}){'9' * 90}",
    ],
)
def test_amounts_beyond_reason_are_refused_without_overflow(text: str) -> None:
    assert code_of(text) is RowErrorCode.AMOUNT_OUT_OF_RANGE


def test_the_limits_of_an_amount_themselves_are_accepted() -> None:
    assert parse_formula("Li0.000001Cl1000000") == {"Li": MIN_AMOUNT, "Cl": MAX_AMOUNT}


def test_twenty_elements_are_accepted_and_one_more_is_not() -> None:
    assert len(parse_formula("".join(SYMBOLS[:MAX_ELEMENTS]))) == MAX_ELEMENTS
    assert code_of("".join(SYMBOLS[: MAX_ELEMENTS + 1])) is RowErrorCode.TOO_MANY_ELEMENTS


def test_brackets_may_nest_to_the_limit_and_no_deeper() -> None:
    depth = MAX_BRACKET_DEPTH
    assert parse_formula("(" * depth + "Li2" + ")" * depth) == {"Li": 2}
    assert code_of("(" * (depth + 1) + "Li2" + ")" * (depth + 1)) is RowErrorCode.UNPARSEABLE_FORMULA


def test_formulas_longer_than_the_limit_are_refused_unread() -> None:
    assert parse_formula("Li" * (MAX_FORMULA_LENGTH // 2)) == {"Li": MAX_FORMULA_LENGTH // 2}
    assert code_of("Li" * (MAX_FORMULA_LENGTH // 2) + "O") is RowErrorCode.FORMULA_TOO_LONG
    assert code_of(" " * 10_000_000) is RowErrorCode.FORMULA_TOO_LONG


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Li1,3Al0.3", "decimals with a point"),
        ("Li7-3xAlx", "in place of the variable"),
        ("LiClx", "in place of the variable"),
        ("Li2Ox", "in place of the variable"),
        ("Li2S-P2S5 (75:25)", "75Li2S-25P2S5"),
        ("Li1+0.3Al", "work out the sum"),
        ("PF6-", "charges are not part"),
        ("li2o", "capital letter"),
        ("LiBT4", "write every hydrogen as H"),
        ("Li5□", "leave vacancies out"),
        ("Li(PO4", "')' is missing"),
        ("LiPO4)", "closes nothing"),
        ("LiCl&", "'&' (character 5)"),
    ],
)
def test_the_message_says_where_and_what_to_do(text: str, part: str) -> None:
    assert part in message_of(text)


def test_messages_stay_short_and_printable_whatever_was_sent() -> None:
    for text in ("Li\x1b[31m" * 30, "\ud800" * 40, "(" * 300, "Li?" * 90):
        message = message_of(text)
        assert len(message) < 250
        assert message.isprintable()


def test_cleaning_keeps_the_spelling_but_for_blanks_and_lookalikes() -> None:
    assert clean(" Li₁.₃ Al₀.₃ Ti₁.₇ (PO₄)₃ ") == "Li1.3Al0.3Ti1.7(PO4)3"
    assert clean("75Li₂S−25P₂S₅") == "75Li2S-25P2S5"


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        ({"O": 24, "Li": 14, "Zr": 4, "La": 6}, "Li7La3Zr2O12"),
        ({"Cl": 1, "S": 5, "P": 1, "Li": 6}, "Li6PS5Cl"),
        ({"Li": 1.3, "Al": 0.3, "Ti": 1.7, "P": 3, "O": 12}, "Li1.3Ti1.7Al0.3P3O12"),
        ({"Li": 1e6, "O": 0.5}, "Li1000000O0.5"),
        ({"Li": 1e-6, "O": 1}, "Li0.000001O"),
    ],
)
def test_formulas_are_written_reduced_and_without_exponents(amounts: dict[str, float], text: str) -> None:
    assert format_formula(amounts) == text


def test_every_element_can_be_read_alone() -> None:
    assert [parse_formula(symbol) for symbol in SYMBOLS] == [{symbol: 1.0} for symbol in SYMBOLS]


AMOUNTS = st.one_of(
    st.just(""),
    st.integers(1, 60).map(str),
    st.decimals("0.01", "30", places=2).map(str),
    st.integers(1, 99).map(lambda hundredths: f".{hundredths:02d}"),
)
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@st.composite
def spelled(draw: st.DrawFn, depth: int = 3) -> tuple[str, list[tuple[str, float]]]:
    """A formula and the amounts it stands for, one entry for each time that an element is written."""
    text, terms = "", []
    for _ in range(draw(st.integers(1, 4))):
        amount = draw(AMOUNTS)
        if depth and draw(st.booleans()):
            inner, inner_terms = draw(spelled(depth=depth - 1))
            left, right = draw(st.sampled_from(["()", "[]", "{}"]))
            group = f"{left}{inner}{right}"
        else:
            group = draw(st.sampled_from(SYMBOLS[:90]))
            inner_terms = [(group, 1.0)]
        shown = amount.translate(SUBSCRIPTS) if draw(st.booleans()) else amount
        text += draw(st.sampled_from(["", "", " ", "\u00a0"])) + group + shown
        terms += [(symbol, inner * float(amount or 1)) for symbol, inner in inner_terms]
    return text, terms


def summed(terms: Sequence[tuple[str, float]]) -> dict[str, float]:
    return {symbol: math.fsum(amount for other, amount in terms if other == symbol) for symbol, _ in terms}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(spelled(), min_size=1, max_size=3), st.sampled_from("·•*"))
def test_any_spelling_gives_back_its_amounts(parts: list[tuple[str, list[tuple[str, float]]]], dot: str) -> None:
    text = dot.join(part for part, _ in parts)
    expected = summed([term for _, terms in parts for term in terms])
    assume(len(text) <= MAX_FORMULA_LENGTH and len(expected) <= MAX_ELEMENTS)
    assume(all(2 * MIN_AMOUNT < amount < MAX_AMOUNT / 2 for amount in expected.values()))
    amounts = read_or_skip(text)
    assume(not clean(text).endswith(("H2O", "NH3")))  # these may stand for a solvent after a full stop
    assert amounts == pytest.approx(expected, rel=1e-12)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(spelled(), st.integers(2, 9), st.randoms())
def test_scaling_and_order_leave_the_composition_alone(
    case: tuple[str, list[tuple[str, float]]], factor: int, random: object
) -> None:
    text, terms = case
    expected = summed(terms)
    assume(len(text) < 280 and len(expected) <= 10)
    assume(all(0.001 < amount < 10_000 for amount in expected.values()))
    read = read_or_skip(text)
    assume(not clean(text).endswith(("H2O", "NH3")))
    symbols = list(expected)
    random.shuffle(symbols)  # type: ignore[attr-defined]
    reordered = "".join(f"{symbol}{expected[symbol]:.12f}" for symbol in symbols)
    for other in (f"{factor}{text}", f"({text}){factor}", reordered):
        assert fractions(read_or_skip(other)) == pytest.approx(fractions(read), rel=1e-8)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(SYMBOLS), st.one_of(st.integers(1, 500), st.floats(0.001, 500)), min_size=1, max_size=8
    )
)
def test_what_is_written_can_be_read_back(amounts: dict[str, float]) -> None:
    again = plain_amounts(format_formula(amounts))
    assert again is not None
    assert fractions(again) == pytest.approx(fractions(amounts), rel=2e-5)


@given(st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 20))
def test_equal_compositions_are_written_alike(amounts: dict[str, int], factor: int) -> None:
    scaled = {symbol: float(amount * factor) for symbol, amount in reversed(amounts.items())}
    assert format_formula(scaled) == format_formula(amounts)


FORMULA_LIKE = st.text(alphabet="LiPSClOHx0123456789.,()[]{}·*-+ ₂½'\"", max_size=320)
ANYTHING = st.text(alphabet=st.characters(exclude_categories=()), max_size=320)


@settings(max_examples=600, deadline=None)
@given(st.one_of(FORMULA_LIKE, ANYTHING))
def test_arbitrary_text_is_read_or_refused_with_a_reason(text: str) -> None:
    try:
        amounts = parse_formula(text)
    except CandidateError:
        message = message_of(text)
        assert message.isprintable()
        assert len(message) < 300
        return
    assert 1 <= len(amounts) <= MAX_ELEMENTS
    assert all(symbol in ATOMIC_NUMBER for symbol in amounts)
    assert all(MIN_AMOUNT <= amount <= MAX_AMOUNT for amount in amounts.values())
    assert parse_formula(clean(text)) == amounts


@pytest.mark.parametrize(
    "text",
    [
        "1" * 300,
        "1." * 150,
        ".1" * 150,
        "Li" + "1" * 297 + "x",
        "(" * 300,
        ")" * 300,
        "1Li-" * 75,
        "9Li-9" * 60,
        "1" * 150 + "-" + "1" * 149,
        "Li·" * 100,
        "Li." * 100,
        "O" + "1" * 290 + ".2H2O",
        "⑳" * 300,
        "ﷺ" * 300,
        "1Li-1" * 59 + "-Li",
        "H2O" * 100,
        "[{(" * 100,
        "Li(" * 100,
    ],
)
def test_no_text_makes_the_parser_slow(text: str) -> None:
    started = time.process_time()
    for _ in range(10):
        try:
            parse_formula(text)
        except CandidateError:
            continue
    assert (time.process_time() - started) / 10 < 0.05


def test_ten_thousand_formulas_are_read_within_a_second() -> None:
    formulas = [f"Li{1 + i / 10_000:.4f}Al0.3Ti1.7(PO4)3" for i in range(10_000)]
    started = time.process_time()
    for formula in formulas:
        parse_formula(formula)
    assert time.process_time() - started < 1.0


def assert_equal_to_pymatgen(formulas: Sequence[str]) -> None:
    from pymatgen.core import Composition

    for formula in formulas:
        plain = "".join(formula.split()).replace("*", "")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = Composition(plain).get_el_amt_dict()
        assert fractions(parse_formula(formula)) == pytest.approx(fractions(expected), rel=1e-12), formula


def test_diverse_formulas_are_read_as_pymatgen_reads_them(diverse_formulas: list[str]) -> None:
    assert len(diverse_formulas) >= 60
    assert_equal_to_pymatgen(diverse_formulas)


def test_obelix_formulas_are_read_as_pymatgen_reads_them(obelix_formulas: list[str]) -> None:
    assert len(obelix_formulas) == 599
    assert_equal_to_pymatgen(obelix_formulas)
