"""The funnel: steps that leave fewer and fewer coatings, cheap ones first, and at which step each one left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS
from serving.coatings.neighbours import BothSides, TouchedMaterial
from serving.coatings.pool import Array, CoatingPool
from serving.coatings.request import CoatedSide, CoatingLimits
from serving.ranking.constraints import TOXIC
from serving.ranking.elements import supply_table
from training.thermodynamics.contacts import Contacts, contacts
from training.thermodynamics.interphase import LEVELS, TOLERATED_V, Interphase, lithium_interphases
from training.thermodynamics.phases import PhaseTable

Flags = NDArray[np.bool_]
Gaps = Callable[[NDArray[np.int64]], Array]
"""Returns band gaps of some places of the pool where the table knows none, NaN where nobody does."""

RADIOACTIVE = frozenset({"Tc", "Pm", *SYMBOLS[83:]} - {"Bi"})
PRECIOUS_USD_PER_kg = 3000.0
"""Of the pure element: Sc, Ru, Rh, Pd, Re, Os, Ir, Pt, Au, Rb, Cs and Tm."""
_ROUNDING_eV = 1e-9


class FunnelStage(StrEnum):
    """Steps in their order."""

    POOL = "lithium_compounds"
    HULL = "near_the_hull"
    HARM = "neither_toxic_nor_radioactive"
    PRECIOUS = "not_precious"
    GAP = "electronic_insulator"
    WINDOW = "holds_at_the_electrode"
    ELECTROLYTE = "beside_the_electrolyte"
    ELECTRODE = "beside_the_electrode"


@dataclass(frozen=True, slots=True)
class Screened:
    """What came of a pool.

    Attributes
    ----------
    pool
        What was screened.
    left_at
        The step at which each one left, None for those that passed all; shape (n,).
    band_gap_eV, gap_is_predicted
        NaN where not known or not asked for, shape (n,).
    interphase
        Places in `LEVELS` at lithium, NaN elsewhere, shape (n,).
    judged
        Places in the pool whose reactions were computed: those that reached the step, and those asked about.
    beside
        Reactions of the electrolyte, then of each state of the electrode, with `judged`.
    """

    pool: CoatingPool
    left_at: list[FunnelStage | None]
    band_gap_eV: Array
    gap_is_predicted: Flags
    interphase: Array
    judged: NDArray[np.int64]
    beside: tuple[Contacts, ...]

    def left(self, side: CoatedSide) -> list[tuple[FunnelStage, int]]:
        """Return how many are left after each step."""
        steps = [step for step in FunnelStage if side is CoatedSide.CATHODE or step is not FunnelStage.ELECTRODE]
        fell = np.array([len(steps) if step is None else steps.index(step) for step in self.left_at])
        return [(step, int((fell > place).sum())) for place, step in enumerate(steps)]


def precious_elements() -> frozenset[str]:
    """Return the elements that cost more than `PRECIOUS_USD_PER_kg`."""
    price = supply_table()["price_USD_per_kg"]
    return frozenset(
        symbol for symbol, cost in zip(SYMBOLS, price.tolist(), strict=True) if cost >= PRECIOUS_USD_PER_kg
    )


def screen(
    table: PhaseTable,
    pool: CoatingPool,
    neighbours: BothSides,
    side: CoatedSide,
    limits: CoatingLimits,
    gaps: Gaps,
    keep: Flags,
) -> Screened:
    """Send a pool through all steps.

    Parameters
    ----------
    table
        The phases that may form.
    pool
        What is screened, n compositions.
    neighbours
        Both sides.
    side
        Where the coating lies.
    limits
        What must be fulfilled.
    gaps
        Predicts band gaps that the table does not know; asked for what is left at that step, and for `keep`.
    keep
        Those whose reactions are computed at whatever step they leave, shape (n,).
    """
    allowed = frozenset(limits.allow)
    left_at: list[FunnelStage | None] = [None] * len(pool)
    alive = np.ones(len(pool), dtype=np.bool_)

    def drop(step: FunnelStage, passes: Flags) -> None:
        for place in np.flatnonzero(alive & ~passes).tolist():
            left_at[place] = step
        alive[:] &= passes

    near = pool.above_hull_eV_per_atom <= limits.most_above_hull_eV_per_atom + _ROUNDING_eV
    drop(FunnelStage.HULL, near & ~pool.is_artefact(table))
    drop(FunnelStage.HARM, ~pool.holds((frozenset(TOXIC) | RADIOACTIVE) - allowed))
    drop(FunnelStage.PRECIOUS, ~pool.holds(precious_elements() - allowed))
    gap, predicted = _gaps(table, pool, gaps, alive | keep)
    drop(FunnelStage.GAP, ~(gap < limits.least_band_gap_eV))
    holds, interphase = _holds(table, pool, neighbours, side, alive | keep)
    drop(FunnelStage.WINDOW, holds)
    judged = np.flatnonzero(alive | keep)
    sides = (neighbours.electrolyte, *neighbours.electrodes)
    beside = tuple(_contacts(table, pool, one, judged) for one in sides)
    for step, found in ((FunnelStage.ELECTROLYTE, beside[:1]), (FunnelStage.ELECTRODE, beside[1:])):
        drop(step, _tolerable(found, judged, len(pool), limits.most_added_eV_per_atom))
    return Screened(pool, left_at, gap, predicted, interphase, judged, beside)


def _gaps(table: PhaseTable, pool: CoatingPool, gaps: Gaps, asked: Flags) -> tuple[Array, Flags]:
    known = np.full(len(pool), np.nan)
    if table.band_gap_eV is not None:
        known = np.where(pool.row >= 0, table.band_gap_eV[pool.row], np.nan)
    unknown = np.flatnonzero(asked & np.isnan(known))
    if len(unknown):
        known[unknown] = gaps(unknown)
    predicted = np.zeros(len(pool), dtype=np.bool_)
    predicted[unknown] = ~np.isnan(known[unknown])
    return known, predicted


def _holds(
    table: PhaseTable, pool: CoatingPool, neighbours: BothSides, side: CoatedSide, asked: Flags
) -> tuple[Flags, Array]:
    """Return which hold at the electrode, and at lithium what layer they become."""
    interphase = np.full(len(pool), np.nan)
    found = pool.windowed
    if side is CoatedSide.CATHODE:
        return (found.upper_V >= neighbours.cutoff_V) & (found.lower_V <= neighbours.low_V), interphase
    places = np.flatnonzero(asked & (found.upper_V >= neighbours.lower_V))
    amounts = [pool.amounts(table, place) for place in places.tolist()]
    energy = np.minimum(pool.energy_eV_per_atom, found.mixture_eV_per_atom)[places]
    interphase[places] = lithium_interphases(table, amounts, energy, tolerated_V=TOLERATED_V)
    return interphase > LEVELS.index(Interphase.MIXED_CONDUCTING), interphase


def _contacts(table: PhaseTable, pool: CoatingPool, one: TouchedMaterial, judged: NDArray[np.int64]) -> Contacts:
    energy, mixture = pool.energy_eV_per_atom[judged], pool.windowed.mixture_eV_per_atom[judged]
    return contacts(table, one.material, pool.atomic_number[judged], pool.fraction[judged], energy, mixture)


def _tolerable(found: Sequence[Contacts], judged: NDArray[np.int64], n: int, most: float) -> Flags:
    """Return which add no more than `most`; what was not judged left before."""
    passes = np.ones(n, dtype=np.bool_)
    for one in found:
        passes[judged] &= ~(one.added_eV_per_atom < -most - _ROUNDING_eV) & ~np.isnan(one.added_eV_per_atom)
    return passes
