"""What the retrospective benchmark takes as known and what it lets a ranking find.

A cut names the rows to learn from and a pool of distinct materials. Of a pool's material no row lies in training, and
none within a half-L1 distance of 0.01 of it either (whoever measured it): nothing can be found by memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from retraining_families import ALIKE

from features.similarity import half_l1
from training.properties.conductivity.held_out import families
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows
from training.properties.conductivity.schema import LATTICE_COLUMNS
from training.publication_years import first_year

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

ROOM_C = (15.0, 35.0)
"""Conductivities measured between these temperatures count as near 25 C."""
FEWEST_KNOWN = 50
FAMILIES = {
    "argyrodite": ("argyrodite",),
    "LGPS type": ("lgps",),
    "oxyhalide": ("oxyhalide",),
    "halide": ("halide", "ucl3-type halide"),
    "garnet": ("garnet",),
    "NASICON": ("nasicon",),
    "thiophosphate": ("thiophosphate",),
    "iodide-thiophosphate": ("iodide-thiophosphate",),
    "perovskite": ("perovskite",),
    "phosphide": ("phosphide",),
}
"""Families with members above 1 mS/cm, under the names of the table in lower case."""


@dataclass(frozen=True)
class Cut:
    """One state of knowledge.

    Parameters
    ----------
    question, name
        What kind of cut it is and which.
    train
        Rows to learn from.
    pool
        One row of each material that may be found.
    log10_sigma
        What was measured of it near 25 C, the median over its rows outside training; of a bound, the bound.
    is_bound
        Whether more than half of these rows are upper bounds.
    is_member
        Whether the material belongs to the family that was taken out.
    """

    question: str
    name: str
    train: Rows
    pool: Rows
    log10_sigma: Array
    is_bound: Mask
    is_member: Mask

    def key(self, extra: str) -> str:
        """Return a name for what was worked out of this cut."""
        parts = (self.name, self.train.tobytes(), self.pool.tobytes(), self.log10_sigma.tobytes(), extra)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def is_hit(self, target: float) -> Mask:
        """Return which materials of the pool reach a target (log10 of S/cm); a bound never does."""
        hit: Mask = (self.log10_sigma >= target) & ~self.is_bound
        return hit


class History:
    """The table without the official test split, and all cuts through it.

    Unit cells are blanked: candidates come as formulas, and every ranking sees the same.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table.copy()
        self.table[list(LATTICE_COLUMNS)] = np.nan
        self.rows = ConductivityRows.from_table(self.table)
        temperature = self.rows.temperature_C
        self.at_room = self.rows.has_sigma & (temperature >= ROOM_C[0]) & (temperature <= ROOM_C[1])
        self.judged = self.at_room & ~self.table["is_doubtful"].to_numpy(dtype=bool)
        self.composition = self.rows.descriptors.composition

    @cached_property
    def year(self) -> Array:
        """Year in which each row was published, NaN where nothing tells, shape (n,)."""
        told = self.table["doi"].map(first_year).to_numpy(dtype=float)
        stated = self.table["year"].to_numpy(dtype=float)
        return np.where(np.isnan(stated), told, stated)

    @cached_property
    def family(self) -> NDArray[np.str_]:
        """Family of each row, in lower case, shape (n,)."""
        return families(self.rows)

    def random_halves(self, repeats: int, seed: int = 0) -> Iterator[Cut]:
        """Yield, for each repeat, both ways of learning from one half of the papers and ranking the other."""
        for repeat in range(repeats):
            for side, known in enumerate(self._halves(seed + repeat)):
                yield self._cut("random", f"papers {repeat}{'ab'[side]}", known, ~known)

    def _halves(self, seed: int) -> tuple[Mask, Mask]:
        papers = np.random.default_rng(seed).permutation(np.unique(self.rows.paper))
        first = np.isin(self.rows.paper, papers[: len(papers) // 2])
        return first, ~first

    def years(self, years: tuple[int, ...]) -> Iterator[Cut]:
        """Yield cuts between what appeared before a year and what came later; undated rows are on neither side.

        Years before which too little was known (`FEWEST_KNOWN` conductivities) are passed over.
        """
        for year in years:
            if (self.at_room & (self.year < year)).sum() >= FEWEST_KNOWN:
                yield self._cut("years", f"before {year}", self.year < year, self.year >= year)

    def without_families(self, names: tuple[str, ...], repeats: int, seed: int = 0) -> Iterator[Cut]:
        """Yield cuts where a family is unknown: all its members stand in the pool, beside the other half's materials.

        Taken out of training are its members and whatever lies within `ALIKE` of one, under whatever name; a row
        without a family's name takes that of its nearest relative.
        """
        for name in names:
            own = np.isin(self.family, FAMILIES[name])
            if not (own & self.judged).any():
                continue
            alike = half_l1(self.composition, self.composition[own]).min(axis=1) < ALIKE
            for repeat in range(repeats):
                for side, known in enumerate(self._halves(seed + repeat)):
                    cut_name = f"{name} {repeat}{'ab'[side]}"
                    yield self._cut("families", cut_name, known & ~alike & ~own, ~known | own, own)

    def _cut(self, question: str, name: str, known: Mask, asked: Mask, own: Mask | None = None) -> Cut:
        train = np.flatnonzero(known)
        unknown = np.flatnonzero(asked & self.judged)
        apart = half_l1(self.composition[unknown], self.composition[train]).min(axis=1) >= SAME_MATERIAL_DISTANCE
        rows = unknown[apart]
        material = distinct(self.composition[rows])
        first = np.array([np.flatnonzero(material == one)[0] for one in range(material.max() + 1)], dtype=np.int64)
        sigma, bound = self.rows.log10_sigma[rows], self.rows.is_upper_bound[rows]
        each = [material == one for one in range(len(first))]
        return Cut(
            question,
            name,
            train,
            rows[first],
            np.array([np.median(sigma[same]) for same in each]),
            np.array([bound[same].mean() > 0.5 for same in each], dtype=bool),
            np.zeros(len(first), dtype=bool) if own is None else own[rows[first]],
        )


def distinct(composition: Array) -> Rows:
    """Return the material of each row: a row belongs to the first one that lies within the distance of one material."""
    material = np.full(len(composition), -1, dtype=np.int64)
    found = 0
    for row in range(len(composition)):
        if material[row] < 0:
            near = half_l1(composition, composition[row : row + 1])[:, 0] < SAME_MATERIAL_DISTANCE
            material[near & (material < 0)] = found
            found += 1
    return material
