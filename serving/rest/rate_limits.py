"""How often one key may ask: a token bucket per key, and one for all callers without a valid key.

The buckets of a service lie in one small file that its worker processes share, so a limit holds however many workers
there are and whichever of them answers. Services on several machines, or replicas of a container, count apart.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serving.answers.refusals import RequestError
from serving.environment import ConfigurationError, read_whole_number

RATE_VARIABLE, BURST_VARIABLE = "ELYTE_KEY_REQUESTS_PER_MINUTE", "ELYTE_KEY_BURST"
BUCKETS_FILE = "rate-limits"
_SECONDS_PER_MINUTE = 60.0
_USUAL_BURST_SECONDS = 10
_BUCKET = struct.Struct("<dd")  # tokens that were left, and when: monotonic seconds, which all processes share


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often one key may ask.

    Parameters
    ----------
    per_minute
        Requests a minute in the long run.
    burst
        Requests at once after a pause.
    """

    per_minute: int
    burst: int

    @classmethod
    def from_environment(cls) -> RateLimit | None:
        """Return the limit that the environment names, None where it names none.

        Raises
        ------
        ConfigurationError
            If a value cannot be meant, or there is a burst without a rate.
        """
        per_minute = read_whole_number(RATE_VARIABLE, 0, 0, 1_000_000)
        usual = max(1, math.ceil(per_minute * _USUAL_BURST_SECONDS / _SECONDS_PER_MINUTE))
        burst = read_whole_number(BURST_VARIABLE, usual, 1, 1_000_000)
        if not per_minute:
            if os.environ.get(BURST_VARIABLE, "").strip():
                raise ConfigurationError(f"{BURST_VARIABLE} is set, but {RATE_VARIABLE} is not: nothing is limited")
            return None
        return cls(per_minute, burst)

    def taken(self, tokens: float, seconds: float) -> tuple[float, float]:
        """Take a token from a bucket that had some left a while ago.

        Parameters
        ----------
        tokens
            What was left then.
        seconds
            How long ago; below zero after a restart of the machine, when the bucket counts as full.

        Returns
        -------
        tokens : float
            What is left now; unchanged but for the time where there was none to take.
        wait : float
            Seconds until there is one, 0 where one was taken.
        """
        rate = self.per_minute / _SECONDS_PER_MINUTE
        filled = float(self.burst) if seconds < 0 else min(float(self.burst), tokens + rate * seconds)
        return (filled - 1.0, 0.0) if filled >= 1.0 else (filled, (1.0 - filled) / rate)


class RateLimiter:
    """The buckets of a service.

    Parameters
    ----------
    limit
        The same for each.
    n_keys
        How many keys there are; one bucket more is that of callers without a valid one.
    folder
        Where worker processes share their buckets; None keeps them in this process.
    clock
        Monotonic seconds, the same in all processes.
    """

    def __init__(
        self,
        limit: RateLimit,
        n_keys: int,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self._clock = clock
        self._n_keys = n_keys
        size = _BUCKET.size * (n_keys + 1)
        self._descriptor: int | None = None
        if folder is not None:
            self._descriptor = os.open(folder / BUCKETS_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._descriptor, size)
        self._buckets = mmap.mmap(-1 if self._descriptor is None else self._descriptor, size)

    def require_token(self, key: int | None) -> None:
        """Take a token of a key.

        Parameters
        ----------
        key
            Its place in the list of keys, None for a caller without a valid one.

        Raises
        ------
        RequestError
            429 where there is none.
        """
        wait = self._take(self._n_keys if key is None else key)
        if wait > 0:
            seconds = math.ceil(wait)
            whose = "callers without a valid key, together," if key is None else "this key"
            message = f"{whose} may ask {self.limit.per_minute} times a minute; try again in {seconds} s"
            raise RequestError(429, "rate_limited", message, {"Retry-After": str(seconds)})

    def _take(self, bucket: int) -> float:
        place = bucket * _BUCKET.size
        if self._descriptor is not None:  # held for microseconds; freed by the kernel if this process dies
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, _BUCKET.size, place)
        try:
            now = self._clock()
            tokens, since = _BUCKET.unpack_from(self._buckets, place)
            if since == 0.0:  # never used
                tokens, since = float(self.limit.burst), now
            left, wait = self.limit.taken(tokens, now - since)
            _BUCKET.pack_into(self._buckets, place, left, now)
            return wait
        finally:
            if self._descriptor is not None:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, _BUCKET.size, place)

    def close(self) -> None:
        """Let go of the buckets."""
        self._buckets.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
