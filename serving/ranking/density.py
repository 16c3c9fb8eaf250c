"""Density: that of the unit cell where one is known, else an estimate from volumes of the elements.

The estimate adds a volume for every atom. The volumes are fitted, on the unit cells of known materials that a model
carries, by ridge regression on atomic fractions, towards one volume for all; how far it errs is told by predictions of
rows whose composition was left out (leverage formula of linear regression), as a conformal scale on log volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.elements import SYMBOLS, element_table
from features.lattice import cell_volume_A3
from training.distributions import ConformalDistribution, Predictive
from training.properties import registry
from training.properties.outputs import ModelOutputs
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
DALTON_PER_A3 = 1.66053906660  # g/cm3 (CODATA 2018)
ERROR = "estimated density"
"""Source of error."""
RIDGE = 0.3
FEWEST_CELLS = 30
NO_CELL = "density: no unit cell is given, and no table of volumes is served to estimate it from"


@dataclass(frozen=True, eq=False)
class Volumes:
    """Volumes of atoms in A3, shape (103,), which elements were fitted, and errors of log volume."""

    per_atom_A3: Array
    seen: NDArray[np.bool_]
    scale: ConformalScale


def density(outputs: ModelOutputs) -> Predictive:
    """Return the distribution of the density in g/cm3; without error where a unit cell is known."""
    lattice, composition, n = outputs.query.batch.lattice, outputs.composition, len(outputs)
    mass = composition @ element_table()["atomic_mass_g_per_mol"]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = DALTON_PER_A3 * mass / (cell_volume_A3(lattice) / lattice[:, 7])
    found = np.where(np.isfinite(found), found, np.nan)
    width = np.zeros(n)
    reasons: list[str | None] = [None] * n
    guessed = np.flatnonzero(np.isnan(found))
    volumes = _volumes(outputs) if len(guessed) else None
    for row in guessed.tolist():
        unseen = [] if volumes is None else np.flatnonzero((composition[row] > 0) & ~volumes.seen).tolist()
        if volumes is None:
            reasons[row] = NO_CELL
        elif unseen:
            names = ", ".join(SYMBOLS[z] for z in unseen)
            reasons[row] = f"density: no unit cell is given, and none that is known holds {names}"
        else:
            found[row] = DALTON_PER_A3 * mass[row] / float(composition[row] @ volumes.per_atom_A3)
            width[row] = found[row]
    scale = volumes.scale if volumes is not None else ConformalScale(np.zeros(0))
    return Predictive(ConformalDistribution.symmetric(ERROR, found, width, scale, floor=0.0), reasons)


def _volumes(outputs: ModelOutputs) -> Volumes | None:
    """Return volumes fitted on what the first model carries that knows unit cells of made materials."""
    for one in registry.properties():
        made = one.made(outputs.models[one.name]) if one.name in outputs.models else None
        if made is not None:
            return fitted_volumes(made.cell_composition, made.volume_per_atom_A3)
    return None


def fitted_volumes(composition: Array, volume: Array) -> Volumes | None:
    """Fit volumes of atoms on unit cells, shapes (k, 103) and (k,); None where they are too few."""
    if len(volume) < FEWEST_CELLS:
        return None
    fractions, place = np.unique(composition, axis=0, return_inverse=True)
    place = place.reshape(-1)
    volume = np.bincount(place, volume) / np.bincount(place)
    common = float(volume.mean())
    gram = fractions.T @ fractions + RIDGE * np.eye(fractions.shape[1])
    hat = fractions @ np.linalg.solve(gram, fractions.T)
    per_atom = common + np.linalg.solve(gram, fractions.T @ (volume - common))
    left_out = volume - (volume - fractions @ per_atom) / (1.0 - np.diag(hat))
    errors = np.abs(np.log(np.maximum(left_out, 1.0) / volume))
    seen: NDArray[np.bool_] = np.any(fractions > 0.0, axis=0)
    return Volumes(np.maximum(per_atom, 1.0), seen, ConformalScale(np.sort(errors)))
