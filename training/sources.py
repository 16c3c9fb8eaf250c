"""The data room: where the public tables lie, and how they get there.

The repository holds no copy of a public table. `fetch` gets each from its origin at a pinned commit, or from
a mirror folder that holds a file of the same content under any name; only the catalogued SHA-256 is accepted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from training.catalogue import Source, UnknownSourceError, catalogue, source

__all__ = [
    "FetchOutcome",
    "FetchResult",
    "MissingSourceError",
    "Source",
    "SourceStatus",
    "StatusRow",
    "UnknownSourceError",
    "catalogue",
    "check",
    "data_dir",
    "fetch",
    "how_to_get",
    "locate",
    "missing",
    "places",
    "require",
    "source",
    "texts_of_archive",
]

DATA_DIR_VARIABLE = "ELYTE_DATA_DIR"
MIRROR_VARIABLE = "ELYTE_DATA_MIRROR"


class SourceStatus(StrEnum):
    """State of one file in the data folder."""

    PRESENT = "present"
    MIRRORED = "mirrored"
    MISSING = "missing"
    CORRUPT = "corrupt"
    OPTIONAL = "optional"


class FetchOutcome(StrEnum):
    """What `fetch` did for one file."""

    PRESENT = "present"
    COPIED = "copied"
    DOWNLOADED = "downloaded"
    USER_SUPPLIED = "user-supplied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One line of `check`: a file, its state, and the path that `locate` would give ("" where none)."""

    key: str
    status: SourceStatus
    path: str
    message: str = ""

    @property
    def ok(self) -> bool:
        """False where work is left: a file that is missing or damaged."""
        return self.status not in (SourceStatus.MISSING, SourceStatus.CORRUPT)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """One line of `fetch`: a file, what was done, its path now ("" where none), and why if it failed."""

    key: str
    outcome: FetchOutcome
    path: str
    message: str = ""

    @property
    def ok(self) -> bool:
        """False where the file could not be had."""
        return self.outcome not in (FetchOutcome.FAILED, FetchOutcome.USER_SUPPLIED)


class MissingSourceError(FileNotFoundError):
    """A table is needed that is not in the data folder; the message says how to get it."""

    def __init__(self, source: Source, problem: str, remedy: str = "") -> None:
        self.source = source
        super().__init__(f"{problem}\n{remedy or how_to_get(source)}")


def data_dir() -> Path:
    """Return the data folder, which may not exist yet: `ELYTE_DATA_DIR`, else one in the user's cache."""
    chosen = os.environ.get(DATA_DIR_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("elyte", appauthor=False)


def places() -> tuple[str, str]:
    """Return where tables are looked for now; what is kept in memory of a table is kept by this."""
    return str(data_dir()), os.environ.get(MIRROR_VARIABLE, "")


def how_to_get(wanted: Source) -> str:
    """Say where a file comes from, where to put it, and which command does so."""
    place = data_dir() / wanted.filename
    if wanted.url is None:
        return (
            f"elyte neither fetches nor ships it ({wanted.licence}). If you may use it, save it as {place}"
            f" (article: https://doi.org/{wanted.doi})."
        )
    return (
        f"Get it with `elyte data fetch {wanted.key}`; without a network, download {wanted.url} elsewhere and"
        f" save it as {place}, or run `elyte data fetch {wanted.key} --mirror DIR` on a folder that has it."
    )


def locate(key: str) -> Path:
    """Return the path of a table whose content is the catalogued one.

    The data folder comes first, then the folder named by `ELYTE_DATA_MIRROR`; nothing is copied.

    Raises
    ------
    UnknownSourceError
        The catalogue has no such key.
    MissingSourceError
        The file is absent or damaged; the message names it, its place and the command.
    NotADirectoryError
        `ELYTE_DATA_MIRROR` names something that is no folder.
    """
    wanted = source(key)
    place = data_dir() / wanted.filename
    if _accepted(place, wanted):
        return place
    if mirrored := _Mirror.open(None).find(wanted):
        return mirrored
    problem = f"{wanted.title} ('{key}') is not at {place}."
    if place.exists():
        problem = f"{place} is not the expected file of '{key}': its SHA-256 differs from {wanted.sha256}."
    raise MissingSourceError(wanted, problem)


def texts_of_archive(key: str) -> dict[str, str]:
    """Return the texts of a catalogued archive by the names of their files without endings; raises as `locate`."""
    with tarfile.open(locate(key)) as archive:
        members = {Path(member.name).stem: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: content.read().decode() for name, content in members.items() if content is not None}


def check() -> list[StatusRow]:
    """Return the state of every catalogued file, in the catalogue's order."""
    mirror = _Mirror.open(None)
    return [_status(wanted, mirror) for wanted in catalogue().values()]


def _status(wanted: Source, mirror: _Mirror) -> StatusRow:
    place = data_dir() / wanted.filename
    if _accepted(place, wanted):
        return StatusRow(wanted.key, SourceStatus.PRESENT, str(place))
    if mirrored := mirror.find(wanted):
        return StatusRow(wanted.key, SourceStatus.MIRRORED, str(mirrored))
    if place.exists():
        message = f"size or SHA-256 differs from the catalogue's; `elyte data fetch {wanted.key}` replaces it"
        return StatusRow(wanted.key, SourceStatus.CORRUPT, str(place), message)
    status = SourceStatus.OPTIONAL if wanted.url is None else SourceStatus.MISSING
    return StatusRow(wanted.key, status, "", how_to_get(wanted))


def fetch(keys: Iterable[str] | None = None, mirror: Path | None = None, progress: bool = False) -> list[FetchResult]:
    """Bring tables into the data folder: from the mirror where it has them, else from their origin.

    Parameters
    ----------
    keys
        Sources to get; None or none at all means every one that has an origin.
    mirror
        Folder to search first; None means `ELYTE_DATA_MIRROR`.
    progress
        Whether to draw a progress bar on standard error.

    Returns
    -------
    list of FetchResult
        One per key, in the order asked for; a failure is a result and does not stop the others.

    Raises
    ------
    UnknownSourceError
        Before anything is fetched, if one key is unknown.
    NotADirectoryError
        If the mirror is not a folder.
    """
    wanted = [source(key) for key in keys or ()] or [entry for entry in catalogue().values() if entry.url]
    found = _Mirror.open(mirror)
    unreachable: set[str] = set()
    return [_fetch_one(entry, found, progress, unreachable) for entry in wanted]


def _fetch_one(wanted: Source, mirror: _Mirror, progress: bool, unreachable: set[str]) -> FetchResult:
    place = data_dir() / wanted.filename
    if _accepted(place, wanted):
        return FetchResult(wanted.key, FetchOutcome.PRESENT, str(place))
    if wanted.url is None:
        return FetchResult(wanted.key, FetchOutcome.USER_SUPPLIED, "", how_to_get(wanted))
    from training.downloads import DownloadError, download

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if mirrored := mirror.find(wanted):
            _copy(mirrored, place)
            return FetchResult(wanted.key, FetchOutcome.COPIED, str(place), f"from {mirrored}")
        download(wanted, place, progress, unreachable)
    except DownloadError as error:
        return FetchResult(wanted.key, FetchOutcome.FAILED, "", f"{error}\n{how_to_get(wanted)}")
    except OSError as error:
        return FetchResult(wanted.key, FetchOutcome.FAILED, "", f"cannot write {place}: {error}")
    return FetchResult(wanted.key, FetchOutcome.DOWNLOADED, str(place))


def _copy(origin: Path, place: Path) -> None:
    """Copy by way of a temporary neighbour, so that a reader sees the whole file or none."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    os.close(handle)
    try:
        shutil.copyfile(origin, name)
        os.chmod(name, 0o644)
        os.replace(name, place)
    finally:
        Path(name).unlink(missing_ok=True)


def _accepted(path: Path, wanted: Source) -> bool:
    """Whether a path is a file of the catalogued content (a user-supplied one only has to exist)."""
    if not path.is_file():
        return False
    if wanted.sha256 is None:
        return True
    status = path.stat()
    return status.st_size == wanted.size_bytes and _sha256(path, status.st_mtime_ns) == wanted.sha256


@cache
def _sha256(path: Path, mtime_ns: int) -> str:
    """Digest of a file; the time of change is part of the key, so that a changed file is read again."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class _Mirror:
    """The files of a folder tree by size, which leaves few to hash."""

    by_size: dict[int, list[Path]]

    @classmethod
    def open(cls, folder: Path | None) -> _Mirror:
        """Walk the folder; None means `ELYTE_DATA_MIRROR`, and without that the mirror is empty."""
        chosen = os.environ.get(MIRROR_VARIABLE, "").strip()
        folder = folder or (Path(chosen).expanduser() if chosen else None)
        if folder is None:
            return cls({})
        if not folder.is_dir():
            raise NotADirectoryError(f"the mirror {folder} is not a folder")
        sizes = {entry.size_bytes for entry in catalogue().values()}
        by_size: dict[int, list[Path]] = {}
        for path in sorted(folder.absolute().rglob("*")):
            if path.is_file() and (size := path.stat().st_size) in sizes:
                by_size.setdefault(size, []).append(path)
        return cls(by_size)

    def find(self, wanted: Source) -> Path | None:
        """Return a file of the catalogued content, or None; user-supplied ones are never looked for."""
        if wanted.sha256 is None or wanted.size_bytes is None:
            return None
        candidates = self.by_size.get(wanted.size_bytes, [])
        return next((path for path in candidates if _accepted(path, wanted)), None)


def missing(keys: Iterable[str]) -> list[str]:
    """Return those of the keys that `locate` would not find; tests use it to skip and say so."""
    absent = []
    for key in keys:
        try:
            locate(key)
        except MissingSourceError:
            absent.append(key)
    return absent


def require(keys: Iterable[str], purpose: str) -> None:
    """Say which of the public tables that something needs are not on this machine.

    Parameters
    ----------
    keys
        Sources that have an origin.
    purpose
        What needs them, as the subject of a sentence.

    Raises
    ------
    MissingSourceError
        Names them all, and the one command that gets them.
    """
    absent = missing(keys)
    if absent:
        names = " ".join(absent)
        raise MissingSourceError(
            source(absent[0]),
            f"{purpose} needs public tables that are not, or not whole, in {data_dir()}: {names}.",
            f"Get them with `elyte data fetch` (all tables, 5.5 MB), or `elyte data fetch {names}`; without a network,"
            f" run it with --mirror DIR on a folder that has them, or set {MIRROR_VARIABLE}=DIR.",
        )
