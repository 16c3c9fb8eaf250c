"""Texts of users, files and tables as an agent may see them: data, never words that stand beside ours.

An agent reads an answer as it reads its instructions. So nothing that a caller, a file, a ledger or a registry wrote is
repeated bare: what can be read as a formula is written anew from its elements, a DOI must look like one, and every
other text stands on one line, short, without control and invisible characters, between double quotation marks.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from features.errors import CandidateError
from features.formula import parse_formula
from features.formula_writing import write_formula

LONGEST_TEXT = 300
_LONGEST_FORMULA = 300
_LONGEST_LIST = 200
_DOI = re.compile(r"10\.\d{4,9}/[!-~]{1,120}")
_NAME = re.compile(r"[A-Za-z][\w.+-]{0,99}")


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text on one line without control, invisible and unassigned characters, cut where it is too long."""
    kept = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text[: 4 * longest])
    line = " ".join(kept.split())
    return line if len(line) <= longest and len(text) <= 4 * longest else line[: longest - 3] + "..."


def quoted(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text between double quotation marks, those within it escaped."""
    return json.dumps(one_line(text, longest), ensure_ascii=False)


def formula(text: object) -> str:
    """Write a formula anew from what is read of it; what is none is quoted."""
    written = str(text)[:_LONGEST_FORMULA]
    try:
        return write_formula(parse_formula(written), sound=written)
    except CandidateError:
        return quoted(written, 60)


def doi(text: object) -> str | None:
    """Return a DOI, None for anything that does not look like one."""
    return text if isinstance(text, str) and _DOI.fullmatch(text) else None


def clean(value: Any) -> Any:  # noqa: ANN401
    """Return a JSON value with every text on one line and cut, keys that are names alone, and lists cut."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {key: clean(one) for key, one in value.items() if isinstance(key, str) and _NAME.fullmatch(key)}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value[:_LONGEST_LIST]]
    return value
