"""What a formula typed in capitals or small letters alone may mean: `LI6PS5CL` is hardly anything but Li6PS5Cl.

Only ever a hint beside a refusal: a formula is read as it is typed or not at all.
"""

from __future__ import annotations

import re
from itertools import islice, product
from math import prod

from features.elements import ATOMIC_NUMBER
from features.errors import shown
from features.formula_doubts import doubt_of, is_neutral
from features.formula_terms import MAX_FORMULA_LENGTH, plain_amounts

_FORMULA = re.compile(r"[A-Za-z0-9.()\[\]·-]+")
_SEPARATOR = re.compile(r"[·-]")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉•", "0123456789·")
_LETTERS = re.compile(r"[A-Za-z]+")
_WORD = re.compile(r"[a-z]{3}")  # a remark, unless all is in small letters
_MOST_READINGS = 64
_MOST_NAMED = 2
# nobody means polonium or nobelium
_SYMBOLS = frozenset(symbol for symbol, number in ATOMIC_NUMBER.items() if number < 84 or symbol in ("Th", "U", "Pu"))


def other_cases(text: str) -> list[str]:
    """Return the formulas that a text may mean whose letters have the wrong case.

    One or two, or none where nothing or too much can be meant; those whose charges balance go before others, then
    those of the fewest symbols.

    Examples
    --------
    >>> other_cases("LI6PS5CL"), other_cases("lifepo4"), other_cases("LISN")
    (['Li6PS5Cl'], ['LiFePO4'], ['LiSn'])
    """
    text = text.strip().translate(_SUBSCRIPTS)
    remark = not text.islower() and _WORD.search(text)
    if len(text) > MAX_FORMULA_LENGTH or remark or not _FORMULA.fullmatch(text):
        return []
    spellings = [_spellings(letters) for letters in _LETTERS.findall(text)]
    if not 1 <= prod(map(len, spellings)) <= _MOST_READINGS:
        return []
    between = _LETTERS.sub("{}", text)
    ranks: dict[tuple[bool, int], list[str]] = {}
    for choice in product(*spellings):
        proposed = between.format(*choice)
        balanced = _is_balanced(proposed)
        if balanced is not None and proposed != text:
            ranks.setdefault((not balanced, sum(map(str.isupper, proposed))), []).append(proposed)
    for rank in sorted(ranks):
        best = list(islice((proposed for proposed in ranks[rank] if not _is_doubted(proposed)), _MOST_NAMED + 1))
        if best:
            return best if len(best) <= _MOST_NAMED else []
    return []


def _parts(formula: str) -> list[tuple[str, dict[str, float] | None]]:
    """Return the terms of every part, without its multiplier, and what they read as; None where they cannot be read."""
    terms = [part.lstrip("0123456789.") for part in _SEPARATOR.split(formula)]
    return [(each, plain_amounts(each)) for each in terms]


def _is_balanced(formula: str) -> bool | None:
    """Whether the charges of every part balance; None where a part cannot be read."""
    balanced = True
    for _, amounts in _parts(formula):
        if amounts is None:
            return None
        balanced = balanced and is_neutral(amounts)
    return balanced


def _is_doubted(formula: str) -> bool:
    """Whether a part is hardly meant: ten times as long to find out as whether its charges balance."""
    return any(amounts is not None and doubt_of(terms, amounts) is not None for terms, amounts in _parts(formula))


def hint_of_case(text: str) -> str:
    """Return the end of a refusal that says what to write instead; empty where `other_cases` finds nothing."""
    meant = " or ".join(map(shown, other_cases(text)))
    return meant and f"write {meant}: the first letter of a symbol is a capital letter, its second a small one"


def _spellings(letters: str) -> list[str]:
    """Return the ways to write a run of letters as symbols of elements; none where there are too many."""
    ways: list[list[str]] = [[""]]  # of the first 0, 1, 2 ... letters
    for end in range(1, len(letters) + 1):
        one, two = letters[end - 1].upper(), letters[end - 2 : end].title()
        found = [way + one for way in ways[-1]] if one in _SYMBOLS else []
        if end > 1 and two in _SYMBOLS:
            found += [way + two for way in ways[-2]]
        if len(found) > _MOST_READINGS:
            return []
        ways.append(found)
    return ways[-1]
