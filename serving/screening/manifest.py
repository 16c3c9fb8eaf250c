"""The manifest: what a folder of parts was started with, so that it is only ever continued with the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from serving.screening.parts import read_note, write_note
from serving.screening.plan import ROWS_PER_UNIT, InputFile

MANIFEST = "_manifest.parquet"
MANIFEST_BEFORE = "manifest.json"
"""As version 1 wrote it, whose parts have other columns."""
_NOTE = b"elyte.manifest"
VERSION = 2
_WORDS = {
    "models": "other models are served now than when this screening began",
    "settings": "the settings differ from those with which this screening began",
    "rows_per_unit": "this version of elyte cuts units of another size",
}


class ManifestError(ValueError):
    """A folder cannot be continued; the message says what differs."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What fixes a screening.

    Attributes
    ----------
    settings
        JSON values: properties, conditions, coverage, where.
    models
        Digest of the model of each property.
    files
        The input, in the order in which its files are numbered.
    """

    settings: dict[str, Any]
    models: dict[str, str]
    files: tuple[InputFile, ...]
    rows_per_unit: int = ROWS_PER_UNIT

    @property
    def digest(self) -> str:
        """Name of everything but the input; parts carry it."""
        told = [VERSION, self.settings, self.models, self.rows_per_unit]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write it so that a crash leaves the old one or the new one.

        Raises
        ------
        OSError
            If the disk is full or the folder cannot be written.
        """
        entry = {
            "version": VERSION,
            "rows_per_unit": self.rows_per_unit,
            "settings": self.settings,
            "models": self.models,
            "files": [asdict(file) for file in self.files],
        }
        write_note(folder / MANIFEST, _NOTE, json.dumps(entry))


def load_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, None where there is none.

    Raises
    ------
    ManifestError
        If there is one that cannot be read.
    """
    path = folder / MANIFEST
    if (folder / MANIFEST_BEFORE).exists():
        raise ManifestError(f"{folder} was written by another version of elyte; choose another output folder")
    if not path.exists():
        return None
    try:
        entry = json.loads(read_note(path, _NOTE))
        if entry["version"] != VERSION:
            raise ManifestError(f"{path} was written by another version of elyte; choose another output folder")
        files = tuple(InputFile.from_json(file) for file in entry["files"])
        return Manifest(entry["settings"], entry["models"], files, int(entry["rows_per_unit"]))
    except ManifestError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:  # of Parquet, too
        raise ManifestError(f"{path} cannot be read: {error}; choose another output folder") from error


def continued(old: Manifest, new: Manifest, folder: Path, finished: Sequence[str]) -> Manifest:
    """Return the manifest with which a folder is continued.

    A file that could not be read, or of which no part is finished yet, may have been repaired since.

    Parameters
    ----------
    old, new
        What the folder was started with, and what it is asked for now.
    folder
        For messages.
    finished
        Keys of the parts that are there.

    Raises
    ------
    ManifestError
        If settings, models or input differ.
    """
    advice = "; run with what it was started with, or choose another output folder"
    for name, words in _WORDS.items():
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            raise ManifestError(f"{folder}: {words} ({_difference(was, now)}){advice}")
    before, after = {file.name: file for file in old.files}, {file.name: file for file in new.files}
    for name in sorted(before.keys() ^ after.keys()):
        what = "is gone from" if name in before else "was added to"
        raise ManifestError(f"{folder}: {name} {what} the input since this screening began{advice}")
    for number, file in enumerate(old.files):
        begun = any(key.startswith(f"part-{number:05d}-") for key in finished)
        if after[file.name] != file and begun:
            raise ManifestError(f"{folder}: {file.name} has changed since parts of it were screened{advice}")
    return replace(new, files=tuple(after[file.name] for file in old.files))


def _difference(was: Any, now: Any) -> str:  # noqa: ANN401
    if isinstance(was, dict) and isinstance(now, dict):
        names = [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]
        return "; ".join(f"{name}: {_short(was.get(name))} then, {_short(now.get(name))} now" for name in names)
    return f"{was} then, {now} now"


def _short(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
