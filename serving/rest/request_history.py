"""The lines of `ELYTE_REQUEST_LOG`, read back for `elyte monitor`: torn, foreign and rotated ones included."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from serving.rest.request_file import FILES
from serving.rest.request_record import N_BINS
from training.monitoring.drift import Traffic

SECONDS_PER_DAY = 86400
MAX_LINE_BYTES = 1_000_000
LARGEST_COUNT = 10_000_000


@dataclass
class RequestHistory:
    """What the lines say, by property and version of its model.

    Parameters
    ----------
    traffic
        Property and version to (seconds since 1970, counts of the ten bins), in the order of the files.
    n_lines
        Lines that are requests.
    n_unreadable
        Lines that are not: torn by a full disk or a crash, or of something else.
    """

    traffic: dict[tuple[str, str], list[tuple[float, list[int]]]] = field(default_factory=dict)
    n_lines: int = 0
    n_unreadable: int = 0

    def newest_versions(self) -> dict[str, str]:
        """Return, by property, the version that answered last."""
        last = {key: max(when for when, _ in seen) for key, seen in self.traffic.items()}
        return {name: version for name, version in sorted(last, key=last.__getitem__)}

    def of(self, name: str, version: str, since: float) -> Traffic:
        """Return the requests of one property and version; those from `since` on (seconds since 1970) are recent."""
        seen = sorted(self.traffic[name, version], key=lambda request: request[0])
        when = np.array([seconds for seconds, _ in seen])
        bins = np.array([counts for _, counts in seen], dtype=np.int64).reshape(len(seen), N_BINS)
        return Traffic((when // SECONDS_PER_DAY).astype(np.int64), bins, when >= since)


def read_requests(path: Path) -> RequestHistory:
    """Read the file and its two former ones.

    A line that cannot be read is counted and passed over; unknown fields are ignored.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    history = RequestHistory()
    with ExitStack() as opened:
        for file in _files(path, opened):
            for line in _lines(file):
                _take(line, history)
    return history


def _files(path: Path, opened: ExitStack) -> list[IO[bytes]]:
    """Open the files, the newest first: one that is renamed meanwhile is then met twice, and taken once."""
    found: dict[tuple[int, int], IO[bytes]] = {}
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, FILES))]
    for name in names:
        try:
            file = opened.enter_context(name.open("rb"))
        except FileNotFoundError:
            if name == path and not names[1].exists():
                raise
            continue
        state = os.fstat(file.fileno())
        found.setdefault((state.st_dev, state.st_ino), file)
    return [*found.values()][::-1]


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one without an end (binary rubbish), pieces, each unreadable."""
    while line := file.readline(MAX_LINE_BYTES):
        if line.strip():
            yield line


def _take(line: bytes, history: RequestHistory) -> None:
    read = _read(line)
    if read is None:
        history.n_unreadable += 1
        return
    history.n_lines += 1
    when, versions, bins = read
    for name, counts in bins.items():
        history.traffic.setdefault((name, versions.get(name, "unknown")), []).append((when, counts))


def _read(line: bytes) -> tuple[float, dict[str, str], dict[str, list[int]]] | None:
    try:
        said = orjson.loads(line)
        when = datetime.fromisoformat(said["time"]).timestamp()
        versions, bins = said["models"], said["bins"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    if not isinstance(versions, dict) or not isinstance(bins, dict) or not math.isfinite(when):
        return None
    if not all(isinstance(version, str) for version in versions.values()):
        return None
    if not all(_is_histogram(counts) for counts in bins.values()):
        return None
    return when, versions, {name: counts for name, counts in bins.items() if any(counts)}


def _is_histogram(counts: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(counts, list)
        and len(counts) == N_BINS
        and all(type(count) is int and 0 <= count <= LARGEST_COUNT for count in counts)
    )


def days_ago(days: float) -> float:
    """Return the time of some days ago, in seconds since 1970."""
    return time.time() - days * SECONDS_PER_DAY
