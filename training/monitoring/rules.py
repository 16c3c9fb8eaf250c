"""The limits by which the monitor speaks: one table, each line with its reason."""

from __future__ import annotations

from enum import IntEnum


class Verdict(IntEnum):
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

EXPECTED_OUTSIDE = {"conductivity": 0.10, "stability": 0.05}
"""Share of questions beyond the radius of the domain if they were as familiar as left-out papers: the radius was laid
around 90 of 100 left-out rows of conductivity (`familiarity.DOMAIN_QUANTILE`) and 95 of 100 validation compounds of
stability. CCD has no radius."""
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
SMALLEST_BIAS = {
    "log10_sigma_S_per_cm": 0.3, "activation_energy_eV": 0.05, "log10_ccd_mA_per_cm2": 0.2,
    "formation_energy_eV_per_atom": 0.03, "energy_above_hull_eV_per_atom": 0.03, "reduction_V": 0.15,
    "oxidation_V": 0.15,
}  # fmt: skip
"""A mean signed error below it is left alone, however significant: half of the scatter between laboratories
(conductivity 0.65, CCD 0.45 decades), half of the nets' error, twice the error of computed limits."""
PAYING_SOURCES, PAYING_MATERIALS = 5, 20
"""So many new sources with so many new materials make a retraining worth its while, whatever the coverage."""
