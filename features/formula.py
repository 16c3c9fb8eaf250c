"""Chemical formulas as chemists write them, read into element amounts.

Accepted: nested brackets of three kinds, unicode subscripts, blanks, fractional amounts, a leading multiplier
(`2LiCl`), hydrates and adducts (`LiOH·H2O`), and mixtures in the notation of the glass literature
(`75Li2S-25P2S5`). Everything else is refused with the place and the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, RowErrorCode, shown
from features.formula_faults import explain
from features.formula_writing import reduced_amounts, written_amount

MAX_FORMULA_LENGTH = 300
MAX_ELEMENTS = 20
MAX_BRACKET_DEPTH = 12
MAX_AMOUNT = 1e6
MIN_AMOUNT = 1e-6

_TERM = re.compile(r"([A-Z][a-z]?|[()\[\]{}])([0-9]*\.?[0-9]*)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BRACKETS = frozenset("()[]{}")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"  # one way only to match a number: no backtracking
_MULTIPLIER = re.compile(_NUMBER)
_ADDUCT = re.compile(r"[·•∙⋅‧*]|\.(?=[A-Z(\[{])")
_MIXTURE = re.compile(rf"{_NUMBER}[A-Z(\[{{][^-]*(?:-{_NUMBER}[A-Z(\[{{][^-]*)+")
# A full stop between a salt and its water, as in CaSO4.2H2O or MoO3.0.5H2O: no decimal point. Only after an
# anion or a bracket, so that P1.5H2O stays what `format_formula` means by it.
_SOLVENTS = ("H2O", "NH3")
_SOLVATE = re.compile(rf"((?:[NOFSIH]|Cl|Br|Se|[)\]}}])(?:[1-9][0-9]*)?)\.({_NUMBER}(?:{'|'.join(_SOLVENTS)}))$")
_LOOKALIKES = str.maketrans({dash: "-" for dash in "−–—‐‑"})


def parse_formula(text: str) -> dict[str, float]:
    """Read a chemical formula into amounts per element.

    Parameters
    ----------
    text
        Formula as a chemist would type it.

    Returns
    -------
    dict
        Element symbol to amount, in order of first appearance; amounts are as written, not normalised.

    Raises
    ------
    CandidateError
        With a code of `RowErrorCode` and a message that says where and why.

    Examples
    --------
    >>> parse_formula("Li1.3Al0.3Ti1.7(PO4)3")
    {'Li': 1.3, 'Al': 0.3, 'Ti': 1.7, 'P': 3.0, 'O': 12.0}
    """
    return read_formula(text)[1]


def clean_formula(text: str) -> str:
    """Return the formula with unicode digits, brackets and blanks in their plain form.

    Raises
    ------
    CandidateError
        `empty_formula` for nothing but blanks, `formula_too_long` above `MAX_FORMULA_LENGTH` characters.
    """
    if len(text) > MAX_FORMULA_LENGTH:
        raise CandidateError(
            RowErrorCode.FORMULA_TOO_LONG,
            f"formula of {len(text)} characters; at most {MAX_FORMULA_LENGTH} are read",
        )
    plain = text if text.isascii() else _plain_unicode(text)
    plain = "".join(plain.split()).strip("\"'")
    if not plain:
        raise CandidateError(RowErrorCode.EMPTY_FORMULA, "no formula given; expected one such as Li6PS5Cl")
    return plain


def read_formula(text: str) -> tuple[str, dict[str, float]]:
    """Clean and read a formula in one go.

    Returns
    -------
    formula, amounts
        As from `clean_formula` and `parse_formula`.

    Raises
    ------
    CandidateError
        As `parse_formula`.
    """
    if not isinstance(text, str):
        raise CandidateError(RowErrorCode.UNPARSEABLE_FORMULA, f"a formula is text, received {type(text).__name__}")
    # Most formulas are plain terms: they are clean already and need no look for separators.
    if len(text) <= MAX_FORMULA_LENGTH and not text.endswith(_SOLVENTS):
        amounts = _terms_amounts(text)
        if amounts is not None:
            return text, _checked(amounts, text)
    formula = clean_formula(text)
    return formula, _checked(_sum_amounts(formula), text)


def _plain_unicode(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    return "".join(character for character in plain if unicodedata.category(character) != "Cf")


def _terms_amounts(formula: str) -> dict[str, float] | None:
    """Add up elements and brackets, each with an optional amount; None if there is anything else."""
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
        elif symbol in _CLOSING:
            if number or len(outer) >= MAX_BRACKET_DEPTH:
                return None
            outer.append((amounts, _CLOSING[symbol]))
            amounts = {}
        else:
            inner = amounts
            amounts, expected = outer.pop() if outer else ({}, "")
            if symbol != expected or not inner:
                return None
            for element, amount in inner.items():
                amounts[element] = amounts.get(element, 0.0) + amount * count
    return None if outer or not amounts else amounts


def _sum_amounts(formula: str) -> dict[str, float]:
    """Add up the parts of adducts and mixtures, each with an optional multiplier."""
    if "-" in formula and _MIXTURE.fullmatch(formula):
        parts = formula.split("-")
    else:
        parts = _ADDUCT.split(_SOLVATE.sub(r"\1·\2", formula))
    total: dict[str, float] = {}
    for part in parts:
        lead = _MULTIPLIER.match(part)
        multiplier, terms = (float(lead.group()), part[lead.end() :]) if lead else (1.0, part)
        amounts = _terms_amounts(terms)
        if amounts is None:
            raise explain(part, len(part) - len(terms), whole=formula, max_depth=MAX_BRACKET_DEPTH)
        for symbol, amount in amounts.items():
            total[symbol] = total.get(symbol, 0.0) + amount * multiplier
    return total


def _checked(amounts: dict[str, float], text: str) -> dict[str, float]:
    """Return the amounts if every element is known and every amount in range."""
    values = amounts.values()
    if (
        ATOMIC_NUMBER.keys() >= amounts.keys()
        and len(amounts) <= MAX_ELEMENTS
        and min(values) >= MIN_AMOUNT
        and max(values) <= MAX_AMOUNT
    ):
        return amounts
    for symbol, amount in amounts.items():
        if symbol not in ATOMIC_NUMBER:
            hint = "; write every hydrogen as H" if symbol in ("D", "T") else ""
            if symbol[-1] in "xyz":
                hint = "; give a number in place of the variable"
            raise CandidateError(
                RowErrorCode.UNKNOWN_ELEMENT,
                f"'{symbol}' in '{shown(text)}' is not one of the elements H to Lr{hint}",
            )
        if amount <= 0:
            raise CandidateError(
                RowErrorCode.NON_POSITIVE_AMOUNT,
                f"amount {amount:g} of {symbol} in '{shown(text)}'; amounts must be above 0",
            )
        if not MIN_AMOUNT <= amount <= MAX_AMOUNT:
            raise CandidateError(
                RowErrorCode.AMOUNT_OUT_OF_RANGE,
                f"amount {amount:g} of {symbol}; expected {MIN_AMOUNT:g} to {MAX_AMOUNT:g}",
            )
    raise CandidateError(
        RowErrorCode.TOO_MANY_ELEMENTS, f"{len(amounts)} elements; at most {MAX_ELEMENTS} are accepted"
    )


def format_formula(amounts: Mapping[str, float]) -> str:
    """Write amounts as a reduced formula, elements by rising electronegativity.

    Equal compositions give equal strings where the amounts are integers (to 1e-6): these are reduced by their
    greatest common divisor. Others are kept as they are, to six digits. `parse_formula` reads it back.

    Examples
    --------
    >>> format_formula({"S": 10, "P": 2, "Li": 12, "Cl": 2})
    'Li6PS5Cl'
    """
    order = sorted(amounts, key=lambda symbol: (_electronegativity(symbol), symbol))
    values = reduced_amounts([amounts[symbol] for symbol in order])
    return "".join(symbol + written_amount(value) for symbol, value in zip(order, values, strict=True))


@lru_cache(maxsize=256)
def _electronegativity(symbol: str) -> float:
    return float(element_table()["pauling_electronegativity"][ATOMIC_NUMBER[symbol] - 1])
