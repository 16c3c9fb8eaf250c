"""What is wrong with a formula that could not be read: the place, the reason and often the remedy."""

from __future__ import annotations

import re
import unicodedata

from features.errors import CandidateError, RowErrorCode, shown
from features.formula_case import hint_of_case

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SYMBOL = re.compile(r"[A-Z][a-z]?|[)\]}]")
_EMPTY_BRACKETS = re.compile(r"[(\[{][)\]}]")
_SIGNED_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")

_CAPITAL_FIRST = "element symbols begin with a capital letter"
_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9.]+[:/][0-9]"), "write a mixture with its amounts, such as 75Li2S-25P2S5"),
    (re.compile(r","), "write decimals with a point"),
    (re.compile(r"[-+][0-9.]*[a-zδ]|[x-zδ]"), "give a number in place of the variable"),
    (re.compile(r"-[0-9.]*[A-Z(\[{]|[:/]"), "write a mixture with its amounts, such as 75Li2S-25P2S5"),
    (re.compile(r"\+[0-9.]+[A-Z(\[{]"), "work out the sum"),
    (re.compile(r"[-+^]"), "charges are not part of the formula"),
    (re.compile(r"[a-z]{3}"), f"leave remarks out; {_CAPITAL_FIRST}"),
    (re.compile(r"[a-z]"), _CAPITAL_FIRST),
    (re.compile(r"[0-9]"), "an amount follows its element or bracket"),
    (re.compile(r"□"), "leave vacancies out"),
)


def explain(part: str, start: int, *, whole: str, max_depth: int) -> CandidateError:
    """Find the first fault in a part of a formula.

    Parameters
    ----------
    part
        Text between two separators, which the parser refused.
    start
        Where in it the terms begin, behind a leading multiplier.
    whole
        The formula that it is a part of.
    max_depth
        Deepest nesting of brackets that the parser accepts.
    """
    if not part:
        return _fault(f"'{shown(whole)}' has a separator with nothing on one side of it")
    expected: list[str] = []  # closing brackets, outermost first
    position = start
    while position < len(part):
        if part[position] in _CLOSING:
            expected.append(_CLOSING[part[position]])
            position += 1
            continue
        symbol = _SYMBOL.match(part, position)
        if symbol is None:
            return _unreadable(part, position, whole)
        if symbol.group() in _CLOSING.values() and (not expected or expected.pop() != symbol.group()):
            return _fault(f"'{shown(part)}': bracket '{symbol.group()}' closes nothing")
        number = _SIGNED_NUMBER.match(part, symbol.end())
        if number and float(number.group()) <= 0:
            return _not_positive(part, symbol.group(), number.group())
        position = number.end() if number else symbol.end()
    if expected:
        return _fault(f"'{shown(part)}': a bracket is not closed, '{expected[-1]}' is missing")
    if _EMPTY_BRACKETS.search(part):
        return _fault(f"'{shown(part)}': empty brackets")
    if part[start:]:
        return _fault(f"'{shown(part)}': brackets nested deeper than {max_depth} levels")
    return _fault(f"'{shown(part)}' holds no element")


def _not_positive(part: str, symbol: str, number: str) -> CandidateError:
    return CandidateError(
        RowErrorCode.NON_POSITIVE_AMOUNT,
        f"'{shown(part)}': amount {shown(number)} after '{symbol}'; amounts must be above 0"
        + ("; for oxygen write the letter O" if number == "0" else ""),
    )


def _unreadable(part: str, position: int, whole: str) -> CandidateError:
    letter = part[position]
    hint = next((text for pattern, text in _HINTS if pattern.match(part, position)), "")
    if hint.endswith(_CAPITAL_FIRST):
        hint = hint_of_case(whole) or hint
    if letter.isalpha() and not letter.isascii():
        hint = f"it is {unicodedata.name(letter, 'no Latin letter')}: type the Latin letter"
    place = f"'{shown(part[position])}' (character {position + 1})"
    return _fault(f"'{shown(part)}' cannot be read at {place}" + (hint and f"; {hint}"))


def _fault(message: str) -> CandidateError:
    return CandidateError(RowErrorCode.UNPARSEABLE_FORMULA, message)
