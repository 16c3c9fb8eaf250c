"""`elyte data verify`: whether ledger and promotion log are what was recorded, by their hash chains."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from serving.commands.ledger import failing_clearly, ledger_option
from serving.commands.printing import echo_json

if TYPE_CHECKING:
    from training.hash_chain import Audit, NotedHead

EXIT_BROKEN = 1
_HEAD_HELP = "NUMBER:HASH of {0} that an earlier call printed and that you kept elsewhere; may be repeated."


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain as it is told: what it is called, where it lies, and what the walk found (None: there is none)."""

    name: str
    place: str
    audit: Audit | None

    def document(self) -> dict[str, object]:
        """Return the JSON form."""
        if self.audit is None:
            return {"place": self.place, "status": "absent", "records": 0, "head": None, "torn": 0, "fault": None}
        fault = self.audit.fault
        return {
            "place": self.place,
            "status": "whole" if fault is None else "broken",
            "records": self.audit.records,
            "head": None if self.audit.head is None else str(self.audit.head),
            "torn": self.audit.torn,
            "fault": fault
            and {"code": str(fault.code), "record": fault.record, "row": fault.row, "message": fault.message},
        }

    def say(self) -> None:
        """Print it in words: what is whole on standard output, what is not on standard error."""
        if self.audit is None:
            click.echo(f"{self.name}: none at {self.place}")
            return
        torn = f", {self.audit.torn} unfinished lines of a crash passed over" if self.audit.torn else ""
        fault = self.audit.fault
        if fault is None:
            click.echo(f"{self.name}: {self.audit.records} records are what was recorded{torn} ({self.place})")
            if self.audit.head is not None:
                click.echo(f"{self.name} head: {self.audit.head}")
            return
        row = "" if fault.row is None else f", row {fault.row}"
        click.echo(f"{self.name}: record {fault.record}{row}: {fault.message} [{fault.code}] ({self.place})", err=True)


@click.command("verify")
@ledger_option
@click.option("--ledger-head", "ledger_heads", multiple=True, metavar="NUMBER:HASH", help=_HEAD_HELP.format("a ledger"))
@click.option(
    "--promotions-head",
    "promotion_heads",
    multiple=True,
    metavar="NUMBER:HASH",
    help=_HEAD_HELP.format("a promotion log"),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
def verify(address: str | None, ledger_heads: Sequence[str], promotion_heads: Sequence[str], as_json: bool) -> None:
    """Walk along the hash chains of the ledger and of the promotion log, and say where one breaks first.

    The head that is printed stands for all before it. Keep it elsewhere and give it later: only that shows whether the
    end was cut off, or the whole computed anew. Exit status: 0 all is what was recorded, 1 something is not, 2 it
    cannot be read.
    """
    with failing_clearly():
        chains = (_ledger(address, _noted(ledger_heads)), _promotions(_noted(promotion_heads)))
    is_whole = all(chain.audit is None or chain.audit.fault is None for chain in chains)
    if as_json:
        echo_json({"ok": is_whole} | {chain.name: chain.document() for chain in chains})
    else:
        for chain in chains:
            chain.say()
    if not is_whole:
        sys.exit(EXIT_BROKEN)


def _noted(texts: Sequence[str]) -> list[NotedHead]:
    from training.hash_chain import NotedHead

    return [NotedHead.read(text) for text in texts]


def _ledger(address: str | None, noted: Sequence[NotedHead]) -> Chain:
    from training.ledger.store import Ledger

    ledger = Ledger.open_existing(address)
    if ledger is None:
        from training.ledger.place import default_url

        return Chain("ledger", address or default_url(), _nothing(noted))
    try:
        return Chain("ledger", ledger.place, ledger.audit(noted))
    finally:
        ledger.close()


def _promotions(noted: Sequence[NotedHead]) -> Chain:
    from training.retraining.promotion_log import PromotionLog, state_folder
    from training.tracking import default_tracking_uri

    log = PromotionLog(state_folder(default_tracking_uri()))
    return Chain("promotions", str(log.path), log.audit(noted) if log.path.exists() else _nothing(noted))


def _nothing(noted: Sequence[NotedHead]) -> Audit | None:
    """Return what is found where there is nothing: a fault if something was noted of it."""
    from training.hash_chain import Audit, compare_heads

    fault = compare_heads((), noted)
    return None if fault is None else Audit(0, None, fault)
