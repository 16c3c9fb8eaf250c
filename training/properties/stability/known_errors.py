"""What the nets get wrong of known compounds, carried over to compounds in which other elements stand for theirs.

The nets do not fit every compound they learnt from. What they miss of one, they miss in part of its relatives too: of
compounds of the same stoichiometry, the more so the more alike the exchanged elements are. A Gaussian process on what
is left of the training compounds says how much of it a new compound shares; it corrects both energies and the log-odds
of being stable. The constants were chosen on the validation split (`benchmarks/stability_neighbours.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.stability.calibration import Pooled, chance_of
from training.properties.stability.neighbours import N_NUMBERS, in_slots, padded, prototype_key

Array = NDArray[np.float64]
LARGEST_ERROR_eV_PER_ATOM = 0.07
"""Of a known compound: what lies beyond says more of that compound than of its relatives."""
ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Relatedness:
    """How relatives share errors.

    Attributes
    ----------
    unlike_eV_per_atom
        Dissimilarity of exchanged elements at which the share has fallen to 1/e.
    noise
        Variance of what a compound has alone, in units of what it shares.
    strength, odds
        By which energies are multiplied, as errors of rows that were learnt are small, and chances, to be log-odds.
    """

    unlike_eV_per_atom: float = 0.1
    noise: float = 0.7
    strength: float = 1.1
    odds: float = 5.0


@dataclass(frozen=True, eq=False)
class KnownErrors:
    """The fitted process: m known compounds of two elements and more.

    Attributes
    ----------
    key
        Hash of the sorted amounts, ascending, shape (m,).
    slot_element
        Atomic numbers in the order of `neighbours.slots`, 0 beyond, shape (m, k).
    weight
        Of each compound in the corrections of residual and decomposition energy (eV/atom) and of the log-odds of being
        stable, shape (m, 3).
    alike
        Share of an error that is left when one element stands for another, by atomic numbers, shape (128, 128).
    """

    key: NDArray[np.int64]
    slot_element: NDArray[np.uint8]
    weight: NDArray[np.float32]
    alike: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        composition: tuple[NDArray[np.int64], Array],
        said: Pooled,
        true_eV_per_atom: Array,
        dissimilarity_eV_per_atom: Array,
        relatedness: Relatedness | None = None,
    ) -> KnownErrors:
        """Fit on what the nets say of compounds that they learnt from.

        Parameters
        ----------
        composition
            Atomic numbers and fractions, shape (m, k) each.
        said
            What the nets say.
        true_eV_per_atom
            Residuals and published decomposition energies, shape (m, 2).
        dissimilarity_eV_per_atom
            Of elements by atomic numbers, shape (128, 128).
        relatedness
            How relatives share errors; None means as chosen.
        """
        from scipy.linalg import cho_factor, cho_solve

        chosen = relatedness or Relatedness()
        alike = _alike(dissimilarity_eV_per_atom, chosen.unlike_eV_per_atom)
        key, element = _placed(*composition)
        order = np.argsort(key, kind="stable")
        order = order[(element[order] > 0).sum(axis=1) > 1]
        key, element, error = key[order], element[order], _errors(said, true_eV_per_atom)[order]
        weight = np.zeros(error.shape, dtype=np.float32)
        for rows in _stoichiometries(key):
            covariance = _shared(alike, element[rows], element[rows])
            covariance[np.diag_indices(len(covariance))] += np.float32(chosen.noise)
            weight[rows] = cho_solve(cho_factor(covariance, overwrite_a=True), error[rows])
        weight *= np.array([chosen.strength, chosen.strength, chosen.odds], dtype=np.float32)
        return cls(key, element.astype(np.uint8), weight.astype(np.float16).astype(np.float32), alike)

    def correct(self, said: Pooled, atomic_number: NDArray[np.int64], fraction: Array) -> Pooled:
        """Return what the nets say of n new compositions with what their relatives teach added."""
        more = self(atomic_number, fraction)
        return replace(
            said,
            residual_eV_per_atom=said.residual_eV_per_atom + more[:, 0],
            decomposition_eV_per_atom=said.decomposition_eV_per_atom + more[:, 1],
            log_odds_stable=said.log_odds_stable + more[:, 2],
        )

    def __call__(self, atomic_number: NDArray[np.int64], fraction: Array) -> Array:
        """Return the corrections of n compositions, columns as those of `weight`, 0 where nothing is alike."""
        out = np.zeros((len(fraction), self.weight.shape[1]))
        key, element = _placed(atomic_number, fraction)
        width = max(element.shape[1], self.slot_element.shape[1])
        known, asked = padded(self.slot_element, width), padded(element, width)
        order = np.argsort(key, kind="stable")
        for place in _stoichiometries(key[order]):
            wanted = key[order[place.start]]
            begin, end = (np.searchsorted(self.key, wanted, side=side) for side in ("left", "right"))
            if begin == end:
                continue
            for start in range(place.start, place.stop, ROWS_AT_ONCE):
                rows = order[start : min(start + ROWS_AT_ONCE, place.stop)]
                out[rows] = _shared(self.alike, asked[rows], known[begin:end]) @ self.weight[begin:end]
        return out

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parts for the bundle."""
        weight = self.weight.astype(np.float16)
        return {"key": self.key, "element": self.slot_element, "weight": weight, "alike": self.alike}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KnownErrors:
        """Read what `to_arrays` returned.

        Raises
        ------
        ValueError
            If the arrays do not belong to each other.
        """
        key, element, weight, alike = (arrays[name] for name in ("key", "element", "weight", "alike"))
        if alike.shape != (N_NUMBERS, N_NUMBERS) or not len(key) == len(element) == len(weight):
            raise ValueError(f"errors of {len(key)}, {len(element)}, {len(weight)} compounds, elements {alike.shape}")
        return cls(key, element, weight.astype(np.float32), alike)


def _alike(dissimilarity_eV_per_atom: Array, unlike_eV_per_atom: float) -> NDArray[np.float32]:
    """Return the nearest covariance of elements to an exponential law; an empty place is like an empty place alone."""
    law = np.exp(-(dissimilarity_eV_per_atom + dissimilarity_eV_per_atom.T) / (2.0 * unlike_eV_per_atom))
    value, vector = np.linalg.eigh(law)
    whole = (vector * np.maximum(value, 0.0)) @ vector.T
    deviation = np.sqrt(np.diag(whole))
    whole /= deviation[:, None] * deviation
    whole[0], whole[:, 0] = 0.0, 0.0
    whole[0, 0] = 1.0
    out: NDArray[np.float32] = whole.astype(np.float32)
    return out


def _placed(atomic_number: NDArray[np.int64], fraction: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the hash of the amounts of each composition, and its elements slot by slot."""
    return prototype_key(fraction), in_slots(atomic_number, fraction)[1]


def _errors(said: Pooled, true_eV_per_atom: Array) -> NDArray[np.float32]:
    """Return what is missing of both energies, cut, and of the chance of being stable; shape (m, 3)."""
    energy = np.column_stack([said.residual_eV_per_atom, said.decomposition_eV_per_atom])
    missed = np.clip(true_eV_per_atom - energy, -LARGEST_ERROR_eV_PER_ATOM, LARGEST_ERROR_eV_PER_ATOM)
    return np.column_stack([missed, (true_eV_per_atom[:, 1] <= 0) - chance_of(said.log_odds_stable)]).astype(np.float32)


def _stoichiometries(key: NDArray[np.int64]) -> Iterator[slice]:
    """Yield the rows of each stoichiometry of sorted keys."""
    if not len(key):
        return
    bounds = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1], [True]]))
    for begin, end in pairwise(bounds.tolist()):
        yield slice(begin, end)


def _shared(alike: NDArray[np.float32], one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float32]:
    """Return the covariances of compounds given slot by slot, shape (n, m)."""
    out = np.ones((len(one), len(other)), dtype=np.float32)
    for slot in range(one.shape[1]):
        if one[:, slot].any() or other[:, slot].any():
            out *= alike[one[:, slot][:, None], other[:, slot][None, :]]
    return out
