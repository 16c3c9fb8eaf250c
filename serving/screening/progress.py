"""How far a screening is: one line on standard error, rewritten on a terminal, repeated now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TextIO

_WINDOW_SECONDS = 60.0
_EVERY_SECONDS = {True: 0.2, False: 10.0}  # on a terminal, elsewhere
_BAR = 24


class Progress:
    """Counts rows and says how fast they pass and how long the rest will take.

    Parameters
    ----------
    total, done
        Rows in all, and rows that earlier runs have finished.
    stream
        Where to write; None for standard error.
    """

    def __init__(self, total: int, done: int, stream: TextIO | None = None) -> None:
        self._total, self._done = total, done
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._before = done
        self._recent = deque([(self._started, done)])
        self._said = 0.0

    @property
    def rows_per_second(self) -> float:
        """Mean rate of this run."""
        return (self._done - self._before) / max(time.monotonic() - self._started, 1e-9)

    def advance(self, rows: int) -> None:
        """Count rows, and write the line if it is time."""
        now = time.monotonic()
        self._done += rows
        self._recent.append((now, self._done))
        while len(self._recent) > 2 and now - self._recent[0][0] > _WINDOW_SECONDS:
            self._recent.popleft()
        if now - self._said >= _EVERY_SECONDS[self._terminal]:
            self._said = now
            self._write()

    def close(self) -> None:
        """Write the last line."""
        self._write()
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def line(self) -> str:
        """Return bar, rows, rate and time left."""
        (first, at_first), (last, at_last) = self._recent[0], self._recent[-1]
        rate = (at_last - at_first) / (last - first) if last > first else 0.0
        share = self._done / self._total if self._total else 1.0
        bar = "#" * int(share * _BAR)
        left = f"{clock((self._total - self._done) / rate)} left" if rate > 0 else "time left unknown"
        return f"[{bar:<{_BAR}}] {share:6.1%}  {self._done:,} of {self._total:,} rows  {rate:,.0f} rows/s  {left}"

    def _write(self) -> None:
        self._stream.write(f"\r{self.line()}\x1b[K" if self._terminal else f"{self.line()}\n")
        self._stream.flush()


def clock(seconds: float) -> str:
    """Return a time as `1:02:03` or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
