"""How uncertain the stability nets are of many compounds together: their disagreement, shared by alike compositions."""

from __future__ import annotations

import numpy as np

from training.properties.outputs import ModelOutputs
from training.properties.stability.model import StabilityModel
from training.properties.stability.quantities import ABOVE_HULL, NAME
from training.suggestions.pool import DesignPool, SharedUncertainty, UnsuitableReferenceError

ENERGY_NOISE_eV_PER_ATOM = 0.02
"""Of a computed formation energy: some ten meV per atom between functionals (docs/science/stability.md)."""


def pool_of(outputs: ModelOutputs, *, with_domain: bool) -> DesignPool:
    """Judge the formation energy; elements without energies cannot be judged, tabled compounds teach nothing."""
    if with_domain:
        raise UnsuitableReferenceError
    model: StabilityModel = outputs.models[NAME]
    batch, n = outputs.query.batch, len(outputs)
    uncovered = model.uncovered_elements(batch)
    possible = np.array([not elements for elements in uncovered], dtype=bool)
    spread, distance, inside = np.zeros(n), np.ones(n), np.zeros(n, dtype=bool)
    if possible.any():
        around = model.predict(batch.take(np.flatnonzero(possible)))
        spread[possible], distance[possible] = around.spread_eV_per_atom, around.distance
        inside[possible] = around.in_domain
    known = possible & (spread == 0.0)
    why = [f"no energies of {', '.join(elements)}" for elements in uncovered if elements]
    why += ["its energy is in the table"] * int(known.sum())
    uncertainty = SharedUncertainty(outputs.composition, spread, model.radius, ENERGY_NOISE_eV_PER_ATOM**2)
    radius = np.full(n, model.radius)
    return DesignPool(
        uncertainty, n, possible & ~known, spread, ABOVE_HULL.unit, lambda: (distance, radius, inside), tuple(why)
    )
