"""Formulas that can be read and are hardly meant as they stand: a zero typed for O, a lost point, a capital I for l.

Each would give a confident answer for another material, so each is refused with the place, the reason and what to
write instead. None of the formulas of OBELiX, the literature tables and the reference table is touched
(`tests/features/test_formula_corpora.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, RowErrorCode, shown
from features.formula_terms import plain_amounts

ANIONS = frozenset(("N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I"))
_ANION = r"(?:Cl|Br|Se|Te|[NOFSI](?![a-z])|[)\]}])"

MAY_MISLEAD = re.compile(
    rf"(?<![0-9.])0[0-9]|[1-9]0|[1-9.][0-9]+0[0-9]|[A-Za-z)][0-9]*5[0-9]|C[I1](?![a-z])|{_ANION}[0-9]*\.[0-9]|[(\[]\s*[IV]"
    r"|[0-9]\.(?:[A-Z(\[{]|$)|([A-Z][a-z]?)\1(?![a-z])|I[IV]|N[IB]|C[OS]|HF|S[CNI]|IN|No|Po|[A-Za-z][)\]}]$"
)
"""A cheap first look, which sound formulas such as Li10GeP2S12 do not pass either."""

_PLAIN = re.compile(r"(?:(?!No|C1|CI|IV)[A-Z][a-z]?(?:0\.[0-9]+|[1-9][0-9]*(?:\.[0-9]+)?)?)+(?<!H20)(?<!\.[12])")
"""Elements without brackets, digits on both sides of each point: of such, only the charges may give doubt.

There is one way only to match an amount: with two, a text with a bracket at its end takes longer than anyone waits.
"""

_LEADING_ZERO = re.compile(r"(?<![0-9.])0[0-9]+(?:\.[0-9]*)?")
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_SYMBOL_AND_AMOUNT = re.compile(r"([A-Z][a-z]?)?([0-9]+(?:\.[0-9]+)?)")
_POINT_WITHOUT_ZERO = re.compile(rf"{_ANION}(\.[0-9]+)(?:[A-Z(\[{{]|$)")
_POINT_AT_THE_END = re.compile(rf"{_ANION}[1-9][0-9]*(\.[12])$")  # of a repeated name in pandas, of a sample
_POINT_WITHOUT_DIGIT = re.compile(r"([A-Z][a-z]?)[0-9]+(\.)(?=[A-Z(\[{]|$)")
_DOUBLED = re.compile(r"([A-Z][a-z]?)(?!OH)\1(?![a-z])")  # LiNbOO3, but AlOOH
_CAPITALS = re.compile(r"NI|CO|HF|SC|SN|IN|NB|SI|CS(?![a-z])")
_ANY_CAPITALS = re.compile(rf"{_CAPITALS.pattern}|No|Po")
_NOBELIUM = re.compile(r"(?<=[A-Za-z(])No[23](?=\)|$)")
_POLONIUM = re.compile(r"Po(?![0-9]*\.[0-9]*0)")
_VALENCE = re.compile(r"(?<=[a-z])(?:III?|IV)(?![a-z])")
_REMARK = re.compile(r"[(\[{]([A-Za-z]+)[)\]}]$")
IONS_IN_BRACKETS = frozenset(("OH", "CN", "SCN", "NCS", "NO", "CO", "NH", "SH", "OD"))
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
    is_plain = _PLAIN.fullmatch(formula) is not None and len(_SYMBOL.findall(formula)) == len(amounts)
    if (is_plain and is_neutral(amounts)) or MAY_MISLEAD.search(formula) is None:
        return None
    point, zero = "." in formula, "0" in formula  # what a check looks for stands in few formulas
    return (
        (_leading_zero(formula, amounts) if zero else None)
        or (_digit_for_letter(formula, amounts) if zero or "5" in formula else None)
        or (_letter_for_chlorine(formula, amounts) if "C1" in formula or "CI" in formula else None)
        or (_point_or_adduct(formula, amounts) if point else None)
        or (_lost_digit(formula, amounts) if point else None)
        or (_oxidation_state(formula, amounts) if "I" in formula or "V" in formula else None)
        or (_capitals(formula, amounts) if _ANY_CAPITALS.search(formula) else None)
        or _doubled(formula, amounts)
        or (_remark(formula, amounts) if formula[-1:] in (")", "]", "}") else None)
    )


def _leading_zero(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    found = _LEADING_ZERO.search(formula)
    if found is None:
        return None
    number, start = found.group(), found.start()
    as_oxygen = formula[:start] + "O" + number[1:] + formula[found.end() :]
    other = plain_amounts(as_oxygen)
    remedies = [f"{as_oxygen} for oxygen", f"0.{number[1:].replace('.', '')} for a decimal"]
    if "O" in amounts and not (other and is_neutral(other)):
        remedies.reverse()
    return _doubt(formula, start, f"the amount {number} begins with a zero; write {' or '.join(remedies)}")


_LETTER_OF_DIGIT = {"0": "O", "5": "S"}


def _digit_for_letter(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    """Find a zero or a five in an amount that balances the charges as the letter O or S, where the text does not."""
    if (amounts.keys() == {"H"} and formula == "H20") or _WATER_WITH_ZERO.search(formula):
        return _doubt(formula, len(formula) - 1, "20 hydrogen atoms; write H2O for water, or H20.0")
    if is_neutral(amounts):
        return None
    for place, amount in _digits(formula):
        letter = _LETTER_OF_DIGIT[formula[place]]
        proposed = formula[:place] + letter + formula[place + 1 :]
        other = plain_amounts(proposed)
        if other is not None and len(other) > 1 and is_neutral(other):
            certain = f"{amount}.0" if "." not in amount else f"{amount}0"
            reason = f"the charges of an amount of {amount} do not balance; write {proposed} for the letter {letter}"
            return _doubt(formula, place, f"{reason}, or {certain} for this amount")
    return None


def _digits(formula: str) -> Iterator[tuple[int, str]]:
    """Yield the places of digits that may be letters, each with its amount; `20.0` and `0.50` are meant.

    A five stands before other digits, a zero between digits; at the end of an amount it is a letter only behind
    lithium or where there is no anion at all. An element that is there already is not looked for again, nor behind
    an anion.
    """
    held = set(_SYMBOL.findall(formula))
    for number in _SYMBOL_AND_AMOUNT.finditer(formula):
        symbol, text = number.groups()
        if ("0" not in text and "5" not in text) or ("." in text and text.endswith("0")):
            continue
        if symbol is None or symbol in ANIONS or symbol == "H":
            continue
        start = number.start(2)
        behind_lithium = start == 2 and formula.startswith("Li")
        for i, digit in enumerate(text):
            inside, at_the_end = 0 < i < len(text) - 1, 0 < i == len(text) - 1
            as_oxygen = digit == "0" and (inside or (at_the_end and (behind_lithium or held.isdisjoint(ANIONS))))
            as_sulfur = digit == "5" and i < len(text) - 1
            if not (as_oxygen or as_sulfur) or text[i - 1 : i] == "." or "." in text[i:]:
                continue
            if _LETTER_OF_DIGIT[digit] not in held:
                yield start + i, text


@cache
def _charges() -> dict[str, tuple[float, float]]:
    """Return the lowest and highest charge of each element; anions have the full one, phosphorus its highest."""
    table = element_table()
    ends = {symbol: ("cation_charge_min", "cation_charge_max") for symbol in ATOMIC_NUMBER}
    ends |= dict.fromkeys(ANIONS, ("anion_charge", "anion_charge")) | {"P": ("cation_charge_max", "cation_charge_max")}
    return {
        symbol: (float(table[low][z - 1]), float(table[high][z - 1]))
        for symbol, z in ATOMIC_NUMBER.items()
        for low, high in (ends[symbol],)
    }


def is_neutral(amounts: Mapping[str, float]) -> bool:
    """Whether common oxidation states balance the charges, anions at their full charge; False without either kind.

    A rough look for slips of the pen; `features.chemistry.assign_ions` is the answer for materials.
    """
    charges, lowest, highest, atoms, anions = _charges(), 0.0, 0.0, 0.0, 0
    for symbol, amount in amounts.items():
        if symbol not in charges:
            return False
        least, most = charges[symbol]
        lowest += amount * least
        highest += amount * most
        atoms += amount
        anions += symbol in ANIONS
    tolerance = 0.02 * atoms
    return 0 < anions < len(amounts) and lowest <= tolerance and highest >= -tolerance


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
    if other is None or not is_neutral(other):
        return None
    number = re.match(r"[0-9]+", formula[found.start() + 1 :])
    written = f"C{number.group() if number else ''}.0"
    return _doubt(formula, found.start(), f"carbon; write {chloride} for chlorine, or {written} for carbon")


def _point_or_adduct(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    if found := _POINT_WITHOUT_ZERO.search(formula):
        start, number = found.start(1), found.group(1)
        adduct = formula[:start] + "·" + formula[start + 1 :]
        decimal = formula[:start] + "0" + formula[start:]
        ends = formula.endswith(number)
        first = "leave a remark out" if ends else f"write {adduct} for an adduct"
        return _doubt(formula, start, f"'{number}' behind an anion: {first}, or {decimal} for a decimal")
    if found := _POINT_AT_THE_END.search(formula):
        shorter = plain_amounts(formula[: found.start(1)])
        if formula.count(".") == 1 and shorter is not None and is_neutral(shorter):
            reason = (
                f"'{found.group(1)}' at the end of a compound; leave a remark out, or write {formula}0 if it is meant"
            )
            return _doubt(formula, found.start(1), reason)
    for found in _POINT_OR_ADDUCT.finditer(formula):
        anion, following = found.group(1), found.group(3)
        if following in ANIONS or re.search(rf"{anion}(?![a-z])", formula[found.end() :]) is None:
            continue
        place = found.start(2) - 1
        adduct = formula[:place] + " · " + formula[place + 1 :]
        reason = f"a decimal, or an adduct '{adduct}'? Write the adduct with blanks around the dot; for a decimal"
        return _doubt(formula, place, f"{reason} put each element once")
    return None


def _lost_digit(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    for found in _POINT_WITHOUT_DIGIT.finditer(formula):
        at_the_end = found.end() == len(formula)
        if (at_the_end and is_neutral(amounts)) or (not at_the_end and found.group(1) in ANIONS):
            continue  # a full stop, or the dot of an adduct
        return _doubt(
            formula, found.start(2), "an amount ends with a point; write its decimals, or leave the point out"
        )
    return None


def _oxidation_state(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    if found := _ROMAN.search(formula) or _VALENCE.search(formula):
        reason = f"'{found.group()}' reads as iodine or vanadium; leave oxidation states and remarks out"
        return _doubt(formula, found.start(), reason)
    return None


def _capitals(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    """Find two capitals that balance the charges as one symbol, where they do not as two; and nobelium."""
    if nobelium := _NOBELIUM.search(formula):
        reason = f"nobelium; write {formula.replace('No', 'NO')} for nitrogen and oxygen"
        return _doubt(formula, nobelium.start(), reason)
    pairs = [(found.start(), found.group()) for found in _CAPITALS.finditer(formula)]
    pairs += [(found.start(), "Po") for found in _POLONIUM.finditer(formula)]
    for place, pair in pairs:
        meant = pair.upper() if pair == "Po" else pair.title()
        proposed = formula[:place] + meant + formula[place + 2 :]
        other = plain_amounts(proposed)
        if other is not None and is_neutral(other) and not is_neutral(amounts):
            return _doubt(formula, place, f"'{pair}' does not balance the charges; write {proposed} for {meant}")
    return None


def _doubled(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    found = next(_DOUBLED.finditer(formula), None)
    if found is None or len(_DOUBLED.findall(formula)) > 1 or "C" in amounts:  # CH3COOLi
        return None
    reason = f"'{found.group(1)}' stands twice; write it once, with its amount"
    return _doubt(formula, found.start(), reason)


def _remark(formula: str, amounts: Mapping[str, float]) -> CandidateError | None:
    """Find a word in brackets behind what is a compound without it: `Li7P3S11(HP)`, `Li6PS5Cl(Ag)`."""
    found = _REMARK.search(formula)
    if found is None or found.group(1) in IONS_IN_BRACKETS:
        return None
    before, inner = plain_amounts(formula[: found.start()]), plain_amounts(found.group(1))
    if before is None or not is_neutral(before) or (inner is not None and is_neutral(inner)):
        return None
    return _doubt(formula, found.start(), f"'{found.group()}' would be read as elements; leave remarks out")


def _doubt(formula: str, place: int, reason: str) -> CandidateError:
    message = f"'{shown(formula)}' (character {place + 1}): {reason}"
    return CandidateError(RowErrorCode.AMBIGUOUS_FORMULA, message)
