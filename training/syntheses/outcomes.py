"""What came out of the laboratory's own syntheses: a kind of measurement that the ledger keeps, failures above all.

A batch is told by its target, what it was made from, how hot and how long, and which phases were found. Papers report
hardly any failure, so these rows are what a plan can learn from: a set that failed stands behind those not tried yet,
and a way through a phase that was left over before stands behind others. The idea of learning from observed
intermediates is that of ARROWS3, Szymanski et al., Nat. Commun. 14, 6956 (2023), doi 10.1038/s41467-023-42329-9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from training.measurements.columns import FORMULA, ORIGIN, TEMPERATURE, Contents, LedgerColumn, RowRule, number
from training.measurements.contract import Measurements, nothing_is_frozen
from training.measurements.problems import Code
from training.measurements.units import Notation, Unit
from training.syntheses.precursor_names import amounts_of, key_of, without_water
from training.syntheses.table import HIGHEST_C, LONGEST_H

if TYPE_CHECKING:  # a worker without a ledger loads no database
    from training.measurements.entries import Entry
    from training.measurements.rows import Row

LOWEST_FIRED_C = 20.0
_JOINED = "+"
_HOURS = {"": Unit("h"), "h": Unit("h"), "min": Unit("min", 1 / 60), "d": Unit("d", 24.0)}
PRECURSORS = LedgerColumn("precursors", "Precursors, joined by +", is_required=True)
PHASES = LedgerColumn("phases_found", "Phases found, joined by +", is_required=True, aliases=("phases",))
_TIME = Notation(("time",), _HOURS)
TIME = number("time_h", "Time at the temperature", "h", _TIME, low=0.0, high=LONGEST_H, is_positive=True)
ATMOSPHERE = LedgerColumn("atmosphere", "Atmosphere")


class SynthesisOutcome(NamedTuple):
    """One batch.

    Attributes
    ----------
    entry
        Its number in the ledger.
    target, precursors, phases
        Compositions by `key_of`, bottles without their water.
    phases_text
        As entered.
    temperature_C, time_h
        NaN where not stated.
    """

    entry: int
    target: str
    precursors: frozenset[str]
    phases: frozenset[str]
    phases_text: str
    temperature_C: float
    time_h: float

    @property
    def is_pure(self) -> bool:
        """Whether the target was found and nothing else."""
        return self.phases == {self.target}

    @property
    def left_over(self) -> frozenset[str]:
        """What was found besides the target."""
        return self.phases - {self.target}


def formulas_in(text: str) -> tuple[str, ...]:
    """Return the formulas of a cell, `Li2S + P2S5`.

    Examples
    --------
    >>> formulas_in("Li2S + P2S5")
    ('Li2S', 'P2S5')
    """
    return tuple(part.strip() for part in text.split(_JOINED))


def bottle_keys(formulas: Sequence[str]) -> frozenset[str]:
    """Return compositions, those of hydrates without their water."""
    return frozenset(key_of(without_water(formula)) for formula in formulas)


def _are_formulas(column: str) -> RowRule:
    def holds(content: Contents) -> bool:
        return column not in content or all(amounts_of(one) for one in formulas_in(str(content[column])))

    return RowRule(column, Code.UNREADABLE_FORMULAS, "formulas joined by +, such as Li2S + P2S5", holds)


class SynthesisOutcomes(Measurements):
    """Batches and what was found in them."""

    columns = (
        FORMULA.but(is_required=True),
        PRECURSORS,
        TEMPERATURE.but(low=LOWEST_FIRED_C, high=HIGHEST_C),
        TIME,
        ATMOSPHERE,
        PHASES,
        *ORIGIN,
    )
    measured = (PHASES,)
    across = (_are_formulas(PRECURSORS), _are_formulas(PHASES))

    def reasons_to_exclude(self, contents: Sequence[Contents]) -> list[str]:
        """See `Measurements.reasons_to_exclude`."""
        return nothing_is_frozen(contents)

    def suspect_temperature(self, row: Row) -> None:
        """Nothing: furnaces are hot."""


def outcome_of(entry: Entry) -> SynthesisOutcome:
    """Return an entry of this kind as a batch."""
    content = entry.content or {}
    phases = str(content[PHASES])
    return SynthesisOutcome(
        entry.entry,
        key_of(str(content[FORMULA])),
        bottle_keys(formulas_in(str(content[PRECURSORS]))),
        frozenset(map(key_of, formulas_in(phases))),
        phases,
        float(content.get(TEMPERATURE, math.nan)),
        float(content.get(TIME, math.nan)),
    )


MEASUREMENTS = SynthesisOutcomes()
