"""What became of a batch of measurements, row by row and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from features.errors import shown
from training.measurements.problems import Level, Problem


class Outcome(StrEnum):
    """What became of one row."""

    STORED = "stored"
    STORABLE = "storable"
    ALREADY_KNOWN = "already known"
    HELD = "held"
    REFUSED = "refused"


class Status(StrEnum):
    """What became of the batch."""

    STORED = "stored"
    PARTLY_STORED = "partly stored"
    NOTHING_NEW = "nothing new"
    HELD = "held"
    REFUSED = "refused"
    CHECKED = "checked"


_WORDS = {
    Status.STORED: "stored",
    Status.PARTLY_STORED: "the good rows are stored, the others are not",
    Status.NOTHING_NEW: "nothing new: the ledger has every row already",
    Status.HELD: "nothing is stored: suspicious rows wait for somebody to accept their warnings by name",
    Status.REFUSED: "nothing is stored: correct the refused rows, or ask to keep the good ones",
    Status.CHECKED: "nothing is stored: this was a dry run",
}


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row.

    Parameters
    ----------
    row, line
        Its number, the first being 1, and its line in the file, None where there are no lines.
    outcome
        In a word.
    formula, read_as
        As typed (cut and printable), and the composition that was read; None where there is none.
    held_for
        Codes of warnings that nobody has accepted yet.
    entry
        Its number in the ledger, None if it has none.
    excluded_from_training
        Why no model learns from it, "" if one may.
    """

    row: int
    line: int | None
    outcome: Outcome
    formula: str | None = None
    read_as: str | None = None
    held_for: tuple[str, ...] = ()
    entry: int | None = None
    excluded_from_training: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"row {self.row}" + ("" if self.line is None else f" (line {self.line})")

    @property
    def is_read_otherwise(self) -> bool:
        """Whether what was read is another text than what was typed."""
        return self.read_as not in (None, self.formula)

    @property
    def reading(self) -> str:
        """Formula and what was read, in words; only the formula where the two are one text."""
        typed = "no formula" if self.formula is None else f"'{shown(self.formula)}'"
        return typed + (f" read as {self.read_as}" if self.is_read_otherwise else "")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch.

    Parameters
    ----------
    status, kind
        In a word.
    name
        The file or document.
    rows
        One per row, in order.
    problems
        Refusals, suspicions and notes, by row.
    ignored_columns
        Columns without a meaning here, which are not stored.
    remarks
        What concerns the whole batch, such as tables that could not be compared with.
    ledger
        Its address without a password.
    accept_warnings
        What would have to be accepted so that every possible row is stored, as `Wishes.accept_warnings` takes it.
    """

    status: Status
    kind: str
    name: str
    rows: tuple[RowReport, ...]
    problems: tuple[Problem, ...]
    ignored_columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    ledger: str = ""
    accept_warnings: str = ""
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        counted = Counter(row.outcome for row in self.rows)
        suspicious = {problem.row for problem in self.problems if problem.level is Level.SUSPICIOUS}
        counts = {str(outcome): counted[outcome] for outcome in Outcome}
        counts |= {
            "rows": len(self.rows),
            "suspicious": len(suspicious),
            "excluded_from_training": sum(bool(row.excluded_from_training) for row in self.rows),
        }
        object.__setattr__(self, "counts", counts)

    @property
    def all_accepted(self) -> bool:
        """Whether every row is in the ledger, or would be if this were no dry run."""
        accepted = (Outcome.STORED, Outcome.STORABLE, Outcome.ALREADY_KNOWN)
        return all(row.outcome in accepted for row in self.rows)

    @property
    def entries(self) -> tuple[int, ...]:
        """Numbers of the new entries."""
        return tuple(row.entry for row in self.rows if row.outcome is Outcome.STORED and row.entry is not None)

    def summary(self) -> str:
        """Return one paragraph for a person."""
        counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in self.counts.items() if number)
        return f"{self.name} ({self.kind}): {_WORDS[self.status]}. {counts}"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "status": str(self.status),
            "kind": self.kind,
            "name": self.name,
            "message": self.summary(),
            "counts": self.counts,
            "entries": list(self.entries),
            "rows": [asdict(row) for row in self.rows],
            "problems": [problem.as_dict() for problem in self.problems],
            "ignored_columns": list(self.ignored_columns),
            "remarks": list(self.remarks),
            "accept_warnings": self.accept_warnings,
            "ledger": self.ledger,
        }
