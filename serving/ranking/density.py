"""Density: that of the unit cell where one is known, else an estimate from volumes of the elements.

The estimate adds a volume for every atom. The volumes are fitted, on the unit cells that the conductivity model
carries, by ridge regression on atomic fractions, towards one volume for all; how far it errs is told by predictions
of rows whose composition was left out (leverage formula of linear regression), as a conformal scale on log volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.crystal import LABELS
from features.elements import SYMBOLS, element_table
from features.lattice import cell_volume_A3
from serving.ranking.beliefs import Conformal, Source
from serving.ranking.evidence import Evidence
from serving.ranking.laws import ScoreLaw
from training.properties.conductivity.model import ConductivityModel
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
DALTON_PER_A3 = 1.66053906660  # g/cm3 (CODATA 2018)
RIDGE = 0.3
FEWEST_CELLS = 30
NO_CELL = "density: no unit cell is given, and no table of volumes is served to estimate it from"


@dataclass(frozen=True, eq=False)
class Volumes:
    """Volumes of atoms in A3, shape (103,), which elements were fitted, and errors of log volume."""

    per_atom_A3: Array
    seen: NDArray[np.bool_]
    scale: ConformalScale


def density_belief(evidence: Evidence) -> tuple[Conformal, list[str | None]]:
    """Return what is believed of the density in g/cm3; without error where a unit cell is known."""
    lattice, n = evidence.batch.lattice, len(evidence)
    mass = evidence.composition @ element_table()["atomic_mass_g_per_mol"]
    with np.errstate(invalid="ignore", divide="ignore"):
        density = DALTON_PER_A3 * mass / (cell_volume_A3(lattice) / lattice[:, 7])
    density = np.where(np.isfinite(density), density, np.nan)
    width = np.zeros(n)
    reasons: list[str | None] = [None] * n
    guessed = np.flatnonzero(np.isnan(density))
    served = evidence.models.get("conductivity")
    volumes = None if served is None or not len(guessed) else fitted_volumes(served.model)
    for row in guessed.tolist():
        unseen = [] if volumes is None else np.flatnonzero((evidence.composition[row] > 0) & ~volumes.seen).tolist()
        if volumes is None:
            reasons[row] = NO_CELL
        elif unseen:
            names = ", ".join(SYMBOLS[z] for z in unseen)
            reasons[row] = f"density: no unit cell is given, and none that is known holds {names}"
        else:
            density[row] = DALTON_PER_A3 * mass[row] / float(evidence.composition[row] @ volumes.per_atom_A3)
            width[row] = density[row]
    law = ScoreLaw(volumes.scale if volumes is not None else ConformalScale(np.zeros(0)))
    return Conformal(Source.DENSITY, density, width, width, (law,), np.zeros(n, dtype=np.int64), floor=0.0), reasons


def fitted_volumes(model: ConductivityModel) -> Volumes | None:
    """Fit volumes of atoms on the unit cells that a model carries; None where it carries too few."""
    deck = model.variants["formula"].ensemble.hot_deck
    volume = deck.crystal[:, LABELS.index("volume_per_atom_A3")] if len(deck.crystal) else np.zeros(0)
    usable = np.isfinite(volume) & (volume > 0.0)
    if usable.sum() < FEWEST_CELLS:
        return None
    fractions, place = np.unique(deck.composition[usable], axis=0, return_inverse=True)
    place = place.reshape(-1)
    volume = np.bincount(place, volume[usable]) / np.bincount(place)
    common = float(volume.mean())
    gram = fractions.T @ fractions + RIDGE * np.eye(fractions.shape[1])
    hat = fractions @ np.linalg.solve(gram, fractions.T)
    per_atom = common + np.linalg.solve(gram, fractions.T @ (volume - common))
    left_out = volume - (volume - fractions @ per_atom) / (1.0 - np.diag(hat))
    errors = np.abs(np.log(np.maximum(left_out, 1.0) / volume))
    seen: NDArray[np.bool_] = np.any(fractions > 0.0, axis=0)
    return Volumes(np.maximum(per_atom, 1.0), seen, ConformalScale(np.sort(errors)))
