"""What can be wrong with a call for candidates."""

from __future__ import annotations


class GenerationError(ValueError):
    """The call cannot be understood or has no answer; the message says what was received and what was expected."""


class PatternError(GenerationError):
    """A formula pattern cannot be read.

    Parameters
    ----------
    message
        What is wrong, in words.
    pattern
        The pattern, blanks removed.
    position
        Of the first character that cannot be read, from 0.
    """

    def __init__(self, message: str, pattern: str, position: int) -> None:
        super().__init__(f"{message}, at character {position + 1}:\n  {pattern}\n  {' ' * position}^")
        self.pattern, self.position = pattern, position
