"""Plain terms of a formula: elements and brackets, each with an optional amount behind it."""

from __future__ import annotations

import re

MAX_FORMULA_LENGTH = 300
MAX_BRACKET_DEPTH = 12

_TERM = re.compile(r"([A-Z][a-z]?|[()\[\]{}])([0-9]*\.?[0-9]*)")
CLOSING = {"(": ")", "[": "]", "{": "}"}
_BRACKETS = frozenset("()[]{}")


def plain_amounts(formula: str) -> dict[str, float] | None:
    """Add up elements and brackets; None if there is anything else in the text.

    Symbols are not checked against the list of elements.
    """
    pieces = _TERM.split(formula)  # between, symbol, number, between, symbol, number, ..., between
    if any(pieces[::3]):
        return None
    amounts: dict[str, float] = {}
    outer: list[tuple[dict[str, float], str]] = []
    for symbol, number in zip(pieces[1::3], pieces[2::3], strict=True):
        if not number:
            count = 1.0
        elif number == "." or not (count := float(number)):
            return None
        if symbol not in _BRACKETS:
            amounts[symbol] = amounts.get(symbol, 0.0) + count
        elif symbol in CLOSING:
            if number or len(outer) >= MAX_BRACKET_DEPTH:
                return None
            outer.append((amounts, CLOSING[symbol]))
            amounts = {}
        else:
            inner = amounts
            amounts, expected = outer.pop() if outer else ({}, "")
            if symbol != expected or not inner:
                return None
            for element, amount in inner.items():
                amounts[element] = amounts.get(element, 0.0) + amount * count
    return None if outer or not amounts else amounts
