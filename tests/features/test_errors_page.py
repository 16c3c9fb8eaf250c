from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.errors import CandidateError, RowErrorCode, WarningCode, shown
from features.formula import parse_formula

PAGE = (Path(__file__).parents[2] / "docs" / "operate" / "errors.md").read_text(encoding="utf-8")
ERRORS, WARNINGS = PAGE.split("\n## ")[1:]


def codes(section: str) -> list[str]:
    return re.findall(r"^### `(\w+)`$", section, re.MULTILINE)


def entry(code: str) -> str:
    return PAGE.split(f"### `{code}`\n")[1].split("\n#")[0]


def test_the_page_lists_every_error_code_in_order_and_no_other() -> None:
    assert codes(ERRORS) == [str(code) for code in RowErrorCode]


def test_the_page_lists_every_warning_code_in_order_and_no_other() -> None:
    assert codes(WARNINGS) == [str(code) for code in WarningCode]


@pytest.mark.parametrize("code", [*RowErrorCode, *WarningCode])
def test_every_entry_says_what_to_do(code: str) -> None:
    assert "\nWhat to do: " in entry(code)


@pytest.mark.parametrize("code", list(RowErrorCode)[:8])
def test_the_examples_of_the_page_give_the_code_they_illustrate(code: RowErrorCode) -> None:
    lines = re.findall(r"^Examples?: (.*(?:\n.*)*?)\nWhat to do", entry(code), re.MULTILINE)
    examples = [example.strip('"') for line in lines for example in re.findall(r"`([^`]+)`", line)]
    assert examples
    for example in examples:
        with pytest.raises(CandidateError) as caught:
            parse_formula(example)
        assert caught.value.code is code, example


def test_codes_are_stable_words_in_snake_case() -> None:
    for code in [*RowErrorCode, *WarningCode]:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert not set(RowErrorCode) & set(WarningCode)


def test_what_a_user_sent_is_shown_short_and_printable() -> None:
    assert shown("Li6PS5Cl") == "Li6PS5Cl"
    assert shown("Li₂O\n\x1b[0m\ud800") == "Li₂O��[0m�"
    assert len(shown("x" * 1000)) == 60
