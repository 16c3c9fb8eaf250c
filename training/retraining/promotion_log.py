"""The promotion log: who made which version the champion, when, why, on what evidence. MLflow keeps no such history.

JSON lines, appended under a lock and flushed to the disk before the call returns; a line torn by a crash is passed
over by readers and ended by the next writer. It lies beside a SQLite store, else in the user's data folder. Each line
is linked to the one before (`training.hash_chain`); the first link covers all that an earlier elyte wrote.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.hash_chain import GENESIS, Audit, Break, ChainFault, NotedHead, compare_heads, link
from training.local_store import store_file
from training.retraining.locks import only_one, stamp
from training.whole_files import flush_folder

LOG_FILE = "promotions.jsonl"
LOG_LOCK_SECONDS = 30.0


class MoveKind(StrEnum):
    """Why the alias was moved."""

    FIRST = "first"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


class State(StrEnum):
    """How far a move came: begun before, done after the alias moved, abandoned where it never did."""

    BEGUN = "begun"
    DONE = "done"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the alias `champion`.

    Parameters
    ----------
    move
        Its name, the same in the lines `begun` and `done`.
    state, action, property
        See their classes; property 'conductivity', ...
    version, digest
        Registry version that becomes champion, and the digest of its bundle.
    replaces
        Version that was champion; None where there was none.
    who, when, why
        `when` in UTC.
    evidence
        Metrics, verdict, hashes; {} for a rollback.
    chain
        Link to the line before; the log writes it.
    """

    move: str
    state: State
    action: MoveKind
    property: str
    version: str
    digest: str
    replaces: str | None
    who: str
    why: str
    when: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    chain: str = field(default="", compare=False)

    def now(self, state: State) -> Move:
        """Return the move in another state, as of now."""
        return replace(self, state=state, when=stamp())


@dataclass(frozen=True, slots=True)
class PromotionLog:
    """The log in a folder."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / LOG_FILE

    def append(self, move: Move) -> None:
        """Add a line; it is on the disk when this returns."""
        with only_one(self.folder, "promotion-log", move.who, wait_seconds=LOG_LOCK_SECONDS):
            content = self._content()
            is_torn = content[-1:] not in (b"", b"\n")
            told = json.loads(json.dumps(asdict(move)))  # as whoever verifies it reads it
            told["chain"] = _link(_walked(content).last, told)
            line = json.dumps(told, sort_keys=True).encode() + b"\n"
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, (b"\n" if is_torn else b"") + line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            flush_folder(self.folder)

    def read(self, property_name: str | None = None) -> list[Move]:
        """Return every line in order, of one property where asked; torn ones are passed over."""
        lines = self._content().split(b"\n")
        found = [move for line in lines if (move := _parsed(line)) is not None]
        return [move for move in found if property_name in (None, move.property)]

    def audit(self, noted: Sequence[NotedHead] = ()) -> Audit:
        """Walk along the chain; say where it breaks first, and its head.

        Records are lines of moves, those of an earlier elyte among them, whose hash is the beginning of the chain.

        Parameters
        ----------
        noted
            Heads that were noted elsewhere.
        """
        walk = _walked(self._content())
        head = NotedHead(len(walk.hashes), walk.hashes[-1]) if walk.hashes else None
        return Audit(len(walk.hashes), head, walk.fault or compare_heads(walk.hashes, noted), walk.torn)

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def open_moves(self, property_name: str) -> list[Move]:
        """Return the moves that were begun and neither done nor abandoned."""
        moves = self.read(property_name)
        ended = {move.move for move in moves if move.state is not State.BEGUN}
        return [move for move in moves if move.state is State.BEGUN and move.move not in ended]

    def champions(self, property_name: str) -> list[Move]:
        """Return the moves that led to the present champion, oldest first: a rollback takes back what it undoes."""
        stack: list[Move] = []
        for move in self.read(property_name):
            if move.state is not State.DONE:
                continue
            if move.action is MoveKind.ROLLBACK:
                versions = [earlier.version for earlier in stack]
                keep = len(versions) - versions[::-1].index(move.version) if move.version in versions else 0
                stack = stack[:keep] or [move]
            else:
                stack.append(move)
        return stack


@dataclass(slots=True)
class _Walk:
    """What a walk along the lines has come to: hashes of the records, the first break, unfinished lines."""

    hashes: list[str] = field(default_factory=list)
    last: str = GENESIS
    fault: Break | None = None
    torn: int = 0


def _walked(content: bytes) -> _Walk:
    walk = _Walk()
    before, is_chained = hashlib.sha256(), False
    for line in content.split(b"\n"):
        move = _parsed(line)
        if move is None:
            walk.torn += bool(line.strip())
        elif move.chain:
            if not is_chained and walk.hashes:  # lines of an earlier elyte lie before: the first link covers them all
                walk.last = before.hexdigest()
                walk.hashes = [walk.last] * len(walk.hashes)
            is_chained = True
            number = len(walk.hashes) + 1
            if move.chain != _link(walk.last, json.loads(line)):
                message = f"line {number} is damaged: it or its link to the line before was changed"
                walk.fault = walk.fault or Break(ChainFault.CHAIN_BROKEN, number, None, message)
            walk.last = move.chain
            walk.hashes.append(move.chain)
        else:
            if is_chained:
                number = len(walk.hashes) + 1
                message = f"line {number} has no link, and stands behind lines that have one"
                walk.fault = walk.fault or Break(ChainFault.NOT_CHAINED, number, None, message)
            walk.hashes.append(GENESIS)
        before.update(line + b"\n")
    if walk.hashes and not is_chained:
        whole = content if content.endswith(b"\n") else content + b"\n"
        walk.last = hashlib.sha256(whole).hexdigest()
        walk.hashes = [walk.last] * len(walk.hashes)
    return walk


def _link(previous: str, told: dict[str, Any]) -> str:
    return link(previous, {name: value for name, value in told.items() if name != "chain"})


def _parsed(line: bytes) -> Move | None:
    try:
        told = json.loads(line)
        return Move(**{**told, "state": State(told["state"]), "action": MoveKind(told["action"])})
    except (ValueError, TypeError, KeyError):
        return None


def state_folder(tracking_uri: str) -> Path:
    """Return where log and locks of a registry lie: beside a SQLite store, else in the user's data folder."""
    store = store_file(tracking_uri)
    if store is not None:
        return store.absolute().parent
    from platformdirs import user_data_path

    short = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
    return user_data_path("elyte", appauthor=False) / "registries" / short
