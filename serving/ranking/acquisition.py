"""Which candidates to make next: a batch of k, by one of four rules, between exploiting and exploring.

The exploration weight scales the errors in the joint samples: 0 takes the medians, 1 the full distributions. In every
rule a batch is diverse because candidates of similar composition share errors: what is likely to be good in the same
samples as one that is already chosen adds little. In all but `thompson`, copies of what is chosen (nearer than a
twentieth in composition) stand back besides as long as something else adds anything.

- `ehvi`: the expected volume that a candidate adds to what known materials and the batch so far dominate, scenario by
  scenario (Daulton, Balandat and Bakshy, NeurIPS 33 (2020), arXiv 2006.05078, greedily). The gain of a candidate never
  rises while the batch grows, so candidates wait in a heap with their last gain and few are asked again (Minoux).
- `success`: the same with the probability that at least one of the batch meets all targets; once that can rise no
  more, the rest of the batch is chosen as a batch of its own.
- `ucb`: the utility at an optimistic quantile of every objective, at a weight of 1 the 95 % one.
- `thompson`: in each of k scenarios the candidate of the highest utility.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.ranking.hypervolume import mean_added_volume, mean_added_volumes

Array = NDArray[np.float64]
OPTIMISM = 1.6448536269514722
"""Standard normal quantile of 95 %."""
COPY_DISTANCE = 0.05
_NOTHING = 1e-12


class Acquisition(StrEnum):
    """How a batch is chosen."""

    EHVI = "ehvi"
    SUCCESS = "success"
    UCB = "ucb"
    THOMPSON = "thompson"


class Pick(NamedTuple):
    """A chosen candidate (its row) and what it adds by the rule's own measure."""

    row: int
    gain: float
    batch: int = 1  # by success: a batch that can get no surer is filled as another one


def pick_by_volume(
    samples: Array, known: Array, count: int, composition: Array | None = None, before: Sequence[int] = ()
) -> list[Pick]:
    """Choose greedily by expected hypervolume improvement.

    Parameters
    ----------
    samples
        Values above the reference point, more is better, shape (s, n, m).
    known
        Values of what is already there, above the reference point, shape (k, m).
    count
        Size of the batch; fewer are returned where nothing else adds anything.
    composition
        Atomic fractions, shape (n, d), by which copies stand back; None lets them be.
    before
        Rows that are chosen already.
    """
    held = np.concatenate([np.broadcast_to(known, (len(samples), *known.shape)), samples[:, list(before)]], axis=1)

    def gain(row: int, chosen: list[int]) -> float:
        return mean_added_volume(samples[:, row], np.concatenate([held, samples[:, chosen]], axis=1))

    gains = mean_added_volumes(samples, held)
    gains[list(before)] = 0.0
    return _greedy(gains, gain, count, composition, before)


def pick_by_success(met: NDArray[np.bool_], count: int, composition: Array | None = None) -> list[Pick]:
    """Choose greedily by the probability that at least one of the batch meets all targets.

    Parameters
    ----------
    met
        Whether a candidate meets them in a scenario, shape (s, n).
    count, composition
        As in `pick_by_volume`. Where the chosen ones hold a success as surely as anybody can, the others are chosen
        as if there were none yet, with gains that begin anew: who makes five wants five.
    """
    picks: list[Pick] = []
    left, chances = met.copy(), met.mean(axis=0)
    while len(picks) < count:
        before = [pick.row for pick in picks]
        left[:, before], chances[before] = False, 0.0
        more = _greedy(chances, _Coverage(left), count - len(picks), composition, before)
        if not more:
            break
        number = picks[-1].batch + 1 if picks else 1
        picks += [pick._replace(batch=number) for pick in more]
    return picks


class _Coverage:
    """Share of scenarios in which a candidate is the first to succeed; tells when nobody can add anything."""

    def __init__(self, met: NDArray[np.bool_]) -> None:
        self._met, self._reachable = met, np.count_nonzero(met.any(axis=1))
        self._covered, self._counted = np.zeros(len(met), dtype=bool), 0

    def __call__(self, row: int, chosen: list[int]) -> float:
        for one in chosen[self._counted :]:
            self._covered |= self._met[:, one]
        self._counted = len(chosen)
        if np.count_nonzero(self._covered) == self._reachable:
            raise NothingToAddError
        return float((self._met[:, row] & ~self._covered).mean())


class NothingToAddError(Exception):
    """Nobody can add anything to what is chosen."""


def _greedy(
    gains: Array,
    gain: Callable[[int, list[int]], float],
    count: int,
    composition: Array | None,
    before: Sequence[int] = (),
) -> list[Pick]:
    """Choose by gains that never rise while more is chosen; copies wait until nothing else adds anything."""
    heap = [(-value, row, 0) for row, value in enumerate(gains.tolist()) if value > _NOTHING]
    heapq.heapify(heap)
    picks: list[Pick] = []
    copies: list[tuple[float, int, int]] = []
    while (heap or copies) and len(picks) < count:
        if not heap:
            heap, copies, composition = sorted(copies), [], None
        value, row, asked = heapq.heappop(heap)
        if composition is not None and _is_copy(composition, row, [*before, *(pick.row for pick in picks)]):
            copies.append((value, row, asked))
            continue
        if asked == len(picks):
            picks.append(Pick(row, -value))
            continue
        try:
            now = gain(row, [pick.row for pick in picks])
        except NothingToAddError:
            break
        if now > _NOTHING:
            heapq.heappush(heap, (-now, row, len(picks)))
    return picks


def _is_copy(composition: Array, row: int, chosen: list[int]) -> bool:
    apart = 0.5 * np.abs(composition[chosen] - composition[row]).sum(axis=1)
    return bool((apart < COPY_DISTANCE).any())


def pick_by_utility(utility: Array, composition: Array, count: int) -> list[Pick]:
    """Choose the highest utilities; what is nearly a copy of a chosen one comes after everything else.

    Parameters
    ----------
    utility
        Shape (n,).
    composition
        Atomic fractions, shape (n, d).
    count
        Size of the batch.
    """
    order = np.argsort(-utility, kind="stable").tolist()
    chosen: list[int] = []
    copies: list[int] = []
    for row in order:
        if len(chosen) == count:
            break
        (copies if _is_copy(composition, row, chosen) else chosen).append(row)
    return [Pick(row, float(utility[row])) for row in [*chosen, *copies][:count]]


def pick_by_thompson(utility: Array, count: int) -> list[Pick]:
    """Choose the best of each scenario, going through scenarios until enough different ones are found.

    Parameters
    ----------
    utility
        Shape (s, n).
    count
        Size of the batch. Where all scenarios agree on fewer, the best of those left in them follow.
    """
    left = np.ones(utility.shape[1], dtype=bool)
    picks: list[Pick] = []
    share = np.bincount(utility.argmax(axis=1), minlength=utility.shape[1]) / len(utility)
    for scenario in np.resize(np.arange(len(utility)), min(count, utility.shape[1])).tolist():
        row = int(np.where(left, utility[scenario], -np.inf).argmax())
        left[row] = False
        picks.append(Pick(row, float(share[row])))
    return picks
