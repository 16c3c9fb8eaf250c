"""What became of a batch of measurements, row by row and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from training.ledger.problems import Level, Problem
from training.ledger.schema import Kind


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
    Status.HELD: "nothing is stored: suspicious rows wait until somebody accepts the warnings",
    Status.REFUSED: "nothing is stored: correct the refused rows, or ask to keep the good ones",
    Status.CHECKED: "nothing is stored: this was a dry run",
}


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row; `entry` is its number in the ledger, None if it has none.

    `formula` is the text as typed and `read_as` the composition that was read; None where there is none.
    """

    row: int
    outcome: Outcome
    entry: int | None = None
    excluded_from_training: str = ""
    formula: str | None = None
    read_as: str | None = None


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
    """

    status: Status
    kind: Kind
    name: str
    rows: tuple[RowReport, ...]
    problems: tuple[Problem, ...]
    ignored_columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    ledger: str = ""
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

    def readings(self) -> list[str]:
        """Return in words what was read, of the rows where that is not the text that was typed."""
        return [
            f"row {row.row}: {row.formula} read as {row.read_as}"
            for row in self.rows
            if row.read_as not in (None, row.formula)
        ]

    def summary(self) -> str:
        """Return one paragraph for a person."""
        counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in self.counts.items() if number)
        return f"{self.name} ({self.kind}): {_WORDS[self.status]}. {counts}"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "status": str(self.status),
            "kind": str(self.kind),
            "name": self.name,
            "message": self.summary(),
            "counts": self.counts,
            "entries": list(self.entries),
            "rows": [asdict(row) for row in self.rows],
            "problems": [problem.as_dict() for problem in self.problems],
            "ignored_columns": list(self.ignored_columns),
            "remarks": list(self.remarks),
            "ledger": self.ledger,
        }
