"""Chemical formulas as chemists write them, read into element amounts.

Accepted: nested brackets of three kinds, unicode subscripts, HTML and TeX, harmless blanks, fractional amounts, a
leading multiplier (`2LiCl`), hydrates and adducts (`LiOH·H2O`), and mixtures (`75Li2S-25P2S5`, `Li3PS4-LiI`,
`95(0.6Li2S-0.4SiS2)-5Li4SiO4`). States, phases, charges and isotopes are left out with a warning. Everything else is
refused with the place and the reason, and so is what can be read but is hardly meant: see `features.formula_doubts`
and `features.names`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from features.blank_words import WORDS_FOR_NOTHING
from features.elements import ATOMIC_NUMBER, SYMBOLS, element_table
from features.errors import CandidateError, Remark, RowErrorCode, WarningCode, shown
from features.formula_case import hint_of_case
from features.formula_doubts import ANIONS, doubt_of
from features.formula_faults import explain
from features.formula_notation import ADDUCT_DOTS, SOLVENTS, SPACED_DOT, to_plain_formula, too_long
from features.formula_terms import MAX_BRACKET_DEPTH, MAX_FORMULA_LENGTH, plain_amounts
from features.formula_writing import reduced_amounts, with_every_amount, write_formula, written_amount
from features.names import TAKE_NAME, Name, exact_names, find_name, read_name, refusal_of

MAX_ELEMENTS = 20
MAX_AMOUNT = 1e6
MIN_AMOUNT = 1e-6

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"  # one way only to match a number: no backtracking
_MULTIPLIER = re.compile(_NUMBER)
_ADDUCT = re.compile(rf"[{ADDUCT_DOTS}{SPACED_DOT}]|\.(?=[A-Z(\[{{])")
# A full stop between a salt and its water, as in CaSO4.2H2O or MoO3.0.5H2O: no decimal point. Only after an
# anion or a bracket, so that P1.5H2O stays what `format_formula` means by it.
_SOLVATE = re.compile(rf"((?:[NOFSIH]|Cl|Br|Se|[)\]}}])(?:[1-9][0-9]*)?)\.({_NUMBER}(?:{'|'.join(SOLVENTS)}))$")
_AMOUNT_BEHIND = re.compile(rf"[)\]}}]{_NUMBER}$")
_BRACKETED = re.compile(rf"[(\[{{](.+)[)\]}}]({_NUMBER})?")
_SHORTEST_LOOSE_NAME = 3


class FormulaReading(NamedTuple):
    """What a text was read as.

    Attributes
    ----------
    formula
        The plain formula, in ASCII and without blanks.
    amounts
        Element symbol to amount, in order of first appearance; as written, not normalised.
    remarks
        Warnings of what was left out or taken for granted.
    """

    formula: str
    amounts: dict[str, float]
    remarks: tuple[Remark, ...] = ()


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
    return read_formula(text).amounts


def read_formula(text: str) -> FormulaReading:
    """Read a formula, and say what was left out or taken for granted.

    Raises
    ------
    CandidateError
        As `parse_formula`.
    """
    if not isinstance(text, str):
        raise CandidateError(RowErrorCode.UNPARSEABLE_FORMULA, f"a formula is text, received {type(text).__name__}")
    if len(text) > MAX_FORMULA_LENGTH:
        raise too_long(text)
    # Most formulas are plain terms: they are clean already and need no look for separators.
    amounts = None if text.endswith(SOLVENTS) else plain_amounts(text)
    if amounts is not None and "D" not in amounts:
        return FormulaReading(text, _sound(amounts, text), _word_remarks(text, amounts))
    if text.lstrip().startswith(TAKE_NAME):
        formula, remark = read_name(text)
        return FormulaReading(formula, _sum_amounts(formula, []), (remark,))
    try:
        formula, remarks = to_plain_formula(text)
        amounts = _in_range(_sum_amounts(formula, remarks), text)
    except CandidateError as error:
        name = find_name(text.strip()) if len(text.strip()) >= _SHORTEST_LOOSE_NAME else None
        raise (refusal_of(name, text.strip()) if name else error) from None
    return FormulaReading(formula, amounts, (*_word_remarks(text.strip(), amounts), *remarks))


def _word_remarks(text: str, amounts: Mapping[str, float]) -> tuple[Remark, ...]:
    if text not in WORDS_FOR_NOTHING:
        return ()
    message = f"'{shown(text)}' is read as {write_formula(amounts)}; leave the formula out where nothing is known"
    return (Remark(WarningCode.WORD_FOR_NOTHING, message),)


def _sound(amounts: dict[str, float], formula: str) -> dict[str, float]:
    """Return the amounts of plain terms that are neither a name nor hardly meant as they stand."""
    if formula in exact_names():
        raise _refused_name(exact_names()[formula], formula, amounts)
    checked = _in_range(amounts, formula)
    if doubt := doubt_of(formula, amounts):
        raise doubt
    return checked


def _refused_name(name: Name, text: str, amounts: Mapping[str, float] | None) -> CandidateError:
    """Return the error of a name, with what to write for the elements themselves where it is made of such."""
    real = amounts and ATOMIC_NUMBER.keys() >= amounts.keys()
    return refusal_of(name, text, with_every_amount(amounts) if amounts and real else "")


def _sum_amounts(formula: str, remarks: list[Remark], depth: int = 0) -> dict[str, float]:
    """Add up the parts of adducts and mixtures, each with an optional multiplier."""
    mixed = _parts_of_mixture(formula)
    parts = mixed or _parts_of_adduct(_SOLVATE.sub(r"\1·\2", formula))
    if mixed and not any(_MULTIPLIER.match(part) or _AMOUNT_BEHIND.search(part) for part in mixed):
        message = f"no amounts are given in '{shown(formula)}': read as equal numbers of formula units"
        remarks.append(Remark(WarningCode.MIXTURE_WITHOUT_AMOUNTS, message))
    total: dict[str, float] = {}
    for part in parts:
        lead = _MULTIPLIER.match(part)
        multiplier, terms = (float(lead.group()), part[lead.end() :]) if lead else (1.0, part)
        for symbol, amount in _part_amounts(terms, part, formula, remarks, depth).items():
            total[symbol] = total.get(symbol, 0.0) + amount * multiplier
    return total


def _part_amounts(terms: str, part: str, whole: str, remarks: list[Remark], depth: int) -> dict[str, float]:
    """Return the amounts of one part, which may be a mixture in brackets."""
    amounts = plain_amounts(terms)
    if terms in exact_names():
        raise _part_refusal(exact_names()[terms], terms, whole, amounts)
    if amounts is not None:
        if doubt := doubt_of(terms, amounts):
            place = f"in '{shown(whole)}': " if terms != whole else ""
            raise CandidateError(doubt.code, place + doubt.message)
        return amounts
    inner = _BRACKETED.fullmatch(terms)
    if inner and depth < MAX_BRACKET_DEPTH and re.search(rf"[-:{ADDUCT_DOTS}{SPACED_DOT}]", inner.group(1)):
        count = float(inner.group(2) or 1.0)
        return {symbol: amount * count for symbol, amount in _sum_amounts(inner.group(1), remarks, depth + 1).items()}
    if name := find_name(terms) if len(terms) >= _SHORTEST_LOOSE_NAME else None:
        raise _part_refusal(name, terms, whole, None)
    raise explain(part, len(part) - len(terms), whole=whole, max_depth=MAX_BRACKET_DEPTH)


def _part_refusal(name: Name, terms: str, whole: str, amounts: Mapping[str, float] | None) -> CandidateError:
    if terms == whole or name.kind not in ("polymer", "organic", "carbon"):
        return _refused_name(name, terms, amounts)
    return CandidateError(
        RowErrorCode.ORGANIC_PART,
        f"'{shown(whole)}' holds '{terms}', {name.meaning}: an organic part, of which the models know nothing; leave it"
        " out to ask for the inorganic part alone",
    )


def _parts_of_mixture(formula: str) -> list[str]:
    """Return the parts of a mixture such as 75Li2S-25P2S5; none where a hyphen or colon means something else.

    Parts without amounts must be compounds: `Li7-3Al` is a composition that was not worked out.
    """
    for separator in "-:":
        parts = _split_outside_brackets(formula, separator)
        if len(parts) < 2:
            continue
        amounts = [_MULTIPLIER.match(part) for part in parts]
        bodies = [part[lead.end() :] if lead else part for part, lead in zip(parts, amounts, strict=True)]
        if all(amounts) and all(body[:1].isupper() or body[:1] in ("(", "[", "{") for body in bodies):
            return parts
        if all(_is_compound(body) for body in bodies):
            return parts
    return []


def _parts_of_adduct(formula: str) -> list[str]:
    """Return what stands between the dots of an adduct, those in brackets left out."""
    parts, start = [], 0
    for dot in _ADDUCT.finditer(formula):
        before = formula[: dot.start()]
        if sum(before.count(bracket) for bracket in "([{") <= sum(before.count(bracket) for bracket in ")]}"):
            parts.append(formula[start : dot.start()])
            start = dot.end()
    return [*parts, formula[start:]]


def _is_compound(terms: str) -> bool:
    symbols = set(re.findall(r"[A-Z][a-z]?", terms))
    if terms in exact_names() or find_name(terms):
        return True
    hydride = "H" in symbols
    return bool((symbols & ANIONS or hydride) and symbols - ANIONS - ({"H"} if not symbols & ANIONS else set()))


def _split_outside_brackets(formula: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(formula):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == separator and depth == 0:
            parts.append(formula[start:place])
            start = place + 1
    return [*parts, formula[start:]]


def _in_range(amounts: dict[str, float], text: str) -> dict[str, float]:
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
            hint = "write every hydrogen as H" if symbol in ("D", "T") else hint_of_case(text)
            if symbol[-1] in "xyz":
                hint = "give a number in place of the variable"
            raise CandidateError(
                RowErrorCode.UNKNOWN_ELEMENT,
                f"'{symbol}' in '{shown(text)}' is not one of the elements H to Lr" + (hint and f"; {hint}"),
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
    order = sorted(amounts, key=_places_by_electronegativity().__getitem__)
    values = reduced_amounts([amounts[symbol] for symbol in order])
    return "".join([symbol + written_amount(value) for symbol, value in zip(order, values, strict=True)])


@cache
def _places_by_electronegativity() -> dict[str, int]:
    electronegativity = element_table()["pauling_electronegativity"].tolist()
    order = sorted(zip(electronegativity, SYMBOLS, strict=True))
    return {symbol: place for place, (_, symbol) in enumerate(order)}
