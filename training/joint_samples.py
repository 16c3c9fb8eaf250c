"""Joint samples of errors: for each source of error one number a candidate and a sample.

A sample is one way in which all predictions may turn out. The error of a candidate is a sum of two parts: one that
it shares with candidates of similar composition, and one of its own. The shared part is a Gaussian process over the
composition with the exponential kernel of the conductivity model, drawn with random Fourier features (Rahimi and
Recht, NIPS 20 (2007); for exp(-|x - y|_1 / l) the frequencies follow a Cauchy law of width 1 / l). The own part comes
from a counter: it depends on the seed, the sample and the material alone, so neither the order of candidates nor
who else is there changes it, and a material that is given twice fares the same twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

Array = NDArray[np.float64]
N_SAMPLES = 256
N_FREQUENCIES = 192
SEED = 20_251
REACH = 0.28
"""Half-L1 distance of atomic fractions over which errors decorrelate by 1/e: the length of the composition kernel of
the shipped conductivity process (0.275 for formulas, 0.262 with unit cells)."""
_ROUNDED = 9  # decimals of atomic fractions that tell materials apart


@dataclass(frozen=True, eq=False)
class JointSamples:
    """Standard normal errors of each source.

    Parameters
    ----------
    normal
        Shape (s, n) each.
    """

    normal: Mapping[str, Array]

    @classmethod
    def draw(
        cls,
        composition: Array,
        sources: Sequence[str],
        shared: Mapping[str, Array],
        *,
        count: int = N_SAMPLES,
        seed: int = SEED,
    ) -> JointSamples:
        """Draw samples.

        Parameters
        ----------
        composition
            Atomic fractions, shape (n, 103).
        sources
            Sources of error that are needed.
        shared
            Share of a source's error variance that similar compositions have in common, 0 to 1, shape (n,); a source
            that is missing shares nothing.
        count, seed
            How many samples, and which.
        """
        # each material once, in the order of its key: then the order of candidates changes nothing at all
        keys, first, place = np.unique(material_keys(composition), return_index=True, return_inverse=True)
        any_shared = any(np.any(shared.get(source, 0.0) > 0.0) for source in sources)
        features = _features(composition[first], seed) if any_shared else None
        draw = _Draw(keys, features, place.reshape(-1), count)
        return cls({source: draw.errors(shared.get(source), _seed_of(source, seed)) for source in sources})

    def errors(self, spread: float = 1.0) -> Mapping[str, Array]:
        """Return the errors, scaled; shape (s, n) each.

        Parameters
        ----------
        spread
            By how much the errors are scaled: 1 as believed, 0 leaves the medians.
        """
        return self.normal if spread == 1.0 else {source: spread * one for source, one in self.normal.items()}


def material_keys(composition: Array) -> NDArray[np.uint64]:
    """Return a number for each composition, the same for the same composition, shape (n,)."""
    rounded = np.round(composition, _ROUNDED) + 0.0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rounded)
    return np.fromiter((int.from_bytes(digest, "little") for digest in digests), np.uint64, len(composition))


@kernel
def _mix(x: np.uint64) -> np.uint64:
    """Scramble 64 bits (the finaliser of splitmix64, doi 10.1145/2660193.2660195)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def _own_normals(keys: NDArray[np.uint64], steps: NDArray[np.uint64], out: NDArray[np.float64]) -> None:
    """Fill (s, n) with standard normal numbers: counters scrambled, then by pairs through Box and Muller's formula."""
    for s in range(0, out.shape[0], 2):
        for i in range(keys.shape[0]):
            first, second = _mix(_mix(keys[i]) + steps[s]), _mix(_mix(keys[i]) + steps[s + 1])
            radius = np.sqrt(-2.0 * np.log(((first >> np.uint64(11)) + 0.5) * 2.0**-53))
            angle = 2.0 * np.pi * ((second >> np.uint64(11)) * 2.0**-53)
            out[s, i] = radius * np.cos(angle)
            if s + 1 < out.shape[0]:
                out[s + 1, i] = radius * np.sin(angle)


def own_normals(keys: NDArray[np.uint64], seed: int, count: int) -> Array:
    """Return independent standard normal numbers that only key, seed and sample decide, shape (count, n)."""
    steps = np.arange(1, count + 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    out = np.empty((count, len(keys)))
    _own_normals(keys ^ np.uint64(seed), steps, out)
    return out


def _seed_of(source: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {source}".encode(), digest_size=7).digest(), "little")


def _features(composition: Array, seed: int) -> NDArray[np.float32]:
    """Return features whose inner products are exp(-d / REACH) of the half-L1 distance d, shape (n, 2 m)."""
    random = np.random.default_rng(seed)
    # half-L1: |x - y|_1 / 2
    frequency = random.standard_cauchy((composition.shape[1], N_FREQUENCIES)) / (2.0 * REACH)
    used = np.flatnonzero(composition.any(axis=0))
    angle = (composition[:, used] @ frequency[used]).astype(np.float32)
    scale = np.float32(N_FREQUENCIES**-0.5)
    features: NDArray[np.float32] = (scale * np.hstack([np.cos(angle), np.sin(angle)])).astype(np.float32)
    return features


@dataclass(frozen=True, eq=False)
class _Draw:
    """Materials by key, their features, which of them each candidate is, and how many samples are drawn."""

    keys: NDArray[np.uint64]
    features: NDArray[np.float32] | None
    place: NDArray[np.int64]
    count: int

    def errors(self, shared: Array | None, seed: int) -> Array:
        """Return errors of candidates, shape (count, n)."""
        own = own_normals(self.keys, seed, self.count)[:, self.place]
        if self.features is None or shared is None or not np.any(shared > 0.0):
            return own
        weights = np.random.default_rng(seed).standard_normal((self.count, self.features.shape[1])).astype(np.float32)
        together = (weights @ self.features.T).astype(np.float64)[:, self.place]
        share = np.clip(shared, 0.0, 1.0)
        errors: Array = np.sqrt(share) * together + np.sqrt(1.0 - share) * own
        return errors
