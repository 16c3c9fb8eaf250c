"""What is held out to ask how good the recipe is where a user asks: the next years, whole families, classes of anions.

A forward cut stands before a window of years: everything dated earlier is learnt from, and one row of each material
of the window is asked, near room temperature, not doubtful, and no copy of anything that was known. Rows whose year
neither table nor DOI tells are on neither side.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.featurizers import FEATURIZERS
from features.similarity import half_l1
from training.properties.conductivity.rows import SAME_MATERIAL_DISTANCE, ConductivityRows, near_room_temperature

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

FIRST_YEARS = (2008, 2011, 2013, 2015, 2017, 2019, 2021, 2023, 2027)
WINDOWS = tuple((first, after - 1) for first, after in pairwise(FIRST_YEARS))
"""First and last year of each window; none overlaps another, so every material is asked once."""
CLASSES = {
    "oxide": ("oxide",),
    "sulfide": ("sulfide", "selenide_telluride"),
    "halide": ("halide",),
    "nitride": ("nitride",),
    "hydride": ("hydride",),
}
MAIN_ANION_SHARE = 0.7  # of the anions; a material where none has it is 'mixed' (Li5.5PS4.5Cl1.5 is a sulfide)
TRACE_ANION_SHARE = 0.2  # a material may hold less of a left-out class and stay in training (Li6PS5Cl: 0.17 halide)
SMALLEST_FAMILY = 10
FAMILY_REACH = 0.12  # half-L1; an unlabelled row this near to a labelled one takes its family


class HeldOut(NamedTuple):
    """What one fit learns from and is asked.

    Attributes
    ----------
    name
        Of the window, the family or the class of anions.
    learnt, asked
        Numbers of the rows.
    known_before
        The year before which left-out rows may calibrate its intervals; infinite where nothing is held out by year.
    """

    name: str
    learnt: Rows
    asked: Rows
    known_before: float


def forward_cuts(rows: ConductivityRows, *, with_cell: bool = False) -> Iterator[HeldOut]:
    """Yield the cut before each of `WINDOWS` that has something to learn and to ask.

    Parameters
    ----------
    rows
        All measurements.
    with_cell
        Whether only materials with a unit cell are asked, as the lattice variant is.
    """
    composition = rows.descriptors.composition
    for first, last in WINDOWS:
        learnt = np.flatnonzero(rows.year < first)
        within = (rows.year >= first) & (rows.year <= last) & ~rows.is_doubtful
        within &= rows.descriptors.has_lattice | (not with_cell)
        asked = _one_a_material(composition, np.flatnonzero(within & near_room_temperature(rows)), learnt)
        learnt = learnt[~np.isin(rows.paper[learnt], rows.paper[asked])]
        if len(asked) and rows.has_sigma[learnt].any():
            yield HeldOut(f"{first}-{last}", learnt, asked, float(first))


def without_each(rows: ConductivityRows, groups: Iterator[tuple[str, Rows, Rows]]) -> Iterator[HeldOut]:
    """Yield families or classes of anions, of `without_families` or `without_anion_classes`, asked near 25 C."""
    near = near_room_temperature(rows)
    for name, learnt, judged in groups:
        asked = judged[near[judged]]
        if len(asked):
            yield HeldOut(name, learnt, asked, float("inf"))


def distance_to_learnt(rows: ConductivityRows, held_out: HeldOut) -> Array:
    """Return the half-L1 distance of each asked material to the nearest known conductivity."""
    composition = rows.descriptors.composition
    known = held_out.learnt[rows.has_sigma[held_out.learnt]]
    distance: Array = half_l1(composition[held_out.asked], composition[known]).min(axis=1)
    return distance


def _one_a_material(composition: Array, candidates: Rows, learnt: Rows) -> Rows:
    """Return the first row of each material that is no copy of what is learnt."""
    chosen: list[int] = []
    for row in candidates:
        others = np.concatenate([learnt, np.array(chosen, dtype=np.int64)])
        if not len(others) or half_l1(composition[[row]], composition[others]).min() >= SAME_MATERIAL_DISTANCE:
            chosen.append(int(row))
    return np.array(chosen, dtype=np.int64)


def anion_shares(rows: ConductivityRows) -> dict[str, Array]:
    """Return, per class, its share of each material's anions."""
    labels = FEATURIZERS["chemistry"].labels
    chemistry = rows.descriptors.chemistry
    return {
        name: sum((chemistry[:, labels.index(f"{anion}_share")] for anion in anions), np.zeros(len(rows)))
        for name, anions in CLASSES.items()
    }


def anion_classes(rows: ConductivityRows) -> dict[str, Mask]:
    """Return, per class and for 'mixed', which rows belong to it; the masks exclude each other."""
    masks = {name: share >= MAIN_ANION_SHARE for name, share in anion_shares(rows).items()}
    return masks | {"mixed": ~np.logical_or.reduce(list(masks.values()))}


def families(rows: ConductivityRows) -> NDArray[np.str_]:
    """Return each row's family in lower case; an unlabelled row takes that of its nearest labelled composition."""
    family = np.char.lower(rows.family)
    labelled, blank = np.flatnonzero(family != ""), np.flatnonzero(family == "")
    between = half_l1(rows.descriptors.composition[blank], rows.descriptors.composition[labelled])
    near = between.min(axis=1) < FAMILY_REACH
    family[blank[near]] = family[labelled[between[near].argmin(axis=1)]]
    return family


def without_families(rows: ConductivityRows) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield each family's name, the rows to learn from and the rows to judge, largest family first."""
    family = families(rows)
    names, counts = np.unique(family[rows.has_sigma & (family != "")], return_counts=True)
    for i in np.argsort(-counts, kind="stable"):
        if counts[i] >= SMALLEST_FAMILY:
            own = family == names[i]
            yield str(names[i]), _unrelated(rows, own, own), np.flatnonzero(own & rows.has_sigma)


def without_anion_classes(rows: ConductivityRows) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield each class of anions, the rows that hold next to none of it, and the rows of the class."""
    for name, share in anion_shares(rows).items():
        own = share >= MAIN_ANION_SHARE
        judged = np.flatnonzero(own & rows.has_sigma)
        if len(judged):
            yield name, _unrelated(rows, own, share >= TRACE_ANION_SHARE), judged


def _unrelated(rows: ConductivityRows, judged: Mask, removed: Mask) -> Rows:
    """Return rows that are not removed, share no paper with a judged row and are no copy of its material."""
    composition = rows.descriptors.composition
    copies = half_l1(composition, composition[judged]).min(axis=1) < SAME_MATERIAL_DISTANCE
    return np.flatnonzero(~(removed | copies | np.isin(rows.paper, rows.paper[judged])))
