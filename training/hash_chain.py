"""A hash chain over append-only records: each record's hash covers its content and the hash of the one before.

Whoever changes, removes or inserts a record breaks every later link. A chain that was cut at its end, or computed anew
as a whole, agrees with itself: only a head that was noted elsewhere (`NotedHead`) shows that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

GENESIS = "0" * 64
"""What the first record follows on."""
_HEAD = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{64})")


class ChainFault(StrEnum):
    """Why a chain does not hold; docs/operate/ledger.md explains each."""

    CONTENT_CHANGED = "content_changed"
    """A record's content does not have the hash that was recorded with it."""
    RECORD_MISSING = "record_missing"
    """A number is missing, or a batch is not whole."""
    CHAIN_BROKEN = "chain_broken"
    """A record does not have the hash that follows from its content and the record before."""
    NOT_CHAINED = "not_chained"
    """A record without a link stands behind chained ones."""
    HEAD_MISSING = "head_missing"
    """The chain ends before a head that was noted: its tail was cut."""
    HEAD_DIFFERS = "head_differs"
    """The record of a noted head has another hash: the chain was computed anew."""
    UNGUARDED = "unguarded"
    """The records agree, but the triggers that forbid changes are not all there: somebody can change them, or could."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which a chain does not hold.

    Parameters
    ----------
    code
        Why.
    record
        Number of the record: an entry of the ledger, a line of the promotion log.
    row
        Of a ledger's entry: its row in the table that it came from; None elsewhere.
    message
        What was found and what was expected.
    """

    code: ChainFault
    record: int
    row: int | None
    message: str


@dataclass(frozen=True, slots=True)
class NotedHead:
    """A head that somebody noted: the number of the last record then, and its hash."""

    record: int
    hash: str

    @classmethod
    def read(cls, text: str) -> NotedHead:
        """Read `NUMBER:HASH`, as `elyte data verify` prints it.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        found = _HEAD.fullmatch(text.strip().lower())
        if found is None:
            expected = "expected NUMBER:HASH as `elyte data verify` prints it"
            raise ValueError(f"a noted head: received {text[:80]!r}, {expected}")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.record}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What a walk along a chain found.

    Parameters
    ----------
    records
        How many there are.
    head
        The last of them, to be noted elsewhere; None of an empty chain.
    fault
        The first break, None where there is none.
    torn
        Lines that a crash left unfinished; they are no records.
    """

    records: int
    head: NotedHead | None
    fault: Break | None
    torn: int = 0


def link(previous: str, record: Mapping[str, object]) -> str:
    """Return the hash of a record: SHA-256 of the hash before, a line feed, and the record as canonical JSON.

    Parameters
    ----------
    previous
        Hash of the record before, `GENESIS` for the first.
    record
        Everything that must not change; numbers, texts, None, and lists and mappings of them.
    """
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def compare_heads(hashes: Sequence[str], noted: Sequence[NotedHead]) -> Break | None:
    """Return the first noted head that a chain does not hold, None if it holds all.

    Parameters
    ----------
    hashes
        Of all records in order.
    noted
        Heads that were noted elsewhere.
    """
    for head in sorted(noted, key=lambda one: one.record):
        if head.record > len(hashes):
            message = f"record {head.record} was noted as head, the last one now is {len(hashes)}: the tail was cut off"
            return Break(ChainFault.HEAD_MISSING, head.record, None, message)
        if hashes[head.record - 1] != head.hash:
            found = hashes[head.record - 1]
            message = f"record {head.record} has hash {found}, {head.hash} was noted: it was rewritten"
            return Break(ChainFault.HEAD_DIFFERS, head.record, None, message)
    return None
