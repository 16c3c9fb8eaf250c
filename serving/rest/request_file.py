"""One line a call for predictions or a ranking, in a file for `elyte monitor`: versions, counts, distances."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from serving.rest.request_record import RequestRecord

REQUEST_LOG_VARIABLE = "ELYTE_REQUEST_LOG"
MAX_FILE_BYTES = 50 * 1024 * 1024
FILES = 3  # the one that grows and two former ones, `.1` and `.2`


class RequestFile:
    """An append-only file that several processes share, replaced by a fresh one when it is large.

    Writing never raises: that a disk is full must not fail a request.

    Parameters
    ----------
    path
        The file; None writes nothing.
    max_bytes
        Size from which on a fresh file is begun.
    """

    def __init__(self, path: Path | None, max_bytes: int = MAX_FILE_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._works = True

    @classmethod
    def from_environment(cls) -> RequestFile:
        """Return the file that `ELYTE_REQUEST_LOG` names."""
        name = os.environ.get(REQUEST_LOG_VARIABLE, "").strip()
        return cls(Path(name) if name else None)

    def append(self, record: RequestRecord) -> None:
        """Add the line of one request."""
        if self.path is None:
            return
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "models": record.model_versions,
            "rows": record.rows,
            "errors": dict(record.row_errors),
            "bins": record.distance_bins,
        }
        try:
            with _locked(self.path) as file:
                file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
                full = file.tell() >= self.max_bytes
                file.flush()
                if full:
                    self._rotate(self.path)
            self._works = True
        except OSError as error:
            if self._works:  # once, not for every request
                fields = {"reason": error.strerror, "variable": REQUEST_LOG_VARIABLE}
                logging.getLogger("elyte.service").error("request_file_failed", extra={"fields": fields})
            self._works = False

    @staticmethod
    def _rotate(path: Path) -> None:
        for number in range(FILES - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
            if newer.exists():
                os.replace(newer, older)


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """Open the file for appending while no other process writes or replaces it."""
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return
            # another process began a fresh file between opening and locking
