"""Words that stand for nothing in a table, some of which could be read as a formula: `NaN` is no sodium nitride."""

from __future__ import annotations

_MISSING = (
    "nan",
    "n/a",
    "n.a.",
    "none",
    "null",
    "nil",
    "nat",
    "<na>",
    "missing",
    "unknown",
    "n.d.",
    "k.a.",
    "tbd",
    "#n/a",
    "#n/a n/a",
    "#nv",
    "(null)",
    "(none)",
    "(empty)",
    "(blank)",
)
_ANSWERS = ("true", "false", "yes", "inf", "-inf", "+inf", "infinity", "-infinity")
_SPREADSHEET_ERRORS = (
    "#ref!",
    "#value!",
    "#div/0!",
    "#name?",
    "#num!",
    "#null!",
    "#spill!",
    "#calc!",
    "#wert!",
    "#bezug!",
    "#zahl!",
)
_MARKS = (
    "-",
    "--",
    "---",
    "\u2010",
    "\u2011",
    "\u2012",
    "\u2013",
    "\u2014",
    "\u2212",
    ".",
    "..",
    "...",
    "\u2026",
)


def _spellings(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(spelling for word in words for spelling in (word, word.upper(), word.title()))


WORDS_FOR_MISSING = _spellings(_MISSING) | {"NaN", "NaT", "na", "NA", "nd", "ND", "N/a", "N.a.", *_MARKS}
"""What programs and people write where a value is missing. `Na` and `Nd` are sodium and neodymium, and stay it."""

WORDS_FOR_NOTHING = WORDS_FOR_MISSING | _spellings(_ANSWERS) | _spellings(_SPREADSHEET_ERRORS) | {"no", "No"}
"""What is no material in a cell for formulas. `NO` is nitric oxide, which is in tables of compounds, and stays it."""


def is_word_for_nothing(text: str) -> bool:
    """Whether a text in place of a formula says that there is none.

    Parameters
    ----------
    text
        A whole cell; blanks and quotation marks around it do not count.
    """
    return text.strip(" \t\r\n\"'") in WORDS_FOR_NOTHING


def is_word_for_missing(text: str) -> bool:
    """Whether a text in place of a number or a word says that it is not known.

    A narrower list than for formulas: `TRUE` or `#REF!` for a temperature is a mistake that its row should name.
    """
    return text.strip(" \t\r\n\"'") in WORDS_FOR_MISSING
