"""Formulas that can be read and are hardly meant as they stand: a zero typed for O, a lost point, a capital I for l.

Each would give a confident answer for another material, so each is refused with the place, the reason and what to
write instead. None of the formulas of OBELiX, the literature tables and the reference table is touched
(`tests/features/test_formula_corpora.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, RowErrorCode, shown
from features.formula_terms import plain_amounts

ANIONS = frozenset(("N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I"))
_ANION = r"(?:Cl|Br|Se|Te|[NOFSI](?![a-z])|[)\]}])"

MAY_MISLEAD = re.compile(rf"(?<![0-9.])0[0-9]|[1-9]0|C[I1](?![a-z])|{_ANION}[0-9]*\.[0-9]+[A-Z(\[{{]|[(\[]\s*[IV]|H20$")
"""A cheap first look, which sound formulas such as Li10GeP2S12 do not pass either."""

_LEADING_ZERO = re.compile(r"(?<![0-9.])0[0-9]+(?:\.[0-9]*)?")
_WHOLE_NUMBER = re.compile(r"(?<![0-9.])[1-9][0-9]*(?![0-9.])")
_POINT_WITHOUT_ZERO = re.compile(rf"{_ANION}(\.[0-9]+)[A-Z(\[{{]")
_POINT_OR_ADDUCT = re.compile(r"(Cl|Br|Se|Te|[NOFSI](?![a-z]))[1-9][0-9]*\.([1-9][0-9]*)([A-Z][a-z]?|[(\[{])")
_WATER_WITH_ZERO = re.compile(r"\.[0-9]*H20$")
_ROMAN = re.compile(r"[(\[](?:I{1,3}|IV|VI{0,2})[)\]](?![0-9.])")
_CAPITAL_I = re.compile(r"CI(?![a-z])")
_ONE_FOR_L = re.compile(r"C1(?=[0-9]?(?:[A-Z)\]}]|$))")


def doubt_of(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    """Return why a formula is hardly meant as it reads; None where there is no such reason.

    Parameters
    ----------
    formula
        Plain terms, without separators and blanks.
    amounts
        As they read.
    """
    if MAY_MISLEAD.search(formula) is None:
        return None
    checks = (_leading_zero, _zero_for_oxygen, _letter_for_chlorine, _point_or_adduct, _oxidation_state)
    return next((error for check in checks if (error := check(formula, amounts))), None)


def _leading_zero(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    found = _LEADING_ZERO.search(formula)
    if found is None:
        return None
    number, start = found.group(), found.start()
    as_oxygen = formula[:start] + "O" + number[1:] + formula[found.end() :]
    other = plain_amounts(as_oxygen)
    remedies = [f"{as_oxygen} for oxygen", f"0.{number[1:].replace('.', '')} for a decimal"]
    if "O" in amounts and not (other and _is_neutral_oxide(other)):
        remedies.reverse()
    return _doubt(formula, start, f"the amount {number} begins with a zero; write {' or '.join(remedies)}")


def _zero_for_oxygen(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    """Find a zero in an amount that would balance the charges as the letter O, where no other anion is."""
    if (amounts.keys() == {"H"} and formula == "H20") or _WATER_WITH_ZERO.search(formula):
        return _doubt(formula, len(formula) - 1, "20 hydrogen atoms; write H2O for water, or H20.0")
    if ANIONS & amounts.keys():
        return None
    for place in _zeros(formula):
        as_oxygen = formula[:place] + "O" + formula[place + 1 :]
        other = plain_amounts(as_oxygen)
        if other is not None and _is_neutral_oxide(other):
            end = next((i for i in range(place, len(formula)) if not formula[i].isdigit()), len(formula))
            amount = re.findall(r"[0-9]+$", formula[:end])[0]
            reason = f"an amount of {amount} and no anion; write {as_oxygen} for oxygen, or {amount}.0 for this amount"
            return _doubt(formula, place, reason)
    return None


def _zeros(formula: str) -> Iterator[int]:
    for number in _WHOLE_NUMBER.finditer(formula):
        yield from (number.start() + i for i, digit in enumerate(number.group()) if digit == "0")


def _is_neutral_oxide(amounts: Mapping[str, float]) -> bool:
    """Whether common oxidation states of the other elements balance oxygen as O2-, and no other anion is there."""
    if not ATOMIC_NUMBER.keys() >= amounts.keys() or ANIONS & amounts.keys() != {"O"}:
        return False
    table = element_table()
    lowest, highest = table["cation_charge_min"], table["cation_charge_max"]
    places = {symbol: ATOMIC_NUMBER[symbol] - 1 for symbol in amounts if symbol != "O"}
    bounds = [sum(amounts[symbol] * ends[i] for symbol, i in places.items()) for ends in (lowest, highest)]
    return bool(bounds[0] <= 2 * amounts["O"] <= bounds[1])


def _letter_for_chlorine(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    if found := _CAPITAL_I.search(formula):
        chloride = _CAPITAL_I.sub("Cl", formula)
        carbon = _CAPITAL_I.sub("C1I", formula)
        return _doubt(formula, found.start(), f"carbon and iodine; write {chloride} for chlorine, or {carbon}")
    found = _ONE_FOR_L.search(formula)
    implicit_ones = re.search(r"[A-Z][a-z]?(?=[A-Z]|$)", formula)  # elsewhere an amount of one is left out
    if found is None or implicit_ones is None:
        return None
    chloride = _ONE_FOR_L.sub("Cl", formula)
    other = plain_amounts(chloride)
    if other is None or not _is_neutral_chloride(other):
        return None
    number = re.match(r"[0-9]+", formula[found.start() + 1 :])
    written = f"C{number.group() if number else ''}.0"
    return _doubt(formula, found.start(), f"carbon; write {chloride} for chlorine, or {written} for carbon")


def _is_neutral_chloride(amounts: Mapping[str, float]) -> bool:
    """Whether one oxidation state an element balances the charges, with anions at their full charge."""
    if not ATOMIC_NUMBER.keys() >= amounts.keys() or "C" in amounts:
        return False
    table = element_table()
    charge = 0.0
    for symbol, amount in amounts.items():
        column = "anion_charge" if symbol in ANIONS else "cation_charge_max"
        charge += amount * table[column][ATOMIC_NUMBER[symbol] - 1]
    return abs(charge) < 1e-6


def _point_or_adduct(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    if found := _POINT_WITHOUT_ZERO.search(formula):
        start, number = found.start(1), found.group(1)
        adduct = formula[:start] + "·" + formula[start + 1 :]
        reason = f"'{number}' behind an anion: write {adduct} for an adduct, or 0{number} for a decimal"
        return _doubt(formula, start, reason)
    for found in _POINT_OR_ADDUCT.finditer(formula):
        anion, following = found.group(1), found.group(3)
        recurs = re.search(rf"{anion}(?![a-z])", formula[found.end() :])
        if following in ANIONS or recurs is None:
            continue
        place = found.start(2) - 1
        adduct = formula[:place] + " · " + formula[place + 1 :]
        reason = f"a decimal, or an adduct '{adduct}'? Write the adduct with blanks around the dot; for a decimal"
        return _doubt(formula, place, f"{reason} put each element once")
    return None


def _oxidation_state(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    if found := _ROMAN.search(formula):
        reason = f"'{found.group()}' reads as iodine or vanadium; leave oxidation states and remarks out"
        return _doubt(formula, found.start(), reason)
    return None


def _doubt(formula: str, place: int, reason: str) -> CandidateError:
    message = f"'{shown(formula)}' (character {place + 1}): {reason}"
    return CandidateError(RowErrorCode.AMBIGUOUS_FORMULA, message)
