"""One measurement while it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from features.candidate import Candidate
from training.measurements.columns import FORMULA, Value
from training.measurements.materials import typed
from training.measurements.problems import AnyCode, Level, Problem
from training.measurements.units import Unit


@dataclass(slots=True)
class Row:
    """One measurement while it is checked.

    Parameters
    ----------
    number, line
        Where it stands.
    content
        Canonical cells by column, blanks left out.
    problems
        What was found so far.
    raw
        The cells as written, by the column they belong to, and the header they stand under.
    read
        Numbers before conversion, and their units.
    candidate
        The material as it was read, None where no cell names one or it is refused.
    text
        What is hashed, once the content is final.
    """

    number: int
    line: int | None
    content: dict[str, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    raw: dict[str, tuple[str, Any]] = field(default_factory=dict)
    read: dict[str, tuple[float, Unit]] = field(default_factory=dict)
    candidate: Candidate | None = None
    text: str = ""

    def add(self, level: Level, code: AnyCode, column: str, expected: str, received: object = None) -> None:
        """Name a problem; without `received` it is the cell as it was written."""
        header, written = self.raw.get(column, (column, None))
        cell = written if received is None else received
        text = "" if cell is None else str(cell)
        self.problems.append(Problem(self.number, self.line, level, code, str(header), text, expected))

    def refuse(self, code: AnyCode, column: str, expected: str, received: object = None) -> None:
        """Name a reason for which the row can never be stored."""
        self.add(Level.REFUSED, code, column, expected, received)

    def suspect(self, code: AnyCode, column: str, why: str, received: object = None) -> None:
        """Name something that somebody has to confirm."""
        self.add(Level.SUSPICIOUS, code, column, why, received)

    def has(self, level: Level) -> bool:
        """Whether a problem of this level was found."""
        return any(problem.level is level for problem in self.problems)

    def codes(self, level: Level) -> tuple[str, ...]:
        """Return the codes of the problems of one level, each once, in the order in which they were found."""
        return tuple(dict.fromkeys(str(problem.code) for problem in self.problems if problem.level is level))

    def names(self, *columns: str) -> bool:
        """Whether one of the columns holds something, be it readable or not."""
        return any(column in self.content or column in self.raw for column in columns)

    @property
    def typed_formula(self) -> str:
        """The formula as it stands in the cell, blanks of more than one taken for one; of another kind its cells."""
        if FORMULA not in self.raw and FORMULA not in self.content:
            return typed(self.content)
        written = self.raw[FORMULA][1] if FORMULA in self.raw else self.content.get(FORMULA, "")
        return " ".join(str(written).split())

    @property
    def is_possible(self) -> bool:
        """Whether nothing speaks against storing it but suspicion."""
        return not self.has(Level.REFUSED)

    def refused_columns(self) -> set[str]:
        """Headers that already have a reason to be refused."""
        return {problem.column for problem in self.problems if problem.level is Level.REFUSED}
