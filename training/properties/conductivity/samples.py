"""The measured samples that a model carries: a row a measurement, with what is known of the sample and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import compiled, compiler_is_loaded
from features.elements import ATOMIC_NUMBER
from training.applicability import DomainIndex, decode_texts, encode_texts

if TYPE_CHECKING:
    from scipy.spatial import KDTree

Array = NDArray[np.float64]

_LITHIUM = ATOMIC_NUMBER["Li"] - 1
LEDGER = "ledger"
"""The source of what a laboratory recorded itself."""
SAME_COMPOSITION = 0.005
"""Half-L1 distance up to which a sample is of the material that is asked for: a rounded formula, a loss on firing."""
_LAST_OF_SYSTEM = {
    2: "triclinic",
    15: "monoclinic",
    74: "orthorhombic",
    142: "tetragonal",
    167: "trigonal",
    194: "hexagonal",
    230: "cubic",
}
"""The last space group of each crystal system."""


class Pairs(NamedTuple):
    """Which samples are of which candidates; each of shape (k,)."""

    candidate: NDArray[np.int64]
    sample: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Samples:
    """m measurements; every field has length m.

    Parameters
    ----------
    composition
        Atomic fractions, shape (m, 103).
    log10_sigma, temperature_C, is_upper_bound
        log10 of S/cm at that temperature in degrees Celsius; whether the value is an upper bound.
    activation_energy_eV, relative_density, year
        NaN where not stated; the density as a fraction of the crystal's.
    is_doubtful
        Shown, and counted for nothing.
    formula, doi
        As reported; `doi` holds a reference where there is no DOI.
    state, contribution
        Words of the source, such as 'sintered' and 'bulk', or crystal system and space group; blank where not stated.
    paper
        Equal for rows of one paper.
    source
        The table, or `LEDGER`.
    """

    composition: Array
    log10_sigma: Array
    temperature_C: Array
    is_upper_bound: NDArray[np.bool_]
    activation_energy_eV: Array
    relative_density: Array
    year: Array
    is_doubtful: NDArray[np.bool_]
    formula: NDArray[np.str_]
    doi: NDArray[np.str_]
    state: NDArray[np.str_]
    contribution: NDArray[np.str_]
    paper: NDArray[np.str_]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.log10_sigma)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Samples:
        """Return some of the rows."""
        return Samples(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def joined(self, other: Samples) -> Samples:
        """Return the rows of both."""
        pairs = {one.name: (getattr(self, one.name), getattr(other, one.name)) for one in fields(self)}
        return Samples(**{name: np.concatenate(both) for name, both in pairs.items()})

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """Return the columns that answers show as lists, which are read quicker one by one; nobody may change them."""
        return {one.name: getattr(self, one.name).tolist() for one in fields(self) if one.name != "composition"}

    def of_materials(self, composition: Array) -> Pairs:
        """Return the samples within `SAME_COMPOSITION` of candidates of these atomic fractions, shape (n, 103)."""
        if not len(self) or not len(composition):
            none = np.zeros(0, dtype=np.int64)
            return Pairs(none, none)
        if compiler_is_loaded():
            same = np.zeros((len(composition), len(self)), dtype=np.bool_)
            compiled(_mark_same, ((np.float64, 2), (np.float64, 2), (np.float64, 1)), (np.bool_, 2))(
                np.ascontiguousarray(composition, dtype=np.float64), *self._rows_and_lithium, same
            )
            return Pairs(*np.divmod(np.flatnonzero(same), len(self)))  # several times as fast as `nonzero` of a table
        found = self._tree.query_ball_point(composition, 2.0 * SAME_COMPOSITION, p=1.0, return_sorted=True)
        counts = np.array([len(rows) for rows in found])
        flat = np.fromiter((row for rows in found for row in rows), dtype=np.int64, count=int(counts.sum()))
        return Pairs(np.repeat(np.arange(len(composition)), counts), flat)

    @cached_property
    def _rows_and_lithium(self) -> tuple[Array, Array]:
        """The compositions, row by row, and their lithium, which tells most of them apart."""
        rows = np.ascontiguousarray(self.composition, dtype=np.float64)
        return rows, rows[:, _LITHIUM].copy()

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree

        return KDTree(self.composition)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores beside its domain, which has the rest; texts as UTF-8 bytes."""
        own = {name: getattr(self, name) for name in _NUMBERS}
        return own | {name: encode_texts([str(text) for text in getattr(self, name)]) for name in _TEXTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], domain: DomainIndex) -> Samples:
        """Rebuild from `arrays()`, of older bundles nothing, and the domain of the same rows."""
        m = len(domain.values)
        nothing: dict[str, NDArray[Any]] = {name: np.full(m, np.nan) for name in _NUMBERS}
        nothing |= {"is_doubtful": np.zeros(m, dtype=bool)} | {name: np.full(m, "", dtype="<U1") for name in _TEXTS}
        nothing |= {"paper": np.array(domain.dois, dtype=np.str_)}
        stored = {name: arrays[name] for name in _NUMBERS if name in arrays}
        stored |= {name: np.array(decode_texts(arrays[name]), dtype=np.str_) for name in _TEXTS if name in arrays}
        return cls(
            composition=domain.composition,
            log10_sigma=domain.values,
            temperature_C=domain.temperatures_C,
            is_upper_bound=domain.are_upper_bounds,
            formula=np.array(domain.formulas, dtype=np.str_),
            doi=np.array(domain.dois, dtype=np.str_),
            **(nothing | stored),
        )


_NUMBERS = ("activation_energy_eV", "relative_density", "year", "is_doubtful")
_TEXTS = ("state", "contribution", "paper", "source")


def symmetry(space_group: float) -> str:
    """Return crystal system and number of a space group in words; blank where it is not known."""
    if not 1 <= space_group <= 230:
        return ""
    system = next(name for last, name in _LAST_OF_SYSTEM.items() if space_group <= last)
    return f"{system} (space group {int(space_group)})"


def _mark_same(asked: Array, known: Array, lithium: Array, same: NDArray[np.bool_]) -> None:
    """Mark pairs of rows within twice `SAME_COMPOSITION` of L1 distance, in plain loops for numba."""
    most = 2.0 * SAME_COMPOSITION
    for row in range(asked.shape[0]):
        own = asked[row, _LITHIUM]
        for other in range(known.shape[0]):
            if abs(own - lithium[other]) > most:
                continue
            distance = 0.0
            for column in range(asked.shape[1]):
                distance += abs(asked[row, column] - known[other, column])
                if distance > most:
                    break
            same[row, other] = distance <= most
