"""Pairs of electrolytes for one cell: each judged on its own side, with their reaction and the rate of the cell.

The anolyte answers to objectives at lithium, the catholyte to objectives at the cathode's cutoff; a pair succeeds where
both sides meet theirs, the cell reaches the rate and the two leave each other alone. Successes are counted in the joint
samples of all models, so that what two materials share is shared here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate
from features.errors import CandidateError
from serving.answers.conditions import Conditions
from serving.cells.design import CellConditions
from serving.cells.layers import N_SAMPLES, LayerNumbers, Models, without_lithium
from serving.cells.rates import rates_of
from serving.ranking.objectives import Objective, Sense
from serving.ranking.pareto import non_dominated
from serving.ranking.predictions import ObjectivePredictions
from training.joint_samples import JointSamples
from training.properties.contract import CellRole
from training.thermodynamics.mixing import Mixing, mix
from training.thermodynamics.phases import PhaseTable
from training.thermodynamics.reactions import read_material

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_PAIRS = 400


@dataclass(frozen=True, eq=False)
class Side:
    """The candidates of one side.

    Parameters
    ----------
    candidates
        n materials.
    objectives
        With targets, what they must meet.
    met
        Whether a candidate meets all of them in a sample, shape (`N_SAMPLES`, n).
    chances
        Of each objective, shape (n, objectives).
    missing
        Why a candidate cannot be judged, None where it can.
    """

    candidates: list[Candidate]
    objectives: Sequence[Objective]
    met: Flags
    chances: Array
    missing: list[str | None]

    @classmethod
    def of(cls, models: Models, candidates: list[Candidate], at: Conditions, objectives: Sequence[Objective]) -> Side:
        """Ask the models what objectives need."""
        n = len(candidates)
        predictions = ObjectivePredictions.of_candidates(candidates, [at] * n, models)
        predicted = [predictions.of(objective) for objective in objectives]
        sources = sorted({source for one in predicted for source in one.distribution.sources})
        joint = JointSamples.draw(predictions.outputs.composition, sources, predictions.shared(), count=N_SAMPLES)
        met, chances = np.ones((N_SAMPLES, n), dtype=bool), np.empty((n, len(objectives)))
        missing = [without_lithium(one) for one in candidates]
        for place, (objective, one) in enumerate(zip(objectives, predicted, strict=True)):
            values = np.broadcast_to(one.distribution.values(joint.errors()), (N_SAMPLES, n))
            assert objective.target is not None
            upward = objective.sense is Sense.AT_LEAST
            good = values >= objective.target if upward else values <= objective.target
            met &= good
            chances[:, place] = good.mean(axis=0)
            for row in np.flatnonzero(np.isnan(one.distribution.central())).tolist():
                missing[row] = missing[row] or f"{objective.text}: {one.missing[row] or 'the models give no number'}"
        return cls(candidates, objectives, met, chances, missing)

    @property
    def chance(self) -> Array:
        """Probability that a candidate meets all, shape (n,)."""
        chance: Array = self.met.mean(axis=0)
        return chance

    def limiting(self, row: int) -> str:
        """Return the objective that a candidate most likely misses."""
        return self.objectives[int(self.chances[row].argmin())].text


class PairTargets(NamedTuple):
    """What a pair must reach besides the objectives of its sides: the rate, and a reaction no more exothermic."""

    c_rate: float
    mutual_eV_per_atom: float


class Pair(NamedTuple):
    """One pair; rows count within the sides.

    Attributes
    ----------
    anolyte, catholyte
        Rows.
    success, success_rate
        Probabilities of meeting everything, and of the rate alone.
    reached
        C-rate, central value first and then samples.
    limiting
        Place in `serving.cells.rates.LIMITS` of what limits the rate in most samples.
    mixing
        Their reaction; None where it cannot be computed, with the reason.
    reason
        Why there is no reaction.
    """

    anolyte: int
    catholyte: int
    success: float
    success_rate: float
    reached: Array
    limiting: int
    mixing: Mixing | None
    reason: str | None

    @property
    def mutual_eV_per_atom(self) -> float:
        """What the contact adds to what each does alone; NaN where it is not known."""
        return np.nan if self.mixing is None else self.mixing.mutual_energy_eV_per_atom


class RankedPairs(NamedTuple):
    """Pairs, best first, whether each is on the front, and how many were not looked at for want of chances."""

    pairs: list[Pair]
    on_front: Flags
    left_out: int


def rank_pairs(
    models: Models, phases: PhaseTable, sides: tuple[Side, Side], design: CellConditions, targets: PairTargets
) -> RankedPairs:
    """Rank the pairs of two sides.

    Parameters
    ----------
    models, phases
        Of the properties, and of the reactions.
    sides
        Anolytes and catholytes.
    design
        The cell.
    targets
        Of the pair.
    """
    anolytes, catholytes = sides
    rows = [[row for row, reason in enumerate(side.missing) if reason is None] for side in sides]
    said = [LayerNumbers.of(models, side.candidates, design.of_models()) for side in sides]
    chosen = _most_promising(sides, rows)
    pairs = [_pair(sides, said, one, design, targets) for one in chosen]
    pairs = [_with_reaction(pair, phases, sides, targets) for pair in pairs]
    axes = np.array(
        [
            (
                anolytes.chance[pair.anolyte],
                catholytes.chance[pair.catholyte],
                np.log10(np.median(pair.reached[1:])),
                np.nan_to_num(pair.mutual_eV_per_atom, nan=-np.inf),
            )
            for pair in pairs
        ]
    ).reshape(-1, 4)
    order = sorted(range(len(pairs)), key=lambda i: _worth(pairs[i], axes[i], targets))
    front = non_dominated(axes) if len(pairs) else np.zeros(0, dtype=bool)
    return RankedPairs([pairs[i] for i in order], front[order], len(rows[0]) * len(rows[1]) - len(chosen))


def _worth(pair: Pair, axes: Array, targets: PairTargets) -> tuple[float, ...]:
    """Return by what pairs are sorted, the least first: those of no chance by whether they react, then by their parts.

    Joint samples are few: where none succeeds, the product of the parts' chances still tells pairs apart.
    """
    reacts = not pair.mutual_eV_per_atom >= targets.mutual_eV_per_atom  # so does what is not known
    chance_anolyte, chance_catholyte, log10_rate, mutual = axes.tolist()
    return -pair.success, reacts, -chance_anolyte * chance_catholyte * pair.success_rate, -log10_rate, -mutual


def _most_promising(sides: tuple[Side, Side], rows: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the pairs whose sides are most likely to meet their objectives, at most `MOST_PAIRS`."""
    first, second = (side.chance for side in sides)
    pairs = [(a, c) for a in rows[0] for c in rows[1]]
    return sorted(pairs, key=lambda pair: -(first[pair[0]] * second[pair[1]]))[:MOST_PAIRS]


def _pair(
    sides: tuple[Side, Side],
    said: Sequence[LayerNumbers],
    rows: tuple[int, int],
    design: CellConditions,
    targets: PairTargets,
) -> Pair:
    """Return the rate of one pair, and its probabilities as if the two did not react."""
    (first, second), (a, c) = said, rows
    sigma = first.by_role[CellRole.ION_CONDUCTION][:, a], second.by_role[CellRole.ION_CONDUCTION][:, c]
    ions = first.transference[:, a], second.transference[:, c]
    rates = rates_of(design, sigma, ions, first.by_role[CellRole.CRITICAL_CURRENT][:, a])
    fast = rates.reached[1:] >= targets.c_rate
    met = sides[0].met[:, a] & sides[1].met[:, c] & fast
    limiting = int(np.bincount(rates.limiting[1:]).argmax())
    return Pair(a, c, float(met.mean()), float(fast.mean()), rates.reached, limiting, None, None)


def _with_reaction(pair: Pair, phases: PhaseTable, sides: tuple[Side, Side], targets: PairTargets) -> Pair:
    """Return a pair with its reaction: where that is more exothermic than allowed, nothing else helps."""
    amounts = [side.candidates[row].amounts for side, row in zip(sides, (pair.anolyte, pair.catholyte), strict=True)]
    try:
        mixing = mix(phases, *(read_material(phases, one) for one in amounts))
    except CandidateError as error:
        return pair._replace(success=0.0, reason=error.message)
    alone = mixing.mutual_energy_eV_per_atom >= targets.mutual_eV_per_atom
    return pair._replace(mixing=mixing, success=pair.success if alone else 0.0)
