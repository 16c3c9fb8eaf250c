"""Whether new measurements fall into the intervals that the served model gives them, as often as it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.monitoring.proportions import Share, chance_of_so_few, share_of, shares_of_clusters
from training.monitoring.rules import FEWEST_SOURCES, LEVELS, Advice

Array = NDArray[np.float64]
JUDGED_LEVEL = LEVELS.index(0.9)
"""The level at which groups are compared: the one that answers have by default."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One quantity, measured n times, beside what the served model says of it.

    Parameters
    ----------
    quantity
        Its name with the unit, as in an answer.
    value
        Shape (n,), measured; for a bound, the bound.
    is_upper_bound, is_lower_bound
        Shape (n,), the true value lies below, or above.
    source, group
        Shape (n,), where a row comes from, and its family.
    centre
        Shape (n,), predicted.
    lower, upper
        Shape (n, 3), ends of the intervals of `rules.LEVELS`; NaN where none can be given.
    """

    quantity: str
    value: Array
    is_upper_bound: NDArray[np.bool_]
    is_lower_bound: NDArray[np.bool_]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    centre: Array
    lower: Array
    upper: Array

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: NDArray[np.bool_]) -> Compared:
        """Return the chosen rows."""
        cells = (getattr(self, name)[rows] for name in tuple(self.__dataclass_fields__)[1:])
        return Compared(self.quantity, *cells)

    def is_covered(self) -> NDArray[np.bool_]:
        """Return which intervals hold their value, shape (n, 3); a bound is held where the interval reaches it."""
        value = self.value[:, None]
        above = (self.lower <= value) | self.is_lower_bound[:, None]
        below = (self.upper >= value) | self.is_upper_bound[:, None]
        return above & below

    @property
    def n_sources(self) -> int:
        """How many sources the rows come from."""
        return len(np.unique(self.source))


class Reference(NamedTuple):
    """What one quantity is held to: the card's mean absolute error, and the bias below which it is left alone."""

    card_mae: float | None = None
    smallest_bias: float = 0.0


class LevelCoverage(NamedTuple):
    """Realised coverage of one nominal one; `p_so_few` is the chance of so few if the nominal one held."""

    nominal: float
    realised: Share
    p_so_few: float


class Bias(NamedTuple):
    """Mean over sources of measured minus predicted, its 95 % interval and chance if there were none (t-test)."""

    mean: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class QuantityReport:
    """What is to be said about one quantity.

    Parameters
    ----------
    n_rows, n_sources
        How many measurements; bounds count for coverage only.
    levels
        One per nominal coverage.
    bias
        None for fewer than two sources with values.
    mae, mae_of_sources, card_mae
        Mean absolute error over rows, over sources weighing alike, and what the card promises (None where it does not).
    groups
        Family to realised coverage of the 90 % intervals.
    verdict, words
        What follows.
    """

    quantity: str
    n_rows: int
    n_sources: int
    levels: tuple[LevelCoverage, ...]
    bias: Bias | None
    mae: float | None
    mae_of_sources: float | None
    card_mae: float | None
    groups: dict[str, LevelCoverage]
    verdict: Advice
    words: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        plain = asdict(self) | {"verdict": self.verdict.word}
        plain["levels"] = [_level_as_dict(level) for level in self.levels]
        plain["groups"] = {name: _level_as_dict(level) for name, level in self.groups.items()}
        plain["bias"] = None if self.bias is None else self.bias._asdict()
        return plain


def _level_as_dict(level: LevelCoverage) -> dict[str, Any]:
    return {"nominal": level.nominal, **level.realised._asdict(), "p_so_few": level.p_so_few}


def judge_quantities(
    everything: Sequence[Compared], alarm_rate: float, references: Sequence[Reference]
) -> list[QuantityReport]:
    """Judge several quantities together, so that the chance of ANY false alarm is at most `alarm_rate`.

    Parameters
    ----------
    everything
        One per quantity.
    alarm_rate
        Divided by the number of tests: three levels and a bias for every quantity with enough sources, and one for each
        of its families with enough sources.
    references
        One per quantity.
    """
    tests = sum(_n_tests(compared) for compared in everything)
    return [
        _judge(compared, alarm_rate / max(tests, 1), reference)
        for compared, reference in zip(everything, references, strict=True)
    ]


def _n_tests(compared: Compared) -> int:
    if compared.n_sources < FEWEST_SOURCES:
        return 0
    return len(LEVELS) + 1 + len(_judged_groups(compared))


def _judged_groups(compared: Compared) -> list[str]:
    """Return families with enough sources; a single one says nothing that the whole does not."""
    names = np.unique(compared.group)
    enough = [str(n) for n in names if len(np.unique(compared.source[compared.group == n])) >= FEWEST_SOURCES]
    return enough if len(names) > 1 else []


def _judge(compared: Compared, alarm_rate: float, reference: Reference) -> QuantityReport:
    covered = compared.is_covered()
    levels = tuple(_level(covered, compared, i) for i in range(len(LEVELS)))
    groups = {
        str(name): _level(covered[own], compared.take(own), JUDGED_LEVEL)
        for name, own in ((name, compared.group == name) for name in np.unique(compared.group))
    }
    exact = ~(compared.is_upper_bound | compared.is_lower_bound)
    error, source = (compared.value - compared.centre)[exact], compared.source[exact]
    bias = bias_of(error, source)
    words, verdict = _words(compared, levels, groups, _worth_a_word(bias, alarm_rate, reference), alarm_rate)
    return QuantityReport(
        compared.quantity,
        len(compared),
        compared.n_sources,
        levels,
        bias,
        float(np.abs(error).mean()) if len(error) else None,
        float(_means(np.abs(error), source).mean()) if len(error) else None,
        reference.card_mae,
        groups,
        verdict,
        tuple(words),
    )


def _level(covered: NDArray[np.bool_], compared: Compared, level: int) -> LevelCoverage:
    """Return the coverage of one level over the rows that have an interval of it."""
    known = np.isfinite(compared.lower[:, level]) & np.isfinite(compared.upper[:, level])
    shares = shares_of_clusters(covered[known, level], compared.source[known])
    return LevelCoverage(LEVELS[level], share_of(shares, int(known.sum())), chance_of_so_few(shares, LEVELS[level]))


def _means(values: Array, source: NDArray[np.str_]) -> Array:
    """Return the mean of each source."""
    _, of_row = np.unique(source, return_inverse=True)
    means: Array = np.bincount(of_row.reshape(-1), values) / np.bincount(of_row.reshape(-1))
    return means


def bias_of(error: Array, source: NDArray[np.str_]) -> Bias | None:
    """Test whether the mean error of sources is zero, by Student's t over sources; None for fewer than two.

    Parameters
    ----------
    error
        Shape (n,), measured minus predicted.
    source
        Shape (n,).
    """
    from scipy.stats import t

    means = _means(error, source) if len(error) else np.empty(0)
    if len(means) < 2:
        return None
    mean, spread = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(len(means))
    reach = float(t.ppf(0.975, len(means) - 1)) * spread
    p = 2.0 * float(t.sf(abs(mean) / spread, len(means) - 1)) if spread > 0.0 else float(mean == 0.0)
    return Bias(mean, mean - reach, mean + reach, p)


def _worth_a_word(bias: Bias | None, alarm_rate: float, reference: Reference) -> Bias | None:
    """Return a bias that is significant and not small."""
    if bias is None or bias.p > alarm_rate or abs(bias.mean) < reference.smallest_bias:
        return None
    return bias


def _words(
    compared: Compared,
    levels: Sequence[LevelCoverage],
    groups: dict[str, LevelCoverage],
    bias: Bias | None,
    alarm_rate: float,
) -> tuple[list[str], Advice]:
    name, n = compared.quantity, compared.n_sources
    if n < FEWEST_SOURCES:
        counted = f"{n} source" if n == 1 else f"{n} sources"
        return [f"{name}: {counted} with new values: too few to judge ({FEWEST_SOURCES} are needed)"], Advice.FINE
    words, verdict = [], Advice.FINE
    suspects = [("", level) for level in levels] + [(group, groups[group]) for group in _judged_groups(compared)]
    for group, level in suspects:
        if level.p_so_few <= alarm_rate:
            verdict, of = Advice.DISTRUST, f" of {group}" if group else ""
            words.append(f"distrust: intervals too narrow for {name}{of}: {_told(level)}")
    if bias is not None:
        verdict = max(verdict, Advice.RETRAIN)
        side = "above" if bias.mean > 0 else "below"
        words.append(
            f"retrain: measured values of {name} lie {abs(bias.mean):.2g} {side} the predicted ones on average"
            f" ({bias.low:+.2g} to {bias.high:+.2g})"
        )
    return words or [f"fine: {name}: {_told(levels[JUDGED_LEVEL])}"], verdict


def _told(level: LevelCoverage) -> str:
    s = level.realised
    return (
        f"{s.value:.0%} of the {level.nominal:.0%} intervals hold what was measured ({s.low:.0%} to {s.high:.0%};"
        f" {s.n_rows} rows of {s.n_clusters} sources)"
    )
