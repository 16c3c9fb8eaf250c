"""Whether a model knows a chemistry: distance to the materials it was trained on, and which those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import ROOM_TEMPERATURE_C
from features.elements import SYMBOLS
from features.similarity import half_l1, nearest_columns

Array = NDArray[np.float64]
N_NEIGHBOURS = 5  # over which a distance is averaged
N_NEAREST = 3  # that an answer names
ROOM_TEMPERATURE_SPAN_C = 10.0
DECADES_APART = 1.0
"""Measurements of one composition whose logarithms lie further apart are of several materials, or some are wrong."""
SAME_MATERIAL = 1e-4
"""Distance up to which a candidate is a known material."""


class Neighbour(NamedTuple):
    """A measured material near a candidate."""

    formula: str
    value: float
    temperature_C: float
    is_upper_bound: bool
    doi: str
    distance: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, quicker than `_asdict`: answers name several of each row."""
        formula, value, temperature_C, is_upper_bound, doi, distance = self
        return {
            "formula": formula,
            "value": value,
            "temperature_C": temperature_C,
            "is_upper_bound": is_upper_bound,
            "doi": doi,
            "distance": distance,
        }


@dataclass(frozen=True)
class DomainIndex:
    """The training compositions with what was measured on them.

    Parameters
    ----------
    composition
        Shape (m, 103), atomic fractions, one row per measurement.
    formulas, dois
        Length m.
    values, temperatures_C, are_upper_bounds
        Shape (m,), measured value of the property, the temperature at which it was measured, whether it is a bound.
    radius
        Distance in composition within which left-out papers were predicted when the intervals were calibrated (90 of
        100 rows).
    """

    composition: Array
    formulas: tuple[str, ...]
    values: Array
    temperatures_C: Array
    are_upper_bounds: NDArray[np.bool_]
    dois: tuple[str, ...]
    radius: float

    @cached_property
    def _distinct(self) -> tuple[Array, NDArray[np.int64]]:
        """Distinct compositions, and for each measurement its composition's row."""
        rounded = np.round(self.composition, 4)
        _, first, inverse = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        return self.composition[first], inverse.reshape(-1)

    @cached_property
    def known_elements(self) -> NDArray[np.bool_]:
        """Elements that occur in the training materials, shape (103,)."""
        occurs: NDArray[np.bool_] = np.asarray(self.composition.any(axis=0))
        return occurs

    def distances(self, composition: Array) -> Array:
        """Return the mean half-L1 distance to the `N_NEIGHBOURS` nearest distinct compositions, shape (n,)."""
        return _nearest_few(self._to_distinct(composition))

    def _to_distinct(self, composition: Array) -> Array:
        unique, _ = self._distinct
        return half_l1(composition, unique)

    def describe(self, composition: Array, n_nearest: int = N_NEAREST) -> tuple[Array, list[list[Neighbour]]]:
        """Return distances, shape (n,), and each row's nearest known materials, nearest first.

        One material is named once, with the value that lies in the middle of its measurements near 25 C, or of all
        where there are none.
        """
        between = self._to_distinct(composition)
        k = min(n_nearest, between.shape[1])
        few = np.argpartition(between, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(few, np.argsort(np.take_along_axis(between, few, axis=1), axis=1), axis=1)
        known = self._representatives
        numbers: list[list[int]] = order.tolist()
        distances: list[list[float]] = np.take_along_axis(between, order, axis=1).round(4).tolist()
        neighbours = [
            [Neighbour(*known[number], distance) for number, distance in zip(chosen, apart, strict=True)]
            for chosen, apart in zip(numbers, distances, strict=True)
        ]
        return _nearest_few(between), neighbours

    @cached_property
    def _representatives(self) -> list[tuple[str, float, float, bool, str]]:
        """Formula, median value, its temperature, whether it is a bound, and its DOI, of each distinct composition."""
        unique, inverse = self._distinct
        elsewhere = np.abs(self.temperatures_C - ROOM_TEMPERATURE_C) > ROOM_TEMPERATURE_SPAN_C
        order = np.lexsort((self.values, elsewhere, inverse))
        starts = np.searchsorted(inverse[order], np.arange(len(unique) + 1))
        chosen = []
        for start, end in pairwise(starts):
            own = order[start:end]
            near = own[~elsewhere[own]]
            few = near if len(near) else own
            chosen.append(int(few[(len(few) - 1) // 2]))
        return [
            (
                self.formulas[i],
                round(float(self.values[i]), 4),
                float(self.temperatures_C[i]),
                bool(self.are_upper_bounds[i]),
                self.dois[i],
            )
            for i in chosen
        ]

    @cached_property
    def disagreeing(self) -> dict[str, list[int]]:
        """Materials whose measurements near 25 C disagree: the formula that `describe` gives them, and their rows."""
        unique, inverse = self._distinct
        near = np.flatnonzero(np.abs(self.temperatures_C - ROOM_TEMPERATURE_C) <= ROOM_TEMPERATURE_SPAN_C)
        highest, lowest = np.full(len(unique), -np.inf), np.full(len(unique), np.inf)
        measured = near[~self.are_upper_bounds[near]]  # a bound may lie above anything
        np.maximum.at(highest, inverse[measured], self.values[measured])
        np.minimum.at(lowest, inverse[near], self.values[near])
        apart = np.flatnonzero(highest - lowest > DECADES_APART)
        return {self._representatives[k][0]: near[inverse[near] == k].tolist() for k in apart.tolist()}

    def disagreement_at(self, nearest: Neighbour) -> str | None:
        """Return the key in `disagreeing` of a candidate, from its nearest material; None where nothing disagrees."""
        return nearest.formula if nearest.distance <= SAME_MATERIAL and nearest.formula in self.disagreeing else None

    def unseen_elements(self, composition: Array) -> list[tuple[str, ...]]:
        """Return, per row, the elements that no training material holds."""
        new = (composition > 0) & ~self.known_elements
        return [tuple(SYMBOLS[z] for z in np.flatnonzero(row)) for row in new]

    def in_domain(self, distance: Array, composition: Array) -> NDArray[np.bool_]:
        """Return whether each row lies within the radius and holds known elements only, shape (n,)."""
        new = ((composition > 0) & ~self.known_elements).any(axis=1)
        inside: NDArray[np.bool_] = (distance <= self.radius) & ~new
        return inside

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores; texts as UTF-8 bytes, so that nothing is pickled."""
        return {
            "composition": self.composition,
            "values": self.values,
            "temperatures_C": self.temperatures_C,
            "are_upper_bounds": self.are_upper_bounds,
            "radius": np.array(self.radius),
            "formulas": encode_texts(self.formulas),
            "dois": encode_texts(self.dois),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DomainIndex:
        """Rebuild from `arrays()`."""
        return cls(
            arrays["composition"],
            decode_texts(arrays["formulas"]),
            arrays["values"],
            arrays["temperatures_C"],
            arrays["are_upper_bounds"],
            decode_texts(arrays["dois"]),
            float(arrays["radius"]),
        )


def _nearest_few(between: Array) -> Array:
    _, apart = nearest_columns(between, N_NEIGHBOURS)
    mean: Array = apart.mean(axis=1)
    return mean


def encode_texts(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return texts as the bytes that a bundle stores, so that nothing is pickled; a line break becomes a blank."""
    return np.frombuffer("\n".join(text.replace("\n", " ") for text in texts).encode(), dtype=np.uint8)


def decode_texts(data: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the texts of `encode_texts`."""
    return tuple(data.tobytes().decode().split("\n"))
