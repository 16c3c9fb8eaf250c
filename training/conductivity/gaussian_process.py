"""One Gaussian process for conductivity and activation energy together.

Two functions of the material are learned jointly: a = log10 sigma at 25 C and E = activation energy. Every
measurement is a linear observation of them, so that the Arrhenius law holds by construction and a paper that reports
only an activation energy still says something about the conductivity:

    log10 sigma(T) - log10(T0/T) = a - E u(T) + noise,      reported energy = E + noise.

The covariance is Cov[(a, E)_i, (a, E)_j] = B k(i, j) with a 2 x 2 matrix B (intrinsic coregionalisation; Alvarez et
al., doi 10.1561/2200000036) and k a weighted sum of exponential kernels. Bounds such as `<1e-10` are bounds: their
targets are moments of the truncated predictive distribution (Tobit by expectation-maximisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from training.conductivity.descriptors import Descriptors
from training.conductivity.kernels import Materials

Array = NDArray[np.float64]
_ROWS_PER_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Kernel weights and lengths (one per kernel), scales of both functions, their correlation, noises, means."""

    kernels: tuple[str, ...]
    weights: tuple[float, ...]
    lengths: tuple[float, ...]
    sd_sigma: float
    sd_energy: float
    correlation: float
    noise_sigma: float
    noise_energy: float
    mean_sigma: float
    mean_energy: float

    def covariance(self, distances: list[Array]) -> Array:
        """Return k from distances; where a lattice is missing, the lattice kernel contributes nothing."""
        total = np.zeros_like(distances[0])
        for weight, length, distance in zip(self.weights, self.lengths, distances, strict=True):
            total += weight * np.nan_to_num(np.exp(-distance / length), nan=0.0)
        return total


@dataclass(frozen=True, slots=True)
class Observations:
    """Measurements as linear observations of (a, E).

    Parameters
    ----------
    material
        Shape (m,), row of the material.
    of_sigma, of_energy
        Shape (m,), coefficients of a and E.
    value
        Shape (m,), measured value; for a bound, the bound.
    is_upper_bound
        Shape (m,).
    """

    material: NDArray[np.int64]
    of_sigma: Array
    of_energy: Array
    value: Array
    is_upper_bound: NDArray[np.bool_]

    def of_materials(self, material: NDArray[np.int64]) -> Observations:
        """Return the same measurements with material i renamed to `material[i]`."""
        return replace(self, material=material[self.material])


class ProcessPrediction(NamedTuple):
    """Predictive means and standard deviations of a new measurement (noise included), each of shape (n,)."""

    log10_sigma: Array
    log10_sigma_sd: Array
    activation_energy_eV: Array
    activation_energy_sd_eV: Array


@dataclass(frozen=True)
class ArrheniusProcess:
    """The fitted process: materials, observations and hyperparameters; factors are derived when first needed."""

    materials: Materials
    observations: Observations
    hyper: Hyperparameters
    targets: Array
    extra_variance: Array

    @cached_property
    def _factors(self) -> tuple[Array, Array, Array, Array]:
        """Weights of the mean and of the variance, per material: (alpha_a, alpha_E, variance_a, variance_E)."""
        h, o = self.hyper, self.observations
        sigma, energy = h.sd_sigma * o.of_sigma, h.sd_energy * o.of_energy
        to_a = h.sd_sigma * (sigma + h.correlation * energy)
        to_e = h.sd_energy * (energy + h.correlation * sigma)
        inverse = inverse_of(self.covariance())
        alpha = inverse @ (self.targets - o.of_sigma * h.mean_sigma - o.of_energy * h.mean_energy)
        place = (o.material, np.arange(len(sigma)))
        shape = (len(self.materials.descriptors), len(sigma))
        of_a, of_e = csr_array((to_a, place), shape=shape), csr_array((to_e, place), shape=shape)
        return of_a @ alpha, of_e @ alpha, _fold(of_a, inverse), _fold(of_e, inverse)

    def covariance(self) -> Array:
        """Return the covariance of the observations, noise included, shape (m, m)."""
        h, o = self.hyper, self.observations
        own = self.materials.descriptors
        between = h.covariance(self.materials.distances(own, h.kernels))
        np.fill_diagonal(between, 1.0)
        k = between[np.ix_(o.material, o.material)]
        sigma, energy = h.sd_sigma * o.of_sigma, h.sd_energy * o.of_energy
        cross = np.outer(sigma, energy)
        noise = np.where(o.of_sigma > 0, h.noise_sigma**2, h.noise_energy**2) + self.extra_variance
        total: Array = (
            np.outer(sigma, sigma) + np.outer(energy, energy) + h.correlation * (cross + cross.T)
        ) * k + np.diag(noise + 1e-8)
        return total

    def predict(self, descriptors: Descriptors) -> ProcessPrediction:
        """Predict new measurements at 25 C.

        Parameters
        ----------
        descriptors
            Materials to judge, n of them.

        Returns
        -------
        ProcessPrediction
            log10 of S/cm and eV.
        """
        h = self.hyper
        alpha_a, alpha_e, variance_a, variance_e = self._factors
        blocks = []
        for start in range(0, len(descriptors), _ROWS_PER_BLOCK):
            block = descriptors.take(np.arange(start, min(start + _ROWS_PER_BLOCK, len(descriptors))))
            k = h.covariance(self.materials.distances(block, h.kernels))
            left_a = h.sd_sigma**2 - ((k @ variance_a) * k).sum(axis=1)
            left_e = h.sd_energy**2 - ((k @ variance_e) * k).sum(axis=1)
            blocks.append(
                (
                    h.mean_sigma + k @ alpha_a,
                    np.sqrt(np.maximum(left_a, 0.0) + h.noise_sigma**2),
                    h.mean_energy + k @ alpha_e,
                    np.sqrt(np.maximum(left_e, 0.0) + h.noise_energy**2),
                )
            )
        return ProcessPrediction(*(np.concatenate(column) for column in zip(*blocks, strict=True)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        o = self.observations
        materials = {f"materials/{name}": array for name, array in self.materials.arrays().items()}
        return materials | {
            "material": o.material, "of_sigma": o.of_sigma, "of_energy": o.of_energy, "value": o.value,
            "is_upper_bound": o.is_upper_bound, "targets": self.targets, "extra_variance": self.extra_variance,
        }  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Return the hyperparameters as JSON values."""
        return asdict(self.hyper)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> ArrheniusProcess:
        """Rebuild from `arrays()` and `settings()`."""
        materials = {n.removeprefix("materials/"): a for n, a in arrays.items() if n.startswith("materials/")}
        names = ("material", "of_sigma", "of_energy", "value", "is_upper_bound")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        hyper = Hyperparameters(**values)
        return cls(
            Materials.from_arrays(materials), Observations(*(arrays[name] for name in names)), hyper,
            arrays["targets"], arrays["extra_variance"],
        )  # fmt: skip


def inverse_of(covariance: Array) -> Array:
    """Return the inverse of a covariance matrix, by its Cholesky factor."""
    factor, failed = dpotrf(covariance, lower=1, clean=1)
    if failed == 0:
        inverse, failed = dpotri(factor, lower=1)
    if failed != 0:
        raise np.linalg.LinAlgError("the covariance of the observations is not positive definite")
    full: Array = np.tril(inverse) + np.tril(inverse, -1).T
    return full


def _fold(loading: csr_array, inverse: Array) -> Array:
    """Gather the inverse covariance of the observations by material, each weighted by what it says."""
    folded: Array = loading @ (loading @ inverse).T
    return folded
