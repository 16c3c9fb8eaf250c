"""Results of stages on disk: whole or absent, and only for the work that they belong to.

A result is written beside its place, flushed to the disk and renamed; a note with the key of the work and the result's
SHA-256 follows in the same way. A killed job therefore finds every finished stage, and nothing half done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.whole_files import write_whole


@dataclass(frozen=True, slots=True)
class Stages:
    """The results of one job, in a folder.

    Parameters
    ----------
    folder
        Created when something is stored.
    key
        What the results depend on; those of another key count as absent.
    """

    folder: Path
    key: str

    def once(self, name: str, compute: Callable[[], bytes]) -> bytes:
        """Return the stored result of a stage, or compute and store it."""
        stored = self.find(name)
        if stored is None:
            stored = compute()
            self.store(name, stored)
        return stored

    def once_json(self, name: str, compute: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return the stored JSON value of a stage, or compute and store it."""
        return json.loads(self.once(name, lambda: json.dumps(compute(), sort_keys=True, indent=1).encode()))

    def find(self, name: str) -> bytes | None:
        """Return a stored result; None where it is absent, damaged or of another key."""
        try:
            note = json.loads(self._note(name).read_bytes())
            content = (self.folder / name).read_bytes()
        except (OSError, ValueError):
            return None
        is_ours = isinstance(note, dict) and note.get("key") == self.key
        return content if is_ours and note.get("sha256") == hashlib.sha256(content).hexdigest() else None

    def store(self, name: str, content: bytes) -> None:
        """Store the result of a stage."""
        write_whole(self.folder / name, content)
        note = {"key": self.key, "sha256": hashlib.sha256(content).hexdigest()}
        write_whole(self._note(name), json.dumps(note).encode())

    def forget(self) -> None:
        """Remove every result and rest of one."""
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                if path.is_file():
                    path.unlink()

    def _note(self, name: str) -> Path:
        return self.folder / f"{name}.done"
