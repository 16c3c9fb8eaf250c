"""One entry of the ledger: what it holds, and the text and hash that identify it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import sqlalchemy as sa

from features.errors import CandidateError
from training.measurements.columns import FORMULA, Contents, Value
from training.measurements.materials import candidate_of
from training.measurements.problems import LedgerError

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Action(StrEnum):
    """What an entry does."""

    ADD = "add"
    CORRECT = "correct"
    RETRACT = "retract"


class LedgerConflictError(LedgerError):
    """An entry cannot be corrected or retracted, because of what the ledger already says; nothing was changed."""


class LedgerDamagedError(LedgerError):
    """What the ledger holds is not what was recorded."""


@dataclass(frozen=True, slots=True)
class NewRow:
    """A checked measurement on its way into the ledger.

    Parameters
    ----------
    kind, content
        As `checks.check` leaves them.
    number
        Row of the file.
    warnings
        Codes of warnings that whoever records it has accepted by name.
    excluded_from_training
        Why no model may learn from it, "" if it may.
    text
        `content_text` of it, if that is at hand.
    """

    kind: str
    content: Contents
    number: int = 1
    warnings: tuple[str, ...] = ()
    excluded_from_training: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if not self.text:
            object.__setattr__(self, "text", content_text(self.kind, self.content))


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where one row ended up.

    Parameters
    ----------
    entry
        Number of its entry.
    is_new
        False if the ledger had it already.
    superseded_by, superseded_how
        The entry that has since taken its place (None for none), and whether that corrects or retracts it.
    """

    entry: int
    is_new: bool
    superseded_by: int | None = None
    superseded_how: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry with its batch, as `Ledger.history` tells it; attributes as the columns of `tables`."""

    entry: int
    measurement: int
    kind: str
    action: Action
    supersedes: int | None
    content: dict[str, Value] | None
    content_hash: str | None
    reason: str
    warnings: tuple[str, ...]
    excluded_from_training: str
    row_number: int
    batch: int
    recorded_at: str
    who: str
    source: str
    origin: str
    origin_sha256: str
    chain_hash: str = ""

    @property
    def read_as(self) -> str | None:
        """What its material is read as, None where it has none or is refused now."""
        try:
            candidate = candidate_of(self.content or {})
        except CandidateError:
            return None
        return None if candidate is None else candidate.read_as

    @property
    def refusal(self) -> str:
        """Why its material, which an earlier elyte took, is refused by this one; "" for all others."""
        content = self.content or {}
        try:
            candidate_of(content)
        except CandidateError as error:
            what = "formula" if FORMULA in content else "material"
            return f"its {what} is refused now ({error.message}); correct or retract it"
        return ""


def content_text(kind: str, content: Contents) -> str:
    """Return the one text of a measurement: its cells by name in the alphabet, as JSON; this is what is hashed."""
    return _ENCODER.encode({"kind": kind, **content})


def content_digest(text: str) -> str:
    """Return the SHA-256 of a measurement's text."""
    return sha256(text.encode()).hexdigest()


def digest_of(hashes: Iterable[str]) -> str:
    """Return one SHA-256 for a set of measurements, given by their own."""
    return sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def as_entry(row: sa.RowMapping) -> Entry:
    """Return a row of `entries` with its batch as an entry.

    Raises
    ------
    LedgerDamagedError
        If its content does not have the hash that was recorded with it.
    """
    text, digest = row["content"], row["content_hash"]
    if text is not None and content_digest(text) != digest:
        raise LedgerDamagedError(f"entry {row['entry']} is damaged: its content does not have the recorded hash")
    cells: dict[str, Value] = {} if text is None else json.loads(text)
    cells.pop("kind", None)
    changed = {"content": cells or None, "action": Action(row["action"])}
    return Entry(**{**row, **changed, "warnings": tuple(json.loads(row["warnings"]))})
