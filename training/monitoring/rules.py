"""The limits by which the monitor speaks of every property, each with its reason; `limits` has those of one."""

from __future__ import annotations

from enum import IntEnum


class Advice(IntEnum):
    """What to do; the greater the graver. The value is the exit status of `elyte monitor`."""

    FINE = 0
    RETRAIN = 3
    DISTRUST = 4

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return self.name.lower()


ALARM_RATE_OF_REQUESTS = 0.01
ALARM_RATE_OF_MEASUREMENTS = 0.04
"""Chance that one run raises any false alarm about requests, and about measurements: 5 % together. Each is divided by
the number of tests that the run makes (Bonferroni)."""

FEWEST_REQUESTS = 20
"""Below it nothing is said about requests."""
UNFAMILIAR_FACTOR = 2.0
"""So many times the expected share, and significantly more than expected, advises to retrain: less does not pay."""
DISTRUST_SHARE = 0.5
"""Significantly more than half of the questions outside: most answers are guesses."""
LARGE_SHIFT = 0.25
"""Population stability index from which on a change of the questions is called large; a rule of thumb of credit scoring
(Siddiqi, Credit Risk Scorecards, 2006), reported beside an exact test and never a verdict of its own."""
TREND_P = 0.01
FEWEST_DAYS_OF_A_TREND = 7

LEVELS = (0.5, 0.8, 0.9)
"""Nominal coverages that are checked."""
FEWEST_SOURCES = 5
"""Sources below which coverage and bias are reported without a verdict."""
PAYING_SOURCES, PAYING_MATERIALS = 5, 20
"""So many new sources with so many new materials make a retraining worth its while, whatever the coverage."""
