"""Where the ledger is, without opening it: nothing here loads a database."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

URL_VARIABLE = "ELYTE_LEDGER_URL"
NEEDED_MODULES = ("sqlalchemy", "alembic", "pandera", "pandas")


def is_installed() -> bool:
    """Return whether what a ledger needs is installed (`elyte[ledger]`)."""
    return all(find_spec(name) is not None for name in NEEDED_MODULES)


def default_url() -> str:
    """Return the ledger's address: `ELYTE_LEDGER_URL`, else a SQLite file in the user's data folder."""
    chosen = os.environ.get(URL_VARIABLE, "").strip()
    if chosen:
        return chosen
    from platformdirs import user_data_path

    return f"sqlite:///{user_data_path('elyte', appauthor=False) / 'ledger.db'}"


def may_exist(address: str) -> bool:
    """Return whether there may be a ledger at an address: False for a file that is not there."""
    file = address.removeprefix("sqlite:///")
    return "://" in file or Path(file).expanduser().exists()
