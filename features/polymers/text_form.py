"""One text for polymer, salt and amount: `PEO20-LiTFSI`, `PEO:LiTFSI 18:1`, `P(EO)16LiTFSI`, `PEO-LiTFSI 30 wt%`.

A number between the names, or a ratio after them, counts repeat units per lithium, as the field writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from features.errors import RowErrorCode
from features.polymers.concentration import Concentration
from features.polymers.names import find_polymer, find_salt, refuse_other_materials
from features.polymers.toolkit import refused

LONGEST_NAME = 200
"""Longer texts are no name with a salt."""
_SALT_START = re.compile(r"[Ll][Ii]|Na|K|Mg|Zn")
_SALT = re.compile(rf"(?P<salt>(?:{_SALT_START.pattern})[A-Za-z0-9()]+)(?P<rest>.*)$", re.DOTALL)
_POLYMER = re.compile(r"^(?P<polymer>.*?)_?(?P<units>\d+(?:\.\d+)?)?$", re.DOTALL)
_BETWEEN = " -–:_/+·*("
_SEVERAL = ";"
_RATIO = re.compile(r"(?P<units>\d+(?:\.\d+)?)\s*[:/]\s*(?P<lithium>\d+(?:\.\d+)?)\s*[)\]]?$")
_EQUALS = re.compile(
    r"(?P<of>EO|O|CO|units?)\]?\s*[:/]\s*\[?Li\+?\]?(?:\s*=\s*|\s+)(?P<units>\d+(?:\.\d+)?)(?:\s*:\s*1)?\s*[)\]]?$",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*(?:wt\.?\s*%|w/w|%\s*(?:by weight|w/w)|%)[\s)\]]*(?:salt)?$", re.I)
_MOLALITY = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*(?:mol/kg|mol\s*kg-1|mol\s*kg\^-1|m)[\s)\]]*$")


@dataclass(frozen=True, slots=True)
class ReadText:
    """Parts of a text form; `salt` is None where only a polymer, or units with ratios, stand there."""

    polymer: str
    salt: str | None
    concentration: Concentration


def is_smiles_of_unit(text: str) -> bool:
    """Whether a text is meant as a repeat unit and not as a name."""
    return "*" in text or "[Cu]" in text or "[Au]" in text or text.lstrip().startswith("{")


def read_text_form(text: str) -> ReadText:
    """Take a text apart; a name or a repeat unit alone is a polymer without salt.

    Raises
    ------
    CandidateError
        `unknown_name`, or a refusal of what is no dry polymer of one kind.
    """
    plain = " ".join(text.split())
    if is_smiles_of_unit(plain) or len(plain) > LONGEST_NAME or find_polymer(plain):
        return ReadText(plain, None, Concentration())
    refuse_other_materials(plain)
    for start in _SALT_START.finditer(plain):
        before, after = plain[: start.start()].rstrip(_BETWEEN), _SALT.match(plain[start.start() :])
        if after is None or not (find_salt(after["salt"]) or after["salt"][:2].casefold() != "li"):
            continue
        polymer, units = (before, None) if _SEVERAL in before else _name_and_units(before)
        known = find_polymer(polymer)
        if _SEVERAL in before or known is not None:
            count = _Count(units, known is not None and known.name == "PEO")
            return ReadText(polymer, after["salt"], _amount(count, after["rest"].strip(" ,;(["), plain))
        refuse_other_materials(polymer)
    return ReadText(plain, None, Concentration())


def _name_and_units(text: str) -> tuple[str, str | None]:
    """Return the name before a number, and the number."""
    found = _POLYMER.match(text)
    assert found is not None  # any text matches
    return found["polymer"].strip(_BETWEEN), found["units"]


class _Count(NamedTuple):
    """The number between the names, and whether each repeat unit is one ethylene oxide."""

    units: str | None
    is_of_ethylene_oxide: bool


def _amount(count: _Count, rest: str, text: str) -> Concentration:
    """Return the amount that a number between the names and the words after them mean."""
    units = count.units
    if units is not None and re.match(r"0\d", units):
        words = f"has the amount {units}, which begins with a zero: is the letter O meant, as in PEO20-LiTFSI?"
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, words)
    between = None if units is None else _per_unit(float(units), 1.0, text)
    if not rest:
        return Concentration(li_per_unit=between)
    if ratio := _RATIO.search(rest):
        after = Concentration(li_per_unit=_per_unit(float(ratio["units"]), float(ratio["lithium"]), text))
    elif equals := _EQUALS.search(rest):
        per_one, of = _per_unit(float(equals["units"]), 1.0, text), equals["of"].upper()
        if of == "EO" and not count.is_of_ethylene_oxide:
            words = "counts ethylene oxide, of which a repeat unit has another number: give O:Li, or mol/kg"
            raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, words)
        after = Concentration(li_per_O=per_one) if of == "O" else Concentration(li_per_unit=per_one)
    elif percent := _PERCENT.search(rest):
        after = Concentration(salt_wt_percent=float(percent["value"]))
    elif molal := _MOLALITY.search(rest):
        after = Concentration(molality=float(molal["value"]))
    else:
        words = f"ends with '{rest}'; expected a ratio such as 18:1, 30 wt% or 1.5 mol/kg"
        raise refused(RowErrorCode.UNPARSEABLE_POLYMER, text, words)
    if between is not None:
        raise refused(RowErrorCode.CONTRADICTING_CONCENTRATION, text, "gives the amount of salt twice")
    return after


def _per_unit(units: float, lithium: float, text: str) -> float:
    if units <= 0 or lithium <= 0:
        raise refused(RowErrorCode.CONCENTRATION_OUT_OF_RANGE, text, "gives a ratio of nothing")
    return lithium / units
