"""What can be wrong with a target or a shelf."""

from __future__ import annotations

from enum import StrEnum


class SynthesisCode(StrEnum):
    """Codes of the errors of a target; `docs/use/synthesis.md` explains each."""

    ELEMENT_NOT_ON_SHELF = "element_not_on_shelf"
    NO_BALANCED_SET = "no_balanced_set"


class SynthesisError(ValueError):
    """A target cannot be planned.

    Parameters
    ----------
    code
        Entry of the documented list.
    message
        What is missing, in words.
    """

    def __init__(self, code: SynthesisCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class ShelfError(ValueError):
    """A shelf cannot be read; the message names the line."""
