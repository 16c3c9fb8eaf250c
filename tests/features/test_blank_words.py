"""Words for nothing: what is an empty cell in a table, and what stays a formula."""

from __future__ import annotations

import pytest

from features.blank_words import WORDS_FOR_NOTHING, is_word_for_missing, is_word_for_nothing
from features.errors import CandidateError
from features.formula import read_formula


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "nan",
        "NAN",
        "No",
        "no",
        "NA",
        "N/A",
        "n/a",
        "None",
        "none",
        "null",
        "NULL",
        "-",
        "--",
        "\u2013",
        ".",
        "TRUE",
        "True",
        "false",
        "FALSE",
        "#N/A",
        "#REF!",
        "#NAME?",
        "<NA>",
        "NaT",
        " NaN ",
        '"NaN"',
        "inf",
        "-Infinity",
    ],
)
def test_what_stands_for_an_empty_cell(text: str) -> None:
    assert is_word_for_nothing(text)


@pytest.mark.parametrize("text", ["Na", "Nd", "N", "NO", "Na3N", "NaNO3", "InF", "NaF", "Li", "Ni", "None2", "", "  "])
def test_what_stays_a_formula_or_is_blank_without_a_word(text: str) -> None:
    assert not is_word_for_nothing(text)


def test_few_of_the_words_could_be_read_as_a_formula_at_all() -> None:
    readable = set()
    for word in WORDS_FOR_NOTHING:
        try:
            read_formula(word)
            readable.add(word)
        except CandidateError:
            pass
    assert readable <= {"NaN", "No", "ND", "INF", "UNKNOWN"}


@pytest.mark.parametrize("text", ["NA", "NaN", "null", "-", "#N/A", "n.a."])
def test_what_says_that_a_value_is_not_known(text: str) -> None:
    assert is_word_for_missing(text)


@pytest.mark.parametrize("text", ["TRUE", "No", "#REF!", "inf", "25", "Na"])
def test_what_is_a_mistake_in_place_of_a_value(text: str) -> None:
    assert not is_word_for_missing(text)
