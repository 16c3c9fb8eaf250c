"""What has been measured near a candidate: chains by likeness, then the curve of the nearest salt and amount.

The distance of two chains is 1 less the correlation that the process gives them: 0 for the same, near 1 where neither
donors, mobility nor structure are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.polymers.candidate import PolymerBatch
from training.applicability import decode_texts, encode_texts
from training.properties.polymer.inputs import Inputs
from training.properties.polymer.process import Kernel, chain_likeness

Array = NDArray[np.float64]
OTHER_SALT = 0.1
"""What another salt adds to the distance of a curve, and each factor of e in the amount of lithium half of it."""

WITHOUT_DOI = 0.05
"""What a curve whose paper is not known adds, so that of like ones that with a source is named."""


class Transference(NamedTuple):
    """A measured transference number of lithium, which is shown and never predicted."""

    t_plus: float
    anion: str
    li_per_functional_group: float
    temperature_C: float
    method: str
    doi: str


class KnownPolymer(NamedTuple):
    """A measured electrolyte near a candidate.

    Attributes
    ----------
    polymer, salt
        Canonical repeat unit; canonical SMILES of the salt, or `none`.
    molality
        mol of salt per kg of polymer.
    temperature_C, value
        Of the point of its curve nearest to the temperature asked; log10 of S/cm.
    doi
        Empty where it is not known.
    distance
        Of the chains, 0 to 1.
    transference
        Of the same polymer.
    """

    polymer: str
    salt: str
    molality: float
    temperature_C: float
    value: float
    doi: str
    distance: float
    transference: tuple[Transference, ...]


@dataclass(frozen=True, eq=False)
class KnownPolymers:
    """Measured curves by polymer.

    Parameters
    ----------
    chains
        Inputs of the p polymers in the scales of the process.
    keys
        Canonical repeat units, length p.
    curve_polymer, curve_salt, curve_doi
        Length c: number of the polymer, and texts.
    curve_amount
        Shape (c, 2), molality of salt and of lithium.
    points
        Shape (n, 3): number of the curve, temperature in degrees Celsius, log10 of S/cm; sorted by curve.
    transference
        By canonical repeat unit.
    radius
        Distance within which nine of ten known polymers have another one.
    """

    chains: Inputs
    keys: tuple[str, ...]
    curve_polymer: NDArray[np.int64]
    curve_salt: tuple[str, ...]
    curve_doi: tuple[str, ...]
    curve_amount: Array
    points: Array
    transference: Mapping[str, Sequence[Transference]]
    radius: float

    def distances(self, scaled: Inputs) -> Array:
        """Return distances of n chains to the known ones, shape (n, p), for inputs in scales."""
        return 1.0 - chain_likeness(Kernel(), scaled, self.chains)

    def distance(self, scaled: Inputs) -> Array:
        """Return the distance to the nearest known chain, shape (n,)."""
        found: Array = self.distances(scaled).min(axis=1)
        return found

    def in_domain(self, distance: Array) -> NDArray[np.bool_]:
        """Whether a chain lies within the radius."""
        inside: NDArray[np.bool_] = distance <= self.radius
        return inside

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.searchsorted(self.points[:, 0], np.arange(len(self.curve_polymer) + 1))

    def nearest(
        self, scaled: Inputs, batch: PolymerBatch, temperature_C: Array, n_nearest: int
    ) -> list[list[KnownPolymer]]:
        """Return for each row the nearest curves, at most one a polymer, nearest first."""
        chains = self.distances(scaled)
        salts, unsourced = np.array(self.curve_salt), np.array([not doi for doi in self.curve_doi])
        found = []
        for row, of_chains in enumerate(chains):
            amount = np.abs(np.log((self.curve_amount[:, 1] + 0.02) / (batch.lithium_molality[row] + 0.02)))
            away = of_chains[self.curve_polymer] + OTHER_SALT * ((salts != batch.salt_keys[row]) + 0.5 * amount)
            away += WITHOUT_DOI * unsourced
            best: dict[int, int] = {}
            for curve in np.argsort(away, kind="stable").tolist():
                best.setdefault(int(self.curve_polymer[curve]), curve)
                if len(best) == n_nearest:
                    break
            found.append([self._described(curve, of_chains, temperature_C[row]) for curve in best.values()])
        return found

    def _described(self, curve: int, of_chains: Array, temperature_C: float) -> KnownPolymer:
        points = self.points[self._starts[curve] : self._starts[curve + 1]]
        point = points[np.abs(points[:, 1] - temperature_C).argmin()]
        polymer = int(self.curve_polymer[curve])
        return KnownPolymer(
            self.keys[polymer],
            self.curve_salt[curve],
            round(float(self.curve_amount[curve, 0]), 4),
            round(float(point[1]), 2),
            round(float(point[2]), 3),
            self.curve_doi[curve],
            round(float(of_chains[polymer]), 4),
            tuple(self.transference.get(self.keys[polymer], ())),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        numbers = [(key, one) for key, all_of in self.transference.items() for one in all_of]
        texts = [key for key, _ in numbers], [one.anion for _, one in numbers]
        rest = [one.method for _, one in numbers], [one.doi for _, one in numbers]
        return {
            **{f"chain_{name}": part for name, part in self.chains._asdict().items()},
            "keys": encode_texts(self.keys),
            "curve_polymer": self.curve_polymer.astype(np.int16),
            "curve_salt": encode_texts(self.curve_salt),
            "curve_doi": encode_texts(self.curve_doi),
            "curve_amount": self.curve_amount,
            "points": self.points.astype(np.float32),
            **{f"transference_text_{n}": encode_texts(column) for n, column in enumerate((*texts, *rest))},
            "transference": np.array(
                [(one.t_plus, one.li_per_functional_group, one.temperature_C) for _, one in numbers]
            ).reshape(-1, 3),
            "radius": np.array(self.radius),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KnownPolymers:
        """Rebuild from `arrays()`."""
        key, anion, method, doi = (decode_texts(arrays[f"transference_text_{n}"]) for n in range(4))
        transference: dict[str, list[Transference]] = {}
        for row, (t_plus, per_group, temperature_C) in enumerate(np.asarray(arrays["transference"], dtype=float)):
            one = Transference(t_plus, anion[row], per_group, temperature_C, method[row], doi[row])
            transference.setdefault(key[row], []).append(one)
        return cls(
            Inputs(*(np.asarray(arrays[f"chain_{name}"], dtype=float) for name in Inputs._fields)),
            decode_texts(arrays["keys"]),
            arrays["curve_polymer"].astype(np.int64),
            decode_texts(arrays["curve_salt"]),
            decode_texts(arrays["curve_doi"]),
            np.asarray(arrays["curve_amount"], dtype=float),
            np.asarray(arrays["points"], dtype=float),
            transference,
            float(arrays["radius"]),
        )
