"""The year in which a paper appeared, as far as its DOI tells; nothing is looked up."""

from __future__ import annotations

import re

FIRST_YEAR, LAST_YEAR = 1960, 2026

_FOUR_DIGITS = re.compile(r"(?:\.|/|ma)((?:19|20)\d\d)(?=\D|\d{4,5})")  # j.ssi.2012.03.045, adma.202417796, ma2024-...
_IN_BRACKETS = re.compile(r"\((\d\d)\)")  # 10.1016/0167-2738(89)90438-4
_ACS = re.compile(r"^10\.1021/(?:jacs|acs\w*(?:\.\w+)?)\.(\d)([bc])")  # acs.chemmater.5b00940, jacs.0c10735
_ACS_OLD = re.compile(r"^10\.1021/[a-z]{2}(\d)(\d)\d{3,5}[a-z\d]?$")  # cm021717j is of 2002, cm300792t of 2012
_RSC = re.compile(r"^10\.1039/([abcd])(\d)")  # c3ta15264b
_NATURE = re.compile(r"^10\.1038/s\d{5}-0(\d\d)-")  # s41467-019-...
_SPRINGER = re.compile(r"^10\.1007/s\d{5}-0(\d\d)-")  # s11581-014-1261-6
_SPRINGER_OLD = re.compile(r"^10\.1007/bf0\d+")  # before 1997
_ECS = re.compile(r"^10\.1149/2\.\d{2,3}(\d\d)(\d\d)(?:jes|eel|esl|jss)$")  # 2.0501412jes: volume number 12 of 2014


def year_of_doi(doi: str) -> int | None:
    """Return the year of a DOI in lower case; None where it does not tell.

    Examples
    --------
    >>> [year_of_doi(d) for d in ("10.1016/j.ssi.2012.03.045", "10.1039/c3ta15264b", "10.1021/jacs.8b10282")]
    [2012, 2013, 2018]
    """
    year = _written_out(doi)
    return year if year is not None and FIRST_YEAR <= year <= LAST_YEAR else None


def first_year(dois: str) -> int | None:
    """Return the earliest year of several DOIs joined by `|`; None where none of them tells."""
    years = [year for year in map(year_of_doi, dois.split("|")) if year is not None]
    return min(years) if years else None


def _written_out(doi: str) -> int | None:
    if found := _ACS.match(doi):
        return (2010 if found[2] == "b" else 2020) + int(found[1])
    if found := _RSC.match(doi):
        return {"a": 1990, "b": 2000, "c": 2010, "d": 2020}[found[1]] + int(found[2])
    if found := _NATURE.match(doi) or _SPRINGER.match(doi):
        return 2000 + int(found[1])
    if _SPRINGER_OLD.match(doi):
        return 1996
    if found := _ECS.match(doi):
        return 2000 + int(found[1])
    if found := _IN_BRACKETS.search(doi):
        short = int(found[1])
        return short + (1900 if short > 50 else 2000)
    if found := _ACS_OLD.match(doi):
        tens, units = int(found[1]), int(found[2])
        return {9: 1990 + units, 0: 2000 + units}.get(tens, 2009 + tens)
    found = _FOUR_DIGITS.search(doi)
    return int(found[1]) if found else None
