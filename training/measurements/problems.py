"""What can be wrong, or merely odd, with a row of measurements: one documented list of codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from features.errors import RowErrorCode, WarningCode, shown


class Level(StrEnum):
    """How grave a problem is."""

    REFUSED = "refused"
    """The row is impossible and is never stored."""
    SUSPICIOUS = "suspicious"
    """The row is stored only if somebody says that it is right (`--accept-warnings ROW:code`)."""
    NOTE = "note"
    """The row is stored; something about it should be known."""


class Code(StrEnum):
    """Codes of problems with rows; docs/operate/ledger.md explains each with an example.

    What concerns the formula alone has the code that a candidate would get: `RowErrorCode` and `WarningCode`.
    """

    # formula; how it cannot be read, or is doubtful, is said by the codes of features.errors
    NO_LITHIUM = "no_lithium"
    # cells
    CELL_COUNT = "cell_count"
    UNREADABLE_ROW = "unreadable_row"
    MISSING_VALUE = "missing_value"
    MISSING_SOURCE = "missing_source"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    DECIMAL_COMMA = "decimal_comma"
    EXCEL_ERROR = "excel_error"
    EXCEL_DATE = "excel_date"
    NUMBER_FOR_TEXT = "number_for_text"
    TEXT_TOO_LONG = "text_too_long"
    NOT_POSITIVE = "not_positive"
    OUT_OF_RANGE = "out_of_range"
    SWAPPED_COLUMNS = "swapped_columns"
    UNKNOWN_WORD = "unknown_word"
    UNREADABLE_FORMULAS = "unreadable_formulas"
    UNKNOWN_UNIT = "unknown_unit"
    COLUMNS_DISAGREE = "columns_disagree"
    BOUND_NOT_ALLOWED = "bound_not_allowed"
    BAD_DOI = "bad_doi"
    BAD_DATE = "bad_date"
    FUTURE_DATE = "future_date"
    DUPLICATE_ROW = "duplicate_row"
    # suspicions
    CONFLICTING_ROWS = "conflicting_rows"
    TEMPERATURE_ASSUMED = "temperature_assumed"
    ANODE_ASSUMED = "anode_assumed"
    TEMPERATURE_IN_KELVIN = "temperature_in_kelvin"
    FACTOR_1000 = "factor_1000"
    DEVIATES_FROM_KNOWN = "deviates_from_known"
    PAPER_ALREADY_KNOWN = "paper_already_known"
    REPEATS_KNOWN = "repeats_known"
    FAR_ABOVE_KNOWN = "far_above_known"
    UNUSUAL_VALUE = "unusual_value"
    # notes
    LEAKS_INTO_EVALUATION = "leaks_into_evaluation"
    LEAKAGE_NOT_CHECKED = "leakage_not_checked"
    ALREADY_KNOWN = "already_known"


AnyCode = Code | RowErrorCode | WarningCode


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to know about one row.

    Parameters
    ----------
    row
        Number of the measurement, the first being 1.
    line
        Line of the file, None where there is no file of lines.
    level, code
        How grave, and which of the documented list.
    column
        Header as it was written, "row" for a rule across columns.
    received
        What stood there, as text; "" for nothing.
    expected
        What was expected, or what is odd, in words.
    """

    row: int
    line: int | None
    level: Level
    code: AnyCode
    column: str
    received: str
    expected: str

    def __str__(self) -> str:
        place = f"row {self.row}" + ("" if self.line is None else f" (line {self.line})")
        if self.level is not Level.REFUSED:
            return f"{place}, {self.column}: {self.level}: '{shown(self.received)}': {self.expected} [{self.code}]"
        received = f"'{shown(self.received)}'" if self.received else "nothing"
        return f"{place}, {self.column}: received {received}, expected {self.expected} [{self.code}]"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "row": self.row,
            "line": self.line,
            "level": str(self.level),
            "code": str(self.code),
            "column": self.column,
            "received": shown(self.received),
            "expected": self.expected,
            "message": str(self),
        }


class UnusableTableError(ValueError):
    """A whole file or document cannot be read as measurements; the message says every reason and the remedy."""


class LedgerError(RuntimeError):
    """The ledger cannot do what was asked; nothing was changed."""
