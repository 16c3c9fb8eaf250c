"""A registry on SQLite read without MLflow: what an alias points at, and where its files lie.

MLflow takes two seconds and 150 MB to import, which a prediction from a promoted model need not pay. Only what stands
in the store's own tables is read, in one connection that cannot write; where they have another shape than the one known
here, `UnknownShapeError` sends the caller to MLflow.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEME = "sqlite:///"
LOGGED_MODEL = "models:/"
# A writer holds the store for milliseconds; whoever holds it longer than this is broken.
LONGEST_WAIT_SECONDS = 5.0
_ALIAS = (
    "SELECT v.version, v.source FROM registered_model_aliases AS a"
    " JOIN model_versions AS v ON v.name = a.name AND v.version = a.version AND v.workspace = a.workspace"
    " WHERE a.name = ? AND a.alias = ? AND v.current_stage IS NOT 'Deleted_Internal'"
)
_TAGS = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
_LOGGED = "SELECT artifact_location FROM logged_models WHERE model_id = ?"


class UnknownShapeError(RuntimeError):
    """The store's tables are not those that are known here, or hold more than one answer; MLflow can tell."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registry version: its number, its tags, and where MLflow says that its files lie."""

    number: str
    tags: dict[str, str]
    source: str


def store_file(tracking_uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other registry."""
    if not tracking_uri.startswith(SCHEME):
        return None
    return Path(tracking_uri.removeprefix(SCHEME).partition("?")[0])


def is_there(store: Path) -> bool:
    """Return whether there is a store, for all that this account can see."""
    try:
        return store.is_file()
    except OSError:  # in a folder that it may not enter
        return False


def read_alias(store: Path, name: str, alias: str) -> Version | None:
    """Return the version that an alias of a registered model points at; None where there is no such alias.

    Raises
    ------
    UnknownShapeError
        If MLflow has to be asked.
    sqlite3.Error
        If the file is no database, or is locked for good.
    """
    with _reading(store) as connection:
        found = connection.execute(_ALIAS, (name, alias)).fetchall()
        if not found:
            return None
        if len(found) > 1:  # workspaces of MLflow, each with a model of this name
            raise UnknownShapeError(f"{store} holds {len(found)} models {name} with the alias {alias}")
        number, source = found[0]
        tags = {str(key): str(value) for key, value in connection.execute(_TAGS, (name, number))}
        return Version(str(number), tags, str(source))


def folder_of(store: Path, source: str) -> Path | None:
    """Return the folder on this machine that a version's source names, existing or not; None where it is elsewhere.

    Raises
    ------
    UnknownShapeError, sqlite3.Error
        As `read_alias`.
    """
    place = source
    if source.startswith(f"{LOGGED_MODEL}m-"):
        with _reading(store) as connection:
            found = connection.execute(_LOGGED, (source.removeprefix(LOGGED_MODEL),)).fetchone()
        if found is None:
            raise UnknownShapeError(f"{store} does not know the logged model {source}")
        place = str(found[0])
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None


@contextmanager
def _reading(store: Path) -> Iterator[sqlite3.Connection]:
    address = f"{store.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=LONGEST_WAIT_SECONDS)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        if str(error).startswith("no such"):  # table or column
            raise UnknownShapeError(f"{store}: {error}") from error
        raise
