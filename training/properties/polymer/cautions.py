"""When an answer deserves less trust than its interval says: near the glass, where chains crystallise, where short."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.errors import WarningCode
from features.polymers.candidate import PolymerBatch
from features.polymers.descriptors import SUMS
from training.properties.contract import Warn
from training.properties.polymer.model import Prediction

Array = NDArray[np.float64]
ABOVE_GLASS_K = 20.0
CRYSTALLISES_BELOW_C = 50.0
SHORTEST_CHAIN = 1_500.0
"""g/mol; below, the material is a liquid."""
ETHYLENE_OXIDE_SHARE = 0.9
"""Of the chain's heavy atoms that are unbroken ethylene oxide in the backbone; PEO has 1."""


def cautions(batch: PolymerBatch, temperature_C: Array, prediction: Prediction) -> list[Warn]:
    """Return the warnings of n answers."""
    glass_C = prediction.glass_transition_C

    def near_glass(row: int) -> str:
        return (
            f"{temperature_C[row]:g} C is less than {ABOVE_GLASS_K:g} K above the glass transition of the polymer"
            f" (about {glass_C[row]:.0f} C): measured values scatter over decades"
        )

    crystals = f"poly(ethylene oxide) crystallises below about {CRYSTALLISES_BELOW_C:g} C: errors double"
    return [
        Warn(WarningCode.NEAR_GLASS_TRANSITION, temperature_C < glass_C + ABOVE_GLASS_K, near_glass),
        Warn(
            WarningCode.CRYSTALLISES,
            is_like_peo(batch) & (temperature_C < CRYSTALLISES_BELOW_C),
            lambda row: crystals,
        ),
        Warn(
            WarningCode.SHORT_CHAIN,
            batch.molar_mass < SHORTEST_CHAIN,
            lambda row: f"below {SHORTEST_CHAIN:g} g/mol the material is a liquid",
        ),
    ]


def is_like_peo(batch: PolymerBatch) -> NDArray[np.bool_]:
    """Whether chains are, nearly without a break, ethylene oxide in the backbone, shape (n,)."""
    of = {name: batch.sums[:, SUMS.index(name)] for name in ("heavy", "ether_runs", "backbone", "methyl", "branched")}
    unbroken = 3.0 * of["ether_runs"] / of["heavy"]
    found: NDArray[np.bool_] = (unbroken >= ETHYLENE_OXIDE_SHARE) & (of["backbone"] >= 0.99 * of["heavy"])
    return found
