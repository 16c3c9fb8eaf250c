"""One cell at a time: texts become numbers, formulas, days and DOIs, or a reason why not."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

from features.candidate import Candidate
from features.errors import CandidateError
from features.formula import read_formula
from training.measurements.columns import REFERENCE, LedgerColumn
from training.measurements.problems import AnyCode, Code
from training.splits import is_doi_list, normalise_doi

MAX_TEXT_LENGTH = 500
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?")
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?|[+-]?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf(?:inity)?|n/?a|null|none)", re.IGNORECASE)
_EXCEL_ERROR = re.compile(
    r"#(?:NAME\?|VALUE!|REF!|DIV/0!|N/A|NUM!|NULL!|SPILL!|CALC!|WERT!|BEZUG!|NV|#+)", re.IGNORECASE
)
_MONTHS = (
    "jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|mär(?:z)?|mrz|apr(?:il)?|may|mai|june?|juni|july?|juli"
    "|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?|dez(?:ember)?"
)
_EXCEL_DATE = re.compile(
    rf"\d{{1,2}}[-/. ]+(?:{_MONTHS})\.?(?:[-/. ]+\d{{2,4}})?"
    rf"|(?:{_MONTHS})[-/. ]+\d{{1,4}}"
    r"|\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:\.0+)?)?"
    r"|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?: \d{1,2}:\d{2}(?::\d{2})?)?"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?",
    re.IGNORECASE,
)
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00)?(?:\.0+)?Z?)?")
_LAB_REFERENCE_DAY = re.compile(r"^lab:\s*(\d{4}-\d{2}-\d{2})")
_EXCEL_REMEDY = "(a spreadsheet turned it into a date; format the column as text)"


class CellError(ValueError):
    """A cell cannot be used: its code, and in words what was expected."""

    def __init__(self, code: AnyCode, expected: str) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected


def is_number(text: str) -> bool:
    """Whether a text is a plain finite number with a decimal point."""
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def number(value: Any, column: LedgerColumn, *, decimal_comma: bool = False) -> float:  # noqa: ANN401
    """Return a cell as a finite number, in whatever unit it stands.

    Raises
    ------
    CellError
        With the way in which it is no number.
    """
    if isinstance(value, str):
        return _number_in(value.replace("\u2212", "-").strip(), column, decimal_comma)
    expected = _a_number(column)
    if isinstance(value, (bool, list, dict)):
        raise CellError(Code.NOT_A_NUMBER, expected)
    if isinstance(value, (dt.date, dt.datetime)):
        raise CellError(Code.EXCEL_DATE, f"{expected} {_EXCEL_REMEDY}")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise CellError(Code.NOT_A_NUMBER, expected) from None
    if not math.isfinite(found):
        raise CellError(Code.NOT_FINITE, f"{expected}, or an empty cell")
    return found


def _a_number(column: LedgerColumn) -> str:
    return f"a number ({column.expected})"


def _number_in(text: str, column: LedgerColumn, decimal_comma: bool) -> float:
    if decimal_comma and _COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    elif decimal_comma and _NUMBER.fullmatch(text):
        raise CellError(Code.DECIMAL_COMMA, f"{_a_number(column)} with a decimal comma; this has a point")
    if _NUMBER.fullmatch(text):
        found = float(text)
        if math.isfinite(found):
            return found
        raise CellError(Code.NOT_FINITE, _a_number(column))
    expected = _a_number(column)
    if _EXCEL_ERROR.fullmatch(text):
        raise CellError(Code.EXCEL_ERROR, f"{expected} (this is a spreadsheet's error value)")
    if _NOT_FINITE.fullmatch(text):
        raise CellError(Code.NOT_FINITE, f"{expected}, or an empty cell")
    if _EXCEL_DATE.fullmatch(text):
        raise CellError(Code.EXCEL_DATE, f"{expected} {_EXCEL_REMEDY}")
    if _WITH_COMMA.fullmatch(text):
        raise CellError(Code.DECIMAL_COMMA, f"{expected} with a decimal point and nothing between thousands")
    hint = " (this is a formula; are the columns swapped?)" if _is_formula(text) else ""
    code = Code.SWAPPED_COLUMNS if hint else Code.NOT_A_NUMBER
    raise CellError(code, expected + hint)


def _is_formula(text: str) -> bool:
    try:
        return "Li" in read_material(text).candidate.amounts
    except CandidateError:
        return False


class Material(NamedTuple):
    """A formula as it was read: with plain digits and without blanks, and what it means."""

    formula: str
    candidate: Candidate


@lru_cache(maxsize=50_000)
def read_material(text: str) -> Material:
    """Read a formula as `predict` reads it.

    Raises
    ------
    CandidateError
        If it cannot be read.
    """
    reading = read_formula(text)
    return Material(reading.formula, Candidate(text, reading.amounts, remarks=reading.remarks))


def formula(value: Any) -> str:  # noqa: ANN401
    """Return a formula with plain digits and without blanks.

    Raises
    ------
    CellError
        If it cannot be read or holds no lithium.
    """
    text = _plain_text(value, "a formula with lithium, such as Li6PS5Cl", "formula")
    try:
        found = read_material(text)
    except CandidateError as error:
        raise CellError(error.code, f"a formula with lithium, such as Li6PS5Cl ({error.message})") from None
    if "Li" not in found.candidate.amounts:
        raise CellError(Code.NO_LITHIUM, "a formula with lithium, such as Li6PS5Cl")
    return found.formula


def _plain_text(value: Any, expected: str, what: str) -> str:  # noqa: ANN401
    """Return a text that no spreadsheet made out of something else."""
    if isinstance(value, (dt.date, dt.datetime)):
        raise CellError(Code.EXCEL_DATE, f"{expected} {_EXCEL_REMEDY}")
    if not isinstance(value, str):
        raise CellError(Code.NUMBER_FOR_TEXT, f"{expected}, as text (received a {type(value).__name__})")
    text = " ".join(value.split())
    if len(text) > MAX_TEXT_LENGTH:
        raise CellError(Code.TEXT_TOO_LONG, f"{expected}, at most {MAX_TEXT_LENGTH} characters (received {len(text)})")
    if not text.isprintable():
        raise CellError(Code.NUMBER_FOR_TEXT, f"{expected}, printable characters only")
    if _EXCEL_ERROR.fullmatch(text):
        raise CellError(Code.EXCEL_ERROR, f"{expected} (this is a spreadsheet's error value)")
    if _EXCEL_DATE.fullmatch(text):
        raise CellError(Code.EXCEL_DATE, f"{expected} {_EXCEL_REMEDY}")
    if what in ("formula", "source") and is_number(text):
        hint = "are the columns swapped, or did a spreadsheet turn it into a number?"
        raise CellError(Code.NUMBER_FOR_TEXT, f"{expected} (this is a number; {hint})")
    return text


def text(value: Any, column: LedgerColumn, today: dt.date) -> str:  # noqa: ANN401
    """Return a text; a number where a name is expected (a sample called 12) is taken as its text.

    Raises
    ------
    CellError
        For a spreadsheet's errors and dates, and for a reference that names no source.
    """
    if column != REFERENCE:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return _plain_text(value, "a text", "text")
    expected = "a source that finds the measurement, such as lab:2026-11-03:JD"
    found = _plain_text(value, expected, "source")
    if len(found) < 3:
        raise CellError(Code.MISSING_SOURCE, expected)
    dated = _LAB_REFERENCE_DAY.match(found)
    if dated:
        _day(dated[1], today, expected)
    return found


def word(value: Any, column: LedgerColumn) -> str:  # noqa: ANN401
    """Return a word of the column's vocabulary, in its spelling.

    Raises
    ------
    CellError
        For any other, with the nearest known one.
    """
    text = _plain_text(value, column.expected, "word")
    plain = {known.lower(): known for known in column.words}
    if text.lower() in plain:
        return plain[text.lower()]
    parts = {part: known for known in column.words for part in (known.lower(), *re.split("[/ ]", known.lower()))}
    near = difflib.get_close_matches(text.lower(), parts, n=1, cutoff=0.6)
    hint = f" (did you mean '{parts[near[0]]}'?)" if near else ""
    raise CellError(Code.UNKNOWN_WORD, column.expected + hint)


def doi(value: Any) -> str:  # noqa: ANN401
    """Return a DOI, or several joined by `|`, in lower case and without a resolver.

    Raises
    ------
    CellError
        For anything else.
    """
    expected = "a DOI, such as 10.1039/D5DD00441A"
    text = _plain_text(value, expected, "source")
    found = "|".join(normalise_doi(part) for part in text.split("|") if part.strip())
    if not found or not is_doi_list(found):
        raise CellError(Code.BAD_DOI, expected)
    return found


def day(value: Any, today: dt.date) -> str:  # noqa: ANN401
    """Return a day as YYYY-MM-DD, not after today.

    Raises
    ------
    CellError
        For another notation, an impossible day or the future.
    """
    expected = "a day as YYYY-MM-DD, not after today"
    if isinstance(value, dt.datetime):
        return _day(value.date().isoformat(), today, expected)
    if isinstance(value, dt.date):
        return _day(value.isoformat(), today, expected)
    plain = _ISO_DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if plain is None:
        is_serial = isinstance(value, (int, float)) or (isinstance(value, str) and is_number(value))
        hint = " (a spreadsheet's number of a day?)" if is_serial else ""
        raise CellError(Code.BAD_DATE, expected + hint)
    return _day(plain[1], today, expected)


def _day(text: str, today: dt.date, expected: str) -> str:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        raise CellError(Code.BAD_DATE, f"{expected} ({text} is no day)") from None
    if found > today:
        raise CellError(Code.FUTURE_DATE, f"{expected}; {text} is in the future (today is {today})")
    if found.year < 1900:
        raise CellError(Code.BAD_DATE, expected)
    return text
