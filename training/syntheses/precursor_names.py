"""When two precursors are the same one, and which elements of a target need a source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from features.errors import CandidateError
from features.formula import parse_formula
from features.formula_writing import with_every_amount

FROM_THE_AIR = frozenset({"O", "H", "C", "N"})
"""Elements that come and go as gases: no bottle is chosen for their sake."""
GASES = ("O2", "N2", "H2", "H2O", "CO2", "NH3", "NO2", "NO", "Cl2", "HCl", "SO2", "CO")
_WATER = re.compile(r"[·•*⋅]\s*[\d.]*x?\s*H2O$")
_DIGITS = 4


@lru_cache(maxsize=50_000)
def amounts_of(formula: str) -> Mapping[str, float] | None:
    """Return the atoms of a formula unit; None where the text is no formula."""
    try:
        return parse_formula(formula)
    except CandidateError:
        return None


def composition_key(amounts: Mapping[str, float]) -> str:
    """Return one text for all formulas of one composition, whatever their order and size.

    Examples
    --------
    >>> composition_key({"P": 4, "S": 10}) == composition_key({"S": 5, "P": 2})
    True
    """
    total = sum(amounts.values())
    return with_every_amount(
        {symbol: round(amounts[symbol] / total, _DIGITS) for symbol in sorted(amounts)}, decimals=True
    )


@lru_cache(maxsize=50_000)
def key_of(formula: str) -> str:
    """Return `composition_key` of a formula; the text itself where it is none."""
    amounts = amounts_of(formula)
    return formula if amounts is None else composition_key(amounts)


def without_water(formula: str) -> str:
    """Return a hydrate's formula without its water: a bottle is the same chemistry, wet or dry."""
    return _WATER.sub("", formula)


GAS_KEYS = frozenset(composition_key(parse_formula(gas)) for gas in GASES)


def source_elements(amounts: Mapping[str, float]) -> frozenset[str]:
    """Return the elements that need a precursor; all of them where a target has none but those of air."""
    return frozenset(amounts) - FROM_THE_AIR or frozenset(amounts)
