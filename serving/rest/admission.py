"""What one worker process takes on at one time, and how it refuses the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from serving.answers.refusals import RequestError
from serving.answers.request import MAX_BODY_BYTES
from serving.environment import ConfigurationError, read_number, read_whole_number

RETRY_SECONDS = 1
# BentoML's own timeout answers in another shape (`serving.rest.service.BACKSTOP_SECONDS`), so ours must come before it.
MOST_SECONDS_TOGETHER = 110.0


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What one worker process takes on.

    Parameters
    ----------
    body_bytes
        Largest body.
    body_seconds
        Longest time for a body to arrive.
    answer_seconds
        Longest time from the complete body to the answer.
    in_flight
        Most requests that are read, queued or answered at one time.
    buffered_bytes
        Most bytes of all their bodies together.
    """

    body_bytes: int = MAX_BODY_BYTES
    body_seconds: float = 30.0
    answer_seconds: float = 60.0
    in_flight: int = 256
    buffered_bytes: int = 8 * MAX_BODY_BYTES

    @classmethod
    def from_environment(cls) -> AdmissionLimits:
        """Return the limits that the environment names, the usual ones where it names none.

        Raises
        ------
        ConfigurationError
            If a value cannot be meant, or the two deadlines together outlast the server's own.
        """
        usual = cls()
        body_bytes = read_whole_number("ELYTE_MAX_BODY_BYTES", usual.body_bytes, 1_000, 1 << 30)
        limits = cls(
            body_bytes=body_bytes,
            body_seconds=read_number("ELYTE_BODY_SECONDS", usual.body_seconds, 0.1, 100.0),
            answer_seconds=read_number("ELYTE_ANSWER_SECONDS", usual.answer_seconds, 0.1, 100.0),
            in_flight=read_whole_number("ELYTE_MAX_IN_FLIGHT", usual.in_flight, 1, 100_000),
            buffered_bytes=read_whole_number("ELYTE_MAX_BUFFERED_BYTES", 8 * body_bytes, 1_000, 1 << 36),
        )
        if limits.body_seconds + limits.answer_seconds > MOST_SECONDS_TOGETHER:
            raise ConfigurationError(
                f"ELYTE_BODY_SECONDS + ELYTE_ANSWER_SECONDS: received {limits.body_seconds:g} +"
                f" {limits.answer_seconds:g}, expected at most {MOST_SECONDS_TOGETHER:g} together"
            )
        if limits.buffered_bytes < limits.body_bytes:
            raise ConfigurationError(
                f"ELYTE_MAX_BUFFERED_BYTES: received {limits.buffered_bytes}, expected at least the"
                f" {limits.body_bytes} of ELYTE_MAX_BODY_BYTES"
            )
        return limits


class Admission:
    """Counts requests and bytes in flight and refuses what is too much.

    Parameters
    ----------
    limits
        The most that is admitted.
    """

    def __init__(self, limits: AdmissionLimits) -> None:
        self.limits = limits
        self.requests = 0
        self.bytes = 0

    @contextmanager
    def admit(self) -> Iterator[Callable[[int], None]]:
        """Admit one request; yields a function that reserves memory for its body.

        Raises
        ------
        RequestError
            429 when too many requests are in flight, or their bodies are too large together.
        """
        if self.requests >= self.limits.in_flight:
            raise busy(f"{self.requests} requests are being answered")
        self.requests += 1
        mine = 0

        def reserve(size: int) -> None:
            nonlocal mine
            if self.bytes + size > self.limits.buffered_bytes:
                raise busy(f"requests of {self.bytes} bytes are being answered")
            self.bytes += size
            mine += size

        try:
            yield reserve
        finally:
            self.requests -= 1
            self.bytes -= mine


def busy(reason: str) -> RequestError:
    """Return the refusal of a service that has enough to do."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return RequestError(429, "too_many_requests", f"{reason}; try again in {RETRY_SECONDS} s", headers)
