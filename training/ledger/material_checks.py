"""What `predict` would warn of is held for a person: a doubtful reading, charges left over, an unknown material.

The ledger forgets nothing, so a typing error that makes another possible material (`Li6PS5Cl2`) must be seen before
it is stored, not after a model has learnt it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.chemistry import NEUTRALITY_TOLERANCE, assign_ions
from features.elements import SYMBOLS
from features.errors import WarningCode
from features.formula_writing import reduced_amounts
from training.measurements.cells import read_material
from training.measurements.columns import FORMULA
from training.measurements.known import Array, MeasuredMaterials
from training.measurements.rows import Row

LARGEST_CHARGE_LEFT = 0.1
"""Elementary charges per formula unit, as it was read; amounts rounded to two decimals stay below."""
LARGEST_UNIT_ATOMS = 30
"""Formulas of more atoms (`Li139.3P59.7S219.9Fe0.5`) are judged per 30 atoms, or rounding alone would be held."""
FARTHEST_USUAL = 0.15
"""Half the L1 distance of atomic fractions to the nearest known material: nine tenths of the known conductors have one
of another paper within 0.147."""


class _Judged(NamedTuple):
    """Distinct formulas as arrays; row i is formula i."""

    candidates: list[Candidate]
    charge_left: Array
    is_unbalanced: NDArray[np.bool_]
    distance: Array
    nearest: list[str]
    unseen: list[str]


def suspect_materials(
    rows: Sequence[Row], known: MeasuredMaterials, is_known_otherwise: Callable[[str], bool] = lambda formula: False
) -> None:
    """Flag materials that nobody may have meant, in place; rows without a formula are left alone.

    Parameters
    ----------
    rows
        Possible ones.
    known
        Materials that were measured before.
    is_known_otherwise
        Asked of a formula that none of these is near: whether it is known from elsewhere, such as a table of energies.
    """
    with_formula = [row for row in rows if FORMULA in row.content]
    place = {formula: i for i, formula in enumerate(dict.fromkeys(row.typed_formula for row in with_formula))}
    if not place:
        return
    judged = _judge([read_material(formula).candidate for formula in place], known)
    excused: dict[str, bool] = {}
    for row in with_formula:
        formula = row.typed_formula
        i = place[formula]
        _suspect_reading(row, judged.candidates[i])
        if judged.is_unbalanced[i]:
            left = f"no common oxidation states balance it: {judged.charge_left[i]:+.2f} charges are left per formula"
            row.suspect(WarningCode.NOT_CHARGE_BALANCED, FORMULA, f"{left}; is an amount mistyped?")
        if not judged.unseen[i] and judged.distance[i] <= FARTHEST_USUAL:
            continue
        if formula not in excused:
            excused[formula] = is_known_otherwise(formula)
        if not excused[formula]:
            _suspect_distance(row, judged, i)


def _judge(candidates: list[Candidate], known: MeasuredMaterials) -> _Judged:
    batch = MaterialBatch.from_candidates(candidates)
    imbalance = assign_ions(batch).charge_imbalance
    atoms = np.array([sum(reduced_amounts([*candidate.amounts.values()])) for candidate in candidates])
    left = imbalance * np.minimum(atoms, LARGEST_UNIT_ATOMS)
    matrix = batch.matrix()
    distance, nearest = known.nearest(matrix, FARTHEST_USUAL)
    unseen = (matrix > 0) & ~known.elements
    names = ["" if not row.any() else ", ".join(SYMBOLS[z] for z in np.flatnonzero(row)) for row in unseen]
    is_unbalanced = (np.abs(left) > LARGEST_CHARGE_LEFT + 1e-9) | (np.abs(imbalance) > NEUTRALITY_TOLERANCE)
    return _Judged(candidates, left, is_unbalanced, distance, nearest, names)


def _suspect_reading(row: Row, candidate: Candidate) -> None:
    """Hold what the reader of formulas had a word to say about; a formula without lithium is refused elsewhere."""
    for remark in candidate.remarks:
        if remark.code is not WarningCode.NO_LITHIUM:
            row.suspect(remark.code, FORMULA, f"{remark.message} (read as {candidate.read_as})")


def _suspect_distance(row: Row, judged: _Judged, i: int) -> None:
    if judged.unseen[i]:
        why = f"nothing that is known holds {judged.unseen[i]}; is the formula right?"
        row.suspect(WarningCode.UNSEEN_ELEMENT, FORMULA, why)
    if judged.distance[i] > FARTHEST_USUAL:
        why = (
            f"{judged.distance[i]:.2f} from the nearest known material, {judged.nearest[i]} (half the L1 distance of"
            f" atomic fractions; at most {FARTHEST_USUAL:g} is usual); is the formula right?"
        )
        row.suspect(WarningCode.OUT_OF_DOMAIN, FORMULA, why)
