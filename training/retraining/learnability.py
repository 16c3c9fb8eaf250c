"""What the evidence on new rows is made of, for any property: folds of whole sources, contradictions, chances.

Every new row is predicted twice, never from its own source: from what the champion knows, and with the other new
sources besides. A new family of materials is far from the first and near the second; labels that were shuffled, or
belong to other rows, are near neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.retraining.comparison import NewRows
from training.retraining.gates import NOMINAL_COVERAGE
from training.retraining.held_out import HeldOutPredictions
from training.retraining.statistics import (
    bootstrap_mean,
    chance_of_so_few,
    chance_of_so_many,
    rank_correlation,
)
from training.splits import grouped_folds

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
MOST_FOLDS = 5
CONTRADICTION_DECADES = 1.0


class Contradictions(NamedTuple):
    """Rows of which another source says something comparable, those a decade or more off, and the chance of so many."""

    comparable: int
    contradicting: int
    p: float

    @classmethod
    def of(cls, new: Flags, known: Flags) -> Contradictions:
        """Reckon the chance of the new rows at the rate of the known ones; each flag is one comparable row."""
        rate = (int(known.sum()) + 1) / (len(known) + 2)
        return cls(len(new), int(new.sum()), chance_of_so_many(int(new.sum()), len(new), rate))


def new_rows(
    by_champion: HeldOutPredictions,
    alone: Array,
    left_out: Array,
    material: Numbers,
    against: Contradictions,
    *,
    seed: int,
) -> NewRows:
    """Put the evidence on m new rows together.

    Parameters
    ----------
    by_champion
        The champion's answers, with its 90 % intervals.
    alone, left_out
        Shape (m,), predictions from the champion's data alone, and with the other new sources.
    material
        Shape (m,), equal for rows that count as one when the intervals are judged.
    against
        See its class.
    seed
        Of permutations and bootstrap.
    """
    covered = np.bincount(material, by_champion.is_covered) / np.bincount(material) >= 0.5
    correlation, p = rank_correlation(left_out, by_champion.measured, seed=seed)
    error_alone, error_left_out = by_champion.saying(alone).error, by_champion.saying(left_out).error
    gain, low, _ = bootstrap_mean(error_alone - error_left_out, by_champion.source, seed=seed)
    return NewRows(
        n_rows=len(by_champion),
        n_sources=len(np.unique(by_champion.source)),
        n_materials=len(covered),
        covered_materials=int(covered.sum()),
        coverage_p=chance_of_so_few(int(covered.sum()), len(covered), NOMINAL_COVERAGE),
        rank_correlation=correlation,
        rank_p=p,
        rms_left_out=float(np.sqrt((error_left_out**2).mean())),
        label_sd=float(by_champion.measured.std()),
        mae_champion=float(error_alone.mean()),
        mae_left_out=float(error_left_out.mean()),
        gain=gain,
        gain_low_95=low,
        n_comparable=against.comparable,
        n_contradicting=against.contradicting,
        contradiction_p=against.p,
    )


def source_folds(sources: NDArray[np.str_], seed: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield held-out and other rows, whole sources, at most `MOST_FOLDS` times; nothing for a single source."""
    n_sources = len(np.unique(sources))
    if n_sources < 2:
        return
    fold = grouped_folds(sources, min(MOST_FOLDS, n_sources), seed)
    for number in range(int(fold.max()) + 1):
        yield np.flatnonzero(fold == number), np.flatnonzero(fold != number)
