"""Formula patterns as a chemist writes them: `Li{6-x}PS{5-x}Cl{1+x}`, `Li3{Y,In}Cl6`, `Li6-xPS5-xCl1+x`.

- an amount is a number, arithmetic in braces or round brackets behind an element, or, as papers print it, arithmetic
  of single letters without braces (`Li7-3xAlxLa3Zr2O12`);
- braces with commas are a choice, of elements or of groups: `{Cl,Br,I}`, `Li3{PS4,AsS4}`;
- `(Y{1-a}In{a})` shares a site; brackets of three kinds nest;
- a pattern that begins with an amount is a mixture: `xLi2S-(1-x)P2S5`, `{x}Li2S·{1-x}P2S5`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from serving.generation.errors import PatternError
from serving.generation.expressions import ONE, Expression, read_expression, read_plain_amount

Array = NDArray[np.float64]
MAX_PATTERN_LENGTH = 500
MAX_DEPTH = 12
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_JOINTS = frozenset("·•∙⋅‧*")
_LOOKALIKES = str.maketrans({dash: "-" for dash in "−–—‐‑"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Group:
    """Parts with their amounts."""

    parts: tuple[tuple[Element | Group | Choice, Expression], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several groups; `name` is that of the integer variable that chooses."""

    name: str
    options: tuple[Group, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A formula with open amounts and choices.

    Attributes
    ----------
    text
        As written, blanks removed.
    group
        What it says.
    variables
        Names of its variables in alphabetical order.
    choices
        Its choices in order.
    symbols
        All elements that may occur, in the order in which formulas are written.
    """

    text: str
    group: Group
    variables: tuple[str, ...]
    choices: tuple[Choice, ...]
    symbols: tuple[str, ...]

    def amounts(self, values: Mapping[str, Array], n: int) -> Array:
        """Return the amounts of `symbols` at n points, shape (n, len(symbols)); they may be negative.

        Parameters
        ----------
        values
            Of each variable, and of each choice its number by name, shape (n,).
        n
            Points.
        """
        out = np.zeros((n, len(self.symbols)))
        column = {symbol: i for i, symbol in enumerate(self.symbols)}
        _add(self.group, np.ones(n), values, column, out)
        return out


def _add(
    part: Element | Group | Choice, times: Array, values: Mapping[str, Array], column: dict[str, int], out: Array
) -> None:
    if isinstance(part, Element):
        out[:, column[part.symbol]] += times
    elif isinstance(part, Choice):
        for number, option in enumerate(part.options):
            _add(option, times * (values[part.name] == number), values, column, out)
    else:
        for inner, amount in part.parts:
            _add(inner, times * amount.evaluate(values), values, column, out)


def read_pattern(text: str) -> Pattern:
    """Read a pattern.

    Raises
    ------
    PatternError
        With the place and the reason.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    plain = "".join("".join(plain.split()).strip("\"'"))
    if not plain:
        raise PatternError("an empty pattern; expected one such as Li{6-x}PS{5-x}Cl{1+x}", plain, 0)
    if len(plain) > MAX_PATTERN_LENGTH:
        raise PatternError(f"longer than {MAX_PATTERN_LENGTH} characters", plain[:40], 39)
    reader = _Reader(plain)
    group = reader.mixture()
    variables = sorted({name for amount in _amounts(group) for name in amount.variables})
    return Pattern(plain, group, tuple(variables), tuple(reader.choices), tuple(_symbols(group)))


def _amounts(part: Element | Group | Choice) -> Iterator[Expression]:
    if isinstance(part, Group):
        for inner, amount in part.parts:
            yield amount
            yield from _amounts(inner)
    elif isinstance(part, Choice):
        for option in part.options:
            yield from _amounts(option)


def _symbols(part: Element | Group | Choice) -> list[str]:
    """Return all elements of a part, each once; those of a choice stand where their option has them."""
    if isinstance(part, Element):
        return [part.symbol]
    inner = [one for one, _ in part.parts] if isinstance(part, Group) else part.options
    merged: list[str] = []
    for one in inner:
        own = _symbols(one)
        for place, symbol in enumerate(own):
            if symbol not in merged:
                later = next((merged.index(other) for other in own[place:] if other in merged), len(merged))
                merged.insert(later, symbol)
    return merged


class _Reader:
    """Reads from left to right; `position` is the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.choices: list[Choice] = []
        self._signs = True

    def mixture(self) -> Group:
        """Read one formula, or several with amounts in front, joined by `-` or a dot."""
        lead = self._leading_amount()
        self._signs = lead is ONE
        parts = [(self._group("", 0), lead)]
        while self.position < len(self.text):
            character = self.text[self.position]
            if character not in _JOINTS and not (character == "-" and not self._signs):
                raise PatternError(
                    f"'{character}' is not expected here{self._hint(character)}", self.text, self.position
                )
            self.position += 1
            lead = self._leading_amount()
            parts.append((self._group("", 0), lead))
        return parts[0][0] if len(parts) == 1 and parts[0][1] is ONE else Group(tuple(parts))

    def _hint(self, character: str) -> str:
        if character in ")]}":
            return ": a bracket closes that was not opened"
        if character in "abcdefghijklmnopqrstuvwxyz":
            return ": element symbols begin with a capital letter"
        if character == ",":
            return ": a choice stands in braces, {Y,In}; decimals take a point"
        return ""

    def _leading_amount(self) -> Expression:
        if self.position < len(self.text) and self.text[self.position] in "({":
            return self._bracketed_amount() or ONE
        amount, self.position = read_plain_amount(self.text, self.position, signs=False)
        return amount

    def _group(self, closing: str, depth: int) -> Group:
        """Read elements, brackets and choices up to a closing bracket, a comma of a choice, or the end."""
        if depth > MAX_DEPTH:
            raise PatternError(f"brackets nested deeper than {MAX_DEPTH}", self.text, self.position)
        parts: list[tuple[Element | Group | Choice, Expression]] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in _CLOSING:
                part: Element | Group | Choice = self._bracket(character, depth)
            elif "A" <= character <= "Z":
                part = self._element()
            else:
                break
            parts.append((part, self._amount()))
        if not parts:
            raise PatternError("an element is missing", self.text, min(self.position, len(self.text)))
        return Group(tuple(parts))

    def _element(self) -> Element:
        start = self.position
        two = self.text[start : start + 2]
        symbol = two if len(two) == 2 and two in ATOMIC_NUMBER else two[0]
        if symbol not in ATOMIC_NUMBER:
            raise PatternError(f"'{two}' is not an element from H to Lr", self.text, start)
        self.position += len(symbol)
        return Element(symbol)

    def _bracket(self, opening: str, depth: int) -> Group | Choice:
        start = self.position
        closing = _CLOSING[opening]
        self.position += 1
        options = [self._group(closing, depth + 1)]
        labels = [self.text[start + 1 : self.position]]
        while opening == "{" and self._at(","):
            self.position += 1
            begin = self.position
            options.append(self._group(closing, depth + 1))
            labels.append(self.text[begin : self.position])
        if not self._at(closing):
            what = self.text[self.position : self.position + 1]
            problem = (
                f"'{what}' is not expected here{self._hint(what)}" if what else f"no '{closing}' closes the bracket"
            )
            raise PatternError(problem, self.text, self.position if what else start)
        self.position += 1
        if len(options) == 1:
            return options[0]
        choice = Choice(f"site{len(self.choices) + 1}", tuple(options), tuple(labels))
        self.choices.append(choice)
        return choice

    def _at(self, character: str) -> bool:
        return self.position < len(self.text) and self.text[self.position] == character

    def _amount(self) -> Expression:
        if self.position < len(self.text) and self.text[self.position] in "({":
            return self._bracketed_amount() or ONE
        amount, self.position = read_plain_amount(self.text, self.position, signs=self._signs)
        return amount

    def _bracketed_amount(self) -> Expression | None:
        """Read arithmetic in braces or round brackets; None where the bracket holds elements."""
        start = self.position
        opening, closing = self.text[start], _CLOSING[self.text[start]]
        stop, depth = start + 1, 1
        while stop < len(self.text):
            depth += (self.text[stop] == opening) - (self.text[stop] == closing)
            if depth == 0:
                break
            stop += 1
        content = self.text[start + 1 : stop]
        if any("A" <= character <= "Z" for character in content):
            return None
        if depth or not content:
            raise PatternError(f"no '{closing}' closes the bracket" if depth else "an empty bracket", self.text, start)
        amount = read_expression(self.text, start + 1, stop)
        self.position = stop + 1
        return amount
