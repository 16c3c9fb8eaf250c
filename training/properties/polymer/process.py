"""A Gaussian process over temperature curves: log10 sigma = a(x) - b(x) phi(T), a and b functions of the electrolyte.

phi = 1000/T - 1000/333.15 K, so that a is log10 of the conductivity at 60 C and b the slope of the Arrhenius line. The
points of a curve determine its line up to noise: a curve enters with at most two numbers (the QR decomposition of its
design matrix), however many points were digitised. Papers and samples have offsets of their own, which are left out of
predictions; so a paper with many curves does not outweigh the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from training.properties.polymer.inputs import Inputs

Array = NDArray[np.float64]
REFERENCE_K = 333.15
ZERO_CELSIUS_K = 273.15
MEAN_LEVEL, MEAN_SLOPE = -5.0, 3.0
LEVEL_VARIANCE, SLOPE_VARIANCE = 9.0, 4.0
LEAST_SLOPE = 0.3
"""Of the Arrhenius line, in decades per 1000/T: 0.06 eV. Conductivity rises with temperature, always."""
MOST_POINTS = 6
"""A curve of more points counts as one of so many."""
LEAST_SPAN = 0.02
"""Of phi (2 K at 60 C) within a curve; a narrower one says nothing of the slope."""
SALT_CLIP = 3.0


def inverse_temperature(temperature_C: Array) -> Array:
    """Return phi = 1000/T - 1000/333.15 K for temperatures in degrees Celsius."""
    return 1000.0 / (temperature_C + ZERO_CELSIUS_K) - 1000.0 / REFERENCE_K


@dataclass(frozen=True, slots=True)
class Kernel:
    """Variances and lengths, found by descent on errors of left-out polymers and papers (450 curves of the table).

    Terms: `chain` = donors and mobility; `whole` = all groups together; `mobile` = mobility and amount; `salt` = salt
    and amount; `donor` = donors and amount. `slope` is the variance of b in units of that of a.
    """

    chain: float = 0.407
    chain_donors: float = 1.410
    chain_mobility: float = 5.514
    whole: float = 0.561
    whole_donors: float = 2.275
    whole_mobility: float = 1.717
    whole_amount: float = 1.939
    whole_salt: float = 0.594
    mobile: float = 0.197
    mobile_mobility: float = 2.059
    mobile_amount: float = 3.434
    salt: float = 0.307
    salt_salt: float = 0.823
    salt_amount: float = 2.763
    donor: float = 0.229
    donor_donors: float = 2.801
    donor_amount: float = 2.693
    same_polymer: float = 0.101
    same_paper: float = 0.365
    same_curve: float = 0.043
    noise: float = 0.386
    slope: float = 1.108
    slope_of_offsets: float = 0.394


class Curves(NamedTuple):
    """Numbers that stand for temperature curves: value = design @ (a, b) + noise.

    Attributes
    ----------
    row
        Shape (m,), a point of the curve that each number is of.
    design
        Shape (m, 2).
    value
        Shape (m,).
    """

    row: NDArray[np.int64]
    design: Array
    value: Array


def curves_of(curve: NDArray[np.int64], phi: Array, log10_sigma: Array) -> Curves:
    """Reduce points, shape (n,), to at most two numbers a curve."""
    rows, design, value = [], [], []
    order = np.argsort(curve, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(curve[order]) != 0])
    for here in np.split(order, starts[1:]):
        points = np.column_stack([np.ones(len(here)), -phi[here]])
        weight = np.sqrt(min(1.0, MOST_POINTS / len(here)))
        if len(here) > 1 and np.ptp(phi[here]) > LEAST_SPAN:
            q, r = np.linalg.qr(points)
            design.append(r * weight)
            value.append(q.T @ log10_sigma[here] * weight)
            rows += [here[0]] * 2
        else:
            scale = np.sqrt(len(here)) * weight
            design.append(points.mean(axis=0, keepdims=True) * scale)
            value.append(log10_sigma[here].mean(keepdims=True) * scale)
            rows.append(here[0])
    return Curves(np.array(rows), np.vstack(design), np.concatenate(value))


@dataclass(frozen=True, eq=False)
class Scales:
    """Means and standard deviations of the salt's descriptors over the training curves."""

    mean: Array
    sd: Array

    @classmethod
    def of(cls, inputs: Inputs, curve: NDArray[np.int64]) -> Scales:
        """Take them from training points."""
        salt = inputs.salt[np.unique(curve, return_index=True)[1]]
        return cls(salt.mean(0), salt.std(0) + 1e-6)

    def __call__(self, inputs: Inputs) -> Inputs:
        """Return the inputs with the salt in units in which two of them lie about 1 apart."""
        salt = np.clip((inputs.salt - self.mean) / self.sd, -SALT_CLIP, SALT_CLIP)
        return inputs._replace(salt=salt / np.sqrt(salt.shape[1]))


def _squares(one: Array, other: Array) -> Array:
    squares: Array = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2.0 * one @ other.T
    return np.maximum(squares, 0.0)


def _matern(squares: Array, length: float) -> Array:
    distance = np.sqrt(3.0 * squares) / length
    found: Array = (1.0 + distance) * np.exp(-distance)
    return found


def _gauss(squares: Array, length: float) -> Array:
    found: Array = np.exp(-0.5 * squares / length**2)
    return found


def chain_likeness(kernel: Kernel, one: Inputs, other: Inputs) -> Array:
    """Return the correlation of n and m chains in the term `whole`, whatever salt and amount, shape (n, m)."""
    donors, mobility = _squares(one.donors, other.donors), _squares(one.mobility, other.mobility)
    alike: Array = _matern(donors, kernel.whole_donors) * _gauss(mobility, kernel.whole_mobility)
    return alike


def covariance(kernel: Kernel, one: Inputs, other: Inputs) -> Array:
    """Return the covariance of the levels of n and m electrolytes in scales, shape (n, m), without offsets."""
    k = kernel
    donors, mobility, amount, salt = (_squares(a, b) for a, b in zip(one, other, strict=True))
    total: Array = k.chain * _matern(donors, k.chain_donors) * _gauss(mobility, k.chain_mobility)
    whole = _matern(donors, k.whole_donors) * _gauss(mobility, k.whole_mobility)
    total += k.whole * whole * _matern(salt, k.whole_salt) * _gauss(amount, k.whole_amount)
    total += k.mobile * _gauss(mobility, k.mobile_mobility) * _gauss(amount, k.mobile_amount)
    total += k.salt * _matern(salt, k.salt_salt) * _gauss(amount, k.salt_amount)
    total += k.donor * _matern(donors, k.donor_donors) * _gauss(amount, k.donor_amount)
    return total


def _same(one: NDArray[Any], other: NDArray[Any]) -> Array:
    same: Array = (one[:, None] == other).astype(float)
    return same


class Origins(NamedTuple):
    """Of which polymer, paper and curve each of n points is, shape (n,) each."""

    polymer: NDArray[Any]
    paper: NDArray[np.str_]
    curve: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CurveProcess:
    """The fitted process.

    Parameters
    ----------
    kernel, scales
        As fitted with.
    inputs
        Of the m curves, in scales.
    polymer
        Shape (m,), canonical repeat units.
    level_weights, slope_weights
        Shape (m,), what each covariance counts in a and in b.
    level, slope
        Means of a and b.
    """

    kernel: Kernel
    scales: Scales
    inputs: Inputs
    polymer: NDArray[Any]
    level_weights: Array
    slope_weights: Array
    level: float
    slope: float

    @classmethod
    def fit(cls, inputs: Inputs, origins: Origins, phi: Array, log10_sigma: Array, kernel: Kernel) -> CurveProcess:
        """Fit to n points."""
        scales = Scales.of(inputs, origins.curve)
        curves = curves_of(origins.curve, phi, log10_sigma)
        seen = scales(inputs.take(curves.row))
        polymer, paper, curve = origins.polymer[curves.row], origins.paper[curves.row], origins.curve[curves.row]
        shared = covariance(kernel, seen, seen) + kernel.same_polymer * _same(polymer, polymer)
        offsets = kernel.same_paper * _same(paper, paper) + kernel.same_curve * _same(curve, curve)
        levels, slopes = (np.outer(column, column) for column in curves.design.T)
        total = levels * (shared + offsets + LEVEL_VARIANCE)
        total += slopes * (kernel.slope * shared + kernel.slope_of_offsets * offsets + SLOPE_VARIANCE)
        total[np.diag_indices_from(total)] += kernel.noise**2 + 1e-6
        residual = curves.value - curves.design @ np.array([MEAN_LEVEL, MEAN_SLOPE])
        weights = cho_solve(cho_factor(total, lower=True, overwrite_a=True), residual)
        # both numbers of a curve have one covariance with anything new
        _, first, of_curve = np.unique(curves.row, return_index=True, return_inverse=True)
        level_weights: Array = np.bincount(of_curve, curves.design[:, 0] * weights).astype(np.float64)
        slope_weights: Array = np.bincount(of_curve, curves.design[:, 1] * weights).astype(np.float64)
        return cls(
            kernel,
            scales,
            seen.take(first),
            polymer[first],
            level_weights,
            kernel.slope * slope_weights,
            MEAN_LEVEL + LEVEL_VARIANCE * float(level_weights.sum()),
            MEAN_SLOPE + SLOPE_VARIANCE * float(slope_weights.sum()),
        )

    def lines(self, inputs: Inputs, polymer: NDArray[Any]) -> tuple[Array, Array]:
        """Return a (log10 of S/cm at 60 C) and b (decades per 1000/T, at least `LEAST_SLOPE`), shape (n,) each."""
        shared = covariance(self.kernel, self.scales(inputs), self.inputs)
        shared += self.kernel.same_polymer * _same(polymer, self.polymer)
        slope = self.slope + shared @ self.slope_weights
        return self.level + shared @ self.level_weights, np.maximum(slope, LEAST_SLOPE)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        names, polymer = np.unique(self.polymer, return_inverse=True)
        return {
            **{f"inputs_{name}": part.astype(np.float32) for name, part in self.inputs._asdict().items()},
            "polymer": polymer.astype(np.int32),
            "polymer_names": np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
            "level_weights": self.level_weights,
            "slope_weights": self.slope_weights,
            "means": np.array([self.level, self.slope]),
            "kernel": np.array(list(asdict(self.kernel).values())),
            "scales": np.stack([self.scales.mean, self.scales.sd]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> CurveProcess:
        """Rebuild from `arrays()`; inputs are of single precision."""
        inputs = Inputs(*(np.asarray(arrays[f"inputs_{name}"], dtype=float) for name in Inputs._fields))
        # as objects: in one width, that of the longest, they would take 9 MB and longer to compare
        names = np.array(bytes(arrays["polymer_names"]).decode().split("\n"), dtype=np.object_)
        return cls(
            Kernel(*np.asarray(arrays["kernel"], dtype=float).tolist()),
            Scales(*np.asarray(arrays["scales"], dtype=float)),
            inputs,
            names[arrays["polymer"]],
            np.asarray(arrays["level_weights"], dtype=float),
            np.asarray(arrays["slope_weights"], dtype=float),
            *np.asarray(arrays["means"], dtype=float).tolist(),
        )
