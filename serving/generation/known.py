"""Which candidates are known: measured materials of the conductivity tables, compounds of the table of phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.similarity import half_l1
from serving.generation.compositions import packed_rows
from training.applicability import DomainIndex
from training.properties import registry
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

if TYPE_CHECKING:
    from serving.models.store import ServedModel

Array = NDArray[np.float64]
SAME_COMPOSITION = 1e-4
"""Half-L1 distance up to which two compositions are one: formulas are printed to two or three digits."""
ROWS_AT_A_TIME = 8192
NOT_KNOWN = ""
_KNOW_MADE = tuple(one.name for one in registry.properties() if one.knows_made)
_WORDS = (NOT_KNOWN, "measured", "phase table", "measured, phase table")


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of n candidates.

    Attributes
    ----------
    known
        `measured`, `phase table`, both, or nothing.
    nearest
        Formula of the nearest measured material; nothing without a table of them.
    distance
        Half-L1 distance to it, shape (n,); NaN without.
    """

    known: list[str]
    nearest: list[str]
    distance: Array


class KnownMaterials:
    """Measured compositions and the table of phases.

    Parameters
    ----------
    measured
        Materials that have been made and measured; None if no model that is served knows any.
    phases
        The table of formation energies; None likewise.
    """

    def __init__(self, measured: DomainIndex | None, phases: PhaseTable | None) -> None:
        self._phases = phases
        self._composition: Array = np.zeros((0, len(ATOMIC_NUMBER)))
        self._formulas: tuple[str, ...] = ()
        if measured is not None:
            _, first = np.unique(np.round(measured.composition, 4), axis=0, return_index=True)
            first = np.sort(first)
            self._composition = measured.composition[first].astype(np.float64)
            self._formulas = tuple(measured.formulas[i] for i in first.tolist())

    @classmethod
    def of_served_models(cls, source: str = "auto") -> KnownMaterials:
        """Take both from the models that are served.

        Raises
        ------
        ModelUnavailableError
            If a model is there and cannot be loaded.
        """
        from serving.models.store import load_models

        return cls.of(load_models(source, [*_KNOW_MADE, registry.of_phases().name]))

    @classmethod
    def of(cls, models: Mapping[str, ServedModel]) -> KnownMaterials:
        """Take both from models that are loaded; what is not among them is not looked up."""
        made = (registry.get(name).made(models[name].model) for name in _KNOW_MADE if name in models)
        one = registry.of_phases()
        return cls(
            next((known.known for known in made if known is not None), None),
            one.phases(models[one.name].model).phases if one.name in models else None,
        )

    def mark(self, atomic_number: NDArray[np.int64], fraction: Array) -> Marks:
        """Look candidates up.

        Parameters
        ----------
        atomic_number
            Elements in ascending order, shape (k,).
        fraction
            Atomic fractions, shape (n, k).
        """
        n = len(fraction)
        nearest, distance = self._nearest(atomic_number, fraction)
        measured = distance <= SAME_COMPOSITION
        in_table = np.zeros(n, dtype=np.bool_)
        if self._phases is not None and n:
            packed = packed_rows(atomic_number, fraction)
            in_table = rows_of_compositions(self._phases, *packed) >= 0
        words = np.array(_WORDS, dtype=object)[measured + 2 * in_table].tolist()
        formulas = np.array([*self._formulas, NOT_KNOWN], dtype=object)
        return Marks(words, formulas[nearest].tolist(), distance)

    def _nearest(self, atomic_number: NDArray[np.int64], fraction: Array) -> tuple[NDArray[np.int64], Array]:
        nearest, distance = np.full(len(fraction), -1), np.full(len(fraction), np.nan)
        if not self._formulas:
            return nearest, distance
        columns = np.ascontiguousarray(self._composition[:, atomic_number - 1])
        # of those that share most with each other the distance counts; those that share nothing are at distance one
        sharing = np.flatnonzero(columns.any(axis=1))
        if not len(sharing):
            return np.zeros(len(fraction), dtype=np.int64), np.ones(len(fraction))
        few = columns[sharing]
        for start in range(0, len(fraction), ROWS_AT_A_TIME):
            rows = slice(start, start + ROWS_AT_A_TIME)
            between = half_l1(fraction[rows], few)
            best = between.argmin(axis=1)
            nearest[rows], distance[rows] = sharing[best], between[np.arange(len(best)), best]
        return nearest, distance
