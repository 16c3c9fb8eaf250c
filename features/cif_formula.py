"""What a CIF says of its own composition, and whether its sites hold the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from features.cif_text import FORMULA_TAGS, DataBlock
from features.elements import ATOMIC_NUMBER
from features.errors import Remark, WarningCode, shown
from features.formula_writing import write_formula

Amounts = Mapping[str, float]

_LONGEST = 300
_DIFFERING_SHARE = 0.015  # of all atoms: rounded occupancies and formulas stay below
_MISSING_SHARE = 0.004  # of an element that one side does not hold
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)(?:\(\d+\))?")
_PART = re.compile(r"(\d*\.?\d*)\s*(?:\((.*)\)|\[(.*)\]|(.*))")


def stated_formulas(block: DataBlock) -> list[tuple[str, dict[str, float]]]:
    """Return the formulas that a block states, as written and as amounts; those that cannot be read are left out."""
    out = []
    for tag in FORMULA_TAGS:
        text = " ".join(block.first((tag,)).split())
        amounts = _amounts_of(text) if 0 < len(text) <= _LONGEST else None
        if amounts:
            out.append((text, amounts))
    return out


def differ(sites: Amounts, stated: Amounts) -> bool:
    """Whether two compositions differ by more than rounding does; the number of formula units does not matter."""
    total, stated_total = sum(sites.values()), sum(stated.values())
    missing = [amount / stated_total for symbol, amount in stated.items() if symbol not in sites]
    missing += [amount / total for symbol, amount in sites.items() if symbol not in stated]
    symbols = {**sites, **stated}
    apart = sum(abs(sites.get(s, 0.0) / total - stated.get(s, 0.0) / stated_total) for s in symbols) / 2
    return apart > _DIFFERING_SHARE or max(missing, default=0.0) > _MISSING_SHARE


def contradiction(sites: Amounts, stated: list[tuple[str, dict[str, float]]]) -> Remark | None:
    """Return the warning that a file states another composition than its sites hold; None where one formula agrees."""
    if not stated or any(not differ(sites, amounts) for _, amounts in stated):
        return None
    text, amounts = stated[0]
    absent = [symbol for symbol in amounts if symbol not in sites]
    more = f"; no site holds {', '.join(absent)}" if absent else ""
    message = f"the sites hold {write_formula(sites)}, the file's formula is '{shown(text)}'{more}; the sites are used"
    return Remark(WarningCode.FORMULA_CONTRADICTED, message)


def _amounts_of(text: str) -> dict[str, float] | None:
    """Read `Cl Li6 P S5`, or a moiety formula such as `P S4 3-, 3(Li 1+)`; None where that is not what it is."""
    amounts: dict[str, float] = {}
    for part in text.strip("'\" ").split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        times = _number(match[1])
        inner = next((group for group in match.groups()[1:] if group is not None), "")
        held = _tokens(re.sub(r"(\s+\d*[+-]|\s*[+-]\d*)$", "", inner.strip()))
        if held is None or times is None:
            return None
        for symbol, amount in held.items():
            amounts[symbol] = amounts.get(symbol, 0.0) + times * amount
    return {symbol: amount for symbol, amount in amounts.items() if amount > 0} or None


def _tokens(text: str) -> dict[str, float] | None:
    amounts: dict[str, float] = {}
    place = 0
    text = text.replace(" ", "")
    while place < len(text):
        match = _TOKEN.match(text, place)
        amount = _number(match[2]) if match else None
        if match is None or amount is None:
            return None
        symbol = "H" if match[1] == "D" else match[1]
        if symbol not in ATOMIC_NUMBER:
            return None
        amounts[symbol] = amounts.get(symbol, 0.0) + amount
        place = match.end()
    return amounts


def _number(text: str) -> float | None:
    if not text:
        return 1.0
    return float(text) if text != "." else None
