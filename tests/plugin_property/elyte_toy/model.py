"""Ridge regression of the logarithm of densities, with conformal intervals from left-out rows."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import element_table
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
RIDGE = 1e-3
STIFFNESS_PER_GPA = 0.01
"""By so much a gigapascal raises the density: a round number for oxides, good enough for a toy."""


@cache
def table() -> tuple[tuple[str, ...], Array]:
    """Return formulas and densities in g/cm3, shape (n,)."""
    text = (files("elyte_toy") / "densities.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return tuple(row["formula"] for row in rows), np.array([float(row["density_g_per_cm3"]) for row in rows])


def descriptors(batch: MaterialBatch) -> Array:
    """Return 1, the logarithm of the mean atomic mass and the mean covalent radius, shape (n, 3)."""
    elements = element_table()
    mass = (batch.fraction * np.asarray(elements["atomic_mass_g_per_mol"])[batch.element_index]).sum(axis=1)
    radius = (batch.fraction * np.asarray(elements["CovalentRadius"])[batch.element_index]).sum(axis=1)
    return np.stack([np.ones(len(batch)), np.log(mass), radius / 100.0], axis=1)


@dataclass(frozen=True, eq=False)
class ToyModel:
    """Coefficients, scores of left-out rows, and what was learned from."""

    coefficients: Array
    scale: ConformalScale
    known: tuple[str, ...]
    log_density: Array

    @classmethod
    def fit(cls, formulas: tuple[str, ...], density_g_per_cm3: Array) -> ToyModel:
        """Fit on n densities; each is also predicted without itself."""
        design, target = descriptors(MaterialBatch.from_formulas(formulas)), np.log(density_g_per_cm3)
        gram = design.T @ design + RIDGE * np.eye(design.shape[1])
        hat = design @ np.linalg.solve(gram, design.T)
        coefficients = np.linalg.solve(gram, design.T @ target)
        left_out = target - (target - hat @ target) / (1.0 - np.diag(hat))
        one = np.ones(len(target))
        scale = ConformalScale.fit(target, np.zeros(len(target), dtype=bool), left_out, one, one)
        return cls(coefficients, scale, formulas, target)

    def predict(self, batch: MaterialBatch, pressure_GPa: Array, coverage: float) -> Interval:
        """Return densities in g/cm3 at pressures of shape (n,)."""
        centre = descriptors(batch) @ self.coefficients + STIFFNESS_PER_GPA * pressure_GPa
        reach = self.scale.factor(coverage)
        return Interval(np.exp(centre), np.exp(centre - reach), np.exp(centre + reach))

    def distances(self, batch: MaterialBatch) -> Array:
        """Return half the L1 distance of compositions to those that are known, shape (n, known)."""
        known = MaterialBatch.from_formulas(self.known).matrix()
        apart: Array = np.abs(batch.matrix()[:, None] - known[None]).sum(axis=2) / 2
        return apart

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {
            "coefficients": self.coefficients,
            "scores": self.scale.scores,
            "known": np.array(self.known),
            "log_density": self.log_density,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ToyModel:
        """Rebuild from `arrays()`."""
        known = tuple(str(formula) for formula in arrays["known"])
        return cls(arrays["coefficients"], ConformalScale(arrays["scores"]), known, arrays["log_density"])
