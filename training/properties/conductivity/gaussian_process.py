"""One Gaussian process for conductivity and activation energy together.

Two functions of the material are learned jointly: a = log10 sigma at 25 C and E = activation energy. Every
measurement is a linear observation of them, so that the Arrhenius law holds by construction and a paper that reports
only an activation energy still says something about the conductivity:

    log10 sigma(T) - log10(T0/T) = a - E u(T) + noise,      reported energy = E + noise.

The covariance is Cov[(a, E)_i, (a, E)_j] = B k(i, j) with a 2 x 2 matrix B (intrinsic coregionalisation; Alvarez et
al., doi 10.1561/2200000036) and k a weighted sum of exponential kernels, smaller between materials whose stoichiometry
suggests different structures. Bounds such as `<1e-10` are bounds: their
targets are moments of the truncated predictive distribution (Tobit by expectation-maximisation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.kernels import TrainingMaterials

Array = NDArray[np.float64]
_ROWS_PER_BLOCK = 128  # likenesses of a block stay in the processor's cache
_COLUMNS_PER_BLOCK = 128
_FEW_ROWS = 128  # so few that their distances are not worth a compiler: a model that is loaded should answer at once
SMALLEST_VARIANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Kernel weights and lengths (one per kernel), scales of both functions, their correlation, noises, means.

    `other_prototype` is how much a material of another structure prototype counts, 0 to 1; 1 in older bundles.
    """

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
    other_prototype: float = 1.0

    def covariance(self, materials: TrainingMaterials, other: Descriptors) -> Array:
        """Return k between materials, shape (len(other), len(materials))."""
        total = self._sum_of_kernels(materials.distances(other, self.kernels))
        if self.other_prototype < 1.0:
            np.multiply(total, self.other_prototype, out=total, where=~materials.same_prototype(other))
        return total

    def _sum_of_kernels(self, distances: list[Array]) -> Array:
        """Return the sum from distances; where a lattice is missing, the lattice kernel contributes nothing.

        Likeness of stoichiometry counts among chemically alike materials only: its kernel, a Gaussian of the
        distance, is multiplied by that of the blurred composition.
        """
        exponents = np.empty((len(distances), *distances[0].shape))
        for place, (name, length) in enumerate(zip(self.kernels, self.lengths, strict=True)):
            np.divide(distances[place], -length, out=exponents[place])
            if name == "stoichiometry":
                exponents[place] *= -0.5 * exponents[place]
                blurred = self.kernels.index("blurred_composition")
                assert blurred < place, "the kernel 'blurred_composition' stands before 'stoichiometry'"
                exponents[place] += exponents[blurred]
        terms = np.exp(exponents, out=exponents)  # these matrices are what a batch spends its time on
        if "crystal" in self.kernels:
            crystal = terms[self.kernels.index("crystal")]
            crystal[np.isnan(crystal)] = 0.0
        total: Array = np.array(self.weights) @ terms.reshape(len(terms), -1)
        return total.reshape(distances[0].shape)


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


class Factors(NamedTuple):
    """What predictions take of a fitted process, per training material.

    Parameters
    ----------
    alpha_a, alpha_e
        Weights of the means of a and of E, shape (materials,).
    variances
        Lower triangles of a and of E whose quadratic forms are the variance explained; see `_packed`.
    """

    alpha_a: Array
    alpha_e: Array
    variances: Array


Keep = Callable[[Callable[[], dict[str, Array]]], dict[str, Array]]
"""Returns arrays from where they are kept, or makes and keeps them."""


class LatentPrediction(NamedTuple):
    """Means of a and E, and how sure the process is of a before the noise of a measurement; each of shape (n,)."""

    log10_sigma: Array
    activation_energy_eV: Array
    log10_sigma_sd: Array


class ProcessPrediction(NamedTuple):
    """Predictive means and standard deviations of a new measurement (noise included), each of shape (n,)."""

    log10_sigma: Array
    log10_sigma_sd: Array
    activation_energy_eV: Array
    activation_energy_sd_eV: Array
    log10_sigma_latent_sd: Array

    def latent(self) -> LatentPrediction:
        """Return the prediction without the noise of a measurement."""
        return LatentPrediction(self.log10_sigma, self.activation_energy_eV, self.log10_sigma_latent_sd)


@dataclass(frozen=True)
class ArrheniusProcess:
    """The fitted process: materials, observations and hyperparameters; factors are derived when first needed."""

    materials: TrainingMaterials
    observations: Observations
    hyper: Hyperparameters
    targets: Array
    extra_variance: Array

    @cached_property
    def _inverse(self) -> Array:
        """Inverse covariance of the observations, shape (m, m)."""
        return inverse_of(self.covariance())

    @property
    def _loadings(self) -> tuple[Array, Array]:
        """Return how each observation bears on a and on E of its own material, shape (m,) each."""
        h, o = self.hyper, self.observations
        sigma, energy = h.sd_sigma * o.of_sigma, h.sd_energy * o.of_energy
        return h.sd_sigma * (sigma + h.correlation * energy), h.sd_energy * (energy + h.correlation * sigma)

    @cached_property
    def _alpha(self) -> Array:
        """Inverse covariance times the targets less their means, shape (m,)."""
        h, o = self.hyper, self.observations
        alpha: Array = self._inverse @ (self.targets - o.of_sigma * h.mean_sigma - o.of_energy * h.mean_energy)
        return alpha

    @cached_property
    def _factors(self) -> Factors:
        """Weights of the mean and of the variance, per material."""
        keep: Keep | None = self.__dict__.get("_keep")
        if keep is None:
            return self._computed_factors()
        had_inverse = "_inverse" in self.__dict__
        found = keep(lambda: self._computed_factors()._asdict())
        if not had_inverse:  # the largest matrix: predicting does without, and what needs it computes it anew
            self.__dict__.pop("_inverse", None)
        return Factors(**found)

    def keep_factors(self, keep: Keep) -> None:
        """Let what predictions need be taken from where it is kept, and be kept there once it was computed."""
        self.__dict__["_keep"] = keep

    def _computed_factors(self) -> Factors:
        to_a, to_e = self._loadings
        place = (self.observations.material, np.arange(len(to_a)))
        shape = (len(self.materials.descriptors), len(to_a))
        of_a, of_e = csr_array((to_a, place), shape=shape), csr_array((to_e, place), shape=shape)
        alpha, inverse = self._alpha, self._inverse
        lower = _lower(_fold(of_a, inverse)), _lower(_fold(of_e, inverse))
        return Factors(of_a @ alpha, of_e @ alpha, _packed(*lower))

    def between_materials(self) -> Array:
        """Return k between the training materials, 1 on the diagonal."""
        own, h = self.materials.descriptors, self.hyper
        between = np.vstack(
            [
                h.covariance(self.materials, own.take(rows))
                for rows in np.split(np.arange(len(own)), range(_FEW_ROWS, len(own), _FEW_ROWS))
            ]
        )
        np.fill_diagonal(between, 1.0)
        return between

    def covariance(self) -> Array:
        """Return the covariance of the observations, noise included, shape (m, m)."""
        h, o = self.hyper, self.observations
        k = self.between_materials()[np.ix_(o.material, o.material)]
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
            TrainingMaterials to judge, n of them.

        Returns
        -------
        ProcessPrediction
            log10 of S/cm and eV.
        """
        h = self.hyper
        alpha_a, alpha_e, variances = self._factors
        blocks = []
        for start in range(0, len(descriptors), _ROWS_PER_BLOCK):
            block = descriptors.take(np.arange(start, min(start + _ROWS_PER_BLOCK, len(descriptors))))
            k = h.covariance(self.materials, block)
            known_a, known_e = _quadratic_forms(k, variances)
            left_a, left_e = h.sd_sigma**2 - known_a, h.sd_energy**2 - known_e
            blocks.append(
                (
                    h.mean_sigma + k @ alpha_a,
                    np.sqrt(np.maximum(left_a, 0.0) + h.noise_sigma**2),
                    h.mean_energy + k @ alpha_e,
                    np.sqrt(np.maximum(left_e, 0.0) + h.noise_energy**2),
                    np.sqrt(np.maximum(left_a, SMALLEST_VARIANCE)),
                )
            )
        return ProcessPrediction(*(np.concatenate(column) for column in zip(*blocks, strict=True)))

    def predict_without(self, likeness: Array, left_out: NDArray[np.bool_]) -> LatentPrediction:
        """Predict materials as if some observations had not been made; see `leave_paper_out`.

        Parameters
        ----------
        likeness
            Shape (n, materials), k between the wanted materials and the training materials.
        left_out
            Shape (m,), the observations to ignore.
        """
        h, inverse = self.hyper, self._inverse
        to_a, to_e = self._loadings
        k = likeness[:, self.observations.material]
        alpha, gone = self._alpha, np.flatnonzero(left_out)
        block = np.linalg.inv(inverse[np.ix_(gone, gone)]) if len(gone) else np.zeros((0, 0))
        alpha = alpha - inverse[:, gone] @ (block @ alpha[gone])
        alpha[gone] = 0.0
        projected = (k * to_a) @ inverse
        explained = (projected * (k * to_a)).sum(axis=1)
        explained -= ((projected[:, gone] @ block) * projected[:, gone]).sum(axis=1)
        return LatentPrediction(
            h.mean_sigma + (k * to_a) @ alpha,
            h.mean_energy + (k * to_e) @ alpha,
            np.sqrt(np.maximum(h.sd_sigma**2 - explained, SMALLEST_VARIANCE)),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        o = self.observations
        materials = {f"materials/{name}": array for name, array in self.materials.arrays().items()}
        return materials | {
            "material": o.material,
            "of_sigma": o.of_sigma,
            "of_energy": o.of_energy,
            "value": o.value,
            "is_upper_bound": o.is_upper_bound,
            "targets": self.targets,
            "extra_variance": self.extra_variance,
        }

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
            TrainingMaterials.from_arrays(materials),
            Observations(*(arrays[name] for name in names)),
            hyper,
            arrays["targets"],
            arrays["extra_variance"],
        )


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


def _lower(symmetric: Array) -> Array:
    """Return the lower triangle that has the quadratic form of a symmetric matrix."""
    triangle: Array = 2.0 * np.tril(symmetric, -1) + np.diag(np.diag(symmetric))
    return triangle


def _packed(first: Array, second: Array) -> Array:
    """Return two lower triangles side by side in blocks of columns, one after another, without the zeros above."""
    columns = range(0, len(first), _COLUMNS_PER_BLOCK)
    blocks = [[one[start:, start : start + _COLUMNS_PER_BLOCK] for one in (first, second)] for start in columns]
    return np.concatenate([np.hstack(block).ravel() for block in blocks])


def _quadratic_forms(rows: Array, packed: Array) -> tuple[Array, Array]:
    """Return row @ lower @ row of each row for both triangles, shape (n,) each."""
    first, second, place = np.zeros(len(rows)), np.zeros(len(rows)), 0
    m = rows.shape[1]
    for start in range(0, m, _COLUMNS_PER_BLOCK):
        width = min(_COLUMNS_PER_BLOCK, m - start)
        size = (m - start) * 2 * width
        own = rows[:, start : start + width]
        product = rows[:, start:] @ packed[place : place + size].reshape(m - start, 2 * width)
        first += np.einsum("ij,ij->i", product[:, :width], own)
        second += np.einsum("ij,ij->i", product[:, width:], own)
        place += size
    return first, second
