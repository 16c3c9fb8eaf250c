"""Amounts as arithmetic of variables, `5-x` or `(1-a)/2`, evaluated for whole arrays of values at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.generation.errors import PatternError

Array = NDArray[np.float64]
Values = Mapping[str, Array]

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LETTER = re.compile(r"[a-z]")
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Expression:
    """An amount.

    Attributes
    ----------
    text
        As written.
    variables
        Names in it.
    evaluate
        From the values of the variables, arrays of one shape, to the amount: an array of that shape, or a number.
    """

    text: str
    variables: frozenset[str]
    evaluate: Callable[[Values], Array | float]


ONE = Expression("", frozenset(), lambda _: 1.0)


def read_expression(pattern: str, start: int, stop: int) -> Expression:
    """Read the arithmetic between two places of a pattern: numbers, variables, + - * / and round brackets.

    A number or a bracket may stand before a variable or bracket without a sign: `3x`, `2(1-x)`.

    Raises
    ------
    PatternError
        With the place of what cannot be read.
    """
    reader = _Reader(pattern, start, stop, single_letters=False)
    evaluate = reader.sum_of_terms(0)
    if reader.position < stop:
        raise PatternError(f"'{pattern[reader.position]}' is not expected in an amount", pattern, reader.position)
    return Expression(pattern[start:stop], frozenset(reader.variables), evaluate)


def read_plain_amount(pattern: str, start: int, *, signs: bool) -> tuple[Expression, int]:
    """Read an amount as papers print it, `6-x` in Li6-xPS5-xCl1+x, and return it with the place behind it.

    Variables are single letters here. Without a digit or variable at the start the amount is 1.

    Parameters
    ----------
    pattern, start
        Where to read.
    signs
        Whether `+` and `-` belong to amounts; in a mixture such as xLi2S-(1-x)P2S5 they stand between parts.
    """
    reader = _Reader(pattern, start, len(pattern), single_letters=True)
    if not reader.at_factor(brackets=False):
        return ONE, start
    evaluate = reader.plain_terms(signs=signs)
    return Expression(pattern[start : reader.position], frozenset(reader.variables), evaluate), reader.position


_IN_NUMBERS = frozenset("0123456789.")


class _Reader:
    """A recursive-descent reader; every method leaves `position` behind what it read."""

    def __init__(self, pattern: str, start: int, stop: int, *, single_letters: bool) -> None:
        self.pattern, self.position, self.stop = pattern, start, stop
        self.variables: set[str] = set()
        self._name = _LETTER if single_letters else _NAME

    def at_factor(self, *, brackets: bool = True) -> bool:
        if self.position >= self.stop:
            return False
        character = self.pattern[self.position]
        return character.isdigit() or character == "." or "a" <= character <= "z" or (brackets and character == "(")

    def sum_of_terms(self, depth: int) -> Callable[[Values], Array | float]:
        """Read `term (+|- term)*` with an optional sign in front."""
        negative = self._accept("+-") == "-"
        first = self._product(depth)
        terms = [(-1.0 if negative else 1.0, first)]
        while sign := self._accept("+-"):
            terms.append((-1.0 if sign == "-" else 1.0, self._product(depth)))
        return lambda values: sum((sign * term(values) for sign, term in terms), start=0.0)

    def plain_terms(self, *, signs: bool) -> Callable[[Values], Array | float]:
        """Read a sum without brackets that ends where a sign is followed by something else than an amount."""
        terms = [(1.0, self._product(0, brackets=False))]
        while signs and self.position + 1 < self.stop and self.pattern[self.position] in "+-":
            sign = -1.0 if self.pattern[self.position] == "-" else 1.0
            self.position += 1
            if not self.at_factor(brackets=False):
                self.position -= 1
                break
            terms.append((sign, self._product(0, brackets=False)))
        return lambda values: sum((sign * term(values) for sign, term in terms), start=0.0)

    def _product(self, depth: int, *, brackets: bool = True) -> Callable[[Values], Array | float]:
        result = self._factor(depth, brackets=brackets)
        while True:
            sign = self._accept("*/") if brackets or self._divides() else ""
            if not sign and not self.at_factor(brackets=brackets):
                return result
            place = self.position
            if not sign and self.pattern[place] in _IN_NUMBERS and self.pattern[place - 1] in _IN_NUMBERS:
                raise PatternError("two numbers without a sign between them", self.pattern, place)
            result = _combined(result, self._factor(depth, brackets=brackets), sign, self.pattern, place)

    def _divides(self) -> bool:
        """Whether a slash with an amount behind it comes next: in plain notation a star joins adducts."""
        return self.pattern[self.position : self.position + 1] == "/"

    def _factor(self, depth: int, *, brackets: bool) -> Callable[[Values], Array | float]:
        if depth > _DEEPEST:
            raise PatternError(f"brackets nested deeper than {_DEEPEST}", self.pattern, self.position)
        if number := _NUMBER.match(self.pattern, self.position, self.stop):
            self.position = number.end()
            value = float(number.group())
            return lambda _: value
        if name := self._name.match(self.pattern, self.position, self.stop):
            self.position = name.end()
            self.variables.add(name.group())
            key = name.group()
            return lambda values: values[key]
        if brackets and self._accept("("):
            inner = self.sum_of_terms(depth + 1)
            if not self._accept(")"):
                raise PatternError("a closing bracket is missing", self.pattern, self.position)
            return inner
        raise PatternError("a number or a variable in small letters is missing", self.pattern, self.position)

    def _accept(self, characters: str) -> str:
        if self.position < self.stop and self.pattern[self.position] in characters:
            self.position += 1
            return self.pattern[self.position - 1]
        return ""


def _combined(
    first: Callable[[Values], Array | float],
    second: Callable[[Values], Array | float],
    sign: str,
    pattern: str,
    place: int,
) -> Callable[[Values], Array | float]:
    if sign != "/":
        return lambda values: first(values) * second(values)

    def quotient(values: Values) -> Array | float:
        divisor = second(values)
        if np.any(np.asarray(divisor) == 0):
            raise PatternError("division by zero", pattern, place)
        return first(values) / divisor

    return quotient
