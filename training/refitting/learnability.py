"""What the evidence on new rows is made of, for any property: folds of whole sources, contradictions, chances.

Every new row is predicted twice, never from its own source: from what the champion knows, and with the other new
sources besides. A new family of materials is far from the first and near the second; labels that were shuffled, or
belong to other rows, are near neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.similarity import half_l1
from training.refitting.comparison import NOMINAL_COVERAGE, NewRows
from training.refitting.held_out import HeldOutPredictions
from training.refitting.statistics import (
    bootstrap_mean,
    chance_of_so_few,
    chance_of_so_many,
    rank_correlation,
)
from training.splits import grouped_folds

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
IsSame = Callable[[int, Numbers], Flags]
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

    @classmethod
    def between(
        cls, value: Array, source: NDArray[np.str_], usable: Flags, is_new: Flags, is_same: IsSame
    ) -> Contradictions:
        """Hold each of the n rows against the median of what other sources that were known say of the same.

        Parameters
        ----------
        value, source
            Shape (n,), in decades.
        usable
            Shape (n,), rows that are no bounds and carry a value.
        is_new
            Shape (n,).
        is_same
            Given a row and candidates, says which of these are of its material and conditions.
        """
        known = np.flatnonzero(usable & ~is_new)

        def off(chosen: Numbers) -> Flags:
            found = []
            for row in chosen:
                others = known[source[known] != source[row]]
                same = others[is_same(int(row), others)]
                if len(same):
                    found.append(abs(value[row] - np.median(value[same])) >= CONTRADICTION_DECADES)
            return np.array(found, dtype=bool)

        return cls.of(off(np.flatnonzero(usable & is_new)), off(known))


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


def predict_new(
    predict: Callable[[Numbers, Numbers], Array],
    sources: NDArray[np.str_],
    is_new: Flags,
    seed: int,
    on_step: Callable[[str], None],
) -> tuple[Array, Array]:
    """Predict the m new rows from the known rows of other sources, without and with other new sources, both (m,).

    Parameters
    ----------
    predict
        Called with rows to learn from and rows to predict.
    sources, is_new
        Shape (n,).
    """
    new = np.flatnonzero(is_new)
    known = np.flatnonzero(~is_new & ~np.isin(sources, sources[new]))
    alone = predict(known, new)
    left_out = alone.copy()
    for held, rest in source_folds(sources[new], seed):
        left_out[held] = predict(np.concatenate([known, new[rest]]), new[held])
    on_step("new rows: sources left out")
    return alone, left_out


def known_nearby(table: pd.DataFrame, is_new: Flags, distance: float) -> list[str]:
    """Return the `row_id` of known rows whose `formula` lies within a half-L1 distance of a new one."""
    if not is_new.any():
        return []
    composition = MaterialBatch.from_formulas(list(table["formula"])).matrix()
    near = half_l1(composition[~is_new], composition[is_new]).min(axis=1) <= distance
    return [str(name) for name in table["row_id"].to_numpy()[~is_new][near]]
