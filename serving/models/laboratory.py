"""What the laboratory measured itself, for answers to lead with: read from the ledger, where there is one.

A ledger that does not exist is not made, and `ELYTE_MODELS=shipped` asks none. One that cannot be read is said, and the
models answer without it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from serving.environment import shipped_models_only
from serving.models.store import ServedModel
from training.ledger.place import default_url, may_exist
from training.properties import registry

if TYPE_CHECKING:
    from training.ledger.store import Ledger

NEEDED_MODULES = ("sqlalchemy", "alembic", "pandera", "pandas")
NO_LEDGER = -1
_LOGGER = logging.getLogger("elyte")


def existing_ledger() -> Ledger | None:
    """Open the laboratory's ledger; None where there is none, none is to be asked, or it cannot be read."""
    if shipped_models_only() or any(find_spec(name) is None for name in NEEDED_MODULES):
        return None
    if not may_exist(default_url()):  # asked first: a worker without a ledger loads no database
        return None
    from training.ledger.store import Ledger
    from training.measurements.problems import LedgerError

    try:
        return Ledger.open_existing()
    except LedgerError as error:
        _LOGGER.warning("the ledger is not read, answers lead with the tables alone: %s", error)
        return None


def ledger_version() -> int:
    """Return what changes with every entry of the ledger; `NO_LEDGER` where there is none."""
    ledger = existing_ledger()
    if ledger is None:
        return NO_LEDGER
    try:
        return ledger.last_entry
    finally:
        ledger.close()


def leading_with_ledger(models: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
    """Return the models, each with what the ledger holds now of its kind."""
    ledger = existing_ledger()
    if ledger is None:
        return dict(models)
    try:
        return {name: _with(ledger, served) for name, served in models.items()}
    finally:
        ledger.close()


def _with(ledger: Ledger, served: ServedModel) -> ServedModel:
    one = registry.get(served.property)
    if one.measurements() is None:
        return served
    entries = [entry for entry in ledger.holding(served.property) if not entry.refusal]
    return replace(served, model=one.leading_with(served.model, entries)) if entries else served
