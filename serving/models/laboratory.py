"""What the laboratory measured itself, for answers to lead with: read from the ledger, where there is one.

A ledger that does not exist is not made, and `ELYTE_MODELS=shipped` asks none. One that cannot be read is said, and the
models answer without it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from serving.environment import shipped_models_only
from serving.models.store import ServedModel
from training.ledger.place import default_url, is_installed, may_exist
from training.measurements.problems import LedgerError
from training.properties import registry
from training.tables import TableError

if TYPE_CHECKING:
    from training.ledger.store import Ledger
    from training.syntheses.outcomes import SynthesisOutcome

NO_LEDGER = -1
_LOGGER = logging.getLogger("elyte")


def _existing_ledger() -> Ledger | None:
    """Open the laboratory's ledger; None where there is none, or none is to be asked."""
    if shipped_models_only() or not is_installed():
        return None
    if not may_exist(default_url()):  # asked first: a worker without a ledger loads no database
        return None
    from training.ledger.store import Ledger

    return Ledger.open_existing()


def ledger_version() -> int | None:
    """Return what changes with every entry; `NO_LEDGER` where there is no ledger, None where it cannot be read."""
    try:
        ledger = _existing_ledger()
        if ledger is None:
            return NO_LEDGER
        with closing(ledger):
            return ledger.last_entry
    except LedgerError:
        return None


def leading_with_ledger(models: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
    """Return the models, each with what the ledger holds now of its kind."""
    try:
        ledger = _existing_ledger()
        if ledger is None:
            return dict(models)
        with closing(ledger):
            return {name: _with(ledger, served) for name, served in models.items()}
    except (LedgerError, TableError) as error:
        _LOGGER.warning("the ledger is not read, answers lead with the tables alone: %s", error)
        return dict(models)


def synthesis_outcomes() -> tuple[SynthesisOutcome, ...]:
    """Return the laboratory's batches, failures too; none where there is no ledger, or it cannot be read."""
    try:
        ledger = _existing_ledger()
        if ledger is None:
            return ()
        with closing(ledger):
            from training.syntheses.model import NAME as SYNTHESIS
            from training.syntheses.outcomes import outcome_of

            return tuple(outcome_of(entry) for entry in ledger.holding(SYNTHESIS) if not entry.refusal)
    except (LedgerError, TableError) as error:
        _LOGGER.warning("the ledger is not read, plans know no batch of the laboratory: %s", error)
        return ()


def _with(ledger: Ledger, served: ServedModel) -> ServedModel:
    one = registry.get(served.property)
    if one.measurements() is None:
        return served
    entries = [entry for entry in ledger.holding(served.property) if not entry.refusal]
    return replace(served, model=one.leading_with(served.model, entries)) if entries else served
